#include "worker/engine/served_batches.hpp"

#include "tests/worker/engine/virtual_engine.hpp"

#include <gmock/gmock.h>

namespace coppice::worker {
namespace {

/// A model of two instances, numbers 3 and 4, without a desk.
struct ServedBatches : testing::Test {
  virtual_engine world{{}};
  outbox out{{virtual_engine::incarnation}, world};
  open_attempts open{100};
  served_batches served{a_plain_spec("m", 2), 3, {world, out, open}};
  void take(const proto::link_request& request) {
    served.take("g", request, {a_frame_of("abcd")}, world.now);
  }
};

TEST_F(ServedBatches, UsesTheLowestIdleInstance) {
  for (std::uint64_t i = 1; i <= 3; ++i) take(virtual_engine::infer_of(i, "m"));
  served.start_ready(world.now);
  EXPECT_THAT(world.ids_on(3), testing::ElementsAre(1u));
  EXPECT_THAT(world.ids_on(4), testing::ElementsAre(2u));

  finished_batch done;
  done.ran = std::move(world.running.at(4));
  world.running.erase(4);
  served.finished(4, done);
  served.start_ready(world.now);

  EXPECT_THAT(world.ids_on(4), testing::ElementsAre(3u));
}

TEST_F(ServedBatches, AnswersOnlyTheWantedOutputs) {
  auto request = virtual_engine::infer_of(1, "m");
  request.inputs.push_back({"y", "UINT8", {4}, 0u, {}});
  request.outputs = {"y"};
  take(request);
  served.start_ready(world.now);
  finished_batch done;
  done.ran = std::move(world.running.at(3));
  done.results.emplace_back(done.ran.attempts[0].item.inputs);
  served.finished(3, done);
  served.answer(std::move(done));

  ASSERT_EQ(world.sent.size(), 1u);
  ASSERT_EQ(world.sent[0].header.outputs.size(), 1u);
  EXPECT_EQ(world.sent[0].header.outputs[0].name, "y");
}

TEST_F(ServedBatches, CountsTheBytesOfItsInputsUntilTheyAreAnswered) {
  take(virtual_engine::infer_of(1, "m"));
  EXPECT_TRUE(open.fits(96));
  EXPECT_FALSE(open.fits(97));

  EXPECT_TRUE(served.cancel("g", {1}, world.now));

  EXPECT_TRUE(open.fits(100));
  EXPECT_FALSE(served.cancel("g", {1}, world.now));
}

TEST_F(ServedBatches, HasNothingDueToStartWhileNothingMayStart) {
  take(virtual_engine::infer_of(1, "m", 5s));

  EXPECT_EQ(served.next_event(false), t0 + 5s);
  EXPECT_LE(served.next_event(true), t0);
}

}  // namespace
}  // namespace coppice::worker
