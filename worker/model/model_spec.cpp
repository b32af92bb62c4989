#include "worker/model/model_spec.hpp"

namespace coppice::worker {

bool model_spec::streams() const { return backend == backend_kind::builtin && builtin == "count"; }

proto::model_card model_spec::card() const {
  proto::model_card card;
  card.name = name;
  card.version = version;
  for (const auto& input : inputs) card.inputs.push_back(input.spec);
  for (const auto& output : outputs) card.outputs.push_back(output.spec);
  card.batchable = batchable;
  card.max_batch = max_batch;
  card.capacity_rows = streams() ? sequences : 2 * instances * max_batch;
  card.any_inputs = backend == backend_kind::builtin && inputs.empty();
  card.streams = streams();
  card.hedge_after_us = to_us(hedge_after);
  return card;
}

}  // namespace coppice::worker
