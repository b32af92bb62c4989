#include "client/cli/explain.hpp"

#include "proto/codec/codec.hpp"
#include "proto/messages/client.hpp"
#include "proto/messages/control.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <zmq.hpp>

#include <thread>

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

TEST(Explain, GivesTheSameAsJson) {
  auto told = an_explanation();
  told.key = "\xff";  // no UTF-8
  const auto json = nlohmann::json::parse(as_json(told));

  EXPECT_EQ(json["id"], "42");
  EXPECT_EQ(json["hops"][1]["text"], "was killed");
  EXPECT_EQ(json["hops"][3]["took_us"], 4999);
}

/// An operator door that gives one answer.
struct door {
  explicit door(std::string answer) {
    socket.bind("tcp://127.0.0.1:*");
    endpoint = socket.get(zmq::sockopt::last_endpoint);
    thread = std::thread{[this, answer = std::move(answer)] {
      zmq::message_t from, body;
      (void)socket.recv(from);
      (void)socket.recv(body);
      asked = *proto::decode<proto::operator_request>(body.to_string_view());
      (void)socket.send(from, zmq::send_flags::sndmore);
      (void)socket.send(zmq::buffer(answer), zmq::send_flags::none);
    }};
  }
  ~door() {
    if (thread.joinable()) thread.join();
  }
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::router};
  std::string endpoint;
  proto::operator_request asked;
  std::thread thread;
};

TEST(AskExplanation, AsksForTheTargetAndTakesTheAnswer) {
  door it{proto::encode(an_explanation())};
  const auto told = ask_explanation(it.endpoint, "42", 10s);
  it.thread.join();

  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(told->hops.size(), 4u);
  EXPECT_EQ(it.asked.op, "explain");
  EXPECT_EQ(it.asked.target, "42");
}

TEST(AskExplanation, PassesOnTheGatewaysRefusal) {
  proto::reply refusal;
  refusal.error = proto::error_body{"not_found", "It remembers no such request.", false, 0};
  door it{proto::encode(refusal)};

  const auto told = ask_explanation(it.endpoint, "42", 10s);

  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, errc::not_found);
  EXPECT_EQ(told.error().message, "It remembers no such request.");
}

}  // namespace

}  // namespace coppice::cli
