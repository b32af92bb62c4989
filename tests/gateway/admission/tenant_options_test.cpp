#include "gateway/admission/tenant_options.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice::gateway {

namespace {

using ::testing::HasSubstr;

expected<tenant_table> tenants_of(const std::string& yaml) {
  const auto file =
      std::filesystem::temp_directory_path() / ("coppice-tenants-" + std::to_string(::getpid()));
  std::ofstream{file} << yaml;
  auto map = config_map::read(file);
  std::filesystem::remove(file);
  return read_tenants(std::move(*map));
}

TEST(TenantOptions, TakeWhatIsLeftOutFromTheDefault) {
  const auto table = tenants_of(
      "default: {requests_per_s: 100, open_bytes: 5000}\n"
      "gold: {weight: 4, requests_per_s: 300}\n");

  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->of("anybody").requests_per_s, 100u);
  EXPECT_EQ(table->of("anybody").weight, 1u);
  EXPECT_EQ(table->of("gold").requests_per_s, 300u);
  EXPECT_EQ(table->of("gold").weight, 4u);
  EXPECT_EQ(table->of("gold").open_bytes, 5000u);
  EXPECT_EQ(table->of("gold").bytes_per_s, tenant_limits{}.bytes_per_s);
}

TEST(TenantOptions, TakeABurstFromASecondOfItsRate) {
  const auto table = tenants_of(
      "a: {requests_per_s: 7}\nb: {requests_per_s: 7, requests_burst: 3}\n"
      "c: {compute_ms_per_s: 250}\n");

  EXPECT_EQ(table->of("a").requests_burst, 7u);
  EXPECT_EQ(table->of("b").requests_burst, 3u);
  EXPECT_EQ(table->of("c").compute_burst_ms, 250u);
}

TEST(TenantOptions, AreTheDefaultsWhereNothingIsSaid) {
  EXPECT_EQ(tenants_of("")->of("anybody"), tenant_limits{});
}

TEST(TenantOptions, NameLineAndBoundOfWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"a: {}\nb: {weight: 0}\n", ":2: 'weight' must be 1 to 1000."},
      {"a: {weight: 1001}\n", ":1: 'weight' must be 1 to 1000."},
      {"a: {requests_per_s: -1}\n", ":1: 'requests_per_s' must be a whole number."},
      {"a: {compute_burst_ms: 8000001}\n", ":1: 'compute_burst_ms' must be 1 to 8000000."},
      {"default: {}\na: {wait: 1}\n", ":2: unknown key 'wait'"},
      {"a b: {}\n", ":1: a tenant's name has"},
      {"a: 5\n", ":1: 'a' must be a map"}};
  for (const auto& [yaml, wanted] : cases) {
    const auto table = tenants_of(yaml);
    ASSERT_FALSE(table) << yaml;
    EXPECT_THAT(table.error().message, HasSubstr(wanted));
  }
}

TEST(AccountName, IsShortAndPlain) {
  EXPECT_TRUE(is_account_name("Team-1.a_b"));
  EXPECT_TRUE(is_account_name(std::string(64, 'x')));
  for (const std::string bad : {"", "a b", "a/b", "\n", "\xc3\xa9"})
    EXPECT_FALSE(is_account_name(bad));
  EXPECT_FALSE(is_account_name(std::string(65, 'x')));
}

}  // namespace

}  // namespace coppice::gateway
