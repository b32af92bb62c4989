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

std::optional<int> wait_for_stop_signal(duration limit) {
  const auto set = stop_signals();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(limit - seconds);
  const timespec time{seconds.count(), rest.count()};
  const int signal = ::sigtimedwait(&set, nullptr, &time);
  return signal > 0 ? std::optional{signal} : std::nullopt;
}

}  // namespace coppice
