#pragma once

#include "base/error.hpp"
#include "proto/messages/desired.hpp"
#include "worker/node/convergence.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace coppice::worker {

/// What a node keeps of its desired state, so that it outlives the process.
struct revision_record {
  /// What it serves: the revision to which it converged last. What revision 0 is, the node's
  /// configuration says, and not the file.
  proto::desired_state current;
  /// The last one that it took.
  proto::desired_state target;
  /// Why it does not come to the target; empty: it has, or is on its way.
  std::string failure;

  /// As in `node_snapshot`: converged, converging or failed.
  [[nodiscard]] std::string_view convergence() const noexcept;
  [[nodiscard]] revision_standing standing() const noexcept;
};

/// The record of a node as text (JSON, which is YAML).
[[nodiscard]] std::string text_of(const revision_record& record, const std::string& node);

/// Reads what a node of that name kept. @param configured  revision 0. No file: that is all.
/// @error `invalid`: the file cannot be read, is no such record or is another node's; with file,
/// line and remedy.
[[nodiscard]] expected<revision_record> read_revision_record(
    const std::filesystem::path& file, const std::string& node,
    const proto::desired_state& configured);

}  // namespace coppice::worker
