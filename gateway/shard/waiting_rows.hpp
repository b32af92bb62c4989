#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"

#include <cstdint>
#include <set>
#include <string_view>

namespace coppice::gateway {

/// Rows without credit, in the order they will be served: by class, then earliest deadline first.
class waiting_rows {
 public:
  struct entry {
    int rank;
    steady_time deadline;
    row_id row;
    std::uint32_t cost;
    friend auto operator<=>(const entry& a, const entry& b) noexcept {
      if (const auto by_rank = a.rank <=> b.rank; by_rank != 0) return by_rank;
      if (a.deadline != b.deadline) return a.deadline <=> b.deadline;
      return a.row <=> b.row;
    }
    friend bool operator==(const entry& a, const entry& b) noexcept { return a.row == b.row; }
  };

  /// critical before normal before batch.
  [[nodiscard]] static int rank_of(std::string_view priority_class) noexcept {
    return priority_class == "critical" ? 0 : priority_class == "batch" ? 2 : 1;
  }

  void push(const entry& row) {
    if (entries_.insert(row).second) cost_ += row.cost;
  }
  void remove(const entry& row) {
    if (entries_.erase(row) > 0) cost_ -= row.cost;
  }
  [[nodiscard]] const entry& front() const { return *entries_.begin(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// Rows of credit they all need.
  [[nodiscard]] std::uint32_t cost() const noexcept { return cost_; }

 private:
  std::set<entry> entries_;
  std::uint32_t cost_ = 0;
};

}  // namespace coppice::gateway
