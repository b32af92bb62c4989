#pragma once

#include "tests/gateway/shard/shard_fixture.hpp"

#include <string>
#include <utility>
#include <vector>

/// A shard whose engines die, with and without a word of their worker.
namespace coppice::gateway::testing {

struct LossesFixture : ShardFixture {
  using ShardFixture::ShardFixture;

  /// A request whose content is told apart by a name.
  void send(int id, const std::string& content, steady_time at = t0, bool at_most_once = false) {
    auto request = a_request("echo", id);
    request.at_most_once = at_most_once;
    request.outputs = {content};
    request.timeout_ms = 60'000;
    gateway.on_client_message(as_message(request, "client"), 5, at);
  }
  void lose_link(std::uint64_t incarnation, steady_time at) {
    gateway.on_link_reset("tcp://e" + std::to_string(incarnation), at);
    gateway.on_tick(at + 10ms);
  }
  void die(std::uint64_t incarnation, const std::string& cause, std::vector<attempt_id> suspects,
           steady_time at = t0) {
    gateway.on_engine_down({"engine-" + std::to_string(incarnation),
                            {incarnation},
                            "was killed by signal 11 (SIGSEGV)",
                            std::move(suspects),
                            cause},
                           at);
  }
  void judge(const proto::fingerprint& of, const char* verdict, const char* by = "gateway-1",
             steady_time at = t0) {
    gateway.on_judgement({of, verdict, by, 10'000'000}, at);
  }
  [[nodiscard]] attempt_id attempt(std::size_t i) const { return world.attempts[i].header.attempt; }
};

}  // namespace coppice::gateway::testing
