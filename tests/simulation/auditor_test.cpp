#include "tests/simulation/auditor.hpp"

#include <gtest/gtest.h>

namespace coppice::simulation {

namespace {

struct Auditor : ::testing::Test {
  scenario of = draw_scenario(1);
  auditor audit{of};

  [[nodiscard]] std::optional<invariant> broken() const {
    return audit.first() ? std::optional{audit.first()->which} : std::nullopt;
  }
};

TEST_F(Auditor, AcceptsOneOutcomeAndFindsASecond) {
  audit.submitted(1);
  audit.outcome(1, "", true, duration{0});
  EXPECT_EQ(broken(), std::nullopt);

  audit.outcome(1, "deadline", true, duration{0});

  EXPECT_EQ(broken(), invariant::one_outcome);
}

TEST_F(Auditor, FindsARequestWithoutOutcome) {
  audit.submitted(1);
  audit.finish();
  EXPECT_EQ(broken(), invariant::one_outcome);
}

TEST_F(Auditor, NobodyWaitsForTheRequestsOfADeadClient) {
  audit.submitted(1);
  audit.abandoned(1);
  audit.finish();
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(Auditor, FindsAnAnswerThatIsAnotherOne) {
  audit.outcome(1, "", false, duration{0});
  EXPECT_EQ(broken(), invariant::right_answer);
}

TEST_F(Auditor, AllowsFiftyMillisecondsBehindTheDeadline) {
  audit.outcome(1, "", true, 50ms);
  EXPECT_EQ(broken(), std::nullopt);

  audit.outcome(2, "", true, 51ms);

  EXPECT_EQ(broken(), invariant::deadline);
}

TEST_F(Auditor, KeepsTheFirstBreach) {
  audit.found(invariant::credit, "first", 1);
  audit.found(invariant::memory, "second", 2);
  EXPECT_EQ(broken(), invariant::credit);
}

TEST_F(Auditor, FindsASecondStartOfAnAtMostOnceRequestAlone) {
  of.requests[0].at_most_once = false;
  of.requests[1].at_most_once = true;
  for (const auto number : {1, 1, 2}) audit.attempt_starts(number);
  EXPECT_EQ(broken(), std::nullopt);

  audit.attempt_starts(2);

  EXPECT_EQ(broken(), invariant::at_most_once);
}

TEST_F(Auditor, FindsAnInnocentThatIsConvicted) {
  of.requests[0].does = behaviour::echo;
  audit.submitted(1);
  audit.outcome(1, "poison", true, duration{0});
  audit.finish();
  EXPECT_EQ(broken(), invariant::poison);
}

TEST_F(Auditor, FindsAFailureThatOnlyPlannedWorkCanHaveCaused) {
  of.gentle = true;
  of.harmful = false;
  audit.submitted(1);
  audit.outcome(1, "unavailable", true, duration{0});
  audit.finish();
  EXPECT_EQ(broken(), invariant::planned);
}

TEST_F(Auditor, FindsAFailureLongAfterTheFaultsUnlessEveryEngineWasGivenUp) {
  of.requests[0].calm = true;
  audit.submitted(1);
  audit.outcome(1, "unavailable", true, duration{0});
  auditor given_up = audit;
  for (std::uint32_t n = 0; n < of.nodes.size(); ++n)
    for (std::uint32_t k = 0; k < of.nodes[n].engines.size(); ++k) given_up.quarantined(n, k, true);

  given_up.finish();
  audit.finish();

  EXPECT_FALSE(given_up.first());
  EXPECT_EQ(broken(), invariant::recovery);
}

TEST_F(Auditor, AllowsAFailureOfAModelThatABadContentHeldUp) {
  of.requests[0].calm = true;
  audit.submitted(1);
  audit.outcome(1, "deadline", true, duration{0});
  audit.runs_row_by_row(of.models[of.requests[0].model], of.calm_from);

  audit.finish();

  EXPECT_FALSE(audit.first());
}

struct AuditorOfContents : Auditor {
  /// Two requests with a content that ends its engine.
  AuditorOfContents() {
    of.gentle = true;
    of.faults.clear();
    for (auto& each : of.requests) each.content = 0;
    for (auto& each : of.models) each.spec.hedge_after = duration{0};
    for (const auto at : {0, 1}) of.requests[at].content = 7, of.requests[at].model = 0;
  }
  [[nodiscard]] std::optional<invariant> after_starts(int starts) const {
    auto judge = audit;
    for (int i = 0; i < starts; ++i) judge.attempt_starts(1);
    judge.finish();
    return judge.first() ? std::optional{judge.first()->which} : std::nullopt;
  }
};

TEST_F(AuditorOfContents, AllowACopyEachAndATrial) {
  EXPECT_EQ(after_starts(3), std::nullopt);
  EXPECT_EQ(after_starts(4), invariant::poison);
}

TEST_F(AuditorOfContents, CountASecondAttemptAsACopy) {
  of.models[0].spec.hedge_after = 1ms;
  EXPECT_EQ(after_starts(5), std::nullopt);
  EXPECT_EQ(after_starts(6), invariant::poison);
}

TEST_F(Auditor, CountsNeitherRefusalsNorFirstRetriesAfterADeathAsAmplification) {
  of.ends = duration{0};
  for (int i = 0; i < 100; ++i) audit.accepted(), audit.attempt_sent(1);
  for (int i = 0; i < 50; ++i) audit.attempt_sent(1), audit.attempt_refused();
  audit.attempt_lost(2);
  for (int i = 0; i < 11; ++i) audit.attempt_sent(2);
  auto more = audit;
  more.attempt_sent(2);

  audit.finish();
  more.finish();

  EXPECT_EQ(broken(), std::nullopt);
  ASSERT_TRUE(more.first());
  EXPECT_EQ(more.first()->which, invariant::amplification);
}

}  // namespace

}  // namespace coppice::simulation
