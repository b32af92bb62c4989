#pragma once

#include "proto/messages/desired.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::cli {

/// What lies between a node and what a file wants of it.
struct node_difference {
  std::string node;
  /// What it has or is on its way to, and what is wanted.
  std::uint64_t revision = 0, wanted = 0;
  std::string models_before, models_after;
  /// NAME, NAME:VERSION, or "all of FOLDER".
  std::vector<std::string> added, removed;
  /// Why the node would not come to it, one sentence; empty: nothing stands against it.
  std::string refusal;

  [[nodiscard]] bool is_none() const noexcept;
};

/// @param node  what the node answers when it is only asked.
[[nodiscard]] node_difference difference(const proto::apply_status& node,
                                         const proto::desired_state& wanted);

/// One line, and one more for each thing that differs.
[[nodiscard]] std::string as_text(const node_difference& of);
[[nodiscard]] nlohmann::ordered_json as_json(const node_difference& of);

}  // namespace coppice::cli
