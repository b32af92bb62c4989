#include "tests/fleet/books.hpp"

#include <gtest/gtest.h>

namespace coppice::fleet {

namespace {

const steady_time t0{};
const request_name first{0, 1, 1}, second{0, 1, 2};

TEST(FleetBooks, FindNothingWhereEachRequestEndsOnceInTime) {
  books kept;
  kept.asked(first, t0, t0 + 1s);
  kept.ended(first, "", true, t0 + 1s + 50ms);
  kept.holds("engine", 16, 16);
  kept.finish();

  EXPECT_TRUE(kept.breaches().empty());
  EXPECT_EQ(kept.succeeded(), 1u);
}

TEST(FleetBooks, FindARequestThatEndsTwiceOrNever) {
  books kept;
  kept.asked(first, t0, t0 + 1s);
  kept.asked(second, t0, t0 + 1s);
  kept.ended(first, "", true, t0);
  kept.ended(first, "", true, t0);
  kept.finish();

  EXPECT_EQ(kept.breaches().at("one outcome").times, 2u);
}

TEST(FleetBooks, FindALateOneAWrongOneAndAFailure) {
  books kept;
  for (std::uint64_t n = 1; n <= 3; ++n) kept.asked({0, 0, n}, t0, t0 + 1s);
  kept.ended({0, 0, 1}, "", true, t0 + 1s + 51ms);
  kept.ended({0, 0, 2}, "", false, t0);
  kept.ended({0, 0, 3}, "overloaded", false, t0);

  EXPECT_TRUE(kept.breaches().contains("deadline"));
  EXPECT_TRUE(kept.breaches().contains("right answer"));
  EXPECT_TRUE(kept.breaches().contains("success"));
}

TEST(FleetBooks, FindAnEngineThatHoldsMoreThanItsCapacity) {
  books kept;
  kept.holds("engine", 17, 16);

  EXPECT_TRUE(kept.breaches().contains("capacity"));
}

TEST(FleetBooks, FindMoreRefusalsThanOneInAHundred) {
  books few, many;
  for (int i = 0; i < 100; ++i) few.attempted(), many.attempted();
  few.refused();
  many.refused(), many.refused();
  few.finish();
  many.finish();

  EXPECT_FALSE(few.breaches().contains("refusals"));
  EXPECT_TRUE(many.breaches().contains("refusals"));
}

}  // namespace

}  // namespace coppice::fleet
