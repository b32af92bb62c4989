#include "worker/node/model_set.hpp"

#include "keys/signed_folder.hpp"
#include "keys/signing_key.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace coppice::worker {

namespace {

namespace fs = std::filesystem;

TEST(ModelSet, OfAnUnsignedRepositoryIsItsFolder) {
  const auto models = open_model_set({5, "/srv/models", {"digits"}, {}}, {});

  ASSERT_TRUE(models);
  EXPECT_EQ((*models)->folder, "/srv/models");
  EXPECT_EQ((*models)->desired.revision, 5u);
  EXPECT_FALSE((*models)->verified);
}

TEST(ModelSet, WithoutARepositoryNeedsNoSignature) {
  EXPECT_TRUE(open_model_set({5, "", {}, {"echo"}}, {"/nowhere/store.key.pub"}));
}

/// A signed repository of one file, and who is trusted.
struct SignedModelSet : ::testing::Test {
  fs::path folder = fs::temp_directory_path() / ("coppice-set-" + std::to_string(::getpid()));
  fs::path models = folder / "models", trusted = folder / "store.key.pub";

  SignedModelSet() {
    fs::create_directories(models);
    std::ofstream{models / "model.yml"} << "first";
    const auto key = signing_key::make();
    EXPECT_TRUE(key.write(folder / "store.key"));
    EXPECT_TRUE(sign_folder(models, key));
  }
  ~SignedModelSet() override { fs::remove_all(folder); }
  expected<shared_model_set> open(std::uint64_t revision) {
    return open_model_set({revision, models.string(), {}, {}}, {trusted.string()});
  }
};

TEST_F(SignedModelSet, HasTheFilesThatWereVerifiedWhenItWasOpened) {
  const auto set = open(1);

  ASSERT_TRUE(set) << set.error().message;
  ASSERT_TRUE((*set)->verified);
  EXPECT_EQ((*set)->verified->files().size(), 1u);
  EXPECT_EQ((*set)->folder, (*set)->verified->folder());
  EXPECT_NE((*set)->folder, models);
}

TEST_F(SignedModelSet, IsVerifiedAgainForEachRevision) {
  const auto before = open(1);
  ASSERT_TRUE(before) << before.error().message;
  fs::remove(models / "model.yml");
  std::ofstream{models / "model.yml"} << "altered";

  const auto after = open(2);

  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, errc::forbidden);
  EXPECT_TRUE((*before)->verified->check_unchanged()) << "the set before keeps its own files";
}

}  // namespace

}  // namespace coppice::worker
