#pragma once

#include "actors/system.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "gateway/access/access_table.hpp"
#include "gateway/admission/admission.hpp"
#include "gateway/admission/tenant_limits.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace coppice::gateway {

/// Files of a door that asks for keys: its own key pair, and who may come.
struct door_keys {
  std::filesystem::path secret_file, allow_file;
};

/// What `coppice-gateway --config` reads. Every field has a default.
struct process_options {
  std::string name = "gateway-1";
  /// ZeroMQ endpoint for clients; port 0 or * takes any free one.
  std::string door = "tcp://127.0.0.1:0";
  /// ipc:// endpoint for operators; empty: none.
  std::string operator_door;
  std::string metrics = "127.0.0.1:0";
  /// Schedulers to dial, "host:port"; the first that lives is home.
  std::vector<std::string> schedulers;
  /// Where the scheduler inside this process listens for workers; nothing: there is none.
  std::optional<std::string> embedded_scheduler;
  actors::mesh_options mesh;
  admission_limits limits;
  tenant_table tenants;
  /// Who may use the door, by password; none: anybody, as tenant `anonymous`.
  user_table users;
  /// Or by key.
  std::optional<door_keys> keys;
  quota_table quotas;
  log_level level = log_level::info;
};

/// @error `invalid`, as "file:line: problem. remedy."
expected<process_options> read_options(const std::filesystem::path& file);

}  // namespace coppice::gateway
