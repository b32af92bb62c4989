#pragma once

#include "gateway/shard/name_hash.hpp"

#include <cstdint>
#include <vector>

namespace coppice::gateway {

/// Finds a slot number by a hash: open addressing with linear probing, at most half full, no
/// tombstones (an erased cell is closed by moving its followers back). The slots themselves, and
/// with them the whole hash, are the caller's. Grows, never shrinks.
class slot_index {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  /// @param is_it  whether the slot number it gets has exactly that hash.
  /// @returns the slot, or `none`.
  template <class IsIt>
  [[nodiscard]] std::uint32_t find(const name_hash& hash, IsIt is_it) const {
    if (cells_.empty()) return none;
    const auto tag = tag_of(hash);
    for (auto at = home(tag); cells_[at].slot != none; at = after(at))
      if (cells_[at].tag == tag && is_it(cells_[at].slot)) return cells_[at].slot;
    return none;
  }

  /// The hash must not be there yet.
  void insert(const name_hash& hash, std::uint32_t slot) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    place({tag_of(hash), slot});
    ++size_;
  }

  /// The pair must be there.
  void erase(const name_hash& hash, std::uint32_t slot) {
    auto at = home(tag_of(hash));
    while (cells_[at].slot != slot) at = after(at);
    auto hole = at;
    for (at = after(at); cells_[at].slot != none; at = after(at)) {
      // A cell may move back to the hole unless its home lies behind the hole.
      const auto distance = (at - home(cells_[at].tag)) & mask();
      if (distance < ((at - hole) & mask())) continue;
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole] = {};
    --size_;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct cell {
    std::uint32_t tag = 0;
    std::uint32_t slot = none;
  };

  [[nodiscard]] static std::uint32_t tag_of(const name_hash& hash) noexcept {
    return static_cast<std::uint32_t>(hash.low);
  }
  [[nodiscard]] std::size_t mask() const noexcept { return cells_.size() - 1; }
  [[nodiscard]] std::size_t home(std::uint32_t tag) const noexcept { return tag & mask(); }
  [[nodiscard]] std::size_t after(std::size_t at) const noexcept { return (at + 1) & mask(); }

  void place(const cell& made) {
    auto at = home(made.tag);
    while (cells_[at].slot != none) at = after(at);
    cells_[at] = made;
  }
  void grow() {
    std::vector<cell> old(cells_.empty() ? 64 : 2 * cells_.size());
    old.swap(cells_);
    for (const auto& each : old)
      if (each.slot != none) place(each);
  }

  /// A power of two of cells, or none at all.
  std::vector<cell> cells_;
  std::size_t size_ = 0;
};

}  // namespace coppice::gateway
