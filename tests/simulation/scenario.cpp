#include "tests/simulation/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace coppice::simulation {

namespace {

constexpr duration faults_from = 3s;
constexpr duration faults_until = 57s;
constexpr duration load_until = 60s;
/// Longer than any time-out of the cluster: silences, heartbeats, back-offs, starts.
constexpr duration recovery = 14s;
constexpr duration calm_lasts = 6s;
constexpr duration calm_timeout = 4s;
/// Time after the last deadline, in which everything is given back.
constexpr duration quiet = 4s;

constexpr std::uint64_t fewest_requests = 2000, most_requests = 2500;
constexpr std::uint64_t calm_requests = 40;
/// So many of them come at once, after the pause.
constexpr std::uint64_t calm_rush = 8;
/// Rows a second that each engine can run of each model, at least.
constexpr double least_rate = 10;
constexpr std::uint32_t mean_tokens = 20;
/// Contents from here on are sent by several requests.
constexpr std::uint64_t shared_contents = 1'000'000;
/// One seed in so many is gentle.
constexpr std::uint64_t gentle_every = 8;
constexpr int gentle_faults = 10;

paths::quality draw_quality(draws& random) {
  const auto where = random.unit();
  if (where < 0.7) return {};
  if (where < 0.9) return {random.between(500us, 3ms), random.between(100us, 2ms), 0};
  return {random.between(3ms, 30ms), random.between(1ms, 10ms), 0};
}

// --- the cluster ---------------------------------------------------------------------------

/// A model that makes tokens.
model_plan draw_stream_model(draws& random, std::uint32_t index) {
  model_plan made;
  auto& spec = made.spec;
  spec.name = "m" + std::to_string(index + 1);
  spec.builtin = "count";
  spec.inputs.push_back({{"tokens", "INT32", {-1}}, "", 0});
  spec.outputs.push_back({{"tokens", "INT32", {-1}}, "", 0});
  spec.sequences = 1u << (1 + random.below(5));
  made.step = random.spread(1ms, std::min<duration>(20ms, 2ms * spec.sequences));
  made.per_row = made.step / (4 * spec.sequences);
  return made;
}

model_plan draw_batch_model(draws& random, std::uint32_t index) {
  model_plan made;
  auto& spec = made.spec;
  spec.name = "m" + std::to_string(index + 1);
  spec.builtin = "sleep";
  spec.inputs.push_back({{"x", "INT64", {2}}, "", 0});
  spec.outputs.push_back({{"x", "INT64", {2}}, "", 0});
  spec.batchable = random.chance(0.85);
  spec.max_batch = spec.batchable ? 1u << random.below(5) : 1;
  spec.instances = 1 + static_cast<std::uint32_t>(random.below(2));
  if (spec.batchable && random.chance(0.5)) spec.max_delay = random.spread(1ms, 30ms);
  spec.policy = std::array{worker::batch_policy::hybrid, worker::batch_policy::window,
                           worker::batch_policy::hybrid}[random.below(3)];
  const auto most = duration{
      static_cast<duration::rep>(1e9 * spec.max_batch * spec.instances / (2 * least_rate))};
  made.step = random.spread(2ms, std::min<duration>(400ms, most));
  made.per_row = made.step / (2 * spec.max_batch);
  return made;
}

model_plan draw_model(draws& random, std::uint32_t index) {
  return random.chance(0.25) ? draw_stream_model(random, index) : draw_batch_model(random, index);
}

/// Rows (sequences) a second of one engine.
double rate_of(const model_plan& it) {
  if (it.spec.streams()) {
    const auto full = it.step + it.spec.sequences * it.per_row;
    return it.spec.sequences / (mean_tokens * std::chrono::duration<double>(full).count());
  }
  const auto full = it.step + it.spec.max_batch * it.per_row;
  return it.spec.max_batch * it.spec.instances / std::chrono::duration<double>(full).count();
}

double rate_of(const scenario& of, std::uint32_t model) {
  double rows = 0;
  for (const auto& node : of.nodes)
    for (const auto& engine : node.engines)
      if (std::count(engine.models.begin(), engine.models.end(), model) > 0)
        rows += rate_of(of.models[model]);
  return rows;
}

void draw_nodes(draws& random, scenario& out) {
  const auto count = 1 + random.below(4);
  for (std::uint64_t n = 0; n < count; ++n) {
    auto& node = out.nodes.emplace_back();
    // The first may share a machine with a gateway, as on a single host.
    node.machine = n == 0 && random.chance(0.2) ? 0 : out.machines++;
    const auto engines = 1 + random.below(2);
    node.grouped = random.chance(0.15);
    for (std::uint64_t k = 0; k < engines; ++k) {
      auto& engine = node.engines.emplace_back();
      engine.load = random.spread(50ms, 1s);
      for (std::uint32_t m = 0; m < out.models.size(); ++m)
        if ((n == 0 && k == 0) || random.chance(0.8)) engine.models.push_back(m);
      if (engine.models.empty()) engine.models.push_back(0);
    }
  }
}

void draw_clients(draws& random, scenario& out) {
  const auto count = 2 + random.below(4);
  for (std::uint64_t c = 0; c < count; ++c) {
    auto& client = out.clients.emplace_back();
    client.machine = out.machines++;
    client.tenant = "tenant-" + std::to_string(1 + random.below(3));
  }
}

void draw_cluster(draws& random, scenario& out) {
  const auto gateways = 1 + random.below(3);
  for (std::uint64_t g = 0; g < gateways; ++g) out.gateways.push_back({out.machines++, false});
  const auto schedulers = 1 + random.below(2);
  for (std::uint64_t s = 0; s < schedulers; ++s) {
    const bool embedded = s < gateways && random.chance(0.5);
    const auto machine = embedded ? out.gateways[s].machine : out.machines++;
    out.schedulers.push_back({machine, embedded ? static_cast<int>(s) : -1});
    if (embedded) out.gateways[s].embeds_scheduler = true;
  }
  const auto models = 1 + random.below(3);
  for (std::uint32_t m = 0; m < models; ++m) out.models.push_back(draw_model(random, m));
  draw_nodes(random, out);
  draw_clients(random, out);
}

/// A tenant with little to spare beside others.
void draw_tenants(draws& random, scenario& out) {
  auto& limits = out.shard.tenants.named["tenant-1"];
  limits.requests_per_s = 5 + random.below(50);
  limits.requests_burst = 20 + random.below(50);
  limits.open_requests = 10 + random.below(100);
  limits.weight = 1 + static_cast<std::uint32_t>(random.below(4));
}

/// Tensors of replies are large, and few of them may wait for a client.
void draw_slow_readers(std::uint64_t draw, scenario& out) {
  out.reply_weight = 50 + 5 * (draw % 50);
  auto& unread = out.shard.limits.outgoing;
  unread.per_client = 20'000 + 1000 * draw;
  unread.total = 2 * unread.per_client;
}

void draw_limits(draws& random, scenario& out) {
  if (random.chance(0.3)) out.shard.limits.admitted_bytes = 10'000 + random.below(100'000);
  if (random.chance(0.3)) out.shard.limits.waiting_rows = 20 + random.below(200);
  if (random.chance(0.3)) draw_tenants(random, out);
  if (random.chance(0.8)) out.supervision.restart.intensity = 1000;
  out.supervision.restart.pause = {random.spread(50ms, 400ms), random.spread(400ms, 3s), 0.2};
  out.hang_after = random.between(duration{1s}, duration{3s});
  if (random.chance(0.5)) draw_slow_readers(random.below(200), out);
  out.codec_everywhere = random.chance(0.1);
}

/// Some models opt in to second attempts.
void draw_hedges(draws random, scenario& out) {
  for (auto& each : out.models)
    if (!each.spec.streams() && random.chance(0.3))
      each.spec.hedge_after = random.spread(2 * each.step, 20 * each.step);
}

/// Engines that bear the load though half of them are away, and paths on which an engine of one row
/// at a time does not stand still for long between two.
void draw_gentle_models(draws& random, scenario& out) {
  out.usual.least = std::min<duration>(out.usual.least, 3ms);
  out.usual.jitter = std::min<duration>(out.usual.jitter, 2ms);
  for (auto& each : out.models) {
    each.step = random.between(duration{1ms}, each.spec.streams() ? duration{1ms} : duration{5ms});
    each.per_row = each.step / (2 * each.spec.max_batch);
    each.spec.sequences = std::max(each.spec.sequences, 8u);
  }
}

// --- faults --------------------------------------------------------------------------------

/// Chooses whom it strikes.
void aim(draws& random, const scenario& of, fault_plan& made) {
  const auto index = [&](std::size_t n) { return static_cast<std::uint32_t>(random.below(n)); };
  switch (made.kind) {
    case fault_kind::kill_gateway:
    case fault_kind::stop_gateway:
    case fault_kind::freeze_gateway:
      made.target = index(of.gateways.size());
      break;
    case fault_kind::kill_scheduler:
    case fault_kind::stop_scheduler:
    case fault_kind::freeze_scheduler:
      made.target = index(of.schedulers.size());
      break;
    case fault_kind::kill_worker:
    case fault_kind::stop_worker:
    case fault_kind::freeze_worker:
    case fault_kind::drain_node:
      made.target = index(of.nodes.size());
      break;
    case fault_kind::kill_engine:
    case fault_kind::freeze_engine:
    case fault_kind::drain_engine:
      made.target = index(of.nodes.size());
      made.other = index(of.nodes[made.target].engines.size());
      break;
    case fault_kind::kill_client:
    case fault_kind::freeze_client:
      made.target = index(of.clients.size());
      break;
    default:
      made.target = index(of.machines);
      made.other = (made.target + 1 + index(of.machines - 1)) % of.machines;
  }
}

fault_plan draw_fault(draws& random, const scenario& of) {
  fault_plan made;
  made.kind = static_cast<fault_kind>(random.below(fault_kinds));
  made.at = random.between(faults_from, faults_until);
  made.lasts = random.spread(50ms, 4s);
  made.inwards = random.chance(0.5);
  aim(random, of, made);
  if (made.kind == fault_kind::slow_path)
    made.quality = {random.spread(5ms, 200ms), random.spread(5ms, 100ms), 0};
  if (made.kind == fault_kind::lossy_path)
    made.quality = {of.usual.least, of.usual.jitter, 0.01 + 0.2 * random.unit()};
  return made;
}

/// One after another.
void draw_gentle_faults(draws& random, scenario& out) {
  constexpr std::array kinds{fault_kind::stop_gateway, fault_kind::stop_scheduler,
                             fault_kind::stop_worker, fault_kind::drain_node,
                             fault_kind::drain_engine};
  auto at = faults_from;
  for (int i = 0; i < gentle_faults; ++i) {
    fault_plan made;
    made.kind = kinds[random.below(kinds.size())];
    made.at = at;
    made.lasts = random.between(duration{500ms}, duration{1500ms});
    aim(random, out, made);
    out.faults.push_back(made);
    at += random.between(duration{5s}, duration{5500ms});
  }
}

// --- load ----------------------------------------------------------------------------------

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

}  // namespace

scenario draw_scenario(std::uint64_t seed) {
  scenario out;
  out.seed = seed;
  out.gentle = seed % gentle_every == 0;
  const draws source{seed};
  auto cluster = source.fork(10), limits = source.fork(11), load = source.fork(12),
       faults = source.fork(13);
  out.calm_from = load_until + recovery;
  out.ends = out.calm_from + calm_lasts + calm_timeout + quiet;
  draw_cluster(cluster, out);
  out.usual = draw_quality(limits);
  if (out.gentle) {
    draw_gentle_models(cluster, out);
    draw_gentle_faults(faults, out);
  } else {
    draw_limits(limits, out);
    const auto count = 10 + faults.below(15);
    for (std::uint64_t i = 0; i < count; ++i) out.faults.push_back(draw_fault(faults, out));
  }
  draw_hedges(source.fork(14), out);
  draw_load(load, out);
  return out;
}

std::string scenario::summary() const {
  std::size_t engines = 0;
  for (const auto& node : nodes) engines += node.engines.size();
  return fmt::format(
      "seed {}{}: {} gateways, {} schedulers, {} nodes, {} engines, {} models, {} clients, {} "
      "requests, {} faults, {:.0f} s",
      seed, gentle ? " (gentle)" : "", gateways.size(), schedulers.size(), nodes.size(), engines,
      models.size(), clients.size(), requests.size(), faults.size(),
      std::chrono::duration<double>(ends).count());
}

}  // namespace coppice::simulation
