#pragma once

#include "base/clock.hpp"

#include <array>
#include <cstdint>
#include <ctime>

namespace coppice::fleet {

/// Whose work is done, of all processes of that kind together.
enum class part : std::uint8_t { others, shards, books, schedulers, engines };
constexpr std::size_t parts = 5;

/// Bytes that each part has on the heap, if the program counts them (heap_count.cpp); one thread.
inline std::array<std::int64_t, parts> heap_bytes{};
inline part heap_owner = part::others;

/// Processor time of this thread: what else runs on the machine does not count.
[[nodiscard]] inline duration thread_time() {
  timespec at{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return std::chrono::seconds{at.tv_sec} + std::chrono::nanoseconds{at.tv_nsec};
}

/// What some kind of work has cost.
struct cost {
  duration spent{0};
  std::uint64_t calls = 0;

  cost& operator+=(const cost& more) {
    spent += more.spent;
    calls += more.calls;
    return *this;
  }
};

/// Its scope is work of a part: its time is added to `of`, what it allocates is that part's.
class in_part {
 public:
  in_part(part whose, cost& of) : of_{of}, before_{heap_owner}, began_{thread_time()} {
    heap_owner = whose;
  }
  ~in_part() {
    of_.spent += thread_time() - began_;
    ++of_.calls;
    heap_owner = before_;
  }
  in_part(const in_part&) = delete;
  in_part& operator=(const in_part&) = delete;

 private:
  cost& of_;
  part before_;
  duration began_;
};

/// What an empty scope costs: taken off, for every call.
[[nodiscard]] inline duration empty_scope() {
  constexpr int times = 100'000;
  cost of;
  for (int i = 0; i < times; ++i) const in_part nothing{part::others, of};
  return of.spent / times;
}

}  // namespace coppice::fleet
