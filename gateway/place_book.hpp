#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace coppice::gateway {

struct place_limits {
  /// A part that is not answered by then is asked of the next scheduler in order.
  duration answer = 150ms;
  /// Demands without an answer that are kept; the oldest goes for a new one.
  std::size_t demands = 64;
};

/// Every demand that is with a scheduler. A demand is split into one part for each scheduler that
/// is home to some of its models, and the answers become one again. The part of a scheduler that
/// died goes to the next in order at once; that of one that is silent goes there after a time
/// limit, and the silent one is passed over until it answers anything.
class place_book {
 public:
  explicit place_book(place_limits limits = {}) : limits_{limits} {}

  /// To be asked of `scheduler`; its answer is told by its ticket.
  struct part {
    std::uint64_t ticket = 0;
    std::string scheduler;
    proto::place_request demand;
  };
  /// What follows of an event.
  struct outcome {
    std::vector<part> ask;
    std::vector<proto::place_reply> replies;
    /// Parts that are asked of another scheduler than before.
    std::size_t moved = 0;
    /// Demands that nobody is left to answer.
    std::size_t lost = 0;
  };

  /// The pools of all models; a model in none is one of its own.
  void set_pools(const std::vector<proto::model_pool>& pools);
  void joined(const std::string& scheduler);
  outcome gone(const std::string& scheduler, steady_time now);
  /// It said something: it is not silent.
  void heard(const std::string& scheduler);

  outcome demand(const proto::place_request& demand, steady_time now);
  outcome answered(std::uint64_t ticket, proto::place_reply&& reply);
  /// No answer will come to that part.
  outcome failed(std::uint64_t ticket, steady_time now);
  /// At least every 25 ms.
  outcome turn(steady_time now);

  /// Who answers for `key`; nothing if there is no scheduler. One that is silent only if all are.
  [[nodiscard]] std::optional<std::string> home(std::string_view key) const;
  [[nodiscard]] bool is_silent(const std::string& scheduler) const;
  [[nodiscard]] std::size_t open_parts() const noexcept { return parts_.size(); }

 private:
  struct open_demand {
    std::uint64_t id;
    std::size_t parts = 0;
    bool answered = false;
    proto::place_reply reply;
  };
  struct open_part {
    part asked;
    open_demand* of;
    steady_time at;
    /// It waits on, as there is nobody else to ask.
    bool waits = false;
  };
  using parts = std::map<std::uint64_t, open_part>;

  const std::string& home_of(const std::string& model);
  void silent(const std::string& scheduler);
  [[nodiscard]] bool anybody_speaks() const;
  std::vector<part> split(const proto::place_request& demand);
  void ask(open_demand& of, const proto::place_request& demand, outcome& out, steady_time now);
  void ask_next(parts::iterator lost, outcome& out, steady_time now);
  void finish_if_done(open_demand& of, outcome& out);
  void make_room();

  place_limits limits_;
  /// By scheduler: whether it is silent.
  std::map<std::string, bool> schedulers_;
  std::unordered_map<std::string, std::string> pool_of_;
  /// By model; void whenever schedulers or pools change.
  std::unordered_map<std::string, std::string> homes_;
  std::list<open_demand> demands_;
  parts parts_;
  std::uint64_t last_id_ = 0;
};

}  // namespace coppice::gateway
