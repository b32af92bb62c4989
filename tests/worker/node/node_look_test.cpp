#include "worker/node/node_look.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

TEST(NodeLook, SaysHowFarTheNodeIs) {
  EXPECT_EQ(status_line({.engines = 4, .up = 1}), "starting: 1 of 4 engines up, 0 rows in flight");
  EXPECT_EQ(status_line({.settled = true, .engines = 4, .up = 3, .rows = 14}),
            "3 of 4 engines up, 14 rows in flight");
  EXPECT_EQ(status_line({.settled = true, .stopping = true, .engines = 4, .up = 3, .rows = 1}),
            "draining: 1 row in flight");
}

}  // namespace

}  // namespace coppice::worker
