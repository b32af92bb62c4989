#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace coppice::gateway {

/// The link to one incarnation of an engine.
struct engine_link {
  incarnation_id incarnation;
  std::string engine;
  std::string endpoint;
  std::string link_key;
  steady_time heard;
  steady_time pinged;
  /// When its connection dropped; `steady_time::max()`: it stands.
  steady_time reset = steady_time::max();
  /// A scheduler hears nothing of the engine's node; no scheduler has granted it since.
  bool doubted = false;
};

/// Links by incarnation. A link is opened by the first grant for it and belongs to that
/// incarnation alone: it never reconnects.
class engine_links {
 public:
  /// A link that is in doubt is pinged this often and lost after this silence, if not sooner.
  static constexpr duration doubted_ping = 100ms;
  static constexpr duration doubted_silence = 500ms;

  /// Ends doubt in the link. @returns the new link if the grant opened one, else null.
  const engine_link* open(const proto::grant& grant, steady_time now);
  [[nodiscard]] engine_link* find(incarnation_id incarnation) noexcept;
  [[nodiscard]] engine_link* find_endpoint(const std::string& endpoint) noexcept;
  void close(incarnation_id incarnation) { links_.erase(incarnation); }
  /// Links to the engines of the node that `engine` is on (`node/engine`); a name without a node is
  /// an engine of its own.
  [[nodiscard]] std::vector<incarnation_id> beside(std::string_view engine) const;
  /// Links to ping now; marks them pinged.
  [[nodiscard]] std::vector<const engine_link*> due_for_ping(duration every, steady_time now);
  /// Links that are lost: reset longer ago than `grace`, or silent for `silence`.
  [[nodiscard]] std::vector<engine_link> lost(duration grace, duration silence,
                                              steady_time now) const;
  [[nodiscard]] std::size_t size() const noexcept { return links_.size(); }

 private:
  std::unordered_map<incarnation_id, engine_link> links_;
};

}  // namespace coppice::gateway
