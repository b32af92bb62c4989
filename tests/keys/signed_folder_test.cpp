#include "keys/signed_folder.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <functional>
#include <random>
#include <unistd.h>

namespace coppice {

namespace {

using ::testing::HasSubstr;

struct SignedFolder : ::testing::Test {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("coppice-signed-" + std::to_string(::getpid()));
  const signing_key key = signing_key::make();
  std::vector<trusted_key> trusted;

  SignedFolder() {
    trusted.push_back(trusted_key::of(key));
    put("digits/model.yml", "name: digits\n");
    put("digits/1/model.pt", std::string(200'000, 'm'));
    EXPECT_TRUE(sign_folder(folder, key));
  }
  ~SignedFolder() override { std::filesystem::remove_all(folder); }
  void put(const std::string& path, const std::string& bytes) const {
    std::filesystem::create_directories((folder / path).parent_path());
    std::ofstream{folder / path, std::ios::binary} << bytes;
  }
  [[nodiscard]] expected<std::vector<verified_file>> open() const {
    return open_signed_folder(folder, trusted);
  }
  [[nodiscard]] std::string problem() const {
    const auto files = open();
    return files ? "" : files.error().message;
  }
};

TEST_F(SignedFolder, IsOpenedAsItWasSigned) {
  const auto files = open();

  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0].path, "digits/1/model.pt");
  EXPECT_EQ((*files)[1].path, "digits/model.yml");
}

TEST_F(SignedFolder, StaysWhatItWasForWhoHasItOpen) {
  const auto files = open();
  ASSERT_TRUE(files);

  std::filesystem::remove(folder / "digits/model.yml");
  put("digits/model.yml", "name: other\n");

  std::string text(32, '\0');
  const auto n = ::pread((*files)[1].open.get(), text.data(), text.size(), 0);
  EXPECT_EQ(text.substr(0, static_cast<std::size_t>(n)), "name: digits\n");
}

TEST_F(SignedFolder, TellsWhenSomebodyWritesToAFileThatIsOpen) {
  const auto files = open();
  ASSERT_TRUE(files);
  EXPECT_TRUE((*files)[1].is_unchanged());

  put("digits/model.yml", "name: other\n");

  EXPECT_FALSE((*files)[1].is_unchanged());
  EXPECT_TRUE((*files)[0].is_unchanged());
}

TEST_F(SignedFolder, IsRefusedWhenAFileIsAlteredGoneOrAnotherThing) {
  const std::pair<std::function<void()>, const char*> cases[] = {
      {[&] { put("digits/1/model.pt", std::string(200'000, 'x')); }, "not what was signed"},
      {[&] { put("digits/1/model.pt", std::string(200'001, 'm')); }, "not what was signed"},
      {[&] { put("digits/1/model.pt", std::string(199'999, 'm')); }, "not what was signed"},
      {[&] { std::filesystem::remove(folder / "digits/1/model.pt"); }, "is not there"},
      {[&] {
         put("elsewhere", std::string(200'000, 'm'));
         std::filesystem::remove(folder / "digits/1/model.pt");
         std::filesystem::create_symlink(folder / "elsewhere", folder / "digits/1/model.pt");
       },
       "is not there"}};
  for (const auto& [alter, wanted] : cases) {
    std::filesystem::remove(folder / "digits/1/model.pt");
    put("digits/1/model.pt", std::string(200'000, 'm'));
    ASSERT_EQ(problem(), "");
    alter();
    EXPECT_THAT(problem(), HasSubstr(wanted));
  }
}

TEST_F(SignedFolder, IsRefusedWithoutASignatureOfSomebodyTrusted) {
  trusted.clear();
  trusted.push_back(trusted_key::of(signing_key::make()));
  EXPECT_THAT(problem(), HasSubstr("nobody who is trusted"));

  trusted.push_back(trusted_key::of(key));
  EXPECT_EQ(problem(), "") << "one of them is enough";

  std::filesystem::remove(folder / "manifest.sig");
  EXPECT_THAT(problem(), HasSubstr("coppice sign folder"));
}

TEST_F(SignedFolder, IsRefusedWhenItsListWasAltered) {
  auto text = folder_manifest::of(folder)->text();
  text.replace(text.find("200000"), 6, "200001");
  put("manifest.json", text);

  EXPECT_THAT(problem(), HasSubstr("nobody who is trusted"));
}

TEST_F(SignedFolder, KeepsAFileThatOnlyLostItsName) {
  const auto files = open();
  ASSERT_TRUE(files);

  for (const auto& each : *files) std::filesystem::remove(folder / each.path);

  for (const auto& each : *files) EXPECT_TRUE(each.is_unchanged()) << each.path;
}

TEST_F(SignedFolder, DoesNotLookAtWhatIsNotListed) {
  put("digits/2/model.pt", "unsigned");

  const auto files = open();
  ASSERT_TRUE(files);
  EXPECT_EQ(files->size(), 2u);
}

TEST_F(SignedFolder, CannotBeSignedWithALinkInIt) {
  std::filesystem::create_symlink("/etc/passwd", folder / "digits/1/extra");

  EXPECT_THAT(folder_manifest::of(folder).error().message, HasSubstr("digits/1/extra"));
}

// --- the manifest's text ---------------------------------------------------------------------

const std::string digest(64, 'a');

std::string listing(const std::string& path, const std::string& sha256 = digest,
                    const std::string& size = "1") {
  return R"({"files": [{"path": ")" + path + R"(", "size": )" + size + R"(, "sha256": ")" + sha256 +
         "\"}]}";
}

TEST(FolderManifest, TakesNoPathThatLeadsOutOfItsFolder) {
  EXPECT_TRUE(folder_manifest::parse(listing("a/b")));
  for (const auto* path : {"", "/etc/passwd", "../a", "a/../../b", "a//b", "./a", "a/", "a/."})
    EXPECT_FALSE(folder_manifest::parse(listing(path))) << path;
}

TEST(FolderManifest, TakesNoDigestOrSizeThatIsNone) {
  EXPECT_FALSE(folder_manifest::parse(listing("a", "")));
  EXPECT_FALSE(folder_manifest::parse(listing("a", std::string(64, 'A'))));
  EXPECT_FALSE(folder_manifest::parse(listing("a", std::string(63, 'a'))));
  EXPECT_FALSE(folder_manifest::parse(listing("a", digest, "-1")));
  EXPECT_FALSE(folder_manifest::parse(listing("a", digest, "\"1\"")));
}

TEST(FolderManifest, TakesAnyBytesWithoutHarm) {
  const auto good = listing("a/b");
  std::mt19937 random{1};
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto text = good;
    for (unsigned n = random() % 4; n > 0; --n)
      text[random() % text.size()] = static_cast<char>(random() % 256);
    taken += folder_manifest::parse(text) ? 1 : 0;
  }
  for (const auto* text : {"", "[]", "{}", "{\"files\": 1}", "{\"files\": [1]}", "null"})
    EXPECT_FALSE(folder_manifest::parse(text)) << text;
  EXPECT_GT(taken, 1000);
}

}  // namespace

}  // namespace coppice
