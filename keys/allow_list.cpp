#include "keys/allow_list.hpp"

#include "base/config_file.hpp"
#include "base/durable_file.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <set>

namespace coppice {

namespace {

constexpr const char* date_form = "%Y-%m-%dT%H:%M:%SZ";

expected<allowed_client> read_client(config_map map, const std::string& name) {
  allowed_client client;
  client.tenant = name;
  std::string key, expires;
  map.optional("key", key, "a text")
      .optional("tenant", client.tenant, "a name")
      .optional("quota", client.quota, "a name")
      .optional("expires", expires, "a date such as 2027-01-31T00:00:00Z");
  if (!is_account_name(client.tenant))
    map.reject("tenant", "a tenant's name has 1 to 64 letters, digits, '.', '_' and '-'");
  if (const auto parsed = public_key::parse(key))
    client.key = *parsed;
  else
    map.reject(
        "key",
        "'" + name +
            "' needs a 'key': a public key of 40 characters, as 'coppice keys new' shows it");
  client.expires = parse_date(expires);
  if (!expires.empty() && !client.expires)
    map.reject("expires", "'expires' must be a date such as 2027-01-31T00:00:00Z");
  if (auto done = map.finish(); !done) return tl::unexpected(done.error());
  return client;
}

YAML::Node node_of(const allowed_client& client) {
  YAML::Node node;
  node["key"] = client.key.text();
  node["tenant"] = client.tenant;
  if (!client.quota.empty()) node["quota"] = client.quota;
  if (client.expires) node["expires"] = date_text(*client.expires);
  return node;
}

std::string text_of(const std::map<std::string, allowed_client, std::less<>>& clients) {
  YAML::Node all{YAML::NodeType::Map};
  for (const auto& [name, client] : clients) all[name] = node_of(client);
  YAML::Node root;
  root["clients"] = all;
  YAML::Emitter out;
  out << root;
  return std::string{"# Clients that may use the doors, by 'coppice keys'.\n"} + out.c_str() + "\n";
}

}  // namespace

wall_time wall_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::optional<wall_time> parse_date(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), date_form, &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return wall_time{std::chrono::seconds{::timegm(&parts)}};
}

std::string date_text(wall_time at) {
  const std::time_t seconds = at.time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, date_form, &parts)};
}

bool is_account_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
  });
}

expected<allow_list> allow_list::read(const std::filesystem::path& file) {
  auto map = config_map::read(file);
  if (!map) return tl::unexpected(map.error());
  auto clients = map->section("clients");
  if (auto done = map->finish(); !done) return tl::unexpected(done.error());
  allow_list list;
  std::set<public_key> keys;
  for (auto& [name, section] : clients.sections()) {
    if (!is_account_name(name)) {
      clients.reject(name, "a client's name has 1 to 64 letters, digits, '.', '_' and '-'");
      break;
    }
    const auto client = read_client(std::move(section), name);
    if (!client) return tl::unexpected(client.error());
    if (list.clients_.contains(name)) clients.reject(name, "'" + name + "' stands there twice");
    if (!keys.insert(client->key).second)
      clients.reject(name, "'" + name + "' has the key of another client");
    if (list.clients_.size() == most_clients)
      clients.reject(name, "there are more than " + std::to_string(most_clients) + " clients");
    list.clients_[name] = *client;
  }
  if (auto done = clients.finish(); !done) return tl::unexpected(done.error());
  return list;
}

expected<void> allow_list::write(const std::filesystem::path& file) const {
  return write_durably(file, text_of(clients_));
}

expected<void> allow_list::allow(const std::string& name, allowed_client client) {
  if (!is_account_name(name) || !is_account_name(client.tenant))
    return fail(errc::invalid, "A name has 1 to 64 letters, digits, '.', '_' and '-'.");
  for (const auto& [other, its] : clients_)
    if (its.key == client.key && other != name)
      return fail(errc::invalid, "'" + other + "' has this key. Revoke it, or make another key.");
  clients_[name] = std::move(client);
  return {};
}

}  // namespace coppice
