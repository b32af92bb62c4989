#include "gateway/shard/shard_counts.hpp"

#include "tests/gateway/shard/losses_fixture.hpp"

namespace coppice::gateway {

namespace {

using testing::t0;

struct figures {
  metrics registry;
  shard_counts counts{registry};
};

/// The shard of `ShardFixture`, counting.
struct ShardCounts : figures, testing::ShardFixture {
  explicit ShardCounts(shard_options options = {}) : ShardFixture{std::move(options), &counts} {}

  void ask_for(const char* model, int id, const char* rank = "normal", std::string key = {}) {
    auto request = testing::a_request(model, id);
    request.timeout_ms = 1000;
    request.priority_class = rank;
    request.key = std::move(key);
    gateway.on_client_message(testing::as_message(request), 5, t0);
  }
  double counted(const char* name, const metric_labels& labels) {
    return registry.counter(std::string{"coppice_gateway_"} + name, "", labels).Value();
  }
};

TEST_F(ShardCounts, CountWhatBecameOfATenantsRequests) {
  ask(1);
  ask(2);
  grant(1, 1);
  answer(world.attempts.at(0).header.attempt, 1);
  ask_for("nothing", 3);

  const auto of = [&](const char* outcome) {
    return counted("tenant_requests_total", {{"tenant", "anonymous"}, {"outcome", outcome}});
  };
  EXPECT_EQ(of("completed"), 1);
  EXPECT_EQ(of("refused"), 1);
  EXPECT_EQ(of("expired"), 0);
  gateway.on_tick(t0 + 1s);
  EXPECT_EQ(of("expired"), 1);
}

TEST_F(ShardCounts, CountRefusalsByCodeAndClass) {
  ask_for("nothing", 1, "batch");

  EXPECT_EQ(counted("refused_requests_total", {{"code", "not_found"}, {"class", "batch"}}), 1);
  EXPECT_EQ(counted("refused_requests_total", {{"code", "not_found"}, {"class", "normal"}}), 0);
}

TEST_F(ShardCounts, CountWhatIsShedByReasonAndClass) {
  world.behind = 5;
  ask_for("echo", 1, "critical");

  const auto shed = [&](const char* rank) {
    return counted("shed_total", {{"reason", "slow_client"}, {"class", rank}});
  };
  EXPECT_EQ(shed("critical"), 1);
  EXPECT_EQ(shed("normal"), 0);
}

/// The same, with engines that die.
struct LossesShardCounts : figures, testing::LossesFixture {
  LossesShardCounts() : LossesFixture{{}, &counts} {}
};

TEST_F(LossesShardCounts, CountTheFirstRetryAfterADeathAsFreeAndFurtherOnesAsCharged) {
  send(1, "one");
  grant(1, 1);
  die(1, "killed", {});
  EXPECT_EQ(counts.retries_free.Value(), 1);
  EXPECT_EQ(counts.retries_charged.Value(), 0);

  grant(2, 1);
  die(2, "killed", {});

  EXPECT_EQ(counts.retries_free.Value(), 1);
  EXPECT_EQ(counts.retries_charged.Value(), 1);
}

struct FullShardCounts : ShardCounts {
  FullShardCounts() : ShardCounts{one_row()} {}

  static shard_options one_row() {
    shard_options options;
    options.limits.waiting_rows = 1;
    return options;
  }
};

TEST_F(FullShardCounts, CountARequestThatIsPushedOutAsOfItsOwnClass) {
  ask_for("echo", 1, "batch");
  ask_for("echo", 2, "critical");

  EXPECT_EQ(counted("shed_total", {{"reason", "pushed_out"}, {"class", "batch"}}), 1);
}

TEST_F(ShardCounts, CountRequestsThatComeAgain) {
  ask_for("echo", 1, "normal", "key");
  grant(1, 1);
  ask_for("echo", 2, "normal", "key");
  answer(world.attempts.at(0).header.attempt, 1);
  ask_for("echo", 3, "normal", "key");

  EXPECT_EQ(counted("resubmissions_total", {{"answer", "joined"}}), 1);
  EXPECT_EQ(counted("resubmissions_total", {{"answer", "replayed"}}), 1);
}

TEST_F(ShardCounts, CountCancelsAndTheRepliesThatTheyCameTooLateFor) {
  ask(1);
  grant(1, 1);
  gateway.on_tick(t0 + 1s);
  answer(world.attempts.at(0).header.attempt, 1, "reply", t0 + 1s);

  EXPECT_EQ(counts.cancels.Value(), 1);
  EXPECT_EQ(counts.late_replies.Value(), 1);
}

TEST_F(ShardCounts, CountABreakerThatOpensOnce) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(counts.breaker_opens.Value(), 0);
    ask(i);
    grant(1, 1);
    answer(world.attempts.back().header.attempt, 1, "reply", t0, "internal");
  }
  gateway.on_tick(t0);

  EXPECT_EQ(counts.breaker_opens.Value(), 1);
  EXPECT_EQ(counts.open_breakers.Value(), 1);
}

TEST_F(ShardCounts, CountADrainOnceHoweverOftenItIsTold) {
  gateway.on_drain_notice({{{7}}, {}}, t0);
  gateway.on_drain_notice({{{7}}, {}}, t0 + 500ms);
  gateway.on_tick(t0 + 500ms);

  EXPECT_EQ(counts.drains.Value(), 1);
  EXPECT_EQ(counts.draining_engines.Value(), 1);
}

TEST_F(ShardCounts, ShowHowLongTheOldestRequestOfEachClassWaits) {
  ask_for("echo", 1, "batch");
  gateway.on_tick(t0 + 300ms);

  const auto* echo = counts.of("echo", 0);
  EXPECT_DOUBLE_EQ(echo->oldest_wait[index_of(priority::batch)]->Value(), 0.3);
  EXPECT_EQ(echo->oldest_wait[index_of(priority::normal)]->Value(), 0);
}

TEST_F(ShardCounts, TimeTheWaitOfARequestThatNeverWasSent) {
  ask_for("echo", 1, "batch");
  gateway.on_tick(t0 + 1s);

  const auto waited = counts.of("echo", 0)->queue_seconds[index_of(priority::batch)]->Collect();
  EXPECT_EQ(waited.histogram.sample_count, 1u);
  EXPECT_DOUBLE_EQ(waited.histogram.sample_sum, 1.0);
}

TEST_F(ShardCounts, GiveTenantsBeyondTheirNumberNoLabelOfTheirOwn) {
  const auto* first = counts.of_tenant("tenant-0");
  for (std::size_t i = 1; i < shard_counts::most_tenants; ++i)
    EXPECT_NE(counts.of_tenant("tenant-" + std::to_string(i)), counts.of_others());

  EXPECT_EQ(counts.of_tenant("one more"), counts.of_others());
  EXPECT_EQ(counts.of_tenant("tenant-0"), first);
}

}  // namespace

}  // namespace coppice::gateway
