#include "base/config_file.hpp"

namespace coppice {

namespace {

std::string at(const std::filesystem::path& file, const YAML::Mark& mark) {
  return file.string() + ":" + std::to_string(mark.line + 1) + ": ";
}

}  // namespace

YAML::Node load_yaml(const std::filesystem::path& file) {
  std::error_code none;
  if (std::filesystem::is_directory(file, none)) throw YAML::BadFile{file.string()};
  return YAML::LoadFile(file.string());
}

config_map::config_map(std::filesystem::path file, YAML::Node node)
    : file_{std::move(file)}, node_{std::move(node)} {}

expected<config_map> config_map::read(const std::filesystem::path& file,
                                      std::uintmax_t most_bytes) try {
  std::error_code unknown;
  if (const auto size = std::filesystem::file_size(file, unknown); !unknown && size > most_bytes)
    return fail(errc::invalid,
                file.string() + ": larger than " + std::to_string(most_bytes) + " bytes.");
  auto root = load_yaml(file);
  if (root.IsNull()) root = YAML::Node{YAML::NodeType::Map};
  if (!root.IsMap())
    return fail(errc::invalid, at(file, root.Mark()) + "the file must be a map of keys.");
  return config_map{file, root};
} catch (const YAML::BadFile&) {
  return fail(errc::invalid, file.string() + ": the file cannot be read. Check path and rights.");
} catch (const YAML::Exception& failure) {
  return fail(errc::invalid, at(file, failure.mark) + "not YAML: " + failure.msg + ".");
}

YAML::Node config_map::take(const std::string& key) {
  known_.insert(key);
  const YAML::Node& read_only = node_;
  return problem_.empty() && read_only[key].IsDefined() ? read_only[key]
                                                        : YAML::Node{YAML::NodeType::Undefined};
}

void config_map::reject(const YAML::Node& node, const std::string& problem) {
  if (problem_.empty()) problem_ = at(file_, node.Mark()) + problem + ".";
}

config_map config_map::section(const std::string& key) {
  const auto node = take(key);
  if (!node) return {file_, YAML::Node{YAML::NodeType::Map}};
  if (node.IsMap()) return {file_, node};
  reject(node, "'" + key + "' must be a map");
  config_map broken{file_, YAML::Node{YAML::NodeType::Map}};
  broken.problem_ = problem_;
  return broken;
}

std::vector<std::pair<std::string, config_map>> config_map::sections() {
  std::vector<std::pair<std::string, config_map>> all;
  for (const auto& entry : node_) {
    const auto key = entry.first.as<std::string>("?");
    known_.insert(key);
    if (!entry.second.IsMap()) {
      reject(entry.first, "'" + key + "' must be a map");
      break;
    }
    all.emplace_back(key, config_map{file_, entry.second});
  }
  return all;
}

std::vector<std::string> config_map::keys() const {
  std::vector<std::string> all;
  for (const auto& entry : node_) all.push_back(entry.first.as<std::string>("?"));
  return all;
}

expected<void> config_map::finish() const {
  if (!problem_.empty()) return fail(errc::invalid, problem_);
  for (const auto& entry : node_) {
    const auto key = entry.first.as<std::string>("?");
    if (known_.contains(key)) continue;
    std::string all;
    for (const auto& each : known_) all += (all.empty() ? "" : ", ") + each;
    return fail(errc::invalid, at(file_, entry.first.Mark()) + "unknown key '" + key +
                                   "'; known here: " + all + ".");
  }
  return {};
}

}  // namespace coppice
