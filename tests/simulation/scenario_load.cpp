#include "tests/simulation/scenario_parts.hpp"

#include <algorithm>

namespace coppice::simulation {

namespace {

constexpr std::uint64_t fewest_requests = 2000, most_requests = 2500;
constexpr std::uint64_t calm_requests = 40;
/// So many of them come at once, after the pause.
constexpr std::uint64_t calm_rush = 8;
/// Contents from here on are sent by several requests.
constexpr std::uint64_t shared_contents = 1'000'000;

request_plan draw_request(draws& random, const scenario& of, duration at, std::uint32_t model) {
  request_plan made;
  made.at = at;
  made.client = static_cast<std::uint32_t>(random.below(of.clients.size()));
  made.model = model;
  const auto& spec = of.models[model].spec;
  if (spec.batchable && random.chance(0.2))
    made.rows = 1 + static_cast<std::uint32_t>(random.below(spec.max_batch));
  // In whole milliseconds, as on the wire.
  made.timeout = random.spread(50ms, 16s) / 1ms * duration{1ms};
  const auto rank = random.unit();
  made.priority_class = rank < 0.1 ? "critical" : rank < 0.2 ? "batch" : "normal";
  made.at_most_once = random.chance(0.03);
  if (spec.streams()) {
    made.tokens = 1 + static_cast<std::uint32_t>(random.below(2 * mean_tokens));
    made.window = 1 + static_cast<std::uint32_t>(random.below(32));
  } else if (random.chance(0.02)) {
    made.does = behaviour::fail;
  }
  if (random.chance(0.04)) made.cancel_after = random.spread(100us, 2s);
  return made;
}

/// A rush of one model at 2 to 10 times what its engines can do, often just before a fault.
void draw_rush(draws& random, scenario& out, std::uint64_t requests) {
  const auto model = static_cast<std::uint32_t>(random.below(out.models.size()));
  auto from = random.between(duration{1s}, load_until);
  if (random.chance(0.6)) {
    const auto& fault = out.faults[random.below(out.faults.size())];
    from = fault.at - random.between(duration{0}, duration{300ms});
  }
  const auto each_second = rate_of(out, model) * (2 + 8 * random.unit());
  const auto lasts = duration{
      static_cast<duration::rep>(1e9 * std::min(4.0, static_cast<double>(requests) / each_second))};
  for (std::uint64_t i = 0; i < requests; ++i)
    out.requests.push_back(
        draw_request(random, out, from + random.between(duration{0}, lasts), model));
}

/// Some contents end their engines; each is sent a few times, by whoever.
void draw_harm(draws& random, scenario& out) {
  const auto contents = random.below(3);
  for (std::uint64_t c = 0; c < contents; ++c) {
    const auto first = random.below(out.requests.size());
    const auto does = random.chance(0.5) ? behaviour::crash : behaviour::hang;
    const auto times = 1 + random.below(4);
    for (std::uint64_t i = 0; i < times; ++i) {
      auto& harmful = out.requests[(first + i * (1 + random.below(50))) % out.requests.size()];
      out.harmful = true;
      harmful.does = does;
      harmful.content = shared_contents + c;
      harmful.model = out.requests[first].model;
      harmful.rows = 1;
      harmful.tokens = out.requests[first].tokens;
    }
  }
}

void draw_calm(draws& random, scenario& out) {
  const auto rushed = static_cast<std::uint32_t>(random.below(out.models.size()));
  for (std::uint64_t i = 0; i < calm_requests; ++i) {
    const auto model = static_cast<std::uint32_t>(random.below(out.models.size()));
    const auto at = out.calm_from + random.between(duration{0}, calm_lasts);
    auto made = i < calm_rush ? draw_request(random, out, out.calm_from, rushed)
                              : draw_request(random, out, at, model);
    made.rows = 1;
    made.timeout = calm_timeout;
    made.does = behaviour::echo;
    made.cancel_after = duration{0};
    made.calm = true;
    out.requests.push_back(std::move(made));
  }
}

void draw_gentle_load(draws& random, scenario& out) {
  const auto at = [&] { return random.between(duration{1s}, load_until); };
  while (out.requests.size() < fewest_requests) {
    const auto model = static_cast<std::uint32_t>(random.below(out.models.size()));
    auto made = draw_request(random, out, at(), model);
    made.rows = 1;
    made.timeout = random.between(10, 16) * duration{1s};
    made.does = behaviour::echo;
    made.cancel_after = duration{0};
    made.at_most_once = false;
    out.requests.push_back(std::move(made));
  }
}

void draw_chaotic_load(draws& random, scenario& out) {
  const auto total = static_cast<std::uint64_t>(random.between(fewest_requests, most_requests));
  const auto rushes = 5 + random.below(8);
  const auto rushing = total * (30 + random.below(50)) / 100;
  for (std::uint64_t i = 0; i < rushes; ++i) draw_rush(random, out, rushing / rushes);
  while (out.requests.size() < total) {
    const auto model = static_cast<std::uint32_t>(random.below(out.models.size()));
    out.requests.push_back(
        draw_request(random, out, random.between(duration{500ms}, load_until), model));
  }
}

}  // namespace

void draw_load(draws& random, scenario& out) {
  if (out.gentle)
    draw_gentle_load(random, out);
  else
    draw_chaotic_load(random, out);
  if (!out.gentle || random.chance(0.5)) draw_harm(random, out);
  draw_calm(random, out);
  std::stable_sort(out.requests.begin(), out.requests.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
}

}  // namespace coppice::simulation
