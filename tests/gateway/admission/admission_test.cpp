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

/// The reason's name; "in" for a request that comes in, "pushes" if another makes room for it.
std::string_view verdict(const admission_limits& limits, const admission_state& state) {
  const auto given = admit(limits, state);
  if (given.refused) return name_of(given.refused->reason);
  return given.push_out ? "pushes" : "in";
}

TEST(Admission, RefusesAtTheBoundOfTheQueueAndNotBefore) {
  const admission_limits limits{.waiting_rows = 10};
  auto state = an_easy_request();

  state.waiting_rows = 9;
  EXPECT_EQ(verdict(limits, state), "in");
  state.waiting_rows = 10;
  EXPECT_EQ(verdict(limits, state), "queue_full");
}

TEST(Admission, PushesOutALowerClassWhereTheQueueIsFull) {
  const admission_limits limits{.waiting_rows = 10};
  auto state = an_easy_request();
  state.lower_class_waits = true;

  state.waiting_rows = 9;
  EXPECT_EQ(verdict(limits, state), "in");
  state.waiting_rows = 10;
  EXPECT_EQ(verdict(limits, state), "pushes");
}

TEST(Admission, LeavesATenantItsShareOfTheQueueAndNoMore) {
  const admission_limits limits{.waiting_rows = 10, .tenant_waiting_rows = 5};
  auto state = an_easy_request();
  state.lower_class_waits = true;

  state.tenant_rows = 4;
  EXPECT_EQ(verdict(limits, state), "in");
  state.tenant_rows = 5;
  EXPECT_EQ(verdict(limits, state), "tenant_share");
}

TEST(Admission, NeverAdmitsMoreBytesThanItsCapAndTheLowerClassesLess) {
  const admission_limits limits{.admitted_bytes = 1000};
  auto state = an_easy_request();
  const std::pair<priority, std::size_t> bounds[] = {
      {priority::critical, 900}, {priority::normal, 800}, {priority::batch, 700}};

  for (const auto& [rank, held] : bounds) {
    state.rank = rank;
    state.admitted_bytes = held;
    EXPECT_EQ(verdict(limits, state), "in") << name_of(rank);
    state.admitted_bytes = held + 1;
    EXPECT_EQ(verdict(limits, state), "bytes") << name_of(rank);
  }
}

TEST(Admission, RefusesARequestThatWouldMissItsDeadlineAndSaysWhenToComeBack) {
  auto state = an_easy_request();
  state.service = 500ms;

  state.wait = 400ms;
  EXPECT_EQ(verdict({}, state), "in");
  state.wait = 401ms;
  EXPECT_EQ(verdict({}, state), "deadline");
  EXPECT_EQ(admit({}, state).refused->why.code, errc::overloaded);
  EXPECT_EQ(admit({}, state).refused->why.retry_after_ms, 401u);
}

TEST(Admission, BlamesNoQueueForADeadlineThatIsTooShortWithoutOne) {
  auto state = an_easy_request();
  state.service = 5s;

  EXPECT_EQ(verdict({}, state), "in");
}

TEST(Admission, KeepsAStandingQueueAtItsTargetAndLetsAnotherTakeUpABurst) {
  auto state = an_easy_request();
  state.time_left = 60s;
  state.target = 2s;

  state.wait = 2s + 100ms;
  EXPECT_EQ(verdict({}, state), "in");
  state.wait += 1ns;
  EXPECT_EQ(verdict({}, state), "queue_age");

  state.stands = true;
  state.wait = 2s;
  EXPECT_EQ(verdict({}, state), "in");
  state.wait += 1ns;
  EXPECT_EQ(verdict({}, state), "queue_age");
}

TEST(Admission, NamesEveryReasonDifferently) {
  for (std::size_t i = 0; i < shed_reason_names.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(shed_reason_names[i], shed_reason_names[j]);
  EXPECT_EQ(name_of(shed_reason::quota), "quota");
  EXPECT_EQ(name_of(shed_reason::pushed_out), "pushed_out");
}

}  // namespace

}  // namespace coppice::gateway
