#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>

namespace coppice::proto {

/// One entry of a message's field list: the key on the wire and the member behind it.
template <class Message, class T>
struct field {
  std::string_view name;
  T Message::*member;
};

template <class Message, class T>
field(const char*, T Message::*) -> field<Message, T>;

/// A message described once, by `static constexpr auto fields()` that returns a tuple of `field`.
/// The codec, and what CAF ships, are derived from that list. On the wire a message is a msgpack
/// map; members equal to their default are left out, absent keys take their default, unknown
/// keys are skipped: that is how neighbouring versions live together.
template <class T>
concept message = requires {
  T::fields();
};

/// One msgpack value kept as its bytes: echoed or decoded later by whoever knows its type.
/// Empty means absent.
struct raw_value {
  std::string bytes;
  [[nodiscard]] bool empty() const noexcept { return bytes.empty(); }
  friend bool operator==(const raw_value&, const raw_value&) = default;
};

}  // namespace coppice::proto
