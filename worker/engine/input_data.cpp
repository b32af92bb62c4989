#include "worker/engine/input_data.hpp"

#include "proto/codec/reader.hpp"
#include "worker/engine/binary16.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

namespace coppice::worker {

namespace {

using proto::reader;

template <class T>
void append(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class T>
bool append_integer(reader& from, std::string& out) {
  std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t> wide = 0;
  if (!from.read(wide)) return false;
  if (wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max())
    return from.fail_with("holds a number out of the datatype's range");
  append(out, static_cast<T>(wide));
  return true;
}

/// Upper half of the FP32 pattern, rounded to nearest even.
std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value != value) return 0x7fc0;
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/// Appends `value`, the narrowed form of `wide`, unless a finite number became infinite.
template <class T>
bool append_narrowed(reader& from, double wide, T value, bool infinite, std::string& out) {
  if (infinite && std::isfinite(wide))
    return from.fail_with("holds a number out of the datatype's range");
  append(out, value);
  return true;
}

bool append_number(reader& from, datatype type, std::string& out) {
  double value = 0;
  if (!from.read(value)) return false;
  if (type == datatype::fp64) return append(out, value), true;
  const auto single = static_cast<float>(value);
  if (type == datatype::fp32) return append_narrowed(from, value, single, std::isinf(single), out);
  if (type == datatype::bf16) {
    const auto brain = to_bf16(single);
    return append_narrowed(from, value, brain, (brain & 0x7fff) == 0x7f80, out);
  }
  const auto half = static_cast<binary16>(value);
  const auto bits = std::bit_cast<std::uint16_t>(half);
  return append_narrowed(from, value, bits, (bits & 0x7fff) == 0x7c00, out);
}

bool append_bytes(reader& from, std::string& out) {
  std::string_view text;
  if (!from.read(text)) return false;
  append(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
  return true;
}

bool append_boolean(reader& from, std::string& out) {
  bool value = false;
  if (!from.read(value)) return false;
  out += value ? '\1' : '\0';
  return true;
}

bool append_element(reader& from, datatype type, std::string& out) {
  switch (type) {
    case datatype::boolean:
      return append_boolean(from, out);
    case datatype::uint8:
      return append_integer<std::uint8_t>(from, out);
    case datatype::uint16:
      return append_integer<std::uint16_t>(from, out);
    case datatype::uint32:
      return append_integer<std::uint32_t>(from, out);
    case datatype::uint64:
      return append_integer<std::uint64_t>(from, out);
    case datatype::int8:
      return append_integer<std::int8_t>(from, out);
    case datatype::int16:
      return append_integer<std::int16_t>(from, out);
    case datatype::int32:
      return append_integer<std::int32_t>(from, out);
    case datatype::int64:
      return append_integer<std::int64_t>(from, out);
    case datatype::bytes:
      return append_bytes(from, out);
    default:
      return append_number(from, type, out);
  }
}

/// Elements one after the other.
bool append_flat(reader& from, datatype type, std::uint64_t n, std::string& out) {
  for (std::uint64_t i = 0; i < n; ++i)
    if (!append_element(from, type, out)) return false;
  return true;
}

/// Arrays in arrays, as deep and as long as `shape` says.
bool append_nested(reader& from, datatype type, std::span<const std::int64_t> shape,
                   std::string& out) {
  if (shape.empty()) return append_element(from, type, out);
  std::uint32_t n = 0;
  if (!from.open_array(n) || !from.enter()) return false;
  if (n != shape.front())
    return from.fail_with("is in an array of another length than its shape says");
  for (std::uint32_t i = 0; i < n; ++i)
    if (!append_nested(from, type, shape.subspan(1), out)) return false;
  from.leave();
  return true;
}

tl::unexpected<error> reject(const proto::tensor& tensor, const std::string& what) {
  return fail(errc::invalid, "Input " + shown_name(tensor.name) + " " + what + ".");
}

}  // namespace

std::string shown_name(std::string_view name) {
  constexpr std::size_t longest = 64;
  std::string text = "'";
  for (const char c : name.substr(0, longest)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + (name.size() > longest ? "...'" : "'");
}

expected<std::string> raw_elements(const proto::tensor& tensor, datatype type,
                                   std::uint64_t elements) {
  reader from{tensor.data.bytes};
  std::string out;
  std::uint32_t n = 1;
  if (from.next_is_bin() && type != datatype::bytes) {
    std::string_view raw;
    if (!from.read(raw)) return reject(tensor, std::string{from.failure()});
    return std::string{raw};
  }
  const bool in_array = from.next_is_array();
  reader inside = from;
  if (in_array && !inside.open_array(n)) return reject(tensor, std::string{inside.failure()});
  const bool nested = inside.next_is_array();
  if (!nested && n != elements)
    return reject(tensor, "has " + std::to_string(n) + " elements in 'data'; its shape says " +
                              std::to_string(elements));
  auto& source = nested ? from : inside;
  const bool ok =
      nested ? append_nested(source, type, tensor.shape, out) : append_flat(source, type, n, out);
  if (!ok) return reject(tensor, "data: an element " + std::string{source.failure()});
  if (!source.at_end()) return reject(tensor, "data: bytes follow the last element");
  return out;
}

}  // namespace coppice::worker
