#include "client/cli/cluster.hpp"
#include "client/cli/verbs.hpp"
#include "keys/allow_list.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

struct keys_options {
  std::string file, name, key, tenant, quota, expires;
  bool as_json = false;
};

int show(const keys_options& options, const key_pair& pair) {
  if (options.as_json)
    std::printf("%s\n", json{{"file", options.file}, {"key", pair.shown().text()}}.dump(2).c_str());
  else
    std::printf("%s\n", pair.shown().text().c_str());
  return 0;
}

int make_new(const keys_options& options) {
  const auto pair = key_pair::make();
  if (!pair) return report_failure(pair.error());
  if (auto written = pair->write(options.file); !written) return report_failure(written.error());
  return show(options, *pair);
}

int show_public(const keys_options& options) {
  const auto pair = key_pair::read(options.file);
  if (!pair) return report_failure(pair.error());
  return show(options, *pair);
}

json as_json(const std::string& name, const allowed_client& client) {
  json out{{"name", name}, {"tenant", client.tenant}, {"key", client.key.text()}};
  if (!client.quota.empty()) out["quota"] = client.quota;
  if (client.expires) {
    out["expires"] = date_text(*client.expires);
    out["expired"] = !client.is_valid(wall_now());
  }
  return out;
}

int list(const keys_options& options) {
  const auto known = allow_list::read(options.file);
  if (!known) return report_failure(known.error());
  json all = json::array();
  for (const auto& [name, client] : known->clients()) {
    all.push_back(as_json(name, client));
    if (options.as_json) continue;
    const auto until = !client.expires ? std::string{"-"}
                                       : date_text(*client.expires) +
                                             (client.is_valid(wall_now()) ? "" : " (expired)");
    std::printf("%-20s %-20s %-12s %-30s %s\n", name.c_str(), client.tenant.c_str(),
                client.quota.empty() ? "-" : client.quota.c_str(), until.c_str(),
                client.key.text().c_str());
  }
  if (options.as_json) std::printf("%s\n", json{{"clients", all}}.dump(2).c_str());
  return 0;
}

/// A file that is not there yet is an empty list.
expected<allow_list> list_to_change(const std::string& file) {
  if (!std::filesystem::exists(file)) return allow_list{};
  return allow_list::read(file);
}

/// The public key that was given, or that of the key pair in the file that was given.
expected<public_key> key_of(const std::string& given) {
  if (const auto key = public_key::parse(given)) return *key;
  const auto pair = key_pair::read(given);
  if (!pair)
    return fail(errc::invalid, "'" + given + "' is neither a public key nor a file of one: " +
                                   pair.error().message);
  return pair->shown();
}

expected<allowed_client> client_of(const keys_options& options) {
  const auto key = key_of(options.key);
  if (!key) return tl::unexpected(key.error());
  allowed_client client{*key, options.tenant.empty() ? options.name : options.tenant, options.quota,
                        parse_date(options.expires)};
  if (!options.expires.empty() && !client.expires)
    return fail(errc::invalid,
                "'" + options.expires + "' is no date such as 2027-01-31T00:00:00Z.");
  return client;
}

expected<void> allow(const keys_options& options) {
  auto known = list_to_change(options.file);
  if (!known) return tl::unexpected(known.error());
  auto client = client_of(options);
  if (!client) return tl::unexpected(client.error());
  if (auto added = known->allow(options.name, std::move(*client)); !added) return added;
  return known->write(options.file);
}

expected<void> revoke(const keys_options& options) {
  auto known = allow_list::read(options.file);
  if (!known) return tl::unexpected(known.error());
  if (!known->revoke(options.name))
    return fail(errc::not_found, options.file + ": there is no '" + options.name + "'.");
  return known->write(options.file);
}

int done(const expected<void>& result) {
  if (!result) return report_failure(result.error());
  return 0;
}

CLI::App* add_part(CLI::App& keys, const std::shared_ptr<keys_options>& options, const char* name,
                   const char* help, const char* file_help) {
  auto* verb = keys.add_subcommand(name, help);
  verb->add_option("file", options->file, file_help)->required();
  return verb;
}

void add_changes(CLI::App& keys, const std::shared_ptr<keys_options>& options, int& exit_code) {
  const auto* file = "The list of keys, which gateways read again when it changes";
  auto* allowing = add_part(keys, options, "allow", "Lets a client in", file);
  allowing->add_option("name", options->name, "Its name")->required();
  allowing->add_option("key", options->key, "Its public key, or the file of its key pair")
      ->required();
  allowing->add_option("--tenant", options->tenant, "Who pays (default: the name)");
  allowing->add_option("--quota", options->quota, "Limits, by a name in the gateway's 'quotas'");
  allowing->add_option("--expires", options->expires,
                       "Until when, as 2027-01-31T00:00:00Z (default: for ever)");
  allowing->callback([options, &exit_code] { exit_code = done(allow(*options)); });
  auto* revoking = add_part(keys, options, "revoke", "Keeps a client out from now on", file);
  revoking->add_option("name", options->name, "Its name")->required();
  revoking->callback([options, &exit_code] { exit_code = done(revoke(*options)); });
}

}  // namespace

void add_keys(CLI::App& app, int& exit_code) {
  auto* keys = app.add_subcommand("keys", "Makes keys, and says which clients may come");
  keys->require_subcommand(1);
  auto options = std::make_shared<keys_options>();
  auto* making = add_part(*keys, options, "new", "Makes a key pair and shows its public key",
                          "File to make, for its owner alone");
  making->callback([options, &exit_code] { exit_code = make_new(*options); });
  auto* showing =
      add_part(*keys, options, "show", "Shows the public key of a key pair", "File of the pair");
  showing->callback([options, &exit_code] { exit_code = show_public(*options); });
  auto* listing = add_part(*keys, options, "list", "Shows who may come", "The list of keys");
  listing->callback([options, &exit_code] { exit_code = list(*options); });
  for (auto* verb : {making, showing, listing})
    verb->add_flag("--json", options->as_json, "As JSON");
  add_changes(*keys, options, exit_code);
}

}  // namespace coppice::cli
