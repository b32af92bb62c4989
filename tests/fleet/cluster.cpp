#include "tests/fleet/cluster.hpp"

#include "tests/fleet/gateway_host.hpp"
#include "tests/fleet/node_host.hpp"
#include "tests/fleet/scheduler_host.hpp"

namespace coppice::fleet {

namespace {

worker::model_spec spec_of(const plan& of, std::uint32_t model) {
  worker::model_spec spec;
  spec.name = "model-" + std::to_string(model + 1);
  spec.builtin = "sleep";
  spec.inputs.push_back({{"x", "INT64", {2}}, "", 0});
  spec.outputs.push_back({{"x", "INT64", {2}}, "", 0});
  spec.batchable = true;
  spec.max_batch = of.max_batch;
  return spec;
}

}  // namespace

cluster::cluster(const plan& of) : plan_{of}, random_{of.seed} {
  for (std::uint32_t m = 0; m < of.models(); ++m) specs_.push_back(spec_of(of, m));
  for (std::uint32_t s = 0; s < of.schedulers; ++s)
    schedulers_.push_back(std::make_unique<scheduler_host>(*this, s));
  for (std::uint32_t g = 0; g < of.gateways; ++g)
    gateways_.push_back(std::make_unique<gateway_host>(*this, g));
  for (std::uint32_t n = 0; n < of.nodes(); ++n)
    nodes_.push_back(std::make_unique<node_host>(*this, n));
}

cluster::~cluster() = default;

void cluster::to_engine(incarnation_id which, std::uint32_t gateway, link_message message) {
  const auto shared = std::make_shared<link_message>(std::move(message));
  time_.in(plan_.path, [this, which, gateway, shared] {
    const auto found = engines_.find(which);
    if (found != engines_.end()) found->second->take(gateway, std::move(*shared));
  });
}

void cluster::to_gateway(std::uint32_t which, link_message message) {
  const auto shared = std::make_shared<link_message>(std::move(message));
  time_.in(plan_.path, [this, which, shared] { gateways_[which]->take_link(std::move(*shared)); });
}

void cluster::engine_is_gone(incarnation_id which, const std::string& endpoint) {
  engines_.erase(which);
  for (const auto& each : gateways_)
    time_.in(plan_.path, [&to = *each, which, endpoint] { to.take_reset(which, endpoint); });
}

// --- a run ---------------------------------------------------------------------------------

void cluster::start() {
  loaded_ = true;
  time_.run_until(time_.now() + plan_.start);
  for (const auto& each : schedulers_) each->at_start() = each->spent();
  time_.run_until(time_.now() + plan_.settle);
  traffic_ = {};
  books_.begin_measuring();
  for (const auto& each : schedulers_) each->spent() = {}, each->given() = {};
  for (const auto& each : gateways_) each->spent() = {}, each->held() = {};
}

void cluster::plan_deaths() {
  if (plan_.deaths_per_s <= 0) return;
  const auto gap =
      std::chrono::duration_cast<duration>(std::chrono::duration<double>(1 / plan_.deaths_per_s));
  for (auto at = gap; at <= plan_.measured; at += gap)
    time_.in(at, [this] {
      auto& on = *nodes_[random_.below(nodes_.size())];
      on.kill(static_cast<std::uint32_t>(random_.below(on.size())));
    });
}

void cluster::measure() {
  plan_deaths();
  time_.run_until(time_.now() + plan_.measured);
}

void cluster::finish() {
  loaded_ = false;
  time_.run_until(time_.now() + plan_.rest());
  books_.finish();
  for (const auto& each : gateways_)
    if (each->rows_in_hand() > 0) books_.broken("credit", each->name() + " holds credit for ever");
  look_for_credit();
}

/// Every row of every model must be there for one who asks for all.
void cluster::look_for_credit() {
  for (std::uint32_t m = 0; m < plan_.models(); ++m) {
    std::uint32_t serving = 0;
    for (std::uint32_t e = 0; e < plan_.engines; ++e) serving += e % plan_.models() == m ? 1 : 0;
    const auto rows = serving * specs_[m].card().capacity_rows;
    for (const auto& each : schedulers_)
      if (const auto free = each->free_rows(specs_[m].name); free != rows)
        books_.broken("credit", each->name() + " has " + std::to_string(free) + " of " +
                                    std::to_string(rows) + " rows of " + specs_[m].name);
  }
}

}  // namespace coppice::fleet
