#include "gateway/poison/poison_watch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};
constexpr proto::fingerprint bad{0, 1}, good{0, 2};
constexpr row_id r1{1}, r2{2}, r3{3};
using verdict = poison_verdict;

struct PoisonWatch : ::testing::Test {
  poison_watch watch{"g1"};

  void judge(const char* said, const char* gateway = "", duration ttl = 10s, steady_time at = t0,
             proto::fingerprint of = bad) {
    watch.judge({of, said, gateway, to_us(ttl)}, at);
  }
  /// The first death, with `r1` as suspect, reported.
  void suspect_first() {
    watch.suspect(bad, r1, t0);
    (void)watch.take_orders();
  }
  /// The same, and the trial of `r1` goes out here.
  void try_first() {
    suspect_first();
    judge("trial", "g1");
    EXPECT_EQ(watch.take_orders().alone, std::vector{r1});
    EXPECT_EQ(watch.ask(bad, r1, t0), verdict::alone);
  }
};

TEST_F(PoisonWatch, IsEmptyAndLetsEverythingGoWhileNothingIsSuspected) {
  EXPECT_TRUE(watch.empty());
  EXPECT_EQ(watch.ask(bad, r1, t0), verdict::go);
}

TEST_F(PoisonWatch, ReportsASuspectOnceAndHoldsAllOfItsContentAndNothingElse) {
  watch.suspect(bad, r1, t0);
  watch.suspect(bad, r2, t0);

  EXPECT_EQ(watch.take_orders().suspects, std::vector{bad});
  EXPECT_EQ(watch.ask(bad, r3, t0), verdict::hold);
  EXPECT_EQ(watch.ask(good, {9}, t0), verdict::go);
  EXPECT_EQ(watch.held_rows(), 3u);
}

TEST_F(PoisonWatch, TriesOneRowAloneWhenItIsNamedAndHoldsTheOthers) {
  suspect_first();
  EXPECT_EQ(watch.ask(bad, r2, t0), verdict::hold);
  judge("trial", "g1");

  EXPECT_EQ(watch.take_orders().alone, std::vector{r1});
  EXPECT_EQ(watch.ask(bad, r1, t0), verdict::alone);
  EXPECT_EQ(watch.ask(bad, r2, t0), verdict::hold);
  EXPECT_EQ(watch.ask(bad, r1, t0), verdict::alone);  // refused by a full engine, sent again
}

TEST_F(PoisonWatch, ConvictsForTenMinutesWhenTheTrialEndsItsEngine) {
  try_first();
  (void)watch.ask(bad, r2, t0);
  watch.trial_ended(bad, r1, true, t0);

  const auto orders = watch.take_orders();
  ASSERT_EQ(orders.results.size(), 1u);
  EXPECT_EQ(orders.results[0].gateway, "g1");
  EXPECT_EQ(orders.results[0].of, bad);
  EXPECT_TRUE(orders.results[0].killed);
  EXPECT_EQ(orders.refuse, std::vector{r2});

  EXPECT_EQ(watch.ask(bad, r3, t0 + 10min - 1ms), verdict::refuse);
  EXPECT_EQ(watch.ask(bad, r3, t0 + 10min), verdict::go);
  watch.tick(t0 + 10min);
  EXPECT_TRUE(watch.empty());
}

TEST_F(PoisonWatch, FreesTheOthersWhenTheTrialSurvives) {
  try_first();
  (void)watch.ask(bad, r2, t0);
  watch.trial_ended(bad, r1, false, t0);

  const auto orders = watch.take_orders();
  EXPECT_FALSE(orders.results.at(0).killed);
  EXPECT_EQ(orders.go, std::vector{r2});
  EXPECT_TRUE(watch.empty());
}

TEST_F(PoisonWatch, HoldsWhileAnotherGatewayTries) {
  suspect_first();
  judge("trial", "g2");

  EXPECT_TRUE(watch.take_orders().empty());
  EXPECT_EQ(watch.ask(bad, r2, t0), verdict::hold);
  judge("cleared");
  EXPECT_EQ(watch.take_orders().go, (std::vector{r1, r2}));
  EXPECT_TRUE(watch.empty());
}

TEST_F(PoisonWatch, RefusesWhatAnotherGatewayConvicted) {
  judge("convicted", "g2", 10min);

  EXPECT_EQ(watch.ask(bad, r1, t0), verdict::refuse);
}

TEST_F(PoisonWatch, RefusesTheHeldWhenTheyAreConvicted) {
  suspect_first();
  judge("convicted", "g2", 10min);

  EXPECT_EQ(watch.take_orders().refuse, std::vector{r1});
}

TEST_F(PoisonWatch, TriesByItselfWhenNobodyHasJudgedForATenthOfASecond) {
  suspect_first();
  watch.tick(t0 + 99ms);
  EXPECT_TRUE(watch.take_orders().empty());

  watch.tick(t0 + 100ms);
  EXPECT_EQ(watch.take_orders().alone, std::vector{r1});
  EXPECT_EQ(watch.ask(bad, r1, t0 + 100ms), verdict::alone);
}

TEST_F(PoisonWatch, ReportsAgainWhenAJudgementLapsesOverRowsThatItHolds) {
  suspect_first();
  judge("trial", "g2", 10s);
  watch.tick(t0 + 9999ms);
  EXPECT_TRUE(watch.take_orders().empty());

  watch.tick(t0 + 10s);
  EXPECT_EQ(watch.take_orders().suspects, std::vector{bad});
  watch.tick(t0 + 10100ms);
  EXPECT_EQ(watch.take_orders().alone, std::vector{r1});
}

TEST_F(PoisonWatch, ForgetsAJudgementThatLapsesOverNothing) {
  judge("trial", "g2", 10s);
  watch.tick(t0 + 10s);

  EXPECT_TRUE(watch.empty());
}

TEST_F(PoisonWatch, TriesTheNextRowWhenTheOneOnTrialGotItsOutcomeOtherwise) {
  try_first();
  (void)watch.ask(bad, r2, t0);
  watch.closed(bad, r1);

  EXPECT_EQ(watch.take_orders().alone, std::vector{r2});
  EXPECT_EQ(watch.ask(bad, r2, t0), verdict::alone);
}

TEST_F(PoisonWatch, TriesTheFirstThatComesWhereNoneIsHeld) {
  watch.suspect(bad, {}, t0);  // its row was at_most_once
  (void)watch.take_orders();
  watch.tick(t0 + 100ms);
  EXPECT_TRUE(watch.take_orders().empty());

  EXPECT_EQ(watch.ask(bad, r2, t0 + 1s), verdict::alone);
  EXPECT_EQ(watch.ask(bad, r3, t0 + 1s), verdict::hold);
}

TEST_F(PoisonWatch, ForgetsASuspicionOfWhichNothingComesAnyMore) {
  watch.suspect(bad, {}, t0);
  watch.tick(t0 + 100ms);
  watch.tick(t0 + 30'099ms);
  EXPECT_FALSE(watch.empty());
  watch.tick(t0 + 30'100ms);

  EXPECT_TRUE(watch.empty());
}

TEST_F(PoisonWatch, WaitsForATrialHoweverLongItRuns) {
  try_first();
  for (auto at = t0; at < t0 + 5min; at += 1s) watch.tick(at);

  watch.trial_ended(bad, r1, true, t0 + 5min);
  EXPECT_EQ(watch.ask(bad, r2, t0 + 6min), verdict::refuse);
}

TEST_F(PoisonWatch, HoldsNoRowOfWhichItWasToldTheEnd) {
  suspect_first();
  watch.closed(bad, r1);
  watch.closed(good, r2);  // it never knew that one

  EXPECT_EQ(watch.held_rows(), 0u);
  judge("cleared");
  EXPECT_TRUE(watch.take_orders().empty());
}

TEST_F(PoisonWatch, RefusesACopyThatWasInAnotherEngineWhenItIsConvicted) {
  try_first();
  watch.trial_ended(bad, r1, true, t0);
  (void)watch.take_orders();
  watch.suspect(bad, r2, t0 + 1s);

  EXPECT_EQ(watch.take_orders().refuse, std::vector{r2});
}

TEST_F(PoisonWatch, KeepsItsOwnTrialWhateverIsJudgedMeanwhile) {
  try_first();
  judge("trial", "g2");
  EXPECT_EQ(watch.ask(bad, r1, t0), verdict::alone);

  watch.trial_ended(bad, r1, false, t0);
  EXPECT_EQ(watch.take_orders().results.size(), 1u);
}

TEST_F(PoisonWatch, ATrialIsNoLongerOneAfterAConvictionFromElsewhere) {
  try_first();
  judge("convicted", "g2", 10min);
  watch.trial_ended(bad, r1, false, t0);

  EXPECT_TRUE(watch.take_orders().results.empty());
  EXPECT_EQ(watch.ask(bad, r2, t0), verdict::refuse);
}

TEST_F(PoisonWatch, IgnoresAWordThatItDoesNotKnow) {
  judge("pardoned");

  EXPECT_TRUE(watch.empty());
}

TEST(PoisonWatchBound, LetsSuspectsGoThatItHasNoRoomFor) {
  poison_watch narrow{"g1", {.contents = 2}};
  for (std::uint64_t i = 1; i <= 3; ++i) narrow.suspect({0, i}, {i}, t0);

  const auto orders = narrow.take_orders();
  EXPECT_EQ(orders.suspects.size(), 2u);
  EXPECT_EQ(orders.go, std::vector{r3});
  EXPECT_EQ(narrow.ask({0, 3}, r3, t0), verdict::go);
  EXPECT_EQ(narrow.contents(), 2u);
}

/// Where rows of a few contents are in a cluster of one shard and a scheduler that answers at
/// random, or not at all. Engines run up to four rows at once, one if it is a trial.
struct scene {
  static constexpr std::uint64_t contents = 6;
  poison_watch watch{"g1"};
  std::mt19937 random;
  steady_time at = t0;
  std::uint64_t made = 0;
  enum class place { waiting, held, running, alone };
  std::map<row_id, std::pair<proto::fingerprint, place>> open;
  std::map<std::uint64_t, int> deaths, copies_inside, refused;
  int innocent_refused = 0;

  explicit scene(std::uint32_t seed) : random{seed} {}
  static bool kills(const proto::fingerprint& of) { return of.low == 1; }

  void come() {
    const row_id row{++made};
    open[row] = {{0, 1 + random() % contents}, place::waiting};
  }
  void end(row_id row) {
    const auto of = open.at(row).first;
    open.erase(row);
    watch.closed(of, row);
  }
  void send() {
    for (auto each = open.begin(); each != open.end();) {
      const auto row = each->first;
      auto& [of, where] = (each++)->second;
      if (where != place::waiting) continue;
      switch (watch.ask(of, row, at)) {
        case verdict::go:
          where = place::running;
          return;
        case verdict::alone:
          where = place::alone;
          return;
        case verdict::hold:
          where = place::held;
          break;
        case verdict::refuse:
          refuse(row);
      }
    }
  }
  void refuse(row_id row) {
    innocent_refused += !kills(open.at(row).first);
    ++refused[open.at(row).first.low];
    end(row);
  }
  /// Everything that runs together ends: the engine dies of it, or answers.
  void run() {
    std::vector<row_id> batch;
    const bool trial = random() % 2 == 0;
    for (const auto& [row, what] : open)
      if (what.second == (trial ? place::alone : place::running) && batch.size() < 4)
        if (!trial || batch.empty()) batch.push_back(row);
    const bool dies =
        std::ranges::any_of(batch, [&](auto row) { return kills(open.at(row).first); });
    if (dies) ++deaths[1];
    for (const auto row : batch) {
      auto& [of, where] = open.at(row);
      if (trial) watch.trial_ended(of, row, dies, at);
      if (!dies || trial) {
        end(row);
        continue;
      }
      where = place::held;
      watch.suspect(of, row, at);
    }
  }
  void carry_out() {
    const auto orders = watch.take_orders();
    for (const auto row : orders.alone) open.at(row).second = place::waiting;
    for (const auto row : orders.go) open.at(row).second = place::waiting;
    for (const auto row : orders.refuse) refuse(row);
    for (const auto& of : orders.suspects)
      if (random() % 2 == 0) judge(of, "trial", random() % 4 == 0 ? "g2" : "g1");
    if (watch.has_orders()) carry_out();
  }
  void judge(const proto::fingerprint& of, const char* said, const char* gateway) {
    watch.judge({of, said, gateway, to_us(1s)}, at);
  }
  [[nodiscard]] std::size_t count(place where) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(open, [&](const auto& each) { return each.second.second == where; }));
  }
};

/// One content kills: it ends at most two engines in ten minutes (and those that held a copy when
/// it first did), no innocent is refused, and no row is forgotten.
TEST(PoisonWatchScene, EndsAtMostTwoEnginesAndHurtsNoInnocent) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    scene play{seed};
    int copies = 0;
    for (int step = 0; step < 4000; ++step) {
      play.at += 20ms;
      switch (play.random() % 4) {
        case 0:
        case 1:
          play.come();
          break;
        case 2:
          play.send();
          break;
        default: {
          const bool first = play.deaths[1] == 0;
          play.run();
          if (first && play.deaths[1] == 1)  // what other engines hold of it now
            for (const auto& [row, what] : play.open)
              copies += play.kills(what.first) && what.second == scene::place::running;
        }
      }
      play.carry_out();
      play.watch.tick(play.at);
      play.carry_out();
      ASSERT_EQ(play.watch.held_rows(), play.count(scene::place::held)) << "seed " << seed;
    }
    EXPECT_LE(play.deaths[1], 2 + copies) << "seed " << seed;
    EXPECT_GT(play.refused[1], 10) << "seed " << seed;
    EXPECT_EQ(play.innocent_refused, 0) << "seed " << seed;
    for (int i = 0; i < 20'000 && !play.open.empty(); ++i) {
      play.at += 20ms;
      play.send();
      play.run();
      play.carry_out();
      play.watch.tick(play.at);
      play.carry_out();
    }
    EXPECT_TRUE(play.open.empty()) << "seed " << seed;
  }
}

}  // namespace

}  // namespace coppice::gateway
