#include "gateway/shard/waiting_rows.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

waiting_row a_row(std::uint64_t id, priority rank = priority::normal, duration left = 1s,
                  std::uint32_t cost = 1) {
  return {rank, {1}, 1, t0 + left, {id}, cost, t0};
}

std::vector<std::uint64_t> drained(waiting_rows& rows) {
  std::vector<std::uint64_t> order;
  while (!rows.empty()) order.push_back(rows.pop().row.value);
  return order;
}

TEST(WaitingRows, ServeCriticalFirstAndWithinAClassTheEarliestDeadline) {
  waiting_rows rows;
  rows.push(a_row(1, priority::batch, 1ms));
  rows.push(a_row(2, priority::normal, 9ms));
  rows.push(a_row(3, priority::normal, 3ms));
  rows.push(a_row(4, priority::critical, 20ms));

  EXPECT_EQ(drained(rows), (std::vector<std::uint64_t>{4, 3, 2, 1}));
}

TEST(WaitingRows, AddUpTheCreditTheyNeed) {
  waiting_rows rows;
  rows.push(a_row(1, priority::normal, 1s, 3));
  rows.push(a_row(2, priority::batch, 1s, 4));
  rows.remove(a_row(1));
  rows.remove(a_row(9));

  EXPECT_EQ(rows.cost(), 4u);
  EXPECT_EQ(rows.size(), 1u);
}

TEST(WaitingRows, ServeBatchEverySixteenthTimeUnderAFloodOfNormal) {
  waiting_rows rows;
  for (std::uint64_t i = 0; i < 5; ++i) rows.push(a_row(1000 + i, priority::batch));
  std::vector<int> served_at;

  for (int grant = 1; grant <= 64; ++grant) {
    rows.push(a_row(static_cast<std::uint64_t>(grant), priority::normal));
    if (rows.pop().rank == priority::batch) served_at.push_back(grant);
  }

  EXPECT_EQ(served_at, (std::vector<int>{16, 32, 48, 64}));
}

TEST(WaitingRows, PassOverNoClassMoreThanSixteenTimesInARow) {
  waiting_rows rows;
  std::uint64_t id = 0;
  std::array<int, 3> since{};
  for (int grant = 0; grant < 1000; ++grant) {
    for (const auto rank : priorities) rows.push(a_row(++id, rank));
    const auto served = index_of(rows.pop().rank);
    for (std::size_t i = 0; i < since.size(); ++i) since[i] = i == served ? 0 : since[i] + 1;
    ASSERT_LE(since[0], 2);
    ASSERT_LE(since[1], 16);
    ASSERT_LE(since[2], 15);
  }
}

TEST(WaitingRows, NameTheNewestRowOfTheLowestClassBelow) {
  waiting_rows rows;
  EXPECT_EQ(rows.newest_below(priority::critical), nullptr);
  rows.push(a_row(1, priority::normal, 9s));
  rows.push(a_row(2, priority::normal, 1s));
  EXPECT_EQ(rows.newest_below(priority::normal), nullptr);
  EXPECT_EQ(rows.newest_below(priority::critical)->row.value, 2u);

  rows.push(a_row(3, priority::batch, 9s));
  rows.push(a_row(4, priority::batch, 1s));
  EXPECT_EQ(rows.newest_below(priority::critical)->row.value, 4u);
  EXPECT_EQ(rows.newest_below(priority::normal)->row.value, 4u);
  EXPECT_EQ(rows.newest_below(priority::batch), nullptr);
}

TEST(WaitingRows, KnowSinceWhenTheOldestWaits) {
  waiting_rows rows;
  EXPECT_EQ(rows.oldest(), steady_time::max());
  auto first = a_row(1, priority::batch, 9s), second = a_row(2, priority::normal, 1s);
  second.since = t0 + 5ms;
  rows.push(first);
  rows.push(second);
  EXPECT_EQ(rows.oldest(), t0);
  EXPECT_EQ(rows.oldest(priority::batch), t0);
  EXPECT_EQ(rows.oldest(priority::normal), t0 + 5ms);
  EXPECT_EQ(rows.oldest(priority::critical), steady_time::max());

  rows.remove(first);
  EXPECT_EQ(rows.oldest(), t0 + 5ms);
}

TEST(WaitingRows, CountWhatIsServedBeforeARowByItsClass) {
  waiting_rows rows;
  for (std::uint64_t i = 0; i < 10; ++i) {
    rows.push(a_row(i, priority::critical));
    rows.push(a_row(100 + i, priority::normal));
    rows.push(a_row(200 + i, priority::batch));
  }

  EXPECT_EQ(rows.ahead_of(a_row(999, priority::critical)), 10u);
  EXPECT_EQ(rows.ahead_of(a_row(999, priority::normal)), 20u);
  EXPECT_EQ(rows.ahead_of(a_row(999, priority::batch)), 30u);
}

TEST(WaitingRows, CountNoMoreOfHigherClassesThanTheirTurnsTake) {
  waiting_rows rows;
  for (std::uint64_t i = 0; i < 100; ++i) rows.push(a_row(i, priority::critical));

  EXPECT_EQ(rows.ahead_of(a_row(999, priority::batch)), 15u);
}

}  // namespace

}  // namespace coppice::gateway
