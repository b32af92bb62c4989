#include "worker/node/revision_record.hpp"

#include "base/config_file.hpp"

#include <nlohmann/json.hpp>

namespace coppice::worker {

namespace {

using json = nlohmann::ordered_json;

/// Far above two desired states and a reason, each character escaped.
constexpr std::uintmax_t most_bytes = 1u << 20;

json as_json(const proto::desired_state& state) {
  if (state.revision == 0) return {{"revision", 0}};
  return {{"revision", state.revision},
          {"models", state.models},
          {"serve", state.serve},
          {"builtins", state.builtins}};
}

expected<void> read_state(config_map map, proto::desired_state& out) {
  return map.optional("revision", out.revision, "a whole number")
      .optional("models", out.models, "a folder")
      .optional("serve", out.serve, "a list of names")
      .optional("builtins", out.builtins, "a list of names")
      .finish();
}

expected<revision_record> parse(config_map map, const std::string& node) {
  revision_record record;
  std::string owner;
  map.optional("node", owner, "a name").optional("failure", record.failure, "a text");
  if (owner != node)
    map.reject("node", "this is the state of '" + owner + "', not of '" + node + "'");
  auto current = map.section("current"), target = map.section("target");
  if (auto done = map.finish(); !done) return tl::unexpected(done.error());
  if (auto done = read_state(std::move(current), record.current); !done)
    return tl::unexpected(done.error());
  if (auto done = read_state(std::move(target), record.target); !done)
    return tl::unexpected(done.error());
  if (record.target.revision >= record.current.revision) return record;
  map.reject("target", "the target is older than the revision that the node has");
  return tl::unexpected(map.finish().error());
}

}  // namespace

std::string_view revision_record::convergence() const noexcept {
  if (!failure.empty()) return "failed";
  return target.revision == current.revision ? "converged" : "converging";
}

revision_standing revision_record::standing() const noexcept {
  return {current.revision, target.revision, !failure.empty()};
}

std::string text_of(const revision_record& record, const std::string& node) {
  const json all{{"node", node},
                 {"current", as_json(record.current)},
                 {"target", as_json(record.target)},
                 {"failure", record.failure}};
  return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

expected<revision_record> read_revision_record(const std::filesystem::path& file,
                                               const std::string& node,
                                               const proto::desired_state& configured) {
  std::error_code unknown;
  if (!std::filesystem::exists(file, unknown) && !unknown)
    return revision_record{configured, configured, {}};
  auto map = config_map::read(file, most_bytes);
  auto record = map ? parse(std::move(*map), node) : tl::unexpected(map.error());
  if (!record)
    return fail(errc::invalid, record.error().message +
                                   " Restore the file, or remove it to start with what the "
                                   "configuration says.");
  for (auto* each : {&record->current, &record->target})
    if (each->revision == 0) *each = configured;
  return record;
}

}  // namespace coppice::worker
