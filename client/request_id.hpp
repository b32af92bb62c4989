#pragma once

#include "proto/codec/codec.hpp"

#include <cstdint>

/// Ids of a session's requests: its numbers.
namespace coppice::client {

[[nodiscard]] inline proto::raw_value integer_id(std::uint64_t number) {
  proto::raw_value raw;
  proto::string_sink sink{raw.bytes};
  proto::packer{sink}.pack_uint64(number);
  return raw;
}

/// 0 for anything but a number of ours.
[[nodiscard]] inline std::uint64_t number_of(const proto::raw_value& raw) {
  proto::reader from{raw.bytes};
  std::uint64_t number = 0;
  return from.next_is_integer() && from.read(number) ? number : 0;
}

}  // namespace coppice::client
