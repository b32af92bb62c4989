#include "gateway/shard/engine_routes.hpp"

#include <gtest/gtest.h>
#include <zmq.hpp>

namespace coppice::gateway {

namespace {

TEST(EngineRoutes, NoIdIsUsedTwice) {
  engine_routes routes;
  const auto first = routes.open({7});
  routes.close({7});
  EXPECT_EQ(routes.find({7}), nullptr);

  EXPECT_NE(routes.open({7}), first);
  EXPECT_NE(*routes.find({7}), routes.open({8}));
}

TEST(EngineRoutes, ALinkMayBeOpenedAgainRightAfterItWasClosed) {
  engine_routes routes;
  zmq::context_t context;
  zmq::socket_t engine{context, zmq::socket_type::router}, links{context, zmq::socket_type::router};
  engine.set(zmq::sockopt::rcvtimeo, 60'000);
  engine.bind("tcp://127.0.0.1:*");
  const auto endpoint = engine.get(zmq::sockopt::last_endpoint);
  for (int i = 0; i < 100; ++i) {
    links.set(zmq::sockopt::connect_routing_id, routes.open({7}));
    links.connect(endpoint);
    links.disconnect(endpoint);
    routes.close({7});
  }
  links.set(zmq::sockopt::connect_routing_id, routes.open({7}));
  links.connect(endpoint);
  links.send(zmq::buffer(*routes.find({7})), zmq::send_flags::sndmore);
  links.send(zmq::str_buffer("hello"), zmq::send_flags::none);

  zmq::message_t from, text;
  ASSERT_TRUE(engine.recv(from));
  ASSERT_TRUE(engine.recv(text));
  EXPECT_EQ(text.to_string_view(), "hello");
}

}  // namespace

}  // namespace coppice::gateway
