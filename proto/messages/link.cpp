#include "proto/messages/link.hpp"

namespace coppice::proto {

std::string engine_routing_id(incarnation_id incarnation) {
  std::string id(9, 'E');
  for (int i = 0; i < 8; ++i)
    id[static_cast<std::size_t>(8 - i)] = static_cast<char>(incarnation.value >> (8 * i));
  return id;
}

}  // namespace coppice::proto
