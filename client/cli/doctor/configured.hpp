#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace coppice::cli::doctor {

/// A port that a configuration names.
struct configured_port {
  /// "127.0.0.1:5555", as it stands there.
  std::string address;
  std::uint16_t port = 0;
  /// The key, for example "door", and the name of the file.
  std::string key, file;
};

/// What the doctor looks at of a server's configuration. Whether that is right as a whole, the
/// server's own check says.
struct configured {
  std::vector<configured_port> ports;
  /// Devices of engines.
  std::vector<std::string> devices;
  /// Files with secrets, as far as their keys say so.
  std::vector<std::filesystem::path> secrets;
  /// It holds passwords itself.
  bool holds_passwords = false;
  std::string models;
};

/// Reads what there is; a file that is no YAML names nothing.
[[nodiscard]] configured read_configured(const std::filesystem::path& file);

}  // namespace coppice::cli::doctor
