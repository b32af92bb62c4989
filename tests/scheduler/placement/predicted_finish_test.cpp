#include "scheduler/placement/predicted_finish.hpp"

#include <gtest/gtest.h>

namespace coppice::scheduler {

namespace {

const std::vector<proto::batch_cost> costs{{1, 100}, {4, 160}, {8, 400}};

TEST(BatchTime, IsLinearBetweenMeasuredSizesAndFlatBeyondThem) {
  EXPECT_EQ(batch_us(costs, 1), 100u);
  EXPECT_EQ(batch_us(costs, 2), 120u);
  EXPECT_EQ(batch_us(costs, 6), 280u);
  EXPECT_EQ(batch_us(costs, 100), 400u);
}

TEST(BatchTime, FallsBetweenSizesWhereLargerBatchesAreFaster) {
  EXPECT_EQ(batch_us({{1, 400}, {3, 200}}, 2), 300u);
}

TEST(PredictedFinish, AddsLittleWhereABatchIsForming) {
  const auto joining = predicted_finish_us({3, 4, 1, &costs});
  const auto opening = predicted_finish_us({4, 4, 1, &costs});

  EXPECT_EQ(joining, 160u);
  EXPECT_EQ(opening, 160u + 100u);
}

TEST(PredictedFinish, SpreadsFullBatchesOverInstances) {
  EXPECT_EQ(predicted_finish_us({4, 4, 2, &costs}), 100u);
  EXPECT_EQ(predicted_finish_us({8, 4, 2, &costs}), 160u + 100u);
}

}  // namespace

}  // namespace coppice::scheduler
