#pragma once

#include "gateway/shard/engine_links.hpp"

#include <map>
#include <string>
#include <vector>

namespace coppice::gateway {

/// Engines whose links fell silent: schedulers may well see them serve, only this gateway does not
/// reach them. None gets an attempt until it was heard again; each is called once a second, by a
/// link that carries a hello alone. At most the engines that had a link; one that is not heard for
/// ten minutes is forgotten. Pure; one thread.
class unreachable_engines {
 public:
  static constexpr duration call_every = 1s;
  static constexpr duration forgotten_after = std::chrono::minutes{10};

  void add(const engine_link& lost, steady_time now);
  /// It was heard, or it ended. @returns whether it was unreachable.
  bool remove(incarnation_id incarnation) { return engines_.erase(incarnation) > 0; }
  /// Another incarnation has its address: it ended, though nobody said so.
  void forget_address(const std::string& endpoint, incarnation_id of);
  [[nodiscard]] bool contains(incarnation_id incarnation) const {
    return engines_.contains(incarnation);
  }
  /// Engines to call now; marks them called and forgets old ones.
  [[nodiscard]] std::vector<engine_link> due(steady_time now);
  /// For a `place`: at most `most` of them.
  [[nodiscard]] std::vector<incarnation_id> list(std::size_t most) const;
  [[nodiscard]] std::size_t size() const noexcept { return engines_.size(); }
  [[nodiscard]] bool empty() const noexcept { return engines_.empty(); }

 private:
  struct silent_engine {
    engine_link link;
    steady_time since, called;
  };
  std::map<incarnation_id, silent_engine> engines_;
};

}  // namespace coppice::gateway
