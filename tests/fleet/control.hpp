#pragma once

#include "proto/codec/codec.hpp"
#include "tests/fleet/cluster.hpp"

#include <optional>
#include <string>
#include <utility>

namespace coppice::fleet {

/// A control message as proto/contracts/inspect.hpp reads it. What is refused never arrives, and is
/// a breach.
template <proto::message Message>
[[nodiscard]] std::optional<Message> decode_control(cluster& all, const std::string& bytes) {
  auto read = proto::decode<Message>(bytes, proto::max_control_bytes);
  if (read) return std::move(*read);
  all.audit().broken("readable", read.error().message);
  return std::nullopt;
}

}  // namespace coppice::fleet
