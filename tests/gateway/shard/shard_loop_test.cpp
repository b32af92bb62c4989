#include "gateway/shard/shard_loop.hpp"

#include "proto/codec/codec.hpp"
#include "tests/gateway/shard/messages.hpp"

#include <gmock/gmock.h>

#include <future>

namespace coppice::gateway {

namespace {

using ::testing::HasSubstr;

/// A shard on its thread with real sockets, and one client.
struct ShardLoop : ::testing::Test {
  metrics registry;
  shard_counts counts{registry};
  std::promise<proto::place_request> placed;
  bool asked = false;
  shard_loop loop{{}, counts, [this](scheduler_mail mail) {
                    auto* demand = std::get_if<proto::place_request>(&mail);
                    if (demand != nullptr && !std::exchange(asked, true))
                      placed.set_value(std::move(*demand));
                  }};
  zmq::context_t context{1};
  zmq::socket_t client{context, zmq::socket_type::dealer};

  ShardLoop() {
    const auto endpoint = loop.bind("tcp://127.0.0.1:*");
    EXPECT_TRUE(endpoint);
    loop.start([](const std::string& why) { ADD_FAILURE() << why; });
    client.set(zmq::sockopt::linger, 0);
    client.set(zmq::sockopt::rcvtimeo, 20'000);
    client.connect(*endpoint);
    proto::model_card echo;
    echo.name = "echo";
    echo.version = 1;
    echo.any_inputs = true;
    loop.post(proto::catalogue{{echo}});
  }

  void send(const std::string& header, bool frame = false) {
    (void)client.send(zmq::message_t{}, zmq::send_flags::sndmore);
    (void)client.send(zmq::buffer(header),
                      frame ? zmq::send_flags::sndmore : zmq::send_flags::none);
    if (frame) (void)client.send(zmq::str_buffer("abcd"), zmq::send_flags::none);
  }
  proto::reply receive() {
    zmq::message_t empty, header;
    EXPECT_TRUE(client.recv(empty));
    EXPECT_TRUE(client.recv(header));
    return *proto::decode<proto::reply>(header.to_string_view());
  }
};

TEST_F(ShardLoop, CarriesClientsMessagesAndReplies) {
  proto::request ping;
  ping.v = 1;
  ping.op = "ping";
  ping.id.bytes = "\x07";
  send(proto::encode(ping));

  EXPECT_EQ(receive().id.bytes, "\x07");
}

TEST_F(ShardLoop, CarriesDemandOutAndVerdictsIn) {
  send(proto::encode(testing::a_request()), true);
  const auto demand = placed.get_future().get();
  ASSERT_EQ(demand.wants.size(), 1u);
  EXPECT_EQ(demand.wants[0].model, "echo");

  loop.post(stop_shard{});
  EXPECT_EQ(receive().error->code, "unavailable");
}

TEST_F(ShardLoop, LetsOnlyUsersWithTheirPasswordThroughAGuardedDoor) {
  shard_loop guarded{{}, counts, [](const scheduler_mail&) {}};
  ASSERT_TRUE(guarded.guard({{"ann", {"secret", "gold"}}}));
  const auto endpoint = guarded.bind("tcp://127.0.0.1:*");
  guarded.start([](const std::string& why) { ADD_FAILURE() << why; });
  zmq::socket_t ann{context, zmq::socket_type::dealer};
  ann.set(zmq::sockopt::linger, 0);
  ann.set(zmq::sockopt::rcvtimeo, 20'000);
  ann.set(zmq::sockopt::plain_username, "ann");
  ann.set(zmq::sockopt::plain_password, "secret");
  ann.connect(*endpoint);
  proto::request ping;
  ping.v = 1;
  ping.op = "ping";
  (void)ann.send(zmq::buffer(proto::encode(ping)), zmq::send_flags::none);

  zmq::message_t header;
  EXPECT_TRUE(ann.recv(header));
}

TEST_F(ShardLoop, SaysWhyTheDoorCannotListen) {
  EXPECT_THAT(loop.bind("tcp://192.0.2.1:1").error().message, HasSubstr("tcp://192.0.2.1:1"));
}

}  // namespace

}  // namespace coppice::gateway
