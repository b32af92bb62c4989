#include "base/ready_file.hpp"

#include <fstream>
#include <unistd.h>

namespace coppice {

expected<void> write_atomically(const std::filesystem::path& file, const std::string& text) {
  const auto fresh = file.string() + "." + std::to_string(::getpid());
  std::ofstream out{fresh, std::ios::trunc};
  out << text << std::flush;
  out.close();
  std::error_code failed;
  if (out) std::filesystem::rename(fresh, file, failed);
  if (out && !failed) return {};
  const auto reason = failed ? failed.message() : "the file cannot be written";
  std::filesystem::remove(fresh, failed);
  return fail(errc::unavailable, file.string() + ": " + reason + ".");
}

}  // namespace coppice
