#pragma once

#include "gateway/shard/shard.hpp"
#include "tests/simulation/gateway_books.hpp"
#include "tests/simulation/scheduler_link.hpp"

#include <deque>
#include <map>
#include <set>
#include <variant>

namespace coppice::simulation {

/// A gateway process: a real shard, and what gateway/shard/shard_loop.cpp (the poll loop and its
/// sockets) and gateway/gateway_actor.cpp do around it.
class gateway_host : public host, private gateway::shard_effects {
 public:
  gateway_host(world& all, host_id self);

  steady_time turn(std::vector<arrival>& arrived, steady_time now) override;
  /// The run is over.
  void finish() { books_.finish(); }
  [[nodiscard]] static std::string endpoint(std::uint32_t index);

 private:
  struct place_lost {};
  using mail = std::variant<proto::place_reply, place_lost, proto::engine_down, proto::catalogue>;
  struct client_connection {
    int descriptor = -1;
    std::string routing_id;
  };
  struct client_message {
    gateway::frame_list frames;
    int descriptor = -1;
  };

  // shard_effects
  void reply(const gateway::client_address& to, const proto::reply& header,
             gateway::frame_list&& frames) override;
  bool send(incarnation_id to, const proto::link_request& header,
            const gateway::frame_list& frames) override;
  void open_link(const gateway::engine_link& link) override;
  void close_link(const gateway::engine_link& link) override;
  void place(proto::place_request&& demand) override;

  void audit_unknown(std::uint64_t number);

  // the gateway actor
  void take_mesh(std::size_t rank, arrival& it, steady_time now);
  void lose_places(connection_id on);

  // the loop
  void sort(arrival& it, steady_time now);
  void accept(connection_id on);
  void take_message(arrival& it);
  void take_closed_connection(connection_id on);
  void take_mail(steady_time now);
  void receive_engines(steady_time now);
  void receive_clients(steady_time now);
  void take_client(client_message&& message, steady_time now);
  void take_closed(steady_time now);
  void tick(steady_time now);
  void stop(steady_time now);

  world& world_;
  host_id self_;
  draws random_;
  gateway_books books_;
  gateway::shard shard_;

  std::vector<scheduler_link> schedulers_;
  /// Places without an answer: token and connection.
  std::map<std::uint64_t, connection_id> places_;
  std::uint64_t last_token_ = 0;

  std::map<connection_id, client_connection> clients_;
  std::map<std::string, connection_id> client_of_routing_id_;
  std::set<int> free_descriptors_;
  int next_descriptor_ = 10;
  struct engine_connection {
    connection_id on = no_connection;
    std::string endpoint;
  };
  std::map<incarnation_id, engine_connection> engines_;
  std::map<connection_id, incarnation_id> engine_of_connection_;

  std::deque<mail> mail_;
  std::deque<gateway::frame_list> engine_messages_;
  std::deque<client_message> client_messages_;
  std::deque<std::string> engines_closed_;
  std::deque<int> clients_closed_;
  steady_time next_tick_{};
  duration born_;
  std::string header_;  // reused
};

}  // namespace coppice::simulation
