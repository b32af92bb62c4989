#include "worker/model/model_spec.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

TEST(ModelSpec, OffersOneBatchRunningAndOneAheadOfEachInstance) {
  model_spec spec;
  spec.max_batch = 16;
  spec.instances = 3;

  EXPECT_EQ(spec.card().capacity_rows, 96u);
}

TEST(ModelSpec, TellsThatABuiltInModelTakesAnyInputs) {
  model_spec spec;
  spec.backend = backend_kind::builtin;
  EXPECT_TRUE(spec.card().any_inputs);

  spec.backend = backend_kind::torchscript;
  EXPECT_FALSE(spec.card().any_inputs);
}

}  // namespace

}  // namespace coppice::worker
