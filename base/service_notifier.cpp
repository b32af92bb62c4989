#include "base/service_notifier.hpp"

#include "base/stop_signal.hpp"

#ifdef COPPICE_WITH_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include <algorithm>

namespace coppice {

namespace {

/// A status is one line.
std::string status_of(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return "STATUS=" + text;
}

}  // namespace

service_notifier::service_notifier() {
#ifdef COPPICE_WITH_SYSTEMD
  heard_ = ::sd_notify(0, "STATUS=starting") > 0;
  std::uint64_t limit_us = 0;
  if (::sd_watchdog_enabled(0, &limit_us) > 0) period_ = std::chrono::microseconds{limit_us} / 3;
#endif
}

void service_notifier::send(const std::string& assignments) const {
#ifdef COPPICE_WITH_SYSTEMD
  if (heard_) ::sd_notify(0, assignments.c_str());
#else
  (void)assignments;
#endif
}

void service_notifier::ready() const { send("READY=1"); }

void service_notifier::tell(const expected<std::string>& found) const {
  send(found ? "WATCHDOG=1\n" + status_of(*found) : status_of(found.error().message));
}

void service_notifier::stopping(const std::string& status) const {
  send("STOPPING=1\n" + status_of(status));
}

void service_notifier::extend(duration by) const {
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(to_us(by)));
}

void serve_until_stopped(const service_notifier& to,
                         const std::function<expected<std::string>(duration limit)>& look) {
  if (!to.is_heard()) {
    wait_for_stop_signal();
    return;
  }
  to.ready();
  do to.tell(look(to.period()));
  while (!wait_for_stop_signal(to.period()));
  to.stopping("stopping");
}

}  // namespace coppice
