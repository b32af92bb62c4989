#include "client/client.hpp"

#include "base/clock.hpp"
#include "proto/codec/tokens.hpp"

#include <gtest/gtest.h>
#include <zmq.hpp>

#include <array>
#include <atomic>
#include <future>
#include <mutex>
#include <thread>

namespace coppice::client {
namespace {

/// A ROUTER that answers each request as the test says; no answer means silence.
class fake_gateway {
 public:
  using answering = std::function<std::optional<proto::reply>(const proto::request&)>;

  explicit fake_gateway(answering answer) : answer_{std::move(answer)} {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::sndhwm, 0);  // or it drops replies that the client has not read yet
    socket_.set(zmq::sockopt::rcvtimeo, 5);
    socket_.bind("tcp://127.0.0.1:*");
    endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
    thread_ = std::jthread{[this](std::stop_token stop) {
      while (!stop.stop_requested()) serve();
    }};
  }
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

 private:
  void serve() {
    std::vector<zmq::message_t> parts(1);
    if (!socket_.recv(parts[0])) return;
    while (parts.back().more()) {
      zmq::message_t part;
      (void)socket_.recv(part);
      parts.push_back(std::move(part));
    }
    const auto request = proto::decode<proto::request>(parts.at(2).to_string_view(), 1 << 20);
    if (!request) return;
    auto reply = answer_(*request);
    if (!reply) return;
    reply->id = request->id;
    parts[2] = zmq::message_t{proto::encode(*reply)};
    for (std::size_t i = 0; i < parts.size(); ++i)
      (void)socket_.send(parts[i],
                         i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }

  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::router};
  answering answer_;
  std::string endpoint_;
  std::jthread thread_;
};

std::optional<proto::reply> echo(const proto::request& request) {
  proto::reply reply;
  reply.model = request.model;
  reply.outputs = request.inputs;
  reply.final = true;
  return reply;
}

proto::reply refusal(errc code, std::uint32_t retry_after_ms) {
  proto::reply reply;
  reply.error = {std::string{code_name(code)}, "No.", describe(code).retryable, retry_after_ms};
  return reply;
}

infer_request a_request(std::string bytes = "abcd") {
  infer_request request;
  request.model = "echo";
  const auto size = static_cast<std::int64_t>(bytes.size());
  request.inputs.push_back({"x", "UINT8", {size}, std::move(bytes)});
  return request;
}

TEST(Client, GivesEachOfThousandsInFlightItsOwnAnswer) {
  fake_gateway gateway{echo};
  client asking{{{gateway.endpoint()}}};
  std::vector<std::promise<std::string>> answers(2000);

  for (std::size_t i = 0; i < answers.size(); ++i)
    asking.submit(a_request(std::to_string(i)), [&answers, i](client::answer got) {
      answers[i].set_value(got ? got->outputs.front().bytes : got.error().message);
    });

  for (std::size_t i = 0; i < answers.size(); ++i)
    EXPECT_EQ(answers[i].get_future().get(), std::to_string(i));
}

TEST(Client, SendsAgainWhatIsRetryableWhenTheGatewaySaid) {
  std::atomic<int> sent{0};
  fake_gateway gateway{[&](const proto::request& request) {
    const bool refused = request.op == "infer" && sent++ == 0;
    return refused ? refusal(errc::overloaded, 30) : *echo(request);
  }};
  client asking{{{gateway.endpoint()}}};

  const auto begin = now();
  const auto got = asking.infer(a_request());

  EXPECT_TRUE(got);
  EXPECT_EQ(sent, 2);
  EXPECT_GE(now() - begin, 30ms);
}

TEST(Client, GivesBackAtOnceWhatIsNotRetryable) {
  std::atomic<int> sent{0};
  fake_gateway gateway{[&](const proto::request& request) {
    if (request.op == "infer") ++sent;
    return refusal(errc::invalid, 0);
  }};
  client asking{{{gateway.endpoint()}}};

  const auto got = asking.infer(a_request());

  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::invalid);
  EXPECT_EQ(sent, 1);
}

TEST(Client, EndsWithDeadlineWhenNobodyAnswers) {
  fake_gateway gateway{[](const proto::request&) { return std::nullopt; }};
  client asking{{{gateway.endpoint()}}};
  auto request = a_request();
  request.timeout = 60ms;

  const auto got = asking.infer(request);

  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::deadline);
}

/// Two gateways of which the one that is asked first says nothing. Which one that is, is chance.
struct silent_home {
  std::mutex mutex;
  const void* home = nullptr;
  std::vector<std::string> keys;

  fake_gateway::answering gateway(const void* name) {
    return [this, name](const proto::request& request) -> std::optional<proto::reply> {
      const std::lock_guard lock{mutex};
      if (home == nullptr) home = name;
      if (request.op == "infer") keys.push_back(request.key);
      return name == home ? std::nullopt : echo(request);
    };
  }
};

TEST(Client, SendsOpenWorkWithItsKeyToTheNextGatewayWhenItsOwnIsSilent) {
  silent_home world;
  fake_gateway first{world.gateway("first")}, second{world.gateway("second")};
  client asking{{{first.endpoint(), second.endpoint()}}};

  const auto begin = now();
  const auto got = asking.infer(a_request());

  ASSERT_TRUE(got);
  EXPECT_GE(now() - begin, 750ms);
  ASSERT_EQ(world.keys.size(), 2u);
  EXPECT_FALSE(world.keys[0].empty());
  EXPECT_EQ(world.keys[0], world.keys[1]);
}

TEST(Client, SendsOpenWorkToTheNextGatewayWhenItsConnectionDrops) {
  std::atomic<int> asked{0};
  std::array<std::unique_ptr<fake_gateway>, 2> gateways;
  std::array<std::promise<void>, 2> got_it;
  for (std::size_t i = 0; i < 2; ++i)
    gateways[i] = std::make_unique<fake_gateway>([&, i](const proto::request& request) {
      if (request.op != "infer" || asked++ > 0) return echo(request);
      got_it[i].set_value();
      return std::optional<proto::reply>{};
    });
  client asking{{{gateways[0]->endpoint(), gateways[1]->endpoint()}}};
  std::promise<bool> answered;
  asking.submit(a_request(), [&](client::answer got) { answered.set_value(got.has_value()); });
  std::array futures{got_it[0].get_future(), got_it[1].get_future()};
  std::size_t home = 0;
  while (futures[home].wait_for(1ms) != std::future_status::ready) home = 1 - home;

  gateways[home].reset();

  EXPECT_TRUE(answered.get_future().get());
  EXPECT_EQ(asked, 2);
}

TEST(Client, EndsOpenRequestsWithCancelledWhenItIsClosed) {
  fake_gateway gateway{[](const proto::request&) { return std::nullopt; }};
  std::promise<errc> ended;
  {
    client asking{{{gateway.endpoint()}}};
    asking.submit(a_request(), [&](client::answer got) { ended.set_value(got.error().code); });
    proto::request ping;
    ping.op = "ping";
    (void)asking.call(ping, 20ms);  // behind it: the request has been sent
  }
  EXPECT_EQ(ended.get_future().get(), errc::cancelled);
}

TEST(Client, EndsARequestAtItsDeadlineWhenNobodyListens) {
  client asking{{{"tcp://127.0.0.1:9"}}};
  auto request = a_request();
  request.timeout = 50ms;

  EXPECT_EQ(asking.infer(request).error().code, errc::deadline);
}

TEST(Client, SendsTheSameKeyWithEveryTryUntilItSucceeds) {
  std::vector<std::string> keys;
  fake_gateway gateway{[&](const proto::request& request) {
    if (request.op == "infer") keys.push_back(request.key);
    const bool refused = request.op == "infer" && keys.size() <= 2;
    return refused ? refusal(errc::unavailable, 1) : *echo(request);
  }};
  client asking{{{gateway.endpoint()}}};

  ASSERT_TRUE(asking.infer(a_request()));

  ASSERT_EQ(keys.size(), 3u);
  EXPECT_FALSE(keys[0].empty());
  EXPECT_EQ(keys, std::vector<std::string>(3, keys[0]));
}

TEST(Client, SendsWhatMustRunAtMostOnceToNoSecondGateway) {
  std::mutex mutex;
  const void* home = nullptr;
  int sent = 0;
  const auto gateway = [&](const void* name) {
    return [&, name](const proto::request& request) -> std::optional<proto::reply> {
      const std::lock_guard lock{mutex};
      if (request.op == "infer") home = name, ++sent;
      if (home == name) return std::nullopt;  // silent from the first request on
      return proto::reply{};
    };
  };
  fake_gateway first{gateway("first")}, second{gateway("second")};
  client asking{{{first.endpoint(), second.endpoint()}}};
  auto request = a_request();
  request.at_most_once = true;

  const auto got = asking.infer(request);

  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::unknown_outcome);
  EXPECT_EQ(sent, 1);
}

TEST(Client, RefusesRequestsBeyondItsLimit) {
  fake_gateway gateway{[](const proto::request&) { return std::nullopt; }};
  std::promise<errc> first;
  client_options options{{gateway.endpoint()}};
  options.max_open = 1;
  {
    client asking{options};
    asking.submit(a_request(), [&](client::answer got) { first.set_value(got.error().code); });

    EXPECT_EQ(asking.infer(a_request()).error().code, errc::overloaded);
  }
  EXPECT_EQ(first.get_future().get(), errc::cancelled);
}

TEST(Client, CancelsARequestByItsTicket) {
  fake_gateway gateway{[](const proto::request&) { return std::nullopt; }};
  client asking{{{gateway.endpoint()}}};
  std::promise<errc> ended;
  const auto ticket =
      asking.submit(a_request(), [&](client::answer got) { ended.set_value(got.error().code); });

  asking.cancel(ticket);

  EXPECT_EQ(ended.get_future().get(), errc::cancelled);
}

TEST(Client, GivesAStreamsTokensAndItsEnd) {
  fake_gateway gateway{[](const proto::request& request) -> std::optional<proto::reply> {
    if (request.op != "generate") return echo(request);
    proto::reply reply;
    reply.model = request.model;
    reply.seq = 0;
    reply.final = true;
    reply.outputs.push_back(proto::tokens_tensor(std::vector<std::int32_t>{5, 6, 7}));
    return reply;
  }};
  client asking{{{gateway.endpoint()}}};
  std::vector<std::int32_t> tokens;
  std::promise<expected<generate_result>> ended;

  asking.generate(
      {.model = "count", .tokens = {1}},
      [&](std::uint64_t seq, std::span<const std::int32_t> part) {
        EXPECT_EQ(seq, tokens.size());
        tokens.insert(tokens.end(), part.begin(), part.end());
      },
      [&](expected<generate_result> got) { ended.set_value(std::move(got)); });

  const auto got = ended.get_future().get();
  ASSERT_TRUE(got);
  EXPECT_EQ(tokens, (std::vector<std::int32_t>{5, 6, 7}));
  EXPECT_EQ(got->tokens, 3u);
  EXPECT_EQ(got->model, "count");
}

TEST(Client, RefusesABadEndpointAtOnce) {
  const client_options options{{"tcp://127.0.0.1:9", "nonsense"}};

  EXPECT_THROW(client{options}, std::invalid_argument);
}

TEST(Client, RefusesAnEmptyListOfGateways) {
  EXPECT_THROW(client{client_options{}}, std::invalid_argument);
}

}  // namespace
}  // namespace coppice::client
