#pragma once

#include "proto/messages/field.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coppice::proto {

/// One tensor of a request or reply. Exactly one of `frame` and `data` carries its elements.
struct tensor {
  std::string name;
  /// OIP name: BOOL, UINT8..UINT64, INT8..INT64, FP16, BF16, FP32, FP64, BYTES.
  std::string datatype;
  /// Row-major, at most `max_rank` dimensions; [] is a scalar.
  std::vector<std::int64_t> shape;
  /// Index of the frame with the raw little-endian elements, 0 = first after the header.
  std::optional<std::uint32_t> frame;
  /// Small tensors: a msgpack array (flat or nested) of numbers, booleans or strings, or a bin
  /// with the raw elements.
  raw_value data;

  static constexpr auto fields() {
    return std::tuple{field{"name", &tensor::name}, field{"datatype", &tensor::datatype},
                      field{"shape", &tensor::shape}, field{"frame", &tensor::frame},
                      field{"data", &tensor::data}};
  }
};

/// What a model says of one input or output; -1 is a dimension known only at run time.
struct tensor_spec {
  std::string name;
  std::string datatype;
  std::vector<std::int64_t> shape;

  static constexpr auto fields() {
    return std::tuple{field{"name", &tensor_spec::name}, field{"datatype", &tensor_spec::datatype},
                      field{"shape", &tensor_spec::shape}};
  }
  friend bool operator==(const tensor_spec&, const tensor_spec&) = default;
};

/// What the cluster knows of one version of a model. If `batchable`, the specs leave out
/// dimension 0, the batch; requests carry it: [rows, ...].
struct model_card {
  std::string name;
  std::uint32_t version = 0;
  std::vector<tensor_spec> inputs;
  std::vector<tensor_spec> outputs;
  bool batchable = false;
  std::uint32_t max_batch = 1;
  /// Rows one engine holds at once: running and one batch ahead.
  std::uint32_t capacity_rows = 2;
  /// Built-in models such as `echo` take any inputs.
  bool any_inputs = false;
  /// Serves `generate`: its output is a stream of tokens.
  bool streams = false;
  /// Time after which a second attempt may be sent beside the first, microseconds; 0: never.
  std::uint64_t hedge_after_us = 0;

  static constexpr auto fields() {
    return std::tuple{field{"name", &model_card::name},
                      field{"version", &model_card::version},
                      field{"inputs", &model_card::inputs},
                      field{"outputs", &model_card::outputs},
                      field{"batchable", &model_card::batchable},
                      field{"max_batch", &model_card::max_batch},
                      field{"capacity_rows", &model_card::capacity_rows},
                      field{"any_inputs", &model_card::any_inputs},
                      field{"streams", &model_card::streams},
                      field{"hedge_after_us", &model_card::hedge_after_us}};
  }
  friend bool operator==(const model_card&, const model_card&) = default;
};

}  // namespace coppice::proto
