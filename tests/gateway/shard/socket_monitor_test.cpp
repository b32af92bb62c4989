#include "gateway/shard/socket_monitor.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

TEST(SocketMonitor, TellsWhichConnectionOfASocketClosed) {
  zmq::context_t context{1};
  zmq::socket_t server{context, zmq::socket_type::router};
  socket_monitor monitor{context, server, "server"};
  server.bind("tcp://127.0.0.1:*");
  int connection = -1;
  {
    zmq::socket_t client{context, zmq::socket_type::dealer};
    client.set(zmq::sockopt::linger, 0);
    client.connect(server.get(zmq::sockopt::last_endpoint));
    (void)client.send(zmq::str_buffer("hello"), zmq::send_flags::none);
    zmq::message_t from, hello;
    (void)server.recv(from);
    (void)server.recv(hello);
    connection = zmq_msg_get(hello.handle(), ZMQ_SRCFD);
    EXPECT_FALSE(monitor.next());
  }
  zmq_pollitem_t item{monitor.handle(), 0, ZMQ_POLLIN, 0};
  ASSERT_EQ(zmq_poll(&item, 1, 20'000), 1);

  const auto closed = monitor.next();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->what, socket_monitor::event::kind::closed);
  EXPECT_EQ(closed->connection, connection);
}

TEST(SocketMonitor, NamesTheEndpointThatDropped) {
  zmq::context_t context{1};
  zmq::socket_t client{context, zmq::socket_type::dealer};
  client.set(zmq::sockopt::linger, 0);
  socket_monitor monitor{context, client, "client"};
  std::string endpoint;
  {
    zmq::socket_t server{context, zmq::socket_type::router};
    server.set(zmq::sockopt::linger, 0);
    server.bind("tcp://127.0.0.1:*");
    endpoint = server.get(zmq::sockopt::last_endpoint);
    client.connect(endpoint);
    (void)client.send(zmq::str_buffer("hello"), zmq::send_flags::none);
    zmq::message_t from;
    (void)server.recv(from);
  }
  zmq_pollitem_t item{monitor.handle(), 0, ZMQ_POLLIN, 0};
  ASSERT_EQ(zmq_poll(&item, 1, 20'000), 1);

  EXPECT_EQ(monitor.next()->endpoint, endpoint);
}

}  // namespace

}  // namespace coppice::gateway
