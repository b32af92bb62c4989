#include "base/private_file.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace coppice {

namespace {

using ::testing::HasSubstr;

struct PrivateFile : ::testing::Test {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-private-" + std::to_string(::getpid()));
  PrivateFile() { std::ofstream{file} << "secret"; }
  ~PrivateFile() override { std::filesystem::remove(file); }
  [[nodiscard]] expected<void> check_with(mode_t mode) const {
    ::chmod(file.c_str(), mode);
    return check_private(file, "this secret");
  }
};

TEST_F(PrivateFile, IsForItsOwnerAlone) {
  EXPECT_TRUE(check_with(0600));
  EXPECT_TRUE(check_with(0400));
  for (const mode_t open : {0604, 0602, 0620, 0666}) {
    const auto refused = check_with(open);
    ASSERT_FALSE(refused) << open;
    EXPECT_THAT(refused.error().message, HasSubstr("chmod 600 " + file.string()));
  }
}

TEST_F(PrivateFile, MayBeReadByTheGroupRootOnly) {
  if (::chown(file.c_str(), static_cast<uid_t>(-1), 0) == 0) EXPECT_TRUE(check_with(0440));
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(file.c_str(), static_cast<uid_t>(-1), 1), 0);
  EXPECT_FALSE(check_with(0440));
}

TEST_F(PrivateFile, MustBeThere) {
  EXPECT_THAT(check_private("/nowhere/key", "it").error().message, HasSubstr("/nowhere/key"));
}

}  // namespace

}  // namespace coppice
