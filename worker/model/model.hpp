#pragma once

#include "base/error.hpp"
#include "worker/model/datatype.hpp"
#include "worker/model/model_spec.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace coppice::worker {

/// A tensor in host memory, row-major and little-endian. `owner` keeps `bytes` alive; the bytes
/// may be unaligned (they point into received frames).
struct host_tensor {
  std::string name;
  datatype type = datatype::fp32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// One request as a model sees it: inputs in the order of the model's spec (any order for
/// built-in models that take any inputs), already checked against the spec.
struct batch_item {
  std::vector<host_tensor> inputs;
  /// Leading dimension; 1 if the model is not batchable.
  std::uint32_t rows = 1;
  /// The request's parameters, a msgpack map or empty.
  proto::raw_value parameters;
};

using item_outputs = std::vector<host_tensor>;

/// One loaded instance of a model. Used by one thread at a time, its own; never shared.
class model {
 public:
  virtual ~model() = default;

  /// Runs one batch (1..max_batch rows in all, shapes as the padding mode allows).
  /// @returns one outputs list per item, in order.
  /// @error `model_error` with the model's own words, or `invalid`; for the batch as a whole:
  ///        the engine then runs each item alone, so that a bad item fails alone.
  virtual expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) = 0;
};

/// Loads one instance. Called on the thread that will run it. Warm-up is the engine's part.
/// @error `invalid` (unreadable file, wrong device, other libtorch version ...) with a remedy.
using model_loader = expected<std::unique_ptr<model>> (*)(const model_spec& spec,
                                                          const std::string& device);

/// The built-in models that run batches: echo, sleep, crash, hang, flip.
expected<std::unique_ptr<model>> load_builtin(const model_spec& spec, const std::string& device);

#ifdef COPPICE_WITH_TORCH
/// TorchScript and AOTInductor through libtorch (worker/tensor/torch).
expected<std::unique_ptr<model>> load_torch(const model_spec& spec, const std::string& device);
#endif

}  // namespace coppice::worker
