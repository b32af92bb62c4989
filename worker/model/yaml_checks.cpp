#include "worker/model/yaml_checks.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <set>

namespace coppice::worker {

namespace {

/// Least number of inserted, removed and replaced letters between two words.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

/// What to do about an unknown key: the nearest known one, or all of them.
std::string key_remedy(std::string_view key, std::span<const std::string_view> known) {
  const auto nearest = std::min_element(
      known.begin(), known.end(), [&](auto a, auto b) { return edits(key, a) < edits(key, b); });
  if (edits(key, *nearest) <= 2) return "Did you mean '" + std::string{*nearest} + "'?";
  std::string all;
  for (const auto each : known) all += (all.empty() ? "" : ", ") + std::string{each};
  return "Remove it; known are " + all + ".";
}

}  // namespace

void yaml_checks::reject(const YAML::Node& at, std::string problem, std::string remedy) {
  failed_ = true;
  const int line = at.IsDefined() ? at.Mark().line + 1 : 0;
  findings_.push_back({file_, line, std::move(problem), std::move(remedy)});
}

void yaml_checks::unreadable(const YAML::Exception& why) {
  failed_ = true;
  findings_.push_back(
      {file_, why.mark.line + 1, "not readable as YAML: " + why.msg + ".", "Correct the file."});
}

void yaml_checks::check_keys(const YAML::Node& map, std::span<const std::string_view> known,
                             std::string_view of) {
  std::set<std::string> seen;
  for (const auto& entry : map) {
    const auto key = entry.first.as<std::string>("");
    if (std::find(known.begin(), known.end(), key) == known.end())
      reject(entry.first, "unknown key '" + key + "'" + std::string{of} + ".",
             key_remedy(key, known));
    else if (!seen.insert(key).second)
      reject(entry.first, "the key '" + key + "' stands there twice.", "Remove one of them.");
  }
}

void yaml_checks::flag(const YAML::Node& root, const char* key, bool& out) {
  const auto node = root[key];
  if (node && !YAML::convert<bool>::decode(node, out))
    reject(node, "'" + std::string{key} + "' is neither true nor false.", "Write true or false.");
}

void yaml_checks::milliseconds(const YAML::Node& root, const char* key, duration& out) {
  auto ms = std::chrono::duration<double, std::milli>(out).count();
  number<double>(root, key, 0, 60'000, ms);
  out = std::chrono::duration_cast<duration>(std::chrono::duration<double, std::milli>(ms));
}

}  // namespace coppice::worker
