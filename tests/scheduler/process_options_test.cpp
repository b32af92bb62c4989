#include "scheduler/process_options.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace coppice::scheduler {

namespace {

expected<process_options> read(const std::string& text) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("coppice-options-" + std::to_string(::getpid()) + ".yml");
  std::ofstream{file} << text;
  auto options = read_options(file);
  std::filesystem::remove(file);
  return options;
}

TEST(SchedulerOptions, TakeWhatTheFileSays) {
  const auto options =
      read("name: s2\nlisten: 127.0.0.1:4800\nmesh: {insecure: true}\nlog: warn\n");

  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->name, "s2");
  EXPECT_TRUE(options->mesh.insecure);
  EXPECT_EQ(options->level, log_level::warn);
}

TEST(SchedulerOptions, NameFileAndLineOfAnUnknownKey) {
  const auto options = read("name: s2\nlisen: x\n");

  ASSERT_FALSE(options);
  EXPECT_NE(options.error().message.find(".yml:2: unknown key 'lisen'"), std::string::npos)
      << options.error().message;
}

TEST(SchedulerOptions, RefuseAnUnknownLogLevel) {
  const auto options = read("log: loud\n");

  ASSERT_FALSE(options);
  EXPECT_NE(options.error().message.find(":1: 'log' must be"), std::string::npos);
}

}  // namespace

}  // namespace coppice::scheduler
