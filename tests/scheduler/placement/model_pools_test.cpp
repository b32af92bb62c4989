#include "scheduler/placement/model_pools.hpp"

#include <gtest/gtest.h>

namespace coppice::scheduler {

namespace {

using pools = std::vector<proto::model_pool>;

TEST(ModelPools, PutsTheModelsOfOneEngineInOnePool) {
  EXPECT_EQ(model_pools({{"e1", {"b", "a"}}, {"e2", {"c"}}}), (pools{{{"a", "b"}}, {{"c"}}}));
}

TEST(ModelPools, JoinsPoolsThatShareAModel) {
  EXPECT_EQ(model_pools({{"e1", {"a", "c"}}, {"e2", {"d", "b"}}, {"e3", {"c", "d"}}}),
            (pools{{{"a", "b", "c", "d"}}}));
}

TEST(ModelPools, NamesAModelOnceHoweverManyVersionsAndEnginesServeIt) {
  EXPECT_EQ(model_pools({{"e1", {"a", "a"}}, {"e2", {"a"}}}), (pools{{{"a"}}}));
}

TEST(ModelPools, AreNoneWhereNothingIsServed) {
  EXPECT_TRUE(model_pools({{"e1", {}}}).empty());
  EXPECT_TRUE(model_pools({}).empty());
}

}  // namespace

}  // namespace coppice::scheduler
