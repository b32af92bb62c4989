#pragma once

#include <csignal>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace coppice::cli {

/// SIGINT and SIGTERM as a descriptor.
class stop_signals {
 public:
  stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  }
  ~stop_signals() { ::close(fd_); }
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

  /// Waits at most `ms`. @returns whether a signal came.
  [[nodiscard]] bool wait(int ms) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, ms) <= 0) return false;
    signalfd_siginfo taken;
    return ::read(fd_, &taken, sizeof taken) == sizeof taken;
  }

 private:
  int fd_;
};

}  // namespace coppice::cli
