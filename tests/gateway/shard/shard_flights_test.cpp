#include "tests/gateway/shard/shard_fixture.hpp"

#include <numeric>

namespace coppice::gateway {

namespace {

using testing::t0;

/// A request of the fixture: its id is one byte, a number.
struct ShardFlights : testing::ShardFixture {
  proto::explanation explained(const std::string& target, steady_time now) {
    auto told = gateway.explain(target, now);
    EXPECT_TRUE(told) << target;
    if (!told) return {};
    const auto sum =
        std::accumulate(told->hops.begin(), told->hops.end(), std::uint64_t{0},
                        [](auto so_far, const auto& hop) { return so_far + hop.took_us; });
    EXPECT_EQ(sum, told->total_us);
    return std::move(*told);
  }
  [[nodiscard]] attempt_id last_attempt() const { return world.attempts.back().header.attempt; }
};

TEST_F(ShardFlights, TellAnOpenRequestAsItIsNow) {
  ask(1);
  EXPECT_EQ(explained("1", t0 + 5ms).hops.back().what, "wait");
  grant(1, 1, t0 + 10ms);

  const auto told = explained("1", t0 + 30ms);
  EXPECT_EQ(told.outcome, "open");
  EXPECT_EQ(told.total_us, 30'000u);
  EXPECT_EQ(told.hops.back().what, "attempt");
  EXPECT_EQ(told.hops.back().took_us, 20'000u);
}

TEST_F(ShardFlights, TellAnAnswerAfterALossWithBothEnginesAndTheReason) {
  ask(1);
  grant(1, 1);
  gateway.on_engine_down({"engine-1", {1}, "was killed by signal 9 (SIGKILL)", {}, "killed"},
                         t0 + 4ms);
  grant(2, 1, t0 + 6ms);
  answer(last_attempt(), 2, "reply", t0 + 9ms);

  const auto told = explained("1", t0 + 1s);
  EXPECT_EQ(told.outcome, "completed");
  EXPECT_EQ(told.attempts, 2u);
  EXPECT_EQ(told.total_us, 9000u);
  EXPECT_EQ(told.ended_ago_us, 991'000u);
  ASSERT_EQ(told.hops.size(), 3u);
  EXPECT_EQ(told.hops[0].where, "engine-1 (0000000000000001)");
  EXPECT_NE(told.hops[0].text.find("signal 9"), std::string::npos);
  EXPECT_EQ(told.hops[0].took_us, 4000u);
  EXPECT_EQ(told.hops[1].what, "wait");
  EXPECT_EQ(told.hops[2].where, "engine-2 (0000000000000002)");
}

TEST_F(ShardFlights, TellARefusalThatNeverHadARow) {
  world.behind = 5;
  ask(1);

  const auto told = explained("1", t0);
  EXPECT_EQ(told.outcome, "overloaded");
  EXPECT_FALSE(told.message.empty());
  EXPECT_EQ(told.total_us, 0u);
}

TEST_F(ShardFlights, TellTheOpenOneOfTwoWithOneId) {
  ask(1);
  grant(1, 1);
  answer(last_attempt(), 1);
  EXPECT_EQ(explained("1", t0).outcome, "completed");
  ask(1, t0 + 1ms);

  EXPECT_EQ(explained("1", t0 + 1ms).outcome, "open");
}

TEST_F(ShardFlights, SayWhatToGiveForATargetThatNobodyKnows) {
  const auto told = gateway.explain("nothing", t0);

  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, errc::not_found);
  EXPECT_NE(told.error().message.find("or the key"), std::string::npos);
}

}  // namespace

}  // namespace coppice::gateway
