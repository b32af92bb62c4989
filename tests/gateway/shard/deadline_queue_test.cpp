#include "gateway/shard/deadline_queue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace coppice::gateway {
namespace {

const steady_time t0{};
const auto open = [](row_id) { return true; };

TEST(DeadlineQueue, TellsARowAtItsDeadlineAndNotBefore) {
  deadline_queue queue;
  queue.push({1}, t0 + 50ms);

  EXPECT_TRUE(queue.passed(t0 + 49ms, open).empty());
  EXPECT_EQ(queue.passed(t0 + 50ms, open), std::vector{row_id{1}});
  EXPECT_TRUE(queue.passed(t0 + 1s, open).empty());
}

TEST(DeadlineQueue, TellsTheEarliestFirst) {
  deadline_queue queue;
  queue.push({1}, t0 + 30ms);
  queue.push({2}, t0 + 10ms);
  queue.push({3}, t0 + 20ms);

  EXPECT_EQ(queue.passed(t0 + 30ms, open), (std::vector<row_id>{{2}, {3}, {1}}));
}

TEST(DeadlineQueue, TellsWhatANaiveScanTellsAndKeepsItsBoundUnderRandomOperations) {
  std::mt19937 random{11};
  deadline_queue queue;
  std::map<row_id, steady_time> rows;
  const auto is_open = [&](row_id row) { return rows.contains(row); };
  steady_time now = t0;
  std::uint64_t last = 0;
  for (int step = 0; step < 100'000; ++step) {
    now += std::chrono::microseconds{random() % 500};
    const auto kind = random() % 100;
    if (rows.empty() || kind < 52) {
      const auto deadline = now + std::chrono::milliseconds{random() % 4000};
      rows[{++last}] = deadline;
      queue.push({last}, deadline);
    } else if (kind < 95) {
      auto victim = rows.lower_bound({random() % last});
      if (victim == rows.end()) victim = rows.begin();
      rows.erase(victim);
      queue.ended(is_open);
    } else {
      std::set<row_id> naive;
      for (const auto& [row, deadline] : rows)
        if (deadline <= now) naive.insert(row);
      const auto told = queue.passed(now, is_open);
      ASSERT_EQ(std::set<row_id>(told.begin(), told.end()), naive);
      for (const auto row : told) {
        rows.erase(row);
        queue.ended(is_open);
      }
    }
    ASSERT_LE(queue.size(), 2 * rows.size() + deadline_queue::slack);
  }
}

}  // namespace
}  // namespace coppice::gateway
