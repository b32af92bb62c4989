#pragma once

#include "tests/worker/engine/builders.hpp"
#include "worker/engine/count_model.hpp"
#include "worker/engine/engine_desk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace coppice::worker {

/// A model that takes one item at a time and any inputs, on instances with threads.
inline model_spec a_plain_spec(const std::string& name, std::uint32_t instances = 1) {
  model_spec spec;
  spec.name = name;
  spec.builtin = "sleep";
  spec.instances = instances;
  return spec;
}

/// A desk in virtual time. What it starts runs until the test ends it; what it sends is kept.
class virtual_engine : public engine_effects {
 public:
  struct message {
    std::string gateway;
    proto::link_reply header;
    item_outputs outputs;
    [[nodiscard]] std::string code() const { return header.error ? header.error->code : ""; }
  };

  explicit virtual_engine(std::vector<model_spec> specs, std::size_t max_bytes = 1 << 20)
      : desk{{{incarnation}, key, std::move(specs), max_bytes}, *this} {}

  static constexpr std::uint64_t incarnation = 0xE1;
  static constexpr auto key = "the link key";

  // What a gateway does.
  static proto::link_request hello_of(std::uint64_t to = incarnation,
                                      const std::string& with = key) {
    proto::link_request request;
    request.op = "hello";
    request.incarnation = {to};
    request.link_key = with;
    return request;
  }
  static proto::link_request infer_of(std::uint64_t id, const std::string& model,
                                      duration timeout = 30s) {
    proto::link_request request;
    request.op = "infer";
    request.attempt = {id};
    request.incarnation = {incarnation};
    request.model = model;
    request.version = 1;
    request.timeout_us = to_us(timeout);
    request.inputs.push_back({"x", "UINT8", {4}, 0u, {}});
    return request;
  }
  void say(const std::string& gateway, const proto::link_request& request) {
    desk.on_message(gateway, request, {a_frame_of("abcd")}, now);
  }
  void say(const std::string& gateway, const std::string& op, std::uint64_t id = 0) {
    proto::link_request request;
    request.op = op;
    request.attempt = {id};
    request.incarnation = {incarnation};
    say(gateway, request);
  }
  void hello(const std::string& gateway) { say(gateway, hello_of()), sent.clear(); }
  void infer(std::uint64_t id, const std::string& model, duration timeout = 30s) {
    say("g", infer_of(id, model, timeout));
  }
  void infer_alone(std::uint64_t id, const std::string& model, duration timeout = 30s) {
    auto request = infer_of(id, model, timeout);
    request.alone = true;
    say("g", request);
  }

  // What time does.
  void tick() { desk.on_tick(now); }
  void advance(duration by) { now += by, tick(); }
  /// The batch on that instance ends now, `took` after it began; each item gives its inputs back.
  void finish(std::size_t instance, duration took = 1ms) {
    finished_batch done;
    done.ran = std::move(running.at(instance));
    running.erase(instance);
    done.took = took;
    done.began = now - took;
    for (const auto& each : done.ran.attempts) done.results.emplace_back(each.item.inputs);
    desk.on_batch(instance, std::move(done), now);
  }

  // What came of it.
  [[nodiscard]] std::vector<std::uint64_t> ids_on(std::size_t instance) const {
    std::vector<std::uint64_t> ids;
    if (const auto found = running.find(instance); found != running.end())
      for (const auto& each : found->second.attempts) ids.push_back(each.id.value);
    return ids;
  }
  [[nodiscard]] bool runs(std::uint64_t id) const {
    return std::any_of(running.begin(), running.end(), [&](const auto& entry) {
      const auto ids = ids_on(entry.first);
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    });
  }
  /// The step of a model that streams on that instance ends now, with the tokens of `count`.
  void finish_step(std::size_t instance, duration took = 1ms) {
    auto step = std::move(steps.at(instance));
    steps.erase(instance);
    progress_page::lane page;
    auto& model = counters.try_emplace(instance, model_spec::max_sequences).first->second;
    auto done = run_token_step(model, std::move(step), page);
    done.took = took;
    done.began = now - took;
    desk.on_step(instance, std::move(done), now);
  }
  [[nodiscard]] std::vector<std::uint64_t> stepping(std::size_t instance = 0) const {
    std::vector<std::uint64_t> ids;
    if (const auto found = steps.find(instance); found != steps.end())
      for (const auto id : found->second.attempts) ids.push_back(id.value);
    return ids;
  }

  /// The messages since the last call.
  std::vector<message> take_sent() { return std::exchange(sent, {}); }

  // engine_effects
  bool send(const std::string& gateway, const proto::link_reply& header,
            const item_outputs& outputs) override {
    if (gone.contains(gateway)) return false;
    sent.push_back({gateway, header, outputs});
    return true;
  }
  std::optional<finished_batch> start(std::size_t instance, batch&& next) override {
    EXPECT_FALSE(running.contains(instance));
    on_start();
    if (in_line) return in_no_time(std::move(next));
    running.emplace(instance, std::move(next));
    return std::nullopt;
  }
  void start_step(std::size_t instance, token_step&& next) override {
    EXPECT_FALSE(steps.contains(instance));
    on_start();
    steps.emplace(instance, std::move(next));
  }
  void ignored(const char* why) override { reasons.emplace_back(why); }

  steady_time now = t0;
  /// Instances run in line: batches take no time.
  bool in_line = false;
  std::map<std::size_t, batch> running;
  std::map<std::size_t, token_step> steps;
  std::map<std::size_t, count_model> counters;
  std::function<void()> on_start = [] {};
  std::vector<message> sent;
  std::vector<std::string> reasons;
  /// Gateways that no message reaches.
  std::set<std::string> gone;
  engine_desk desk;

 private:
  finished_batch in_no_time(batch&& ran) const {
    finished_batch done;
    for (const auto& each : ran.attempts) done.results.emplace_back(each.item.inputs);
    done.ran = std::move(ran);
    done.began = now;
    return done;
  }
};

}  // namespace coppice::worker
