#include "worker/node/restart_history.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace coppice::worker {

namespace {

const steady_time t0{};

engine_exit an_exit(exit_cause cause) {
  engine_exit how;
  how.cause = cause;
  return how;
}

TEST(RestartHistory, TellsTheNewestFirstWithTheTimeSince) {
  restart_history history;
  history.add(t0, an_exit(exit_cause::crash), "was killed by signal 11 (SIGSEGV)");
  history.add(t0 + 2s, an_exit(exit_cause::exit), "exited with status 3");

  const auto notes = history.notes(t0 + 5s, 16);

  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].cause, "exit");
  EXPECT_EQ(notes[0].reason, "exited with status 3");
  EXPECT_EQ(notes[0].ago_ms, 3000u);
  EXPECT_EQ(notes[1].ago_ms, 5000u);
}

TEST(RestartHistory, TellsSignalOrStatusAndTheFirstSuspects) {
  restart_history history;
  auto crash = an_exit(exit_cause::crash), exit = an_exit(exit_cause::exit);
  crash.wait_status = SIGSEGV;
  for (std::uint64_t id = 1; id <= restart_history::kept_suspects + 1; ++id)
    crash.suspects.push_back({id});
  exit.wait_status = 3 << 8;
  history.add(t0, crash, "");
  history.add(t0, exit, "");

  const auto notes = history.notes(t0, 2);

  EXPECT_EQ(notes[1].signal, unsigned{SIGSEGV});
  EXPECT_EQ(notes[1].exit_status, 0u);
  ASSERT_EQ(notes[1].suspects.size(), restart_history::kept_suspects);
  EXPECT_EQ(notes[1].suspects.back(), attempt_id{restart_history::kept_suspects});
  EXPECT_EQ(notes[0].signal, 0u);
  EXPECT_EQ(notes[0].exit_status, 3u);
  EXPECT_TRUE(notes[0].suspects.empty());
}

TEST(RestartHistory, KeepsTheLastOnesOnly) {
  restart_history history;
  for (std::size_t i = 0; i <= restart_history::kept; ++i)
    history.add(t0, an_exit(exit_cause::exit), std::to_string(i));

  const auto notes = history.notes(t0, 100);

  ASSERT_EQ(notes.size(), restart_history::kept);
  EXPECT_EQ(notes.front().reason, std::to_string(restart_history::kept));
  EXPECT_EQ(notes.back().reason, "1");
  EXPECT_EQ(history.notes(t0, 3).size(), 3u);
}

}  // namespace

}  // namespace coppice::worker
