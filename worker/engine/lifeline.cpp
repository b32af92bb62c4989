#include "worker/engine/lifeline.hpp"

#include <csignal>
#include <poll.h>
#include <sys/signalfd.h>
#include <thread>
#include <unistd.h>

namespace coppice::worker {

namespace {

int sigterm_descriptor() {
  std::signal(SIGINT, SIG_IGN);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return ::signalfd(-1, &stop, SFD_CLOEXEC);
}

/// The worker sends nothing: whatever is readable is read away, and an end or error is the end.
bool has_ended(int fd) {
  char unread[256];
  return ::read(fd, unread, sizeof unread) <= 0;
}

}  // namespace

lifeline::lifeline(int control_fd) : control_fd_{control_fd}, signal_fd_{sigterm_descriptor()} {
  std::thread{[this] { watch(); }}.detach();
}

void lifeline::watch() const {
  for (;;) {
    pollfd watched[] = {{control_fd_, POLLIN, 0}, {signal_fd_, POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0) continue;
    if (watched[0].revents != 0 && has_ended(control_fd_)) ::_exit(0);
    if (watched[1].revents == 0) continue;
    signalfd_siginfo taken;
    if (::read(signal_fd_, &taken, sizeof taken) < 0) continue;
    if (loading_) ::_exit(0);
    stop_.ring();
  }
}

}  // namespace coppice::worker
