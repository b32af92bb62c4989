#include "gateway/admission/admission.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

admission_state an_easy_request() {
  admission_state state;
  state.request_bytes = 100;
  state.time_left = 1s;
  return state;
}

TEST(Admission, RefusesAtTheBoundOfTheQueueAndNotBefore) {
  const admission_limits limits{.waiting_rows = 10, .admitted_bytes = 1000};
  auto state = an_easy_request();

  state.waiting_rows = 9;
  EXPECT_TRUE(admit(limits, state));
  state.waiting_rows = 10;
  EXPECT_EQ(admit(limits, state).error().code, errc::overloaded);
}

TEST(Admission, NeverAdmitsMoreBytesThanItsCap) {
  const admission_limits limits{.waiting_rows = 10, .admitted_bytes = 1000};
  auto state = an_easy_request();

  state.admitted_bytes = 900;
  EXPECT_TRUE(admit(limits, state));
  state.admitted_bytes = 901;
  EXPECT_EQ(admit(limits, state).error().code, errc::overloaded);
}

TEST(Admission, RefusesARequestThatWouldMissItsDeadlineAndSaysWhenToComeBack) {
  auto state = an_easy_request();

  state.predicted_wait = 800ms;
  EXPECT_TRUE(admit({}, state));
  state.predicted_wait = 801ms;
  const auto refused = admit({}, state);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry_after_ms, 801u);
}

}  // namespace

}  // namespace coppice::gateway
