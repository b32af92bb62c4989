#include "base/random.hpp"

#include <random>

namespace coppice {

std::uint64_t random_id() {
  std::random_device source;
  for (;;) {
    const auto id = (std::uint64_t{source()} << 32) | source();
    if (id != 0) return id;
  }
}

}  // namespace coppice
