#include "gateway/shard/waiting_rows.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

const steady_time t0{};

TEST(WaitingRows, ServeCriticalFirstAndWithinAClassTheEarliestDeadline) {
  waiting_rows rows;
  rows.push({waiting_rows::rank_of("batch"), t0 + 1ms, {1}, 1});
  rows.push({waiting_rows::rank_of("normal"), t0 + 9ms, {2}, 1});
  rows.push({waiting_rows::rank_of("normal"), t0 + 3ms, {3}, 1});
  rows.push({waiting_rows::rank_of("critical"), t0 + 20ms, {4}, 1});
  std::vector<std::uint64_t> order;

  while (!rows.empty()) {
    const auto front = rows.front();
    order.push_back(front.row.value);
    rows.remove(front);
  }

  EXPECT_EQ(order, (std::vector<std::uint64_t>{4, 3, 2, 1}));
}

TEST(WaitingRows, AddUpTheCreditTheyNeed) {
  waiting_rows rows;
  rows.push({1, t0, {1}, 3});
  rows.push({1, t0, {2}, 4});
  rows.remove({1, t0, {1}, 3});
  rows.remove({1, t0, {9}, 5});

  EXPECT_EQ(rows.cost(), 4u);
}

}  // namespace

}  // namespace coppice::gateway
