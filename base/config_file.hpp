#pragma once

#include "base/error.hpp"

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace coppice {

/// What a YAML file holds. @throws YAML::Exception, also for a folder, of which yaml-cpp 0.7 opens
/// a stream that leaks and throws something else.
[[nodiscard]] YAML::Node load_yaml(const std::filesystem::path& file);

/// One map of a YAML file, read key by key; the first thing wrong is kept as
/// "file:line: problem. remedy." and ends further reading. `finish` also refuses unknown keys.
class config_map {
 public:
  /// Reads the file's top map. @error `invalid` if it cannot be read, is no map, or is larger than
  /// `most_bytes`.
  static expected<config_map> read(const std::filesystem::path& file,
                                   std::uintmax_t most_bytes = UINTMAX_MAX);

  /// Sets `out` if `key` is there. @param wanted  says what fits, for the error: "a port".
  template <class T>
  config_map& optional(const std::string& key, T& out, const std::string& wanted) {
    if (const auto node = take(key)) {
      try {
        out = node.as<T>();
      } catch (const YAML::Exception&) {
        reject(node, "'" + key + "' must be " + wanted);
      }
    }
    return *this;
  }

  /// The map under `key`; empty if it is absent.
  [[nodiscard]] config_map section(const std::string& key);
  /// The maps under all of its keys, in the order of the file; a value that is none is rejected,
  /// and is the end of it. In linear time, which `section` for each of `keys` is not.
  [[nodiscard]] std::vector<std::pair<std::string, config_map>> sections();
  /// Its keys, as they stand in the file.
  [[nodiscard]] std::vector<std::string> keys() const;
  [[nodiscard]] bool has(const std::string& key) const { return node_[key].IsDefined(); }
  /// The raw value under `key`, counted as known; undefined if absent.
  YAML::Node take(const std::string& key);
  /// Records that the value at `node` does not do.
  void reject(const YAML::Node& node, const std::string& problem);
  /// The same of the value under `key`, or of the map if there is none.
  void reject(const std::string& key, const std::string& problem) {
    reject(has(key) ? node_[key] : node_, problem);
  }

  /// @error what was rejected, or the first key that nobody asked for.
  [[nodiscard]] expected<void> finish() const;

 private:
  config_map(std::filesystem::path file, YAML::Node node);

  std::filesystem::path file_;
  YAML::Node node_;
  std::set<std::string> known_;
  std::string problem_;
};

}  // namespace coppice
