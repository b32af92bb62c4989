// The baseline of docs/benchmarks.md: a bare ZeroMQ echo between two processes, ROUTER and DEALER,
// with the same frames as a Coppice request ([header][payload]) and nothing else.
#include "base/clock.hpp"

#include <zmq.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using coppice::now;

struct run_options {
  std::size_t bytes = 64;
  std::size_t window = 1;
  double seconds = 3;
};

/// Echoes every message with all its frames until it gets one that is empty.
[[noreturn]] void serve(int port_pipe) {
  void* context = zmq_ctx_new();
  void* socket = zmq_socket(context, ZMQ_ROUTER);
  zmq_bind(socket, "tcp://127.0.0.1:*");
  char endpoint[64];
  std::size_t size = sizeof endpoint;
  zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
  if (::write(port_pipe, endpoint, sizeof endpoint) < 0) _exit(1);
  for (;;) {
    zmq_msg_t part;
    zmq_msg_init(&part);
    if (zmq_msg_recv(&part, socket, 0) < 0) _exit(0);
    const int more = zmq_msg_more(&part);
    zmq_msg_send(&part, socket, more ? ZMQ_SNDMORE : 0);
  }
}

void send_request(void* socket, const std::string& header, const std::string& payload) {
  zmq_send(socket, header.data(), header.size(), ZMQ_SNDMORE);
  zmq_send(socket, payload.data(), payload.size(), 0);
}

void receive_reply(void* socket) {
  zmq_msg_t part;
  zmq_msg_init(&part);
  do {
    zmq_msg_recv(&part, socket, 0);
  } while (zmq_msg_more(&part));
  zmq_msg_close(&part);
}

void print_figures(std::vector<double>& us, double seconds, const run_options& options) {
  std::sort(us.begin(), us.end());
  const auto at = [&](double q) {
    return us.empty() ? 0 : us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))];
  };
  std::printf(
      "{\"bytes\": %zu, \"in_flight\": %zu, \"requests_per_s\": %.0f, \"p50_us\": %.1f, "
      "\"p99_us\": %.1f}\n",
      options.bytes, options.window, static_cast<double>(us.size()) / seconds, at(0.5), at(0.99));
}

void drive(const char* endpoint, const run_options& options) {
  void* context = zmq_ctx_new();
  void* socket = zmq_socket(context, ZMQ_DEALER);
  const int unlimited = 0;
  zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
  zmq_connect(socket, endpoint);
  const std::string header(80, 'h'), payload(options.bytes, 'x');
  std::vector<coppice::steady_time> sent(options.window);
  std::vector<double> us;
  us.reserve(1u << 22);
  for (auto& each : sent) each = now(), send_request(socket, header, payload);
  const auto begin = now();
  const auto end = begin + std::chrono::duration_cast<coppice::duration>(
                               std::chrono::duration<double>(options.seconds));
  for (std::size_t i = 0; now() < end; i = (i + 1) % options.window) {
    receive_reply(socket);
    us.push_back(std::chrono::duration<double, std::micro>(now() - sent[i]).count());
    sent[i] = now();
    send_request(socket, header, payload);
  }
  print_figures(us, std::chrono::duration<double>(now() - begin).count(), options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_raw_zmq_echo BYTES IN_FLIGHT SECONDS\n");
    return 2;
  }
  const run_options options{std::strtoul(argv[1], nullptr, 10),
                            std::max<std::size_t>(1, std::strtoul(argv[2], nullptr, 10)),
                            std::strtod(argv[3], nullptr)};
  int ports[2];
  if (::pipe(ports) != 0) return 1;
  const auto server = ::fork();
  if (server == 0) serve(ports[1]);
  char endpoint[64];
  if (::read(ports[0], endpoint, sizeof endpoint) <= 0) return 1;
  drive(endpoint, options);
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
}
