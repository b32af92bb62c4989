#pragma once

#include "client/session.hpp"
#include "tests/simulation/world.hpp"

#include <set>

namespace coppice::simulation {

/// A client process: a real session, and what client/client.cpp and client/connection.cpp do
/// around it.
class client_host : public host, private client::session_effects {
 public:
  client_host(world& all, host_id self);
  ~client_host() override;
  steady_time turn(std::vector<arrival>& arrived, steady_time now) override;

 private:
  // session_effects
  void send(const proto::request& header, const client::frame_list& frames) override;
  void dial(std::size_t gateway) override;

  void take(arrival& it, steady_time now);
  void take_reply(gateway::frame_list&& frames, steady_time now);
  void start(std::uint64_t number, steady_time now);
  [[nodiscard]] client::open_request request_for(std::uint64_t number, steady_time now);
  [[nodiscard]] std::unique_ptr<client::token_stream> stream_for(std::uint64_t number);
  void finish(std::uint64_t number, steady_time deadline,
              const expected<client::answer_parts>& outcome);
  [[nodiscard]] bool is_right(std::uint64_t number, const client::answer_parts& answer) const;

  world& world_;
  host_id self_;
  draws random_;
  client::session session_;
  /// Requests without an outcome.
  std::set<std::uint64_t> open_;
  steady_time now_{};
  steady_time next_tick_{};
  connection_id connection_ = no_connection;
  std::string header_;  // reused
};

}  // namespace coppice::simulation
