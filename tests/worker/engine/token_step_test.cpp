#include "worker/engine/token_step.hpp"

#include <gmock/gmock.h>

#include <stdexcept>
#include <string>

namespace coppice::worker {
namespace {

using testing::ElementsAre;

/// Writes down what is asked of it; slot 9 cannot begin, a step with slot 7 fails, one with slot 6
/// throws, one with slot 5 gives no token.
class scribe : public sequence_model {
 public:
  expected<void> begin(const sequence_start& start) override {
    said.push_back("begin " + std::to_string(start.slot));
    if (start.slot == 9) return fail(errc::invalid, "Not nine.");
    return {};
  }
  expected<std::vector<std::int32_t>> step(std::span<const std::uint32_t> slots) override {
    std::vector<std::int32_t> tokens;
    std::string text = "step";
    for (const auto slot : slots) {
      text += " " + std::to_string(slot);
      tokens.push_back(static_cast<std::int32_t>(100 + slot));
      if (slot == 7) return fail(errc::model_error, "Seven.");
      if (slot == 6) throw std::runtime_error{"Six."};
      if (slot == 5) tokens.pop_back();
    }
    said.push_back(text);
    if (page != nullptr) {
      ticks = page->ticks.load();
      shown = page->attempt_count.load();
    }
    return tokens;
  }
  void end(std::uint32_t slot) override { said.push_back("end " + std::to_string(slot)); }

  std::vector<std::string> said;
  const progress_page::lane* page = nullptr;
  std::uint64_t ticks = 0;
  std::uint32_t shown = 0;
};

struct TokenStep : testing::Test {
  scribe model;
  progress_page::lane page;
  finished_step run(const std::vector<std::uint32_t>& begins,
                    const std::vector<std::uint32_t>& advances,
                    std::vector<std::uint32_t> ends = {}) {
    token_step step;
    step.ends = std::move(ends);
    for (const auto slot : begins) step.begins.push_back({slot, {1}, {}, {}});
    step.advances = advances;
    for (const auto slot : advances) step.attempts.push_back({1000 + slot});
    return run_token_step(model, std::move(step), page);
  }
};

TEST_F(TokenStep, EndsBeforeItBeginsBeforeItAdvances) {
  const auto done = run({2}, {1, 2}, {2, 0});

  EXPECT_THAT(model.said, ElementsAre("end 2", "end 0", "begin 2", "step 1 2"));
  ASSERT_EQ(done.tokens.size(), 2u);
  EXPECT_EQ(done.tokens[0], 101);
  EXPECT_EQ(done.tokens[1], 102);
}

TEST_F(TokenStep, LetsASequenceThatCannotBeginFailAlone) {
  const auto done = run({9, 2}, {1, 9, 2});

  EXPECT_THAT(model.said, ElementsAre("begin 9", "begin 2", "step 1 2"));
  EXPECT_EQ(done.tokens[0], 101);
  ASSERT_FALSE(done.tokens[1]);
  EXPECT_EQ(done.tokens[1].error().message, "Not nine.");
  EXPECT_EQ(done.tokens[2], 102);
}

TEST_F(TokenStep, StepsNothingIfNothingBegan) {
  EXPECT_FALSE(run({9}, {9}).tokens.at(0));
  EXPECT_THAT(model.said, ElementsAre("begin 9"));
}

TEST_F(TokenStep, FailsAllOfAStepThatFails) {
  for (const auto& [slot, words] :
       {std::pair{7u, "Seven."}, {6u, "Six."}, {5u, "another number of tokens"}}) {
    const auto done = run({}, {1, slot});
    for (const auto& each : done.tokens) {
      ASSERT_FALSE(each);
      EXPECT_EQ(each.error().code, errc::model_error);
      EXPECT_THAT(each.error().message, testing::HasSubstr(words));
    }
  }
}

TEST_F(TokenStep, ShowsItsAttemptsOnThePageWhileItRuns) {
  model.page = &page;

  run({}, {1, 3});

  EXPECT_EQ(model.ticks % 2, 1u);
  EXPECT_EQ(model.shown, 2u);
  EXPECT_EQ(page.attempts[0].load(), 1001u);
  EXPECT_EQ(page.attempts[1].load(), 1003u);
  EXPECT_EQ(page.ticks.load(), 2u);
  run({}, {1});
  EXPECT_EQ(page.ticks.load(), 4u);
}

}  // namespace
}  // namespace coppice::worker
