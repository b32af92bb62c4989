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

TEST_F(Ledger, NumbersItsAttemptsFromWhereItIsTold) {
  ledger other{1000};
  const auto own = rows.begin_attempt(rows.open(a_client_request(), on, 1, t0), {7}, t0);
  auto& row = other.open(a_client_request(), on, 1, t0);
  const auto others = other.begin_attempt(row, {7}, t0);

  EXPECT_NE(own, others);
  EXPECT_EQ(other.find(others, {7}), &row);
  EXPECT_EQ(other.find(own, {7}), nullptr);
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

TEST_F(Ledger, TakesAFrameOfEitherLiveAttemptFromItsOwnEngineOnly) {
  auto& row = rows.open(a_client_request(), on, 1, t0);
  const auto first = rows.begin_attempt(row, {7}, t0);
  const auto second = rows.begin_hedge(row, {8}, 3, t0 + 5ms);

  EXPECT_EQ(rows.find(first, {7}), &row);
  EXPECT_EQ(rows.find(second, {8}), &row);
  EXPECT_EQ(rows.find(first, {8}), nullptr);
  EXPECT_EQ(rows.find(second, {7}), nullptr);
  EXPECT_TRUE(row.is_on({7}) && row.is_on({8}));
  EXPECT_EQ(row.attempts, 2u);
}

TEST_F(Ledger, FencesTheLoserWhicheverAttemptWins) {
  for (const bool second_wins : {false, true}) {
    auto& row = rows.open(a_client_request(), on, 1, t0);
    const auto first = rows.begin_attempt(row, {7}, t0);
    const auto second = rows.begin_hedge(row, {8}, 3, t0 + 5ms);

    const auto loser = rows.keep_only(row, second_wins ? second : first);

    EXPECT_EQ(loser.attempt, second_wins ? first : second);
    EXPECT_EQ(loser.incarnation, (second_wins ? incarnation_id{7} : incarnation_id{8}));
    EXPECT_EQ(rows.find(loser.attempt, loser.incarnation), nullptr);
    EXPECT_EQ(row.attempt, second_wins ? second : first);
    EXPECT_EQ(row.sent, second_wins ? t0 + 5ms : t0);
    EXPECT_FALSE(rows.keep_only(row, row.attempt).attempt);
  }
}

TEST_F(Ledger, EitherLiveAttemptMayLead) {
  auto& row = rows.open(a_client_request(), on, 1, t0);
  const auto first = rows.begin_attempt(row, {7}, t0);
  const auto second = rows.begin_hedge(row, {8}, 3, t0 + 5ms);

  rows.lead(row, second);
  EXPECT_EQ(row.attempt, second);
  EXPECT_EQ(row.sent_version, 3u);
  EXPECT_EQ(row.hedge.attempt, first);
  EXPECT_EQ(row.hedge.sent, t0);
  rows.lead(row, second);
  EXPECT_EQ(row.attempt, second);
  rows.lead(row, first);
  EXPECT_EQ(row.attempt, first);
  EXPECT_EQ(rows.find(second, {8}), &row);
}

TEST_F(Ledger, AHedgeTakesThePlaceOfAnAttemptThatIsLost) {
  auto& row = rows.open(a_client_request(), on, 1, t0);
  const auto first = rows.begin_attempt(row, {7}, t0);
  const auto second = rows.begin_hedge(row, {8}, 3, t0 + 5ms);

  EXPECT_TRUE(rows.end_attempt(row, first));
  EXPECT_EQ(row.attempt, second);
  EXPECT_EQ(row.sent_version, 3u);
  EXPECT_EQ(rows.find(first, {7}), nullptr);

  EXPECT_TRUE(rows.end_attempt(row, first));  // fenced long ago
  EXPECT_FALSE(rows.end_attempt(row));
  EXPECT_FALSE(row.is_on({8}));
}

TEST_F(Ledger, LosesAHedgeAndKeepsTheFirst) {
  auto& row = rows.open(a_client_request(), on, 1, t0);
  const auto first = rows.begin_attempt(row, {7}, t0);
  const auto second = rows.begin_hedge(row, {8}, 3, t0);

  EXPECT_TRUE(rows.end_attempt(row, second));

  EXPECT_EQ(row.attempt, first);
  EXPECT_EQ(rows.find(second, {8}), nullptr);
}

/// A frame is taken for live attempts only, and no row has more than two.
TEST_F(Ledger, FencesAllButTheLiveAttemptsUnderRandomOperations) {
  std::mt19937 random{8};
  auto& row = rows.open(a_client_request(), on, 1, t0);
  std::map<attempt_id, incarnation_id> live;
  std::vector<std::pair<attempt_id, incarnation_id>> made;
  const auto any_live = [&] {
    return std::next(live.begin(), static_cast<long>(random() % live.size()))->first;
  };
  for (int step = 0; step < 20'000; ++step) {
    const incarnation_id engine{1 + random() % 3};
    switch (random() % 4) {
      case 0:
        if (!live.empty()) break;
        made.emplace_back(rows.begin_attempt(row, engine, t0), engine);
        live.insert(made.back());
        break;
      case 1:
        if (live.size() != 1) break;
        made.emplace_back(rows.begin_hedge(row, engine, 1, t0), engine);
        live.insert(made.back());
        break;
      case 2: {
        if (live.empty()) break;
        const auto ended = any_live();
        live.erase(ended);
        ASSERT_EQ(rows.end_attempt(row, ended), !live.empty());
        break;
      }
      default: {
        if (live.empty()) break;
        const auto winner = any_live();
        const auto loser = rows.keep_only(row, winner);
        ASSERT_EQ(static_cast<bool>(loser.attempt), live.size() == 2);
        std::erase_if(live, [&](const auto& each) { return each.first != winner; });
      }
    }
    for (auto i = made.size() > 6 ? made.size() - 6 : 0; i < made.size(); ++i)
      ASSERT_EQ(rows.find(made[i].first, made[i].second) != nullptr, live.contains(made[i].first));
  }
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
