#include "tests/simulation/network.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace coppice::simulation {

namespace {

/// Two hosts on two machines; 0 dials 1.
struct Network : ::testing::Test, network_users {
  struct seen {
    host_id by;
    arrival_kind kind;
    std::uint64_t token;
    duration at;
  };
  event_queue queue;
  network net{2, queue, *this, draws{1}};
  std::vector<seen> arrived;
  bool frozen = false;

  Network() {
    net.place(0, 0);
    net.place(1, 1);
    net.listen(1, "there");
  }
  void arrive(host_id to, arrival&& what) override {
    const auto* ask = std::get_if<place_ask>(&what.what.control);
    arrived.push_back({to, what.kind, ask != nullptr ? ask->token : 0, queue.now()});
  }
  bool responsive(host_id of) const override { return of != 1 || !frozen; }
  bool powered(machine_id) const override { return true; }

  void run(duration lasts) {
    const auto until = queue.now() + lasts;
    while (queue.next_at() <= until) net.happen(queue.take());
  }
  connection_id dial(link_kind kind = link_kind::engine) {
    const auto on = net.dial(0, "there", kind);
    run(100ms);
    arrived.clear();
    return on;
  }
  void send(connection_id on, std::uint64_t token, host_id from = 0) {
    net.send(on, from, {{}, place_ask{token, {}}});
  }
  std::vector<std::uint64_t> tokens() const {
    std::vector<std::uint64_t> all;
    for (const auto& each : arrived)
      if (each.kind == arrival_kind::message) all.push_back(each.token);
    return all;
  }
  std::ptrdiff_t closed(host_id at) const {
    return std::count_if(arrived.begin(), arrived.end(), [&](const seen& each) {
      return each.by == at && each.kind == arrival_kind::closed;
    });
  }
};

TEST_F(Network, KeepsTheOrderWithinAConnection) {
  net.between().set(0, 1, {1ms, 20ms, 0.1});
  const auto on = dial();

  for (std::uint64_t i = 1; i <= 100; ++i) send(on, i);
  run(1min);

  const auto all = tokens();
  ASSERT_EQ(all.size(), 100u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST_F(Network, CarriesWhatWasSentBeforeTheConnectionStood) {
  const auto on = net.dial(0, "there", link_kind::engine);
  send(on, 1);
  run(100ms);

  ASSERT_EQ(arrived.size(), 3u);
  EXPECT_EQ(arrived[0].kind, arrival_kind::accepted);
  EXPECT_EQ(arrived[1].kind, arrival_kind::opened);
  EXPECT_EQ(arrived[2].token, 1u);
}

TEST_F(Network, RefusesWhereNobodyListens) {
  net.dial(0, "elsewhere", link_kind::engine);
  run(100ms);

  ASSERT_EQ(arrived.size(), 1u);
  EXPECT_EQ(arrived[0].kind, arrival_kind::closed);
}

TEST_F(Network, AHealedPartitionLosesNothingAndKeepsTheOrder) {
  const auto on = dial();
  net.block(0, 1);
  send(on, 1);
  send(on, 2);
  run(3s);
  EXPECT_TRUE(tokens().empty());

  net.heal(0, 1);
  send(on, 3);
  run(1s);

  EXPECT_EQ(tokens(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(Network, TheWayBackFromABlockedWayStallsToo) {
  const auto on = dial();
  net.block(0, 1);
  run(500ms);

  send(on, 1, 1);
  run(1s);

  EXPECT_TRUE(tokens().empty());
}

TEST_F(Network, ACutLosesWhatIsUnderWayAndResetsBothEnds) {
  const auto on = dial();
  send(on, 1);

  net.cut(on);
  run(1s);

  EXPECT_TRUE(tokens().empty());
  EXPECT_EQ(closed(0), 1);
  EXPECT_EQ(closed(1), 1);
  EXPECT_FALSE(net.send(on, 0, {}));
}

TEST_F(Network, ADeadProcessIsResetBehindWhatItSent) {
  const auto on = dial();
  send(on, 1, 1);

  net.host_died(1, false);
  run(1s);

  EXPECT_EQ(closed(0), 1);
  EXPECT_EQ(arrived.back().kind, arrival_kind::closed);
}

TEST_F(Network, NobodyHearsOfALostMachineUntilItAnswersAgain) {
  dial();
  net.host_died(1, true);
  run(1min);
  EXPECT_EQ(closed(0), 0);

  net.booted(1);
  run(2s);

  EXPECT_EQ(closed(0), 1);
}

TEST_F(Network, CafGivesASilentPeerUpAndEngineLinksDoNot) {
  dial(link_kind::mesh);
  dial(link_kind::engine);
  frozen = true;

  run(4s);
  EXPECT_EQ(closed(0), 0);
  run(2s);

  EXPECT_EQ(closed(0), 1);
}

}  // namespace

}  // namespace coppice::simulation
