#pragma once

#include "actors/mesh_identity.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "worker/node/engine_roster.hpp"
#include "worker/node/model_set.hpp"
#include "worker/node/node_supervision.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace coppice::worker {

/// One engine of a node: a device and how it is used.
struct device_options {
  /// cpu, cpu:N or cuda:N.
  std::string device = "cpu";
  /// Threads of one forward; 0: as model.yml says.
  std::uint32_t threads = 0;
  /// Engines of the same group start again together; empty: alone.
  std::string group;
};

/// What `coppice-worker --config` reads. Every field but `schedulers` has a default.
struct node_options {
  std::string name = "node-1";
  /// "host:port", all of them: a worker dials every scheduler.
  std::vector<std::string> schedulers;
  /// Model repository; empty: built-in models only.
  std::string models;
  /// Public keys by one of which the repository must be signed; none: it need not be.
  std::vector<std::string> trusted_keys;
  /// NAME or NAME:VERSION; empty: all of the repository.
  std::vector<std::string> serve;
  std::vector<std::string> builtins;
  /// File of the revisions that operators apply; they are what is served, above `models`, `serve`
  /// and `builtins`. Empty: none are taken.
  std::string state;
  /// Address of the engines' links.
  std::string bind = "127.0.0.1";
  std::vector<device_options> engines{{}};
  std::string metrics = "127.0.0.1:0";
  supervision_options supervision;
  /// Longest time of one step; then the engine counts as hung. What steps took before may only
  /// lower it.
  duration hang_after = 60s;
  /// How long an engine may take to start and to load each model, and how much more for its file;
  /// then it counts as hung.
  duration load_limit = 60s;
  std::uint32_t load_mib_per_s = 10;
  /// After SIGTERM: longest time for open work to end.
  duration drain = 30s;
  /// How engines are confined: off, auto (where the kernel can), required.
  std::string sandbox = "auto";
  /// The user and group that engines become; none: those of the worker.
  std::optional<std::pair<uid_t, gid_t>> engine_user;
  /// Most bytes of memory that an engine may write, and most tasks of its user; 0: no limit.
  std::uint64_t engine_memory_bytes = 0;
  std::uint64_t engine_tasks = 0;
  /// Empty: coppice-engine beside this program.
  std::string engine_program;
  actors::mesh_options mesh;
  log_level level = log_level::info;
};

/// @error `invalid`, as "file:line: problem. remedy."
expected<node_options> read_node_options(const std::filesystem::path& file);

/// Program and arguments of the node's k-th engine, as its roster counts them, with these models.
[[nodiscard]] std::vector<std::string> engine_command(const node_options& options, std::size_t k,
                                                      const model_set& models);

/// The node's engines as its roster takes them.
[[nodiscard]] std::vector<roster_entry> roster_of(const node_options& options);

/// "<node>/engine-<k>", or the name beside that of k minus the number of engines.
[[nodiscard]] std::string engine_name(const node_options& options, std::size_t k);

}  // namespace coppice::worker
