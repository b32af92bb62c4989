#include "base/backoff.hpp"
#include "client/cli/cluster_up.hpp"
#include "client/cli/verbs.hpp"

#include <csignal>
#include <cstdio>
#include <exception>

namespace coppice::cli {

namespace {

/// A gateway may let its open requests end; without gateways nobody waits for what engines run.
constexpr duration gateway_stop_limit = 35s;
constexpr duration stop_limit = 4s;
constexpr int watch_poll_ms = 100;

}  // namespace

void cluster_up::restart_ended() {
  const backoff pause{
      .base = 50ms, .cap = std::chrono::milliseconds{options_.restart_cap_ms}, .jitter = 0};
  const auto at = now();
  for (const auto& each : children_) {
    if (each->has_ended()) {
      each->streak = at - each->started > 10s ? 1 : each->streak + 1;
      each->start_at = at + pause.delay(each->streak, 0);
      std::fprintf(stderr, "%s %s; starting it again\n", each->name().c_str(),
                   each->reason().c_str());
    }
    if (each->pid() <= 0 && at >= each->start_at) {
      each->start();
      restarting_.insert(each->name());
    }
    announce_if_ready(*each);
  }
}

/// The ready file names a process that was started again once it is ready again.
void cluster_up::announce_if_ready(child& of) {
  if (!restarting_.contains(of.name())) return;
  const auto text = of.ready();
  if (!text) return;
  ready_[of.name()] = nlohmann::ordered_json::parse(*text);
  restarting_.erase(of.name());
  write_ready_file();
}

void cluster_up::supervise() {
  for (;;) {
    restart_ended();
    pause(watch_poll_ms);
  }
}

bool cluster_up::stop_all(const std::vector<child*>& which, duration limit) {
  for (const auto& each : which) each->signal(SIGTERM);
  const auto until = now() + limit;
  for (const auto& each : which)
    while (each->pid() > 0 && !each->has_ended() && now() < until)
      if (signals_.wait(5)) return false;
  return true;
}

/// Where requests enter first, so that what is below is idle when it stops. A second Ctrl-C, or a
/// limit, leaves the rest to the destructors, which kill.
void cluster_up::stop() {
  std::vector<child*> gateways, others;
  for (const auto& each : children_)
    (each->role() == "gateway" ? gateways : others).push_back(each.get());
  if (stop_all(gateways, gateway_stop_limit)) stop_all(others, stop_limit);
}

int cluster_up::run() try {
  try {
    start_control();
    start_workers();
    wait_for_models();
    write_ready_file();
    say_summary();
    supervise();
  } catch (const stopped&) {
    stop();
    return 0;
  }
  return 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "coppice up: %s\n", failure.what());
  stop();
  return exit_failure;
}

}  // namespace coppice::cli
