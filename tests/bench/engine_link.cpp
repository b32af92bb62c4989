// What the engine alone costs: a gateway's end of the link drives coppice-engine directly, with a
// fixed number of attempts in flight. Beside bench_raw_zmq_echo it shows the engine's own share.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "tests/worker/engine/engine_process.hpp"

namespace {

using namespace coppice;
using worker::engine_process;
using worker::link_peer;

struct run_options {
  std::string model;
  std::size_t bytes = 64;
  std::size_t window = 1;
  double seconds = 3;
};

void print_figures(std::vector<double>& us, double seconds, const run_options& options) {
  std::sort(us.begin(), us.end());
  const auto at = [&](double q) {
    return us.empty() ? 0 : us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))];
  };
  std::printf("{\"model\": \"%s\", \"bytes\": %zu, \"in_flight\": %zu, \"requests_per_s\": %.0f, "
              "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
              options.model.c_str(), options.bytes, options.window,
              static_cast<double>(us.size()) / seconds, at(0.5), at(0.99));
}

/// @returns false if the engine stopped answering.
bool drive(link_peer& peer, const run_options& options) {
  const std::string payload(options.bytes, 'x');
  std::vector<steady_time> sent(options.window + 1);
  std::vector<double> us;
  us.reserve(1u << 22);
  for (std::size_t i = 1; i <= options.window; ++i)
    sent[i] = now(), peer.infer(i, options.model, payload);
  const auto begin = now();
  const auto end = begin + std::chrono::duration_cast<duration>(
                               std::chrono::duration<double>(options.seconds));
  while (now() < end) {
    const auto reply = peer.receive_header();
    if (!reply || reply->error) return false;
    const auto i = reply->attempt.value;
    us.push_back(std::chrono::duration<double, std::micro>(now() - sent[i]).count());
    sent[i] = now();
    peer.infer(i, options.model, payload);
  }
  print_figures(us, std::chrono::duration<double>(now() - begin).count(), options);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: bench_engine_link MODEL BYTES IN_FLIGHT SECONDS [OPTION]...\n"
                         "The options are coppice-engine's, for example --models DIR; without them\n"
                         "MODEL is a built-in one.\n");
    return 2;
  }
  const run_options options{argv[1], std::strtoul(argv[2], nullptr, 10),
                            std::max<std::size_t>(1, std::strtoul(argv[3], nullptr, 10)),
                            std::strtod(argv[4], nullptr)};
  std::vector<std::string> arguments(argv + 5, argv + argc);
  if (arguments.empty()) arguments = {"--builtin", options.model};
  engine_process engine{arguments};
  const auto ready = engine.report("ready");
  if (!ready) return std::fprintf(stderr, "The engine did not start.\n"), 1;
  link_peer peer{*ready};
  peer.hello();
  if (!peer.receive() || !drive(peer, options))
    return std::fprintf(stderr, "The engine refused or stopped answering.\n"), 1;
}
