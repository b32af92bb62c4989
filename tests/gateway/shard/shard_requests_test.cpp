#include "gateway/shard/shard.hpp"
#include "tests/gateway/shard/shard_fixture.hpp"

namespace coppice::gateway {

using testing::a_request;
using testing::as_message;
using testing::t0;

namespace {

/// Requests with keys, in a session unless a test says otherwise.
struct ShardRequests : testing::ShardFixture {
  void send(int id, const std::string& key, int connection = 5,
            const std::string& client = "client", steady_time at = t0, bool again = false,
            bool at_most_once = false) {
    auto request = a_request("echo", id);
    request.key = key;
    request.session = session;
    request.again = again;
    request.at_most_once = at_most_once;
    gateway.on_client_message(as_message(request, client), connection, at);
  }
  void answer_last(std::uint64_t incarnation = 7) {
    answer(world.attempts.back().header.attempt, incarnation);
  }

  /// The last attempt is answered with a frame of 4 bytes.
  void answer_with_frame() {
    proto::link_reply reply;
    reply.op = "reply";
    reply.attempt = world.attempts.back().header.attempt;
    reply.incarnation = world.attempts.back().to;
    reply.credit = 1;
    reply.outputs.push_back({"y", "UINT8", {4}, 0, {}});
    frame_list message;
    message.emplace_back(std::string("engine"));
    message.emplace_back(proto::encode(reply));
    message.emplace_back(std::string("abcd"));
    gateway.on_link_message(std::move(message), t0);
  }

  std::string session = "s";
};

TEST_F(ShardRequests, AKeySentAgainWhileItRunsIsOneRequestWithOneAnswer) {
  send(1, "k");
  grant(7, 2);
  send(1, "k", 5, "client", t0, true);
  ASSERT_EQ(world.attempts.size(), 1u);

  answer_last();

  EXPECT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(gateway.rows().counts().accepted, 1u);
}

TEST_F(ShardRequests, AnAnswerGoesToWhereTheSessionIsNow) {
  send(1, "k", 5, "old connection");
  grant(7, 1);
  gateway.on_client_gone(5, t0);
  send(2, "another", 6, "new connection");

  answer(world.attempts[0].header.attempt, 7);

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(world.addresses[0].routing_id, "new connection");
}

TEST_F(ShardRequests, AKeyThatIsDoneIsAnsweredAgainWithoutARun) {
  send(1, "k");
  grant(7, 2);
  answer_last();

  send(3, "k", 5, "client", t0 + 1s, true);

  EXPECT_EQ(world.attempts.size(), 1u);
  ASSERT_EQ(world.replies.size(), 2u);
  EXPECT_EQ(code(1), "ok");
  EXPECT_EQ(world.replies[1].id.bytes, std::string(1, '\3'));
}

TEST_F(ShardRequests, AKeyWithOtherContentIsRefused) {
  send(1, "k");
  auto other = a_request("echo", 2);
  other.key = "k";
  other.session = session;
  other.outputs = {"x"};
  gateway.on_client_message(as_message(other), 5, t0);

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "key_reused");
}

TEST_F(ShardRequests, WhatMayGoBetterNextTimeIsRunAgain) {
  send(1, "k");
  gateway.on_place_reply({{}, {{"echo", 0, "unavailable", 1000}}}, t0);
  gateway.on_tick(t0 + 5s);
  ASSERT_EQ(code(0), "unavailable");

  send(1, "k", 5, "client", t0 + 5s, true);
  grant(7, 1, t0 + 5s);

  EXPECT_EQ(world.attempts.size(), 1u);
}

TEST_F(ShardRequests, OutcomesThatTheSessionHasAreLetGo) {
  send(1, "k");
  grant(7, 2);
  answer_last();
  auto ping = a_request("echo", 9);
  ping.op = "ping";
  ping.inputs.clear();
  ping.session = session;
  ping.acked = 1;
  gateway.on_client_message(as_message(ping), 5, t0);

  send(1, "k", 5, "client", t0, true);

  EXPECT_EQ(world.attempts.size(), 2u) << "run again: nothing is known of it";
}

TEST_F(ShardRequests, APingNamesTheProcessThatKeepsOutcomes) {
  auto ping = a_request("echo", 9);
  ping.op = "ping";
  ping.inputs.clear();
  gateway.on_client_message(as_message(ping), 5, t0);

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(world.replies[0].gateway, "gateway-1");
}

TEST_F(ShardRequests, AnAtMostOnceRequestSentAgainToAStrangerIsNotRun) {
  send(1, "k", 5, "client", t0, true, true);

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "unknown_outcome");
}

TEST_F(ShardRequests, ASessionThatComesBackInTimeKeepsItsRequests) {
  send(1, "k");
  grant(7, 1);
  gateway.on_client_gone(5, t0);
  gateway.on_tick(t0 + 3s - 1ms);
  EXPECT_TRUE(world.cancels.empty());

  gateway.on_tick(t0 + 3s);
  EXPECT_EQ(world.cancels.size(), 1u);
  EXPECT_EQ(gateway.rows().open_rows(), 0u);
}

TEST_F(ShardRequests, WithoutASessionADisconnectCancelsAtOnce) {
  session.clear();
  send(1, "");
  grant(7, 1);
  gateway.on_client_gone(5, t0);
  EXPECT_EQ(world.cancels.size(), 1u);
}

// --- clients that do not read --------------------------------------------------------------

TEST_F(ShardRequests, AClientWithTooMuchUnreadMayNotAskForMoreAndOthersMay) {
  world.behind = 5;
  send(1, "", 5, "slow");
  send(2, "", 6, "other");
  grant(7, 2);

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "overloaded");
  EXPECT_EQ(world.addresses[0].connection, 5);
  EXPECT_EQ(world.attempts.size(), 1u);
}

TEST_F(ShardRequests, WhatClientsHaveNotReadFillsTheGatewayAsOpenRequestsDo) {
  constexpr std::size_t full_for_normal = std::size_t{1} << 30;
  world.unread = full_for_normal / 100 * 90;
  send(1, "");
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "overloaded");

  world.unread -= 1024;
  send(2, "");
  EXPECT_EQ(world.replies.size(), 1u);
}

TEST_F(ShardRequests, AResultThatAClientHasNoRoomForIsKeptForItsKey) {
  send(1, "k");
  grant(7, 1);
  world.room = 3;
  answer_with_frame();
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "overloaded");
  EXPECT_TRUE(world.replies[0].final);
  EXPECT_EQ(gateway.rows().open_rows(), 0u);

  send(1, "k");
  EXPECT_EQ(code(1), "overloaded") << "there is no room yet";
  world.room = 4;
  send(1, "k");

  EXPECT_EQ(code(2), "ok");
  EXPECT_EQ(world.attempts.size(), 1u);
}

TEST_F(ShardRequests, WithoutAKeyAnAtMostOnceResultThatWasDroppedIsNoInvitationToAskAgain) {
  send(1, "", 5, "client", t0, false, true);
  grant(7, 1);
  world.room = 3;
  answer_with_frame();

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "unknown_outcome");
}

TEST_F(ShardRequests, NorIsItWithAKeyForAnotherGatewayHasNotKeptIt) {
  send(1, "k", 5, "client", t0, false, true);
  grant(7, 1);
  world.room = 3;
  answer_with_frame();
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "unknown_outcome");

  send(1, "k", 5, "client", t0, false, true);
  EXPECT_EQ(code(1), "unknown_outcome") << "nor while there is no room yet";
  world.room = 4;
  send(1, "k", 5, "client", t0, false, true);

  EXPECT_EQ(code(2), "ok") << "this one has";
}

TEST_F(ShardRequests, AResultForAClientThatIsGoneEndsItsRequestAllTheSame) {
  send(1, "k");
  grant(7, 1);
  world.client_gone = true;
  answer_with_frame();

  EXPECT_TRUE(world.replies.empty());
  EXPECT_EQ(gateway.rows().open_rows(), 0u);
}

}  // namespace

}  // namespace coppice::gateway
