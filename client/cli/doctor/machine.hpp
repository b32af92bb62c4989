#pragma once

#include "client/cli/doctor/checks.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What the doctor sees: questions to the kernel, to files, and to the programs beside this one.
namespace coppice::cli::doctor {

/// Runs a program and waits for its end.
[[nodiscard]] program_answer ask(const std::filesystem::path& program,
                                 const std::vector<std::string>& arguments);

[[nodiscard]] limits read_limits();
[[nodiscard]] std::optional<clock_state> read_clock();
[[nodiscard]] devices read_devices();
[[nodiscard]] disk_room read_disk(const std::filesystem::path& folder);
/// Nothing if it cannot be looked at.
[[nodiscard]] std::optional<secret_file> read_secret(const std::filesystem::path& file);
/// Tries to make a network namespace, in a process that ends with it. @returns why it cannot be.
[[nodiscard]] std::string namespace_refusal();

/// The TCP ports of this machine that somebody listens on.
class listeners {
 public:
  listeners();
  /// @param proc  where the kernel shows processes and sockets.
  explicit listeners(const std::filesystem::path& proc);
  [[nodiscard]] std::optional<listener> at(std::uint16_t port) const;

 private:
  std::filesystem::path proc_;
  /// Inode by port.
  std::map<std::uint16_t, std::uint64_t> sockets_;
};

}  // namespace coppice::cli::doctor
