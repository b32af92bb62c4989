#include "proto/contracts/inspect.hpp"

#include "proto/contracts/cluster.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <gtest/gtest.h>

namespace coppice::proto {

namespace {

struct cluster_config : caf::actor_system_config {
  cluster_config() { add_message_types<caf::id_block::coppice_cluster>(); }
};

struct Inspect : ::testing::Test {
  cluster_config config;
  caf::actor_system system{config};

  template <class T>
  caf::message shipped(const T& value) {
    std::vector<char> bytes;
    caf::binary_serializer out{system, bytes};
    caf::message sent = caf::make_message(value), received;
    EXPECT_FALSE(out(sent));
    caf::binary_deserializer in{system, bytes};
    EXPECT_FALSE(in(received));
    return received;
  }
};

TEST_F(Inspect, ShipsEveryMessageOfTheBlockThroughCaf) {
  place_request demand;
  demand.gateway = "g";
  EXPECT_EQ(shipped(demand).get_as<place_request>(0).gateway, "g");
  EXPECT_TRUE(shipped(place_reply{}).match_elements<place_reply>());
  EXPECT_TRUE(shipped(node_snapshot{}).match_elements<node_snapshot>());
  EXPECT_TRUE(shipped(engine_down{}).match_elements<engine_down>());
  EXPECT_TRUE(shipped(catalogue{}).match_elements<catalogue>());
  EXPECT_TRUE(shipped(gateway_state{}).match_elements<gateway_state>());
  EXPECT_TRUE(shipped(cluster_status{}).match_elements<cluster_status>());
  EXPECT_TRUE(shipped(suspicion{}).match_elements<suspicion>());
  EXPECT_TRUE(shipped(trial_result{}).match_elements<trial_result>());
  EXPECT_TRUE(shipped(judgement{}).match_elements<judgement>());
  EXPECT_TRUE(shipped(drain_order{}).match_elements<drain_order>());
  EXPECT_TRUE(shipped(drain_notice{}).match_elements<drain_notice>());
  EXPECT_TRUE(shipped(drain_ack{}).match_elements<drain_ack>());
  EXPECT_TRUE(shipped(drain_status{}).match_elements<drain_status>());
  EXPECT_TRUE(shipped(apply_order{}).match_elements<apply_order>());
  EXPECT_TRUE(shipped(apply_status{}).match_elements<apply_status>());
}

}  // namespace

}  // namespace coppice::proto
