#include "client/cli/npy.hpp"

#include <array>
#include <charconv>

namespace coppice::cli {

namespace {

struct type_row {
  std::string_view numpy;
  std::string_view oip;
  std::size_t size;
};

constexpr std::array<type_row, 12> types{{{"|b1", "BOOL", 1},
                                          {"|u1", "UINT8", 1},
                                          {"<u2", "UINT16", 2},
                                          {"<u4", "UINT32", 4},
                                          {"<u8", "UINT64", 8},
                                          {"|i1", "INT8", 1},
                                          {"<i2", "INT16", 2},
                                          {"<i4", "INT32", 4},
                                          {"<i8", "INT64", 8},
                                          {"<f2", "FP16", 2},
                                          {"<f4", "FP32", 4},
                                          {"<f8", "FP64", 8}}};

/// The text between `open` and `close` behind `'key':`; empty if it is not there.
std::string_view value_of(std::string_view header, std::string_view key, char open, char close) {
  const auto at = header.find(key);
  if (at == std::string_view::npos) return {};
  const auto begin = header.find(open, at + key.size());
  if (begin == std::string_view::npos) return {};
  const auto end = header.find(close, begin + 1);
  if (end == std::string_view::npos) return {};
  return header.substr(begin + 1, end - begin - 1);
}

expected<std::vector<std::int64_t>> parse_shape(std::string_view text) {
  std::vector<std::int64_t> shape;
  while (!text.empty()) {
    const auto digit = text.find_first_of("0123456789");
    if (digit == std::string_view::npos) break;
    text.remove_prefix(digit);
    std::int64_t size = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (failed != std::errc{}) return fail(errc::invalid, "The .npy file's shape is too large.");
    shape.push_back(size);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  return shape;
}

}  // namespace

expected<client::tensor> read_npy(std::string_view bytes) {
  constexpr std::string_view magic{"\x93NUMPY", 6};
  if (bytes.size() < 12 || bytes.substr(0, 6) != magic)
    return fail(errc::invalid, "This is no .npy file.");
  const auto byte = [&](std::size_t i) {
    return std::size_t{static_cast<unsigned char>(bytes[i])};
  };
  const bool wide = byte(6) > 1;
  const auto length = byte(8) | byte(9) << 8 | (wide ? byte(10) << 16 | byte(11) << 24 : 0);
  const auto begin = wide ? std::size_t{12} : std::size_t{10};
  if (length > bytes.size() - begin) return fail(errc::invalid, "The .npy file is cut off.");
  const auto header = bytes.substr(begin, length);
  const auto data = bytes.substr(begin + length);
  if (header.find("'fortran_order': False") == std::string_view::npos)
    return fail(errc::invalid, "The array is in Fortran order; save numpy.ascontiguousarray(x).");
  const auto descr = value_of(header, "'descr':", '\'', '\'');
  const auto shape = parse_shape(value_of(header, "'shape':", '(', ')'));
  if (!shape) return tl::unexpected(shape.error());
  for (const auto& type : types) {
    if (type.numpy != descr) continue;
    auto wanted = type.size;
    for (const auto size : *shape)
      if (__builtin_mul_overflow(wanted, static_cast<std::size_t>(size), &wanted))
        return fail(errc::invalid, "The .npy file's shape is too large.");
    if (wanted != data.size())
      return fail(errc::invalid, "The .npy file has not the size of its shape.");
    return client::tensor{{}, std::string{type.oip}, *shape, std::string{data}};
  }
  return fail(errc::invalid,
              "The .npy type '" + std::string{descr.substr(0, 16)} + "' is not served.");
}

}  // namespace coppice::cli
