#include "base/config_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace coppice {

namespace {

struct ConfigFile : ::testing::Test {
  std::filesystem::path file = std::filesystem::temp_directory_path() /
                               ("coppice-config-" + std::to_string(::getpid()) + ".yml");
  ~ConfigFile() override { std::filesystem::remove(file); }
  expected<config_map> read(const std::string& text) {
    std::ofstream{file} << text;
    return config_map::read(file);
  }
};

TEST_F(ConfigFile, ReadsWhatIsThereAndLeavesTheRest) {
  auto map = read("name: a\n");
  int port = 7;
  std::string name;

  map->optional("name", name, "a name").optional("port", port, "a port");

  EXPECT_TRUE(map->finish());
  EXPECT_EQ(name, "a");
  EXPECT_EQ(port, 7);
}

TEST_F(ConfigFile, NamesTheLineOfAWrongValue) {
  auto map = read("name: a\nport: many\n");
  int port = 0;
  std::string name;
  map->optional("name", name, "a name").optional("port", port, "a port");

  EXPECT_EQ(map->finish().error().message, file.string() + ":2: 'port' must be a port.");
}

TEST_F(ConfigFile, NamesTheLineOfWhatIsNotYaml) {
  const auto broken = read("a: [1,\n");

  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find(file.string() + ":"), std::string::npos);
}

TEST_F(ConfigFile, ListsItsKeys) {
  EXPECT_EQ(read("b: 1\na: {c: 2}\n")->keys(), (std::vector<std::string>{"b", "a"}));
}

TEST_F(ConfigFile, SaysThatAFolderCannotBeRead) {
  EXPECT_NE(config_map::read("/tmp").error().message.find("cannot be read"), std::string::npos);
}

TEST_F(ConfigFile, SaysThatAFileIsMissing) {
  EXPECT_NE(config_map::read("/nowhere/x.yml").error().message.find("cannot be read"),
            std::string::npos);
}

TEST_F(ConfigFile, GivesTheMapsUnderAllOfItsKeysInTheirOrder) {
  auto map = read("b: {port: 1}\na: {port: 2}\n");
  auto sections = map->sections();

  ASSERT_EQ(sections.size(), 2u);
  EXPECT_EQ(sections[0].first, "b");
  int port = 0;
  EXPECT_TRUE(sections[1].second.optional("port", port, "a port").finish());
  EXPECT_EQ(port, 2);
  EXPECT_TRUE(map->finish());
}

TEST_F(ConfigFile, RejectsAValueThatIsNoMapWhereAllAre) {
  auto map = read("a: {port: 1}\nb: 2\nc: {}\n");

  EXPECT_EQ(map->sections().size(), 1u);

  EXPECT_NE(map->finish().error().message.find(":2: 'b' must be a map"), std::string::npos);
}

}  // namespace

}  // namespace coppice
