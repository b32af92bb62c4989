#pragma once

#include "tests/simulation/event_queue.hpp"
#include "tests/simulation/packet.hpp"
#include "tests/simulation/paths.hpp"

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::simulation {

/// What the network asks of those it connects.
class network_users {
 public:
  virtual ~network_users() = default;
  virtual void arrive(host_id to, arrival&& what) = 0;
  /// Its process runs and is not frozen: it takes what comes and answers heartbeats.
  [[nodiscard]] virtual bool responsive(host_id of) const = 0;
  /// Its machine has power.
  [[nodiscard]] virtual bool powered(machine_id of) const = 0;
};

/// Connections as TCP gives them to ZeroMQ and CAF: in order within a connection, at most once; a
/// connection that is cut, or whose process dies, loses what is under way, and the other end sees a
/// reset behind what still came; what a partition holds back goes on when it heals, unless an end
/// has given up by then. Nobody hears of a silent death but by its own limits.
class network {
 public:
  network(std::uint32_t machines, event_queue& queue, network_users& users, draws random);

  /// Says where a host lives; before anything else of it.
  void place(host_id host, machine_id on);
  [[nodiscard]] machine_id machine_of(host_id host) const { return machine_of_[host]; }
  [[nodiscard]] host_id peer_of(connection_id on, host_id host) const {
    return connections_[on].ends[1 - side_of(connections_[on], host)].host;
  }
  paths& between() noexcept { return paths_; }

  /// `host` accepts connections to `endpoint` until it dies.
  void listen(host_id host, const std::string& endpoint);
  /// The result arrives as `opened` or `closed`; what is sent before waits for it.
  connection_id dial(host_id from, const std::string& endpoint, link_kind kind);
  /// A connection that stands at once: between a worker and the engine process it has started.
  connection_id join(host_id parent, host_id child);
  /// @returns false if the connection is closed at this end.
  bool send(connection_id on, host_id from, packet&& what);
  void close(connection_id on, host_id from);

  /// Ends every connection of a dead host. @param silent  nobody is told: its machine lost power.
  void host_died(host_id host, bool silent);
  /// The machine answers again: its old connections are reset.
  void booted(machine_id machine);
  /// Both ends see a reset.
  void cut(connection_id on);
  /// Nothing gets from one machine to the other until `heal` was called as often.
  void block(machine_id from, machine_id to);
  void heal(machine_id from, machine_id to);
  /// Connections that stand between two machines.
  [[nodiscard]] std::vector<connection_id> between(machine_id a, machine_id b) const;

  /// Handles `deliver`, `release`, `establish` and `sweep`.
  void happen(const event& what);

 private:
  struct end {
    host_id host = 0;
    bool open = false;
    /// How long the peer has been silent, in sweeps.
    std::uint32_t silent = 0;
  };
  struct lane {
    /// The earliest next delivery: lanes keep their order.
    duration floor{0};
    std::vector<std::uint32_t> held;
    /// Packets of an earlier epoch are lost.
    std::uint32_t epoch = 0;
  };
  struct connection {
    link_kind kind = link_kind::mesh;
    /// 0 dialled, 1 listens.
    end ends[2];
    /// By sender.
    lane lanes[2];
    bool dialling = true;
    std::uint32_t tries = 0;
    std::string endpoint;
  };
  struct stored {
    packet what;
    std::uint32_t epoch = 0;
    bool last = false;
  };
  struct listener {
    host_id host = 0;
    bool open = false;
  };

  [[nodiscard]] static int side_of(const connection& of, host_id host) {
    return of.ends[0].host == host ? 0 : 1;
  }
  [[nodiscard]] bool passes(const connection& on, int from);
  void put(connection_id on, int from, packet&& what, bool last, duration pause = duration{0});
  void tear(connection_id on, int from);
  void hand_over(connection_id on, int from, std::uint32_t at);
  void deliver(connection_id on, int from, std::uint32_t at);
  void release(connection_id on, int from);
  void establish(connection_id on);
  void refused(connection_id on);
  void sweep();
  [[nodiscard]] bool answers(const connection& it, int side);
  void give_up_if_silent(connection_id on, int side);
  std::uint32_t store(packet&& what, std::uint32_t epoch, bool last);
  packet unstore(std::uint32_t at);

  event_queue& queue_;
  network_users& users_;
  draws random_;
  paths paths_;
  std::vector<machine_id> machine_of_;
  std::unordered_map<std::string, listener> listeners_;
  /// Never shrinks: ids stay valid.
  std::deque<connection> connections_;
  std::vector<connection_id> active_;
  std::vector<stored> packets_;
  std::vector<std::uint32_t> free_;
};

}  // namespace coppice::simulation
