#pragma once

#include "base/ids.hpp"

#include <cstdint>
#include <vector>

namespace coppice::gateway {

/// Lists of open rows by owner: a row is in at most one. Adding and removing are O(1), walking is
/// O(rows of that owner). Links are kept by the slot number of the row's id, so memory follows the
/// ledger's slots.
class row_lists {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  /// One owner's rows.
  struct list {
    std::uint32_t first = none;
    std::uint32_t rows = 0;
    std::uint32_t streams = 0;
  };

  /// The row must not be in a list.
  void add(list& to, std::uint32_t owner, row_id row, bool stream) {
    const auto at = slot_of(row);
    if (at >= links_.size()) links_.resize(at + 1);
    links_[at] = {row, owner, none, to.first, stream};
    if (to.first != none) links_[to.first].before = at;
    to.first = at;
    ++to.rows;
    to.streams += stream;
  }
  /// The row must be in that list.
  void remove(list& from, row_id row) {
    auto& leaving = links_[slot_of(row)];
    (leaving.before == none ? from.first : links_[leaving.before].after) = leaving.after;
    if (leaving.after != none) links_[leaving.after].before = leaving.before;
    --from.rows;
    from.streams -= leaving.stream;
    leaving = {};
  }
  /// Owner of the row; `none` if it is in no list.
  [[nodiscard]] std::uint32_t owner(row_id row) const noexcept {
    const auto at = slot_of(row);
    return at < links_.size() && links_[at].row == row ? links_[at].owner : none;
  }
  /// Appends the rows of a list to `out`; without streams if asked.
  void collect(const list& of, bool streams_too, std::vector<row_id>& out) const {
    for (auto at = of.first; at != none; at = links_[at].after)
      if (streams_too || !links_[at].stream) out.push_back(links_[at].row);
  }

 private:
  struct link {
    row_id row;
    std::uint32_t owner = none;
    std::uint32_t before = none, after = none;
    bool stream = false;
  };
  static std::uint32_t slot_of(row_id row) noexcept {
    return static_cast<std::uint32_t>(row.value);
  }

  std::vector<link> links_;
};

}  // namespace coppice::gateway
