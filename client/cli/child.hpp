#pragma once

#include "base/clock.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace coppice::cli {

/// A process that `up` starts and starts again: its command, its files, its present pid. It dies
/// with `up` (PR_SET_PDEATHSIG).
class child {
 public:
  child(std::string role, std::string name, std::vector<std::string> command,
        const std::filesystem::path& folder);
  ~child();
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  void start();
  void signal(int number) const;
  /// Whether it has ended; then it is reaped and `reason` says how.
  bool has_ended();

  [[nodiscard]] const std::string& role() const noexcept { return role_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  [[nodiscard]] std::filesystem::path config_file() const { return folder_ / (name_ + ".yml"); }
  [[nodiscard]] std::filesystem::path ready_file() const { return folder_ / (name_ + ".json"); }
  [[nodiscard]] std::filesystem::path log_file() const { return folder_ / (name_ + ".log"); }
  /// What its ready file says, once it is there.
  [[nodiscard]] std::optional<std::string> ready() const;
  /// The end of its log.
  [[nodiscard]] std::string last_words() const;

  /// Starts in a row that did not last; when to start next.
  std::uint32_t streak = 0;
  steady_time started{};
  steady_time start_at = steady_time::max();

 private:
  std::string role_, name_;
  std::vector<std::string> command_;
  std::filesystem::path folder_;
  pid_t pid_ = -1;
  std::string reason_;
};

}  // namespace coppice::cli
