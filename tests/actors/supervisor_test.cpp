#include "actors/supervisor.hpp"

#include <gmock/gmock.h>

#include <random>

namespace coppice::actors {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const steady_time t0{1h};

restart_options options(std::uint32_t intensity = 3) {
  return {.intensity = intensity, .period = 60s, .pause = {.base = 100ms, .cap = 10s, .jitter = 0}};
}

/// Starts what is due and makes it ready.
void bring_up(supervisor& of, steady_time at) {
  for (const auto each : of.due(at)) of.ready(each, at);
}

TEST(Supervisor, StartsEveryChildAtOnce) {
  supervisor one{strategy::one_for_one, 2, options()};

  EXPECT_THAT(one.due(t0), ElementsAre(0, 1));
  EXPECT_THAT(one.due(t0 + 1h), IsEmpty());
}

TEST(Supervisor, OneForOneStartsTheChildThatEndedAfterItsPause) {
  supervisor one{strategy::one_for_one, 2, options()};
  bring_up(one, t0);

  const auto reaction = one.ended(1, t0 + 1s, 0);

  EXPECT_THAT(reaction.stop, IsEmpty());
  EXPECT_FALSE(reaction.exceeded);
  EXPECT_EQ(one.next_due(), t0 + 1s + 100ms);
  EXPECT_THAT(one.due(t0 + 1s + 100ms - 1ns), IsEmpty());
  EXPECT_THAT(one.due(t0 + 1s + 100ms), ElementsAre(1));
}

TEST(Supervisor, WaitsLongerAfterEachEndAndLessWithJitter) {
  auto jittery = options();
  jittery.pause.jitter = 0.5;
  supervisor one{strategy::one_for_one, 1, jittery};
  bring_up(one, t0);

  EXPECT_FALSE(one.ended(0, t0, 0).exceeded);
  EXPECT_EQ(one.next_due(), t0 + 100ms);
  bring_up(one, t0 + 100ms);
  EXPECT_FALSE(one.ended(0, t0 + 1s, 0.5).exceeded);
  EXPECT_EQ(one.next_due(), t0 + 1s + 150ms);  // 200 ms less half of half
}

TEST(Supervisor, GivesUpBeyondItsIntensityAndSaysSoOnce) {
  supervisor one{strategy::one_for_one, 1, options()};
  auto at = t0;
  for (int i = 0; i < 3; ++i, at += 10s) {
    bring_up(one, at);
    ASSERT_FALSE(one.ended(0, at, 0).exceeded);
  }
  bring_up(one, at);

  EXPECT_TRUE(one.ended(0, t0 + 60s - 1ns, 0).exceeded);
  EXPECT_FALSE(one.next_due());
  EXPECT_THAT(one.due(t0 + 24h), IsEmpty());
}

TEST(Supervisor, ForgetsEndsThatAreOlderThanItsPeriod) {
  supervisor one{strategy::one_for_one, 1, options()};
  for (int i = 0; i < 3; ++i) {
    bring_up(one, t0 + i * 10s);
    ASSERT_FALSE(one.ended(0, t0 + i * 10s, 0).exceeded);
  }
  bring_up(one, t0 + 30s);

  EXPECT_FALSE(one.ended(0, t0 + 60s, 0).exceeded);
}

TEST(Supervisor, GivesUpAChildThatNeverBecomesReadyHoweverSlowlyItFails) {
  supervisor one{strategy::one_for_one, 1, options()};
  auto at = t0;
  for (int i = 0; i < 3; ++i, at += 5min) {
    ASSERT_THAT(one.due(at), ElementsAre(0));
    ASSERT_FALSE(one.ended(0, at, 0).exceeded);
  }
  ASSERT_THAT(one.due(at), ElementsAre(0));

  EXPECT_TRUE(one.ended(0, at, 0).exceeded);
}

TEST(Supervisor, AllForOneStopsTheSiblingsAndStartsAllTogether) {
  supervisor all{strategy::all_for_one, 3, options()};
  bring_up(all, t0);

  EXPECT_THAT(all.ended(1, t0, 0).stop, ElementsAre(0, 2));
  EXPECT_FALSE(all.next_due());
  EXPECT_THAT(all.due(t0 + 1min), IsEmpty());
  EXPECT_THAT(all.ended(0, t0 + 1s, 0).stop, IsEmpty());
  EXPECT_THAT(all.due(t0 + 1min), IsEmpty());
  EXPECT_THAT(all.ended(2, t0 + 2s, 0).stop, IsEmpty());

  EXPECT_THAT(all.due(t0 + 2s), ElementsAre(0, 1, 2));
}

TEST(Supervisor, AnEndThatWasOrderedIsNoIncident) {
  supervisor all{strategy::all_for_one, 2, options(1)};
  bring_up(all, t0);
  ASSERT_THAT(all.ended(0, t0, 0).stop, ElementsAre(1));

  EXPECT_FALSE(all.ended(1, t0, 0).exceeded);
}

TEST(Supervisor, AllForOneThatGivesUpStillStopsTheSiblings) {
  supervisor all{strategy::all_for_one, 2, options(0)};
  bring_up(all, t0);

  const auto reaction = all.ended(0, t0, 0);

  EXPECT_TRUE(reaction.exceeded);
  EXPECT_THAT(reaction.stop, ElementsAre(1));
  EXPECT_FALSE(all.ended(1, t0, 0).exceeded);
}

TEST(Supervisor, ATrialThatEndsBeforeItHasLastedIsTheLast) {
  supervisor one{strategy::one_for_one, 1, options(0)};
  bring_up(one, t0);
  ASSERT_TRUE(one.ended(0, t0, 0).exceeded);

  one.try_again(t0 + 5min);
  bring_up(one, t0 + 5min);

  EXPECT_TRUE(one.ended(0, t0 + 6min - 1ns, 0).exceeded);
  EXPECT_FALSE(one.next_due());
}

TEST(Supervisor, ATrialThatHasLastedIsForgotten) {
  supervisor one{strategy::one_for_one, 1, options(1)};
  bring_up(one, t0);
  ASSERT_FALSE(one.ended(0, t0, 0).exceeded);
  bring_up(one, t0 + 1s);
  ASSERT_TRUE(one.ended(0, t0 + 1s, 0).exceeded);

  one.try_again(t0 + 5min);
  bring_up(one, t0 + 5min);

  EXPECT_FALSE(one.ended(0, t0 + 6min, 0).exceeded);
}

TEST(Supervisor, BeginsAnewWhenEveryChildWasReplaced) {
  supervisor one{strategy::one_for_one, 2, options(0)};
  bring_up(one, t0);
  ASSERT_TRUE(one.ended(0, t0, 0).exceeded);

  one.replaced(t0 + 1s);

  EXPECT_FALSE(one.has_given_up());
  EXPECT_FALSE(one.next_due()) << "nobody waits for a start";
  EXPECT_TRUE(one.ended(1, t0 + 1s, 0).exceeded) << "they run, and are supervised";
}

/// Plays an owner that carries out every order, with ends at random.
struct random_owner {
  supervisor of;
  std::minstd_rand draws;
  std::vector<bool> running;
  steady_time at = t0;
  std::deque<steady_time> incidents;

  explicit random_owner(strategy how, std::uint32_t seed)
      : of{how, 4, options(3)}, draws{seed}, running(4) {}

  bool any_running() const { return std::ranges::find(running, true) != running.end(); }
  void start() {
    const bool before = any_running();
    const auto starts = of.due(at);
    if (of.how() == strategy::all_for_one && !starts.empty()) {
      EXPECT_FALSE(before);
      EXPECT_EQ(starts.size(), running.size());
    }
    for (const auto each : starts) {
      EXPECT_FALSE(running[each]) << "started while it runs";
      running[each] = true;
    }
  }
  void end(std::size_t which) {
    if (!running[which]) return;
    running[which] = false;
    const auto reaction = of.ended(which, at, 0.5);
    for (const auto each : reaction.stop) {
      EXPECT_TRUE(running[each]) << "stopped while it does not run";
      EXPECT_EQ(of.how(), strategy::all_for_one);
    }
    for (const auto each : reaction.stop) {
      running[each] = false;
      EXPECT_FALSE(of.ended(each, at, 0.5).exceeded);
    }
    if (reaction.exceeded) {
      EXPECT_TRUE(of.has_given_up());
      return incidents.clear();
    }
    if (of.has_given_up()) return;
    incidents.push_back(at);
    while (at - incidents.front() >= 60s) incidents.pop_front();
    EXPECT_LE(incidents.size(), 3u) << "more restarts than the intensity allows";
  }
  void step() {
    at += std::chrono::milliseconds{draws() % 5000};
    const auto which = draws() % running.size();
    switch (draws() % 6) {
      case 0:
        return end(which);
      case 1:
        return of.try_again(at);
      case 2:
        return running[which] ? of.ready(which, at) : void();
      default:
        return start();
    }
  }
};

TEST(Supervisor, KeepsItsPromisesUnderRandomEnds) {
  for (const auto how : {strategy::one_for_one, strategy::all_for_one})
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
      random_owner owner{how, seed};
      for (int i = 0; i < 2000 && !::testing::Test::HasFailure(); ++i) owner.step();
      ASSERT_FALSE(::testing::Test::HasFailure()) << strategy_name(how) << ", seed " << seed;
    }
}

}  // namespace

}  // namespace coppice::actors
