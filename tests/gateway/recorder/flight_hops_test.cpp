#include "gateway/recorder/flight_hops.hpp"

#include <gtest/gtest.h>

#include <random>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

std::uint64_t sum_of(const std::vector<proto::hop>& hops) {
  std::uint64_t sum = 0;
  for (const auto& each : hops) sum += each.took_us;
  return sum;
}

TEST(FlightHops, CutsAnAnsweredAttemptByTheEnginesTimes) {
  flight_hops hops{t0};
  hops.add("wait", t0 + 2ms);
  hops.add_answer(t0 + 10ms, "e1", 3000, 4000, "batch of 8 rows");

  const auto cut = std::move(hops).take();
  ASSERT_EQ(cut.size(), 4u);
  EXPECT_EQ(cut[0].what, "wait");
  EXPECT_EQ(cut[1].what, "queue");
  EXPECT_EQ(cut[1].text, "batch of 8 rows");
  EXPECT_EQ(cut[2].took_us, 4000u);
  EXPECT_EQ(cut[3].what, "link");
  EXPECT_EQ(cut[3].took_us, 1000u);
}

TEST(FlightHops, LeavesOutWhatTookNoTimeUnlessThereIsSomethingToSay) {
  flight_hops hops{t0};
  hops.add("wait", t0);
  hops.add("attempt", t0, "e1", "refused");
  hops.add("attempt", t0 + 1ms);

  const auto cut = std::move(hops).take();
  ASSERT_EQ(cut.size(), 2u);
  EXPECT_EQ(cut[0].text, "refused");
  EXPECT_EQ(cut[0].took_us, 0u);
}

TEST(FlightHops, BelievesAnEngineNoMoreThanTheTimeThatPassed) {
  flight_hops hops{t0};
  hops.add_answer(t0 + 10ms, "e1", ~0ull, 7000, "");

  const auto cut = std::move(hops).take();
  EXPECT_EQ(sum_of(cut), 10'000u);
}

TEST(FlightHops, SumsUpWhatIsBeyondItsBound) {
  flight_hops hops{t0};
  for (int i = 1; i <= 100; ++i) hops.add("attempt", t0 + i * 1ms);

  const auto cut = std::move(hops).take();
  ASSERT_EQ(cut.size(), proto::max_hops);
  EXPECT_EQ(cut.back().what, "more");
  EXPECT_EQ(cut.back().text, "37 hops");
  EXPECT_EQ(sum_of(cut), 100'000u);
}

TEST(FlightHops, AddsUpToTheTotalWhateverTheOrderOfItsTimes) {
  std::mt19937 random{4};
  for (int round = 0; round < 1000; ++round) {
    flight_hops hops{t0};
    auto latest = t0;
    for (int i = 0; i < 20; ++i) {
      const auto at = t0 + std::chrono::nanoseconds{random() % 10'000'000};
      hops.add("attempt", at);
      latest = std::max(latest, at);
    }
    const auto end = latest + std::chrono::nanoseconds{random() % 5000};
    hops.add_answer(end, "e", random() % 3000, random() % 3000, "");
    ASSERT_EQ(sum_of(std::move(hops).take()), to_us(end - t0));
  }
}

}  // namespace

}  // namespace coppice::gateway
