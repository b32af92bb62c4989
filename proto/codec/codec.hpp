#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "proto/codec/reader.hpp"
#include "proto/limits.hpp"
#include "proto/messages/field.hpp"

#include <msgpack/pack.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// Encode and decode any `message` from its field list.
namespace coppice::proto {

/// What msgpack-c packs into: appends to a string.
struct string_sink {
  std::string& out;
  void write(const char* bytes, std::size_t n) { out.append(bytes, n); }
};
using packer = msgpack::packer<string_sink>;

namespace codec {

template <class T>
inline constexpr bool is_strong_id = false;
template <class Tag>
inline constexpr bool is_strong_id<strong_id<Tag>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <message T>
void write(std::string& out, const T& value);

template <class T>
void write_value(std::string& out, const T& value) {
  string_sink sink{out};
  packer to{sink};
  if constexpr (message<T>) {
    write(out, value);
  } else if constexpr (std::is_same_v<T, raw_value>) {
    out += value.bytes;
  } else if constexpr (is_strong_id<T>) {
    to.pack_uint64(value.value);
  } else if constexpr (is_vector<T>) {
    to.pack_array(static_cast<std::uint32_t>(value.size()));
    for (const auto& each : value) write_value(out, each);
  } else if constexpr (is_optional<T>) {
    write_value(out, *value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    to.pack_str(static_cast<std::uint32_t>(value.size()));
    to.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
  } else {
    static_assert(std::is_arithmetic_v<T>);
    if constexpr (std::is_same_v<T, bool>)
      value ? to.pack_true() : to.pack_false();
    else if constexpr (std::is_floating_point_v<T>)
      to.pack_double(value);
    else if constexpr (std::is_signed_v<T>)
      to.pack_int64(value);
    else
      to.pack_uint64(value);
  }
}

template <class T>
[[nodiscard]] bool equals_default(const T& value, const T& fallback) {
  if constexpr (is_vector<T> || std::is_same_v<T, raw_value>)
    return value.empty();
  else if constexpr (is_optional<T>)
    return !value.has_value();
  else if constexpr (message<T>)
    return false;
  else
    return value == fallback;
}

template <message T>
void write(std::string& out, const T& value) {
  static const T fallback{};
  constexpr auto list = T::fields();
  std::apply(
      [&](const auto&... f) {
        const auto present =
            (0u + ... + (equals_default(value.*f.member, fallback.*f.member) ? 0u : 1u));
        string_sink sink{out};
        packer{sink}.pack_map(present);
        ((equals_default(value.*f.member, fallback.*f.member)
              ? void()
              : (packer{sink}.pack_str(static_cast<std::uint32_t>(f.name.size())),
                 sink.write(f.name.data(), f.name.size()), write_value(out, value.*f.member))),
         ...);
      },
      list);
}

template <message T>
[[nodiscard]] bool read_message(reader& from, T& out, std::string& path);

template <class T>
[[nodiscard]] bool read_integer(reader& from, T& out) {
  std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t> wide = 0;
  if (!from.read(wide)) return false;
  if (wide > std::numeric_limits<T>::max() || wide < std::numeric_limits<T>::min())
    return from.fail_with("is out of range");
  out = static_cast<T>(wide);
  return true;
}

template <class T>
[[nodiscard]] bool read_value(reader& from, T& out, std::string& path) {
  if constexpr (message<T>) {
    return read_message(from, out, path);
  } else if constexpr (std::is_same_v<T, raw_value>) {
    std::string_view bytes;
    return from.skip(bytes) && (out.bytes.assign(bytes), true);
  } else if constexpr (is_strong_id<T>) {
    return from.read(out.value);
  } else if constexpr (is_optional<T>) {
    return read_value(from, out.emplace(), path);
  } else if constexpr (is_vector<T>) {
    std::uint32_t n = 0;
    if (!from.open_array(n)) return false;
    if (n > max_list) return from.fail_with("is too long a list");
    if (!from.enter()) return false;
    out.clear();
    for (std::uint32_t i = 0; i < n; ++i)
      if (!read_value(from, out.emplace_back(), path)) return false;
    from.leave();
    return true;
  } else if constexpr (std::is_same_v<T, std::string>) {
    std::string_view text;
    return from.read(text) && (out.assign(text), true);
  } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, double>) {
    return from.read(out);
  } else {
    static_assert(std::is_integral_v<T>);
    return read_integer(from, out);
  }
}

/// How far a map has been read: which fields it had, and which comes next if it has them in the
/// order of the list, as `write` puts them.
struct map_progress {
  std::uint64_t seen = 0;
  std::size_t next = 0;
};

/// Reads the value of a field, which may be nil, and must not stand there twice.
template <class T>
[[nodiscard]] bool read_once(reader& from, T& out, std::size_t index, map_progress& at,
                             std::string& path) {
  const auto bit = std::uint64_t{1} << index;
  if (at.seen & bit) return from.fail_with("stands there twice");
  at.seen |= bit;
  at.next = index + 1;
  std::string_view nothing;
  return from.next_is_nil() ? from.skip(nothing) : read_value(from, out, path);
}

/// Looks for `key` among the fields [first, last) and reads its value. @returns whether it is one.
/// Steps count the comparisons.
template <message T>
[[nodiscard]] bool find_field(reader& from, T& out, std::string_view key, std::size_t first,
                              std::size_t last, map_progress& at, bool& ok, std::string& path) {
  std::size_t index = 0;
  const auto visit = [&](const auto& each) {
    const auto here = index++;
    if (here < first || here >= last) return false;
    from.count_steps(1);
    if (each.name != key) return false;
    ok = read_once(from, out.*each.member, here, at, path);
    return true;
  };
  return std::apply([&](const auto&... each) { return (visit(each) || ...); }, T::fields());
}

/// Reads the value of `key` into its field, or skips it.
template <message T>
[[nodiscard]] bool read_field(reader& from, T& out, std::string_view key, map_progress& at,
                              std::string& path) {
  constexpr auto count = std::tuple_size_v<decltype(T::fields())>;
  bool ok = true;
  const auto next = at.next;
  if (!find_field(from, out, key, next, count, at, ok, path) &&
      !find_field(from, out, key, 0, next, at, ok, path)) {
    std::string_view unknown;
    return from.skip(unknown);
  }
  if (!ok) path = path.empty() ? std::string{key} : std::string{key} + "." + path;
  return ok;
}

template <message T>
[[nodiscard]] bool read_message(reader& from, T& out, std::string& path) {
  std::uint32_t entries = 0;
  if (!from.open_map(entries) || !from.enter()) return false;
  map_progress at;
  for (std::uint32_t i = 0; i < entries; ++i) {
    std::string_view key;
    if (!from.next_is_string()) return from.fail_with("has a key that is not a string");
    if (!from.read(key)) return false;
    if (!read_field(from, out, key, at, path)) return false;
  }
  from.leave();
  return true;
}

}  // namespace codec

/// Appends the msgpack form of `value` to `out`.
template <message T>
void encode(const T& value, std::string& out) {
  codec::write(out, value);
}

template <message T>
[[nodiscard]] std::string encode(const T& value) {
  std::string out;
  encode(value, out);
  return out;
}

/// @param limit  largest accepted size in bytes.
/// @param steps  if given, receives the number of decoder steps (at most 64 a byte).
/// @error `invalid`, naming the field and what is wrong with it.
template <message T>
[[nodiscard]] expected<T> decode(std::string_view bytes, std::size_t limit = max_header_bytes,
                                 std::uint64_t* steps = nullptr) {
  if (bytes.size() > limit)
    return fail(errc::invalid, "The header has " + std::to_string(bytes.size()) +
                                   " bytes; at most " + std::to_string(limit) + " are allowed.");
  reader from{bytes};
  T out{};
  std::string path;
  bool ok = codec::read_message(from, out, path);
  if (ok && !from.at_end()) ok = from.fail_with("is followed by surplus bytes");
  if (steps != nullptr) *steps = from.steps();
  if (ok) return out;
  return fail(errc::invalid, (path.empty() ? "The header" : "Field '" + path + "'") + " " +
                                 std::string{from.failure()} + ".");
}

}  // namespace coppice::proto
