#include "keys/zap_handler.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <string>

namespace coppice {

namespace {

/// The second, if the client is the first to hang up.
const auto a_failed_handshake =
    ::testing::AnyOf(ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);

/// Knows Ann's password, and one key.
struct ann_and_a_key : zap_judge {
  key_pair keys = *key_pair::make();
  std::optional<std::string> by_password(std::string_view name,
                                         std::string_view password) override {
    return name == "ann" && password == "secret" ? std::optional<std::string>{name} : std::nullopt;
  }
  std::optional<std::string> by_key(const public_key& shown) override {
    return shown == keys.shown() ? std::optional<std::string>{"laptop"} : std::nullopt;
  }
};

/// A guarded door on TCP and clients in a context of their own.
struct ZapHandler : ::testing::Test {
  zmq::context_t context{1}, outside{1};
  ann_and_a_key known;
  std::unique_ptr<zap_handler> handler = *zap_handler::start(context, known);
  zmq::socket_t door{context, zmq::socket_type::router};
  zmq::socket_t failures{context, zmq::socket_type::pair};
  std::string endpoint;

  ZapHandler() {
    door.set(zmq::sockopt::linger, 0);
    door.set(zmq::sockopt::rcvtimeo, 20'000);
    failures.set(zmq::sockopt::rcvtimeo, 20'000);
    zmq_socket_monitor(door.handle(), "inproc://failures",
                       ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                           ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    failures.connect("inproc://failures");
  }
  ~ZapHandler() override { zmq_socket_monitor(door.handle(), nullptr, 0); }

  void open() {
    door.bind("tcp://127.0.0.1:*");
    endpoint = door.get(zmq::sockopt::last_endpoint);
  }
  zmq::socket_t a_client(const std::string& name, const std::string& password) {
    zmq::socket_t client{outside, zmq::socket_type::dealer};
    client.set(zmq::sockopt::linger, 0);
    client.set(zmq::sockopt::reconnect_ivl, -1);
    if (!name.empty()) {
      client.set(zmq::sockopt::plain_username, name);
      client.set(zmq::sockopt::plain_password, password);
    }
    client.connect(endpoint);
    return client;
  }
  zmq::socket_t a_client_with(const key_pair& keys, const public_key& of_door) {
    zmq::socket_t client{outside, zmq::socket_type::dealer};
    client.set(zmq::sockopt::linger, 0);
    client.set(zmq::sockopt::reconnect_ivl, -1);
    client.set(zmq::sockopt::curve_serverkey, of_door.text());
    client.set(zmq::sockopt::curve_publickey, keys.shown().text());
    client.set(zmq::sockopt::curve_secretkey, keys.secret());
    client.connect(endpoint);
    return client;
  }
  /// The name of the sender of the next message; "nobody" if none comes in time.
  std::string next_sender() {
    zmq::message_t from, text;
    if (!door.recv(from) || !door.recv(text)) return "nobody";
    return std::string{sender_of(text)};
  }
  int next_failure() {
    zmq::message_t event, address;
    if (!failures.recv(event) || !failures.recv(address)) return 0;
    std::uint16_t kind = 0;
    std::memcpy(&kind, event.data(), sizeof kind);
    return kind;
  }
};

void say(zmq::socket_t& client) {
  (void)client.send(zmq::str_buffer("hello"), zmq::send_flags::none);
}

TEST_F(ZapHandler, NamesAUserWithTheRightPassword) {
  zap_handler::guard(door, nullptr);
  open();
  auto client = a_client("ann", "secret");
  say(client);

  EXPECT_EQ(next_sender(), "ann");
}

TEST_F(ZapHandler, LetsNobodyElseInWhileGoodClientsGoOn) {
  zap_handler::guard(door, nullptr);
  open();
  auto good = a_client("ann", "secret");
  for (int i = 0; i < 50; ++i) {
    auto wrong = a_client(i % 2 == 0 ? "ann" : "eve", "guess");
    say(wrong);
    say(good);
    EXPECT_EQ(next_failure(), ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    EXPECT_EQ(next_sender(), "ann");
  }
  auto none = a_client("", "");
  say(none);
  EXPECT_THAT(next_failure(), a_failed_handshake);
  say(good);
  EXPECT_EQ(next_sender(), "ann");
  EXPECT_FALSE(door.get(zmq::sockopt::events) & ZMQ_POLLIN);
}

TEST_F(ZapHandler, LetsInByKeyWhoIsKnownAndNobodyElse) {
  const auto own = *key_pair::make();
  zap_handler::guard(door, &own);
  open();
  auto good = a_client_with(known.keys, own.shown());
  say(good);
  EXPECT_EQ(next_sender(), "laptop");

  auto stranger = a_client_with(*key_pair::make(), own.shown());
  say(stranger);
  EXPECT_EQ(next_failure(), ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
  auto deceived = a_client_with(known.keys, key_pair::make()->shown());
  say(deceived);
  EXPECT_THAT(next_failure(), a_failed_handshake);
  auto plain = a_client("ann", "secret");
  say(plain);
  EXPECT_THAT(next_failure(), a_failed_handshake);
  say(good);
  EXPECT_EQ(next_sender(), "laptop");
  EXPECT_FALSE(door.get(zmq::sockopt::events) & ZMQ_POLLIN);
}

TEST_F(ZapHandler, ADoorThatLostItsHandlerLetsNobodyIn) {
  zap_handler::guard(door, nullptr);
  // The handler's endpoint may still be there for a moment, and never answer.
  door.set(zmq::sockopt::handshake_ivl, 500);
  open();
  handler.reset();
  auto client = a_client("ann", "secret");
  say(client);

  EXPECT_EQ(next_failure(), ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
  zmq::message_t none;
  EXPECT_FALSE(door.recv(none, zmq::recv_flags::dontwait));
}

TEST_F(ZapHandler, IsAloneInItsContext) { EXPECT_FALSE(zap_handler::start(context, known)); }

}  // namespace

}  // namespace coppice
