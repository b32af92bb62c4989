#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace coppice::gateway {

/// Deadlines of open rows, earliest first: a binary heap from which ended rows are removed lazily.
/// A push is O(1) for deadlines that come in order, else O(log n); an end is O(1) amortised.
/// Never more than twice as many entries as open rows, and `slack`.
class deadline_queue {
 public:
  static constexpr std::size_t slack = 1024;

  void push(row_id row, steady_time deadline) {
    entries_.push_back({deadline, row});
    std::push_heap(entries_.begin(), entries_.end(), later{});
    ++open_;
  }

  /// A row whose deadline was pushed has ended.
  /// @param is_open  whether the row it gets is still open.
  template <class IsOpen>
  void ended(IsOpen is_open) {
    --open_;
    if (entries_.size() <= 2 * open_ + slack) return;
    std::erase_if(entries_, [&](const entry& each) { return !is_open(each.row); });
    std::make_heap(entries_.begin(), entries_.end(), later{});
  }

  /// Open rows whose deadline has passed, in order. Each is told once: the caller ends it.
  template <class IsOpen>
  [[nodiscard]] std::vector<row_id> passed(steady_time now, IsOpen is_open) {
    std::vector<row_id> late;
    while (!entries_.empty() && entries_.front().deadline <= now) {
      std::pop_heap(entries_.begin(), entries_.end(), later{});
      if (is_open(entries_.back().row)) late.push_back(entries_.back().row);
      entries_.pop_back();
    }
    return late;
  }

  /// Entries, of open rows and ended ones.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct entry {
    steady_time deadline;
    row_id row;
  };
  struct later {
    bool operator()(const entry& a, const entry& b) const noexcept {
      return a.deadline > b.deadline;
    }
  };

  std::vector<entry> entries_;
  std::size_t open_ = 0;
};

}  // namespace coppice::gateway
