#include "client/cli/doctor/configured.hpp"

#include "base/config_file.hpp"

#include <charconv>

namespace coppice::cli::doctor {

namespace {

namespace fs = std::filesystem;

/// The port at the end of "host:port" or "tcp://host:port"; 0: none, or any.
std::uint16_t port_of(const std::string& address) {
  const auto colon = address.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string::npos) return 0;
  const auto* end = address.data() + address.size();
  const auto [stop, failed] = std::from_chars(address.data() + colon + 1, end, port);
  return failed == std::errc{} && stop == end ? port : std::uint16_t{0};
}

std::string text_of(const YAML::Node& node) {
  return node.IsDefined() && node.IsScalar() ? node.as<std::string>() : "";
}

void add_port(configured& to, const YAML::Node& at, const std::string& key, const fs::path& file) {
  const auto address = text_of(at);
  if (const auto port = port_of(address); port != 0)
    to.ports.push_back({address, port, key, file.filename().string()});
}

/// Keys that end so name a file with a secret.
bool names_a_secret(const std::string& key) {
  return key == "users_file" || key == "key" || key.ends_with("key_file") || key == "private_key";
}

void add_secrets(configured& to, const YAML::Node& map, const fs::path& folder) {
  if (!map.IsMap()) return;
  for (const auto& entry : map) {
    const auto key = text_of(entry.first), value = text_of(entry.second);
    if (key == "password") to.holds_passwords = true;
    if (entry.second.IsMap())
      add_secrets(to, entry.second, folder);
    else if (names_a_secret(key) && fs::exists(folder / value))
      to.secrets.push_back(folder / value);
  }
}

configured read(const YAML::Node& map, const fs::path& file) {
  configured found;
  if (!map.IsMap()) return found;
  for (const auto* key : {"door", "metrics", "listen"}) add_port(found, map[key], key, file);
  if (const auto embedded = map["embedded_scheduler"]; embedded && embedded.IsMap())
    add_port(found, embedded["listen"], "embedded_scheduler", file);
  if (const auto engines = map["engines"]; engines && engines.IsSequence())
    for (const auto& each : engines)
      if (each.IsMap()) found.devices.push_back(text_of(each["device"]));
  add_secrets(found, map, file.parent_path());
  found.models = text_of(map["models"]);
  return found;
}

}  // namespace

configured read_configured(const fs::path& file) try {
  return read(load_yaml(file), file);
} catch (const YAML::Exception&) {
  return {};
}

}  // namespace coppice::cli::doctor
