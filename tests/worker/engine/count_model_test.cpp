#include "worker/engine/count_model.hpp"

#include <gmock/gmock.h>
#include <msgpack.hpp>

#include <map>
#include <set>

namespace coppice::worker {
namespace {

proto::raw_value parameters(const std::map<std::string, std::uint64_t>& values) {
  msgpack::sbuffer out;
  msgpack::packer{out}.pack(values);
  return {{out.data(), out.size()}};
}

std::vector<std::int32_t> tokens_of(const count_tokens& of, std::uint64_t n) {
  std::vector<std::int32_t> tokens;
  for (std::uint64_t i = 0; i < n; ++i) tokens.push_back(of.at(i));
  return tokens;
}

std::vector<std::int32_t> run(count_model& model, std::uint32_t slot, std::size_t steps) {
  const std::uint32_t only[] = {slot};
  std::vector<std::int32_t> tokens;
  for (std::size_t i = 0; i < steps; ++i) tokens.push_back(model.step(only)->front());
  return tokens;
}

/// Computed apart, from the formula in the header, by a Python program of ten lines.
TEST(CountTokens, AreWhatTheirFormulaSays) {
  EXPECT_THAT(tokens_of({std::vector<std::int32_t>{1, 2, 3}, 7}, 4),
              testing::ElementsAre(21407, 8143, 22756, 29500));
  EXPECT_THAT(tokens_of({std::vector<std::int32_t>{-1}, UINT64_MAX}, 3),
              testing::ElementsAre(19877, 4268, 31005));
}

TEST(CountTokens, DependOnSeedPromptAndItsOrder) {
  const std::set<std::vector<std::int32_t>> different{
      tokens_of({std::vector<std::int32_t>{1, 2}, 0}, 8),
      tokens_of({std::vector<std::int32_t>{2, 1}, 0}, 8),
      tokens_of({std::vector<std::int32_t>{1, 2}, 1}, 8),
      tokens_of({std::vector<std::int32_t>{1, 2, 0}, 0}, 8)};
  EXPECT_EQ(different.size(), 4u);
}

TEST(CountTokens, StayInTheVocabularyAndReachAllOfIt) {
  const std::vector<std::int32_t> prompt{5};
  const count_tokens tokens{prompt, 1};
  std::set<std::int32_t> seen;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) seen.insert(tokens.at(i));

  EXPECT_EQ(*seen.begin(), 0);
  EXPECT_EQ(*seen.rbegin(), 31'999);
  EXPECT_EQ(seen.size(), 32'000u);
}

TEST(CountModel, GoesOnBehindWhatWasEmittedExactlyAsWithoutABreak) {
  count_model whole{1}, resumed{1};
  const auto seed = parameters({{"seed", 9}});
  ASSERT_TRUE(whole.begin({0, {4, 5}, {}, seed}));
  const auto all = run(whole, 0, 20);
  for (std::ptrdiff_t k : {0, 1, 19, 20}) {
    ASSERT_TRUE(resumed.begin({0, {4, 5}, {all.begin(), all.begin() + k}, seed}));
    EXPECT_EQ(run(resumed, 0, static_cast<std::size_t>(20 - k)),
              (std::vector<std::int32_t>{all.begin() + k, all.end()}))
        << k;
    resumed.end(0);
  }
}

TEST(CountModel, AdvancesOnlyTheSequencesOfTheStep) {
  count_model model{2};
  ASSERT_TRUE(model.begin({0, {1}, {}, {}}));
  ASSERT_TRUE(model.begin({1, {2}, {}, {}}));
  const std::vector<std::int32_t> one{1}, two{2};

  run(model, 0, 3);
  const auto both = model.step(std::vector<std::uint32_t>{1, 0});

  ASSERT_TRUE(both);
  EXPECT_THAT(*both, testing::ElementsAre(count_tokens(two, 0).at(0), count_tokens(one, 0).at(3)));
}

TEST(CountModel, RefusesParametersThatItCannotRead) {
  count_model model{1};
  EXPECT_TRUE(model.begin({0, {1}, {}, parameters({{"step_us", 1'000'000}})}));
  const auto slow = model.begin({0, {1}, {}, parameters({{"step_us", 1'000'001}})});
  const auto broken = model.begin({0, {1}, {}, {"\xc1"}});

  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().message, "Parameter 'step_us' must be 0 to 1000000.");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, errc::invalid);
}

TEST(LoadSequenceModel, KnowsOnlyCount) {
  model_spec spec;
  spec.builtin = "count";
  EXPECT_TRUE(load_sequence_model(spec));
  spec.builtin = "echo";
  const auto other = load_sequence_model(spec);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, testing::HasSubstr("'echo'"));
}

}  // namespace
}  // namespace coppice::worker
