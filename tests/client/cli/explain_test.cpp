#include "client/cli/explain.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace coppice::cli {

namespace {

proto::explanation an_explanation() {
  proto::explanation told;
  told.id = "42";
  told.gateway = "gateway-1";
  told.model = "echo";
  told.version = 1;
  told.priority_class = "normal";
  told.outcome = "completed";
  told.total_us = 10'000;
  told.ended_ago_us = 1'500'000;
  told.attempts = 2;
  told.hops = {{"wait", 2500, "", ""},
               {"attempt", 2500, "node-1/engine-0", "was killed"},
               {"queue", 1, "node-2/engine-0", "batch of 8 rows, left by size"},
               {"compute", 4999, "node-2/engine-0", ""}};
  return told;
}

TEST(Explain, DrawsOneLineAHopThatBeginsWhereTheLastEnded) {
  const auto text = as_text(an_explanation());
  const auto quarter = [](int n) { return std::string(static_cast<std::size_t>(n), ' '); };
  const std::string ten = "━━━━━━━━━━";

  EXPECT_NE(text.find("  wait    │" + ten + quarter(30) + "│     2.500 ms  \n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("  attempt │" + quarter(10) + ten + quarter(20) +
                      "│     2.500 ms  node-1/engine-0: was killed\n"),
            std::string::npos);
  EXPECT_NE(text.find("  queue   │" + quarter(20) + "━" + quarter(19) + "│"), std::string::npos);
  EXPECT_NE(text.find("  compute │" + quarter(20) + ten + ten + "│"), std::string::npos);
  EXPECT_NE(text.find("completed after 10.000 ms, 1.5 s ago; 2 attempts"), std::string::npos);
  EXPECT_NE(text.find("│    10.000 ms\n"), std::string::npos);
}

TEST(Explain, DrawsTimesThatCannotBe) {
  auto told = an_explanation();
  told.total_us = 0;
  told.hops[1].took_us = ~0ull;

  EXPECT_NE(as_text(told).find("attempt"), std::string::npos);
}

TEST(Explain, SendsNoControlCharactersToTheTerminal) {
  auto told = an_explanation();
  told.key = told.hops[1].text = "\033[2J";

  EXPECT_EQ(as_text(told).find('\033'), std::string::npos);
}

TEST(Explain, TellsTheLatestOfWhatTheGatewaysKnow) {
  auto older = an_explanation(), newer = an_explanation();
  older.gateway = "gateway-1", older.others = 1, older.ended_ago_us = 2000;
  newer.gateway = "gateway-2", newer.ended_ago_us = 1999;

  const auto told = latest({older, newer, fail(errc::not_found, "Unknown.")});

  ASSERT_TRUE(told);
  EXPECT_EQ(told->gateway, "gateway-2");
  EXPECT_EQ(told->others, 2u);
}

TEST(Explain, TellsAnOpenOneBeforeOneThatEnded) {
  auto ended = an_explanation(), open = an_explanation();
  ended.ended_ago_us = 0;
  open.outcome = "open";

  EXPECT_EQ(latest({ended, open})->outcome, "open");
  EXPECT_EQ(latest({open, ended})->outcome, "open");
}

TEST(Explain, SaysThatAGatewayIsSilentBeforeThatNobodyKnows) {
  const auto unknown = fail(errc::not_found, "Unknown.");
  const auto silent = fail(errc::unavailable, "Silent.");

  EXPECT_EQ(latest({unknown, silent, unknown}).error().code, errc::unavailable);
  EXPECT_EQ(latest({unknown, unknown}).error().code, errc::not_found);
}

TEST(Explain, GivesTheSameAsJson) {
  auto told = an_explanation();
  told.key = "\xff";  // no UTF-8
  const auto json = nlohmann::json::parse(as_json(told));

  EXPECT_EQ(json["id"], "42");
  EXPECT_EQ(json["hops"][1]["text"], "was killed");
  EXPECT_EQ(json["hops"][3]["took_us"], 4999);
}

}  // namespace

}  // namespace coppice::cli
