#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace coppice::worker {

/// A program that takes an engine's arguments, does nothing and stays until a signal ends it.
class staying_program {
 public:
  staying_program()
      : file_{std::filesystem::temp_directory_path() /
              ("coppice-stays-" + std::to_string(::getpid()) + ".sh")} {
    std::ofstream{file_} << "#!/bin/sh\nread never < /dev/zero\n";
    std::filesystem::permissions(file_, std::filesystem::perms::owner_all);
  }
  ~staying_program() { std::filesystem::remove(file_); }
  staying_program(const staying_program&) = delete;
  staying_program& operator=(const staying_program&) = delete;

  [[nodiscard]] std::string path() const { return file_.string(); }

 private:
  std::filesystem::path file_;
};

}  // namespace coppice::worker
