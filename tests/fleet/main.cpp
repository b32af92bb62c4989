// What placement costs in fleets of growing size: the real decision classes of gateways, schedulers
// and engines in one thread, in virtual time (docs/scale.md).
#include "tests/fleet/cluster.hpp"
#include "tests/fleet/figures.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <sys/resource.h>

namespace coppice::fleet {

namespace {

struct run_options {
  std::vector<std::uint32_t> engines{125, 250, 500, 1000};
  double engines_per_gateway = 50;
  double requests_per_engine = 100;
  double deaths_per_engine = 0.001;
  double seconds = 5;
  plan of;
  bool json = false;
};

struct result {
  plan of;
  std::vector<figure> figures;
  std::map<std::string, books::breach> breaches;
  std::uint64_t asked = 0, succeeded = 0;
  /// Of the whole program, until then.
  double peak_mib = 0;
};

plan plan_for(const run_options& options, std::uint32_t engines) {
  auto of = options.of;
  of.engines = engines;
  of.engines_per_model = std::min(of.engines_per_model, engines);
  of.gateways =
      std::max(1u, static_cast<std::uint32_t>(std::lround(engines / options.engines_per_gateway)));
  of.requests_per_s = options.requests_per_engine * engines;
  of.deaths_per_s = options.deaths_per_engine * engines;
  of.measured =
      std::chrono::duration_cast<duration>(std::chrono::duration<double>(options.seconds));
  return of;
}

double peak_mib() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1024;
}

result run(const plan& of) {
  const auto say = [&](const char* what) {
    fmt::print(stderr, "{} engines, {} gateways, {} schedulers, {:.0f} requests/s: {}\n",
               of.engines, of.gateways, of.schedulers, of.requests_per_s, what);
  };
  cluster all{of};
  say("starts");
  all.start();
  say("is measured");
  all.measure();
  result out{of, figures_of(all), {}, 0, 0, peak_mib()};
  say("finishes");
  all.finish();
  out.breaches = all.audit().breaches();
  out.asked = all.audit().asked();
  out.succeeded = all.audit().succeeded();
  return out;
}

// --- what it says --------------------------------------------------------------------------

double growth_of(const std::vector<result>& results, std::size_t figure) {
  std::vector<double> sizes, values;
  for (const auto& each : results) {
    sizes.push_back(each.of.engines);
    values.push_back(each.figures[figure].value);
  }
  return growth(sizes, values);
}

std::string number(double value) {
  return std::abs(value) >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string power(double exponent) {
  return std::isnan(exponent) ? "" : fmt::format("{:.2f}", exponent);
}

void print_row(const std::vector<result>& results, std::size_t i) {
  const auto& named = results.front().figures[i];
  fmt::print("| {}{} |", named.name, named.unit.empty() ? "" : ", " + named.unit);
  for (const auto& each : results) fmt::print(" {} |", number(each.figures[i].value));
  fmt::print(" {} |\n", power(growth_of(results, i)));
}

void print_table(const std::vector<result>& results) {
  fmt::print("| engines |");
  for (const auto& each : results) fmt::print(" {} |", each.of.engines);
  fmt::print(" grows as size to the power |\n| --- |");
  for (std::size_t i = 0; i <= results.size(); ++i) fmt::print(" --- |");
  fmt::print("\n| gateways |");
  for (const auto& each : results) fmt::print(" {} |", each.of.gateways);
  fmt::print(" |\n");
  for (std::size_t i = 0; i < results.front().figures.size(); ++i) print_row(results, i);
  fmt::print("| resident memory of the whole simulation, MiB |");
  for (const auto& each : results) fmt::print(" {:.0f} |", each.peak_mib);
  fmt::print(" |\n| requests in all, of which answered |");
  for (const auto& each : results) fmt::print(" {}, {} |", each.asked, each.succeeded);
  fmt::print(" |\n");
}

nlohmann::ordered_json as_json(const result& one) {
  nlohmann::ordered_json out{{"engines", one.of.engines},
                             {"gateways", one.of.gateways},
                             {"schedulers", one.of.schedulers},
                             {"models", one.of.models()},
                             {"seed", one.of.seed},
                             {"asked", one.asked},
                             {"succeeded", one.succeeded},
                             {"peak_mib", one.peak_mib}};
  for (const auto& each : one.figures)
    out["figures"][each.name] = {{"value", each.value}, {"unit", each.unit}};
  for (const auto& [name, found] : one.breaches)
    out["breaches"][name] = {{"first", found.first}, {"times", found.times}};
  return out;
}

void print_json(const std::vector<result>& results) {
  nlohmann::ordered_json out;
  for (const auto& each : results) out["runs"].push_back(as_json(each));
  for (std::size_t i = 0; i < results.front().figures.size(); ++i)
    if (const auto exponent = growth_of(results, i); !std::isnan(exponent))
      out["growth"][results.front().figures[i].name] = exponent;
  fmt::print("{}\n", out.dump(1));
}

/// @returns the exit code.
int report(const std::vector<result>& results, bool json) {
  json ? print_json(results) : print_table(results);
  bool broken = false;
  for (const auto& each : results)
    for (const auto& [name, found] : each.breaches) {
      broken = true;
      fmt::print(stderr, "BROKEN {} ({} times, {} engines): {}\n", name, found.times,
                 each.of.engines, found.first);
    }
  if (!broken) fmt::print(stderr, "no invariant was broken\n");
  return broken ? 1 : 0;
}

}  // namespace

}  // namespace coppice::fleet

int main(int argc, char** argv) {
  using namespace coppice::fleet;
  CLI::App app{
      "What placement costs in fleets of growing size, measured on the real decision classes of "
      "gateways, schedulers and engines, in one thread and in virtual time: docs/scale.md."};
  run_options options;
  app.add_option("--engines", options.engines, "Sizes, one after another (125 250 500 1000)")
      ->check(CLI::Range(1, 100'000));
  app.add_option("--engines-per-model", options.of.engines_per_model,
                 "Engines that serve the same model (25)")
      ->check(CLI::PositiveNumber);
  app.add_option("--engines-per-gateway", options.engines_per_gateway,
                 "Engines for each gateway (50)")
      ->check(CLI::PositiveNumber);
  app.add_option("--schedulers", options.of.schedulers, "Schedulers (3)")
      ->check(CLI::Range(1, 100));
  app.add_option("--requests-per-engine", options.requests_per_engine,
                 "Requests a second for each engine (100)")
      ->check(CLI::PositiveNumber);
  app.add_option("--deaths-per-engine", options.deaths_per_engine,
                 "Deaths a second for each engine (0.001)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-batch", options.of.max_batch, "Rows of a batch (8)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--seconds", options.seconds, "Virtual seconds that are measured (5)")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", options.of.seed, "Of everything that is drawn (1)");
  app.add_flag("--json", options.json, "Print JSON instead of a table");
  CLI11_PARSE(app, argc, argv);
  std::vector<result> results;
  for (const auto engines : options.engines) results.push_back(run(plan_for(options, engines)));
  return report(results, options.json);
}
