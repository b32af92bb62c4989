// What the engine alone costs: a gateway's end of the link drives coppice-engine directly, with a
// fixed number of attempts in flight. Beside bench_raw_zmq_echo it shows the engine's own share.
#include "base/clock.hpp"
#include "tests/worker/engine/engine_process.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

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
  std::printf(
      "{\"model\": \"%s\", \"bytes\": %zu, \"in_flight\": %zu, \"requests_per_s\": %.0f, "
      "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
      options.model.c_str(), options.bytes, options.window,
      static_cast<double>(us.size()) / seconds, at(0.5), at(0.99));
}

/// A request as a client would make it, the same for every attempt.
struct request_template {
  proto::link_request header;
  std::vector<std::string> payloads;
  std::vector<std::string_view> frames;
};

std::size_t element_bytes(const std::string& datatype) {
  if (datatype == "BYTES") return 4;
  if (datatype.ends_with("64")) return 8;
  if (datatype.ends_with("32")) return 4;
  return datatype.ends_with("16") ? 2 : 1;
}

/// One row of zeros of `spec`, -1 dimensions taken as 64.
void add_input(request_template& made, const proto::tensor_spec& spec, bool batchable) {
  proto::tensor tensor{
      spec.name, spec.datatype, {}, static_cast<std::uint32_t>(made.header.inputs.size()), {}};
  if (batchable) tensor.shape.push_back(1);
  for (const auto size : spec.shape) tensor.shape.push_back(size < 0 ? 64 : size);
  std::size_t bytes = element_bytes(spec.datatype);
  for (const auto size : tensor.shape) bytes *= static_cast<std::size_t>(size);
  made.header.inputs.push_back(std::move(tensor));
  made.payloads.emplace_back(bytes, '\0');
}

request_template request_for(const proto::model_card& card, const run_options& options) {
  request_template made;
  made.header.op = "infer";
  made.header.model = card.name;
  made.header.version = card.version;
  made.header.timeout_us = 30'000'000;
  if (card.any_inputs)
    add_input(made, {"x", "UINT8", {static_cast<std::int64_t>(options.bytes)}}, false);
  for (const auto& spec : card.inputs) add_input(made, spec, card.batchable);
  made.frames.assign(made.payloads.begin(), made.payloads.end());
  return made;
}

/// @returns false if the engine stopped answering.
bool drive(link_peer& peer, request_template request, const run_options& options) {
  std::vector<steady_time> sent(options.window + 1);
  std::vector<double> us;
  us.reserve(1u << 22);
  const auto send = [&](std::size_t i) {
    request.header.attempt = {i};
    sent[i] = now();
    peer.send(request.header, request.frames);
  };
  for (std::size_t i = 1; i <= options.window; ++i) send(i);
  const auto begin = now();
  const auto end =
      begin + std::chrono::duration_cast<duration>(std::chrono::duration<double>(options.seconds));
  while (now() < end) {
    const auto reply = peer.receive_header();
    if (!reply || reply->error) return false;
    const auto i = reply->attempt.value;
    us.push_back(std::chrono::duration<double, std::micro>(now() - sent[i]).count());
    send(i);
  }
  print_figures(us, std::chrono::duration<double>(now() - begin).count(), options);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr,
                 "usage: bench_engine_link MODEL BYTES IN_FLIGHT SECONDS [OPTION]...\n"
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
  const auto welcome = peer.receive();
  for (const auto& card : ready->models)
    if (welcome && card.name == options.model)
      return drive(peer, request_for(card, options), options) ? 0 : 1;
  return std::fprintf(stderr, "The engine does not serve %s.\n", options.model.c_str()), 1;
}
