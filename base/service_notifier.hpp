#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"

#include <functional>
#include <string>

namespace coppice {

/// Tells the service manager that started this process how it is: systemd, by the datagrams of
/// sd_notify(3). Where none listens, and in a build without libsystemd, every call does nothing.
/// Any thread.
class service_notifier {
 public:
  /// Says "starting", which shows whether anybody listens.
  service_notifier();

  [[nodiscard]] bool is_heard() const noexcept { return heard_; }
  /// How often all parts of the process are to be looked at: a third of the watchdog's time limit
  /// (WatchdogSec), 5 s if there is none.
  [[nodiscard]] duration period() const noexcept { return period_; }

  /// The process is up.
  void ready() const;
  /// What a look at all parts of the process has found: how they are, which feeds the watchdog, or
  /// which of them does not answer, which leaves it hungry.
  void tell(const expected<std::string>& found) const;
  /// The process has begun to end.
  void stopping(const std::string& status) const;
  /// Its start, or its end, may take that much longer from now on.
  void extend(duration by) const;

 private:
  void send(const std::string& assignments) const;

  bool heard_ = false;
  duration period_ = 5s;
};

/// Tells that the process is up, and how `look` finds it, until a stop signal comes; tells that
/// too.
/// @param look  asks every part of the process to answer, all within the limit it is given.
void serve_until_stopped(const service_notifier& to,
                         const std::function<expected<std::string>(duration limit)>& look);

}  // namespace coppice
