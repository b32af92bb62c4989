#include "worker/engine/engine_desk.hpp"

#include "tests/worker/engine/virtual_engine.hpp"

#include <gmock/gmock.h>

namespace coppice::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// An engine with one model `m` of one instance (capacity: one running, one ahead), and gateway
/// "g" welcome.
struct EngineDesk : testing::Test {
  virtual_engine engine{{a_plain_spec("m")}};
  EngineDesk() { engine.hello("g"); }
};

TEST_F(EngineDesk, WelcomesWhoNamesItsIncarnationAndKey) {
  engine.say("h", virtual_engine::hello_of());

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].gateway, "h");
  EXPECT_EQ(sent[0].header.op, "welcome");
  EXPECT_EQ(sent[0].header.incarnation.value, virtual_engine::incarnation);
  ASSERT_EQ(sent[0].header.models.size(), 1u);
  EXPECT_EQ(sent[0].header.models[0].capacity_rows, 2u);
}

TEST_F(EngineDesk, IgnoresAHelloToAnotherIncarnationOrWithAnotherKey) {
  engine.say("h", virtual_engine::hello_of(virtual_engine::incarnation + 1));
  engine.say("h", virtual_engine::hello_of(0));
  engine.say("h", virtual_engine::hello_of(virtual_engine::incarnation, ""));
  engine.say("h", virtual_engine::infer_of(1, "m"));

  EXPECT_THAT(engine.sent, IsEmpty());
  EXPECT_THAT(engine.running, IsEmpty());
  EXPECT_THAT(engine.reasons,
              ElementsAre("hello to another incarnation", "hello to another incarnation",
                          "hello with a wrong link key", "no hello came before"));
}

TEST_F(EngineDesk, IgnoresWhatIsMeantForAnotherIncarnation) {
  auto request = virtual_engine::infer_of(1, "m");
  request.incarnation = {virtual_engine::incarnation + 1};

  engine.say("g", request);
  engine.tick();

  EXPECT_THAT(engine.running, IsEmpty());
  EXPECT_THAT(engine.reasons, ElementsAre("another incarnation was meant"));
}

TEST_F(EngineDesk, RunsAnAttemptAndAnswersItWithItsCredit) {
  engine.infer(7, "m");
  engine.tick();
  ASSERT_THAT(engine.ids_on(0), ElementsAre(7u));
  EXPECT_EQ(engine.desk.open_attempts(), 1u);
  EXPECT_TRUE(engine.desk.running());
  engine.now += 5ms;
  engine.finish(0, 3ms);

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].header.op, "reply");
  EXPECT_EQ(sent[0].header.attempt.value, 7u);
  EXPECT_EQ(sent[0].header.credit, 1u);
  EXPECT_EQ(sent[0].header.times.batch_us, 2000u);
  EXPECT_EQ(sent[0].header.times.compute_us, 3000u);
  ASSERT_EQ(sent[0].outputs.size(), 1u);
  EXPECT_THAT(values_of<char>(sent[0].outputs[0]), ElementsAre('a', 'b', 'c', 'd'));
  EXPECT_EQ(engine.desk.open_attempts(), 0u);
  EXPECT_FALSE(engine.desk.running());
}

TEST_F(EngineDesk, RefusesWhatIsBeyondItsCapacity) {
  for (std::uint64_t i = 1; i <= 3; ++i) engine.infer(i, "m");

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].header.attempt.value, 3u);
  EXPECT_EQ(sent[0].header.op, "refused");
  EXPECT_EQ(sent[0].code(), "overloaded");
  EXPECT_EQ(engine.desk.open_attempts(), 2u);
}

TEST_F(EngineDesk, HasRoomAgainAfterEachEnd) {
  engine.infer(1, "m");
  engine.infer(2, "m");
  engine.tick();
  engine.finish(0);
  engine.take_sent();

  engine.infer(3, "m");
  engine.infer(4, "m");

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].header.attempt.value, 4u);
  EXPECT_THAT(engine.ids_on(0), ElementsAre(2u));
}

TEST(EngineDeskBytes, RefusesWhatIsBeyondItsBytes) {
  virtual_engine exact{{a_plain_spec("m")}, 8}, narrow{{a_plain_spec("m")}, 7};
  for (auto* engine : {&exact, &narrow}) {
    engine->hello("g");
    engine->infer(1, "m");
    engine->infer(2, "m");
  }

  EXPECT_THAT(exact.sent, IsEmpty());
  ASSERT_EQ(narrow.sent.size(), 1u);
  EXPECT_EQ(narrow.sent[0].code(), "overloaded");
}

TEST_F(EngineDesk, RefusesAModelThatItDoesNotServe) {
  auto other_version = virtual_engine::infer_of(1, "m");
  other_version.version = 2;

  engine.say("g", other_version);
  engine.infer(2, "n");

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 2u);
  for (const auto& each : sent) {
    EXPECT_EQ(each.header.op, "refused");
    EXPECT_EQ(each.code(), "not_found");
  }
}

TEST_F(EngineDesk, AnswersInputsThatAreWrongForGood) {
  auto request = virtual_engine::infer_of(1, "m");
  request.inputs[0].shape = {5};

  engine.say("g", request);

  ASSERT_EQ(engine.sent.size(), 1u);
  EXPECT_EQ(engine.sent[0].header.op, "reply");
  EXPECT_EQ(engine.sent[0].code(), "invalid");
  EXPECT_EQ(engine.desk.open_attempts(), 0u);
}

TEST_F(EngineDesk, CancelsWhatWaitsAndNotWhatRuns) {
  engine.infer(1, "m");
  engine.infer(2, "m");
  engine.tick();

  engine.say("g", "cancel", 1);
  engine.say("h", "cancel", 2);
  EXPECT_THAT(engine.take_sent(), IsEmpty());
  engine.say("g", "cancel", 2);

  const auto sent = engine.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].header.attempt.value, 2u);
  EXPECT_EQ(sent[0].code(), "cancelled");
  EXPECT_EQ(sent[0].header.credit, 1u);
  EXPECT_EQ(engine.desk.open_attempts(), 1u);
}

TEST_F(EngineDesk, AnswersDeadlineAtTheDeadlineInTheQueue) {
  engine.infer(1, "m");
  engine.tick();
  engine.infer(2, "m", 50ms);
  EXPECT_EQ(engine.desk.next_event(engine.now), t0 + 50ms);

  engine.advance(50ms - 1us);
  EXPECT_THAT(engine.sent, IsEmpty());
  engine.advance(1us);

  ASSERT_EQ(engine.sent.size(), 1u);
  EXPECT_EQ(engine.sent[0].header.attempt.value, 2u);
  EXPECT_EQ(engine.sent[0].code(), "deadline");
  EXPECT_EQ(engine.sent[0].header.times.batch_us, 50'000u);
  EXPECT_EQ(engine.desk.next_event(engine.now), steady_time::max());
}

TEST_F(EngineDesk, NeverStartsAnAttemptAtItsDeadline) {
  engine.infer(1, "m");
  engine.tick();
  engine.infer(2, "m", 50ms);

  engine.now += 50ms;
  engine.finish(0);
  engine.tick();

  EXPECT_THAT(engine.running, IsEmpty());
  EXPECT_EQ(engine.sent.back().code(), "deadline");
}

TEST_F(EngineDesk, DropsWhatWaitsWhenItsGatewaySaysHelloAgain) {
  engine.say("h", virtual_engine::hello_of());
  engine.infer(1, "m");
  engine.infer(2, "m");
  engine.tick();
  engine.hello("h");
  EXPECT_EQ(engine.desk.open_attempts(), 2u);

  engine.hello("g");

  EXPECT_EQ(engine.desk.open_attempts(), 1u);
  engine.finish(0);
  EXPECT_THAT(engine.running, IsEmpty());
}

TEST_F(EngineDesk, DropsWhatWaitsWhenItsGatewaySaysByeAndKnowsItNoMore) {
  engine.infer(1, "m");
  engine.infer(2, "m");
  engine.tick();

  engine.say("g", "bye");
  engine.infer(3, "m");
  engine.finish(0);

  EXPECT_THAT(engine.running, IsEmpty());
  EXPECT_EQ(engine.desk.open_attempts(), 0u);
  EXPECT_THAT(engine.reasons, ElementsAre("no hello came before"));
}

TEST_F(EngineDesk, DropsWhatWaitsForAGatewayThatIsGone) {
  engine.infer(1, "m");
  engine.infer(2, "m");
  engine.infer(3, "m");
  engine.gone = {"g"};

  engine.infer(4, "m");

  EXPECT_EQ(engine.desk.open_attempts(), 0u);
  engine.tick();
  EXPECT_THAT(engine.running, IsEmpty());
}

TEST_F(EngineDesk, DropsAGatewayThatIsSilentForThreeSeconds) {
  engine.infer(1, "m");
  engine.infer(2, "m");
  for (int i = 0; i < 29; ++i) engine.advance(100ms);
  engine.advance(100ms - 1us);
  EXPECT_EQ(engine.desk.open_attempts(), 2u);

  engine.advance(1us);

  EXPECT_EQ(engine.desk.open_attempts(), 1u);
  engine.say("g", "ping");
  EXPECT_THAT(engine.reasons, ElementsAre("no hello came before"));
}

TEST_F(EngineDesk, KeepsAGatewayThatPings) {
  for (int i = 0; i < 100; ++i) {
    engine.advance(100ms);
    if (i % 10 == 0) engine.say("g", "ping");
  }
  engine.take_sent();
  engine.say("g", "ping");

  ASSERT_EQ(engine.sent.size(), 1u);
  EXPECT_EQ(engine.sent[0].header.op, "pong");
}

TEST_F(EngineDesk, BlamesItselfNotGatewaysWhenItsOwnTickIsLate) {
  engine.tick();
  engine.advance(10s);
  engine.say("g", "ping");

  EXPECT_EQ(engine.sent.size(), 1u);
}

TEST_F(EngineDesk, HandsBackWhatWaitsWhenItStopsAndFinishesWhatRuns) {
  engine.infer(1, "m");
  engine.infer(2, "m");
  engine.tick();

  engine.desk.on_stop(engine.now);
  engine.infer(3, "m");

  const auto refused = engine.take_sent();
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(refused[0].header.attempt.value, 2u);
  EXPECT_EQ(refused[0].header.credit, 1u);
  EXPECT_EQ(refused[1].header.attempt.value, 3u);
  EXPECT_EQ(refused[1].header.credit, 0u);
  for (const auto& each : refused) {
    EXPECT_EQ(each.header.op, "refused");
    EXPECT_EQ(each.code(), "unavailable");
  }
  EXPECT_TRUE(engine.desk.running());
  engine.finish(0);
  EXPECT_EQ(engine.sent.back().header.attempt.value, 1u);
  EXPECT_FALSE(engine.desk.running());
}

TEST_F(EngineDesk, IgnoresOpsThatItDoesNotKnow) {
  engine.say("g", "dance");

  EXPECT_THAT(engine.reasons, ElementsAre("unknown op"));
}

TEST_F(EngineDesk, ReportsWhatRunsAndWaits) {
  engine.infer(1, "m");
  engine.infer(2, "m");
  engine.infer(3, "m");
  engine.tick();

  const auto loads = engine.desk.loads();

  ASSERT_EQ(loads.size(), 1u);
  EXPECT_EQ(loads[0].model, "m");
  EXPECT_EQ(loads[0].running_rows, 1u);
  EXPECT_EQ(loads[0].queued_rows, 1u);
  EXPECT_EQ(loads[0].refused, 1u);
}

TEST(EngineDeskInLine, AnswersWithinTheMessage) {
  auto spec = a_plain_spec("echo");
  spec.builtin = "echo";
  virtual_engine engine{{spec}};
  engine.in_line = true;
  engine.hello("g");

  engine.infer(1, "echo");

  ASSERT_EQ(engine.sent.size(), 1u);
  EXPECT_EQ(engine.sent[0].header.attempt.value, 1u);
  EXPECT_EQ(engine.desk.open_attempts(), 0u);
}

/// Models `m` (instances 0 and 1) and `n` (instance 2), and gateway "g" welcome.
struct Suspects : testing::Test {
  virtual_engine engine{{a_plain_spec("m", 2), a_plain_spec("n")}};
  Suspects() { engine.hello("g"); }
};

TEST_F(Suspects, StartAtOnceOnAnIdleEngineAndNothingBesideThem) {
  engine.infer_alone(1, "m");
  engine.infer(2, "m");
  engine.infer(3, "n");
  engine.tick();

  EXPECT_THAT(engine.ids_on(0), ElementsAre(1u));
  EXPECT_EQ(engine.running.size(), 1u);
  engine.finish(0);
  EXPECT_THAT(engine.ids_on(0), ElementsAre(2u));
  EXPECT_THAT(engine.ids_on(2), ElementsAre(3u));
}

TEST_F(Suspects, WaitUntilEveryInstanceIsIdleAndHoldBackTheRest) {
  engine.infer(1, "m");
  engine.infer(2, "n");
  engine.tick();
  engine.infer_alone(3, "m");
  engine.infer(4, "m");
  engine.tick();
  EXPECT_EQ(engine.running.size(), 2u);

  engine.finish(0);
  EXPECT_THAT(engine.ids_on(0), IsEmpty());
  engine.finish(2);

  EXPECT_THAT(engine.ids_on(0), ElementsAre(3u));
  EXPECT_EQ(engine.running.size(), 1u);
}

TEST_F(Suspects, StartOnlyOnceWhatRanBeforeIsAnswered) {
  engine.infer(1, "m");
  engine.tick();
  engine.infer_alone(2, "m");
  std::vector<std::size_t> answered_at_start;
  engine.on_start = [&] { answered_at_start.push_back(engine.sent.size()); };

  engine.finish(0);

  EXPECT_TRUE(engine.runs(2));
  EXPECT_THAT(answered_at_start, ElementsAre(1u));
}

TEST_F(Suspects, RunOneAfterTheOtherOldestFirst) {
  engine.infer_alone(1, "n", 20s);
  engine.now += 1us;
  engine.infer_alone(2, "m", 10s);
  engine.tick();

  EXPECT_THAT(engine.ids_on(2), ElementsAre(1u));
  EXPECT_EQ(engine.running.size(), 1u);
  engine.finish(2);
  EXPECT_THAT(engine.ids_on(0), ElementsAre(2u));
  EXPECT_EQ(engine.running.size(), 1u);
}

TEST_F(Suspects, GiveTheOthersATurnBetweenThem) {
  engine.infer_alone(1, "m");
  engine.infer_alone(2, "m");
  engine.infer(3, "n");
  engine.infer(4, "n");
  engine.tick();
  ASSERT_TRUE(engine.runs(1));

  engine.finish(0);
  EXPECT_TRUE(engine.runs(3));
  EXPECT_FALSE(engine.runs(2));
  engine.finish(2);
  EXPECT_TRUE(engine.runs(2));
  EXPECT_FALSE(engine.runs(4));
  engine.finish(0);
  EXPECT_TRUE(engine.runs(4));
}

TEST_F(Suspects, AreBatchesOfOne) {
  auto spec = a_plain_spec("b");
  spec.batchable = true;
  spec.max_batch = 8;
  virtual_engine batching{{spec}};
  batching.hello("g");
  batching.infer_alone(1, "b");
  batching.infer_alone(2, "b");
  batching.infer(3, "b");
  batching.tick();

  EXPECT_THAT(batching.ids_on(0), ElementsAre(1u));
  EXPECT_EQ(batching.running.at(0).reason, release_reason::alone);
}

TEST_F(Suspects, EndWithDeadlineIfTheEngineIsNotIdleInTime) {
  engine.infer(1, "m");
  engine.tick();
  engine.infer_alone(2, "m", 50ms);
  engine.infer(3, "n");
  engine.tick();
  ASSERT_FALSE(engine.runs(3));
  EXPECT_EQ(engine.desk.next_event(engine.now), t0 + 50ms);

  engine.advance(50ms);

  ASSERT_EQ(engine.sent.size(), 1u);
  EXPECT_EQ(engine.sent[0].header.attempt.value, 2u);
  EXPECT_EQ(engine.sent[0].code(), "deadline");
  EXPECT_TRUE(engine.runs(3));
}

TEST_F(Suspects, CanBeCancelledWhileTheyWait) {
  engine.infer(1, "m");
  engine.tick();
  engine.infer_alone(2, "m");
  engine.infer(3, "n");
  engine.say("g", "cancel", 2);
  engine.tick();

  EXPECT_EQ(engine.sent.at(0).code(), "cancelled");
  EXPECT_TRUE(engine.runs(3));
}

TEST_F(Suspects, HoldBackBatchesWhoseWindowHasPassed) {
  auto windowed = a_plain_spec("w");
  windowed.batchable = true;
  windowed.max_batch = 8;
  windowed.max_delay = 10ms;
  windowed.policy = batch_policy::window;
  virtual_engine mixed{{a_plain_spec("m"), windowed}};
  mixed.hello("g");
  mixed.infer(1, "m");
  mixed.infer(2, "w");
  mixed.tick();
  mixed.infer_alone(3, "m");

  mixed.advance(20ms);

  // Nothing is due before a step ends: the loop must not spin on the window.
  EXPECT_GT(mixed.desk.next_event(mixed.now), mixed.now);
  EXPECT_FALSE(mixed.runs(2));
  mixed.finish(0);
  EXPECT_TRUE(mixed.runs(3));
  mixed.finish(0);
  EXPECT_TRUE(mixed.runs(2));
}

TEST(SuspectsInLine, RunBetweenTheStepsOfOtherModels) {
  auto echo = a_plain_spec("echo");
  echo.builtin = "echo";
  virtual_engine engine{{a_plain_spec("m"), echo}};
  engine.hello("g");
  engine.infer(1, "m");
  engine.tick();
  engine.infer_alone(2, "echo");
  engine.infer(3, "echo");
  engine.infer(4, "m");
  EXPECT_THAT(engine.take_sent(), IsEmpty());

  engine.in_line = true;
  engine.finish(0);

  std::vector<std::uint64_t> answered;
  for (const auto& each : engine.take_sent()) answered.push_back(each.header.attempt.value);
  EXPECT_THAT(answered, testing::UnorderedElementsAre(1u, 2u, 3u, 4u));
}

}  // namespace
}  // namespace coppice::worker
