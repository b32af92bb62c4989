#pragma once

#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace coppice::worker {

/// An eventfd: wakes a polling thread from another one.
class wakeup {
 public:
  wakeup() : fd_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {}
  ~wakeup() { ::close(fd_); }
  wakeup(const wakeup&) = delete;
  wakeup& operator=(const wakeup&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  void ring() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
  }
  void clear() const noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto taken = ::read(fd_, &count, sizeof count);
  }

 private:
  int fd_;
};

}  // namespace coppice::worker
