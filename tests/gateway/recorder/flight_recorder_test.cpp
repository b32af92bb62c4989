#include "gateway/recorder/flight_recorder.hpp"

#include "proto/codec/codec.hpp"

#include <gtest/gtest.h>

#include <random>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

/// msgpack of a number below 128 or of a short string.
std::string as_id(int number) { return {static_cast<char>(number)}; }
std::string as_id(const std::string& text) {
  return std::string(1, static_cast<char>(0xa0 + text.size())) + text;
}

struct FlightRecorder : ::testing::Test {
  recorder_options options{.gateway = "g1", .last = 4, .kept = 3};
  flight_recorder recorder{options};
  flight_model* model = &recorder.model("echo", 0);
  std::string id;

  /// A success that waited 1 ms and took 4 more on engine 7.
  flight a_flight(std::string raw_id) {
    id = std::move(raw_id);
    flight made;
    made.row = {1};
    made.id = id;
    made.priority_class = "normal";
    made.version = 1;
    made.arrived = t0;
    made.sent = t0 + 1ms;
    made.answered = t0 + 5ms;
    made.ended = t0 + 5ms;
    made.incarnation = {7};
    made.batch_us = 1000;
    made.compute_us = 2500;
    made.attempts = 1;
    return made;
  }
  void record(int number) { recorder.record(*model, a_flight(as_id(number))); }
  [[nodiscard]] bool knows(const std::string& target) const {
    return recorder.explain(target, t0 + 1s).has_value();
  }
};

std::uint64_t sum_of(const proto::explanation& told) {
  std::uint64_t sum = 0;
  for (const auto& each : told.hops) sum += each.took_us;
  return sum;
}

TEST_F(FlightRecorder, TellsWhereTheTimeOfASuccessWent) {
  recorder.engine({7}, "node-1/engine-0");
  auto ended = a_flight(as_id(42));
  ended.batch_rows = 8, ended.release = "window";
  ended.key = "k1", ended.session = "s1", ended.tenant = "acme";
  recorder.record(*model, ended);

  const auto told = recorder.explain("42", t0 + 2005ms);
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(told->outcome, "completed");
  EXPECT_EQ(told->model, "echo");
  EXPECT_EQ(told->key, "k1");
  EXPECT_EQ(told->session, "s1");
  EXPECT_EQ(told->tenant, "acme");
  EXPECT_EQ(told->gateway, "g1");
  EXPECT_EQ(told->ended_ago_us, 2'000'000u);
  EXPECT_EQ(told->total_us, 5000u);
  EXPECT_EQ(sum_of(*told), 5000u);
  ASSERT_EQ(told->hops.size(), 4u);
  EXPECT_EQ(told->hops[1].where, "node-1/engine-0 (0000000000000007)");
  EXPECT_EQ(told->hops[1].text, "batch of 8 rows, left by window");
}

TEST_F(FlightRecorder, TellsEveryAttemptThatWasLostAndWhy) {
  recorder.engine({5}, "node-1/engine-0");
  recorder.attempt_lost({1}, {{5}, t0 + 1ms, t0 + 2ms, "was killed", "held as a suspect"});
  recorder.attempt_lost({1}, {{6}, t0 + 2500us, t0 + 3ms, "refused: full"});
  auto ended = a_flight(as_id(1));
  ended.sent = t0 + 4ms;
  ended.attempts = 2;
  recorder.record(*model, ended);

  const auto told = recorder.explain("1", t0 + 1s);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->hops[1].what, "attempt");
  EXPECT_EQ(told->hops[1].where, "node-1/engine-0 (0000000000000005)");
  EXPECT_EQ(told->hops[1].text, "was killed");
  EXPECT_EQ(told->hops[2].what, "wait");
  EXPECT_EQ(told->hops[2].text, "held as a suspect");
  EXPECT_EQ(told->hops[3].where, "engine (0000000000000006)");
  EXPECT_EQ(told->hops[3].text, "refused: full");
  EXPECT_EQ(told->hops[4].what, "wait");
  EXPECT_EQ(told->hops[4].text, "");
  EXPECT_EQ(sum_of(*told), 5000u);
}

TEST_F(FlightRecorder, TellsWhatHeldBackARequestThatHadNoAttempt) {
  recorder.attempt_lost({1}, {{}, t0 + 1ms, t0 + 1ms, "", "held"});
  recorder.record(*model, a_flight(as_id(1)));

  const auto told = recorder.explain("1", t0 + 1s);
  ASSERT_EQ(told->hops.size(), 5u);
  EXPECT_EQ(told->hops[1].what, "wait");
  EXPECT_EQ(told->hops[1].text, "held");
}

TEST_F(FlightRecorder, TellsWhichEngineHadARequestThatWasNotAnswered) {
  auto late = a_flight(as_id(1));
  late.answered = {};
  late.code = errc::deadline;
  recorder.record(*model, late);

  const auto told = recorder.explain("1", t0 + 1s);
  ASSERT_EQ(told->hops.size(), 2u);
  EXPECT_EQ(told->hops[1].what, "attempt");
  EXPECT_EQ(told->hops[1].where, "engine (0000000000000007)");
  EXPECT_EQ(told->hops[1].took_us, 4000u);
}

TEST_F(FlightRecorder, TellsHowLongTheClientOfAStreamStillRead) {
  auto stream = a_flight(as_id(1));
  stream.answered = t0 + 4500us;
  recorder.record(*model, stream);

  const auto told = recorder.explain("1", t0 + 1s);
  EXPECT_EQ(told->hops.back().what, "deliver");
  EXPECT_EQ(told->hops.back().took_us, 500u);
  EXPECT_EQ(sum_of(*told), 5000u);
}

TEST_F(FlightRecorder, TellsWhyARequestWasRefused) {
  auto refused = a_flight(as_id(1));
  refused.incarnation = {}, refused.ended = refused.arrived;
  refused.code = errc::not_found;
  refused.message = "No model 'ecco' is served here.";
  recorder.refused("ecco", refused);

  const auto told = recorder.explain("1", t0 + 1s);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->outcome, "not_found");
  EXPECT_EQ(told->model, "ecco");
  EXPECT_EQ(told->message, "No model 'ecco' is served here.");
  EXPECT_EQ(told->total_us, 0u);
  EXPECT_TRUE(told->hops.empty());
}

TEST_F(FlightRecorder, TellsOfAnOpenRequestWhatIsKnownSoFar) {
  recorder.attempt_lost({1}, {{5}, t0, t0 + 1ms, "was killed"});
  auto open = a_flight(as_id(1));
  open.answered = {};

  const auto told = recorder.explain_open(*model, open);
  EXPECT_EQ(told.outcome, "open");
  EXPECT_EQ(told.ended_ago_us, 0u);
  EXPECT_EQ(told.hops[0].text, "was killed");
  EXPECT_EQ(sum_of(told), 5000u);
  EXPECT_FALSE(knows("1"));
}

TEST_F(FlightRecorder, TellsAFailureThatNeverLeftTheQueue) {
  auto ended = a_flight(as_id(1));
  ended.incarnation = {};
  ended.code = errc::deadline;
  ended.message = "The deadline passed while the request waited.";
  recorder.record(*model, ended);

  const auto told = recorder.explain("1", t0 + 1s);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->outcome, "deadline");
  EXPECT_EQ(told->message, "The deadline passed while the request waited.");
  ASSERT_EQ(told->hops.size(), 1u);
  EXPECT_EQ(told->hops[0].what, "wait");
  EXPECT_EQ(told->hops[0].took_us, 5000u);
}

TEST_F(FlightRecorder, ForgetsTheOldestOfTheLastAndNotWhatItKeeps) {
  auto failed = a_flight(as_id(100));
  failed.code = errc::internal;
  recorder.record(*model, failed);
  for (int number = 1; number <= 5; ++number) record(number);

  EXPECT_FALSE(knows("1"));
  EXPECT_TRUE(knows("2"));
  EXPECT_TRUE(knows("5"));
  EXPECT_TRUE(knows("100"));
}

TEST_F(FlightRecorder, AFloodOfRefusedOrSlowOnesPushesOutNoneThatFailed) {
  auto each = a_flight(as_id(100));
  each.code = errc::internal;
  recorder.record(*model, each);
  each = a_flight(as_id(101));
  each.ended = t0 + 1s;
  recorder.record(*model, each);

  each = a_flight(as_id(1));
  each.code = errc::overloaded;
  for (int i = 0; i < 10; ++i) recorder.refused("echo", each);

  EXPECT_EQ(recorder.kept(), 5u);
  EXPECT_TRUE(knows("100"));
  EXPECT_TRUE(knows("101"));
}

TEST_F(FlightRecorder, KeepsWhatIsSlowerThanTheBoundOrTheModelsPercentile) {
  auto slow = a_flight(as_id(1));
  slow.ended = t0 + 1s - 1ms;
  recorder.record(*model, slow);
  EXPECT_EQ(recorder.kept(), 0u);
  slow.ended = t0 + 1s;
  recorder.record(*model, slow);
  EXPECT_EQ(recorder.kept(), 1u);

  auto& other = recorder.model("fast", 0);
  for (int i = 0; i < 256; ++i) recorder.record(other, a_flight(as_id(2)));
  slow.ended = t0 + 5ms;
  recorder.record(other, slow);
  EXPECT_EQ(recorder.kept(), 1u);
  slow.ended = t0 + 6ms;
  recorder.record(other, slow);
  EXPECT_EQ(recorder.kept(), 2u);
}

TEST_F(FlightRecorder, FindsByTextByNumberAndByKey) {
  recorder.record(*model, a_flight(as_id("order-7")));
  auto keyed = a_flight(as_id(9));
  const std::string long_key(200, 'k');
  keyed.key = long_key;
  recorder.record(*model, keyed);

  EXPECT_TRUE(knows("order-7"));
  EXPECT_TRUE(knows("9"));
  EXPECT_TRUE(knows(long_key));
  EXPECT_FALSE(knows(std::string(39, 'k')));
  EXPECT_FALSE(knows(""));
  EXPECT_EQ(recorder.explain("x", t0).error().code, errc::not_found);
}

TEST_F(FlightRecorder, TellsTheLatestOfSeveralAndHowManyOthersThereAre) {
  record(1);
  auto later = a_flight(as_id(1));
  later.ended = t0 + 50ms;
  later.code = errc::internal;
  recorder.record(*model, later);
  record(1);

  const auto told = recorder.explain("1", t0 + 1s);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->outcome, "internal");
  EXPECT_EQ(told->others, 2u);
}

TEST_F(FlightRecorder, TakesNoLostAttemptOfAnEarlierRowForItsOwn) {
  recorder.attempt_lost({1}, {{5}, t0, t0 + 1ms, "was killed"});
  record(1);
  record(2);  // the same row id

  EXPECT_EQ(recorder.explain("2", t0 + 1s)->hops.size(), 4u);
}

TEST_F(FlightRecorder, AnExplanationIsNeverLargerThanAMessageMayBe) {
  const std::string most(256, 'x');
  const std::string endless(100'000, 'y');
  for (int i = 1; i <= 200; ++i)
    recorder.attempt_lost({1}, {{5}, t0 + (2 * i - 1) * 1ms, t0 + 2 * i * 1ms, endless, endless});
  auto ended = a_flight("\xc4\xff" + std::string(255, '\1'));
  ended.ended = t0 + 1s;
  recorder.engine({5}, endless);
  ended.key = ended.session = ended.tenant = most;
  ended.code = errc::worker_lost;
  ended.message = endless;
  recorder.record(*model, ended);

  const auto told = recorder.explain(most, t0 + 2s);
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_LE(proto::encode(*told).size(), proto::max_control_bytes);
  EXPECT_EQ(sum_of(*told), 1'000'000u);
}

TEST_F(FlightRecorder, StaysWithinItsBoundsUnderRandomFlights) {
  flight_recorder small{{.gateway = "g", .last = 16, .kept = 10, .kept_bytes = 8000}};
  auto& of = small.model("echo", 0);
  std::mt19937 random{6};
  std::size_t kept_most = 0;
  for (std::uint64_t i = 1; i <= 20'000; ++i) {
    const std::string key(random() % 200, 'k');
    auto ended = a_flight(as_id(static_cast<int>(random() % 100)));
    ended.row = {i};
    ended.key = key;
    if (random() % 10 == 0) ended.code = errc::internal;
    for (auto lost = random() % 8; lost > 6; --lost)
      small.attempt_lost(ended.row, {{5}, t0, t0 + 1ms, std::string(random() % 500, 'h')});
    if (random() % 5 == 0)
      small.refused(key, ended);
    else
      small.record(of, ended);
    kept_most = std::max(kept_most, small.kept());
    ASSERT_LE(small.kept(), 3 * 10u);
    ASSERT_LE(small.kept_bytes(), 3 * 8000u);
  }
  EXPECT_EQ(kept_most, 3 * 10u);
}

}  // namespace

}  // namespace coppice::gateway
