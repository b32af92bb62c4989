#include "worker/node/engine_watch.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <future>

namespace coppice::worker {

namespace {

constexpr auto patience = std::chrono::seconds{20};

/// Watches a shell script as if it were an engine.
struct watched {
  std::promise<std::int64_t> started;
  std::promise<engine_exit> ended;
  engine_watch watch;
  explicit watched(const std::string& script, hang_limits limits = {})
      : watch{{{"/bin/sh", "-c", script}},
              limits,
              engine_events{[this](std::int64_t pid) { started.set_value(pid); },
                            [](proto::engine_report) {}, [](bool) {},
                            [this](engine_exit how) { ended.set_value(std::move(how)); }}} {}
  engine_exit how() {
    auto future = ended.get_future();
    EXPECT_EQ(future.wait_for(patience), std::future_status::ready);
    return future.get();
  }
};

TEST(EngineWatch, KeepsTheLastWordsOfAnEngineThatExits) {
  watched engine{"echo first >&2; echo 'no such model' >&2; exit 3"};

  EXPECT_EQ(engine.how().reason, "exited with status 3: no such model");
}

TEST(EngineWatch, NamesTheSignalThatEndedAnEngine) {
  watched engine{"read never < /dev/zero"};
  const auto pid = engine.started.get_future().get();

  ::kill(static_cast<pid_t>(pid), SIGKILL);

  const auto how = engine.how();
  EXPECT_EQ(how.reason, "was killed by signal 9 (SIGKILL)");
  EXPECT_EQ(how.cause, exit_cause::killed);
}

TEST(EngineWatch, CallsASignalOfItsOwnMakingACrash) {
  watched engine{"kill -SEGV $$"};

  EXPECT_EQ(engine.how().cause, exit_cause::crash);
}

TEST(EngineWatch, StopsItsEngineWithoutBlame) {
  watched engine{"read never < /dev/zero"};
  engine.started.get_future().get();

  engine.watch.stop();

  EXPECT_EQ(engine.how().cause, exit_cause::stopped);
}

TEST(EngineWatch, KillsAnEngineThatHangsWhileItStarts) {
  watched engine{"read never < /dev/zero", {.load = 100ms}};

  const auto how = engine.how();

  EXPECT_EQ(how.cause, exit_cause::hang);
  EXPECT_TRUE(how.hung);
  EXPECT_EQ(how.wait_status, SIGKILL);
  EXPECT_EQ(how.reason.find("was still starting after 0."), 0u) << how.reason;
}

TEST(EngineWatch, CutsLongLastWords) {
  watched engine{"printf '%1000s' x >&2; exit 3"};

  EXPECT_EQ(engine.how().reason.size(), engine_exit::max_reason);
}

TEST(EngineWatch, SaysThatAProgramIsMissing) {
  std::promise<engine_exit> ended;
  const engine_watch watch{
      {{"/nowhere/coppice-engine"}},
      {},
      engine_events{[](std::int64_t) {}, [](proto::engine_report) {}, [](bool) {},
                    [&](engine_exit how) { ended.set_value(std::move(how)); }}};

  EXPECT_EQ(ended.get_future().get().reason, "exited with status 127");
}

TEST(EngineWatch, EndsAnEngineThatIgnoresTerm) {
  auto engine = std::make_unique<watched>("trap '' TERM; while :; do read x < /dev/zero; done");
  const auto pid = static_cast<pid_t>(engine->started.get_future().get());

  engine.reset();

  EXPECT_NE(::kill(pid, 0), 0);
}

}  // namespace

}  // namespace coppice::worker
