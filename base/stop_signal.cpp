#include "base/stop_signal.hpp"

#include <csignal>

namespace coppice {

namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void block_stop_signals() {
  const auto set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int wait_for_stop_signal() {
  const auto set = stop_signals();
  int signal = 0;
  sigwait(&set, &signal);
  return signal;
}

}  // namespace coppice
