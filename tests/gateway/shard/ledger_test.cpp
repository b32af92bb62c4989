#include "gateway/shard/ledger.hpp"

#include "gateway/shard/route.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace coppice::gateway {

namespace {

const steady_time t0{};

client_request a_client_request(std::uint32_t timeout_ms = 1000) {
  client_request request;
  request.header.timeout_ms = timeout_ms;
  request.bytes = 100;
  return request;
}

struct Ledger : ::testing::Test {
  route on{"echo", 0};
  ledger rows;
};

TEST_F(Ledger, FencesEveryAttemptButTheLiveOne) {
  auto& row = rows.open(a_client_request(), on, 1, t0);
  const auto first = rows.begin_attempt(row, {7}, t0);
  rows.end_attempt(row);
  const auto second = rows.begin_attempt(row, {8}, t0);

  EXPECT_EQ(rows.find(first, {7}), nullptr);
  EXPECT_EQ(rows.find(second, {7}), nullptr);
  EXPECT_EQ(rows.find(second, {8}), &row);
}

TEST_F(Ledger, KnowsNothingOfAClosedRowEvenWhenItsSlotIsUsedAgain) {
  auto& row = rows.open(a_client_request(), on, 1, t0);
  const auto id = row.id;
  const auto attempt = rows.begin_attempt(row, {7}, t0);
  rows.close(row, outcome::completed);
  auto& next = rows.open(a_client_request(), on, 1, t0);
  rows.begin_attempt(next, {7}, t0);

  EXPECT_EQ(rows.find(id), nullptr);
  EXPECT_EQ(rows.find(attempt, {7}), nullptr);
}

TEST_F(Ledger, FindsARowAtItsDeadlineAndNotBefore) {
  const auto id = rows.open(a_client_request(50), on, 1, t0).id;

  EXPECT_TRUE(rows.expired(t0 + 49ms).empty());
  EXPECT_EQ(rows.expired(t0 + 50ms), std::vector{id});
}

TEST_F(Ledger, ConservesRequestsAndBytesUnderRandomOperations) {
  std::mt19937 random{3};
  std::vector<row_id> open;
  for (int step = 0; step < 50'000; ++step) {
    if (open.empty() || random() % 2 == 0) {
      open.push_back(rows.open(a_client_request(), on, 1, t0).id);
    } else {
      const auto at = random() % open.size();
      auto* row = rows.find(open[at]);
      ASSERT_NE(row, nullptr);
      rows.close(*row, static_cast<outcome>(random() % 4));
      open.erase(open.begin() + static_cast<long>(at));
    }
    const auto& totals = rows.counts();
    const auto ended = totals.ended[0] + totals.ended[1] + totals.ended[2] + totals.ended[3];
    ASSERT_EQ(totals.accepted, ended + rows.open_rows());
    ASSERT_EQ(rows.open_bytes(), 100 * open.size());
  }
}

}  // namespace

}  // namespace coppice::gateway
