#include "worker/engine/element_value.hpp"

#include "tests/worker/engine/builders.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace coppice::worker {

namespace {

template <class T>
void expect_value(datatype type, T stored, long double value) {
  const auto tensor = a_tensor<T>("x", type, {2}, {T{}, stored});
  EXPECT_EQ(element_value(tensor, 1), value) << datatype_name(type);
}

TEST(ElementValue, IsWhatTheElementStandsFor) {
  expect_value<std::uint8_t>(datatype::boolean, 1, 1);
  expect_value<std::uint8_t>(datatype::uint8, 200, 200);
  expect_value<std::uint16_t>(datatype::uint16, 60'000, 60'000);
  expect_value<std::uint32_t>(datatype::uint32, 4'000'000'000, 4e9L);
  expect_value<std::int8_t>(datatype::int8, -128, -128);
  expect_value<std::int16_t>(datatype::int16, -3, -3);
  expect_value<std::int32_t>(datatype::int32, -7, -7);
  expect_value<float>(datatype::fp32, 0.5f, 0.5L);
  expect_value<double>(datatype::fp64, -1e300, static_cast<long double>(-1e300));
  expect_value<std::uint16_t>(datatype::fp16, 0x3e00, 1.5L);
  expect_value<std::uint16_t>(datatype::bf16, 0xc040, -3.0L);
}

TEST(ElementValue, IsExactForTheLargestIntegers) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const auto tensor = a_tensor<std::int64_t>("x", datatype::int64, {2}, {most, most - 1});
  EXPECT_EQ(element_value(tensor, 0) - element_value(tensor, 1), 1.0L);

  constexpr auto top = std::numeric_limits<std::uint64_t>::max();
  const auto wide = a_tensor<std::uint64_t>("x", datatype::uint64, {2}, {top, top - 1});
  EXPECT_EQ(element_value(wide, 0) - element_value(wide, 1), 1.0L);
}

}  // namespace

}  // namespace coppice::worker
