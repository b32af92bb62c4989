#include "gateway/shard/request_log.hpp"

#include "base/log.hpp"
#include "tests/gateway/shard/messages.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace coppice::gateway {

namespace {

const std::string trace = "0af7651916cd43dd8448eb211c80319c";

ledger_row a_row() {
  ledger_row row;
  row.request.header = testing::a_request("echo", 7);
  row.request.header.traceparent = "00-" + trace + "-b7ad6b7169203331-01";
  row.attempts = 2;
  return row;
}

template <class F>
std::string logged(F write) {
  ::testing::internal::CaptureStderr();
  start_log("gateway-1", log_level::info);
  write();
  return ::testing::internal::GetCapturedStderr();
}

TEST(RequestLog, ALostAttemptIsALineWithRequestAndTrace) {
  const auto line = nlohmann::json::parse(
      logged([] { log_lost_attempt(a_row(), "node-1/engine-1 was killed"); }));

  EXPECT_EQ(line["event"], "attempt_lost");
  EXPECT_EQ(line["id"], "7");
  EXPECT_EQ(line["trace"], trace);
  EXPECT_EQ(line["attempts"], "2");
  EXPECT_EQ(line["reason"], "node-1/engine-1 was killed");
}

TEST(RequestLog, WarnsOfTheClustersOwnFaultsAndIsQuietAboutOthers) {
  const auto ours = logged([] { log_failure(a_row(), {errc::worker_lost, "Three died.", 0}); });
  EXPECT_EQ(nlohmann::json::parse(ours)["level"], "warn");
  EXPECT_EQ(logged([] { log_failure(a_row(), {errc::deadline, "Late.", 0}); }), "");
}

TEST(RequestLog, AnIdIsShownAsTheClientWroteIt) {
  EXPECT_EQ(shown_id({std::string("\xcd\x01\x00", 3)}), "256");
  EXPECT_EQ(shown_id({"\xa3"
                      "abc"}),
            "abc");
  EXPECT_EQ(shown_id({std::string("\x92\x01\x02")}), "920102");
  EXPECT_EQ(shown_id({}), "");
}

TEST(RequestLog, WhatIsNoTraceparentHasNoTrace) {
  EXPECT_EQ(trace_id("00-" + trace + "-b7ad6b7169203331-01"), trace);
  for (const auto* bad : {"", "00", "a string of some other kind that happens to be rather long"})
    EXPECT_EQ(trace_id(bad), "");
}

}  // namespace

}  // namespace coppice::gateway
