#pragma once

#include "tests/simulation/auditor.hpp"
#include "tests/simulation/event_queue.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/skewed_clock.hpp"
#include "tests/simulation/story.hpp"
#include "worker/engine/progress_page.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

namespace coppice::simulation {

using process_id = std::uint32_t;

/// Machines, processes and hosts of one run, and the loop over its events.
/// world.cpp has the loop, world_build.cpp who lives where, world_processes.cpp how processes
/// start, end and freeze.
class world : public network_users {
 public:
  /// `tale` may be null.
  world(const scenario& of, auditor& audit, story* tale);
  ~world() override;

  /// Until the scenario's end, or the first breach.
  void run();
  [[nodiscard]] std::uint64_t events() const noexcept { return events_; }
  /// Of everything that happened: equal for equal runs.
  [[nodiscard]] std::uint64_t digest() const noexcept { return digest_; }

  // --- for hosts ---
  [[nodiscard]] const scenario& of() const noexcept { return of_; }
  [[nodiscard]] duration truth() const noexcept { return queue_.now(); }
  [[nodiscard]] steady_time local(host_id host) const;
  [[nodiscard]] network& net() noexcept { return network_; }
  [[nodiscard]] auditor& audit() noexcept { return audit_; }
  [[nodiscard]] draws& random() noexcept { return random_; }
  /// When the host's process was last thawed, or is frozen since, in true time; before the run if
  /// never.
  [[nodiscard]] duration last_frozen(host_id host) const;
  /// The host's process ends at the end of its turn.
  void exit(host_id host, process_exit how);
  /// Starts the engine process of a worker. @returns its pipe.
  connection_id start_engine(host_id worker, host_id engine,
                             const std::shared_ptr<worker::progress_page>& page);
  [[nodiscard]] std::shared_ptr<worker::progress_page> page_of(host_id engine) const;
  /// Of the process at the other end: another one after each start.
  [[nodiscard]] std::string identity_of_peer(connection_id on, host_id self) const;
  [[nodiscard]] connection_id pipe_of(host_id engine) const { return homes_[engine].pipe; }
  template <class... Arguments>
  void tell(host_id who, std::uint64_t request, fmt::format_string<Arguments...> what,
            Arguments&&... arguments) {
    if (tale_ != nullptr)
      tale_->tell(truth(), homes_[who].name,
                  fmt::format(what, std::forward<Arguments>(arguments)...), request);
  }

  [[nodiscard]] bool is_frozen(process_id process) const { return processes_[process].freezes > 0; }
  /// Of a client.
  [[nodiscard]] const std::string& tenant_of(host_id host) const {
    return of_.clients[host - client(0)].tenant;
  }

  // --- who lives where ---
  [[nodiscard]] host_id gateway(std::uint32_t index) const { return index; }
  [[nodiscard]] host_id scheduler(std::uint32_t index) const;
  [[nodiscard]] host_id worker(std::uint32_t node) const;
  [[nodiscard]] host_id engine(std::uint32_t node, std::uint32_t k) const;
  [[nodiscard]] host_id client(std::uint32_t index) const;
  [[nodiscard]] process_id process_of(host_id host) const { return homes_[host].process; }
  [[nodiscard]] const std::string& name_of(host_id host) const { return homes_[host].name; }

  // --- for faults ---
  void kill(process_id process, const process_exit& how, bool silent = false);
  void freeze(process_id process);
  void thaw(process_id process);
  void power_off(machine_id machine);
  void power_on(machine_id machine);
  /// SIGTERM: the host sees `wants_stop`.
  void ask_to_stop(process_id process);
  [[nodiscard]] bool wants_stop(host_id host) const;
  /// An operator's order, by way of the gateways.
  void order(const proto::drain_order& what);
  void tell_all(const std::string& what);

 private:
  struct machine_state {
    skewed_clock clock;
    bool powered = true;
  };
  struct process_state {
    machine_id on = 0;
    std::vector<host_id> hosts;
    /// Started again after its end; engines are their workers' business.
    bool supervised = true;
    bool runs = false;
    bool stopping = false;
    std::uint32_t freezes = 0;
    duration frozen_at{-1h};
  };
  struct host_state {
    std::string name;
    std::unique_ptr<host> lives;
    std::uint32_t life = 0;
    process_id process = 0;
    std::vector<arrival> inbox, taken;
    /// The earliest wake event under way, and when the host wants it.
    duration armed = duration::max();
    duration wanted = duration::max();
    duration busy_until{0};
    bool exits = false;
    process_exit how;
    connection_id pipe = no_connection;
    std::shared_ptr<worker::progress_page> page;
  };

  void arrive(host_id to, arrival&& what) override;
  [[nodiscard]] bool responsive(host_id of) const override;
  [[nodiscard]] bool powered(machine_id of) const override { return machines_[of].powered; }

  void add_process(machine_id on, bool supervised, std::vector<std::string> hosts);
  void add_scheduler(std::uint32_t index);
  void build();
  void build_machines();
  void build_processes();
  void plan_events();
  void start(process_id process);
  void start_later(process_id process);
  [[nodiscard]] std::unique_ptr<host> make(host_id host);
  void run_host(host_id host);
  void arm(host_id host, duration at);
  void wake(const event& what);
  void happen(const event& what);
  void submit(std::uint64_t number, arrival_kind kind);

  const scenario& of_;
  auditor& audit_;
  story* tale_;
  draws random_;
  event_queue queue_;
  network network_;
  std::vector<machine_state> machines_;
  std::vector<process_state> processes_;
  std::vector<host_state> homes_;
  std::uint64_t events_ = 0;
  std::uint64_t digest_ = 0;
};

}  // namespace coppice::simulation
