#include "client/cli/json_tensor.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

/// One datatype: how an element is appended to raw bytes (false: it does not fit), and how the one
/// at the front is taken off (null: there is no whole one).
struct codec {
  std::string_view name;
  bool (*append)(const json&, std::string&);
  json (*take)(std::string_view&);
};

template <class T>
void append_raw(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
std::optional<T> take_raw(std::string_view& bytes) {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

template <class T>
bool append_integer(const json& value, std::string& out) {
  using limits = std::numeric_limits<T>;
  if (value.is_number_unsigned()) {
    if (value.get<std::uint64_t>() > static_cast<std::uint64_t>(limits::max())) return false;
  } else if (!value.is_number_integer() || !std::is_signed_v<T> ||
             value.get<std::int64_t>() < static_cast<std::int64_t>(limits::min())) {
    return false;
  }
  append_raw(out, value.get<T>());
  return true;
}

template <class T>
json take_integer(std::string_view& bytes) {
  const auto value = take_raw<T>(bytes);
  return value ? json(*value) : json{};
}

/// The double that is written as short as `value` itself: 0.1, not 0.10000000149011612.
double shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double wide = value;
  std::from_chars(text, end, wide);
  return wide;
}

/// FP32 patterns of the 16-bit floats. Subnormal halves are scaled by 2^-24, their unit.
float half_to_float(std::uint16_t bits) {
  const auto sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const auto exponent = static_cast<std::uint32_t>(bits >> 10) & 31;
  const auto fraction = static_cast<std::uint32_t>(bits & 0x3ff);
  if (exponent == 0)
    return (sign != 0 ? -1.f : 1.f) * std::ldexp(static_cast<float>(fraction), -24);
  const auto widened = exponent == 31 ? 255u : exponent + 112;
  return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}

float brain_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

template <class T>
bool append_float(const json& value, std::string& out) {
  if (!value.is_number()) return false;
  append_raw(out, value.get<T>());
  return true;
}

json take_double(std::string_view& bytes) {
  const auto value = take_raw<double>(bytes);
  return value ? json(*value) : json{};
}

json take_float(std::string_view& bytes) {
  const auto value = take_raw<float>(bytes);
  return value ? json(shortest(*value)) : json{};
}

template <float widen(std::uint16_t)>
json take_narrow(std::string_view& bytes) {
  const auto bits = take_raw<std::uint16_t>(bytes);
  return bits ? json(shortest(widen(*bits))) : json{};
}

bool append_boolean(const json& value, std::string& out) {
  const bool fits = value.is_boolean() || value == 0 || value == 1;
  if (fits) out += value == true || value == 1 ? '\1' : '\0';
  return fits;
}

json take_boolean(std::string_view& bytes) {
  const auto value = take_raw<std::uint8_t>(bytes);
  return value ? json(*value != 0) : json{};
}

bool append_text(const json& value, std::string& out) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  append_raw(out, static_cast<std::uint32_t>(text.size()));
  out += text;
  return true;
}

json take_text(std::string_view& bytes) {
  const auto size = take_raw<std::uint32_t>(bytes);
  if (!size || *size > bytes.size()) return {};
  const std::string text{bytes.substr(0, *size)};
  bytes.remove_prefix(*size);
  return text;
}

bool not_from_json(const json&, std::string&) { return false; }

constexpr codec codecs[] = {
    {"BOOL", append_boolean, take_boolean},
    {"UINT8", append_integer<std::uint8_t>, take_integer<std::uint8_t>},
    {"UINT16", append_integer<std::uint16_t>, take_integer<std::uint16_t>},
    {"UINT32", append_integer<std::uint32_t>, take_integer<std::uint32_t>},
    {"UINT64", append_integer<std::uint64_t>, take_integer<std::uint64_t>},
    {"INT8", append_integer<std::int8_t>, take_integer<std::int8_t>},
    {"INT16", append_integer<std::int16_t>, take_integer<std::int16_t>},
    {"INT32", append_integer<std::int32_t>, take_integer<std::int32_t>},
    {"INT64", append_integer<std::int64_t>, take_integer<std::int64_t>},
    {"FP16", not_from_json, take_narrow<half_to_float>},
    {"BF16", not_from_json, take_narrow<brain_to_float>},
    {"FP32", append_float<float>, take_float},
    {"FP64", append_float<double>, take_double},
    {"BYTES", append_text, take_text},
};

const codec* codec_of(const std::string& datatype) {
  for (const auto& each : codecs)
    if (each.name == datatype) return &each;
  return nullptr;
}

std::vector<std::int64_t> shape_of(const json& value) {
  std::vector<std::int64_t> shape;
  for (const auto* at = &value; at->is_array(); at = &at->front()) {
    shape.push_back(static_cast<std::int64_t>(at->size()));
    if (at->empty()) break;
  }
  return shape;
}

expected<void> append(const json& value, const codec& as, std::string& out, std::int64_t& count) {
  if (value.is_array()) {
    for (const auto& each : value)
      if (auto done = append(each, as, out, count); !done) return done;
    return {};
  }
  ++count;
  if (as.append == not_from_json)
    return fail(errc::invalid, std::string{as.name} + " cannot be given as JSON; use a .npy file.");
  if (as.append(value, out)) return {};
  return fail(errc::invalid, value.dump() + " is no " + std::string{as.name} + ".");
}

expected<void> check_count(const std::vector<std::int64_t>& shape, std::int64_t count) {
  const auto wrong = [&] {
    return fail(errc::invalid, "There are " + std::to_string(count) + " elements; the shape " +
                                   json(shape).dump() + " takes another number of them.");
  };
  std::int64_t wanted = 1;
  for (const auto size : shape) {
    // More than there are, or less than none, is wrong in any case: the product stays small.
    if (size < 0 || size > count) return wrong();
    wanted *= size;
    if (wanted > count) return wrong();
  }
  if (wanted == count) return {};
  return wrong();
}

}  // namespace

expected<client::tensor> tensor_from_json(const json& value, const std::string& datatype) try {
  const bool described = value.is_object();
  const auto& elements = described ? value.at("data") : value;
  client::tensor tensor;
  tensor.datatype = described ? value.value("datatype", datatype) : datatype;
  tensor.shape = described && value.contains("shape")
                     ? value["shape"].get<std::vector<std::int64_t>>()
                     : shape_of(elements);
  const auto* as = codec_of(tensor.datatype);
  if (as == nullptr) return fail(errc::invalid, "'" + tensor.datatype + "' is no datatype.");
  std::int64_t count = 0;
  if (auto done = append(elements, *as, tensor.bytes, count); !done)
    return tl::unexpected(done.error());
  if (auto fits = check_count(tensor.shape, count); !fits) return tl::unexpected(fits.error());
  return tensor;
} catch (const json::exception& failure) {
  return fail(errc::invalid, std::string{"The JSON does not fit: "} + failure.what());
}

json json_from_tensor(const client::tensor& tensor) {
  json out = json::array();
  const auto* as = codec_of(tensor.datatype);
  std::string_view bytes{tensor.bytes};
  while (as != nullptr && !bytes.empty()) {
    auto element = as->take(bytes);
    if (element.is_null()) break;
    out.push_back(std::move(element));
  }
  return out;
}

expected<std::string> parameters_from_json(const std::string& map) {
  const auto read = nlohmann::ordered_json::parse(map, nullptr, false);
  if (!read.is_object())
    return fail(errc::invalid, "--parameters takes a JSON map, such as {\"ms\": 5}.");
  const auto bytes = nlohmann::ordered_json::to_msgpack(read);
  return std::string{bytes.begin(), bytes.end()};
}

}  // namespace coppice::cli
