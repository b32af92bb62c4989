#include "gateway/process_options.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice::gateway {

namespace {

using ::testing::HasSubstr;

expected<process_options> options_of(const std::string& yaml) {
  const auto file =
      std::filesystem::temp_directory_path() / ("coppice-gateway-" + std::to_string(::getpid()));
  std::ofstream{file} << yaml;
  auto options = read_options(file);
  std::filesystem::remove(file);
  return options;
}

TEST(GatewayOptions, ReadsWhatIsGivenAndKeepsDefaults) {
  const auto options = options_of(
      "name: g\ndoor: tcp://127.0.0.1:5555\nschedulers: ['a:1', 'b:2']\n"
      "limits: {waiting_rows: 5}\nlog: warn\n");

  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->name, "g");
  EXPECT_EQ(options->schedulers.size(), 2u);
  EXPECT_EQ(options->limits.waiting_rows, 5u);
  EXPECT_EQ(options->level, log_level::warn);
  EXPECT_FALSE(options->embedded_scheduler);
  EXPECT_FALSE(options->insecure_mesh);
}

TEST(GatewayOptions, AnEmbeddedSchedulerListensWhereItIsTold) {
  EXPECT_EQ(options_of("embedded_scheduler: {}")->embedded_scheduler, "127.0.0.1:0");
  EXPECT_EQ(options_of("embedded_scheduler: {listen: 'h:9'}")->embedded_scheduler, "h:9");
}

TEST(GatewayOptions, NeedsAScheduler) {
  EXPECT_THAT(options_of("name: g").error().message, HasSubstr("embedded_scheduler"));
}

TEST(GatewayOptions, RefusesUnknownKeysAndLevelsWithTheirLine) {
  EXPECT_THAT(options_of("embedded_scheduler: {}\ndor: x\n").error().message, HasSubstr(":2:"));
  EXPECT_THAT(options_of("embedded_scheduler: {}\nlog: loud\n").error().message,
              HasSubstr("debug, info, warn or error"));
}

}  // namespace

}  // namespace coppice::gateway
