#include "gateway/admission/tenant_book.hpp"

#include "tests/gateway/admission/served_model.hpp"

#include <gtest/gtest.h>

#include <random>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

TEST(TenantBook, KnowsATenantAgainAndGivesTheOthersTheDefault) {
  tenant_book book{{{.weight = 2}, {{"gold", {.weight = 5}}}}};

  EXPECT_EQ(book.find("gold", t0)->weight(), 5u);
  EXPECT_EQ(book.find("anybody", t0)->weight(), 2u);
  EXPECT_EQ(book.find("gold", t0), book.find("gold", t0));
  EXPECT_NE(book.find("gold", t0)->id(), book.find("anybody", t0)->id());
}

TEST(TenantBook, ForgetsOnlyIdleTenantsAndOnlyForRoom) {
  tenant_book book{{}, 2};
  auto* busy = book.find("busy", t0);
  busy->open(1, t0);
  (void)book.find("idle", t0);

  ASSERT_NE(book.find("new", t0), nullptr);
  EXPECT_EQ(book.size(), 2u);
  EXPECT_EQ(book.find("busy", t0), busy);
  book.find("new", t0)->open(1, t0);
  EXPECT_EQ(book.find("third", t0 + 1h), nullptr);
}

/// Whatever comes and goes: the bound holds, accounts with something open stay where they are.
TEST(TenantBook, HoldsItsBoundUnderRandomOperations) {
  std::mt19937 random{3};
  tenant_book book{{}, 50};
  std::vector<tenant*> open;
  auto at = t0;
  for (int step = 0; step < 50'000; ++step) {
    at += std::chrono::milliseconds{random() % 3};
    if (random() % 2 == 0 && !open.empty()) {
      std::swap(open[random() % open.size()], open.back());
      open.back()->close(7);
      open.pop_back();
    } else if (auto* found = book.find("t" + std::to_string(random() % 500), at)) {
      found->open(7, at);
      open.push_back(found);
    }
    ASSERT_LE(book.size(), 50u);
    if (step % 100 != 0) continue;
    for (auto* each : open) ASSERT_EQ(book.find(each->name(), at), each);
  }
}

using namespace testing;

/// A tenant at half of the capacity, alone and beside one that sends 100 times its quota.
struct TenantIsolation : ::testing::Test {
  const engine_shape shape;
  tenant_book book{{{}, {{"noisy", {.requests_per_s = 160, .requests_burst = 16}}}}};

  tally quiet_with(double noisy_per_second) {
    served_model model{shape, {}};
    tally quiet{start + 1s};
    const tenant_id loud{2};
    model.quota = [&](const asked_of_model& asked) -> std::optional<shed> {
      auto* account = book.find(asked.tenant == loud ? "noisy" : "quiet", model.now());
      if (auto over = account->judge(1, model.now(), 0.5)) return over;
      account->open(1, model.now());
      account->close(1);
      return std::nullopt;
    };
    model.ended = [&](const auto& row) {
      if (row.asked.tenant != loud) quiet.add(row);
    };
    model.open_loop(0.5 * shape.per_second(), {.timeout = 1s}, start + 30s, 47);
    if (noisy_per_second > 0)
      model.open_loop(noisy_per_second, {.timeout = 1s, .tenant = loud}, start + 30s, 53);
    model.run_until(start + 1min);
    return quiet;
  }
};

TEST_F(TenantIsolation, ATenantIsServedAsIfItWereAloneBesideOneThatSends100TimesItsQuota) {
  auto alone = quiet_with(0), beside = quiet_with(100 * 160);

  EXPECT_GE(beside.success(), 0.999);
  EXPECT_LE(beside.admitted_p99(), alone.admitted_p99() * 12 / 10);
}

TEST_F(TenantIsolation, WithoutQuotasTheQueueIsSharedByWeight) {
  served_model model{shape, {}};
  tally light{start + 5s}, heavy{start + 5s};
  model.ended = [&](const auto& row) { (row.asked.weight == 1 ? light : heavy).add(row); };
  for (const std::uint32_t weight : {1u, 3u})
    model.open_loop(4 * shape.per_second(), {.tenant = {weight}, .weight = weight}, start + 30s,
                    59 + weight);
  model.run_until(start + 30s);

  EXPECT_NEAR(static_cast<double>(heavy.answered) / static_cast<double>(light.answered), 3, 0.15);
}

}  // namespace

}  // namespace coppice::gateway
