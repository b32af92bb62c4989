#include "gateway/access/door_access.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>
#include <vector>

namespace coppice::gateway {

namespace {

constexpr wall_time t0{std::chrono::seconds{1'800'000'000}};

struct DoorAccess : ::testing::Test {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-door-" + std::to_string(::getpid()));
  const public_key key = key_pair::make()->shown();
  std::vector<bool> told;

  ~DoorAccess() override { std::filesystem::remove(file); }
  void allow(const std::vector<std::string>& names) const {
    allow_list list;
    for (const auto& name : names)
      EXPECT_TRUE(list.allow(name, {key_pair::make()->shown(), name, "", {}}));
    EXPECT_TRUE(list.write(file));
  }
  std::unique_ptr<door_access> open() {
    auto access = *door_access::of_file(file, {}, {});
    access->told = [this](const std::optional<error>& wrong) { told.push_back(!wrong); };
    return access;
  }
};

TEST_F(DoorAccess, TakesWhatTheFileSaysWhenItChanges) {
  allow({"a"});
  const auto access = open();
  const auto version = access->version();
  access->look();
  EXPECT_EQ(access->version(), version) << "nothing has changed";

  allow({"a", "b"});
  access->look();

  EXPECT_GT(access->version(), version);
  EXPECT_EQ(access->table()->tenant_of("b", t0), "b");
  EXPECT_EQ(told, std::vector<bool>{true});
}

TEST_F(DoorAccess, KeepsWhatHeldWhenTheFileIsWrongOrGone) {
  allow({"a"});
  const auto access = open();

  std::ofstream{file} << "clients: [";
  access->look();
  std::filesystem::remove(file);
  access->look();

  EXPECT_EQ(access->table()->tenant_of("a", t0), "a");
  EXPECT_EQ(told, (std::vector<bool>{false, false}));
}

TEST_F(DoorAccess, DoesNotOpenWithAFileThatIsWrong) {
  EXPECT_FALSE(door_access::of_file(file, {}, {})) << "there is none";

  std::ofstream{file} << "clients: {a: {}}";
  EXPECT_FALSE(door_access::of_file(file, {}, {}));
}

}  // namespace

}  // namespace coppice::gateway
