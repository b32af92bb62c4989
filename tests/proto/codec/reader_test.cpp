#include "proto/codec/reader.hpp"

#include <gtest/gtest.h>
#include <msgpack.hpp>

#include <limits>

namespace coppice::proto {

namespace {

template <class T>
std::string packed(const T& value) {
  msgpack::sbuffer out;
  msgpack::pack(out, value);
  return {out.data(), out.size()};
}

TEST(Reader, ReadsIntegersOfEveryWidth) {
  for (const std::int64_t value :
       {0l, 1l, -1l, -32l, -33l, 127l, 128l, 255l, 256l, 65536l, -129l, -40000l, 5'000'000'000l,
        -5'000'000'000l, std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min()}) {
    const auto bytes = packed(value);
    reader from{bytes};
    std::int64_t back = 0;
    EXPECT_TRUE(from.read(back)) << value;
    EXPECT_EQ(back, value);
    EXPECT_TRUE(from.at_end());
  }
}

TEST(Reader, RefusesNegativeNumbersWhereNoneMayBe) {
  const auto bytes = packed(-5);
  reader from{bytes};
  std::uint64_t back = 0;
  EXPECT_FALSE(from.read(back));
}

TEST(Reader, ReadsAnyNumberAsADouble) {
  for (const double value : {0.5, -2.0, 1e300}) {
    const auto bytes = packed(value);
    reader from{bytes};
    double back = 0;
    ASSERT_TRUE(from.read(back));
    EXPECT_EQ(back, value);
  }
}

TEST(Reader, NeverBelievesAnArrayThatTheBytesCannotHold) {
  const std::string claim{"\xdd\xff\xff\xff\xff\x01", 6};
  reader from{claim};
  std::uint32_t n = 0;
  EXPECT_FALSE(from.open_array(n));
}

TEST(Reader, StepsOverEveryKindOfValue) {
  const std::map<std::string, std::vector<int>> value{{"a", {1, 2}}, {"b", {}}};
  const auto bytes = packed(value) + packed(std::string(300, 'x')) + packed(1.5f);
  reader from{bytes};
  std::string_view taken;
  EXPECT_TRUE(from.skip(taken));
  EXPECT_EQ(taken.size(), packed(value).size());
  EXPECT_TRUE(from.skip(taken));
  EXPECT_TRUE(from.skip(taken));
  EXPECT_TRUE(from.at_end());
}

}  // namespace

}  // namespace coppice::proto
