#include "worker/node/memory_kills.hpp"

#include <charconv>
#include <fstream>
#include <sstream>

namespace coppice::worker {

namespace {

constexpr const char* group_root = "/sys/fs/cgroup";

std::string text_of(const std::string& file) {
  std::ifstream in{file};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Calls `visit` with each line until it returns true.
template <class Visit>
void each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (visit(text.substr(0, end))) return;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace

void memory_kills::see(std::optional<std::uint64_t> count, steady_time now) noexcept {
  if (!count) return;
  if (last_ && *count > *last_) grew_ = now;
  last_ = count;
}

bool memory_kills::just_grew(steady_time now) const noexcept {
  return grew_ && now - *grew_ < window;
}

std::string memory_kills_file(std::string_view groups, const std::string& root) {
  std::string file;
  each_line(groups, [&](std::string_view line) {
    // "id:controllers:path"; version 2 has id 0 and no controllers.
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) return false;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const std::string path{line.substr(second + 1)};
    if (controllers == "memory") file = root + "/memory" + path + "/memory.oom_control";
    if (controllers.empty() && file.empty()) file = root + path + "/memory.events";
    return controllers == "memory";
  });
  return file;
}

std::optional<std::uint64_t> parse_memory_kills(std::string_view text) {
  constexpr std::string_view key = "oom_kill ";
  std::optional<std::uint64_t> count;
  each_line(text, [&](std::string_view line) {
    if (!line.starts_with(key)) return false;
    std::uint64_t value = 0;
    const auto [stop, failed] =
        std::from_chars(line.data() + key.size(), line.data() + line.size(), value);
    if (failed == std::errc{} && stop == line.data() + line.size()) count = value;
    return true;
  });
  return count;
}

std::string memory_kills_file_of(pid_t pid) {
  return memory_kills_file(text_of("/proc/" + std::to_string(pid) + "/cgroup"), group_root);
}

std::optional<std::uint64_t> read_memory_kills(const std::string& file) {
  return file.empty() ? std::nullopt : parse_memory_kills(text_of(file));
}

}  // namespace coppice::worker
