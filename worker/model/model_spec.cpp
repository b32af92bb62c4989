#include "worker/model/model_spec.hpp"

namespace coppice::worker {

proto::model_card model_spec::card() const {
  proto::model_card card;
  card.name = name;
  card.version = version;
  for (const auto& input : inputs) card.inputs.push_back(input.spec);
  for (const auto& output : outputs) card.outputs.push_back(output.spec);
  card.batchable = batchable;
  card.max_batch = max_batch;
  card.capacity_rows = 2 * instances * max_batch;
  card.any_inputs = backend == backend_kind::builtin && inputs.empty();
  return card;
}

}  // namespace coppice::worker
