#pragma once

#include "gateway/shard/shard.hpp"
#include "tests/gateway/shard/messages.hpp"

#include <gtest/gtest.h>

/// A shard with one model, `echo`, and what it does to the world.
namespace coppice::gateway::testing {

inline const steady_time t0{std::chrono::hours{1}};

/// What a shard did to the world.
struct recorded_world : shard_effects {
  struct sent {
    incarnation_id to;
    proto::link_request header;
  };
  delivery reply(const client_address& to, const proto::reply& header,
                 frame_list&& frames) override {
    std::size_t bytes = 0;
    for (const auto& each : frames) bytes += each.size();
    if (client_gone) return delivery::gone;
    if (bytes > room) return delivery::no_room;
    replies.push_back(header);
    reply_frames.push_back(std::move(frames));
    addresses.push_back(to);
    return delivery::sent;
  }
  [[nodiscard]] std::size_t unread_bytes() const override { return unread; }
  [[nodiscard]] bool is_behind(const client_address& client) const override {
    return client.connection == behind;
  }
  bool send(incarnation_id to, const proto::link_request& header, const frame_list&) override {
    if (to == gone) return false;
    if (header.op == "infer" || header.op == "generate") attempts.push_back({to, header});
    if (header.op == "cancel") cancels.push_back(header.attempt);
    return true;
  }
  void open_link(const engine_link& link) override { opened.push_back(link.incarnation); }
  void close_link(const engine_link& link) override { closed.push_back(link.incarnation); }
  void place(proto::place_request&& demand) override { places.push_back(std::move(demand)); }
  void suspect(proto::suspicion&& told) override { suspicions.push_back(std::move(told)); }
  void tell(proto::trial_result&& told) override { trials.push_back(std::move(told)); }
  void tell(proto::drain_ack&& told) override { drains.push_back(std::move(told)); }

  /// Largest frames of a reply that there is room for, bytes.
  std::size_t room = SIZE_MAX;
  bool client_gone = false;
  std::size_t unread = 0;
  /// Connection of a client that may not ask for more.
  int behind = -1;
  std::vector<proto::reply> replies;
  /// Of each reply.
  std::vector<frame_list> reply_frames;
  std::vector<client_address> addresses;
  std::vector<sent> attempts;
  std::vector<attempt_id> cancels;
  std::vector<incarnation_id> opened, closed;
  /// Sends on this link fail.
  incarnation_id gone;
  std::vector<proto::place_request> places;
  std::vector<proto::suspicion> suspicions;
  std::vector<proto::trial_result> trials;
  std::vector<proto::drain_ack> drains;
};

struct ShardFixture : ::testing::Test {
  recorded_world world;
  shard gateway;

  explicit ShardFixture(shard_options options = {}, shard_counts* counts = nullptr)
      : gateway{std::move(options), world, counts} {
    proto::model_card echo;
    echo.name = "echo";
    echo.version = 1;
    echo.any_inputs = true;
    gateway.on_catalogue({{echo}, {}}, t0 - 1h);
  }

  void ask(int id = 1, steady_time at = t0, std::uint32_t timeout_ms = 1000) {
    auto request = a_request("echo", id);
    request.timeout_ms = timeout_ms;
    gateway.on_client_message(as_message(request), 5, at);
  }
  void grant(std::uint64_t incarnation, std::uint32_t rows, steady_time at = t0) {
    grant_of("engine-" + std::to_string(incarnation), incarnation, rows, at);
  }
  void grant_of(const std::string& engine, std::uint64_t incarnation, std::uint32_t rows,
                steady_time at = t0) {
    grant_at("tcp://e" + std::to_string(incarnation), engine, incarnation, rows, at);
  }
  void grant_at(const std::string& endpoint, const std::string& engine, std::uint64_t incarnation,
                std::uint32_t rows, steady_time at = t0) {
    proto::grant given;
    given.incarnation = {incarnation};
    given.engine = engine;
    given.endpoint = endpoint;
    given.model = "echo";
    given.version = 1;
    given.rows = rows;
    given.ttl_us = 1'000'000;
    gateway.on_place_reply({{given}, {}}, at);
  }
  void answer(attempt_id attempt, std::uint64_t incarnation, const char* op = "reply",
              steady_time at = t0, const char* error = nullptr) {
    proto::link_reply reply;
    reply.op = op;
    if (error != nullptr) reply.error = proto::error_body{error, "It failed.", false, 0};
    reply.attempt = attempt;
    reply.incarnation = {incarnation};
    reply.credit = 1;
    answer(reply, at);
  }
  void answer(const proto::link_reply& reply, steady_time at) {
    frame_list message;
    message.emplace_back(std::string("engine"));
    message.emplace_back(proto::encode(reply));
    gateway.on_link_message(std::move(message), at);
  }
  [[nodiscard]] std::string code(std::size_t i) const {
    return world.replies[i].error ? world.replies[i].error->code : "ok";
  }
};

}  // namespace coppice::gateway::testing
