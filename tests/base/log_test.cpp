#include "base/log.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace coppice {

namespace {

/// What `write` puts on standard error.
template <class F>
std::string written(log_level level, F write) {
  ::testing::internal::CaptureStderr();
  start_log("gateway-1", level);
  write();
  return ::testing::internal::GetCapturedStderr();
}

TEST(Log, IsOneJsonObjectALineWithTimeProcessEventAndFields) {
  const auto text = written(log_level::info, [] {
    log(log_level::warn, "engine_ended", {kv("reason", "said \"no\"\n"), kv("restarts", 3)});
  });

  const auto line = nlohmann::json::parse(text);
  EXPECT_EQ(line["level"], "warn");
  EXPECT_EQ(line["process"], "gateway-1");
  EXPECT_EQ(line["event"], "engine_ended");
  EXPECT_EQ(line["reason"], "said \"no\"\n");
  EXPECT_EQ(line["restarts"], "3");
  EXPECT_TRUE(line.contains("time"));
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  const auto text = written(log_level::warn, [] {
    log(log_level::info, "quiet");
    log(log_level::error, "loud");
  });

  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("loud"), std::string::npos);
}

TEST(Log, TextFromOutsideCannotBreakALine) {
  const auto text = written(log_level::info, [] {
    log(log_level::info, "odd", {kv("name", std::string{"\xff\xfe\n{"})});
  });

  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_FALSE(nlohmann::json::parse(text, nullptr, false).is_discarded());
}

TEST(Log, KnowsItsLevelsByName) {
  EXPECT_EQ(*log_level_from_name("debug"), log_level::debug);
  EXPECT_EQ(*log_level_from_name("error"), log_level::error);
  EXPECT_EQ(log_level_from_name("loud").error().code, errc::invalid);
}

}  // namespace

}  // namespace coppice
