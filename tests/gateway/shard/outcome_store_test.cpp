#include "gateway/shard/outcome_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace coppice::gateway {
namespace {

using verdict = outcome_store::verdict;

const steady_time t0{};
constexpr proto::fingerprint content{1, 2};
constexpr proto::fingerprint other_content{1, 3};

name_hash key(std::uint64_t n) { return {n, n * 0x9E3779B97F4A7C15ull}; }

kept_outcome an_outcome(const std::string& bytes = "abcd") {
  kept_outcome made;
  made.header.model = "echo";
  made.header.final = true;
  made.header.outputs.push_back({"x", "UINT8", {static_cast<std::int64_t>(bytes.size())}, 0, {}});
  made.frames.emplace_back(bytes);
  return made;
}

struct OutcomeStore : ::testing::Test {
  outcome_store store;

  outcome_store::slot open(std::uint64_t n, std::uint32_t session = outcome_store::no_slot) {
    return store.open(key(n), content, {n}, session, n);
  }
  void finish(std::uint64_t n, steady_time now = t0, steady_time deadline = t0,
              std::uint32_t session = outcome_store::no_slot) {
    store.done(open(n, session), an_outcome(), deadline, now);
  }
  verdict begin(std::uint64_t n, steady_time now = t0, proto::fingerprint of = content) {
    return store.begin(key(n), of, now).what;
  }
};

TEST_F(OutcomeStore, KnowsNothingOfAFreshKey) { EXPECT_EQ(begin(1), verdict::fresh); }

TEST_F(OutcomeStore, NamesTheOpenRowToWhoeverAsksAgain) {
  (void)open(1);

  const auto found = store.begin(key(1), content, t0);

  EXPECT_EQ(found.what, verdict::join);
  EXPECT_EQ(found.row, row_id{1});
}

TEST_F(OutcomeStore, ReplaysTheOutcomeWithTheAskersId) {
  finish(1);

  const auto found = store.begin(key(1), content, t0);
  ASSERT_EQ(found.what, verdict::replay);
  const auto [header, frames] = replay(*found.outcome, {"\x07"});

  EXPECT_EQ(header.id.bytes, "\x07");
  EXPECT_EQ(header.model, "echo");
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].to_string(), "abcd");
}

TEST_F(OutcomeStore, ReplaysLargeFramesWithoutCopyingThem) {
  store.done(open(1), an_outcome(std::string(100'000, 'x')), t0, t0);

  const auto* outcome = store.begin(key(1), content, t0).outcome;
  const auto [header, frames] = replay(*outcome, {});

  EXPECT_EQ(frames[0].data(), outcome->frames[0].data());
}

TEST_F(OutcomeStore, RefusesAKeyThatStandsForOtherContentOpenOrDone) {
  const auto at = open(1);
  EXPECT_EQ(begin(1, t0, other_content), verdict::reused);
  store.done(at, an_outcome(), t0, t0);
  EXPECT_EQ(begin(1, t0, other_content), verdict::reused);
}

TEST_F(OutcomeStore, FindsAKeyWithoutItsContent) {
  const auto at = open(1);
  EXPECT_EQ(store.find(key(1), t0).what, verdict::join);
  store.done(at, an_outcome(), t0, t0);
  EXPECT_EQ(store.find(key(1), t0).what, verdict::replay);
  EXPECT_EQ(store.find(key(2), t0).what, verdict::fresh);
}

TEST_F(OutcomeStore, KeepsAnOutcomeForItsTimeAndNoLonger) {
  finish(1);

  EXPECT_EQ(begin(1, t0 + 60s - 1ns), verdict::replay);
  EXPECT_EQ(begin(1, t0 + 60s), verdict::fresh);
  EXPECT_EQ(store.outcomes(), 0u);
}

TEST_F(OutcomeStore, KeepsAnOutcomeUpToItsRequestsDeadline) {
  finish(1, t0, t0 + 100s);

  EXPECT_EQ(begin(1, t0 + 99s), verdict::replay);
  EXPECT_EQ(begin(1, t0 + 100s), verdict::fresh);
}

TEST_F(OutcomeStore, ForgetsWhatMayGoBetterNextTime) {
  store.forget(open(1));

  EXPECT_EQ(begin(1), verdict::fresh);
  EXPECT_EQ(store.open_keys(), 0u);
}

TEST_F(OutcomeStore, DropsOutcomesThatArePastTheirTime) {
  finish(1);
  finish(2, t0 + 1s);

  store.expire(t0 + 60s);

  EXPECT_EQ(store.outcomes(), 1u);
  EXPECT_EQ(begin(2, t0 + 60s), verdict::replay);
}

TEST_F(OutcomeStore, DropsTheOldestBeyondItsEntries) {
  store = outcome_store{{.max_entries = 2}};
  for (const auto n : {1u, 2u, 3u}) finish(n);

  EXPECT_EQ(begin(1), verdict::fresh);
  EXPECT_EQ(begin(2), verdict::replay);
  EXPECT_EQ(begin(3), verdict::replay);
}

TEST_F(OutcomeStore, DropsTheOldestBeyondItsBytes) {
  finish(1);
  const auto one = store.bytes();
  store = outcome_store{{.max_bytes = 2 * one}};
  for (const auto n : {1u, 2u, 3u}) finish(n);

  EXPECT_EQ(store.bytes(), 2 * one);
  EXPECT_EQ(begin(1), verdict::fresh);
  EXPECT_EQ(begin(3), verdict::replay);
}

TEST_F(OutcomeStore, KeepsNoOutcomeThatIsLargerThanAllItsBytes) {
  store = outcome_store{{.max_bytes = 5000}};
  finish(1);
  store.done(open(2), an_outcome(std::string(5000, 'x')), t0, t0);

  EXPECT_EQ(begin(2), verdict::fresh);
  EXPECT_EQ(begin(1), verdict::replay);
}

TEST_F(OutcomeStore, LetsGoOfWhatASessionHasAndOfNothingElse) {
  for (const auto n : {1u, 2u, 3u}) finish(n, t0, t0, 5);
  finish(4, t0, t0, 6);
  finish(5);

  store.acknowledge(5, 2);

  EXPECT_EQ(store.outcomes(), 3u);
  EXPECT_EQ(begin(2), verdict::fresh);
  for (const auto n : {3u, 4u, 5u}) EXPECT_EQ(begin(n), verdict::replay) << n;
}

TEST_F(OutcomeStore, KeepsNoOutcomeThatItsClientHadBeforeItsRowEnded) {
  const auto at = open(1, 5);
  store.acknowledge(5, 1);
  EXPECT_EQ(begin(1), verdict::join);

  store.done(at, an_outcome(), t0, t0);

  EXPECT_EQ(begin(1), verdict::fresh);
}

TEST_F(OutcomeStore, KeepsTheOutcomesOfASessionThatEnded) {
  finish(1, t0, t0, 5);
  store.session_ended(5);
  finish(2, t0, t0, 5);

  store.acknowledge(5, 9);

  EXPECT_EQ(begin(1), verdict::replay);
  EXPECT_EQ(begin(2), verdict::fresh);
}

TEST(IsKept, HoldsForResultsAndForFailuresOfTheContent) {
  EXPECT_TRUE(is_kept(std::nullopt, false));
  for (const auto code : {errc::invalid, errc::model_error, errc::poison})
    EXPECT_TRUE(is_kept(code, false)) << code_name(code);
  for (const auto code : {errc::overloaded, errc::unavailable, errc::quota, errc::worker_lost,
                          errc::deadline, errc::cancelled, errc::internal, errc::not_found})
    EXPECT_FALSE(is_kept(code, false)) << code_name(code);
}

TEST(IsKept, HoldsForEveryOutcomeOfWhatMayNotRunAgain) {
  for (const auto code : {errc::unknown_outcome, errc::deadline, errc::cancelled})
    EXPECT_TRUE(is_kept(code, true)) << code_name(code);
}

/// The same as a map with a list, without limits of speed.
struct OutcomeStoreModel : ::testing::Test {
  struct known {
    bool open = true;
    outcome_store::slot at = 0;
    steady_time until;
    std::uint64_t age = 0, number = 0;
    std::uint32_t session = 0;
    bool acknowledged = false, in_session = true;
  };
  static constexpr std::size_t max_entries = 50;
  outcome_store store{{.max_entries = max_entries}};
  std::map<std::uint64_t, known> model;
  std::uint64_t age = 0, number = 0;

  void expect_same(std::uint64_t n, steady_time now) {
    const auto each = model.find(n);
    const auto what = store.begin(key(n), content, now).what;
    const bool over = each != model.end() && !each->second.open && now >= each->second.until;
    EXPECT_EQ(what, each == model.end() || over ? verdict::fresh
                    : each->second.open         ? verdict::join
                                                : verdict::replay);
    if (over) model.erase(each);
  }
  void finish(std::uint64_t n, known& each, steady_time deadline, steady_time now) {
    store.done(each.at, an_outcome(), deadline, now);
    if (each.acknowledged) return model.erase(n), void();
    each.open = false;
    each.until = std::max(deadline, now + store.limits().keep);
    each.age = ++age;
    const auto done = std::count_if(model.begin(), model.end(),
                                    [](const auto& entry) { return !entry.second.open; });
    if (static_cast<std::size_t>(done) <= max_entries) return;
    auto oldest = model.end();
    for (auto at = model.begin(); at != model.end(); ++at)
      if (!at->second.open && (oldest == model.end() || at->second.age < oldest->second.age))
        oldest = at;
    model.erase(oldest);
  }
  void acknowledge(std::uint32_t session, std::uint64_t upto) {
    store.acknowledge(session, upto);
    for (auto at = model.begin(); at != model.end();) {
      auto& each = at->second;
      const bool hit = each.in_session && each.session == session && each.number <= upto;
      if (hit && each.open) each.acknowledged = true, each.in_session = false;
      at = hit && !each.open ? model.erase(at) : std::next(at);
    }
  }
};

TEST_F(OutcomeStoreModel, AgreesUnderRandomOperations) {
  std::mt19937 random{17};
  steady_time now = t0;
  for (int step = 0; step < 60'000; ++step) {
    now += std::chrono::milliseconds{random() % 200};
    const auto n = random() % 120;
    expect_same(n, now);
    const auto each = model.find(n);
    if (each == model.end()) {
      const auto session = static_cast<std::uint32_t>(random() % 4);
      model[n] = {true,   store.open(key(n), content, {n + 1}, session, ++number), {}, 0, number,
                  session};
    } else if (each->second.open && random() % 2 == 0) {
      if (random() % 4 == 0)
        store.forget(each->second.at), model.erase(each);
      else
        finish(n, each->second, now + std::chrono::seconds{random() % 3 == 0 ? 90 : 5}, now);
    } else if (random() % 20 == 0) {
      acknowledge(static_cast<std::uint32_t>(random() % 4), number - random() % 40);
    }
    ASSERT_TRUE(step % 16 != 0 || store.is_consistent()) << step;
    ASSERT_FALSE(HasFailure()) << step;
  }
}

}  // namespace
}  // namespace coppice::gateway
