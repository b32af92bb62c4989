#include "gateway/access/user_options.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice::gateway {

namespace {

using std::filesystem::perms;
using ::testing::HasSubstr;

struct UserOptions : ::testing::Test {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-users-" + std::to_string(::getpid()));
  ~UserOptions() override { std::filesystem::remove(file); }
  expected<user_table> read(const std::string& yaml, perms rights) {
    std::ofstream{file} << yaml;
    std::filesystem::permissions(file, rights);
    return read_users(file);
  }
  static constexpr auto mine = perms::owner_read | perms::owner_write;
};

TEST_F(UserOptions, GiveAUserItsTenantOrMakeItOne) {
  const auto users = read("ann: {password: a b, tenant: gold}\nbob: {password: '7'}\n", mine);

  ASSERT_TRUE(users) << users.error().message;
  EXPECT_EQ(users->at("ann"), (user{"a b", "gold"}));
  EXPECT_EQ(users->at("bob"), (user{"7", "bob"}));
}

TEST_F(UserOptions, RefuseAFileThatOthersMayRead) {
  const auto users = read("ann: {password: x}\n", mine | perms::others_read);

  ASSERT_FALSE(users);
  EXPECT_THAT(users.error().message, HasSubstr("chmod 600 " + file.string()));
  EXPECT_FALSE(read("ann: {password: x}\n", mine | perms::others_read));
}

TEST_F(UserOptions, NameLineAndRemedyOfWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"ann: {password: x}\nbob: {}\n", ": user 'bob' needs a 'password' of 1 to 255 bytes."},
      {"ann: {password: ''}\n", ":1: user 'ann' needs a 'password'"},
      {"ann: {password: x, tenant: a/b}\n", ":1: a tenant's name has"},
      {"a b: {password: x}\n", ":1: a user's name has"},
      {"ann: {password: x, role: y}\n", ":1: unknown key 'role'"}};
  for (const auto& [yaml, wanted] : cases) {
    const auto users = read(yaml, mine);
    ASSERT_FALSE(users) << yaml;
    EXPECT_THAT(users.error().message, HasSubstr(wanted));
  }
  EXPECT_FALSE(read("ann: {password: " + std::string(256, 'x') + "}\n", mine));
}

}  // namespace

}  // namespace coppice::gateway
