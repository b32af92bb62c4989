#pragma once

#include "base/clock.hpp"
#include "proto/messages/tensor.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace coppice::worker {

/// When a forming batch leaves the queue of a busy engine. An idle engine starts at once unless
/// `max_delay` says to wait.
enum class batch_policy {
  size,    ///< only when `max_batch` rows are there (or a deadline forces it)
  window,  ///< when its first row is `max_delay` old
  hybrid,  ///< whichever comes first
};

/// How requests with different values for -1 dimensions share a batch.
enum class padding_mode {
  none,     ///< only equal shapes share a batch
  longest,  ///< padded to the longest of the batch
  buckets,  ///< padded up to the next size in `buckets`, equal buckets share a batch
};

enum class backend_kind { torchscript, aotinductor, builtin };

/// One input or output of a model.
struct tensor_rule {
  proto::tensor_spec spec;
  /// TorchScript attribute path that carries this tensor instead of an argument or result, such
  /// as `_model._state`: set before forward, read after it. Empty: an argument or result.
  std::string attribute;
  /// Value that fills padding.
  double pad_value = 0;
};

/// A question to a model, with its right answer.
struct self_test {
  /// Elements as flat arrays in `data`; inputs as clients send them.
  std::vector<proto::tensor> inputs, outputs;
  /// How far a number of an output may be from the right one.
  double tolerance = 1e-4;
};

/// One version of a model as its `model.yml` describes it. Checked: every field is valid.
struct model_spec {
  std::string name;
  std::uint32_t version = 1;
  backend_kind backend = backend_kind::builtin;
  /// echo, sleep, crash, hang, flip or count; with `backend_kind::builtin` only.
  std::string builtin;
  /// model.pt or model.pt2.
  std::filesystem::path file;
  std::vector<tensor_rule> inputs;
  std::vector<tensor_rule> outputs;
  bool batchable = false;
  /// Rows, 1 to 1024.
  std::uint32_t max_batch = 1;
  duration max_delay{0};
  batch_policy policy = batch_policy::hybrid;
  padding_mode padding = padding_mode::none;
  std::vector<std::int64_t> buckets;
  /// Copies of the model on one engine, each with a thread of its own, 1 to 64.
  std::uint32_t instances = 1;
  /// Of a model that streams: sequences that run at once, 1 to `max_sequences`.
  std::uint32_t sequences = 16;
  /// Intra-op threads of one forward, 1 to 256.
  std::uint32_t threads = 1;
  std::uint32_t warm_up_rows = 1;
  /// Values for the -1 dimensions of each input at warm-up; 1 where absent.
  std::map<std::string, std::vector<std::int64_t>> warm_up_shape;
  /// Value of every element of an input at warm-up; 0 where absent.
  std::map<std::string, double> warm_up_value;
  /// Constant attributes set before every forward (TorchScript), by path.
  std::map<std::string, double> attributes;
  std::string device = "cpu";
  /// Whether its time depends on the size of its inputs alone; else a step counts as hung only
  /// after the worker's `hang_after_ms`.
  bool steady = true;
  /// The libtorch that exported model.pt2, such as `2.13.0`; empty: the package itself may say.
  std::string torch_version;
  /// Time after which a second attempt may be sent beside the first, 0 to 60 s; 0: never.
  duration hedge_after{0};
  /// Run when an instance has been loaded and warmed up; one that is not passed fails the load.
  std::vector<self_test> self_tests;

  /// As many attempts as a worker can read from the shared page of a step.
  static constexpr std::uint32_t max_sequences = 64;

  /// Whether it serves `generate`: sequences of tokens, instead of batches.
  [[nodiscard]] bool streams() const;
  /// What the cluster is told. Capacity: per instance one batch running and one ahead; of a model
  /// that streams, its sequences.
  [[nodiscard]] proto::model_card card() const;
};

}  // namespace coppice::worker
