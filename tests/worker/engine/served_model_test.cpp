#include "worker/engine/served_model.hpp"

#include "proto/limits.hpp"
#include "tests/worker/engine/virtual_engine.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {
namespace {

TEST(ServedModel, HasOneInstanceIfItsStepsTakeNoTime) {
  auto echo = a_plain_spec("e", 4);
  echo.builtin = "echo";

  EXPECT_TRUE(runs_in_line(echo));
  EXPECT_EQ(instance_count(echo), 1u);
  EXPECT_FALSE(runs_in_line(a_plain_spec("s", 4)));
  EXPECT_EQ(instance_count(a_plain_spec("s", 4)), 4u);
  echo.backend = backend_kind::torchscript;
  EXPECT_FALSE(runs_in_line(echo));
}

TEST(ServedModel, BoundsTheTimeLeftByWhatAClientMayAskFor) {
  constexpr std::uint64_t longest = 1000ull * proto::max_timeout_ms;
  proto::link_request request;
  request.timeout_us = longest - 1;
  EXPECT_EQ(to_us(time_left(request)), longest - 1);
  request.timeout_us = UINT64_MAX;
  EXPECT_EQ(to_us(time_left(request)), longest);
}

}  // namespace
}  // namespace coppice::worker
