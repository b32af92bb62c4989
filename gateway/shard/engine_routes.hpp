#pragma once

#include "base/ids.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>

namespace coppice::gateway {

/// The routing ids by which one ROUTER socket addresses engines. Each opening of a link gets an id
/// of its own: libzmq forgets an id some time after its link was closed, and ends the process
/// (router.cpp) if a connection takes one that it has not forgotten yet.
class engine_routes {
 public:
  /// @returns the id for ZMQ_CONNECT_ROUTING_ID.
  const std::string& open(incarnation_id incarnation);
  /// @returns the id of the link that is open; null: there is none.
  [[nodiscard]] const std::string* find(incarnation_id incarnation) const;
  void close(incarnation_id incarnation) { ids_.erase(incarnation); }

 private:
  std::unordered_map<incarnation_id, std::string> ids_;
  std::uint64_t opened_ = 0;
};

}  // namespace coppice::gateway
