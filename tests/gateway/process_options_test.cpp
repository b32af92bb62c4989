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
  EXPECT_FALSE(options->mesh.insecure);
}

TEST(GatewayOptions, AnEmbeddedSchedulerListensWhereItIsTold) {
  EXPECT_EQ(options_of("embedded_scheduler: {}")->embedded_scheduler, "127.0.0.1:0");
  EXPECT_EQ(options_of("embedded_scheduler: {listen: 'h:9'}")->embedded_scheduler, "h:9");
}

TEST(GatewayOptions, NeedsAScheduler) {
  EXPECT_THAT(options_of("name: g").error().message, HasSubstr("embedded_scheduler"));
}

TEST(GatewayOptions, ReadsTenantsUsersAndTheQueuesTarget) {
  const auto options = options_of(
      "embedded_scheduler: {}\nlimits: {waiting_rows: 9, queue_target_ms: 50}\n"
      "tenants: {gold: {weight: 4}}\nusers: {ann: {password: x, tenant: gold}}\n");

  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->tenants.of("gold").weight, 4u);
  EXPECT_EQ(options->users.at("ann").tenant, "gold");
  EXPECT_EQ(options->limits.queue_target, 50ms);
  EXPECT_EQ(options->limits.tenant_waiting_rows, 5u);
}

TEST(GatewayOptions, LeavesTheWholeQueueToTheOnlyTenant) {
  const auto options = options_of("embedded_scheduler: {}\nlimits: {waiting_rows: 9}\n");

  EXPECT_EQ(options->limits.tenant_waiting_rows, 9u);
  EXPECT_FALSE(options->limits.queue_target);
  EXPECT_TRUE(options->users.empty());
}

TEST(GatewayOptions, GiveAClientAQuarterOfTheUnreadRepliesUnlessTold) {
  const auto some = options_of("embedded_scheduler: {}\nlimits: {outgoing_bytes: 100}\n");
  EXPECT_EQ(some->limits.outgoing.total, 100u);
  EXPECT_EQ(some->limits.outgoing.per_client, 25u);
  const auto told =
      options_of("embedded_scheduler: {}\nlimits: {client_outgoing_bytes: 1000000}\n");
  EXPECT_EQ(told->limits.outgoing.total, std::size_t{256} << 20);
  EXPECT_EQ(told->limits.outgoing.per_client, 1'000'000u);
}

TEST(GatewayOptions, RefusesPasswordsBeyondLoopbackEvenOnAnInsecureMesh) {
  const auto why = options_of(
                       "door: tcp://0.0.0.0:5555\nembedded_scheduler: {}\nmesh: {insecure: true}\n"
                       "users: {ann: {password: x}}\n")
                       .error()
                       .message;
  EXPECT_THAT(why, HasSubstr(":1: passwords of users cross the network in clear"));
  EXPECT_THAT(why, HasSubstr("Use a loopback address"));
}

TEST(GatewayOptions, RefusesATargetOutOfRangeAndUsersInTwoPlaces) {
  for (const auto* each : {"0", "3600001", "soon"})
    EXPECT_FALSE(options_of(std::string{"embedded_scheduler: {}\nlimits: {queue_target_ms: "} +
                            each + "}\n"));
  EXPECT_THAT(options_of("embedded_scheduler: {}\nusers: {}\nusers_file: x\n").error().message,
              HasSubstr("x"));
}

TEST(GatewayOptions, RefusesUnknownKeysAndLevelsWithTheirLine) {
  EXPECT_THAT(options_of("embedded_scheduler: {}\ndor: x\n").error().message, HasSubstr(":2:"));
  EXPECT_THAT(options_of("embedded_scheduler: {}\nlog: loud\n").error().message,
              HasSubstr("debug, info, warn or error"));
}

}  // namespace

}  // namespace coppice::gateway
