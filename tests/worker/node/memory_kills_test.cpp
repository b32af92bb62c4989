#include "worker/node/memory_kills.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

const steady_time t0{};

TEST(MemoryKills, GrewOnlyWithinTheirWindow) {
  memory_kills kills;
  kills.see(3, t0);
  EXPECT_FALSE(kills.just_grew(t0));

  kills.see(4, t0 + 1s);
  kills.see(4, t0 + 2s);

  EXPECT_TRUE(kills.just_grew(t0 + 1s + memory_kills::window - 1ns));
  EXPECT_FALSE(kills.just_grew(t0 + 1s + memory_kills::window));
}

TEST(MemoryKills, OfTimesBeforeTheFirstLookSayNothing) {
  memory_kills kills;

  kills.see(17, t0);

  EXPECT_FALSE(kills.just_grew(t0));
}

TEST(MemoryKills, ThatCannotBeReadSayNothing) {
  memory_kills kills;
  kills.see(1, t0);
  kills.see(std::nullopt, t0 + 1s);
  kills.see(1, t0 + 2s);

  EXPECT_FALSE(kills.just_grew(t0 + 2s));
}

TEST(MemoryKills, AreFoundInEitherVersionOfControlGroups) {
  EXPECT_EQ(memory_kills_file("0::/system.slice/coppice.service\n", "/g"),
            "/g/system.slice/coppice.service/memory.events");
  EXPECT_EQ(memory_kills_file("9:name=systemd:/\n4:memory:/box\n1:cpu:/\n0::/\n", "/g"),
            "/g/memory/box/memory.oom_control");
  EXPECT_EQ(memory_kills_file("0::/\n4:memory:/box\n", "/g"), "/g/memory/box/memory.oom_control");
  EXPECT_EQ(memory_kills_file("", "/g"), "");
  EXPECT_EQ(memory_kills_file("nonsense\n", "/g"), "");
}

TEST(MemoryKills, AreTheNumberAfterTheirName) {
  EXPECT_EQ(parse_memory_kills("low 0\nmax 8\noom 5\noom_kill 2\noom_group_kill 0\n"), 2u);
  EXPECT_EQ(parse_memory_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 7"), 7u);
  EXPECT_EQ(parse_memory_kills("oom_kill many\n"), std::nullopt);
  EXPECT_EQ(parse_memory_kills(""), std::nullopt);
}

TEST(MemoryKills, OfAProcessThatDoesNotExistCannotBeRead) {
  EXPECT_EQ(memory_kills_file_of(-1), "");
  EXPECT_EQ(read_memory_kills(""), std::nullopt);
  EXPECT_EQ(read_memory_kills("/nowhere/memory.events"), std::nullopt);
}

}  // namespace

}  // namespace coppice::worker
