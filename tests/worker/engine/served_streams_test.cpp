#include "worker/engine/served_streams.hpp"

#include "tests/worker/engine/virtual_engine.hpp"
#include "worker/model/builtin_spec.hpp"

#include <gmock/gmock.h>
#include <msgpack.hpp>

#include <map>
#include <random>

namespace coppice::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <class T>
proto::raw_value packed(const T& value) {
  msgpack::sbuffer out;
  msgpack::packer{out}.pack(value);
  return {{out.data(), out.size()}};
}

proto::raw_value as_emitted(const std::vector<std::int32_t>& tokens) {
  std::vector<char> bytes(tokens.size() * 4);
  if (!tokens.empty()) std::memcpy(bytes.data(), tokens.data(), bytes.size());
  return packed(bytes);
}

model_spec count_spec(std::uint32_t sequences = 4) {
  auto spec = *builtin_spec("count");
  spec.sequences = sequences;
  return spec;
}

/// A `generate` with the prompt [seed], streamed with `window`.
proto::link_request generate_of(std::uint64_t id, std::uint32_t max_tokens, std::uint32_t window,
                                std::uint64_t seed = 0) {
  proto::link_request request;
  request.op = "generate";
  request.attempt = {id};
  request.incarnation = {virtual_engine::incarnation};
  request.model = "count";
  request.version = 1;
  request.timeout_us = 30'000'000;
  request.inputs.push_back({"tokens", "INT32", {1}, 0u, {}});
  request.parameters =
      packed(std::map<std::string, std::uint64_t>{{"max_tokens", max_tokens}, {"seed", seed}});
  request.stream = true;
  request.window = window;
  return request;
}

proto::link_request window_of(std::uint64_t id, std::uint32_t chunks) {
  proto::link_request request;
  request.op = "window";
  request.attempt = {id};
  request.incarnation = {virtual_engine::incarnation};
  request.window = chunks;
  return request;
}

/// The tokens that `generate_of` must give; `say` sends the frame "abcd".
std::vector<std::int32_t> right_tokens(std::uint64_t seed, std::size_t from, std::size_t to) {
  const std::vector<std::int32_t> prompt{0x64636261};
  const count_tokens right{prompt, seed};
  std::vector<std::int32_t> tokens;
  for (auto i = from; i < to; ++i) tokens.push_back(right.at(i));
  return tokens;
}

std::vector<std::int32_t> tokens_of(const virtual_engine::message& sent) {
  return values_of<std::int32_t>(sent.outputs.at(0));
}

struct ServedStreams : testing::Test {
  virtual_engine engine{{count_spec(2)}};
  ServedStreams() { engine.hello("g"); }
  void step() { engine.tick(), engine.now += 1ms, engine.finish_step(0); }
};

TEST_F(ServedStreams, SendsChunksAndTheRestWithTheCredit) {
  engine.say("g", generate_of(1, 3, 10));
  for (int i = 0; i < 3; ++i) step();

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(sent[i].header.op, i < 2 ? "chunk" : "reply");
    EXPECT_EQ(sent[i].header.attempt.value, 1u);
    EXPECT_EQ(sent[i].header.seq, i);
    EXPECT_EQ(sent[i].header.final, i == 2);
    EXPECT_EQ(sent[i].header.credit, i == 2 ? 1u : 0u);
    ASSERT_EQ(sent[i].header.outputs.size(), 1u);
    EXPECT_EQ(sent[i].header.outputs[0].name, "tokens");
    EXPECT_EQ(sent[i].header.outputs[0].datatype, "INT32");
    EXPECT_THAT(sent[i].header.outputs[0].shape, ElementsAre(1));
    EXPECT_EQ(sent[i].header.outputs[0].frame, 0u);
    EXPECT_EQ(tokens_of(sent[i]), right_tokens(0, i, i + 1));
  }
  EXPECT_EQ(sent[2].header.times.batch_us, 0u);
  EXPECT_EQ(sent[2].header.times.compute_us, 3000u);
  EXPECT_EQ(engine.desk.open_attempts(), 0u);
}

TEST_F(ServedStreams, AnswersAtOnceWithEverythingIfNobodyStreams) {
  auto request = generate_of(1, 5, 0);
  request.stream = false;
  engine.say("g", request);
  for (int i = 0; i < 5; ++i) step();

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].header.op, "reply");
  EXPECT_EQ(sent[0].header.seq, 0u);
  EXPECT_EQ(tokens_of(sent[0]), right_tokens(0, 0, 5));
}

TEST_F(ServedStreams, MergesForAReaderThatIsSlow) {
  engine.say("g", generate_of(1, 100, 1));
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(engine.take_sent().size(), 1u);

  engine.say("g", window_of(1, 1));

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].header.seq, 1u);
  EXPECT_EQ(tokens_of(sent[0]), right_tokens(0, 1, 5));
}

TEST_F(ServedStreams, GoesOnBehindWhatWasEmitted) {
  auto request = generate_of(1, 6, 10);
  request.emitted = as_emitted(right_tokens(0, 0, 4));
  engine.say("g", request);
  step(), step();

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].header.seq, 4u);
  EXPECT_EQ(tokens_of(sent[0]), right_tokens(0, 4, 5));
  EXPECT_EQ(sent[1].header.seq, 5u);
  EXPECT_TRUE(sent[1].header.final);
}

TEST_F(ServedStreams, EndsAtOnceIfAllWasEmitted) {
  auto request = generate_of(1, 4, 10);
  request.emitted = as_emitted(right_tokens(0, 0, 4));
  engine.say("g", request);

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].header.final);
  EXPECT_EQ(sent[0].header.credit, 1u);
  EXPECT_EQ(sent[0].header.seq, 4u);
  EXPECT_THAT(tokens_of(sent[0]), IsEmpty());
  EXPECT_EQ(engine.desk.open_attempts(), 0u);
}

TEST_F(ServedStreams, RefusesBeyondItsSequencesUntilOneEnds) {
  for (std::uint64_t i = 1; i <= 3; ++i) engine.say("g", generate_of(i, 100, 0));
  ASSERT_EQ(engine.sent.size(), 1u);
  EXPECT_EQ(engine.sent[0].header.attempt.value, 3u);
  EXPECT_EQ(engine.sent[0].header.op, "refused");
  EXPECT_EQ(engine.sent[0].code(), "overloaded");
  step();
  engine.take_sent();

  engine.say("g", "cancel", 1);
  engine.finish_step(0);
  EXPECT_EQ(engine.take_sent().at(0).code(), "cancelled");
  engine.say("g", generate_of(4, 100, 0));

  EXPECT_THAT(engine.sent, IsEmpty());
  engine.finish_step(0);
  EXPECT_THAT(engine.stepping(), ElementsAre(4u, 2u));
}

TEST_F(ServedStreams, AnswersACancelWithTheStepItFallsInto) {
  engine.say("g", generate_of(1, 100, 10));
  engine.tick();
  engine.say("g", "cancel", 1);
  EXPECT_THAT(engine.take_sent(), IsEmpty());

  engine.finish_step(0);

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].code(), "cancelled");
  EXPECT_EQ(sent[0].header.credit, 1u);
  EXPECT_EQ(engine.desk.open_attempts(), 0u);
}

TEST_F(ServedStreams, EndsWithDeadlineInTheMiddle) {
  auto request = generate_of(1, 100, 10);
  request.timeout_us = 2000;
  engine.say("g", request);
  step();
  ASSERT_EQ(engine.take_sent().size(), 1u);
  EXPECT_EQ(engine.desk.next_event(engine.now), t0 + 2ms);
  step();
  engine.tick();

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].header.op, "chunk");
  EXPECT_EQ(sent[1].header.op, "reply");
  EXPECT_EQ(sent[1].code(), "deadline");
  EXPECT_EQ(engine.desk.next_event(engine.now), steady_time::max());
}

TEST_F(ServedStreams, SaysWhichOpAModelServes) {
  virtual_engine both{{count_spec(), a_plain_spec("m")}};
  both.hello("g");
  auto wrong = generate_of(1, 5, 1);
  wrong.op = "infer";
  both.say("g", wrong);
  auto other = virtual_engine::infer_of(2, "m");
  other.op = "generate";
  both.say("g", other);

  ASSERT_EQ(both.sent.size(), 2u);
  EXPECT_EQ(both.sent[0].header.error->message, "Model 'count' serves generate, not infer.");
  EXPECT_EQ(both.sent[1].header.error->message, "Model 'm' serves infer, not generate.");
}

TEST_F(ServedStreams, AnswersParametersThatTheModelRefuses) {
  auto request = generate_of(1, 5, 10);
  request.parameters = packed(std::map<std::string, std::uint64_t>{{"step_us", 2'000'000}});
  engine.say("g", request);
  engine.say("g", generate_of(2, 5, 10));
  step();

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].code(), "invalid");
  EXPECT_EQ(sent[1].header.op, "chunk");
}

TEST_F(ServedStreams, EndsTheStreamsOfAGatewayThatSaysByeOrIsGone) {
  engine.hello("h");
  engine.say("g", generate_of(1, 100, 10));
  engine.say("h", generate_of(2, 100, 10));
  step();
  engine.say("g", "bye");
  engine.gone = {"h"};
  engine.finish_step(0);
  step();

  EXPECT_EQ(engine.desk.open_attempts(), 0u);
  engine.tick();
  EXPECT_THAT(engine.stepping(), IsEmpty());
}

TEST_F(ServedStreams, HandsBackWhatHasNotBegunWhenTheEngineStopsAndGoesOnWithTheRest) {
  engine.say("g", generate_of(1, 3, 10));
  engine.tick();
  engine.say("g", generate_of(2, 3, 10));

  engine.desk.on_stop(engine.now);

  ASSERT_EQ(engine.sent.size(), 1u);
  EXPECT_EQ(engine.sent[0].header.attempt.value, 2u);
  EXPECT_EQ(engine.sent[0].header.op, "refused");
  for (int i = 0; i < 3; ++i) engine.finish_step(0);
  EXPECT_TRUE(engine.sent.back().header.final);
  while (engine.desk.running()) engine.finish_step(0);
}

TEST_F(ServedStreams, ReportsWholeSequencesAsCostAndStepsAsWork) {
  engine.say("g", generate_of(1, 3, 10));
  for (int i = 0; i < 3; ++i) step();
  engine.say("g", generate_of(2, 3, 10));
  engine.tick();

  const auto load = engine.desk.loads().at(0);

  EXPECT_EQ(load.completed, 1u);
  EXPECT_EQ(load.running_rows, 1u);
  EXPECT_EQ(load.queued_rows, 0u);
  ASSERT_EQ(load.costs.size(), 1u);
  EXPECT_EQ(load.costs[0].us, 3000u);
  EXPECT_EQ(load.compute_us_sum, 3000u);
}

/// `count` on instance 0 and a plain model `m` on instance 1.
struct StreamingSuspects : testing::Test {
  virtual_engine engine{{count_spec(), a_plain_spec("m")}};
  StreamingSuspects() { engine.hello("g"); }
  void generate(std::uint64_t id, bool alone) {
    auto request = generate_of(id, 100, 100);
    request.alone = alone;
    engine.say("g", request);
  }
};

TEST_F(StreamingSuspects, HaveEachStepForThemselvesAndLetTheOthersHaveTurns) {
  generate(1, true);
  generate(2, false);
  engine.infer(3, "m");
  engine.tick();
  EXPECT_THAT(engine.stepping(), ElementsAre(1u));
  EXPECT_FALSE(engine.desk.next_event(engine.now) <= engine.now);
  EXPECT_THAT(engine.running, IsEmpty());

  engine.finish_step(0);
  EXPECT_THAT(engine.stepping(), ElementsAre(2u));
  EXPECT_TRUE(engine.runs(3));

  engine.finish_step(0);
  EXPECT_THAT(engine.stepping(), IsEmpty());  // m still runs
  engine.finish(1);
  EXPECT_THAT(engine.stepping(), ElementsAre(1u));
}

TEST_F(StreamingSuspects, TakeTurnsWithEachOther) {
  generate(1, true);
  engine.now += 1us;
  generate(2, true);
  engine.tick();

  std::vector<std::uint64_t> order;
  for (int i = 0; i < 4; ++i) {
    order.push_back(engine.stepping().at(0));
    EXPECT_EQ(engine.stepping().size(), 1u);
    engine.now += 1ms;
    engine.finish_step(0);
  }
  EXPECT_THAT(order, ElementsAre(1u, 2u, 1u, 2u));
}

/// Streams of one gateway under random windows, cancels, losses of the engine and steps. Of each
/// stream: every token comes once, in order and right, never beyond the window, with one outcome.
class random_streams {
 public:
  explicit random_streams(std::uint32_t seed) : draw_{seed} { restart(); }

  void step() {
    engine_->now += std::chrono::microseconds{draw_() % 2000};
    switch (draw_() % 12) {
      case 0:
        begin();
        break;
      case 1:
      case 2:
        open_window();
        break;
      case 3:
        cancel();
        break;
      case 4:
        if (draw_() % 10 == 0) restart();
        break;
      case 5:
      case 6:
        engine_->tick();
        break;
      default:
        finish();
    }
    take();
  }

  /// Everything ends; the streams that nobody cancelled are complete.
  void end() {
    for (int i = 0; i < 10'000 && !open_.empty(); ++i) {
      for (auto& [id, of] : open_) engine_->say("g", window_of(id, 1)), ++of.window;
      engine_->tick();
      take();
      finish();
      take();
    }
    EXPECT_TRUE(open_.empty());
    EXPECT_EQ(engine_->desk.open_attempts(), 0u);
    EXPECT_GT(complete_, 100u);
    EXPECT_GT(resumed_, 20u);
    EXPECT_GT(cancelled_, 20u);
  }

 private:
  struct stream {
    std::uint64_t seed = 0;
    std::uint32_t max_tokens = 1;
    bool streams = true;
    bool cancelled = false;
    std::uint64_t window = 0;
    std::vector<std::int32_t> tokens;
  };

  void begin() {
    const auto id = ++last_;
    stream fresh;
    fresh.seed = draw_();
    fresh.max_tokens = static_cast<std::uint32_t>(1 + draw_() % 60);
    fresh.streams = draw_() % 5 != 0;
    send(id, open_.emplace(id, fresh).first->second);
  }
  void send(std::uint64_t id, stream& of) {
    of.window = draw_() % 4;
    auto request = generate_of(id, of.max_tokens, static_cast<std::uint32_t>(of.window), of.seed);
    request.stream = of.streams;
    request.alone = draw_() % 8 == 0;
    request.emitted = as_emitted(of.tokens);
    engine_->say("g", request);
  }
  stream* any(std::uint64_t& id) {
    if (open_.empty()) return nullptr;
    auto at = open_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(draw_() % open_.size()));
    id = at->first;
    return &at->second;
  }
  void open_window() {
    std::uint64_t id = 0;
    if (auto* of = any(id)) {
      const auto chunks = draw_() % 5;
      of->window += chunks;
      engine_->say("g", window_of(id, static_cast<std::uint32_t>(chunks)));
    }
  }
  void cancel() {
    std::uint64_t id = 0;
    if (draw_() % 4 != 0) return;
    if (auto* of = any(id)) of->cancelled = true, engine_->say("g", "cancel", id);
  }
  void finish() {
    if (engine_->steps.contains(0)) engine_->finish_step(0);
  }
  /// The engine is lost; another one goes on with what is open.
  void restart() {
    const auto at = engine_ ? engine_->now : t0;
    engine_ = std::make_unique<virtual_engine>(std::vector{count_spec()});
    engine_->now = at;
    engine_->hello("g");
    for (auto& [id, of] : open_) of.cancelled = false, send(id, of), ++resumed_;
  }
  void take() {
    for (const auto& sent : engine_->take_sent()) take(sent);
  }
  void take(const virtual_engine::message& sent) {
    const auto found = open_.find(sent.header.attempt.value);
    ASSERT_NE(found, open_.end()) << "a second outcome";
    auto& of = found->second;
    if (sent.header.error) {
      EXPECT_TRUE(sent.code() == "overloaded" || (sent.code() == "cancelled" && of.cancelled))
          << sent.code();
      cancelled_ += of.cancelled ? 1 : 0;
      open_.erase(found);
      return;
    }
    const auto tokens = tokens_of(sent);
    EXPECT_EQ(sent.header.seq, of.tokens.size());
    of.tokens.insert(of.tokens.end(), tokens.begin(), tokens.end());
    if (!sent.header.final) {
      EXPECT_TRUE(of.streams);
      EXPECT_FALSE(tokens.empty());
      ASSERT_GT(of.window--, 0u);
      return;
    }
    EXPECT_EQ(of.tokens, right_tokens(of.seed, 0, of.max_tokens));
    ++complete_;
    open_.erase(found);
  }

  std::mt19937 draw_;
  std::unique_ptr<virtual_engine> engine_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, stream> open_;
  std::size_t complete_ = 0, resumed_ = 0, cancelled_ = 0;
};

TEST(RandomStreams, HaveNoGapAndNoRepeatWhateverHappens) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    random_streams streams{seed};
    for (int i = 0; i < 20'000; ++i) streams.step();
    streams.end();
  }
}

}  // namespace
}  // namespace coppice::worker
