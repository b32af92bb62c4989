#pragma once

#include "base/clock.hpp"
#include "client/cli/child.hpp"
#include "client/cli/run_folder.hpp"
#include "client/cli/stop_signals.hpp"
#include "client/cli/up_options.hpp"
#include "proto/messages/control.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

namespace coppice::cli {

/// `coppice up`: plays systemd for a whole cluster on this machine. cluster_up.cpp starts it,
/// cluster_up_watch.cpp keeps it up and stops it.
class cluster_up {
 public:
  explicit cluster_up(up_options options);

  /// Starts it, keeps it up until a stop signal, stops it. @returns the exit code.
  int run();

 private:
  struct stopped {};

  child& add(const std::string& role, const std::string& name, const std::string& program);
  void write_config(const child& of, const nlohmann::ordered_json& config) const;
  nlohmann::ordered_json wait_ready(child& of);
  void pause(int ms);
  void start_control();
  void start_gateway(std::uint32_t k, bool with_scheduler);
  void start_workers();
  void wait_for_models();
  void keep_metrics_address(std::uint32_t k);
  void say_progress(const proto::cluster_status& status);
  void write_ready_file();
  void say_summary();
  void supervise();
  void restart_ended();
  void announce_if_ready(child& of);
  void stop();
  /// @returns false if a stop signal came meanwhile.
  bool stop_all(const std::vector<child*>& which, duration limit);
  /// The first gateway's; empty before it is ready.
  [[nodiscard]] std::string operator_door() const {
    return operator_doors_.empty() ? "" : operator_doors_.front();
  }
  [[nodiscard]] nlohmann::ordered_json worker_config(std::uint32_t k) const;

  up_options options_;
  std::filesystem::path programs_;
  run_folder folder_;
  stop_signals signals_;
  std::vector<std::unique_ptr<child>> children_;
  std::map<std::string, nlohmann::ordered_json> ready_;
  /// Names of processes that were started again and are not ready yet.
  std::set<std::string> restarting_;
  std::vector<std::string> schedulers_;
  std::vector<std::string> operator_doors_;
  std::size_t expected_engines_ = 0;
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
};

}  // namespace coppice::cli
