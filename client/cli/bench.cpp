#include "base/clock.hpp"
#include "base/freed_memory.hpp"
#include "client/cli/cluster.hpp"
#include "client/cli/json_tensor.hpp"
#include "client/cli/verbs.hpp"
#include "client/client.hpp"
#include "client/latencies.hpp"
#include "proto/codec/codec.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <unistd.h>

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

struct bench_options {
  cluster_choice cluster;
  std::string model;
  std::uint32_t version = 0, concurrency = 1, timeout_ms = 30'000, rows = 1;
  double rate = 0, duration_s = 5, warm_up_s = 0.5;
  std::size_t bytes = 64;
  std::vector<std::string> dims;
  std::string parameters;
  bool even = false, as_json = false;
};

std::size_t element_size(const std::string& datatype) {
  static const std::map<std::string, std::size_t> sizes{
      {"BOOL", 1}, {"UINT8", 1}, {"INT8", 1},   {"UINT16", 2}, {"INT16", 2},
      {"FP16", 2}, {"BF16", 2},  {"UINT32", 4}, {"INT32", 4},  {"FP32", 4}};
  const auto found = sizes.find(datatype);
  return found == sizes.end() ? 8 : found->second;
}

/// Values that suit most models: small numbers for integers (token ids, masks), noise for floats.
std::string made_bytes(const std::string& datatype, std::size_t elements, std::mt19937& random) {
  std::string bytes(elements * element_size(datatype), '\0');
  if (datatype == "FP32") {
    std::uniform_real_distribution<float> draw{0, 1};
    for (std::size_t i = 0; i < elements; ++i) {
      const float value = draw(random);
      std::memcpy(bytes.data() + 4 * i, &value, 4);
    }
  } else if (datatype == "INT64" || datatype == "INT32") {
    for (std::size_t i = 0; i < elements; ++i) bytes[i * element_size(datatype)] = 1;
  }
  return bytes;
}

client::tensor made_tensor(const bench_options& options, const proto::model_card& card,
                           const proto::tensor_spec& spec, std::mt19937& random) {
  std::vector<std::int64_t> shape;
  if (card.batchable) shape.push_back(options.rows);
  std::int64_t variable = 1;
  for (const auto& dim : options.dims)
    if (dim.starts_with(spec.name + "=")) variable = std::atoll(dim.c_str() + spec.name.size() + 1);
  std::size_t elements = card.batchable ? options.rows : 1;
  for (const auto size : spec.shape) {
    shape.push_back(size < 0 ? variable : size);
    elements *= static_cast<std::size_t>(shape.back());
  }
  return {spec.name, spec.datatype, shape, made_bytes(spec.datatype, elements, random)};
}

client::infer_request made_request(const bench_options& options, const proto::model_card& card) {
  std::mt19937 random{1};
  client::infer_request request;
  request.model = options.model;
  request.version = options.version;
  request.timeout = std::chrono::milliseconds{options.timeout_ms};
  request.parameters = options.parameters;
  for (const auto& spec : card.inputs)
    request.inputs.push_back(made_tensor(options, card, spec, random));
  if (card.any_inputs)
    request.inputs.push_back({"x",
                              "UINT8",
                              {static_cast<std::int64_t>(options.bytes)},
                              std::string(options.bytes, 'x')});
  return request;
}

/// What a run saw. Answers are recorded on the client's thread.
class run_figures {
 public:
  void answered(const client::client::answer& got, steady_time due, bool measured) {
    const std::lock_guard lock{mutex_};
    ++answers_;
    if (!measured) return;
    if (got) {
      latencies_.record(static_cast<std::uint64_t>((now() - due).count()));
    } else {
      ++failures_[std::string{code_name(got.error().code)}];
      if (message_.empty()) message_ = got.error().message;
    }
  }
  std::uint64_t answers() const {
    const std::lock_guard lock{mutex_};
    return answers_;
  }
  json as_json(const bench_options& options, double seconds) const;
  void print(const json& figures) const;

  [[nodiscard]] std::pair<std::uint64_t, double> progress() const {
    const std::lock_guard lock{mutex_};
    return {answers_, latencies_.quantile_us(0.5)};
  }

 private:
  mutable std::mutex mutex_;
  client::latencies latencies_;
  std::uint64_t answers_ = 0;
  std::map<std::string, std::uint64_t> failures_;
  std::string message_;
};

json run_figures::as_json(const bench_options& options, double seconds) const {
  json out{{"model", options.model},
           {"seconds", seconds},
           {"completed", latencies_.count()},
           {"requests_per_s", static_cast<double>(latencies_.count()) / seconds},
           {"failed", failures_},
           {"latency_us",
            {{"mean", latencies_.mean_us()},
             {"p50", latencies_.quantile_us(0.5)},
             {"p90", latencies_.quantile_us(0.9)},
             {"p99", latencies_.quantile_us(0.99)},
             {"p99_9", latencies_.quantile_us(0.999)},
             {"max", latencies_.max_us()}}}};
  if (options.rate > 0)
    out["rate"] = options.rate;
  else
    out["concurrency"] = options.concurrency;
  return out;
}

void run_figures::print(const json& figures) const {
  std::printf(
      "%.0f requests/s, %llu completed in %.1f s\n", figures["requests_per_s"].get<double>(),
      static_cast<unsigned long long>(latencies_.count()), figures["seconds"].get<double>());
  for (const auto& [code, n] : failures_)
    std::printf("  failed: %llu %s\n", static_cast<unsigned long long>(n), code.c_str());
  if (!message_.empty()) std::printf("  first failure: %s\n", message_.c_str());
  const auto& us = figures["latency_us"];
  std::printf("  latency us: p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n%s",
              us["p50"].get<double>(), us["p90"].get<double>(), us["p99"].get<double>(),
              us["p99_9"].get<double>(), us["max"].get<double>(), latencies_.draw(50).c_str());
}

class bench_run {
 public:
  bench_run(const bench_options& options, client::client& client, client::infer_request request)
      : options_{options}, client_{client}, request_{std::move(request)} {}

  int run();

 private:
  void closed_loop();
  void open_loop();
  void next();
  void one(steady_time due);
  void show_progress() const;

  const bench_options& options_;
  client::client& client_;
  client::infer_request request_;
  run_figures figures_;
  steady_time measure_from_, end_;
  std::atomic<std::uint64_t> open_{0};
};

void bench_run::one(steady_time due) {
  ++open_;
  client_.submit(request_, [this, due](client::client::answer got) {
    figures_.answered(got, due, due >= measure_from_ && due < end_);
    --open_;
  });
}

/// Each answer starts the next request.
void bench_run::next() {
  const auto due = now();
  if (due >= end_) return;
  ++open_;
  client_.submit(request_, [this, due](client::client::answer got) {
    figures_.answered(got, due, due >= measure_from_);
    next();
    --open_;
  });
}

void bench_run::closed_loop() {
  for (std::uint32_t i = 0; i < options_.concurrency; ++i) next();
  while (now() < end_) {
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    show_progress();
  }
}

/// Requests leave when they are due, answered or not; latency counts from the due time, so a slow
/// answer delays none of the next (no coordinated omission).
void bench_run::open_loop() {
  std::mt19937_64 random{7};
  std::exponential_distribution<double> gap{options_.rate};
  auto due = now();
  auto shown = due;
  while (due < end_) {
    const auto wait = options_.even ? 1 / options_.rate : gap(random);
    due += std::chrono::duration_cast<duration>(std::chrono::duration<double>(wait));
    std::this_thread::sleep_until(due);
    one(due);
    if (due - shown > 200ms) shown = due, show_progress();
  }
}

void bench_run::show_progress() const {
  if (options_.as_json || ::isatty(STDERR_FILENO) != 1) return;
  const auto [answers, p50] = figures_.progress();
  const auto left = std::chrono::duration<double>(end_ - now()).count();
  std::fprintf(stderr, "\r%10llu answers  p50 %8.1f us  %4.1f s left ",
               static_cast<unsigned long long>(answers), p50, std::max(0.0, left));
}

int bench_run::run() {
  measure_from_ = now() + std::chrono::duration_cast<duration>(
                              std::chrono::duration<double>(options_.warm_up_s));
  end_ = measure_from_ +
         std::chrono::duration_cast<duration>(std::chrono::duration<double>(options_.duration_s));
  options_.rate > 0 ? open_loop() : closed_loop();
  const auto patience = now() + std::chrono::milliseconds{options_.timeout_ms} + 1s;
  while (open_ > 0 && now() < patience) std::this_thread::sleep_for(std::chrono::milliseconds{2});
  if (!options_.as_json && ::isatty(STDERR_FILENO) == 1) std::fprintf(stderr, "\r%60s\r", "");
  const auto figures = figures_.as_json(options_, options_.duration_s);
  if (options_.as_json)
    std::printf("%s\n", figures.dump(2).c_str());
  else
    figures_.print(figures);
  return figures["completed"] > 0 ? 0 : exit_failure;
}

int run(bench_options& options) {
  keep_freed_memory();
  if (auto known = options.cluster.resolve(); !known) return report_usage(known.error());
  if (!options.parameters.empty()) {
    auto read = parameters_from_json(options.parameters);
    if (!read) return report(read.error());
    options.parameters = std::move(*read);
  }
  auto of = options.cluster.client();
  of.retry = false;
  client::client client{of};
  proto::request header;
  header.op = "model";
  header.model = options.model;
  header.version = options.version;
  const auto known = client.call(header);
  if (!known) return report(known.error());
  return bench_run{options, client, made_request(options, known->models.back())}.run();
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand("bench", "Measures latency and throughput of a model");
  auto options = std::make_shared<bench_options>();
  options->cluster.add_options(*verb);
  verb->add_option("model", options->model, "Model")->required();
  verb->add_option("--version", options->version, "Version; 0: the newest");
  auto* rate =
      verb->add_option("--rate", options->rate, "Open loop: requests a second, Poisson arrivals");
  verb->add_option("--concurrency", options->concurrency, "Closed loop: requests in flight")
      ->capture_default_str()
      ->excludes(rate);
  verb->add_flag("--even", options->even, "With --rate: even arrivals")->needs(rate);
  verb->add_option("--duration", options->duration_s, "Seconds measured")->capture_default_str();
  verb->add_option("--warm-up", options->warm_up_s, "Seconds before that")->capture_default_str();
  verb->add_option("--rows", options->rows, "Rows of a request to a batchable model")
      ->capture_default_str();
  verb->add_option("--dim", options->dims, "NAME=SIZE for the -1 dimensions of an input");
  verb->add_option("--bytes", options->bytes, "Size of the input of models that take any")
      ->capture_default_str();
  verb->add_option("--parameters", options->parameters, "JSON map passed to the model");
  verb->add_option("--timeout-ms", options->timeout_ms, "Deadline, milliseconds")
      ->capture_default_str();
  verb->add_flag("--json", options->as_json, "As JSON");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace coppice::cli
