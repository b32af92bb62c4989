#include "gateway/home_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace coppice::gateway {

namespace {

using names = std::vector<std::string>;

TEST(HomeOrder, IsTheSameInWhateverOrderTheSchedulersAreNamed) {
  EXPECT_EQ(home_order("echo", {"a", "b", "c"}), home_order("echo", {"c", "a", "b"}));
}

TEST(HomeOrder, NamesEverySchedulerOnce) {
  auto order = home_order("echo", {"a", "b", "c"});

  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, (names{"a", "b", "c"}));
  EXPECT_TRUE(home_order("echo", {}).empty());
}

TEST(HomeOrder, OnlyMovesWhatTheOneThatIsGoneWasFirstFor) {
  for (int i = 0; i < 100; ++i) {
    const auto pool = "pool-" + std::to_string(i);
    auto order = home_order(pool, {"a", "b", "c", "d"});
    std::erase(order, "b");

    EXPECT_EQ(home_order(pool, {"a", "c", "d"}), order);
  }
}

TEST(HomeOrder, SharesPoolsOutEvenly) {
  std::map<std::string, int> pools;
  for (int i = 0; i < 3000; ++i)
    ++pools[home_order("pool-" + std::to_string(i), {"a", "b", "c"}).front()];

  for (const auto& [scheduler, count] : pools) {
    EXPECT_GT(count, 850) << scheduler;
    EXPECT_LT(count, 1150) << scheduler;
  }
}

}  // namespace

}  // namespace coppice::gateway
