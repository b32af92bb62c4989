#include "gateway/shard/shard_loop.hpp"

#include "proto/codec/codec.hpp"
#include "tests/gateway/shard/messages.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <unistd.h>

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
    loop.post(proto::catalogue{{echo}, {}});
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
  ASSERT_TRUE(guarded.guard(
      std::make_unique<door_access>(user_table{{"ann", {"secret", "gold"}}}, tenant_table{}),
      std::nullopt));
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

/// A door that asks for keys, and clients with theirs.
struct GuardedByKeys : ::testing::Test {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-allow-" + std::to_string(::getpid()));
  metrics registry;
  shard_counts counts{registry};
  zmq::context_t context{1};
  shard_loop loop{{}, counts, [](const scheduler_mail&) {}};
  key_pair own = *key_pair::make(), laptop = *key_pair::make();
  std::string endpoint;

  GuardedByKeys() {
    allow({{"laptop", laptop.shown()}});
    auto access = door_access::of_file(file, {}, {});
    EXPECT_TRUE(access);
    EXPECT_TRUE(loop.guard(std::move(*access), own));
    endpoint = *loop.bind("tcp://127.0.0.1:*");
    loop.start([](const std::string& why) { ADD_FAILURE() << why; });
  }
  ~GuardedByKeys() override { std::filesystem::remove(file); }
  void allow(const std::map<std::string, public_key>& clients) const {
    allow_list list;
    for (const auto& [name, key] : clients) EXPECT_TRUE(list.allow(name, {key, name, "", {}}));
    EXPECT_TRUE(list.write(file));
  }
  zmq::socket_t a_client(const key_pair& as) {
    zmq::socket_t client{context, zmq::socket_type::dealer};
    client.set(zmq::sockopt::linger, 0);
    client.set(zmq::sockopt::rcvtimeo, 100);
    client.set(zmq::sockopt::curve_serverkey, own.shown().text());
    client.set(zmq::sockopt::curve_publickey, as.shown().text());
    client.set(zmq::sockopt::curve_secretkey, as.secret());
    client.connect(endpoint);
    return client;
  }
  /// Whether a ping is answered now.
  static bool answers(zmq::socket_t& client) {
    proto::request ping;
    ping.v = 1;
    ping.op = "ping";
    (void)client.send(zmq::buffer(proto::encode(ping)), zmq::send_flags::dontwait);
    zmq::message_t header;
    return client.recv(header).has_value();
  }
  /// Polls until pings are answered, or are not, for at most 20 s.
  static bool comes_to(zmq::socket_t& client, bool wanted) {
    const auto until = now() + 20s;
    while (answers(client) != wanted)
      if (now() > until) return false;
    return true;
  }
};

TEST_F(GuardedByKeys, LetsInOnlyWhoseKeyIsAllowed) {
  auto good = a_client(laptop);
  auto stranger = a_client(*key_pair::make());

  EXPECT_TRUE(comes_to(good, true));
  EXPECT_FALSE(answers(stranger));
}

TEST_F(GuardedByKeys, EndsALiveConnectionWhenItsKeyIsRevoked) {
  auto client = a_client(laptop);
  ASSERT_TRUE(comes_to(client, true));

  allow({});
  EXPECT_TRUE(comes_to(client, false));
  EXPECT_GE(counts.connections_revoked.Value(), 1);

  allow({{"laptop", laptop.shown()}});
  // Who was refused does not try again by itself.
  bool came_back = false;
  for (const auto until = now() + 20s; !came_back && now() < until;) {
    auto again = a_client(laptop);
    came_back = answers(again);
  }
  EXPECT_TRUE(came_back);
}

TEST_F(GuardedByKeys, KeepsWhatHeldWhenTheFileIsWrong) {
  auto client = a_client(laptop);
  ASSERT_TRUE(comes_to(client, true));

  std::ofstream{file} << "clients: {laptop: {key: nonsense}}";
  const auto until = now() + 20s;
  while (counts.allow_lists_rejected.Value() < 1 && now() < until) EXPECT_TRUE(answers(client));

  EXPECT_EQ(counts.allow_lists_rejected.Value(), 1);
  EXPECT_TRUE(answers(client));
}

TEST_F(ShardLoop, SaysWhyTheDoorCannotListen) {
  EXPECT_THAT(loop.bind("tcp://192.0.2.1:1").error().message, HasSubstr("tcp://192.0.2.1:1"));
}

}  // namespace

}  // namespace coppice::gateway
