#include "tests/gateway/shard/shard_fixture.hpp"

namespace coppice::gateway {

namespace {

using testing::t0;

struct ShardLinks : testing::ShardFixture {
  steady_time now = t0;

  ShardLinks() { gateway.on_tick(t0); }
  /// Time passes; engines in `speak` answer pings.
  void pass(duration time, const std::vector<std::uint64_t>& speak = {}) {
    for (const auto end = now + time; now < end;) {
      now += 10ms;
      for (const auto each : speak) answer({}, each, "pong", now);
      gateway.on_tick(now);
    }
  }
};

TEST_F(ShardLinks, AnAttemptOnALinkThatFallsSilentGoesElsewhere) {
  ask(1, t0, 60'000);
  grant(7, 1);
  ASSERT_EQ(world.attempts.size(), 1u);
  grant(8, 1);
  answer({}, 8, "welcome");

  pass(490ms, {8});
  EXPECT_EQ(world.attempts.size(), 1u);
  pass(10ms, {8});

  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_EQ(world.attempts[1].to, incarnation_id{8});
  EXPECT_EQ(world.closed, std::vector{incarnation_id{7}});
}

TEST_F(ShardLinks, ALongAttemptOnALinkThatSpeaksIsLeftAlone) {
  ask(1, t0, 60'000);
  grant(7, 1);
  pass(5s, {7});
  EXPECT_EQ(world.attempts.size(), 1u);
  EXPECT_TRUE(world.closed.empty());
}

TEST_F(ShardLinks, AnUnreachableEngineGetsNoAttemptUntilItIsHeardAgain) {
  ask(1, t0, 60'000);
  grant(7, 1);
  pass(500ms);
  ASSERT_EQ(world.attempts.size(), 1u);
  pass(20ms);
  ASSERT_EQ(world.places.back().unreachable, std::vector{incarnation_id{7}});

  grant(7, 1, now);
  EXPECT_EQ(world.attempts.size(), 1u) << "a scheduler that does not know yet";

  pass(1s);
  EXPECT_EQ(world.opened.size(), 2u) << "it is called";
  answer({}, 7, "welcome", now);
  pass(1s, {7});
  EXPECT_TRUE(world.places.back().unreachable.empty());
  grant(7, 1, now);
  EXPECT_EQ(world.attempts.size(), 2u);
}

TEST_F(ShardLinks, AnUnreachableEngineThatEndedIsCalledNoMore) {
  ask(1, t0, 60'000);
  grant(7, 1);
  pass(500ms);
  gateway.on_engine_down({"engine-7", {7}, "was killed", {}, "killed"}, now);

  pass(3s);

  EXPECT_EQ(world.opened.size(), 1u);
}

TEST_F(ShardLinks, AnUnreachableEngineWhoseAddressAnotherHasIsCalledNoMore) {
  ask(1, t0, 60'000);
  grant_at("tcp://e", "engine", 7, 1);
  pass(1500ms);
  ASSERT_EQ(world.opened.size(), 2u) << "it is called";

  grant_at("tcp://e", "engine", 8, 1, now);
  answer({}, 8, "welcome", now);

  EXPECT_EQ(world.closed.back(), incarnation_id{7});
  EXPECT_EQ(world.opened.back(), incarnation_id{8});
  pass(5s, {8});
  EXPECT_EQ(world.opened.size(), 3u);
  EXPECT_EQ(world.attempts.back().to, incarnation_id{8});
}

TEST_F(ShardLinks, AnEngineThatIsHeardIsNotLostBecauseASchedulerHearsNothing) {
  const auto silent = [&] {
    gateway.on_engine_down({"engine-7", {7}, "its snapshots stopped", {}, "silent"}, now);
  };
  ask(1, t0, 60'000);
  grant(7, 2);
  answer({}, 7, "welcome");

  pass(240ms);
  silent();
  EXPECT_TRUE(world.closed.empty());
  ask(2, now, 60'000);
  EXPECT_EQ(world.attempts.size(), 1u) << "but nothing new goes there";
  answer(world.attempts[0].header.attempt, 7, "reply", now);
  EXPECT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(world.attempts.size(), 1u) << "nor with the credit that comes back";
  pass(250ms);
  silent();

  EXPECT_EQ(world.closed.size(), 1u);
}

TEST_F(ShardLinks, AnAnnouncedReplyIsWaitedFor) {
  ask(1, t0, 60'000);
  grant(7, 1);
  proto::link_reply coming;
  coming.op = "pong";
  coming.incarnation = {7};
  coming.bytes = 50'000'000;
  frame_list message;
  message.emplace_back(std::string("engine"));
  message.emplace_back(proto::encode(coming));
  gateway.on_link_message(std::move(message), now);

  pass(4s);

  EXPECT_TRUE(world.closed.empty());
}

}  // namespace

}  // namespace coppice::gateway
