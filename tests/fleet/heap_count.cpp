// Counts what each part of a fleet has on the heap: replaces the global allocation functions of the
// program that it is linked into. In front of each block stand its size and its owner.
#include "tests/fleet/part.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

using coppice::fleet::heap_bytes;
using coppice::fleet::heap_owner;
using coppice::fleet::part;

struct alignas(std::max_align_t) block {
  std::size_t size;
  part owner;
};

std::int64_t& account(const block& of) { return heap_bytes[static_cast<std::size_t>(of.owner)]; }

}  // namespace

void* operator new(std::size_t size) {
  auto* made = static_cast<block*>(std::malloc(sizeof(block) + size));
  if (made == nullptr) throw std::bad_alloc{};
  *made = {size, heap_owner};
  account(*made) += static_cast<std::int64_t>(size);
  return made + 1;
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  auto* made = static_cast<block*>(memory) - 1;
  account(*made) -= static_cast<std::int64_t>(made->size);
  std::free(made);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
