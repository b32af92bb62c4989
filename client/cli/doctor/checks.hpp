#pragma once

#include "client/cli/doctor/configured.hpp"
#include "client/cli/doctor/finding.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What the doctor thinks of what it sees: facts in, findings out. Pure.
namespace coppice::cli::doctor {

/// How a program answered `--version`, or its configuration's check.
struct program_answer {
  std::string program;
  /// Exit status; 128 and more: killed by a signal; 127: it could not be started.
  int status = 0;
  /// Everything that it wrote.
  std::string output;
};

/// Every program starts, so every library was found, and all are of one build.
[[nodiscard]] findings check_programs(const std::vector<program_answer>& answers);

/// A program likes its configuration `file`.
[[nodiscard]] finding check_configuration(const std::string& file, const program_answer& answer);

struct limits {
  /// The most that a process may raise its own to; UINT64_MAX: no limit.
  std::uint64_t descriptors = 0;
  std::uint64_t locked_bytes = 0;
  /// Connections that may wait to be accepted; 0: not known.
  std::uint64_t waiting_connections = 0;
};
[[nodiscard]] findings check_limits(const limits& of, bool has_gpu);

struct clock_state {
  bool synchronised = false;
  /// Largest error that the kernel thinks possible.
  std::int64_t error_us = 0;
};
/// @param state  nothing: the kernel does not tell.
[[nodiscard]] finding check_clock(const std::optional<clock_state>& state);

/// Who listens on a port.
struct listener {
  /// 0: somebody whose name this user may not know.
  std::int64_t pid = 0;
  std::string program;
};
/// @param found  nothing: the port is free.
[[nodiscard]] finding check_port(const configured_port& port, const std::optional<listener>& found);

/// A file with a secret, and who may read it.
struct secret_file {
  std::string path;
  unsigned mode = 0;
  unsigned group = 0;
};
[[nodiscard]] finding check_secret(const secret_file& file);

struct devices {
  unsigned cpus = 0;
  /// Nodes /dev/nvidia0, /dev/nvidia1, ...
  unsigned gpus = 0;
  /// What the NVIDIA driver says of itself; empty: it is not loaded.
  std::string driver;
};
/// @param wanted  devices that engines are configured for.
[[nodiscard]] findings check_devices(const devices& of, const std::vector<std::string>& wanted);

/// @param reason  why none can be made; empty: they can.
[[nodiscard]] finding check_namespaces(const std::string& reason);

struct disk_room {
  std::string folder;
  std::uint64_t free_bytes = 0;
};
[[nodiscard]] finding check_disk(const disk_room& of);

}  // namespace coppice::cli::doctor
