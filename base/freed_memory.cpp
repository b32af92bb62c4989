#include "base/freed_memory.hpp"

#include <malloc.h>

namespace coppice {

namespace {
constexpr int mib = 1024 * 1024;
}

void keep_freed_memory() noexcept {
  ::mallopt(M_MMAP_THRESHOLD, 32 * mib);  // the largest that glibc takes
  ::mallopt(M_TRIM_THRESHOLD, 512 * mib);
  ::mallopt(M_TOP_PAD, 64 * mib);
}

}  // namespace coppice
