#include "worker/engine/attempt_queue.hpp"

#include "tests/worker/engine/builders.hpp"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

namespace coppice::worker {
namespace {

std::vector<std::uint64_t> ids(const std::vector<attempt>& attempts) {
  std::vector<std::uint64_t> out;
  for (const auto& each : attempts) out.push_back(each.id.value);
  return out;
}

std::vector<std::uint64_t> ids(const std::optional<batch>& of) {
  return of ? ids(of->attempts) : std::vector<std::uint64_t>{};
}

void push(attempt_queue& queue, attempt each) {
  const auto at = each.arrived;
  ASSERT_TRUE(queue.push(std::move(each), at));
}

model_spec waiting_spec(batch_policy policy) {
  auto spec = a_spec();
  spec.policy = policy;
  spec.max_delay = 2ms;
  return spec;
}

/// Shows the queue that two attempts are here at once, so that a lone one has company to wait for.
void show_company(attempt_queue& queue, steady_time at) {
  push(queue, an_attempt{901}.at(at));
  push(queue, an_attempt{902}.at(at));
  while (auto ran = queue.next(at + 2ms)) queue.finished(ran->rows, 10us);
}

TEST(AttemptQueue, RefusesRowsBeyondItsCapacityAndLeavesTheAttemptAsItWas) {
  attempt_queue queue{a_spec()};  // capacity: 2 x 8 rows
  push(queue, an_attempt{1}.rows(8));
  push(queue, an_attempt{2}.rows(7));

  attempt too_much = an_attempt{3}.rows(2);
  EXPECT_FALSE(queue.push(std::move(too_much), t0));

  EXPECT_EQ(too_much.id.value, 3u);
  EXPECT_EQ(too_much.gateway, "g");
  EXPECT_EQ(queue.queued_rows(), 15u);
  EXPECT_TRUE(queue.push(an_attempt{4}.rows(1), t0));
}

TEST(AttemptQueue, CountsWhatRunsTowardsItsCapacityUntilItHasFinished) {
  attempt_queue queue{a_spec()};
  push(queue, an_attempt{1}.rows(8));
  const auto running = queue.next(t0);
  push(queue, an_attempt{2}.rows(8));

  EXPECT_FALSE(queue.push(an_attempt{3}, t0));
  queue.finished(running->rows, 1ms);
  EXPECT_TRUE(queue.push(an_attempt{3}, t0));
}

TEST(AttemptQueue, StartsAtOnceWithoutADelay) {
  for (const auto policy : {batch_policy::size, batch_policy::window, batch_policy::hybrid}) {
    auto spec = a_spec();
    spec.policy = policy;
    attempt_queue queue{spec};
    push(queue, an_attempt{1});

    const auto out = queue.next(t0);

    ASSERT_TRUE(out);
    EXPECT_EQ(out->reason, release_reason::idle);
    EXPECT_THAT(ids(out), testing::ElementsAre(1));
  }
}

TEST(AttemptQueue, FillsABatchUpToItsSize) {
  attempt_queue queue{a_spec()};
  for (std::uint64_t i = 1; i <= 10; ++i) push(queue, an_attempt{i});

  const auto full = queue.next(t0), rest = queue.next(t0);

  ASSERT_TRUE(full && rest);
  EXPECT_EQ(full->rows, 8u);
  EXPECT_EQ(full->reason, release_reason::size);
  EXPECT_EQ(rest->rows, 2u);
  EXPECT_EQ(rest->reason, release_reason::idle);
  EXPECT_FALSE(queue.next(t0));
}

TEST(AttemptQueue, NeverExceedsTheBatchSizeInRows) {
  attempt_queue queue{a_spec()};
  push(queue, an_attempt{1}.rows(5));
  push(queue, an_attempt{2}.rows(4));
  push(queue, an_attempt{3}.rows(3));

  EXPECT_THAT(ids(queue.next(t0)), testing::ElementsAre(1, 3));
  EXPECT_THAT(ids(queue.next(t0)), testing::ElementsAre(2));
}

TEST(AttemptQueue, RunsWhatIsNotBatchableAlone) {
  auto spec = a_spec();
  spec.batchable = false;
  spec.max_batch = 1;
  attempt_queue queue{spec};
  push(queue, an_attempt{1});
  push(queue, an_attempt{2});

  const auto out = queue.next(t0);

  EXPECT_THAT(ids(out), testing::ElementsAre(1));
  EXPECT_EQ(out->reason, release_reason::alone);
}

TEST(AttemptQueue, ServesTheEarliestDeadlineFirst) {
  auto spec = a_spec();
  spec.max_batch = 2;
  spec.instances = 2;
  attempt_queue queue{spec};
  push(queue, an_attempt{1}.due(t0 + 3s));
  push(queue, an_attempt{2}.due(t0 + 1s));
  push(queue, an_attempt{3}.due(t0 + 2s));
  push(queue, an_attempt{4}.due(t0 + 1s));

  EXPECT_THAT(ids(queue.next(t0)), testing::ElementsAre(2, 4));
  EXPECT_THAT(ids(queue.next(t0)), testing::ElementsAre(3, 1));
}

TEST(AttemptQueue, KeepsShapesApart) {
  attempt_queue queue{a_spec()};
  push(queue, an_attempt{1}.width(3));
  push(queue, an_attempt{2}.width(4));
  push(queue, an_attempt{3}.width(3));

  EXPECT_THAT(ids(queue.next(t0)), testing::ElementsAre(1, 3));
  EXPECT_THAT(ids(queue.next(t0)), testing::ElementsAre(2));
}

TEST(AttemptQueue, SizePolicyWaitsForItsRows) {
  attempt_queue queue{waiting_spec(batch_policy::size)};
  for (std::uint64_t i = 1; i <= 7; ++i) push(queue, an_attempt{i});

  EXPECT_FALSE(queue.next(t0 + 1s));
  push(queue, an_attempt{8});
  const auto out = queue.next(t0 + 1s);

  ASSERT_TRUE(out);
  EXPECT_EQ(out->reason, release_reason::size);
  EXPECT_EQ(out->rows, 8u);
}

TEST(AttemptQueue, WindowPolicyWaitsForItsTimeAlsoWhenFull) {
  attempt_queue queue{waiting_spec(batch_policy::window)};
  push(queue, an_attempt{1});
  for (std::uint64_t i = 2; i <= 9; ++i) push(queue, an_attempt{i}.at(t0 + 1ms));

  EXPECT_FALSE(queue.next(t0 + 1999us));
  const auto out = queue.next(t0 + 2ms);

  ASSERT_TRUE(out);
  EXPECT_EQ(out->reason, release_reason::window);
  EXPECT_EQ(out->rows, 8u);
}

TEST(AttemptQueue, HybridReleasesByWhicheverComesFirst) {
  attempt_queue queue{waiting_spec(batch_policy::hybrid)};
  show_company(queue, t0 - 3ms);
  push(queue, an_attempt{1});

  EXPECT_FALSE(queue.next(t0 + 1999us));
  EXPECT_EQ(queue.next(t0 + 2ms)->reason, release_reason::window);
  for (std::uint64_t i = 2; i <= 9; ++i) push(queue, an_attempt{i}.at(t0 + 3ms));
  EXPECT_EQ(queue.next(t0 + 3ms)->reason, release_reason::size);
}

TEST(AttemptQueue, HybridLetsALoneRequestGoAtOnce) {
  attempt_queue queue{waiting_spec(batch_policy::hybrid)};

  for (int i = 0; i < 100; ++i) {  // one client, one in flight, without a pause
    const auto at = t0 + i * 100us;
    push(queue, an_attempt{static_cast<std::uint64_t>(i + 1)}.at(at));
    const auto out = queue.next(at);
    ASSERT_TRUE(out) << i;
    EXPECT_EQ(out->reason, release_reason::idle);
    queue.finished(out->rows, 50us);
  }
}

TEST(AttemptQueue, HybridReleasesOnceEverybodyIsHereWhoWasHereLately) {
  attempt_queue queue{waiting_spec(batch_policy::hybrid)};
  show_company(queue, t0 - 3ms);

  push(queue, an_attempt{1}.at(t0));
  EXPECT_FALSE(queue.next(t0));
  push(queue, an_attempt{2}.at(t0 + 10us));
  const auto out = queue.next(t0 + 10us);

  EXPECT_THAT(ids(out), testing::ElementsAre(1, 2));
  EXPECT_EQ(out->reason, release_reason::idle);
}

TEST(AttemptQueue, HybridPaysForCompanyThatStaysAwayOnce) {
  attempt_queue queue{waiting_spec(batch_policy::hybrid)};
  show_company(queue, t0 - 3ms);
  push(queue, an_attempt{1}.at(t0));
  ASSERT_FALSE(queue.next(t0));
  const auto window = queue.next(t0 + 2ms);
  ASSERT_EQ(window->reason, release_reason::window);
  queue.finished(window->rows, 50us);

  push(queue, an_attempt{2}.at(t0 + 3ms));

  EXPECT_TRUE(queue.next(t0 + 3ms));
}

TEST(AttemptQueue, ForcesABatchOutBeforeItsDeadlineByTheMeasuredTime) {
  attempt_queue queue{waiting_spec(batch_policy::size)};
  push(queue, an_attempt{1});
  queue.finished(queue.next(t0 + 29'999ms)->rows, 10ms);

  push(queue, an_attempt{2}.due(t0 + 100ms));

  EXPECT_FALSE(queue.next(t0 + 78ms));
  EXPECT_EQ(queue.next_event(true), t0 + 79ms);
  EXPECT_EQ(queue.next(t0 + 79ms)->reason, release_reason::deadline);
}

TEST(AttemptQueue, NeverStartsWhatHasExpired) {
  attempt_queue queue{a_spec()};
  push(queue, an_attempt{1}.due(t0 + 1ms));
  push(queue, an_attempt{2}.due(t0 + 2ms));

  EXPECT_THAT(ids(queue.next(t0 + 1ms)), testing::ElementsAre(2));
  EXPECT_THAT(ids(queue.take_expired(t0 + 1ms)), testing::ElementsAre(1));
  EXPECT_EQ(queue.queued_rows(), 0u);
}

TEST(AttemptQueue, TellsWhenItsNextAttemptExpires) {
  attempt_queue queue{a_spec()};
  EXPECT_FALSE(queue.next_event(true));
  push(queue, an_attempt{1}.due(t0 + 5s));
  push(queue, an_attempt{2}.due(t0 + 3s));

  EXPECT_EQ(queue.next_event(false), t0 + 3s);
  EXPECT_TRUE(queue.take_expired(t0 + 3s - 1ns).empty());
}

TEST(AttemptQueue, TellsWhenAWindowEnds) {
  attempt_queue queue{waiting_spec(batch_policy::window)};
  push(queue, an_attempt{1}.at(t0));
  push(queue, an_attempt{2}.at(t0 + 1ms).due(t0 + 10s));

  EXPECT_EQ(queue.next_event(true), t0 + 2ms);
}

TEST(AttemptQueue, CancelsOnlyTheAttemptOfThatGateway) {
  attempt_queue queue{a_spec()};
  push(queue, an_attempt{1}.of("a"));
  push(queue, an_attempt{1}.of("b"));

  EXPECT_FALSE(queue.cancel({1}, "c"));
  EXPECT_FALSE(queue.cancel({2}, "a"));
  EXPECT_EQ(queue.cancel({1}, "b")->gateway, "b");
  EXPECT_EQ(queue.queued_rows(), 1u);
}

TEST(AttemptQueue, DropsEverythingOfAGatewayThatIsGone) {
  attempt_queue queue{a_spec()};
  push(queue, an_attempt{1}.of("a").rows(2));
  push(queue, an_attempt{2}.of("b"));
  push(queue, an_attempt{3}.of("a"));

  EXPECT_THAT(ids(queue.drop_gateway("a")), testing::ElementsAre(1, 3));
  EXPECT_EQ(queue.queued_rows(), 1u);
  EXPECT_THAT(ids(queue.drop_all()), testing::ElementsAre(2));
}

TEST(AttemptQueue, KeepsSuspectsApartOldestFirst) {
  attempt_queue queue{a_spec()};
  ASSERT_TRUE(queue.push(an_attempt{1}.alone().due(t0 + 10s), t0));
  ASSERT_TRUE(queue.push(an_attempt{2}.alone().at(t0 + 1ms).due(t0 + 5s), t0 + 1ms));
  ASSERT_TRUE(queue.push(an_attempt{3}.at(t0 + 1ms), t0 + 1ms));

  EXPECT_THAT(ids(queue.next(t0 + 1ms)), testing::ElementsAre(3u));
  EXPECT_FALSE(queue.next(t0 + 1ms));
  EXPECT_EQ(queue.suspect_since(t0 + 1ms), t0);
  EXPECT_EQ(queue.next_event(true), t0 + 5s);
  EXPECT_THAT(ids(queue.next_suspect(t0 + 1ms)), testing::ElementsAre(1u));
  EXPECT_EQ(queue.suspect_since(t0 + 1ms), t0 + 1ms);
}

TEST(AttemptQueue, NeverStartsASuspectAtItsDeadline) {
  attempt_queue queue{a_spec()};
  ASSERT_TRUE(queue.push(an_attempt{1}.alone().due(t0 + 10ms), t0));

  EXPECT_TRUE(queue.suspect_since(t0 + 10ms - 1us));
  EXPECT_FALSE(queue.suspect_since(t0 + 10ms));
  EXPECT_FALSE(queue.next_suspect(t0 + 10ms));
  EXPECT_EQ(queue.take_expired(t0 + 10ms).size(), 1u);
  EXPECT_EQ(queue.queued_rows(), 0u);
}

TEST(AttemptQueue, CancelsAndDropsSuspectsToo) {
  attempt_queue queue{a_spec()};
  for (std::uint64_t i = 1; i <= 3; ++i)
    ASSERT_TRUE(queue.push(an_attempt{i}.alone().of(i == 2 ? "h" : "g"), t0));

  EXPECT_TRUE(queue.cancel({1}, "g"));
  EXPECT_EQ(queue.drop_gateway("h").size(), 1u);
  EXPECT_EQ(queue.drop_all().size(), 1u);
  EXPECT_FALSE(queue.next_suspect(t0));
}

TEST(ShapeKey, JoinsWhatThePaddingJoins) {
  auto spec = a_spec();
  const auto key = [&](std::int64_t width) {
    batch_item item;
    item.inputs.push_back({"x", datatype::fp32, {1, width}, {}, {}});
    return shape_key(spec, item);
  };

  EXPECT_NE(key(3), key(4));
  spec.padding = padding_mode::longest;
  EXPECT_EQ(key(3), key(4));
  spec.padding = padding_mode::buckets;
  spec.buckets = {4, 8};
  EXPECT_EQ(key(3), key(4));
  EXPECT_NE(key(4), key(5));
  EXPECT_EQ(key(5), key(8));
  EXPECT_NE(key(8), key(9));
}

TEST(ShapeKey, IgnoresTheRows) {
  const auto spec = a_spec();
  batch_item one, two;
  one.inputs.push_back({"x", datatype::fp32, {1, 5}, {}, {}});
  two.inputs.push_back({"x", datatype::fp32, {2, 5}, {}, {}});

  EXPECT_EQ(shape_key(spec, one), shape_key(spec, two));
}

/// Random operations on a queue, and what must hold after each.
class random_use {
 public:
  random_use(batch_policy policy, duration delay, std::uint32_t seed) : draw_{seed} {
    auto spec = a_spec();
    spec.policy = policy;
    spec.max_delay = delay;
    capacity_ = spec.card().capacity_rows;
    queue_.emplace(spec);
  }

  void step() {
    now_ += std::chrono::microseconds{draw_() % 400};
    switch (draw_() % 6) {
      case 0:
      case 1:
      case 2:
        arrive();
        break;
      case 3:
        start();
        break;
      case 4:
        finish();
        break;
      default:
        leave();
    }
    EXPECT_LE(queue_->queued_rows() + queue_->running_rows(), capacity_);
  }

  /// Lets time pass until nothing is left; every accepted attempt must have come out once.
  void end() {
    for (int i = 0; i < 100'000 && queue_->queued_rows() + queue_->running_rows() > 0; ++i) {
      now_ += 1ms;
      start();
      finish();
      leave();
    }
    EXPECT_EQ(accepted_, out_.size());
  }

 private:
  void arrive() {
    const auto rows = static_cast<std::uint32_t>(1 + draw_() % 4);
    attempt each = an_attempt{++last_}
                       .rows(rows)
                       .width(draw_() % 3)
                       .at(now_)
                       .due(now_ + std::chrono::microseconds{1 + draw_() % 20'000});
    each.alone = draw_() % 8 == 0;
    if (queue_->push(std::move(each), now_)) ++accepted_;
  }
  void start() {
    const bool alone = draw_() % 8 == 0;
    const auto out = alone ? queue_->next_suspect(now_) : queue_->next(now_);
    if (!out) return;
    EXPECT_TRUE(!alone || out->attempts.size() == 1);
    std::uint32_t rows = 0;
    for (const auto& each : out->attempts) {
      EXPECT_EQ(each.alone, alone);
      EXPECT_GT(each.deadline, now_);
      EXPECT_EQ(each.shape, out->attempts.front().shape);
      rows += each.item.rows;
      took_out(each);
    }
    EXPECT_EQ(rows, out->rows);
    EXPECT_LE(rows, 8u);
    running_.push_back(rows);
  }
  void finish() {
    if (running_.empty()) return;
    queue_->finished(running_.back(), std::chrono::microseconds{draw_() % 500});
    running_.pop_back();
  }
  void leave() {
    for (const auto& each : queue_->take_expired(now_)) {
      EXPECT_LE(each.deadline, now_);
      took_out(each);
    }
    if (const auto gone = queue_->cancel({1 + draw_() % (last_ + 1)}, "g")) took_out(*gone);
  }
  void took_out(const attempt& each) { EXPECT_TRUE(out_.insert(each.id.value).second); }

  std::mt19937 draw_;
  std::uint32_t capacity_ = 0;
  std::optional<attempt_queue> queue_;
  steady_time now_ = t0;
  std::uint64_t last_ = 0;
  std::size_t accepted_ = 0;
  std::set<std::uint64_t> out_;
  std::vector<std::uint32_t> running_;
};

TEST(AttemptQueue, GivesEveryAcceptedAttemptOutExactlyOnce) {
  std::uint32_t seed = 1;
  for (const auto policy : {batch_policy::size, batch_policy::window, batch_policy::hybrid})
    for (const duration delay : {duration{0}, duration{2ms}}) {
      random_use use{policy, delay, ++seed};
      for (int i = 0; i < 20'000; ++i) use.step();
      use.end();
    }
}

}  // namespace
}  // namespace coppice::worker
