#include "worker/engine/model_choice.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace coppice::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A repository with the built-in models "quick" and "slow", and with "broken".
class ModelChoice : public testing::Test {
 protected:
  ModelChoice()
      : folder_{std::filesystem::temp_directory_path() / ("choice-" + std::to_string(::getpid()))} {
    write("quick", "backend: builtin\nbuiltin: echo\n");
    write("slow", "backend: builtin\nbuiltin: sleep\n");
  }
  ~ModelChoice() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& model, const std::string& text) const {
    std::filesystem::create_directories(folder_ / model);
    std::ofstream{folder_ / model / "model.yml"} << text;
  }
  [[nodiscard]] expected<std::vector<model_spec>> choose(
      std::vector<std::string> serve = {}, std::vector<std::string> builtins = {}) const {
    return choose_models({folder_.string(), std::move(serve), std::move(builtins), 0});
  }
  static std::vector<std::string> names(const expected<std::vector<model_spec>>& specs) {
    std::vector<std::string> out;
    if (!specs) return {specs.error().message};
    for (const auto& spec : *specs) out.push_back(spec.name);
    return out;
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(ModelChoice, IsEverythingByDefault) {
  EXPECT_THAT(names(choose()), ElementsAre("quick", "slow"));
  EXPECT_THAT(names(choose({}, {"flip"})), ElementsAre("flip", "quick", "slow"));
}

TEST_F(ModelChoice, TakesNamesWithAndWithoutVersion) {
  EXPECT_THAT(names(choose({"slow"})), ElementsAre("slow"));
  EXPECT_THAT(names(choose({"slow:1", "quick"})), ElementsAre("quick", "slow"));
}

TEST_F(ModelChoice, RefusesNamesThatNothingAnswersTo) {
  EXPECT_THAT(names(choose({"quick", "fast"})), ElementsAre(HasSubstr("no model 'fast'")));
  EXPECT_THAT(names(choose({"quick:7"})), ElementsAre(HasSubstr("no model 'quick:7'")));
  EXPECT_THAT(names(choose({}, {"parrot"})), ElementsAre(HasSubstr("parrot")));
}

TEST_F(ModelChoice, IsStoppedOnlyByFindingsAboutChosenModels) {
  write("broken", "batchable: perhaps\n");

  EXPECT_THAT(names(choose({"quick"})), ElementsAre("quick"));
  EXPECT_THAT(names(choose()), ElementsAre(HasSubstr("broken/model.yml")));
  EXPECT_THAT(names(choose({"broken"})), ElementsAre(HasSubstr("broken/model.yml")));
}

TEST_F(ModelChoice, OverridesThreads) {
  const auto specs = choose_models({"", {}, {"echo"}, 3});
  ASSERT_TRUE(specs);
  EXPECT_EQ(specs->front().threads, 3u);
}

TEST(ModelChoiceOfNothing, IsARepositoryThatIsNotThere) {
  const auto specs = choose_models({"/nowhere/at/all", {"quick"}, {}, 0});
  ASSERT_FALSE(specs);
  EXPECT_THAT(specs.error().message, HasSubstr("/nowhere/at/all"));
}

}  // namespace
}  // namespace coppice::worker
