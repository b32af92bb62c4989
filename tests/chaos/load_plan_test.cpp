#include "tests/chaos/load_plan.hpp"

#include <gmock/gmock.h>

namespace coppice::chaos {

namespace {

constexpr steady_time t0{1h};

load_plan a_plan(std::vector<load_phase> phases) {
  load_plan plan;
  plan.phases = std::move(phases);
  plan.mix = {{"echo", 3, 64, 5000, 0, "normal"}, {"flip", 1, 64, 5000, 0, "normal"}};
  return plan;
}

std::vector<steady_time> times_of(const load_plan& plan) {
  std::vector<steady_time> times;
  for (arrivals from{plan, t0}; from.next_due() != steady_time::max(); from.take())
    times.push_back(from.next_due());
  return times;
}

}  // namespace

TEST(Arrivals, AreTheSameForTheSameSeedAndOthersForAnother) {
  auto plan = a_plan({{1, 1000}});
  const auto first = times_of(plan);

  EXPECT_EQ(times_of(plan), first);
  plan.seed = 2;
  EXPECT_NE(times_of(plan), first);
}

TEST(Arrivals, KeepTheRateOfEachPhase) {
  const auto times = times_of(a_plan({{10, 1000}, {10, 100}}));

  const auto in_first =
      std::count_if(times.begin(), times.end(), [](steady_time at) { return at < t0 + 10s; });
  EXPECT_NEAR(static_cast<double>(in_first), 10'000, 400);
  EXPECT_NEAR(static_cast<double>(times.size()) - static_cast<double>(in_first), 1000, 130);
  EXPECT_LT(times.back(), t0 + 20s);
}

TEST(Arrivals, PauseInAPhaseWithoutRate) {
  const auto times = times_of(a_plan({{1, 0}, {1, 50}}));

  EXPECT_GE(times.front(), t0 + 1s);
}

TEST(Arrivals, ComeEvenlyIfSoPlanned) {
  auto plan = a_plan({{0.01, 1000}});
  plan.even = true;

  const auto times = times_of(plan);

  ASSERT_EQ(times.size(), 9u);
  EXPECT_EQ(times[0], t0 + 1ms);
  EXPECT_EQ(times[8], t0 + 9ms);
}

TEST(Arrivals, EndAtTheLimit) {
  auto plan = a_plan({{10, 1000}});
  plan.limit = 7;

  EXPECT_EQ(times_of(plan).size(), 7u);
}

TEST(Arrivals, MixTheKindsByWeight) {
  const auto plan = a_plan({{10, 1000}});
  int echoes = 0, all = 0;
  for (arrivals from{plan, t0}; from.next_due() != steady_time::max(); ++all)
    echoes += from.take().model == "echo" ? 1 : 0;

  EXPECT_NEAR(static_cast<double>(echoes) / all, 0.75, 0.02);
}

TEST(MadeInput, DiffersByClientAndByNumber) {
  EXPECT_EQ(made_input(1, 1, 64), made_input(1, 1, 64));
  EXPECT_NE(made_input(1, 1, 64), made_input(1, 2, 64));
  EXPECT_NE(made_input(1, 1, 64), made_input(2, 1, 64));
  EXPECT_EQ(made_input(1, 1, 13).size(), 13u);
}

}  // namespace coppice::chaos
