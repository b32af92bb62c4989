#include "tests/simulation/run.hpp"
#include "tests/simulation/story.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace coppice::simulation {

namespace {

#ifdef COPPICE_FEW_SEEDS
constexpr std::uint64_t seeds = 10, some_seeds = 3;
#else
constexpr std::uint64_t seeds = 500, some_seeds = 20;
#endif

std::string described(const run_result& of) {
  if (!of.broken) return "";
  return std::string{invariant_name(of.broken->which)} + ": " + of.broken->what +
         "; see scripts/simulate --seed " + std::to_string(of.seed);
}

TEST(Simulation, EverySeedKeepsEveryInvariant) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    EXPECT_EQ(described(run(draw_scenario(seed))), "");
}

TEST(Simulation, SeedsThatOnceFailedPass) {
  std::ifstream kept{COPPICE_KEPT_SEEDS};
  int count = 0;
  for (std::string line; std::getline(kept, line);) {
    if (line.empty() || line.front() == '#') continue;
    EXPECT_EQ(described(run(draw_scenario(std::stoull(line)))), "") << line;
    ++count;
  }
  EXPECT_GT(count, 0);
}

TEST(Simulation, ASeedHappensTheSameWayEveryTime) {
  for (std::uint64_t seed = 1; seed <= some_seeds; ++seed) {
    const auto once = run(draw_scenario(seed));
    story tale;
    const auto again = run(draw_scenario(seed), &tale);

    EXPECT_EQ(once.digest, again.digest) << seed;
    EXPECT_EQ(once.events, again.events) << seed;
  }
  EXPECT_NE(run(draw_scenario(1)).digest, run(draw_scenario(2)).digest);
}

TEST(Simulation, ASeedIsAMinuteOfLoadWithBatchesOverloadAndFaults) {
  std::uint64_t refused = 0, retried = 0;
  for (std::uint64_t seed = 1; seed <= some_seeds; ++seed) {
    const auto of = draw_scenario(seed);
    EXPECT_GE(of.ends, duration{60s});
    EXPECT_GE(of.requests.size(), 2000u);
    EXPECT_GE(of.faults.size(), 10u);
    const auto result = run(of);
    EXPECT_GT(result.counts.succeeded, 100u) << seed;
    refused +=
        result.counts.codes.contains("overloaded") ? result.counts.codes.at("overloaded") : 0;
    retried += result.counts.free_retries;
  }
  EXPECT_GT(refused, 20 * some_seeds);
  EXPECT_GT(retried, 5 * some_seeds);
}

TEST(Simulation, AStoryShowsARequestFromItsClientToItsOutcome) {
  std::ostringstream out;
  (void)tell(1, out, 1'000'000, true);
  const auto text = out.str();

  for (const auto* what : {"asks for", "infer attempt", "gets attempt", "runs attempt",
                           "answers ok", "has its outcome: ok", "FAULT", "is granted"})
    EXPECT_NE(text.find(what), std::string::npos) << what;
}

}  // namespace

}  // namespace coppice::simulation
