#pragma once

#include "base/error.hpp"
#include "worker/model/model_spec.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace coppice::worker {

/// One thing wrong with a model repository.
struct finding {
  std::filesystem::path file;
  /// 1-based; 0 where no line applies.
  int line = 0;
  /// What is wrong, one sentence.
  std::string problem;
  /// What to do about it, one sentence.
  std::string remedy;
};

/// What a model repository holds: `specs` are valid, `findings` are not in `specs`.
struct repository {
  std::vector<model_spec> specs;
  std::vector<finding> findings;
};

/// Reads `<folder>/<name>/model.yml` and `<folder>/<name>/<version>/model.{pt,pt2}` of every model,
/// every version. Never throws; needs no libtorch. Built-in models need no version folder.
[[nodiscard]] repository read_repository(const std::filesystem::path& folder);

/// The spec of a built-in model without a model.yml: echo, sleep, crash, hang, flip or count.
/// echo and flip: batchable, max_batch 64; count streams; the others run alone.
[[nodiscard]] expected<model_spec> builtin_spec(const std::string& name);

}  // namespace coppice::worker
