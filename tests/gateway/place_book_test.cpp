#include "gateway/place_book.hpp"

#include "gateway/home_order.hpp"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace coppice::gateway {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const steady_time t0{std::chrono::hours{1}};

proto::place_request wanting(const std::vector<std::string>& models) {
  proto::place_request demand;
  demand.gateway = "gateway";
  for (const auto& model : models) demand.wants.push_back({model, 0, 1, 1000});
  return demand;
}

proto::place_reply granting(const std::string& model) {
  proto::place_reply reply;
  reply.grants.emplace_back().model = model;
  return reply;
}

/// Schedulers "a" and "b"; `of_a` and `of_b` are models that are at home there, each in a pool of
/// its own.
struct PlaceBook : ::testing::Test {
  place_book book;
  std::string of_a = model_at("a"), of_b = model_at("b");

  PlaceBook() {
    book.joined("a");
    book.joined("b");
  }
  static std::string model_at(const std::string& scheduler) {
    for (int i = 0;; ++i)
      if (const auto model = "m" + std::to_string(i);
          home_order(model, {"a", "b"}).front() == scheduler)
        return model;
  }
};

TEST_F(PlaceBook, IsLostAtOnceWithoutAScheduler) {
  place_book empty;

  EXPECT_EQ(empty.demand(wanting({"echo"}), t0).lost, 1u);
  EXPECT_FALSE(empty.home("echo"));
}

TEST_F(PlaceBook, AsksTheHomeOfEachModelForItsPartAndMergesTheAnswers) {
  auto demand = wanting({of_a, of_b});
  demand.shard = 3;
  demand.holdings.resize(2);
  demand.holdings[0].model = of_b;
  demand.holdings[1].model = of_a;

  const auto asked = book.demand(demand, t0).ask;
  ASSERT_THAT(asked, SizeIs(2));
  EXPECT_EQ(asked[0].scheduler, "a");
  EXPECT_EQ(asked[0].demand.gateway, "gateway");
  EXPECT_EQ(asked[0].demand.shard, 3u);
  ASSERT_THAT(asked[0].demand.wants, SizeIs(1));
  EXPECT_EQ(asked[0].demand.wants[0].model, of_a);
  ASSERT_THAT(asked[0].demand.holdings, SizeIs(1));
  EXPECT_EQ(asked[0].demand.holdings[0].model, of_a);

  EXPECT_THAT(book.answered(asked[1].ticket, granting(of_b)).replies, IsEmpty());
  const auto merged = book.answered(asked[0].ticket, granting(of_a)).replies;
  ASSERT_THAT(merged, SizeIs(1));
  EXPECT_THAT(merged[0].grants, SizeIs(2));
  EXPECT_EQ(book.open_parts(), 0u);
}

TEST_F(PlaceBook, AsksOneSchedulerForModelsOfOnePool) {
  book.set_pools({{{of_a, of_b}}});

  EXPECT_THAT(book.demand(wanting({of_a, of_b}), t0).ask, SizeIs(1));
  EXPECT_EQ(book.home(of_a + "," + of_b), book.demand(wanting({of_a}), t0).ask[0].scheduler);
}

TEST_F(PlaceBook, CarriesADemandThatOnlyTellsNothingToSomebody) {
  EXPECT_THAT(book.demand(wanting({}), t0).ask, SizeIs(1));
}

TEST_F(PlaceBook, AsksTheNextAtOnceWhenASchedulerIsGone) {
  (void)book.demand(wanting({of_a, of_b}), t0);

  const auto again = book.gone("a", t0 + 1ms);

  EXPECT_EQ(again.lost, 0u);
  ASSERT_THAT(again.ask, SizeIs(1));
  EXPECT_EQ(again.ask[0].scheduler, "b");
  EXPECT_EQ(again.ask[0].demand.wants[0].model, of_a);
}

TEST_F(PlaceBook, IsLostWhenTheLastSchedulerIsGone) {
  (void)book.gone("b", t0);
  (void)book.demand(wanting({of_a}), t0);

  EXPECT_EQ(book.gone("a", t0).lost, 1u);
  EXPECT_EQ(book.open_parts(), 0u);
}

TEST_F(PlaceBook, AnswersWithWhatItHasWhenTheOthersAreGone) {
  const auto asked = book.demand(wanting({of_a, of_b}), t0).ask;
  (void)book.answered(asked[0].ticket, granting(of_a));
  (void)book.gone("a", t0);

  const auto end = book.gone("b", t0);

  EXPECT_EQ(end.lost, 0u);
  ASSERT_THAT(end.replies, SizeIs(1));
  EXPECT_THAT(end.replies[0].grants, SizeIs(1));
}

TEST_F(PlaceBook, AsksTheNextAt150MsAndNotBefore) {
  (void)book.demand(wanting({of_a}), t0);

  EXPECT_THAT(book.turn(t0 + 149ms).ask, IsEmpty());
  EXPECT_FALSE(book.is_silent("a"));

  const auto again = book.turn(t0 + 150ms).ask;
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].scheduler, "b");
  EXPECT_TRUE(book.is_silent("a"));
}

TEST_F(PlaceBook, PassesASilentSchedulerOverUntilItSaysAnything) {
  (void)book.demand(wanting({of_a}), t0);
  (void)book.turn(t0 + 150ms);
  EXPECT_EQ(book.demand(wanting({of_a}), t0 + 200ms).ask.at(0).scheduler, "b");

  book.heard("a");

  EXPECT_EQ(book.demand(wanting({of_a}), t0 + 200ms).ask.at(0).scheduler, "a");
}

TEST_F(PlaceBook, DropsTheLateAnswerToWhatAnotherWasAsked) {
  const auto first = book.demand(wanting({of_a}), t0).ask.at(0);
  const auto second = book.turn(t0 + 150ms).ask.at(0);

  EXPECT_THAT(book.answered(first.ticket, granting(of_a)).replies, IsEmpty());
  EXPECT_THAT(book.answered(second.ticket, granting(of_a)).replies, SizeIs(1));
}

TEST_F(PlaceBook, WaitsOnWhereNobodyElseCanBeAsked) {
  place_book alone;
  alone.joined("a");
  const auto asked = alone.demand(wanting({"echo"}), t0).ask.at(0);

  for (auto at = t0 + 150ms; at < t0 + 10s; at += 25ms) {
    const auto follows = alone.turn(at);
    ASSERT_THAT(follows.ask, IsEmpty());
    ASSERT_EQ(follows.lost, 0u);
  }

  EXPECT_THAT(alone.answered(asked.ticket, granting("echo")).replies, SizeIs(1));
}

TEST_F(PlaceBook, AsksASilentSchedulerIfAllAreSilent) {
  (void)book.demand(wanting({of_a, of_b}), t0);
  (void)book.turn(t0 + 150ms);

  EXPECT_EQ(book.demand(wanting({of_a}), t0 + 200ms).ask.at(0).scheduler, "a");
}

TEST_F(PlaceBook, AsksTheNextForWhatFailed) {
  const auto asked = book.demand(wanting({of_a}), t0).ask.at(0);

  const auto again = book.failed(asked.ticket, t0);

  ASSERT_THAT(again.ask, SizeIs(1));
  EXPECT_EQ(again.ask[0].scheduler, "b");
  EXPECT_EQ(book.failed(again.ask[0].ticket, t0).lost, 1u);
}

TEST_F(PlaceBook, KeepsAtMost64DemandsAndDropsTheOldest) {
  const auto oldest = book.demand(wanting({of_a}), t0).ask.at(0);
  for (int i = 0; i < 64; ++i) (void)book.demand(wanting({of_a}), t0);

  EXPECT_EQ(book.open_parts(), 64u);
  EXPECT_THAT(book.answered(oldest.ticket, granting(of_a)).replies, IsEmpty());
}

/// Schedulers come, go, freeze and thaw: every demand has one end, and nothing is left open.
TEST_F(PlaceBook, EndsEveryDemandOnceUnderRandomEvents) {
  std::mt19937 random{3};
  const std::vector<std::string> all{"a", "b", "c"};
  std::set<std::string> alive{"a", "b"};
  std::vector<place_book::part> asked;
  std::size_t demands = 0, ends = 0;
  auto at = t0;
  const auto take = [&](place_book::outcome&& follows) {
    ends += follows.replies.size() + follows.lost;
    for (auto& part : follows.ask) {
      ASSERT_TRUE(alive.contains(part.scheduler));
      asked.push_back(std::move(part));
    }
  };
  for (int step = 0; step < 50'000; ++step, at += 1ms * (random() % 20)) {
    const auto& scheduler = all[random() % 3];
    switch (random() % 6) {
      case 0:
        if (random() % 20 == 0) alive.erase(scheduler), take(book.gone(scheduler, at));
        break;
      case 1:
        alive.insert(scheduler), book.joined(scheduler);
        break;
      case 2:
        if (demands - ends < 60)
          ++demands, take(book.demand(wanting({"m" + std::to_string(random() % 9), of_b}), at));
        break;
      case 3:
        take(book.turn(at));
        break;
      default:
        if (asked.empty()) break;
        std::swap(asked[random() % asked.size()], asked.back());
        if (random() % 10 == 0)
          take(book.failed(asked.back().ticket, at));
        else
          book.heard(asked.back().scheduler),
              take(book.answered(asked.back().ticket, granting("x")));
        asked.pop_back();
    }
    ASSERT_LE(ends, demands);
  }
  for (const auto& each : all) alive.erase(each), take(book.gone(each, at));

  EXPECT_EQ(ends, demands);
  EXPECT_EQ(book.open_parts(), 0u);
}

}  // namespace

}  // namespace coppice::gateway
