#pragma once

#include "base/error.hpp"
#include "proto/messages/desired.hpp"
#include "worker/node/verified_models.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace coppice::worker {

/// What the engines of one revision are started with, the first time and every time after: engines
/// of a signed repository get the files that were verified then. Immutable.
struct model_set {
  proto::desired_state desired;
  /// For an engine's `--models`: the repository, or the folder of its verified files.
  std::filesystem::path folder;
  /// None: the repository is not signed.
  std::shared_ptr<const verified_models> verified = {};
};
using shared_model_set = std::shared_ptr<const model_set>;

/// Verifies the repository if there are trusted keys, which takes as long as reading all of it.
/// @param trusted  files of public keys. @error as `verified_models::open`.
[[nodiscard]] expected<shared_model_set> open_model_set(const proto::desired_state& desired,
                                                        const std::vector<std::string>& trusted);

}  // namespace coppice::worker
