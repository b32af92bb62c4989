#include "worker/engine/input_data.hpp"

#include <bit>
#include <cstring>
#include <limits>

#include "proto/codec/reader.hpp"

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

bool append_number(reader& from, datatype type, std::string& out) {
  double value = 0;
  if (!from.read(value)) return false;
  if (type == datatype::fp64) return append(out, value), true;
  const auto single = static_cast<float>(value);
  if (type == datatype::fp32) return append(out, single), true;
  if (type == datatype::bf16) return append(out, to_bf16(single)), true;
  return append(out, static_cast<_Float16>(single)), true;
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
    case datatype::boolean: return append_boolean(from, out);
    case datatype::uint8: return append_integer<std::uint8_t>(from, out);
    case datatype::uint16: return append_integer<std::uint16_t>(from, out);
    case datatype::uint32: return append_integer<std::uint32_t>(from, out);
    case datatype::uint64: return append_integer<std::uint64_t>(from, out);
    case datatype::int8: return append_integer<std::int8_t>(from, out);
    case datatype::int16: return append_integer<std::int16_t>(from, out);
    case datatype::int32: return append_integer<std::int32_t>(from, out);
    case datatype::int64: return append_integer<std::int64_t>(from, out);
    case datatype::bytes: return append_bytes(from, out);
    default: return append_number(from, type, out);
  }
}

/// Walks nested arrays depth first; the reader bounds the depth.
bool append_all(reader& from, datatype type, std::string& out, std::uint64_t& count) {
  if (!from.next_is_array()) return append_element(from, type, out) && (++count, true);
  std::uint32_t n = 0;
  if (!from.open_array(n) || !from.enter()) return false;
  for (std::uint32_t i = 0; i < n; ++i)
    if (!append_all(from, type, out, count)) return false;
  from.leave();
  return true;
}

}  // namespace

expected<std::string> raw_elements(const proto::tensor& tensor, datatype type,
                                   std::uint64_t elements) {
  reader from{tensor.data.bytes};
  const auto named = "Input '" + tensor.name + "' ";
  if (from.next_is_bin()) {
    std::string_view raw;
    if (from.read(raw)) return std::string{raw};
    return fail(errc::invalid, named + std::string{from.failure()} + ".");
  }
  std::string out;
  std::uint64_t count = 0;
  if (!append_all(from, type, out, count))
    return fail(errc::invalid, named + "data: an element " + std::string{from.failure()} + ".");
  if (count != elements)
    return fail(errc::invalid, named + "has " + std::to_string(count) + " elements in 'data'; its "
                               "shape says " + std::to_string(elements) + ".");
  return out;
}

}  // namespace coppice::worker
