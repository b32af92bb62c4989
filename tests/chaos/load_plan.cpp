#include "tests/chaos/load_plan.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <fstream>

namespace coppice::chaos {

namespace {

/// Sebastiano Vigna's splitmix64.
std::uint64_t next_random(std::uint64_t& state) {
  auto z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// Uniform in [0, 1).
double as_unit(std::uint64_t random) { return static_cast<double>(random >> 11) * 0x1p-53; }

duration in_seconds(double seconds) {
  return std::chrono::duration_cast<duration>(std::chrono::duration<double>(seconds));
}

request_kind read_kind(const nlohmann::json& from) {
  request_kind kind;
  kind.model = from.at("model");
  kind.weight = from.value("weight", kind.weight);
  kind.bytes = from.value("bytes", kind.bytes);
  kind.timeout_ms = from.value("timeout_ms", kind.timeout_ms);
  if (from.contains("parameters")) {
    const auto bytes = nlohmann::json::to_msgpack(from["parameters"]);
    kind.parameters = {bytes.begin(), bytes.end()};
  }
  kind.priority_class = from.value("class", kind.priority_class);
  return kind;
}

}  // namespace

load_plan read_plan(const std::string& file) {
  std::ifstream stream{file};
  const auto from = nlohmann::json::parse(stream);
  load_plan plan;
  plan.library = from.at("via") == "library";
  plan.endpoints = from.at("endpoints").get<std::vector<std::string>>();
  plan.log_file = from.at("log");
  plan.seed = from.at("seed");
  plan.user = from.value("user", plan.user);
  plan.key_file = from.value("key_file", plan.key_file);
  plan.even = from.value("even", plan.even);
  plan.limit = from.value("limit", plan.limit);
  for (const auto& each : from.at("phases"))
    plan.phases.push_back({each.at("seconds"), each.at("rate")});
  for (const auto& each : from.at("mix")) plan.mix.push_back(read_kind(each));
  return plan;
}

arrivals::arrivals(const load_plan& plan, steady_time start)
    : plan_{plan}, state_{plan.seed}, phase_end_{start}, due_{start} {
  if (!plan.phases.empty()) phase_end_ += in_seconds(plan.phases.front().seconds);
  advance();
}

std::uint64_t arrivals::draw() { return next_random(state_); }

/// Moves `due_` by one gap; a gap that leaves its phase begins again in the next one, which for
/// Poisson arrivals changes nothing.
void arrivals::advance() {
  for (; phase_ < plan_.phases.size(); ++phase_) {
    const auto rate = plan_.phases[phase_].rate;
    const auto gap = plan_.even ? 1 / rate : -std::log1p(-as_unit(draw())) / rate;
    if (rate > 0 && due_ + in_seconds(gap) < phase_end_) {
      due_ += in_seconds(gap);
      return;
    }
    due_ = phase_end_;
    if (phase_ + 1 < plan_.phases.size())
      phase_end_ += in_seconds(plan_.phases[phase_ + 1].seconds);
  }
  due_ = steady_time::max();
}

const request_kind& arrivals::take() {
  double total = 0;
  for (const auto& each : plan_.mix) total += each.weight;
  auto point = as_unit(draw()) * total;
  const auto* kind = &plan_.mix.back();
  for (const auto& each : plan_.mix)
    if (point < each.weight) {
      kind = &each;
      break;
    } else {
      point -= each.weight;
    }
  if (++taken_ >= plan_.limit)
    due_ = steady_time::max();
  else
    advance();
  return *kind;
}

std::string made_input(std::uint64_t seed, std::uint64_t number, std::size_t bytes) {
  std::string made(bytes, '\0');
  auto state = seed * 0x9e3779b97f4a7c15 ^ number;
  for (std::size_t at = 0; at < bytes; at += 8) {
    const auto word = next_random(state);
    std::memcpy(made.data() + at, &word, std::min<std::size_t>(8, bytes - at));
  }
  return made;
}

}  // namespace coppice::chaos
