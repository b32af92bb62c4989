#include "gateway/admission/outgoing_bytes.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

namespace coppice::gateway {

namespace {

constexpr std::size_t large = 64 * 1024;

zmq::message_t a_frame(std::size_t bytes) { return zmq::message_t{std::string(bytes, 'x')}; }

constexpr int a = 5, b = 6;

TEST(OutgoingBytes, CountAReplyUntilItsLastFrameIsReleased) {
  outgoing_bytes bytes{{}};
  {
    const auto held = bytes.hold(a, a_frame(10), large);
    EXPECT_EQ(held.to_string_view(), "xxxxxxxxxx");
    EXPECT_EQ(bytes.held_by(a), large);
    EXPECT_EQ(bytes.held_by(b), 0u);
    EXPECT_EQ(bytes.total(), large);
  }
  EXPECT_EQ(bytes.held_by(a), 0u);
  EXPECT_EQ(bytes.total(), 0u);
}

TEST(OutgoingBytes, CountSmallRepliesTogether) {
  outgoing_bytes bytes{{}};

  const auto first = bytes.hold(a, a_frame(10), outgoing_bytes::counted_from - 1);
  EXPECT_EQ(bytes.total(), 0u);
  const auto other = bytes.hold(b, a_frame(10), 1);
  EXPECT_EQ(bytes.total(), 0u);
  const auto second = bytes.hold(a, a_frame(10), 1);
  EXPECT_EQ(bytes.total(), outgoing_bytes::counted_from);
  const auto third = bytes.hold(a, a_frame(10), 1);
  EXPECT_EQ(bytes.held_by(a), outgoing_bytes::counted_from);
}

TEST(OutgoingBytes, HaveRoomUpToTheClientsShare) {
  outgoing_bytes bytes{{100 * large, 3 * large}};

  const auto first = bytes.hold(a, a_frame(1), large);
  EXPECT_TRUE(bytes.has_room(a, 2 * large));
  EXPECT_FALSE(bytes.has_room(a, 2 * large + 1));
  EXPECT_FALSE(bytes.is_full(a));
  const auto second = bytes.hold(a, a_frame(1), 2 * large);
  EXPECT_TRUE(bytes.is_full(a));
  EXPECT_TRUE(bytes.has_room(b, 3 * large));
}

TEST(OutgoingBytes, HaveRoomForOneReplyLargerThanAShareIfTheTotalAllowsIt) {
  outgoing_bytes bytes{{10 * large, 3 * large}};
  EXPECT_TRUE(bytes.has_room(a, 100 * large)) << "nothing else waits";

  const auto first = bytes.hold(a, a_frame(1), 5 * large);
  EXPECT_TRUE(bytes.has_room(b, 5 * large));
  EXPECT_FALSE(bytes.has_room(b, 5 * large + 1));
}

TEST(OutgoingBytes, LeaveEachFurtherClientAsMuchAsTheLastOneTook) {
  outgoing_bytes bytes{{64 * large, 64 * large}};
  std::vector<zmq::message_t> held;
  const auto fill = [&](int client) {
    for (; bytes.has_room(client, large); held.push_back(bytes.hold(client, a_frame(1), large))) {
    }
    return bytes.held_by(client) / large;
  };

  EXPECT_EQ(fill(1), 32u);
  EXPECT_EQ(fill(2), 16u);
  EXPECT_EQ(fill(3), 8u);
  EXPECT_EQ(fill(4), 4u);
}

TEST(OutgoingBytes, HaveRoomForALittleWhateverTheOthersHold) {
  outgoing_bytes bytes{{10 * large, 10 * large}};
  const auto all = bytes.hold(a, a_frame(1), 10 * large);

  EXPECT_TRUE(bytes.has_room(b, outgoing_bytes::always));
  EXPECT_FALSE(bytes.has_room(b, outgoing_bytes::always + 1));
}

TEST(OutgoingBytes, HaveRoomForFailuresBeyondTheShareOfWhoIsBehindAndNoMore) {
  outgoing_bytes bytes{{10 * large, 2 * large}};
  const auto share = bytes.hold(a, a_frame(1), 2 * large);
  ASSERT_TRUE(bytes.is_full(a));

  std::vector<zmq::message_t> failures;
  while (failures.size() < 1000 && bytes.has_room_for_failure(a, 300))
    failures.push_back(bytes.hold(a, a_frame(1), 300));
  EXPECT_EQ(failures.size(), outgoing_bytes::always / 300);
  EXPECT_EQ(bytes.held_by(a), 2 * large + failures.size() * 300);

  failures.clear();
  EXPECT_TRUE(bytes.has_room_for_failure(a, 300)) << "they were read";
  EXPECT_FALSE(bytes.has_room(a, 300)) << "that room is for failures alone";
}

TEST(OutgoingBytes, ForgetAClientWhoseConnectionEnded) {
  outgoing_bytes bytes{{10 * large, 2 * large}};
  const auto small = bytes.hold(a, a_frame(1), outgoing_bytes::counted_from - 1);
  {
    const auto held = bytes.hold(a, a_frame(1), 2 * large);
    bytes.closed(a);

    EXPECT_EQ(bytes.held_by(a), 0u) << "the descriptor is another client's now";
    EXPECT_GE(bytes.total(), 2 * large);
  }
  EXPECT_EQ(bytes.total(), 0u);
  bytes.closed(1000);
}

TEST(OutgoingBytes, AnyOrderOfHoldsAndReleasesAddsUp) {
  std::minstd_rand draws{1};
  outgoing_bytes bytes{{100 * large, 10 * large}};
  struct sent {
    int client;
    std::size_t counted;
    zmq::message_t frame;
  };
  std::vector<sent> here;
  for (int i = 0; i < 20'000; ++i) {
    if (draws() % 2 == 0 && !here.empty()) {
      std::swap(here[draws() % here.size()], here.back());
      here.pop_back();
    } else {
      const int client = static_cast<int>(draws() % 8);
      const auto before = bytes.held_by(client);
      auto frame = bytes.hold(client, a_frame(1), draws() % (2 * large));
      here.push_back({client, bytes.held_by(client) - before, std::move(frame)});
    }
    std::size_t total = 0;
    for (const auto& each : here) total += each.counted;
    ASSERT_EQ(bytes.total(), total);
    std::size_t clients = 0;
    for (int client = 0; client < 8; ++client) clients += bytes.held_by(client);
    ASSERT_EQ(clients, total);
  }
}

TEST(OutgoingBytes, MayEndBeforeTheMessagesAndBeGivenBackOnAnyThread) {
  zmq::message_t left;
  {
    outgoing_bytes bytes{{}};
    left = bytes.hold(a, a_frame(large), large);
  }
  std::thread{[message = std::move(left)]() mutable { message.rebuild(); }}.join();
}

/// A ROUTER and one client of it, over TCP.
struct ClientThatDoesNotRead : ::testing::Test {
  static constexpr std::size_t cap = 16 * 1024 * 1024;
  outgoing_bytes bytes{{4 * cap, cap}};
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
    if (!bytes.has_room(a, size)) return false;
    auto frame = bytes.hold(a, a_frame(size), size);
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
  EXPECT_LE(bytes.held_by(a), cap);
  EXPECT_GT(bytes.held_by(a), cap / 2);

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
