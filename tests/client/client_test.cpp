#include "client/client.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <zmq.hpp>

#include "proto/codec/codec.hpp"

namespace coppice::client {

namespace {

/// A gateway of a few lines: answers each request by a function of its number.
class fake_gateway {
 public:
  using answers = std::function<proto::reply(int number, const proto::request&)>;

  explicit fake_gateway(answers answer) : answer_{std::move(answer)} {
    socket_.bind("tcp://127.0.0.1:*");
    endpoint = socket_.get(zmq::sockopt::last_endpoint);
    thread_ = std::jthread{[this] { run(); }};
  }
  ~fake_gateway() {
    context_.shutdown();
    thread_.join();
    socket_.close();
  }
  std::string endpoint;

 private:
  void run() try {
    for (int number = 0;;) {
      std::vector<zmq::message_t> message;
      do {
        (void)socket_.recv(message.emplace_back(), zmq::recv_flags::none);
      } while (message.back().more());
      const auto request = proto::decode<proto::request>(message[2].to_string_view());
      if (request->op == "ping") continue;
      auto reply = answer_(number++, *request);
      reply.id = request->id;
      (void)socket_.send(message[0], zmq::send_flags::sndmore);
      (void)socket_.send(zmq::message_t{}, zmq::send_flags::sndmore);
      (void)socket_.send(zmq::buffer(proto::encode(reply)), zmq::send_flags::none);
    }
  } catch (const zmq::error_t&) {
  }

  answers answer_;
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::router};
  std::jthread thread_;
};

proto::reply failing(const char* code, bool retryable) {
  proto::reply reply;
  reply.error = proto::error_body{code, "no", retryable, 1};
  return reply;
}

infer_request to_echo(std::chrono::milliseconds timeout = std::chrono::seconds{20}) {
  infer_request request;
  request.model = "echo";
  request.timeout = timeout;
  return request;
}

TEST(Client, RetriesWhatIsRetryableUntilItSucceeds) {
  const fake_gateway gateway{[](int number, const proto::request&) {
    return number < 2 ? failing("overloaded", true) : proto::reply{};
  }};
  client asking{{{gateway.endpoint}}};

  EXPECT_TRUE(asking.infer(to_echo()));
}

TEST(Client, GivesOtherErrorsAsTheyAre) {
  const fake_gateway gateway{
      [](int, const proto::request&) { return failing("not_found", false); }};
  client asking{{{gateway.endpoint}}};

  EXPECT_EQ(asking.infer(to_echo()).error().code, errc::not_found);
}

TEST(Client, EndsARequestThatNobodyAnswersAtItsDeadline) {
  client asking{{{"tcp://127.0.0.1:9"}}};

  EXPECT_EQ(asking.infer(to_echo(std::chrono::milliseconds{50})).error().code, errc::deadline);
}

TEST(Client, SendsTheSameKeyWithEveryTry) {
  std::vector<std::string> keys;
  fake_gateway gateway{[&](int number, const proto::request& request) {
    keys.push_back(request.key);
    return number == 0 ? failing("unavailable", true) : proto::reply{};
  }};
  client asking{{{gateway.endpoint}}};

  ASSERT_TRUE(asking.infer(to_echo()));

  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_FALSE(keys[0].empty());
}

}  // namespace

}  // namespace coppice::client
