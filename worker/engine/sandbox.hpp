#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace coppice::worker {

/// What a confined engine may still reach.
struct sandbox_rules {
  /// Files, and folders with all that is in them.
  std::vector<std::filesystem::path> readable;
  std::vector<std::filesystem::path> writable;
  /// Files that are open, and may be opened again as /proc/self/fd/N.
  std::vector<int> open_files;
};

/// Libraries, the program's own folder, what libtorch looks up of the processor, and the devices of
/// NVIDIA where there are any. `own_folder` is that of the program.
[[nodiscard]] sandbox_rules usual_rules(const std::filesystem::path& own_folder);

/// Takes from this process, for good, what running a model does not need: a model's code may then
/// read and write only what `rules` name (Landlock), and start no process, open no socket, look
/// into no other process and signal none (seccomp; such calls fail with EPERM). Threads go on. Call
/// it before there is a second thread, and before anything that comes with a model is looked at.
/// @error `unavailable`: this kernel cannot (Landlock came with Linux 5.13).
expected<void> confine(const sandbox_rules& rules);

}  // namespace coppice::worker
