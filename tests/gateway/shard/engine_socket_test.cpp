#include "gateway/shard/engine_socket.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace coppice::gateway {

namespace {

/// An engine's end of links: a ROUTER, as in the engine process.
struct far_end {
  zmq::socket_t socket;
  std::string endpoint;

  explicit far_end(zmq::context_t& context) : socket{context, zmq::socket_type::router} {
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::router_handover, true);
    socket.set(zmq::sockopt::rcvtimeo, 20'000);
    socket.bind("tcp://127.0.0.1:*");
    endpoint = socket.get(zmq::sockopt::last_endpoint);
  }
  /// Waits for a message. @returns the routing id of its sender.
  std::string hear() {
    zmq::message_t from, text;
    EXPECT_TRUE(socket.recv(from));
    EXPECT_TRUE(socket.recv(text));
    return from.to_string();
  }
  /// A message whose parts all have the same content.
  void say(const std::string& to, const std::string& content, int parts = 3) {
    (void)socket.send(zmq::buffer(to), zmq::send_flags::sndmore);
    for (int i = 0; i < parts; ++i)
      (void)socket.send(zmq::buffer(content),
                        i + 1 < parts ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
};

struct EngineSocket : ::testing::Test {
  zmq::context_t here{2}, there{1};
  engine_socket links{here};

  bool poll(long limit_ms = 20'000) {
    zmq_pollitem_t item{links.socket().handle(), 0, ZMQ_POLLIN, 0};
    return zmq_poll(&item, 1, limit_ms) > 0;
  }
  std::string open(far_end& engine, std::uint64_t incarnation) {
    EXPECT_TRUE(links.open({incarnation}, engine.endpoint));
    EXPECT_TRUE(links.send({incarnation}, "hello", {}));
    return engine.hear();
  }
};

TEST_F(EngineSocket, CarriesWholeMessagesBothWays) {
  far_end engine{there};
  const auto me = open(engine, 7);
  engine.say(me, "reply");

  frame_list message;
  ASSERT_TRUE(poll());
  ASSERT_TRUE(links.receive(message));
  ASSERT_EQ(message.size(), 4u);
  EXPECT_EQ(message[3].to_string_view(), "reply");
  EXPECT_FALSE(links.receive(message));
}

TEST_F(EngineSocket, SendsNothingOnALinkThatIsNotOpen) {
  far_end engine{there};
  EXPECT_FALSE(links.send({7}, "hello", {}));
  open(engine, 7);
  links.close(engine.endpoint);
  EXPECT_FALSE(links.send({7}, "hello", {}));
}

TEST_F(EngineSocket, ALinkMayBeClosedBetweenThePollThatToldOfAMessageAndItsReceipt) {
  far_end engine{there};
  engine.say(open(engine, 7), "reply");
  ASSERT_TRUE(poll());

  links.close(engine.endpoint);

  frame_list message;
  ASSERT_TRUE(links.receive(message));
  EXPECT_EQ(message.size(), 4u);
  EXPECT_FALSE(links.receive(message));
}

TEST_F(EngineSocket, OpensALinkAgainOnceTheOldConnectionIsClosed) {
  far_end engine{there};
  engine.say(open(engine, 7), "reply");
  ASSERT_TRUE(poll());
  links.close(engine.endpoint);
  EXPECT_FALSE(links.open({7}, engine.endpoint)) << "a message is left to be read";

  frame_list message;
  while (links.receive(message)) {
  }

  open(engine, 7);
}

/// Engines that send without end until they are told to stop, each a little ahead of who reads.
struct Talkers {
  static constexpr std::size_t count = 4;
  static constexpr int ahead = 400;
  zmq::context_t context{1};
  std::atomic<bool> stop = false;
  std::atomic<int> unread = 0;
  std::array<std::unique_ptr<far_end>, count> engines;
  std::array<std::string, count> peers;
  std::thread thread;

  void start() {
    thread = std::thread{[this] {
      for (std::size_t i = 0; !stop; i = (i + 1) % count)
        if (unread < ahead) {
          ++unread;
          engines[i]->say(peers[i], std::string(1, static_cast<char>('a' + i)));
        } else {
          std::this_thread::yield();
        }
    }};
  }
  ~Talkers() {
    stop = true;
    if (thread.joinable()) thread.join();
  }
};

struct BusyEngineSocket : EngineSocket {
  Talkers talkers;
  int received = 0;

  BusyEngineSocket() {
    for (std::size_t i = 0; i < Talkers::count; ++i) {
      talkers.engines[i] = std::make_unique<far_end>(talkers.context);
      talkers.peers[i] = open(*talkers.engines[i], i);
    }
    talkers.start();
  }
  /// Reads all that is there.
  void expect_whole_messages() {
    frame_list message;
    for (; links.receive(message); ++received) {
      ASSERT_EQ(message.size(), 4u);
      if (message[1].to_string_view() != "x") --talkers.unread;
      for (int part = 2; part < 4; ++part)
        ASSERT_EQ(message[part].to_string_view(), message[1].to_string_view());
    }
  }
};

TEST_F(BusyEngineSocket, TearsNoMessageWhenALinkIsClosed) {
  far_end passing{there};
  for (std::uint64_t i = 0; i < 500; ++i) {
    passing.say(open(passing, 100 + i), "x");
    ASSERT_TRUE(poll());
    links.close(passing.endpoint);
    expect_whole_messages();
  }
  EXPECT_GT(received, 500);
}

TEST_F(BusyEngineSocket, TearsNoMessageWhenAnEngineEnds) {
  for (std::uint64_t i = 0; i < 500; ++i) {
    auto passing = std::make_unique<far_end>(there);
    const auto endpoint = passing->endpoint;
    const auto me = open(*passing, 100 + i);
    for (int k = 0; k < 20; ++k) passing->say(me, "x");
    passing.reset();
    expect_whole_messages();
    links.close(endpoint);
  }
  EXPECT_GT(received, 500);
}

}  // namespace

}  // namespace coppice::gateway
