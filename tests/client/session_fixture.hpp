#pragma once

#include "client/session.hpp"
#include "proto/codec/tokens.hpp"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

/// A session and what it does to the world.
namespace coppice::client::testing {

inline const steady_time t0{std::chrono::hours{1}};
inline constexpr incarnation_id one_process{77}, another_process{78};

struct recorder : session_effects {
  void send(const proto::request& header, const frame_list&) override { sent.push_back(header); }
  void dial(std::size_t gateway) override { dialled.push_back(gateway); }
  /// Requests of that op sent since the last call; everything else is dropped.
  std::vector<proto::request> take(const std::string& op) {
    std::vector<proto::request> out;
    for (auto& each : sent)
      if (each.op == op) out.push_back(std::move(each));
    sent.clear();
    return out;
  }
  std::vector<proto::request> sent;
  std::vector<std::size_t> dialled;
};

struct SessionFixture : ::testing::Test {
  recorder world;
  double draw = 0;
  session asking = made({});
  /// Outcomes by request: "ok" or the code.
  std::map<int, std::vector<std::string>> outcomes;
  std::vector<std::int32_t> tokens;

  session made(const session_limits& limits, std::vector<std::string> endpoints = {"a", "b"},
               bool retry = true) {
    return {"s", endpoints, retry, world, [this] { return draw; }, limits};
  }
  void connect(steady_time now = t0, incarnation_id process = one_process) {
    asking.tick(now);
    asking.connected(now);
    pong(process, now);
    world.sent.clear();
  }
  void pong(incarnation_id process, steady_time now = t0) {
    answer_parts parts;
    parts.header.gateway = "gateway-1";
    parts.header.incarnation = process;
    asking.take(std::move(parts), now);
  }
  open_request a_request(int name, duration timeout = 30s) {
    open_request made;
    made.ticket = static_cast<std::uint64_t>(name);
    made.header.op = "infer";
    made.header.model = "m";
    made.deadline = t0 + timeout;
    made.done = [this, name](expected<answer_parts> got) {
      outcomes[name].push_back(got ? "ok" : std::string{code_name(got.error().code)});
    };
    return made;
  }
  open_request once(int name) {
    auto made = a_request(name);
    made.header.at_most_once = true;
    return made;
  }
  open_request a_stream(int name, std::uint32_t window = 8) {
    auto made = a_request(name);
    made.header.op = "generate";
    made.header.stream = true;
    made.header.window = window;
    made.stream = std::make_unique<token_stream>();
    made.stream->deliver = [this](std::uint64_t seq, std::span<const std::int32_t> part) {
      EXPECT_EQ(seq, tokens.size());
      tokens.insert(tokens.end(), part.begin(), part.end());
    };
    return made;
  }
  void reply(const proto::request& to, steady_time now = t0) {
    answer_parts parts;
    parts.header.id = to.id;
    parts.header.final = true;
    asking.take(std::move(parts), now);
  }
  void fail_with(const proto::request& to, errc code, steady_time now = t0,
                 std::uint32_t hint_ms = 0) {
    answer_parts parts;
    parts.header.id = to.id;
    parts.header.error = {std::string{code_name(code)}, "No.", describe(code).retryable, hint_ms};
    asking.take(std::move(parts), now);
  }
  void chunk(const proto::request& to, std::uint64_t seq, std::size_t n, bool final = false) {
    std::vector<std::int32_t> part(n);
    std::iota(part.begin(), part.end(), static_cast<std::int32_t>(seq));
    answer_parts parts;
    parts.header.id = to.id;
    parts.header.seq = seq;
    parts.header.final = final;
    if (n > 0) parts.header.outputs.push_back(proto::tokens_tensor(part));
    asking.take(std::move(parts), t0);
  }
  [[nodiscard]] std::string outcome(int name) {
    return outcomes[name].size() == 1 ? outcomes[name].front()
                                      : std::to_string(outcomes[name].size()) + " outcomes";
  }
};

}  // namespace coppice::client::testing
