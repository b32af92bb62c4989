#include "tests/fleet/figures.hpp"

#include "tests/fleet/cluster.hpp"
#include "tests/fleet/gateway_host.hpp"
#include "tests/fleet/part.hpp"
#include "tests/fleet/scheduler_host.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace coppice::fleet {

namespace {

constexpr double mib = 1024 * 1024;

/// Microseconds, without what measuring took.
double us(const cost& of) {
  static const duration empty = empty_scope();
  const auto net = of.spent - static_cast<duration::rep>(of.calls) * empty;
  return std::max(0.0, std::chrono::duration<double, std::micro>(net).count());
}

double us(const scheduler_host::costs& of) {
  return us(of.place) + us(of.place_codec) + us(of.snapshot) + us(of.snapshot_codec) + us(of.turn) +
         us(of.others);
}

/// Makes the figures of one run.
class maker {
 public:
  explicit maker(cluster& all) : all_{all} {
    seconds_ = std::chrono::duration<double>(all.of().measured).count();
    requests_ = static_cast<double>(all.sent().of(kind::request).messages);
    for (const auto& each : all.schedulers()) {
      add(each->spent(), each->given());
      start_us_ += us(each->at_start());
    }
    for (const auto& each : all.gateways()) add(each->spent(), each->held());
  }

  std::vector<figure> make() {
    load();
    placement();
    schedulers();
    gateways();
    messages();
    memory();
    return std::move(out_);
  }

 private:
  void add(const scheduler_host::costs& one, const scheduler_host::granted& given) {
    scheduler_.place += one.place;
    scheduler_.place_codec += one.place_codec;
    scheduler_.snapshot += one.snapshot;
    scheduler_.snapshot_codec += one.snapshot_codec;
    scheduler_.turn += one.turn;
    scheduler_.others += one.others;
    busiest_us_ = std::max(busiest_us_, us(one));
    given_.wants += given.wants;
    given_.grants += given.grants;
    given_.rows += given.rows;
  }
  void add(const gateway_host::costs& one, const gateway_host::holdings& held) {
    gateway_.requests += one.requests;
    gateway_.link_messages += one.link_messages;
    gateway_.place_replies += one.place_replies;
    gateway_.told += one.told;
    gateway_.ticks += one.ticks;
    gateway_.book += one.book;
    gateway_.place_codec += one.place_codec;
    held_.places += held.places;
    held_.lines += held.lines;
    const auto mean =
        static_cast<double>(held.rows) / std::max(1.0, static_cast<double>(held.places));
    least_rows_ = std::min(least_rows_, mean);
    most_rows_ = std::max(most_rows_, mean);
  }

  void put(std::string name, std::string unit, double value, bool grows = false) {
    out_.push_back({std::move(name), std::move(unit), value, grows});
  }
  /// Of work that all schedulers or gateways do, milliseconds a second.
  void put_work(const std::string& name, double of_us) {
    put(name, "ms/s", of_us / 1000 / seconds_, true);
  }
  void put_each(const std::string& name, const cost& of) {
    put(name, "us", us(of) / std::max(1.0, static_cast<double>(of.calls)));
  }
  void put_rate(const std::string& name, double count) { put(name, "1/s", count / seconds_, true); }

  void load() {
    put_rate("requests", requests_);
    auto& audit = all_.audit();
    put("latency p50, virtual", "us", audit.latency_us(0.5));
    put("latency p99, virtual", "us", audit.latency_us(0.99));
    put("attempts refused by full engines", "per mille",
        1000 * static_cast<double>(audit.refusals()) /
            std::max(1.0, static_cast<double>(audit.attempts())));
  }
  void placement() {
    put_rate("places", static_cast<double>(scheduler_.place.calls));
    put_rate("wants", static_cast<double>(given_.wants));
    put_rate("grants", static_cast<double>(given_.grants));
    put_rate("rows granted", static_cast<double>(given_.rows));
    put("engines that a gateway holds credit on", "",
        static_cast<double>(held_.lines) / std::max(1.0, static_cast<double>(held_.places)));
    put("rows that a gateway holds, the least of all gateways", "", least_rows_);
    put("rows that a gateway holds, the most of all gateways", "", most_rows_);
    put_each("one place", scheduler_.place);
    put("place, of a request", "us", us(scheduler_.place) / requests_);
    put("place with its codec, of a request", "us",
        (us(scheduler_.place) + us(scheduler_.place_codec)) / requests_);
  }
  void schedulers() {
    put_each("one snapshot taken", scheduler_.snapshot);
    put_each("one snapshot decoded", scheduler_.snapshot_codec);
    put_each("one health turn", scheduler_.turn);
    put_work("schedulers: place", us(scheduler_.place));
    put_work("schedulers: codec of places", us(scheduler_.place_codec));
    put_work("schedulers: snapshots taken", us(scheduler_.snapshot));
    put_work("schedulers: snapshots decoded", us(scheduler_.snapshot_codec));
    put_work("schedulers: health turns", us(scheduler_.turn));
    put_work("schedulers: deaths, catalogues", us(scheduler_.others));
    put_work("schedulers: all", us(scheduler_));
    put_work("the busiest scheduler", busiest_us_);
    put("schedulers: until every engine is up", "ms", start_us_ / 1000, true);
  }
  void gateways() {
    const auto of_request = [&](const std::string& name, double spent_us) {
      put("gateway, of a request: " + name, "us", spent_us / requests_);
    };
    of_request("what clients send", us(gateway_.requests));
    of_request("what engines send", us(gateway_.link_messages));
    of_request("replies to places", us(gateway_.place_replies));
    of_request("ticks", us(gateway_.ticks));
    of_request("deaths, catalogues", us(gateway_.told));
    of_request("place book", us(gateway_.book));
    of_request("codec of places", us(gateway_.place_codec));
  }
  void messages() {
    double control_bytes = 0, control_messages = 0;
    for (std::size_t k = 0; k < kind_names.size(); ++k) {
      const auto& sum = all_.sent().of(static_cast<kind>(k));
      const std::string name{kind_names[k]};
      put_rate("messages: " + name, static_cast<double>(sum.messages));
      put("bytes: " + name, "kB/s", static_cast<double>(sum.bytes) / 1000 / seconds_, true);
      if (k >= control_kinds) continue;
      put("largest " + name, "bytes", static_cast<double>(sum.largest));
      control_messages += static_cast<double>(sum.messages);
      control_bytes += static_cast<double>(sum.bytes);
    }
    put_rate("messages over CAF, all", control_messages);
    put("bytes over CAF, all", "kB/s", control_bytes / 1000 / seconds_, true);
  }
  void memory() {
    const auto heap = [](part of) {
      return static_cast<double>(heap_bytes[static_cast<std::size_t>(of)]) / mib;
    };
    put("heap of one scheduler", "MiB", heap(part::schedulers) / all_.of().schedulers, true);
    put("heap of one gateway's shard", "MiB", heap(part::shards) / all_.of().gateways);
    put("heap of one gateway's place book", "MiB", heap(part::books) / all_.of().gateways);
  }

  cluster& all_;
  double seconds_ = 1, requests_ = 1, busiest_us_ = 0, start_us_ = 0;
  double least_rows_ = std::numeric_limits<double>::max(), most_rows_ = 0;
  scheduler_host::costs scheduler_;
  scheduler_host::granted given_;
  gateway_host::costs gateway_;
  gateway_host::holdings held_;
  std::vector<figure> out_;
};

}  // namespace

std::vector<figure> figures_of(cluster& all) { return maker{all}.make(); }

double growth(const std::vector<double>& sizes, const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const auto is_positive = [](double value) { return value > 0; };
  if (values.size() < 2 || !std::ranges::all_of(values, is_positive))
    return std::numeric_limits<double>::quiet_NaN();
  double x = 0, y = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto log_size = std::log(sizes[i]), log_value = std::log(values[i]);
    x += log_size;
    y += log_value;
    xx += log_size * log_size;
    xy += log_size * log_value;
  }
  return (n * xy - x * y) / (n * xx - x * x);
}

}  // namespace coppice::fleet
