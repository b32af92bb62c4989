#pragma once

#include "base/clock.hpp"

#include <cerrno>
#include <sys/prctl.h>
#include <time.h>

namespace coppice::worker {

/// For built-in models that take their time: the calling thread does nothing for `how_long`.
inline void pause_for(duration how_long) {
  const auto ns = std::chrono::nanoseconds{how_long}.count();
  timespec left{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

/// The kernel's default slack of 50 us would lengthen every pause of the calling thread.
inline void pause_exactly() { ::prctl(PR_SET_TIMERSLACK, 1000UL); }

}  // namespace coppice::worker
