#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

namespace coppice::chaos {

/// What a client saw, one line an event, for the auditor (tests/chaos/client_log.py reads it).
/// Times are microseconds of the monotonic clock. Any thread.
///
///     S time number model deadline digest   a request left; digest of its input
///     O time number code digest attempts    its outcome: ok or an error code; digest of the input
///                                           that this answer belongs to (- for an error)
///     L time late                           the client's own loop came that much too late
///     E time                                the client ended in order: nothing is missing
class client_log {
 public:
  /// @throws std::system_error if the file cannot be written.
  explicit client_log(const std::string& file);
  ~client_log();
  client_log(const client_log&) = delete;
  client_log& operator=(const client_log&) = delete;

  void sent(std::uint64_t number, std::string_view model, duration timeout, std::uint64_t digest);
  void answered(std::uint64_t number, std::uint64_t digest, std::uint32_t attempts);
  void failed(std::uint64_t number, std::string_view code);
  void late(duration by);
  void ended();

 private:
  template <class... Args>
  void write(const char* format, Args... args);

  std::mutex mutex_;
  std::FILE* file_;
};

/// Of an input, or of the input that an answer belongs to.
std::uint64_t digest_of(std::string_view bytes);

}  // namespace coppice::chaos
