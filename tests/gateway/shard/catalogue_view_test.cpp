#include "gateway/shard/catalogue_view.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {
namespace {

const steady_time t0{1h};

proto::model_card card(const std::string& name, std::uint32_t version) {
  proto::model_card made;
  made.name = name;
  made.version = version;
  return made;
}

TEST(CatalogueView, KnowsNothingUntilItIsTold) {
  catalogue_view view;
  EXPECT_FALSE(view.is_known());
  view.take({}, t0);
  EXPECT_TRUE(view.is_known());
}

TEST(CatalogueView, IsSettledAWhileAfterAModelWasNamed) {
  catalogue_view view;
  EXPECT_FALSE(view.is_settled(2s, t0 + 1h));
  view.take({{card("a", 1)}}, t0);
  view.take({}, t0 + 1s);
  EXPECT_FALSE(view.is_settled(2s, t0 + 2s - 1ns));
  EXPECT_TRUE(view.is_settled(2s, t0 + 2s));
}

TEST(CatalogueView, IsNotSettledWhileNobodyHasNamedAModel) {
  catalogue_view view;
  view.take({}, t0);
  EXPECT_FALSE(view.is_settled(2s, t0 + 1h));
  view.take({{}, {{{"a"}}}}, t0 + 1h);
  EXPECT_TRUE(view.is_settled(2s, t0 + 1h + 2s)) << "a pool's models are named, though not served";
}

TEST(CatalogueView, VersionZeroIsTheNewestThatIsServed) {
  catalogue_view view;
  view.take({{card("a", 1), card("a", 2), card("b", 7)}}, t0);
  EXPECT_EQ(view.served("a", 0)->version, 2u);
  EXPECT_EQ(view.served("a", 1)->version, 1u);
  EXPECT_EQ(view.served("a", 3), nullptr);
}

TEST(CatalogueView, RemembersWhatWasServedBefore) {
  catalogue_view view;
  view.take({{card("a", 1)}}, t0);
  view.take({}, t0);
  EXPECT_EQ(view.served("a", 0), nullptr);
  ASSERT_NE(view.find("a", 0), nullptr);
  EXPECT_EQ(view.versions("a", 0).size(), 1u);
  EXPECT_TRUE(view.models().empty());
  EXPECT_EQ(view.find("b", 0), nullptr);
}

TEST(CatalogueView, AwaitsAModelOfAPoolUntilItIsServed) {
  catalogue_view view;
  view.take({{}, {{{"a", "b"}}}}, t0);
  EXPECT_EQ(view.find("a", 0), nullptr);
  EXPECT_TRUE(view.is_awaited("a"));
  EXPECT_FALSE(view.is_awaited("c"));

  view.take({{card("a", 1)}, {{{"a"}}}}, t0);
  view.take({}, t0);

  EXPECT_FALSE(view.is_awaited("a")) << "its versions are known now";
  EXPECT_TRUE(view.is_awaited("b"));
}

TEST(CatalogueView, ListsEachModelOnceWithItsVersions) {
  catalogue_view view;
  view.take({{card("a", 1), card("a", 2), card("b", 7)}}, t0);
  const auto ready = view.readiness();
  ASSERT_EQ(ready.size(), 2u);
  EXPECT_EQ(ready[0].versions, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_TRUE(ready[1].ready);
}

}  // namespace
}  // namespace coppice::gateway
