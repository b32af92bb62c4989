#include "worker/model/datatype.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

TEST(Datatype, KnowsEveryOipNameBothWays) {
  for (const auto* name : {"BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32",
                           "INT64", "FP16", "BF16", "FP32", "FP64", "BYTES"}) {
    const auto type = datatype_from_name(name);
    ASSERT_TRUE(type) << name;
    EXPECT_EQ(datatype_name(*type), name);
  }
  EXPECT_FALSE(datatype_from_name("FP8"));
}

}  // namespace

}  // namespace coppice::worker
