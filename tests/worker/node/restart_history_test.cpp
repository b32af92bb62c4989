#include "worker/node/restart_history.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

const steady_time t0{};

TEST(RestartHistory, TellsTheNewestFirstWithTheTimeSince) {
  restart_history history;
  history.add(t0, "crash", "was killed by signal 11 (SIGSEGV)");
  history.add(t0 + 2s, "exit", "exited with status 3");

  const auto notes = history.notes(t0 + 5s, 16);

  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].cause, "exit");
  EXPECT_EQ(notes[0].reason, "exited with status 3");
  EXPECT_EQ(notes[0].ago_ms, 3000u);
  EXPECT_EQ(notes[1].ago_ms, 5000u);
}

TEST(RestartHistory, KeepsTheLastOnesOnly) {
  restart_history history;
  for (std::size_t i = 0; i <= restart_history::kept; ++i)
    history.add(t0, "exit", std::to_string(i));

  const auto notes = history.notes(t0, 100);

  ASSERT_EQ(notes.size(), restart_history::kept);
  EXPECT_EQ(notes.front().reason, std::to_string(restart_history::kept));
  EXPECT_EQ(notes.back().reason, "1");
  EXPECT_EQ(history.notes(t0, 3).size(), 3u);
}

}  // namespace

}  // namespace coppice::worker
