#pragma once

#include "base/clock.hpp"
#include "base/config_file.hpp"
#include "base/error.hpp"
#include "base/metrics.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace coppice::actors {

/// By what a process shows the mesh that it belongs to it: PEM files of its certificate and private
/// key, and of the authority that signs for this mesh alone. Names in certificates are not
/// compared: whoever has one is in.
struct mesh_identity {
  std::filesystem::path certificate, key, ca;
};

/// How a process takes part in the mesh.
struct mesh_options {
  /// "host:port"; port 0 takes any free one.
  std::string listen = "127.0.0.1:0";
  /// None: plain CAF, on loopback only.
  std::optional<mesh_identity> identity;
  /// Plain CAF beyond loopback is refused unless this is set; then log, status and metrics warn.
  bool insecure = false;
};

/// Reads `{certificate, key, ca}` or `{insecure: true}` into `out`. Files are relative to `folder`.
/// @error `invalid`, as "file:line: problem. remedy."
expected<void> read_mesh(config_map mesh, const std::filesystem::path& folder, mesh_options& out);

/// Looks at the files before CAF does, which ends the process over a bad one.
/// @returns when the certificate ends. @error `invalid`: a file cannot be read, others than its
/// owner may read the key, key and certificate do not belong together, the authority has not signed
/// it, or it has ended.
expected<std::chrono::system_clock::time_point> check_identity(const mesh_identity& identity);

/// The same for a process: keeps the end of its certificate as a figure. Nothing without identity.
expected<void> check_identity(const mesh_options& options, metrics& registry);

/// Dials a mesh port without a certificate. @error `invalid` if it lets a stranger in.
expected<void> check_refuses_strangers(const std::string& host, std::uint16_t port, duration limit);

}  // namespace coppice::actors
