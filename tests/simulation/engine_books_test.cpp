#include "tests/simulation/engine_books.hpp"

#include <gtest/gtest.h>

namespace coppice::simulation {

namespace {

constexpr steady_time t0{1h};

scenario of_one_batch_model() {
  auto of = draw_scenario(1);
  of.models.resize(1);
  of.models[0].spec.builtin = "sleep";
  for (auto& each : of.requests) each.at_most_once = false;
  return of;
}

struct EngineBooks : ::testing::Test {
  scenario of = of_one_batch_model();
  auditor audit{of};
  engine_books books{audit};
  const std::uint32_t capacity = of.models[0].spec.card().capacity_rows;

  [[nodiscard]] std::optional<invariant> broken() const {
    return audit.first() ? std::optional{audit.first()->which} : std::nullopt;
  }
  void take(attempt_id id, std::uint32_t rows = 1) {
    books.offered("g", id, 1, 0, rows, t0);
    books.handled();
  }
};

TEST_F(EngineBooks, FindMoreRowsThanAnEngineMayHold) {
  take({1}, capacity);
  EXPECT_EQ(broken(), std::nullopt);

  take({2});

  EXPECT_EQ(broken(), invariant::capacity);
}

TEST_F(EngineBooks, CountNoRowsThatWereRefused) {
  take({1}, capacity);
  books.offered("g", {2}, 2, 0, 1, t0);
  books.ends("g", {2});
  books.handled();
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(EngineBooks, FindAnAttemptThatIsSentTwice) {
  take({1});
  take({1});
  EXPECT_EQ(broken(), invariant::fencing);
}

TEST_F(EngineBooks, FindAnEngineThatStartsWhatWasCancelled) {
  take({1});
  books.told_to_cancel("g", {1});
  books.starts("g", {1}, t0 - 1s);
  EXPECT_EQ(broken(), invariant::cancelling);
}

TEST_F(EngineBooks, FindAnEngineThatStartsBehindTheDeadline) {
  take({1});
  take({2});
  books.starts("g", {1}, t0 - 1ns);
  EXPECT_EQ(broken(), std::nullopt);

  books.starts("g", {2}, t0);

  EXPECT_EQ(broken(), invariant::deadline);
}

TEST_F(EngineBooks, FindAnAttemptThatIsStartedTwice) {
  take({1});
  books.starts("g", {1}, t0 - 1s);
  books.starts("g", {1}, t0 - 1s);
  EXPECT_EQ(broken(), invariant::one_outcome);
}

TEST_F(EngineBooks, FindAnEngineThatStartsWorkOfAGatewayThatIsGone) {
  books.met_gateway("g", t0 - 2s);
  take({1});
  books.lost_gateway("g");
  EXPECT_FALSE(books.knows("g"));
  books.starts("g", {1}, t0 - 1s);
  EXPECT_EQ(broken(), invariant::cancelling);
}

TEST_F(EngineBooks, ForgetAGatewayThatIsSilentForThreeSeconds) {
  books.met_gateway("g", t0);
  for (auto at = t0; at < t0 + 3s; at += 500ms) books.ticked(at);
  EXPECT_TRUE(books.knows("g"));

  books.ticked(t0 + 3s);

  EXPECT_FALSE(books.knows("g"));
}

TEST_F(EngineBooks, FindAnEngineThatCountsOtherwise) {
  take({1}, capacity);
  books.open_are(1);
  books.turned(0, capacity, 0, true);
  EXPECT_EQ(broken(), std::nullopt);

  books.open_are(0);

  EXPECT_EQ(broken(), invariant::capacity);
}

TEST_F(EngineBooks, FindARowThatIsCountedOnlyByTheEngine) {
  books.turned(0, 1, 0, false);
  EXPECT_EQ(broken(), std::nullopt);

  books.turned(0, 1, 0, true);

  EXPECT_EQ(broken(), invariant::capacity);
}

}  // namespace

}  // namespace coppice::simulation
