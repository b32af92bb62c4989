#include "gateway/drain_answer.hpp"

#include <gmock/gmock.h>

namespace coppice::gateway {

namespace {

using ::testing::ElementsAre;

const proto::drain_order drain{"node-1", true}, undrain{"node-1", false};

proto::drain_status in(const std::string& state, std::vector<std::string> waiting_for = {}) {
  return {"node-1", state, std::move(waiting_for), {}};
}

TEST(DrainAnswer, IsDrainedOnlyIfEverySchedulerSaysSo) {
  EXPECT_EQ(drain_answer(drain, {in("drained"), in("drained")}).state, "drained");
  EXPECT_EQ(drain_answer(drain, {in("drained"), in("draining")}).state, "draining");
  EXPECT_EQ(drain_answer(drain, {in("draining"), in("serving")}).state, "serving");
}

TEST(DrainAnswer, ServesAgainOnlyIfEverySchedulerSaysSo) {
  EXPECT_EQ(drain_answer(undrain, {in("serving"), in("serving")}).state, "serving");
  EXPECT_EQ(drain_answer(undrain, {in("serving"), in("drained")}).state, "drained");
}

TEST(DrainAnswer, DoesNotWaitForASchedulerThatDoesNotKnowTheTargetYet) {
  EXPECT_EQ(drain_answer(drain, {in("unknown"), in("drained")}).state, "drained");
  EXPECT_EQ(drain_answer(drain, {in("unknown"), in("unknown")}).state, "unknown");
}

TEST(DrainAnswer, NamesOnceAllThatIsWaitedFor) {
  const auto answer = drain_answer(drain, {in("draining", {"a", "b"}), in("draining", {"b", "c"})});

  EXPECT_THAT(answer.waiting_for, ElementsAre("a", "b", "c"));
}

}  // namespace

}  // namespace coppice::gateway
