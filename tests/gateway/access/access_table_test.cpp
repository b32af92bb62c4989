#include "gateway/access/access_table.hpp"

#include <gmock/gmock.h>

namespace coppice::gateway {

namespace {

constexpr wall_time t0{std::chrono::seconds{1'800'000'000}};

struct AccessTable : ::testing::Test {
  public_key first = key_pair::make()->shown(), second = key_pair::make()->shown();
  allow_list list;
  quota_table quotas{{"gold", {.weight = 7}}};

  void allow(const char* name, const public_key& key, const char* tenant, const char* quota = "",
             std::optional<wall_time> expires = {}) {
    EXPECT_TRUE(list.allow(name, {key, tenant, quota, expires}));
  }
};

TEST_F(AccessTable, KnowsAClientByItsKeyAndItsTenantByItsName) {
  allow("laptop", first, "acme");
  const auto table = access_table::of_keys(list, {}, quotas);

  ASSERT_TRUE(table);
  EXPECT_EQ(table->by_key(first, t0), "laptop");
  EXPECT_EQ(table->tenant_of("laptop", t0), "acme");
  EXPECT_FALSE(table->by_key(second, t0));
  EXPECT_EQ(table->tenant_of("acme", t0), "");
  EXPECT_EQ(table->tenant_of("", t0), "");
}

TEST_F(AccessTable, ForgetsAClientWhenItsKeyExpires) {
  allow("laptop", first, "acme", "", t0);
  const auto table = access_table::of_keys(list, {}, quotas);

  EXPECT_EQ(table->by_key(first, t0 - std::chrono::seconds{1}), "laptop");
  EXPECT_FALSE(table->by_key(first, t0));
  EXPECT_EQ(table->tenant_of("laptop", t0), "");
}

TEST_F(AccessTable, GivesATenantTheQuotaThatItsKeysName) {
  allow("laptop", first, "acme", "gold");
  allow("robot", second, "robot");
  const auto table = access_table::of_keys(list, {}, quotas);

  EXPECT_EQ(table->tenants().of("acme").weight, 7u);
  EXPECT_EQ(table->tenants().of("robot").weight, 1u);
}

TEST_F(AccessTable, RefusesAQuotaThatThereIsNotAndTwoOfOneTenant) {
  allow("laptop", first, "acme", "silver");
  EXPECT_THAT(access_table::of_keys(list, {}, quotas).error().message,
              ::testing::HasSubstr("'silver'"));

  allow("laptop", first, "acme", "gold");
  allow("robot", second, "acme");
  EXPECT_THAT(access_table::of_keys(list, {}, quotas).error().message,
              ::testing::HasSubstr("different quotas"));
}

TEST(AccessTableOfUsers, KnowsAUserByItsPassword) {
  const access_table table{user_table{{"ann", {"secret", "gold"}}}, {}};

  EXPECT_EQ(table.by_password("ann", "secret"), "ann");
  EXPECT_FALSE(table.by_password("ann", "guess"));
  EXPECT_EQ(table.tenant_of("ann", t0), "gold");
}

}  // namespace

}  // namespace coppice::gateway
