#pragma once

#include "base/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace coppice::client {

/// Gateways in the order in which a session prefers them, as indices: by rendezvous hash of session
/// and endpoint, so that sessions spread over gateways, and those of one that dies over the others.
[[nodiscard]] std::vector<std::size_t> gateway_order(const std::string& session,
                                                     const std::vector<std::string>& endpoints);

struct watch_limits {
  /// Nothing came for so long, nor was it pinged, while work is open: it is pinged.
  duration ping_after = 300ms;
  /// A connected gateway that is silent this long while work is open is left: soon enough that work
  /// goes on within a second of its loss.
  duration silence = 800ms;
  /// A connection that does not stand by then has failed.
  duration dial_limit = 1500ms;
  /// Pause before a gateway is dialled again: uniform between the two, the upper one doubling from
  /// twice the lower with every round over all gateways.
  duration least_pause = 100ms;
  duration longest_pause = 5s;
};

/// Which gateway a client talks to, when it is dialled, pinged and left. While another one has not
/// been tried, work that is open moves there at once; else, and without open work, the next dial
/// comes after a random pause, so that the clients of a gateway that died do not return together
/// (new work shortens it to the least one).
/// A watch whose own owner slept does not blame the gateway for the silence. Pure; one thread.
class gateway_watch {
 public:
  enum class act { nothing, dial, ping };

  /// @param order  gateways, the home first; not empty.
  /// @param draw   gives uniform numbers in [0, 1).
  gateway_watch(std::vector<std::size_t> order, std::function<double()> draw,
                const watch_limits& limits = {});

  /// What to do now; at least every 10 ms while work is open. `dial`: a new connection to
  /// `gateway()`, instead of the last one.
  [[nodiscard]] act next(steady_time now, bool work_is_open);
  /// The connection that was dialled stands.
  void connected(steady_time now) noexcept;
  /// It failed or dropped.
  void lost(steady_time now, bool work_is_open);
  /// Something came from the gateway.
  void heard(steady_time now) noexcept;

  [[nodiscard]] std::size_t gateway() const noexcept { return order_[at_]; }
  [[nodiscard]] bool is_connected() const noexcept { return state_ == state::connected; }

 private:
  enum class state { apart, dialling, connected };

  [[nodiscard]] duration pause();

  std::vector<std::size_t> order_;
  std::function<double()> draw_;
  watch_limits limits_;
  std::size_t at_ = 0;
  state state_ = state::apart;
  /// Connections lost in a row without a word from a gateway.
  std::uint32_t failures_ = 0;
  /// apart: when to dial. dialling: since when.
  steady_time dial_at_{};
  steady_time heard_{}, ping_at_{}, looked_{};
  bool was_busy_ = false;
};

}  // namespace coppice::client
