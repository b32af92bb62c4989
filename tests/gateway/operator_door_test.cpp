#include "gateway/operator_door.hpp"

#include "proto/codec/codec.hpp"
#include "proto/messages/client.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <unistd.h>

namespace coppice::gateway {

namespace {

using ::testing::HasSubstr;

struct OperatorDoor : ::testing::Test {
  std::string path = "/tmp/coppice-door-" + std::to_string(::getpid());
  expected<proto::cluster_status> status = [] {
    proto::cluster_status known;
    known.scheduler = "scheduler-1";
    return known;
  }();
  expected<proto::drain_status> drained = proto::drain_status{"", "draining", {"a row"}, {}};
  std::vector<proto::drain_order> orders;
  expected<proto::explanation> told = [] {
    proto::explanation known;
    known.outcome = "completed";
    return known;
  }();
  std::vector<std::string> asked;
  expected<proto::apply_status> taken = [] {
    proto::apply_status known;
    known.convergence = "converging";
    return known;
  }();
  std::vector<proto::apply_order> applied;
  operator_door door{{[this] { return status; },
                      [this](const proto::drain_order& order) {
                        orders.push_back(order);
                        return drained;
                      },
                      [this](const std::string& target) {
                        asked.push_back(target);
                        return told;
                      },
                      [this](const proto::apply_order& order) {
                        applied.push_back(order);
                        return taken;
                      }}};
  zmq::context_t context{1};
  zmq::socket_t client{context, zmq::socket_type::dealer};

  OperatorDoor() {
    EXPECT_TRUE(door.open("ipc://" + path));
    client.set(zmq::sockopt::linger, 0);
    client.set(zmq::sockopt::rcvtimeo, 20'000);
    client.connect("ipc://" + path);
  }

  std::string ask(const std::string& header) {
    (void)client.send(zmq::buffer(header), zmq::send_flags::none);
    zmq::message_t answer;
    EXPECT_TRUE(client.recv(answer));
    return answer.to_string();
  }
  std::string ask_for(const std::string& op, const std::string& target = "") {
    proto::operator_request request;
    request.target = target;
    request.v = 1;
    request.op = op;
    return ask(proto::encode(request));
  }
  std::string ask_to(const std::string& op, const std::string& node, proto::desired_state desired) {
    proto::operator_request request;
    request.v = 1;
    request.op = op;
    request.target = node;
    request.desired = std::move(desired);
    return ask(proto::encode(request));
  }
  static proto::error_body error_of(const std::string& answer) {
    return *proto::decode<proto::reply>(answer)->error;
  }
};

TEST_F(OperatorDoor, AnswersStatusToItsOwnerAlone) {
  EXPECT_EQ(proto::decode<proto::cluster_status>(ask_for("status"))->scheduler, "scheduler-1");
  struct stat about {};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(OperatorDoor, PassesDrainAndUndrainOnWithTheirTarget) {
  const auto answer = proto::decode<proto::drain_status>(ask_for("drain", "node-1"));
  (void)ask_for("undrain", "node-1/engine-0");

  EXPECT_EQ(answer->state, "draining");
  EXPECT_EQ(answer->waiting_for, std::vector<std::string>{"a row"});
  ASSERT_EQ(orders.size(), 2u);
  EXPECT_EQ(orders[0].target, "node-1");
  EXPECT_TRUE(orders[0].drain);
  EXPECT_EQ(orders[1].target, "node-1/engine-0");
  EXPECT_FALSE(orders[1].drain);
}

TEST_F(OperatorDoor, RefusesADrainWithoutATargetOrWithOneThatIsTooLong) {
  EXPECT_EQ(error_of(ask_for("drain")).code, "invalid");
  EXPECT_EQ(error_of(ask_for("drain", std::string(257, 'x'))).code, "invalid");
  EXPECT_TRUE(orders.empty());

  (void)ask_for("drain", std::string(256, 'x'));
  EXPECT_EQ(orders.size(), 1u);
}

TEST_F(OperatorDoor, SaysThatATargetIsUnknownAsAnError) {
  drained = proto::drain_status{
      "nowhere", "unknown", {}, proto::error_body{"not_found", "There is no 'nowhere'.", false, 0}};

  EXPECT_EQ(error_of(ask_for("drain", "nowhere")).code, "not_found");
}

TEST_F(OperatorDoor, ExplainsTheRequestThatIsNamed) {
  EXPECT_EQ(proto::decode<proto::explanation>(ask_for("explain", "42"))->outcome, "completed");
  told = fail(errc::not_found, "No request of that id is remembered.");

  EXPECT_EQ(error_of(ask_for("explain", "43")).message, "No request of that id is remembered.");
  EXPECT_EQ(asked, (std::vector<std::string>{"42", "43"}));
}

TEST_F(OperatorDoor, ExplainsNothingWithoutATargetOrWithOneThatIsTooLong) {
  EXPECT_EQ(error_of(ask_for("explain")).code, "invalid");
  EXPECT_EQ(error_of(ask_for("explain", std::string(513, 'x'))).code, "invalid");
  EXPECT_TRUE(asked.empty());

  (void)ask_for("explain", std::string(512, 'x'));
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(OperatorDoor, PassesOnWhatANodeIsToServeAndTheQuestionWhatThatWouldChange) {
  const proto::desired_state wanted{5, "/srv/models", {"digits"}, {"echo"}};

  const auto answer = proto::decode<proto::apply_status>(ask_to("apply", "node-1", wanted));
  (void)ask_to("diff", "node-2", wanted);

  EXPECT_EQ(answer->convergence, "converging");
  ASSERT_EQ(applied.size(), 2u);
  EXPECT_EQ(applied[0].node, "node-1");
  EXPECT_EQ(applied[0].desired, wanted);
  EXPECT_FALSE(applied[0].only_ask);
  EXPECT_EQ(applied[1].node, "node-2");
  EXPECT_TRUE(applied[1].only_ask);
}

TEST_F(OperatorDoor, AppliesNothingWithoutANodeOrWithTooMuchForOne) {
  proto::desired_state wanted{5, "", {}, {"echo"}};
  EXPECT_EQ(error_of(ask_to("apply", "", wanted)).code, "invalid");
  EXPECT_EQ(error_of(ask_for("apply", "node-1")).code, "invalid") << "nothing is desired";
  wanted.serve.assign(2, std::string(proto::max_desired_bytes / 2, 'x'));
  EXPECT_THAT(error_of(ask_to("apply", "node-1", wanted)).message, HasSubstr("at most 16384"));
  EXPECT_TRUE(applied.empty());
}

TEST_F(OperatorDoor, AnswersEverythingElseWithAnError) {
  EXPECT_THAT(error_of(ask_for("shut_down")).message, HasSubstr("status"));
  EXPECT_EQ(error_of(ask("garbage")).code, "invalid");
  EXPECT_EQ(error_of(ask("")).code, "invalid");
}

TEST_F(OperatorDoor, PassesOnThatTheClusterCannotBeSeen) {
  status = fail(errc::unavailable, "No scheduler can be reached.");

  EXPECT_EQ(error_of(ask_for("status")).message, "No scheduler can be reached.");
}

TEST_F(OperatorDoor, SaysWhyItCannotListen) {
  operator_door second{{}};

  EXPECT_THAT(second.open("ipc:///nowhere/door").error().message, HasSubstr("/nowhere/door"));
}

}  // namespace

}  // namespace coppice::gateway
