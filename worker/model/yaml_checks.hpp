#pragma once

#include "base/clock.hpp"
#include "worker/model/finding.hpp"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice::worker {

/// Reads values of a YAML file by their keys. A key that is absent leaves the value as it is; one
/// that is wrong becomes a finding with its line and a remedy. One thread.
class yaml_checks {
 public:
  /// `findings` outlives it.
  yaml_checks(std::filesystem::path file, std::vector<finding>& findings)
      : file_{std::move(file)}, findings_{findings} {}

  /// Adds a finding at that node; at no line if it is not there.
  void reject(const YAML::Node& at, std::string problem, std::string remedy);
  /// The file as a whole is no YAML.
  void unreadable(const YAML::Exception& why);
  /// Finds keys that are not known or stand there twice. @param of  " of ...", or empty.
  void check_keys(const YAML::Node& map, std::span<const std::string_view> known,
                  std::string_view of);
  template <class T>
  void number(const YAML::Node& root, const char* key, T low, T high, T& out);
  template <class T>
  void choice(const YAML::Node& root, const char* key,
              const std::vector<std::pair<std::string, T>>& choices, T& out);
  void flag(const YAML::Node& root, const char* key, bool& out);
  /// 0 to 60,000.
  void milliseconds(const YAML::Node& root, const char* key, duration& out);

  [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  std::filesystem::path file_;
  std::vector<finding>& findings_;
  bool failed_ = false;
};

template <class T>
void yaml_checks::number(const YAML::Node& root, const char* key, T low, T high, T& out) {
  const auto node = root[key];
  if (!node) return;
  T value{};
  if (YAML::convert<T>::decode(node, value) && value >= low && value <= high) {
    out = value;
    return;
  }
  std::string bounds = std::to_string(low) + " to " + std::to_string(high);
  reject(node, "'" + std::string{key} + "' is no number from " + bounds + ".",
         "Write a number in that range.");
}

template <class T>
void yaml_checks::choice(const YAML::Node& root, const char* key,
                         const std::vector<std::pair<std::string, T>>& choices, T& out) {
  const auto node = root[key];
  if (!node) return;
  const auto text = node.as<std::string>("");
  std::string all;
  for (const auto& [name, value] : choices) {
    if (name == text) {
      out = value;
      return;
    }
    all += (all.empty() ? "" : ", ") + name;
  }
  reject(node, "'" + std::string{key} + "' is '" + text + "'.", "Use one of: " + all + ".");
}

}  // namespace coppice::worker
