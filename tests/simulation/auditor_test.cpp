#include "tests/simulation/auditor.hpp"

#include "tests/simulation/engine_books.hpp"
#include "tests/simulation/gateway_books.hpp"

#include <gtest/gtest.h>

namespace coppice::simulation {

namespace {

constexpr steady_time t0{1h};

struct Auditor : ::testing::Test {
  scenario of = draw_scenario(1);
  auditor audit{of};
  gateway_books gateway{audit};
  engine_books engine{audit};

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

TEST_F(Auditor, AllowsFiftyMillisecondsBehindTheDeadline) {
  audit.outcome(1, "", true, 50ms);
  EXPECT_EQ(broken(), std::nullopt);

  audit.outcome(2, "", true, 51ms);

  EXPECT_EQ(broken(), invariant::deadline);
}

TEST_F(Auditor, FindsTheAnswerOfAFencedAttempt) {
  gateway.asked(1, t0);
  gateway.sent(1, {10}, {7}, false);
  gateway.link_closed({7});
  gateway.sent(1, {11}, {8}, false);

  gateway.frame("reply", {10}, {7});
  gateway.answered(1, true);

  EXPECT_EQ(broken(), invariant::fencing);
}

TEST_F(Auditor, FindsTheAnswerOfAnotherIncarnation) {
  gateway.asked(1, t0);
  gateway.sent(1, {10}, {7}, false);

  gateway.frame("reply", {10}, {8});
  gateway.answered(1, true);

  EXPECT_EQ(broken(), invariant::fencing);
}

TEST_F(Auditor, TakesTheAnswerOfALiveAttempt) {
  gateway.asked(1, t0);
  gateway.sent(1, {10}, {7}, false);

  gateway.frame("reply", {10}, {7});
  gateway.answered(1, true);

  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(Auditor, FindsAnAttemptThatIsSentToTheKnownDead) {
  gateway.asked(1, t0);
  gateway.told_down({7});
  gateway.sent(1, {10}, {7}, false);
  EXPECT_EQ(broken(), invariant::fencing);
}

TEST_F(Auditor, FindsWhatIsOpenBehindItsDeadline) {
  gateway.asked(1, t0);
  gateway.ticked(t0 + 50ms);
  EXPECT_EQ(broken(), std::nullopt);

  gateway.ticked(t0 + 51ms);

  EXPECT_EQ(broken(), invariant::deadline);
}

TEST_F(Auditor, FindsMoreRowsThanAnEngineMayHold) {
  const auto capacity = of.models[0].spec.card().capacity_rows;
  engine.took("g", {1}, 1, 0, capacity, t0);
  EXPECT_EQ(broken(), std::nullopt);

  engine.took("g", {2}, 2, 0, 1, t0);

  EXPECT_EQ(broken(), invariant::capacity);
}

TEST_F(Auditor, FindsAnEngineThatStartsWhatWasCancelled) {
  engine.took("g", {1}, 1, 0, 1, t0);
  engine.told_to_cancel("g", {1});
  engine.starts("g", {1}, t0 - 1s);
  EXPECT_EQ(broken(), invariant::cancelling);
}

TEST_F(Auditor, FindsAnEngineThatStartsBehindTheDeadline) {
  engine.took("g", {1}, 1, 0, 1, t0);
  engine.starts("g", {1}, t0);
  EXPECT_EQ(broken(), invariant::deadline);
}

}  // namespace

}  // namespace coppice::simulation
