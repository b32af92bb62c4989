#include "worker/engine/outbox.hpp"

#include "tests/worker/engine/virtual_engine.hpp"

#include <gmock/gmock.h>

namespace coppice::worker {
namespace {

struct Outbox : testing::Test {
  virtual_engine world{{}};
  outbox out{{7}, world};
};

TEST_F(Outbox, NamesTheFrameOfEachOutput) {
  const item_outputs outputs{a_tensor<float>("a", datatype::fp32, {2}, {1, 2}),
                             a_tensor<std::int64_t>("b", datatype::int64, {}, {3})};

  out.answer("g", {1}, 3, outputs, {5us, 6us, 4, release_reason::size});

  const auto& sent = world.sent.at(0);
  EXPECT_EQ(sent.header.incarnation.value, 7u);
  EXPECT_EQ(sent.header.credit, 3u);
  EXPECT_EQ(sent.header.times.batch_us, 5u);
  EXPECT_EQ(sent.header.times.compute_us, 6u);
  EXPECT_EQ(sent.header.batch_rows, 4u);
  EXPECT_EQ(sent.header.release, "size");
  ASSERT_EQ(sent.header.outputs.size(), 2u);
  EXPECT_EQ(sent.header.outputs[0].datatype, "FP32");
  EXPECT_EQ(sent.header.outputs[0].frame, 0u);
  EXPECT_EQ(sent.header.outputs[1].name, "b");
  EXPECT_EQ(sent.header.outputs[1].frame, 1u);
  EXPECT_EQ(sent.outputs.size(), 2u);
  EXPECT_TRUE(sent.header.final);
}

TEST_F(Outbox, SaysOfAnErrorWhetherARetryMayHelp) {
  out.answer("g", {1}, 1, fail(errc::invalid, "No."));
  out.refuse("g", {2}, 1, {errc::overloaded, "Full.", 5});

  EXPECT_EQ(world.sent.at(0).header.error->code, "invalid");
  EXPECT_FALSE(world.sent.at(0).header.error->retryable);
  EXPECT_EQ(world.sent.at(1).header.op, "refused");
  EXPECT_TRUE(world.sent.at(1).header.error->retryable);
  EXPECT_EQ(world.sent.at(1).header.error->retry_after_ms, 5u);
}

TEST_F(Outbox, SendsPartsOfAStreamAndItsEnd) {
  out.chunk("g", {1}, {4, {10, 11}});
  out.end_stream("g", {1}, {6, {}}, 5us, 6us);

  const auto& chunk = world.sent.at(0);
  EXPECT_EQ(chunk.header.op, "chunk");
  EXPECT_EQ(chunk.header.seq, 4u);
  EXPECT_FALSE(chunk.header.final);
  EXPECT_EQ(chunk.header.credit, 0u);
  EXPECT_THAT(chunk.header.outputs.at(0).shape, testing::ElementsAre(2));
  EXPECT_THAT(values_of<std::int32_t>(chunk.outputs.at(0)), testing::ElementsAre(10, 11));
  const auto& last = world.sent.at(1);
  EXPECT_EQ(last.header.op, "reply");
  EXPECT_EQ(last.header.seq, 6u);
  EXPECT_TRUE(last.header.final);
  EXPECT_EQ(last.header.credit, 1u);
  EXPECT_EQ(last.header.times.compute_us, 6u);
  EXPECT_THAT(last.header.outputs.at(0).shape, testing::ElementsAre(0));
}

TEST_F(Outbox, AnnouncesALargeReply) {
  const std::vector<std::uint8_t> bytes(proto::large_message_bytes);
  const auto size = static_cast<std::int64_t>(bytes.size());
  const auto large = a_tensor<std::uint8_t>("a", datatype::uint8, {size}, bytes);
  const auto less =
      a_tensor<std::uint8_t>("a", datatype::uint8, {size - 1}, {bytes.begin() + 1, bytes.end()});

  out.answer("g", {1}, 1, item_outputs{large});
  out.answer("g", {2}, 1, item_outputs{less});

  ASSERT_EQ(world.sent.size(), 3u);
  EXPECT_EQ(world.sent[0].header.op, "pong");
  EXPECT_EQ(world.sent[0].header.bytes, proto::large_message_bytes);
  EXPECT_EQ(world.sent[1].header.op, "reply");
  EXPECT_EQ(world.sent[2].header.op, "reply");
}

TEST_F(Outbox, RemembersTheGatewaysThatAreGoneUntilTheyAreTaken) {
  world.gone = {"g"};

  out.pong("g");
  out.pong("h");

  EXPECT_TRUE(out.any_gone());
  EXPECT_THAT(out.take_gone(), testing::ElementsAre("g"));
  EXPECT_FALSE(out.any_gone());
}

}  // namespace
}  // namespace coppice::worker
