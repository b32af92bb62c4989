#include "worker/engine/step_times.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <thread>
#include <vector>

namespace coppice::worker {

namespace {

struct StepTimes : ::testing::Test {
  std::unique_ptr<step_times> times = std::make_unique<step_times>();
};

TEST_F(StepTimes, FindAKeyWhereItWasMade) {
  auto* made = times->find(5);
  ASSERT_NE(made, nullptr);
  made->record(1ms);

  EXPECT_EQ(times->find(5), made);
  EXPECT_NE(times->find(5 + step_times::max_entries), made) << "the same place, another key";
  EXPECT_EQ(made->steps.load(), 1u);
}

TEST_F(StepTimes, HaveNoRoomForAKeyWhoseNeighbourhoodIsFull) {
  std::vector<step_times::entry*> made;
  for (std::uint64_t i = 1; times->find(5 + i * step_times::max_entries) != nullptr; ++i)
    ASSERT_LT(i, step_times::max_entries);

  EXPECT_EQ(times->find(5), nullptr);
  EXPECT_NE(times->find(500), nullptr);
}

TEST_F(StepTimes, KeepTheLongestAndAPercentileWithinThreeInAHundred) {
  auto& entry = *times->find(1);
  for (int i = 0; i < 990; ++i) entry.record(400ms);
  for (int i = 0; i < 10; ++i) entry.record(3s);

  EXPECT_EQ(entry.longest(), 3s);
  EXPECT_GE(entry.percentile_99(), 400ms);
  EXPECT_LE(entry.percentile_99(), 412ms);
}

TEST_F(StepTimes, CountEveryStepOfManyThreads) {
  constexpr int threads = 4, steps = 5000;
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      for (int i = 0; i < steps; ++i)
        times->find(1 + static_cast<std::uint64_t>(i) % 10)->record(std::chrono::milliseconds{t});
    });
  for (auto& each : all) each.join();

  std::uint64_t counted = 0;
  for (std::uint64_t key = 1; key <= 10; ++key) {
    counted += times->find(key)->steps.load();
    EXPECT_EQ(times->find(key)->longest(), std::chrono::milliseconds{threads - 1});
  }
  EXPECT_EQ(counted, static_cast<std::uint64_t>(threads * steps));
}

TEST(StepTimesKey, TellsModelsVersionsThreadsFilesAndKindsOfDeviceApart) {
  model_spec spec;
  spec.name = "m";
  spec.version = 1;
  const auto key = step_times_key(spec, "cuda:0");

  EXPECT_EQ(step_times_key(spec, "cuda:1"), key);
  EXPECT_NE(step_times_key(spec, "cpu"), key);
  auto other = spec;
  other.version = 2;
  EXPECT_NE(step_times_key(other, "cuda:0"), key);
  other = spec;
  other.threads = 4;
  EXPECT_NE(step_times_key(other, "cuda:0"), key);
  other = spec;
  other.file = testing::TempDir() + "step_times_key";
  std::ofstream{other.file} << "x";
  EXPECT_NE(step_times_key(other, "cuda:0"), key);
}

}  // namespace

}  // namespace coppice::worker
