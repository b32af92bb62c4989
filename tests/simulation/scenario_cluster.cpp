#include "tests/simulation/scenario_parts.hpp"

#include <algorithm>
#include <array>

namespace coppice::simulation {

namespace {

/// Rows a second that each engine can run of each model, at least.
constexpr double least_rate = 10;

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

}  // namespace

paths::quality draw_quality(draws& random) {
  const auto where = random.unit();
  if (where < 0.7) return {};
  if (where < 0.9) return {random.between(500us, 3ms), random.between(100us, 2ms), 0};
  return {random.between(3ms, 30ms), random.between(1ms, 10ms), 0};
}

double rate_of(const scenario& of, std::uint32_t model) {
  double rows = 0;
  for (const auto& node : of.nodes)
    for (const auto& engine : node.engines)
      if (std::count(engine.models.begin(), engine.models.end(), model) > 0)
        rows += rate_of(of.models[model]);
  return rows;
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

void draw_hedges(draws random, scenario& out) {
  for (auto& each : out.models)
    if (!each.spec.streams() && random.chance(0.3))
      each.spec.hedge_after = random.spread(2 * each.step, 20 * each.step);
}

void draw_gentle_models(draws& random, scenario& out) {
  out.usual.least = std::min<duration>(out.usual.least, 3ms);
  out.usual.jitter = std::min<duration>(out.usual.jitter, 2ms);
  for (auto& each : out.models) {
    each.step = random.between(duration{1ms}, each.spec.streams() ? duration{1ms} : duration{5ms});
    each.per_row = each.step / (2 * each.spec.max_batch);
    each.spec.sequences = std::max(each.spec.sequences, 8u);
  }
}

}  // namespace coppice::simulation
