#include "client/cli/doctor/checks.hpp"

#include "base/private_file.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <limits>
#include <set>
#include <sys/stat.h>

namespace coppice::cli::doctor {

namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;
/// A gateway's connection takes a descriptor; below the first it cannot hold its promises.
constexpr std::uint64_t few_descriptors = 1024, enough_descriptors = 65'536;
/// What gateways ask for.
constexpr std::uint64_t waiting_connections = 4096;
constexpr std::int64_t large_error_us = 100'000;
constexpr std::uint64_t little_room = 1 * gib, enough_room = 10 * gib;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string last_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  const auto start = text.rfind('\n');
  return start == std::string::npos ? text : text.substr(start + 1);
}

/// The second line of `--version`.
std::string revision_of(const program_answer& answer) {
  constexpr std::string_view key = "revision";
  const auto at = answer.output.find(key);
  if (at == std::string::npos) return "";
  const auto start = answer.output.find_first_not_of(' ', at + key.size());
  return start == std::string::npos ? "" : first_line(answer.output.substr(start));
}

finding check_program(const program_answer& answer) {
  if (answer.status == 0)
    return {level::good, "programs",
            first_line(answer.output) + ", revision " + revision_of(answer) + "."};
  return {level::problem, "programs",
          fmt::format("{} does not start: {}", answer.program, last_line(answer.output)),
          "Install the packages of the missing libraries, or take the release archive, which holds "
          "them."};
}

std::string limit_text(std::uint64_t value) {
  return value == std::numeric_limits<std::uint64_t>::max() ? "no limit" : std::to_string(value);
}

finding check_descriptors(std::uint64_t most) {
  const auto found = most < few_descriptors      ? level::problem
                     : most < enough_descriptors ? level::warning
                                                 : level::good;
  return {found, "limits", "Descriptors of a process: " + limit_text(most) + ".",
          found == level::good ? ""
                               : "The units set LimitNOFILE; elsewhere raise 'ulimit -Hn' to 65536 "
                                 "or more."};
}

finding check_waiting(std::uint64_t most) {
  const bool enough = most >= waiting_connections;
  return {enough ? level::good : level::warning, "limits",
          "Connections that may wait to be accepted: " + std::to_string(most) + ".",
          enough ? "" : "Run 'sysctl -w net.core.somaxconn=4096', and keep it in /etc/sysctl.d."};
}

finding check_locked(std::uint64_t most) {
  const bool enough = most == std::numeric_limits<std::uint64_t>::max();
  return {enough ? level::good : level::warning, "limits",
          "Locked memory of a process, in bytes: " + limit_text(most) + ".",
          enough ? ""
                 : "Copies to a GPU are slower without: the worker's unit sets LimitMEMLOCK; "
                   "elsewhere run 'ulimit -l unlimited'."};
}

bool is_ours(const listener& found) { return found.program.starts_with("coppice"); }

}  // namespace

findings check_programs(const std::vector<program_answer>& answers) {
  findings all;
  std::set<std::string> revisions;
  for (const auto& each : answers) {
    all.push_back(check_program(each));
    if (each.status == 0) revisions.insert(revision_of(each));
  }
  if (answers.empty())
    all.push_back({level::problem, "programs", "There is no program of Coppice beside this one.",
                   "Install the component of this machine's part: gateway, scheduler or worker."});
  if (revisions.size() > 1)
    all.push_back({level::warning, "programs",
                   fmt::format("The programs are of {} different revisions.", revisions.size()),
                   "Install all of one release."});
  return all;
}

finding check_configuration(const std::string& file, const program_answer& answer) {
  if (answer.status == 0)
    return {level::good, "configuration", file + ": " + answer.program + " can use it."};
  return {level::problem, "configuration", last_line(answer.output),
          "Correct " + file + "; its keys are in operations.md."};
}

findings check_limits(const limits& of, bool has_gpu) {
  findings all{check_descriptors(of.descriptors)};
  if (of.waiting_connections > 0) all.push_back(check_waiting(of.waiting_connections));
  if (has_gpu) all.push_back(check_locked(of.locked_bytes));
  return all;
}

finding check_clock(const std::optional<clock_state>& state) {
  if (!state)
    return {level::warning, "clock", "The kernel does not tell whether the clock is right.",
            "Look at the machine below this container."};
  const auto error = fmt::format("{:.1f} ms", static_cast<double>(state->error_us) / 1e3);
  if (!state->synchronised)
    return {level::warning, "clock", "The clock is not synchronised.",
            "Install systemd-timesyncd or chrony: the times of logs, and of keys and certificates "
            "that expire, depend on it."};
  if (state->error_us > large_error_us)
    return {level::warning, "clock", "The clock may be wrong by " + error + ".",
            "Look at the time servers: timedatectl timesync-status, or chronyc tracking."};
  return {level::good, "clock", "The clock is synchronised, to within " + error + "."};
}

finding check_port(const configured_port& port, const std::optional<listener>& found) {
  const auto what = fmt::format("{} ({} of {})", port.address, port.key, port.file);
  if (!found) return {level::good, "ports", what + " is free."};
  if (found->pid == 0)
    return {level::warning, "ports", what + " is in use, by whom this user may not know.",
            "Run this as root."};
  const auto who = fmt::format("{}, pid {}", found->program, found->pid);
  if (is_ours(*found)) return {level::good, "ports", what + " is in use by " + who + "."};
  return {level::problem, "ports", what + " is in use by " + who + ".",
          "Stop that process, or choose another port."};
}

finding check_secret(const secret_file& file) {
  if (is_private(file.mode, file.group))
    return {level::good, "secrets", file.path + " is readable to its owner alone."};
  return {level::problem, "secrets",
          fmt::format("{} has mode {:04o}: others than its owner may read it.", file.path,
                      file.mode & 07777u),
          "Run 'chmod 600 " + file.path + "', and make new keys if others may have read it."};
}

findings check_devices(const devices& of, const std::vector<std::string>& wanted) {
  findings all{{level::good, "devices", fmt::format("CPUs: {}. GPUs: {}.", of.cpus, of.gpus)}};
  if (of.gpus > 0 && of.driver.empty())
    all.push_back({level::problem, "devices",
                   "There are GPUs, but the NVIDIA driver is not loaded.",
                   "Run 'modprobe nvidia'; install the driver if there is none."});
  if (of.gpus > 0 && !of.driver.empty())
    all.push_back({level::good, "devices", "NVIDIA driver: " + of.driver});
  for (const auto& each : wanted) {
    if (!each.starts_with("cuda")) continue;
    const auto colon = each.find(':');
    const auto index = colon == std::string::npos ? 0 : std::strtoul(&each[colon + 1], nullptr, 10);
    if (index >= of.gpus)
      all.push_back({level::problem, "devices",
                     "An engine is configured for " + each + ", which this machine does not have.",
                     "Correct 'engines' of the worker's configuration, or look for the GPU: "
                     "'ls /dev/nvidia*'."});
  }
  return all;
}

finding check_namespaces(const std::string& reason) {
  if (reason.empty()) return {level::good, "namespaces", "Network namespaces can be made."};
  return {level::warning, "namespaces", "No network namespace can be made: " + reason + ".",
          "Engines cannot be shut off from the network: allow 'sysctl "
          "kernel.unprivileged_userns_clone=1' and 'user.max_net_namespaces'."};
}

finding check_disk(const disk_room& of) {
  const auto found = of.free_bytes < little_room   ? level::problem
                     : of.free_bytes < enough_room ? level::warning
                                                   : level::good;
  return {found, "disk",
          fmt::format("{}: {:.1f} GiB are free.", of.folder,
                      static_cast<double>(of.free_bytes) / static_cast<double>(gib)),
          found == level::good ? "" : "Make room: models and releases take several GiB."};
}

}  // namespace coppice::cli::doctor
