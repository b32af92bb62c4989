#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "proto/messages/control.hpp"
#include "scheduler/placement/engine_table.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coppice::scheduler {

/// Watches engines drain. What drains is what the nodes' snapshots show as draining, whoever asked
/// for it, so a scheduler that is new takes part at once. Every gateway is told, again and again
/// while it drains: a gateway heeds a notice for 2 s, so one that nobody renews is taken back. More
/// often until it has acknowledged that it has nothing in flight there; once when it is over.
class drain_watch {
 public:
  explicit drain_watch(duration remind_every = 200ms, duration renew_every = 500ms)
      : remind_every_{remind_every}, renew_every_{renew_every} {}

  void gateway_joined(const std::string& gateway) { gateways_[gateway]; }
  void gateway_gone(const std::string& gateway) { gateways_.erase(gateway); }
  void acknowledged(const proto::drain_ack& ack);
  /// @returns the gateways that have to be told now, each with one incarnation or with those over.
  std::vector<std::pair<std::string, proto::drain_notice>> due(const engine_table& engines,
                                                               steady_time now);
  [[nodiscard]] proto::drain_status status(const std::string& target,
                                           const engine_table& engines) const;
  /// `not_found`, with the targets that there are.
  [[nodiscard]] static proto::error_body unknown(const std::string& target,
                                                 const engine_table& engines);

 private:
  /// One gateway and one draining incarnation.
  struct notice {
    steady_time told;
    /// Attempts of the gateway that still run there; nothing before it acknowledged.
    std::optional<std::uint32_t> in_flight;
  };
  using notices = std::map<incarnation_id, notice>;

  void wait_for_engine(const engine_table::place& of, std::vector<std::string>& out) const;
  void wait_for_gateways(const proto::engine_state& engine, std::vector<std::string>& out) const;

  duration remind_every_, renew_every_;
  std::map<std::string, notices> gateways_;
};

}  // namespace coppice::scheduler
