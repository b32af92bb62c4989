#pragma once

#include "gateway/place_book.hpp"
#include "gateway/shard/shard.hpp"
#include "tests/fleet/cluster.hpp"
#include "tests/fleet/fleet_clients.hpp"
#include "tests/fleet/part.hpp"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::fleet {

/// A gateway: a real shard and place book, what gateway/shard/shard_loop.cpp and
/// gateway/gateway_actor.cpp do around them, and the clients that are connected to it. What the
/// shard does to the world is kept until its handler has returned: only the shard's own work, with
/// the encoding that its loop would do, is its cost.
class gateway_host : private gateway::shard_effects {
 public:
  struct costs {
    /// The shard, by what it handled.
    cost requests, link_messages, place_replies, told, ticks;
    /// The gateway actor: its place book, and the codec of places and their replies.
    cost book, place_codec;
  };
  /// Rows of credit listed in its places.
  struct holdings {
    std::uint64_t places = 0, lines = 0, rows = 0;
  };

  gateway_host(cluster& all, std::uint32_t index);
  ~gateway_host() override;
  [[nodiscard]] std::string name() const { return "gateway-" + std::to_string(index_ + 1); }

  void take_link(link_message message);
  void take_reset(incarnation_id which, const std::string& endpoint);
  // What comes over CAF, encoded.
  void take_answer(const std::string& from, std::uint64_t ticket, const std::string& bytes);
  void take_told(const std::string& from, kind what, const std::string& bytes);

  [[nodiscard]] costs& spent() { return costs_; }
  [[nodiscard]] holdings& held() { return held_; }
  /// Rows that its last place said it holds.
  [[nodiscard]] std::uint64_t rows_in_hand() const { return rows_in_hand_; }
  [[nodiscard]] const gateway::ledger& rows() const { return shard_->rows(); }

 private:
  /// Something that the shard did, while its handler ran.
  struct sent_attempt {
    incarnation_id to;
    link_message message;
    bool is_attempt = false;
  };

  // shard_effects
  gateway::shard_effects& effects() { return *this; }
  gateway::delivery reply(const gateway::client_address& to, const proto::reply& header,
                          gateway::frame_list&& frames) override;
  bool send(incarnation_id to, const proto::link_request& header,
            const gateway::frame_list& frames) override;
  void open_link(const gateway::engine_link& link) override;
  void close_link(const gateway::engine_link& link) override;
  void place(proto::place_request&& demand) override { demands_.push_back(std::move(demand)); }
  void suspect(proto::suspicion&&) override {}
  void tell(proto::trial_result&&) override {}
  void tell(proto::drain_ack&&) override {}

  /// Runs a handler of the shard, then does what it wanted done.
  template <class Work>
  void on_shard(cost& of, Work work);
  void carry_out();
  void demand(const proto::place_request& wanted);
  void carry(gateway::place_book::outcome&& follows);
  void ask(gateway::place_book::part&& part);
  void next_request();
  void check_conservation();

  cluster& all_;
  std::uint32_t index_;
  costs costs_;
  holdings held_;
  std::uint64_t rows_in_hand_ = 0;
  fleet_clients clients_;
  std::unique_ptr<metrics> registry_;
  std::unique_ptr<gateway::shard_counts> counts_;
  std::unique_ptr<gateway::place_book> places_;
  std::unique_ptr<gateway::shard> shard_;
  /// Links that stand, and their endpoints.
  std::unordered_map<incarnation_id, std::string> links_;
  std::vector<sent_attempt> attempts_;
  std::vector<proto::place_request> demands_;
  std::vector<client_reply> replies_;
};

}  // namespace coppice::fleet
