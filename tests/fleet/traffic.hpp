#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace coppice::fleet {

/// Messages between processes: the first five over CAF, the others over ZeroMQ.
enum class kind : std::uint8_t {
  place,
  place_reply,
  snapshot,
  catalogue,
  engine_down,
  request,
  reply,
  attempt,
  attempt_reply,
  link_sign,  ///< hello, welcome, ping, pong, cancel
};
constexpr std::array<std::string_view, 10> kind_names{
    "place",   "place reply", "snapshot", "catalogue",     "engine down",
    "request", "reply",       "attempt",  "attempt reply", "link sign"};
constexpr std::size_t control_kinds = 5;

/// Encoded messages of each kind: bodies alone, without what CAF, ZeroMQ and TCP put around them.
class traffic {
 public:
  struct sum {
    std::uint64_t messages = 0, bytes = 0;
    std::size_t largest = 0;
  };

  void add(kind of, std::size_t bytes) {
    auto& to = sums_[static_cast<std::size_t>(of)];
    ++to.messages;
    to.bytes += bytes;
    to.largest = std::max(to.largest, bytes);
  }
  [[nodiscard]] const sum& of(kind what) const { return sums_[static_cast<std::size_t>(what)]; }

 private:
  std::array<sum, kind_names.size()> sums_{};
};

}  // namespace coppice::fleet
