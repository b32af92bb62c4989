#include "worker/engine/step.hpp"

#include "tests/worker/engine/builders.hpp"

#include <gmock/gmock.h>

namespace coppice::worker {
namespace {

/// Fails every batch that holds an item named "bad"; remembers the sizes it was given.
class picky_model : public model {
 public:
  expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) override {
    sizes.push_back(batch.size());
    if (page != nullptr)
      seen_ticks = page->ticks.load(), seen_attempts = page->attempt_count.load();
    std::vector<item_outputs> outputs;
    for (const auto& item : batch) {
      const auto& name = item.inputs.front().name;
      if (name == "bad") return fail(errc::model_error, "I do not like it.");
      if (name == "throws") throw std::runtime_error{"thrown"};
      if (name != "mute") outputs.push_back(item.inputs);
    }
    return outputs;
  }
  std::vector<std::size_t> sizes;
  const progress_page::lane* page = nullptr;
  std::uint64_t seen_ticks = 0;
  std::uint32_t seen_attempts = 0;
};

batch a_batch(const std::vector<std::string>& names, steady_time deadline = now() + 1h) {
  batch out;
  for (const auto& name : names) {
    attempt each = an_attempt{out.attempts.size() + 1}.due(deadline);
    each.item.inputs.push_back({name, datatype::fp32, {0}, {}, {}});
    out.attempts.push_back(std::move(each));
    ++out.rows;
  }
  return out;
}

TEST(Step, GivesOneResultPerAttemptInOrder) {
  picky_model model;
  progress_page::lane page;
  step_lane lane{&page, step_limits{}};

  const auto done = run_step(model, a_batch({"a", "b"}), lane);

  ASSERT_EQ(done.results.size(), 2u);
  EXPECT_EQ(done.results[0]->front().name, "a");
  EXPECT_EQ(done.results[1]->front().name, "b");
  EXPECT_EQ(done.ran.attempts.size(), 2u);
  EXPECT_THAT(model.sizes, testing::ElementsAre(2));
}

TEST(Step, LetsABadItemFailAlone) {
  picky_model model;
  progress_page::lane page;
  step_lane lane{&page, step_limits{}};

  const auto done = run_step(model, a_batch({"a", "bad", "throws", "c"}), lane);

  EXPECT_TRUE(done.results[0]);
  ASSERT_FALSE(done.results[1]);
  EXPECT_EQ(done.results[1].error().message, "I do not like it.");
  ASSERT_FALSE(done.results[2]);
  EXPECT_EQ(done.results[2].error().code, errc::model_error);
  EXPECT_EQ(done.results[2].error().message, "thrown");
  EXPECT_TRUE(done.results[3]);
  EXPECT_THAT(model.sizes, testing::ElementsAre(4, 1, 1, 1, 1));
}

TEST(Step, DoesNotRunASingleItemTwice) {
  picky_model model;
  progress_page::lane page;
  step_lane lane{&page, step_limits{}};

  const auto done = run_step(model, a_batch({"bad"}), lane);

  EXPECT_FALSE(done.results[0]);
  EXPECT_THAT(model.sizes, testing::ElementsAre(1));
}

TEST(Step, DoesNotRunExpiredItemsAgain) {
  picky_model model;
  progress_page::lane page;
  step_lane lane{&page, step_limits{}};

  const auto done = run_step(model, a_batch({"a", "bad"}, steady_time{1ns}), lane);

  ASSERT_FALSE(done.results[0]);
  EXPECT_EQ(done.results[0].error().code, errc::deadline);
  EXPECT_THAT(model.sizes, testing::ElementsAre(2));
}

TEST(Step, RefusesAnotherNumberOfResults) {
  picky_model model;
  progress_page::lane page;
  step_lane lane{&page, step_limits{}};

  const auto done = run_step(model, a_batch({"mute"}), lane);

  ASSERT_FALSE(done.results[0]);
  EXPECT_EQ(done.results[0].error().code, errc::model_error);
}

TEST(Step, ShowsItsAttemptsOnThePageWhileItRuns) {
  picky_model model;
  progress_page::lane page;
  step_lane lane{&page, step_limits{}};
  model.page = &page;

  run_step(model, a_batch({"a", "b"}), lane);

  EXPECT_EQ(model.seen_ticks, 1u);
  EXPECT_EQ(model.seen_attempts, 2u);
  EXPECT_EQ(page.attempts[1].load(), 2u);
  EXPECT_EQ(page.ticks.load(), 2u);
}

TEST(Step, OfAnItemThatRunsAgainAloneIsAStepOfItsOwn) {
  picky_model model;
  progress_page::lane page;
  step_lane lane{&page, step_limits{}};
  model.page = &page;

  run_step(model, a_batch({"a", "bad", "c"}), lane);

  EXPECT_EQ(model.seen_ticks, 7u);  // together, then a, bad, c
  EXPECT_EQ(model.seen_attempts, 1u);
  EXPECT_EQ(page.attempts[0].load(), 3u);
  EXPECT_EQ(page.ticks.load(), 8u);
}

TEST(Step, ShowsItsLimitOnceItIsLearned) {
  picky_model model;
  progress_page::lane page;
  const auto times = std::make_unique<step_times>();
  step_lane lane{&page, step_limits{*times, 1}};

  run_step(model, a_batch({"a"}), lane);
  EXPECT_EQ(page.limit_us.load(), 0u);
  for (std::uint32_t i = 1; i < step_limits::trusted_after; ++i)
    run_step(model, a_batch({"a"}), lane);
  run_step(model, a_batch({"a"}), lane);

  EXPECT_EQ(page.limit_us.load(), to_us(step_limits::floor));
}

TEST(Step, ShowsAtMostAsManyAttemptsAsThePageHolds) {
  picky_model model;
  progress_page::lane page;
  step_lane lane{&page, step_limits{}};
  model.page = &page;

  run_step(model, a_batch(std::vector<std::string>(progress_page::max_step_attempts + 1, "a")),
           lane);

  EXPECT_EQ(model.seen_attempts, progress_page::max_step_attempts);
}

}  // namespace
}  // namespace coppice::worker
