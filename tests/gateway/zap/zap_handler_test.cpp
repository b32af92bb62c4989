#include "gateway/zap/zap_handler.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <string>

namespace coppice::gateway {

namespace {

using ::testing::AnyOf;

/// A guarded door on TCP and clients in a context of their own.
struct ZapHandler : ::testing::Test {
  zmq::context_t context{1}, outside{1};
  std::unique_ptr<zap_handler> handler =
      *zap_handler::start(context, {{"ann", {"secret", "gold"}}});
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
  /// The tenant of the next message; "nobody" if none comes in time.
  std::string next_tenant(bool guarded = true) {
    zmq::message_t from, text;
    if (!door.recv(from) || !door.recv(text)) return "nobody";
    return std::string{tenant_of(text, guarded)};
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

TEST_F(ZapHandler, NamesTheTenantOfAUserWithTheRightPassword) {
  zap_handler::guard(door);
  open();
  auto client = a_client("ann", "secret");
  say(client);

  EXPECT_EQ(next_tenant(), "gold");
}

TEST_F(ZapHandler, LetsNobodyElseInWhileGoodClientsGoOn) {
  zap_handler::guard(door);
  open();
  auto good = a_client("ann", "secret");
  for (int i = 0; i < 50; ++i) {
    auto wrong = a_client(i % 2 == 0 ? "ann" : "eve", "guess");
    say(wrong);
    say(good);
    EXPECT_EQ(next_failure(), ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    EXPECT_EQ(next_tenant(), "gold");
  }
  auto none = a_client("", "");
  say(none);
  EXPECT_THAT(next_failure(),
              AnyOf(ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL))
      << "the second, if the client is the first to hang up";
  say(good);
  EXPECT_EQ(next_tenant(), "gold");
  EXPECT_FALSE(door.get(zmq::sockopt::events) & ZMQ_POLLIN);
}

TEST_F(ZapHandler, LetsAnybodyIntoADoorWithoutPasswordsAsAnonymous) {
  door.set(zmq::sockopt::zap_domain, "coppice");
  open();
  auto client = a_client("", "");
  say(client);
  say(client);

  EXPECT_EQ(next_tenant(true), "anonymous");
  EXPECT_EQ(next_tenant(false), "anonymous");
}

TEST_F(ZapHandler, ADoorThatLostItsHandlerLetsNobodyIn) {
  zap_handler::guard(door);
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

TEST_F(ZapHandler, IsAloneInItsContext) { EXPECT_FALSE(zap_handler::start(context, {})); }

}  // namespace

}  // namespace coppice::gateway
