#include "tests/worker/engine/engine_process.hpp"

#include "base/clock.hpp"
#include "worker/engine/step_limits.hpp"

#include <gmock/gmock.h>
#include <msgpack.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace coppice::worker {
namespace {

proto::raw_value parameters(const std::string& key, double value) {
  msgpack::sbuffer packed;
  msgpack::packer{packed}.pack(std::map<std::string, double>{{key, value}});
  return {{packed.data(), packed.size()}};
}

proto::raw_value whole_parameters(const std::string& key, std::uint32_t value) {
  msgpack::sbuffer packed;
  msgpack::packer{packed}.pack(std::map<std::string, std::uint32_t>{{key, value}});
  return {{packed.data(), packed.size()}};
}

proto::raw_value flag_parameters(const std::string& key, bool value) {
  msgpack::sbuffer packed;
  msgpack::packer{packed}.pack(std::map<std::string, bool>{{key, value}});
  return {{packed.data(), packed.size()}};
}

/// An engine that is ready, and a link to it.
struct running_engine {
  explicit running_engine(std::vector<std::string> arguments) : process{std::move(arguments)} {
    ready = process.report("ready");
    if (ready) peer.emplace(*ready), peer->hello(), welcome = peer->receive();
  }
  /// Waits until that lane runs a step.
  [[nodiscard]] bool wait_for_step(std::size_t number = 0) const {
    const auto& lane = process.page().lanes[number];
    for (const auto until = now() + 20s; lane.ticks.load() % 2 == 0;)
      if (now() > until) return false;
    return true;
  }
  engine_process process;
  std::optional<proto::engine_report> ready;
  std::optional<link_peer> peer;
  std::optional<link_peer::message> welcome;
};

TEST(Engine, ReportsItsAddressAndWelcomesWhoHasTheKey) {
  running_engine engine{{"--builtin", "echo", "--name", "n/engine-0"}};

  ASSERT_TRUE(engine.ready);
  EXPECT_TRUE(engine.ready->incarnation);
  EXPECT_EQ(engine.ready->link_key.size(), 32u);
  EXPECT_THAT(engine.ready->endpoint, testing::StartsWith("ipc://@coppice-"));
  ASSERT_TRUE(engine.welcome);
  EXPECT_EQ(engine.welcome->header.op, "welcome");
  EXPECT_EQ(engine.welcome->header.incarnation, engine.ready->incarnation);
  ASSERT_EQ(engine.welcome->header.models.size(), 1u);
  EXPECT_EQ(engine.welcome->header.models[0].name, "echo");
}

TEST(Engine, AnswersAnAttemptWithItsOutputs) {
  running_engine engine{{"--builtin", "echo"}};
  ASSERT_TRUE(engine.welcome);

  engine.peer->infer(7, "echo", "some bytes");
  const auto reply = engine.peer->receive();

  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header.op, "reply");
  EXPECT_EQ(reply->header.attempt.value, 7u);
  EXPECT_FALSE(reply->header.error);
  EXPECT_EQ(reply->header.credit, 1u);
  ASSERT_EQ(reply->header.outputs.size(), 1u);
  EXPECT_EQ(reply->header.outputs[0].name, "x");
  EXPECT_THAT(reply->frames, testing::ElementsAre("some bytes"));
}

TEST(Engine, SendsLargeTensorsBackUnchanged) {
  running_engine engine{{"--builtin", "echo"}};
  ASSERT_TRUE(engine.welcome);
  const std::string large(5u << 20, 'q');

  engine.peer->infer(1, "echo", large);
  const auto coming = engine.peer->receive();
  const auto reply = engine.peer->receive();

  ASSERT_TRUE(coming);
  EXPECT_EQ(coming->header.bytes, large.size());
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->frames.size(), 1u);
  EXPECT_TRUE(reply->frames[0] == large);
}

TEST(Engine, IgnoresStrangersAndWrongKeys) {
  running_engine engine{{"--builtin", "echo"}};
  ASSERT_TRUE(engine.ready);
  link_peer stranger{*engine.ready}, liar{*engine.ready};
  auto wrong = *engine.ready;
  wrong.link_key = std::string(32, '0');
  link_peer guesser{wrong};

  stranger.infer(1, "echo", "x");
  guesser.hello();
  guesser.infer(1, "echo", "x");
  proto::link_request other;
  other.op = "hello";
  other.link_key = engine.ready->link_key;
  other.incarnation = {engine.ready->incarnation.value + 1};
  liar.send(other);
  // A round trip of a welcome peer proves that the engine has had its chance.
  engine.peer->infer(2, "echo", "y");

  EXPECT_TRUE(engine.peer->receive());
  EXPECT_FALSE(stranger.receive(100ms));
  EXPECT_FALSE(guesser.receive(100ms));
  EXPECT_FALSE(liar.receive(100ms));
}

TEST(Engine, RefusesWhatIsBeyondItsCapacity) {
  running_engine engine{{"--builtin", "sleep"}};
  ASSERT_TRUE(engine.welcome);
  const auto capacity = engine.welcome->header.models.at(0).capacity_rows;

  for (std::uint64_t i = 1; i <= capacity + 3; ++i)
    engine.peer->infer(i, "sleep", "x", parameters("ms", 300));
  std::set<std::uint64_t> refused, done;
  for (std::uint64_t i = 1; i <= capacity + 3; ++i) {
    const auto reply = engine.peer->receive();
    ASSERT_TRUE(reply);
    (reply->header.op == "refused" ? refused : done).insert(reply->header.attempt.value);
    EXPECT_EQ(reply->header.error ? reply->header.error->code : "",
              reply->header.op == "refused" ? "overloaded" : "");
  }

  EXPECT_EQ(done.size(), capacity);
  EXPECT_EQ(refused.size(), 3u);
  EXPECT_EQ(engine.process.page().open_attempts.load(), 0u);
}

TEST(Engine, RefusesWhatIsBeyondItsBytes) {
  running_engine engine{{"--builtin", "sleep", "--max-bytes", "1000"}};
  ASSERT_TRUE(engine.welcome);

  engine.peer->infer(1, "sleep", std::string(1001, 'x'));
  const auto refused = engine.peer->receive();
  engine.peer->infer(2, "sleep", std::string(1000, 'x'));
  const auto taken = engine.peer->receive();

  ASSERT_TRUE(refused && taken);
  EXPECT_EQ(refused->header.op, "refused");
  EXPECT_EQ(taken->header.op, "reply");
}

TEST(Engine, CancelsWhatWaitsAndFinishesWhatRuns) {
  running_engine engine{{"--builtin", "sleep"}};
  ASSERT_TRUE(engine.welcome);

  engine.peer->infer(1, "sleep", "x", parameters("ms", 300));
  engine.peer->infer(2, "sleep", "x", parameters("ms", 300));
  proto::link_request cancel;
  cancel.op = "cancel";
  cancel.attempt = {2};
  engine.peer->send(cancel);
  const auto first = engine.peer->receive();
  const auto second = engine.peer->receive();

  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->header.attempt.value, 2u);
  ASSERT_TRUE(first->header.error);
  EXPECT_EQ(first->header.error->code, "cancelled");
  EXPECT_EQ(first->header.credit, 1u);
  EXPECT_EQ(second->header.attempt.value, 1u);
  EXPECT_FALSE(second->header.error);
}

TEST(Engine, AnswersDeadlineWhenTheTimePassesInItsQueue) {
  running_engine engine{{"--builtin", "sleep"}};
  ASSERT_TRUE(engine.welcome);

  engine.peer->infer(1, "sleep", "x", parameters("ms", 400));
  ASSERT_TRUE(engine.wait_for_step());
  engine.peer->infer(2, "sleep", "x", {}, 50ms);
  const auto late = engine.peer->receive();
  const auto running = engine.peer->receive();

  ASSERT_TRUE(late && running);
  EXPECT_EQ(late->header.attempt.value, 2u);
  ASSERT_TRUE(late->header.error);
  EXPECT_EQ(late->header.error->code, "deadline");
  EXPECT_GE(late->header.times.batch_us, 50'000u);
  EXPECT_LT(late->header.times.batch_us, 300'000u);
  EXPECT_EQ(running->header.attempt.value, 1u);
}

TEST(Engine, NamesTheInputThatIsWrong) {
  running_engine engine{{"--builtin", "echo"}};
  ASSERT_TRUE(engine.welcome);
  proto::link_request request;
  request.op = "infer";
  request.attempt = {1};
  request.model = "echo";
  request.version = 1;
  request.timeout_us = 1'000'000;
  request.inputs.push_back({"pixels", "FP32", {3}, 0u, {}});

  engine.peer->send(request, {"too short"});
  const auto reply = engine.peer->receive();

  ASSERT_TRUE(reply && reply->header.error);
  EXPECT_EQ(reply->header.op, "reply");
  EXPECT_EQ(reply->header.error->code, "invalid");
  EXPECT_THAT(reply->header.error->message,
              testing::AllOf(testing::HasSubstr("'pixels'"), testing::HasSubstr("12"),
                             testing::HasSubstr("9")));
}

TEST(Engine, SurvivesBytesThatAreNoMessage) {
  running_engine engine{{"--builtin", "echo"}};
  ASSERT_TRUE(engine.welcome);
  proto::link_request nothing;
  nothing.op = std::string(1000, 'z');

  engine.peer->send(nothing);
  engine.peer->send(nothing, std::vector<std::string_view>(200, "frame"));
  engine.peer->infer(1, "echo", "x");

  const auto reply = engine.peer->receive();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header.attempt.value, 1u);
}

TEST(Engine, AnswersPings) {
  running_engine engine{{"--builtin", "echo"}};
  ASSERT_TRUE(engine.welcome);
  proto::link_request ping;
  ping.op = "ping";

  engine.peer->send(ping);

  const auto pong = engine.peer->receive();
  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->header.op, "pong");
}

TEST(Engine, DropsWhatWaitsForAGatewayThatSaysBye) {
  running_engine engine{{"--builtin", "sleep"}};
  ASSERT_TRUE(engine.welcome);
  link_peer other{*engine.ready};
  other.hello();
  ASSERT_TRUE(other.receive());

  engine.peer->infer(1, "sleep", "x", parameters("ms", 300));
  engine.peer->infer(2, "sleep", "x", parameters("ms", 5000));
  proto::link_request bye;
  bye.op = "bye";
  engine.peer->send(bye);
  ASSERT_FALSE(engine.peer->receive(50ms));
  other.infer(3, "sleep", "x");
  const auto reply = other.receive(3s);

  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header.op, "reply");
}

/// A folder of models that goes away with the test.
class model_folder {
 public:
  model_folder()
      : path_{std::filesystem::temp_directory_path() / ("models-" + std::to_string(::getpid()))} {}
  ~model_folder() { std::filesystem::remove_all(path_); }
  model_folder(const model_folder&) = delete;
  model_folder& operator=(const model_folder&) = delete;
  model_folder& add(const std::string& model, const std::string& yml) {
    std::filesystem::create_directories(path_ / model);
    std::ofstream{path_ / model / "model.yml"} << yml;
    return *this;
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(Engine, DropsWhatWaitsForAGatewayWhoseLinkIsGone) {
  model_folder models;
  models.add("nap", "backend: builtin\nbuiltin: sleep\ninstances: 2\n");
  running_engine engine{{"--models", models.path()}};
  ASSERT_TRUE(engine.welcome);
  link_peer other{*engine.ready};
  other.hello();
  ASSERT_TRUE(other.receive());
  for (std::uint64_t i = 1; i <= 2; ++i) engine.peer->infer(i, "nap", "x", parameters("ms", 300));
  for (std::uint64_t i = 3; i <= 4; ++i) engine.peer->infer(i, "nap", "x", parameters("ms", 9000));
  ASSERT_TRUE(engine.wait_for_step(0) && engine.wait_for_step(1));

  // Seen when the reply to 1 has nowhere to go; by then 3 has begun, but 4 never does.
  engine.peer.reset();
  std::optional<link_peer::message> reply;
  do other.infer(5, "nap", "x", {}, 5s), reply = other.receive();
  while (reply && reply->header.op == "refused");  // the engine is full until then

  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->header.error);
  EXPECT_EQ(engine.process.page().open_attempts.load(), 1u);
}

TEST(Engine, JoinsWhatComesWithinAWindowAndReportsWhy) {
  model_folder models;
  models.add("windowed",
             "backend: builtin\nbuiltin: echo\nbatchable: true\nmax_batch: 32\n"
             "max_delay_ms: 100\npolicy: window\n");
  running_engine engine{{"--models", models.path()}};
  ASSERT_TRUE(engine.welcome);

  for (std::uint64_t i = 1; i <= 5; ++i) engine.peer->infer(i, "windowed", "x");
  for (std::uint64_t i = 1; i <= 5; ++i) {
    const auto reply = engine.peer->receive();
    ASSERT_TRUE(reply && !reply->header.error);
    EXPECT_EQ(reply->header.attempt.value, i);
  }
  std::optional<proto::engine_report> load;
  do load = engine.process.report("load");
  while (load && load->loads.at(0).completed < 5);

  ASSERT_TRUE(load);
  EXPECT_EQ(load->loads[0].costs.at(0).rows, 8u);  // five rows, by powers of two
  for (const auto& each : load->loads[0].releases)
    EXPECT_EQ(each.count, each.reason == "window" ? 1u : 0u) << each.reason;
}

TEST(Engine, RunsEveryInstanceAtOnce) {
  model_folder models;
  models.add("stuck", "backend: builtin\nbuiltin: hang\ninstances: 2\n");
  running_engine engine{{"--models", models.path()}};
  ASSERT_TRUE(engine.welcome);

  engine.peer->infer(1, "stuck", "x");
  engine.peer->infer(2, "stuck", "x");

  EXPECT_TRUE(engine.wait_for_step(0));
  EXPECT_TRUE(engine.wait_for_step(1));
}

TEST(Engine, ChecksARepositoryWithoutServingIt) {
  const auto check = [](const model_folder& models) {
    const auto command = std::string{COPPICE_ENGINE} + " --check " + models.path() + " --json";
    auto* pipe = ::popen(command.c_str(), "r");
    std::string text(1 << 16, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), pipe));
    return std::pair{WEXITSTATUS(::pclose(pipe)), text};
  };
  model_folder models;
  models.add("good", "backend: builtin\nbuiltin: echo\n");

  const auto good = check(models);
  models.add("bad", "batchable: true\n\nmax_batch: many\n");
  const auto bad = check(models);

  EXPECT_EQ(good.first, 0) << good.second;
  EXPECT_EQ(bad.first, 1);
  EXPECT_THAT(bad.second, testing::AllOf(testing::HasSubstr("bad/model.yml"),
                                         testing::HasSubstr("\"line\": 3")));
}

TEST(Engine, ReportsItsLoad) {
  running_engine engine{{"--builtin", "echo"}};
  ASSERT_TRUE(engine.welcome);
  engine.peer->infer(1, "echo", "x");
  ASSERT_TRUE(engine.peer->receive());

  std::optional<proto::engine_report> load;
  do load = engine.process.report("load");
  while (load && load->loads.at(0).completed == 0);

  ASSERT_TRUE(load);
  EXPECT_EQ(load->loads[0].model, "echo");
  EXPECT_EQ(load->loads[0].completed, 1u);
  EXPECT_EQ(load->loads[0].queued_rows, 0u);
  EXPECT_EQ(load->loads[0].costs.size(), 1u);
}

TEST(Engine, ShowsTheStepInProgressOnItsPage) {
  running_engine engine{{"--builtin", "hang"}};
  ASSERT_TRUE(engine.welcome);
  const auto& lane = engine.process.page().lanes[0];

  engine.peer->infer(0xabcd, "hang", "x");
  ASSERT_TRUE(engine.wait_for_step());

  EXPECT_EQ(lane.ticks.load() % 2, 1u);
  EXPECT_EQ(lane.attempt_count.load(), 1u);
  EXPECT_EQ(lane.attempts[0].load(), 0xabcdu);
  EXPECT_EQ(engine.process.page().open_attempts.load(), 1u);
}

TEST(Engine, JudgesItsFirstStepByWhatAnEngineBeforeItLearned) {
  const int times = ::memfd_create("times", 0);
  ASSERT_EQ(::ftruncate(times, sizeof(step_times)), 0);
  const auto an_engine = [&] {
    return running_engine{{"--builtin", "hang", "--times-fd", std::to_string(times)}};
  };
  {
    auto first = an_engine();
    ASSERT_TRUE(first.welcome);
    for (std::uint64_t i = 1; i <= step_limits::trusted_after; ++i) {
      first.peer->infer(i, "hang", "x", flag_parameters("hang", false));
      ASSERT_TRUE(first.peer->receive());
    }
  }
  auto second = an_engine();
  ::close(times);
  ASSERT_TRUE(second.welcome);

  second.peer->infer(1, "hang", "x");
  ASSERT_TRUE(second.wait_for_step());

  EXPECT_EQ(second.process.page().lanes[0].limit_us.load(), to_us(step_limits::floor));
}

TEST(Engine, EndsWhenTheControlSocketClosesEvenInsideAStepThatHangs) {
  running_engine engine{{"--builtin", "hang"}};
  ASSERT_TRUE(engine.welcome);
  engine.peer->infer(1, "hang", "x");

  engine.process.close_control();

  EXPECT_EQ(engine.process.wait_end(), 0);
}

TEST(Engine, FinishesWhatRunsAndRefusesWhatWaitsOnSigterm) {
  running_engine engine{{"--builtin", "sleep"}};
  ASSERT_TRUE(engine.welcome);
  engine.peer->infer(1, "sleep", "x", parameters("ms", 300));
  engine.peer->infer(2, "sleep", "x");
  const auto until = now() + 20s;
  while (engine.process.page().open_attempts.load() < 2 && now() < until) {
  }

  engine.process.signal(SIGTERM);
  const auto refused = engine.peer->receive();
  const auto done = engine.peer->receive();

  ASSERT_TRUE(refused && done);
  EXPECT_EQ(refused->header.op, "refused");
  EXPECT_EQ(refused->header.attempt.value, 2u);
  EXPECT_EQ(done->header.op, "reply");
  EXPECT_FALSE(done->header.error);
  EXPECT_EQ(engine.process.wait_end(), 0);
}

TEST(Engine, StopsWithinItsDrainTimeWhenAStepHangs) {
  running_engine engine{{"--builtin", "hang"}};
  ASSERT_TRUE(engine.welcome);
  engine.peer->infer(1, "hang", "x");
  ASSERT_TRUE(engine.wait_for_step());

  const auto begin = now();
  engine.process.signal(SIGTERM);

  EXPECT_EQ(engine.process.wait_end(), 0);
  EXPECT_LT(now() - begin, 4s);
}

TEST(Engine, LeavesSigintToItsWorker) {
  running_engine engine{{"--builtin", "echo"}};
  ASSERT_TRUE(engine.welcome);

  engine.process.signal(SIGINT);
  engine.peer->infer(1, "echo", "x");

  EXPECT_TRUE(engine.peer->receive());
}

TEST(Engine, CrashDiesByItsSignalOrExitStatus) {
  running_engine segfault{{"--builtin", "crash"}}, leaves{{"--builtin", "crash"}};
  ASSERT_TRUE(segfault.welcome && leaves.welcome);

  segfault.peer->infer(1, "crash", "x", whole_parameters("signal", SIGABRT));
  leaves.peer->infer(1, "crash", "x", whole_parameters("exit", 3));
  const auto by_signal = segfault.process.wait_end();
  const auto by_status = leaves.process.wait_end();

  EXPECT_TRUE(WIFSIGNALED(by_signal) && WTERMSIG(by_signal) == SIGABRT) << by_signal;
  EXPECT_TRUE(WIFEXITED(by_status) && WEXITSTATUS(by_status) == 3) << by_status;
}

/// The attempts of the steps in progress, as a worker reads them after the engine's end.
std::vector<std::uint64_t> suspects_on(const progress_page& page) {
  std::vector<std::uint64_t> suspects;
  for (const auto& lane : page.lanes)
    if (lane.ticks.load() % 2 == 1)
      for (std::uint32_t i = 0; i < lane.attempt_count.load(); ++i)
        suspects.push_back(lane.attempts[i].load());
  return suspects;
}

TEST(Engine, RunsASuspectAloneSoThatThePageNamesOnlyIt) {
  running_engine engine{{"--builtin", "crash", "--builtin", "sleep"}};
  ASSERT_TRUE(engine.welcome);
  engine.peer->infer(1, "sleep", "x", parameters("ms", 200));
  ASSERT_TRUE(engine.wait_for_step(1));

  engine.peer->infer(2, "crash", "x", {}, 20s, true);
  engine.peer->infer(3, "sleep", "x", parameters("ms", 200));
  const auto status = engine.process.wait_end();

  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << status;
  EXPECT_THAT(suspects_on(engine.process.page()), testing::ElementsAre(2u));
}

TEST(Engine, NamesWhatRunsBesideACrashWithoutASuspect) {
  running_engine engine{{"--builtin", "crash", "--builtin", "sleep"}};
  ASSERT_TRUE(engine.welcome);
  engine.peer->infer(1, "sleep", "x", parameters("ms", 5000));
  ASSERT_TRUE(engine.wait_for_step(1));

  engine.peer->infer(2, "crash", "x");
  ASSERT_NE(engine.process.wait_end(), -1);

  EXPECT_THAT(suspects_on(engine.process.page()), testing::UnorderedElementsAre(1u, 2u));
}

/// Tokens of a message of `count`.
std::vector<std::int32_t> tokens_in(const link_peer::message& from) {
  std::vector<std::int32_t> tokens(from.frames.at(0).size() / 4);
  std::memcpy(tokens.data(), from.frames.at(0).data(), 4 * tokens.size());
  return tokens;
}

/// The tokens of a stream until its end, each acknowledged; nothing if it has a gap or an error.
std::optional<std::vector<std::int32_t>> whole_stream(link_peer& peer, std::uint64_t attempt,
                                                      std::size_t from = 0) {
  std::vector<std::int32_t> all;
  for (;;) {
    const auto part = peer.receive();
    if (!part || part->header.error || part->header.seq != from + all.size()) return std::nullopt;
    const auto tokens = tokens_in(*part);
    all.insert(all.end(), tokens.begin(), tokens.end());
    if (part->header.final) return all;
    proto::link_request ack;
    ack.op = "window";
    ack.attempt = {attempt};
    ack.window = 1;
    peer.send(ack);
  }
}

TEST(Engine, StreamsTokensAndGoesOnAfterAnotherEnginesDeath) {
  running_engine first{{"--builtin", "count"}}, second{{"--builtin", "count"}};
  ASSERT_TRUE(first.welcome && second.welcome);
  EXPECT_TRUE(first.welcome->header.models.at(0).streams);
  const auto asked = whole_parameters("max_tokens", 20'000);

  first.peer->generate(1, asked, 4);
  const auto all = whole_stream(*first.peer, 1);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 20'000u);
  msgpack::sbuffer emitted;
  msgpack::packer{emitted}.pack_bin(4 * 19'000);
  msgpack::packer{emitted}.pack_bin_body(reinterpret_cast<const char*>(all->data()), 4 * 19'000);
  second.peer->generate(2, asked, 4, {{emitted.data(), emitted.size()}});
  const auto rest = whole_stream(*second.peer, 2, 19'000);

  ASSERT_TRUE(rest);
  EXPECT_TRUE(std::equal(rest->begin(), rest->end(), all->begin() + 19'000, all->end()));
}

TEST(Engine, NamesTheSequencesOfTheStepAndEndsOneByCancel) {
  running_engine engine{{"--builtin", "count"}};
  ASSERT_TRUE(engine.welcome);
  engine.peer->generate(0xab, whole_parameters("step_us", 1'000'000), 4);
  ASSERT_TRUE(engine.wait_for_step());

  EXPECT_THAT(suspects_on(engine.process.page()), testing::ElementsAre(0xabu));
  proto::link_request cancel;
  cancel.op = "cancel";
  cancel.attempt = {0xab};
  engine.peer->send(cancel);
  const auto end = engine.peer->receive();

  ASSERT_TRUE(end && end->header.error);
  EXPECT_EQ(end->header.error->code, "cancelled");
  EXPECT_EQ(end->header.credit, 1u);
}

TEST(Engine, SaysWhyItCannotStart) {
  engine_process unknown{{"--builtin", "parrot"}};
  engine_process nowhere{{"--builtin", "echo", "--bind", "203.0.113.7"}};

  const auto no_model = unknown.report("failed");
  const auto no_address = nowhere.report("failed");

  ASSERT_TRUE(no_model && no_address);
  EXPECT_THAT(no_model->text, testing::HasSubstr("parrot"));
  EXPECT_THAT(no_address->text, testing::HasSubstr("203.0.113.7"));
  EXPECT_EQ(WEXITSTATUS(unknown.wait_end()), 1);
  EXPECT_EQ(WEXITSTATUS(nowhere.wait_end()), 1);
}

}  // namespace
}  // namespace coppice::worker
