#include "client/cli/explain.hpp"

#include "base/counted.hpp"
#include "client/cli/cluster.hpp"
#include "client/cli/verbs.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace coppice::cli {

namespace {

constexpr std::size_t line_width = 40;

std::string as_ms(std::uint64_t us) {
  return fmt::format("{:.3f} ms", static_cast<double>(us) / 1000.0);
}

std::string repeated(const char* mark, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += mark;
  return out;
}

/// Where `us` of `total` lies on the line. Hops come from outside: their sum may be anything.
std::size_t column(std::uint64_t us, std::uint64_t total) {
  if (total == 0) return 0;
  const auto share = static_cast<double>(us) / static_cast<double>(total);
  return static_cast<std::size_t>(std::min(share, 1.0) * static_cast<double>(line_width));
}

/// Whether `one` happened after `other`. Ages are compared: gateways share no clock.
bool is_later(const proto::explanation& one, const proto::explanation& other) {
  const bool open = one.outcome == "open", other_open = other.outcome == "open";
  return open != other_open ? open : one.ended_ago_us < other.ended_ago_us;
}

/// A bar from `began` on, at least one mark long.
std::string bar(std::uint64_t began, std::uint64_t took, std::uint64_t total) {
  const auto from = std::min(column(began, total), line_width - 1);
  const auto to = std::max(column(began + took, total), from + 1);
  return repeated(" ", from) + repeated("━", to - from) + repeated(" ", line_width - to);
}

/// Text of a client in a terminal: no control characters.
std::string printable(std::string text) {
  for (auto& each : text)
    if (static_cast<unsigned char>(each) < 0x20 || each == 0x7f) each = '?';
  return text;
}

std::string heading(const proto::explanation& told) {
  auto out = fmt::format("request {}  {}:{}  class {}\n", printable(told.id), printable(told.model),
                         told.version, printable(told.priority_class));
  for (const auto& [name, value] :
       {std::pair{"key", &told.key}, {"session", &told.session}, {"tenant", &told.tenant}})
    if (!value->empty()) out += fmt::format("{} {}  ", name, printable(*value));
  out += fmt::format("gateway {}\n", printable(told.gateway));
  const bool open = told.outcome == "open";
  out += open ? "open since " + as_ms(told.total_us)
              : fmt::format("{} after {}, {:.1f} s ago", printable(told.outcome),
                            as_ms(told.total_us), static_cast<double>(told.ended_ago_us) / 1e6);
  out += "; " + counted(told.attempts, "attempt");
  if (told.refusals > 0) out += ", " + counted(told.refusals, "refusal");
  out += '\n';
  if (!told.message.empty()) out += printable(told.message) + "\n";
  if (told.others > 0)
    out += counted(told.others, "other") + " of that id or key remembered; this is the latest\n";
  return out;
}

int run(cluster_choice& cluster, const std::string& target, bool json) {
  if (auto known = cluster.resolve(); !known) return report_usage(known.error());
  if (cluster.operator_doors.empty()) {
    std::fprintf(stderr, "coppice: 'explain' asks the operator door. Give --cluster READY_FILE.\n");
    return exit_usage;
  }
  std::vector<expected<proto::explanation>> answers;
  for (const auto& door : cluster.operator_doors) {
    answers.push_back(ask_explanation(door, target, 3s));
    if (!answers.back() && answers.back().error().code != errc::not_found)
      std::fprintf(stderr, "coppice: %s\n", answers.back().error().message.c_str());
  }
  const auto told = latest(std::move(answers));
  if (!told) return report(told.error());
  std::fputs((json ? as_json(*told) : as_text(*told)).c_str(), stdout);
  return 0;
}

}  // namespace

expected<proto::explanation> latest(std::vector<expected<proto::explanation>> answers) {
  expected<proto::explanation>* best = nullptr;
  expected<proto::explanation>* silent = nullptr;
  std::uint32_t found = 0;
  for (auto& each : answers) {
    if (each) found += 1 + each->others;
    if (each && (best == nullptr || is_later(*each, **best))) best = &each;
    if (!each && each.error().code != errc::not_found) silent = &each;
  }
  if (best == nullptr) return std::move(silent != nullptr ? *silent : answers.front());
  (*best)->others = found - 1;
  return std::move(*best);
}

std::string as_text(const proto::explanation& told) {
  auto out = heading(told);
  std::uint64_t began = 0;
  for (const auto& hop : told.hops) {
    out += fmt::format(
        "  {:<8}│{}│ {:>12}  {}\n", printable(hop.what), bar(began, hop.took_us, told.total_us),
        as_ms(hop.took_us),
        printable(hop.where + (hop.text.empty() || hop.where.empty() ? "" : ": ") + hop.text));
    began += hop.took_us;
  }
  return out +
         fmt::format("  {:<8}│{}│ {:>12}\n", "total", repeated(" ", line_width), as_ms(began));
}

std::string as_json(const proto::explanation& told) {
  nlohmann::ordered_json out{{"id", told.id},
                             {"key", told.key},
                             {"session", told.session},
                             {"tenant", told.tenant},
                             {"gateway", told.gateway},
                             {"model", told.model},
                             {"version", told.version},
                             {"class", told.priority_class},
                             {"outcome", told.outcome},
                             {"message", told.message},
                             {"ended_ago_us", told.ended_ago_us},
                             {"total_us", told.total_us},
                             {"attempts", told.attempts},
                             {"refusals", told.refusals},
                             {"others", told.others},
                             {"hops", nlohmann::ordered_json::array()}};
  for (const auto& hop : told.hops)
    out["hops"].push_back(
        {{"what", hop.what}, {"took_us", hop.took_us}, {"where", hop.where}, {"text", hop.text}});
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void add_explain(CLI::App& app, int& exit_code) {
  struct choice {
    cluster_choice cluster;
    std::string target;
    bool json = false;
  };
  auto* verb = app.add_subcommand("explain", "Shows where a request's time went, and why");
  auto options = std::make_shared<choice>();
  options->cluster.add_options(*verb);
  verb->add_option("ID", options->target,
                   "The request's key, as clients and error texts name it, or its id")
      ->required();
  verb->add_flag("--json", options->json, "As JSON");
  verb->callback(
      [options, &exit_code] { exit_code = run(options->cluster, options->target, options->json); });
}

}  // namespace coppice::cli
