#pragma once

#include "worker/model/model.hpp"

#include <ATen/core/Tensor.h>
#include <span>
#include <vector>

namespace coppice::worker {

/// The ATen type of an OIP datatype. BYTES has none: callers have refused it.
[[nodiscard]] at::ScalarType scalar_type(datatype type);
[[nodiscard]] expected<datatype> datatype_of(at::ScalarType type);

/// Input `index` of every item as one tensor on the CPU: [sum of rows, ...] if the model is
/// batchable, else the one item's tensor. Rows are copied once, straight from the frames;
/// dimensions that differ are padded with the rule's value as `spec` says.
[[nodiscard]] at::Tensor assemble(const model_spec& spec, std::span<const batch_item> batch,
                                  std::size_t index);

/// Splits outputs of a batch back into its items. `outputs` are in the spec's order, contiguous,
/// on the CPU. The items' bytes are views that keep the batch's tensor alive. An output dimension
/// that follows a padded input comes as the model computed it, padding included.
/// @error `model_error` if an output's datatype, rows or shape do not fit the spec.
[[nodiscard]] expected<std::vector<item_outputs>> split(const model_spec& spec,
                                                        std::span<const batch_item> batch,
                                                        const std::vector<at::Tensor>& outputs);

}  // namespace coppice::worker
