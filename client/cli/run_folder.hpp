#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unistd.h>

namespace coppice::cli {

/// A private folder for config, ready and log files; removed at the end.
class run_folder {
 public:
  run_folder() {
    const char* base = std::getenv("XDG_RUNTIME_DIR");
    auto pattern = std::string{base != nullptr ? base : "/tmp"} + "/coppice-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error{pattern + ": cannot be made"};
    path_ = pattern;
  }
  ~run_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  run_folder(const run_folder&) = delete;
  run_folder& operator=(const run_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace coppice::cli
