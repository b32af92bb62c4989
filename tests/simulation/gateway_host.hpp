#pragma once

#include "gateway/admission/outgoing_bytes.hpp"
#include "gateway/place_book.hpp"
#include "gateway/shard/shard.hpp"
#include "tests/simulation/gateway_books.hpp"
#include "tests/simulation/scheduler_link.hpp"

#include <deque>
#include <map>
#include <set>
#include <variant>

namespace coppice::simulation {

/// A gateway process: a real shard and place book, and what gateway/shard/shard_loop.cpp (the poll
/// loop and its sockets) and gateway/gateway_actor.cpp do around them. gateway_effects.cpp has what
/// its shard does to the world.
class gateway_host : public host, private gateway::shard_effects {
 public:
  gateway_host(world& all, host_id self);

  steady_time turn(std::vector<arrival>& arrived, steady_time now) override;
  /// The run is over.
  void finish() { books_.finish(); }
  [[nodiscard]] static std::string endpoint(std::uint32_t index);

 private:
  struct place_lost {};
  using mail = std::variant<proto::place_reply, place_lost, proto::engine_down, proto::catalogue,
                            proto::judgement, proto::drain_notice>;
  struct client_connection {
    int descriptor = -1;
    std::string routing_id;
    std::string tenant;
  };
  struct client_message {
    gateway::frame_list frames;
    int descriptor = -1;
    std::string tenant;
  };
  struct scheduler_entry {
    scheduler_link link;
    /// While it is up: its process, another one after each start.
    std::string name;
  };

  // shard_effects
  gateway::delivery reply(const gateway::client_address& to, const proto::reply& header,
                          gateway::frame_list&& frames) override;
  [[nodiscard]] std::size_t unread_bytes() const override { return unread_.total(); }
  [[nodiscard]] bool is_behind(const gateway::client_address& client) const override {
    return unread_.is_full(client.connection);
  }
  bool send(incarnation_id to, const proto::link_request& header,
            const gateway::frame_list& frames) override;
  void open_link(const gateway::engine_link& link) override;
  void close_link(const gateway::engine_link& link) override;
  void place(proto::place_request&& demand) override;
  void suspect(proto::suspicion&& told) override;
  void tell(proto::trial_result&& told) override;
  void tell(proto::drain_ack&& told) override;

  gateway::delivery deliver(const gateway::client_address& to, const proto::reply& header,
                            gateway::frame_list&& frames);
  void audit_reply(std::uint64_t number, const proto::reply& header, gateway::delivery became);
  void audit_unknown(std::uint64_t number);
  [[nodiscard]] std::uint64_t number_of(const gateway::client_address& to,
                                        const proto::raw_value& id) const;

  // the gateway actor
  void take_mesh(scheduler_entry& from, arrival& it, steady_time now);
  void take_told(arrival& it);
  void carry(gateway::place_book::outcome&& follows);
  void pass_order(const proto::drain_order& order);
  [[nodiscard]] const scheduler_entry* find(const std::string& name) const;
  [[nodiscard]] const scheduler_entry* judge_of(const proto::fingerprint& of) const;

  // the loop
  void sort(arrival& it, steady_time now);
  void accept(connection_id on);
  void take_message(arrival& it);
  void take_closed_connection(connection_id on);
  void take_mail(steady_time now);
  void take(mail& it, steady_time now);
  void receive_engines(steady_time now);
  void receive_clients(steady_time now);
  void take_client(client_message&& message, steady_time now);
  void take_closed(steady_time now);
  void tick(steady_time now);
  void stop(steady_time now);

  world& world_;
  host_id self_;
  draws random_;
  gateway::shard shard_;
  gateway_books books_;
  /// Of replies on their way, until their client takes them.
  gateway::outgoing_bytes unread_;
  gateway::place_book places_;

  std::vector<scheduler_entry> schedulers_;
  /// In `place_book::turn`s.
  steady_time next_actor_turn_{};
  steady_time now_{};

  std::map<connection_id, client_connection> clients_;
  std::map<std::string, connection_id> client_of_routing_id_;
  std::map<std::string, std::string> session_of_routing_id_;
  /// What a session means by its ids.
  std::map<std::pair<std::string, std::string>, std::uint64_t> number_of_id_;
  std::set<int> free_descriptors_;
  int next_descriptor_ = 10;
  /// Connections of clients that there were.
  std::size_t clients_met_ = 0;
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
