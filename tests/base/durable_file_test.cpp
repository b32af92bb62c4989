#include "base/durable_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <unistd.h>

namespace coppice {

namespace {

namespace fs = std::filesystem;

struct DurableFile : ::testing::Test {
  fs::path folder = fs::temp_directory_path() / ("coppice-durable-" + std::to_string(::getpid()));
  DurableFile() { fs::create_directories(folder); }
  ~DurableFile() override { fs::remove_all(folder); }
  static std::string text_of(const fs::path& file) {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

TEST_F(DurableFile, IsReplacedAsAWholeAndLeavesNothingBesideIt) {
  ASSERT_TRUE(write_durably(folder / "state", "old"));
  ASSERT_TRUE(write_durably(folder / "state", std::string(1 << 20, 'x')));

  EXPECT_EQ(text_of(folder / "state").size(), std::size_t{1} << 20);
  EXPECT_EQ(std::distance(fs::directory_iterator{folder}, {}), 1);
}

TEST_F(DurableFile, SaysWhyItCannotBeWrittenAndStaysWhatItWas) {
  fs::create_directories(folder / "state" / "full");

  const auto written = write_durably(folder / "state", "x");

  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, errc::unavailable);
  EXPECT_NE(written.error().message.find((folder / "state").string()), std::string::npos);
  EXPECT_EQ(std::distance(fs::directory_iterator{folder}, {}), 1);
  EXPECT_EQ(write_durably("/nowhere/state", "x").error().code, errc::unavailable);
}

}  // namespace

}  // namespace coppice
