#include "client/cli/cluster.hpp"

#include "client/cli/verbs.hpp"
#include "proto/codec/codec.hpp"
#include "proto/messages/client.hpp"

#include <gmock/gmock.h>
#include <zmq.hpp>

#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace coppice::cli {

namespace {

using ::testing::HasSubstr;

struct ClusterChoice : ::testing::Test {
  std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-choice-" + std::to_string(::getpid()));
  cluster_choice choice;
  ~ClusterChoice() override { std::filesystem::remove(file); }

  void ready_file_says(const std::string& text) {
    std::ofstream{file} << text;
    choice.ready_file = file;
  }
};

TEST_F(ClusterChoice, ReadsGatewaysAndDoorFromTheReadyFile) {
  ready_file_says(R"({"gateways": ["tcp://a:1", "tcp://b:2"], "operator": "ipc:///x"})");

  ASSERT_TRUE(choice.resolve());
  EXPECT_EQ(choice.endpoints, (std::vector<std::string>{"tcp://a:1", "tcp://b:2"}));
  EXPECT_EQ(choice.operator_door, "ipc:///x");
  EXPECT_EQ(choice.operator_doors, std::vector<std::string>{"ipc:///x"});
}

TEST_F(ClusterChoice, ReadsEveryGatewaysDoor) {
  ready_file_says(R"({"gateways": ["tcp://a:1"], "operator": "ipc:///x",
                      "operators": ["ipc:///x", "ipc:///y"]})");

  ASSERT_TRUE(choice.resolve());
  EXPECT_EQ(choice.operator_doors, (std::vector<std::string>{"ipc:///x", "ipc:///y"}));
}

TEST_F(ClusterChoice, AnEndpointThatIsNamedGoesBeforeTheFile) {
  ready_file_says(R"({"gateways": ["tcp://a:1"]})");
  choice.endpoints = {"tcp://c:3"};

  ASSERT_TRUE(choice.resolve());
  EXPECT_EQ(choice.endpoints, std::vector<std::string>{"tcp://c:3"});
}

TEST_F(ClusterChoice, SaysWhatToNameWhenNothingIs) {
  EXPECT_THAT(choice.resolve().error().message, HasSubstr("--endpoint"));
}

TEST_F(ClusterChoice, SaysThatTheFileIsMissingOrNoReadyFile) {
  choice.ready_file = "/nowhere/ready.json";
  EXPECT_THAT(choice.resolve().error().message, HasSubstr("Is the cluster up?"));
  for (const auto* text : {"not json", "{}", R"({"gateways": 7})"}) {
    ready_file_says(text);
    EXPECT_THAT(choice.resolve().error().message, HasSubstr("no ready file")) << text;
  }
}

/// A door that gives one answer to whatever it is asked first.
struct one_answer {
  std::string path;
  zmq::context_t context{1};
  zmq::socket_t door{context, zmq::socket_type::router};
  proto::operator_request asked;
  std::thread thread;

  explicit one_answer(std::string answer, const std::string& name = "ask")
      : path{"ipc:///tmp/coppice-" + name + "-" + std::to_string(::getpid())} {
    door.set(zmq::sockopt::linger, 0);
    door.set(zmq::sockopt::rcvtimeo, 20'000);
    door.bind(path);
    thread = std::thread{[this, answer = std::move(answer)] {
      zmq::message_t from, request;
      (void)door.recv(from);
      (void)door.recv(request);
      asked = *proto::decode<proto::operator_request>(request.to_string_view());
      (void)door.send(from, zmq::send_flags::sndmore);
      (void)door.send(zmq::buffer(answer), zmq::send_flags::none);
    }};
  }
  ~one_answer() {
    if (thread.joinable()) thread.join();
  }
};

TEST(OrderDrain, TellsHowFarItHasCome) {
  one_answer cluster{proto::encode(proto::drain_status{"node-1", "draining", {"a row"}, {}})};

  const auto status = order_drain(cluster.path, {"node-1", false}, 20s);
  cluster.thread.join();

  ASSERT_TRUE(status);
  EXPECT_EQ(status->waiting_for, std::vector<std::string>{"a row"});
  EXPECT_EQ(cluster.asked.op, "undrain");
  EXPECT_EQ(cluster.asked.target, "node-1");
}

TEST(OrderDrain, FailsWithWhatTheClusterAnswersAsAnError) {
  one_answer cluster{proto::encode(
      proto::drain_status{"nowhere",
                          "unknown",
                          {},
                          proto::error_body{"not_found", "There is no 'nowhere'.", false, 0}})};

  const auto status = order_drain(cluster.path, {"nowhere", true}, 20s);

  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, errc::not_found);
  EXPECT_EQ(status.error().message, "There is no 'nowhere'.");
}

TEST(AskExplanation, AsksForTheTargetAndTakesTheAnswer) {
  proto::explanation known;
  known.hops = {{"wait", 3, "", ""}};
  one_answer cluster{proto::encode(known)};

  const auto told = ask_explanation(cluster.path, "42", 20s);
  cluster.thread.join();

  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(told->hops.size(), 1u);
  EXPECT_EQ(cluster.asked.op, "explain");
  EXPECT_EQ(cluster.asked.target, "42");
}

TEST(AskOperator, FailsWithWhatTheClusterAnswersAsAnError) {
  proto::reply refusal;
  refusal.error = proto::error_body{"unavailable", "No scheduler can be reached.", true, 0};
  one_answer cluster{proto::encode(refusal)};

  EXPECT_EQ(ask_operator(cluster.path, 20s).error().message, "No scheduler can be reached.");
}

TEST(AskOperator, SaysWhichDoorDoesNotAnswer) {
  const auto status = ask_operator("ipc:///nowhere/door", 20ms);

  EXPECT_EQ(status.error().code, errc::unavailable);
  EXPECT_THAT(status.error().message, HasSubstr("ipc:///nowhere/door"));
}

TEST(AskStatus, TakesTheFirstAnswerAndAddsTheFiguresOfTheOtherGateways) {
  proto::gateway_state one{"gateway-1", 1, "", ""}, two{"gateway-2", 2, "", ""};
  auto counted = two;
  counted.refused = 3, counted.retried = 2, counted.fenced = 1;
  one_answer first{proto::encode(proto::cluster_status{"scheduler-1", 9, {one, two}, {}, {}}),
                   "first"};
  one_answer second{proto::encode(proto::cluster_status{"other", 8, {one, counted}, {}, {}}),
                    "second"};
  cluster_choice cluster;
  cluster.operator_doors = {"ipc:///nowhere/door", first.path, second.path};

  const auto status = ask_status(cluster, 1s);

  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->scheduler, "scheduler-1");
  EXPECT_EQ(status->gateways[0].refused, 0u);
  EXPECT_EQ(status->gateways[1].refused, 3u);
  EXPECT_EQ(status->gateways[1].retried, 2u);
  EXPECT_EQ(status->gateways[1].fenced, 1u);
}

TEST(AskStatus, FailsWhereNoDoorAnswers) {
  cluster_choice cluster;
  cluster.operator_doors = {"ipc:///nowhere/door"};
  EXPECT_EQ(ask_status(cluster, 20ms).error().code, errc::unavailable);
}

TEST(OrderApply, GivesTheOrderToTheFirstDoorThatAnswers) {
  proto::apply_status taken;
  taken.node = "node-1";
  one_answer cluster{proto::encode(taken)};
  cluster_choice choice;
  choice.operator_doors = {cluster.path};

  const auto answer = order_apply(choice, {"node-1", {5, "/m", {}, {}}, false}, 0s);
  cluster.thread.join();

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->node, "node-1");
  EXPECT_EQ(cluster.asked.op, "apply");
  EXPECT_EQ(cluster.asked.target, "node-1");
  ASSERT_TRUE(cluster.asked.desired);
  EXPECT_EQ(cluster.asked.desired->revision, 5u);
}

TEST(OrderApply, OnlyAsksWhereNothingIsOrderedAndFailsWithTheRefusal) {
  proto::reply refusal;
  refusal.error = proto::error_body{"invalid", "It is older.", false, 0};
  one_answer cluster{proto::encode(refusal)};
  cluster_choice choice;
  choice.operator_doors = {cluster.path};

  const auto answer = order_apply(choice, {"node-1", {5, "/m", {}, {}}, true}, 0s);
  cluster.thread.join();

  EXPECT_EQ(answer.error().message, "It is older.");
  EXPECT_EQ(cluster.asked.op, "diff");
}

TEST_F(ClusterChoice, SaysThatAVerbOfOperatorsNeedsTheirDoor) {
  choice.endpoints = {"tcp://a:1"};
  EXPECT_THAT(choice.resolve_operator().error().message, HasSubstr("--cluster"));

  choice.operator_doors = {"ipc:///x"};
  EXPECT_TRUE(choice.resolve_operator());
}

TEST(Report, GivesTheExitCodeOfTheError) {
  EXPECT_EQ(report({errc::unavailable, "x", 0}), exit_unreachable);
  EXPECT_EQ(report({errc::deadline, "x", 0}), exit_unreachable);
  EXPECT_EQ(report({errc::not_found, "x", 0}), exit_refused);
  EXPECT_EQ(report_usage({errc::invalid, "x", 0}), exit_usage);
}

}  // namespace

}  // namespace coppice::cli
