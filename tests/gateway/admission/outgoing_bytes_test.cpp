#include "gateway/admission/outgoing_bytes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace coppice::gateway {

namespace {

constexpr std::size_t large = 64 * 1024;

zmq::message_t a_frame(std::size_t bytes) { return zmq::message_t{std::string(bytes, 'x')}; }

TEST(OutgoingBytes, CountAReplyUntilItsLastFrameIsReleased) {
  outgoing_bytes bytes{1 << 20};
  {
    const auto held = bytes.hold("a", a_frame(10), large);
    EXPECT_EQ(held.size(), 10u);
    EXPECT_EQ(held.to_string_view(), "xxxxxxxxxx");
    EXPECT_EQ(bytes.held_by("a"), large);
    EXPECT_EQ(bytes.held_by("b"), 0u);
    EXPECT_EQ(bytes.total(), large);
  }
  EXPECT_EQ(bytes.held_by("a"), 0u);
  EXPECT_EQ(bytes.total(), 0u);
}

TEST(OutgoingBytes, LeaveSmallRepliesAsTheyAre) {
  outgoing_bytes bytes{1 << 20};

  const auto small = bytes.hold("a", a_frame(10), outgoing_bytes::counted_from - 1);
  EXPECT_EQ(bytes.total(), 0u);
  const auto counted = bytes.hold("a", a_frame(10), outgoing_bytes::counted_from);
  EXPECT_EQ(bytes.total(), outgoing_bytes::counted_from);
}

TEST(OutgoingBytes, HaveRoomUpToTheClientsCapAndAlwaysForOneReply) {
  outgoing_bytes bytes{3 * large};
  EXPECT_TRUE(bytes.has_room("a", 100 * large));

  const auto first = bytes.hold("a", a_frame(1), large);
  EXPECT_TRUE(bytes.has_room("a", 2 * large));
  EXPECT_FALSE(bytes.has_room("a", 2 * large + 1));
  const auto second = bytes.hold("a", a_frame(1), 2 * large);
  EXPECT_FALSE(bytes.has_room("a", 0));
  EXPECT_TRUE(bytes.has_room("b", large));
}

TEST(OutgoingBytes, KeepNoAccountsOfClientsThatTookEverything) {
  outgoing_bytes bytes{1 << 20};
  const auto kept = bytes.hold("slow", a_frame(1), large);
  for (int i = 0; i < 10'000; ++i) (void)bytes.hold("c" + std::to_string(i), a_frame(1), large);

  EXPECT_LE(bytes.clients(), 1024u);
  EXPECT_EQ(bytes.held_by("slow"), large);
}

TEST(OutgoingBytes, MayEndBeforeTheMessagesAndBeGivenBackOnAnyThread) {
  zmq::message_t left;
  {
    outgoing_bytes bytes{1 << 20};
    left = bytes.hold("a", a_frame(large), large);
  }
  std::thread{[message = std::move(left)]() mutable { message.rebuild(); }}.join();
}

/// A ROUTER and one client of it, over TCP.
struct ClientThatDoesNotRead : ::testing::Test {
  static constexpr std::size_t cap = 16 * 1024 * 1024;
  outgoing_bytes bytes{cap};
  zmq::context_t context{1};
  zmq::socket_t door{context, zmq::socket_type::router};
  zmq::socket_t client{context, zmq::socket_type::dealer};
  std::string routing_id;

  ClientThatDoesNotRead() {
    door.set(zmq::sockopt::linger, 0);
    door.set(zmq::sockopt::router_mandatory, true);
    door.set(zmq::sockopt::sndhwm, 1000);
    door.set(zmq::sockopt::sndbuf, 64 * 1024);
    client.set(zmq::sockopt::linger, 0);
    client.set(zmq::sockopt::rcvhwm, 1);
    client.set(zmq::sockopt::rcvbuf, 64 * 1024);
    client.set(zmq::sockopt::rcvtimeo, 20'000);
    door.bind("tcp://127.0.0.1:*");
    client.connect(door.get(zmq::sockopt::last_endpoint));
    (void)client.send(zmq::str_buffer("hello"), zmq::send_flags::none);
    zmq::message_t id, hello;
    EXPECT_TRUE(door.recv(id));
    EXPECT_TRUE(door.recv(hello));
    routing_id = id.to_string();
  }

  /// @returns whether there was room for it.
  bool reply(std::size_t size) {
    if (!bytes.has_room(routing_id, size)) return false;
    auto frame = bytes.hold(routing_id, a_frame(size), size);
    (void)door.send(zmq::buffer(routing_id), zmq::send_flags::sndmore);
    return door.send(frame, zmq::send_flags::dontwait).has_value();
  }
};

TEST_F(ClientThatDoesNotRead, IsHeldToItsCapAndReadingGivesItBack) {
  constexpr std::size_t size = 1024 * 1024;
  std::size_t sent = 0;
  while (sent < 100 && reply(size)) ++sent;

  // What the kernel and the client's own buffer took is no longer held here.
  EXPECT_LT(sent, 32u);
  EXPECT_LE(bytes.held_by(routing_id), cap);
  EXPECT_GT(bytes.held_by(routing_id), cap / 2);

  for (std::size_t i = 0; i < sent; ++i) {
    zmq::message_t frame;
    ASSERT_TRUE(client.recv(frame));
    ASSERT_EQ(frame.size(), size);
  }
  EXPECT_TRUE(reply(size));
  zmq::message_t last;
  EXPECT_TRUE(client.recv(last));
}

TEST_F(ClientThatDoesNotRead, GivesEverythingBackWhenItsSocketsEnd) {
  while (reply(1024 * 1024)) {
  }
  ASSERT_GT(bytes.total(), 0u);

  client.close();
  door.close();
  context.close();

  EXPECT_EQ(bytes.total(), 0u);
}

}  // namespace

}  // namespace coppice::gateway
