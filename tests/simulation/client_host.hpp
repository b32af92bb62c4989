#pragma once

#include "proto/messages/client.hpp"
#include "tests/simulation/world.hpp"

#include <deque>
#include <map>
#include <set>

namespace coppice::simulation {

/// A client process: what client/client.cpp does, a DEALER socket that dials again by itself
/// included.
class client_host : public host {
 public:
  client_host(world& all, host_id self);
  ~client_host() override;
  steady_time turn(std::vector<arrival>& arrived, steady_time now) override;

 private:
  struct open_request {
    proto::request header;
    steady_time deadline;
    /// When to send it again; `steady_time::max()`: it is with the gateway.
    steady_time send_at = steady_time::max();
    std::uint32_t tries = 0;
  };

  void take(arrival& it, steady_time now);
  void start(std::uint64_t number, steady_time now);
  void cancel(std::uint64_t number);
  void send(std::uint64_t number, open_request& request, steady_time now);
  void take_reply(gateway::frame_list&& frames, steady_time now);
  void finish(std::uint64_t number, const std::string& code, bool right, steady_time now);
  [[nodiscard]] static bool is_right(const request_plan& plan, std::uint64_t number,
                                     const proto::reply& reply, const gateway::frame_list& frames);
  void tick(steady_time now);
  void ping(steady_time now);
  void next_gateway(steady_time now);
  [[nodiscard]] steady_time next_turn(steady_time now) const;

  // the socket
  void connect();
  void write(const proto::request& header, gateway::frame_list&& frames);
  void write(packet&& message);
  void connection_changed(const arrival& it, steady_time now);

  world& world_;
  host_id self_;
  const client_plan& plan_;
  std::string session_;
  std::size_t endpoint_ = 0;
  std::map<std::uint64_t, open_request> open_;
  std::set<std::pair<steady_time, std::uint64_t>> deadlines_, resends_;
  steady_time heard_{}, pinged_{};

  connection_id connection_ = no_connection;
  bool connected_ = false;
  /// While it is down: when the socket dials again, and what waits until it is up.
  steady_time dial_at_ = steady_time::max();
  std::uint32_t dial_streak_ = 0;
  std::deque<packet> unsent_;
  std::string header_;  // reused
};

}  // namespace coppice::simulation
