#include "worker/engine/input_data.hpp"

#include <gmock/gmock.h>
#include <msgpack.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>

namespace coppice::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class T>
std::string packed(const T& value) {
  msgpack::sbuffer out;
  msgpack::packer{out}.pack(value);
  return {out.data(), out.size()};
}

std::string packed_bin(const std::string& bytes) {
  msgpack::sbuffer out;
  msgpack::packer to{out};
  to.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  to.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  return {out.data(), out.size()};
}

std::uint64_t product(const std::vector<std::int64_t>& shape) {
  std::uint64_t n = 1;
  for (const auto size : shape) n *= static_cast<std::uint64_t>(size);
  return n;
}

expected<std::string> convert(datatype type, const std::string& data,
                              std::vector<std::int64_t> shape) {
  const auto elements = product(shape);
  return raw_elements({"x", "", std::move(shape), {}, {data}}, type, elements);
}

template <class T>
std::vector<T> elements(const expected<std::string>& raw) {
  if (!raw) return ADD_FAILURE() << raw.error().message, std::vector<T>{};
  std::vector<T> out(raw->size() / sizeof(T));
  std::memcpy(out.data(), raw->data(), raw->size());
  return out;
}

template <class T>
void check_integer_limits(datatype type) {
  using limits = std::numeric_limits<T>;
  const auto low = limits::min(), high = limits::max();
  EXPECT_THAT(elements<T>(convert(type, packed(std::vector<T>{low, 0, high}), {3})),
              ElementsAre(low, T{0}, high));
  if constexpr (sizeof(T) < 8) {
    const std::vector<std::int64_t> above{std::int64_t{high} + 1}, below{std::int64_t{low} - 1};
    EXPECT_FALSE(convert(type, packed(above), {1}));
    EXPECT_FALSE(convert(type, packed(below), {1}));
  }
  EXPECT_FALSE(convert(type, packed(std::vector<double>{1.5}), {1}));
  EXPECT_FALSE(convert(type, packed(std::vector<std::string>{"1"}), {1}));
}

TEST(InputData, ConvertsEveryIntegerTypeUpToItsLimits) {
  check_integer_limits<std::uint8_t>(datatype::uint8);
  check_integer_limits<std::uint16_t>(datatype::uint16);
  check_integer_limits<std::uint32_t>(datatype::uint32);
  check_integer_limits<std::uint64_t>(datatype::uint64);
  check_integer_limits<std::int8_t>(datatype::int8);
  check_integer_limits<std::int16_t>(datatype::int16);
  check_integer_limits<std::int32_t>(datatype::int32);
  check_integer_limits<std::int64_t>(datatype::int64);
  EXPECT_FALSE(convert(datatype::uint64, packed(std::vector<int>{-1}), {1}));
  EXPECT_FALSE(
      convert(datatype::int64, packed(std::vector<std::uint64_t>{std::uint64_t{1} << 63}), {1}));
}

TEST(InputData, ConvertsBooleans) {
  EXPECT_EQ(convert(datatype::boolean, packed(std::vector<bool>{true, false}), {2}).value(),
            (std::string{"\1\0", 2}));
  EXPECT_FALSE(convert(datatype::boolean, packed(std::vector<int>{1}), {1}));
}

TEST(InputData, ConvertsFloatingPointFromAnyNumber) {
  EXPECT_THAT(elements<float>(convert(datatype::fp32, packed(std::vector<double>{0.1, -3}), {2})),
              ElementsAre(0.1f, -3.0f));
  EXPECT_THAT(elements<float>(convert(datatype::fp32, packed(std::vector<int>{7, -7}), {2})),
              ElementsAre(7.0f, -7.0f));
  EXPECT_THAT(elements<double>(convert(datatype::fp64, packed(std::vector<double>{1e300}), {1})),
              ElementsAre(1e300));
  EXPECT_THAT(elements<std::uint16_t>(
                  convert(datatype::fp16, packed(std::vector<double>{1.0, -2.0, 65504.0}), {3})),
              ElementsAre(0x3c00, 0xc000, 0x7bff));
  EXPECT_THAT(
      elements<std::uint16_t>(convert(datatype::bf16, packed(std::vector<double>{1.0, -2.0}), {2})),
      ElementsAre(0x3f80, 0xc000));
}

TEST(InputData, KeepsInfinityAndNanButMakesNone) {
  const auto inf = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(std::isinf(elements<float>(convert(datatype::fp32, packed(inf), {}))[0]));
  EXPECT_TRUE(std::isnan(elements<float>(convert(datatype::fp32, packed(std::nan("")), {}))[0]));
  EXPECT_THAT(elements<std::uint16_t>(convert(datatype::bf16, packed(std::nan("")), {})),
              ElementsAre(0x7fc0));
  EXPECT_FALSE(convert(datatype::fp32, packed(1e300), {}));
  EXPECT_FALSE(convert(datatype::fp16, packed(70000.0), {}));
  EXPECT_FALSE(convert(datatype::bf16, packed(3.4028235e38), {}));
}

TEST(InputData, ConvertsStringsToBytesElements) {
  EXPECT_EQ(convert(datatype::bytes, packed(std::vector<std::string>{"ab", ""}), {2}).value(),
            (std::string{"\2\0\0\0ab\0\0\0\0", 10}));
  EXPECT_EQ(convert(datatype::bytes, packed_bin("abc"), {1}).value(),
            (std::string{"\3\0\0\0abc", 7}));
  EXPECT_FALSE(convert(datatype::bytes, packed(std::vector<int>{1}), {1}));
}

TEST(InputData, TakesABinAsRawElements) {
  EXPECT_EQ(convert(datatype::int32, packed_bin("abcdefgh"), {2}).value(), "abcdefgh");
}

TEST(InputData, AcceptsFlatAndNestedArraysAndSingleElements) {
  const std::vector<std::vector<int>> nested{{1, 2, 3}, {4, 5, 6}};
  const std::vector<int> flat{1, 2, 3, 4, 5, 6};

  EXPECT_EQ(convert(datatype::int32, packed(nested), {2, 3}).value(),
            convert(datatype::int32, packed(flat), {2, 3}).value());
  EXPECT_THAT(elements<std::int32_t>(convert(datatype::int32, packed(9), {})), ElementsAre(9));
  EXPECT_EQ(convert(datatype::int32, packed(std::vector<int>{}), {0}).value(), "");
}

TEST(InputData, RefusesOtherCountsAndOtherNesting) {
  const std::vector<std::vector<int>> nested{{1, 2, 3}, {4, 5, 6}};
  const auto count = convert(datatype::int32, packed(std::vector<int>{1, 2, 3}), {2, 2});
  const auto shape = convert(datatype::int32, packed(nested), {3, 2});

  ASSERT_FALSE(count || shape);
  EXPECT_EQ(count.error().message, "Input 'x' has 3 elements in 'data'; its shape says 4.");
  EXPECT_THAT(shape.error().message, HasSubstr("another length"));
  EXPECT_FALSE(convert(datatype::int32, packed(nested), {6}));
  EXPECT_FALSE(convert(datatype::int32, packed(std::vector<int>{1, 2}), {2, 2}));
  EXPECT_FALSE(convert(datatype::int32, packed(std::map<int, int>{}), {1}));
  EXPECT_FALSE(convert(datatype::int32, packed(std::map<int, int>{}), {0}));
}

TEST(InputData, IsTotal) {
  std::mt19937 draw{7};
  const std::vector<std::vector<float>> sample{{1, 2}, {3, 4}};
  for (int i = 0; i < 200'000; ++i) {
    auto bytes = packed(sample);
    for (int n = 0; n < 3; ++n) bytes[draw() % bytes.size()] = static_cast<char>(draw());
    bytes.resize(draw() % (bytes.size() + 1));
    const auto type = static_cast<datatype>(draw() % 14);
    (void)convert(type, bytes, {2, 2});
  }
}

}  // namespace
}  // namespace coppice::worker
