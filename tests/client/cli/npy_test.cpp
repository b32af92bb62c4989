#include "client/cli/npy.hpp"

#include <gtest/gtest.h>

#include <random>

namespace coppice::cli {

namespace {

std::string an_npy(const std::string& descr, const std::string& shape, const std::string& data,
                   const std::string& order = "False") {
  auto header =
      "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }\n";
  std::string bytes{"\x93NUMPY\x01\x00", 8};
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + data;
}

TEST(Npy, ReadsTypeShapeAndData) {
  const auto tensor = read_npy(an_npy("<f4", "2, 1", "12345678"));

  ASSERT_TRUE(tensor) << tensor.error().message;
  EXPECT_EQ(tensor->datatype, "FP32");
  EXPECT_EQ(tensor->shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(tensor->bytes, "12345678");
}

TEST(Npy, RefusesWhatItCannotSend) {
  EXPECT_FALSE(read_npy(an_npy("<f4", "2", "1234")));
  EXPECT_FALSE(read_npy(an_npy("|O", "1", "1")));
  EXPECT_FALSE(read_npy(an_npy("<f4", "1", "1234", "True")));
  EXPECT_FALSE(read_npy(an_npy("<f8", "9223372036854775807, 9", "")));
}

TEST(Npy, SurvivesEveryTruncation) {
  const auto whole = an_npy("<i8", "1", "12345678");
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(read_npy(whole.substr(0, n))) << n;
}

TEST(Npy, ReadsAScalar) {
  const auto tensor = read_npy(an_npy("<i8", "", "12345678"));

  ASSERT_TRUE(tensor) << tensor.error().message;
  EXPECT_TRUE(tensor->shape.empty());
}

TEST(Npy, GivesATensorOrAnErrorForAnyBytes) {
  std::mt19937 random{5};
  for (int i = 0; i < 20'000; ++i) {
    auto file = an_npy("<f4", "2, 3", std::string(24, 'e'));
    for (int k = 0; k < 3; ++k) file[random() % file.size()] = static_cast<char>(random());
    if (const auto tensor = read_npy(file)) {
      EXPECT_LE(tensor->bytes.size(), file.size());
    }
  }
}

}  // namespace

}  // namespace coppice::cli
