#include "base/ready_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <unistd.h>

namespace coppice {

namespace {

TEST(ReadyFile, IsReplacedAsAWhole) {
  const auto file =
      std::filesystem::temp_directory_path() / ("coppice-ready-" + std::to_string(::getpid()));
  ASSERT_TRUE(write_atomically(file, "old"));
  ASSERT_TRUE(write_atomically(file, "new"));

  std::ifstream in{file};
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>{in}, {}), "new");
  std::filesystem::remove(file);
}

TEST(ReadyFile, SaysWhyItCannotBeWritten) {
  EXPECT_EQ(write_atomically("/nowhere/file", "x").error().code, errc::unavailable);
}

}  // namespace

}  // namespace coppice
