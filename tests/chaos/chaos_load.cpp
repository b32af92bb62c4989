#include "tests/chaos/load_door.hpp"

#include <csignal>
#include <cstdio>
#include <memory>

/// `chaos_load PLAN.json`: sends an open-loop load and logs what it sees. SIGTERM ends the sending;
/// what is open still gets its outcome, or its deadline and a second of grace.
namespace coppice::chaos {

namespace {

/// Longest time without a look at the clock: what is beyond it is the process's own lateness.
constexpr duration longest_wait = 5ms;
constexpr duration notable_lateness = 10ms;
constexpr duration grace = 1s;

/// SIGTERM stays blocked, so that it interrupts no call, and is asked for instead.
class stop_signal {
 public:
  stop_signal() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);  // before there is any other thread
  }
  /// Whether it came; the answer is not forgotten.
  [[nodiscard]] bool came() {
    const timespec at_once{};
    came_ = came_ || ::sigtimedwait(&signals_, nullptr, &at_once) == SIGTERM;
    return came_;
  }

 private:
  sigset_t signals_;
  bool came_ = false;
};

class load_run {
 public:
  explicit load_run(load_plan plan) : plan_{std::move(plan)}, log_{plan_.log_file} {
    if (plan_.library)
      door_ = std::make_unique<library_door>(plan_, log_);
    else
      door_ = std::make_unique<dealer_door>(plan_, log_);
  }

  void run(stop_signal& stop) {
    arrivals due{plan_, now()};
    while (due.next_due() != steady_time::max() && !stop.came()) {
      while (due.next_due() <= now()) send_next(due);
      wait_until(due.next_due());
    }
    while (door_->open() > 0 && now() < last_deadline_ + grace) wait_until(steady_time::max());
    log_.ended();
  }

 private:
  void send_next(arrivals& from) {
    const auto& kind = from.take();
    const auto number = ++sent_;
    last_deadline_ = std::max(last_deadline_, now() + std::chrono::milliseconds{kind.timeout_ms});
    door_->send(number, kind, made_input(plan_.seed, number, kind.bytes));
  }

  void wait_until(steady_time wanted) {
    const auto until = std::min(wanted, now() + longest_wait);
    door_->wait(until);
    if (const auto late = now() - until; late >= notable_lateness) log_.late(late);
  }

  load_plan plan_;
  client_log log_;
  std::unique_ptr<load_door> door_;
  std::uint64_t sent_ = 0;
  steady_time last_deadline_{};
};

int run(int count, char** words) try {
  if (count != 2) {
    std::fputs("usage: chaos_load PLAN.json\n", stderr);
    return 2;
  }
  stop_signal stop;
  load_run{read_plan(words[1])}.run(stop);
  return 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "chaos_load: %s\n", failure.what());
  return 1;
}

}  // namespace

}  // namespace coppice::chaos

int main(int count, char** words) { return coppice::chaos::run(count, words); }
