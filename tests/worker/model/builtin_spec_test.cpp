#include "worker/model/builtin_spec.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {
namespace {

TEST(BuiltinSpec, IsThereForEveryBuiltInModelAndForNoOther) {
  for (const auto* name : {"echo", "sleep", "crash", "hang", "flip", "count"}) {
    const auto spec = builtin_spec(name);
    ASSERT_TRUE(spec) << name;
    EXPECT_EQ(spec->name, name);
    EXPECT_EQ(spec->backend, backend_kind::builtin);
  }
  ASSERT_FALSE(builtin_spec("resnet"));
  EXPECT_EQ(builtin_spec("resnet").error().code, errc::invalid);
}

TEST(BuiltinSpec, StreamsOnlyWithCount) {
  EXPECT_TRUE(builtin_spec("count")->streams());
  EXPECT_FALSE(builtin_spec("echo")->streams());
}

}  // namespace
}  // namespace coppice::worker
