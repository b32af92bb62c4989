#include "keys/allow_list.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice {

namespace {

using ::testing::HasSubstr;

struct AllowList : ::testing::Test {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-allowed-" + std::to_string(::getpid()));
  const public_key first = key_pair::make()->shown(), second = key_pair::make()->shown();
  ~AllowList() override { std::filesystem::remove(file); }
  [[nodiscard]] expected<allow_list> read(const std::string& yaml) const {
    std::ofstream{file} << yaml;
    return allow_list::read(file);
  }
};

TEST_F(AllowList, IsReadAsItWasWritten) {
  allow_list list;
  const wall_time end{std::chrono::seconds{1'800'000'000}};
  ASSERT_TRUE(list.allow("laptop", {first, "acme", "gold", end}));
  ASSERT_TRUE(list.allow("robot", {second, "robot", "", {}}));
  ASSERT_TRUE(list.write(file));

  const auto read = allow_list::read(file);

  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->clients().size(), 2u);
  const auto& laptop = read->clients().at("laptop");
  EXPECT_EQ(laptop.key, first);
  EXPECT_EQ(laptop.tenant, "acme");
  EXPECT_EQ(laptop.quota, "gold");
  EXPECT_EQ(laptop.expires, end);
  EXPECT_FALSE(read->clients().at("robot").expires);
}

TEST_F(AllowList, MakesAClientItsOwnTenantIfItNamesNone) {
  const auto list = read("clients: {robot: {key: '" + first.text() + "'}}\n");

  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->clients().at("robot").tenant, "robot");
}

TEST_F(AllowList, NamesLineAndRemedyOfWhatIsWrong) {
  const auto good = "key: '" + first.text() + "'";
  const std::pair<std::string, const char*> cases[] = {
      {"clients:\n  a: {}\n", ":2: 'a' needs a 'key'"},
      {"clients:\n  a: {key: short}\n", ":2: 'a' needs a 'key'"},
      {"clients:\n  a: {" + good + ", expires: soon}\n", ":2: 'expires' must be a date"},
      {"clients:\n  a: {" + good + ", tenant: 'x y'}\n", ":2: a tenant's name has"},
      {"clients:\n  a: {" + good + "}\n  b: {" + good + "}\n", ":3: 'b' has the key of another"},
      {"clients:\n  a: {" + good + "}\n  a: {key: '" + second.text() + "'}\n",
       "'a' stands there twice"},
      {"clients:\n  a b: {" + good + "}\n", ":2: a client's name has"},
      {"clients:\n  a: {" + good + ", role: x}\n", ":2: unknown key 'role'"},
      {"people: {}\n", ":1: unknown key 'people'"}};
  for (const auto& [yaml, wanted] : cases) {
    const auto list = read(yaml);
    ASSERT_FALSE(list) << yaml;
    EXPECT_THAT(list.error().message, HasSubstr(wanted));
  }
}

TEST_F(AllowList, GivesOneKeyToOneClient) {
  allow_list list;
  ASSERT_TRUE(list.allow("a", {first, "a", "", {}}));

  EXPECT_FALSE(list.allow("b", {first, "b", "", {}}));
  EXPECT_TRUE(list.allow("a", {second, "a", "", {}}));
  EXPECT_TRUE(list.allow("b", {first, "b", "", {}}));
  EXPECT_TRUE(list.revoke("a"));
  EXPECT_FALSE(list.revoke("a"));
}

TEST(WallTime, IsReadFromItsText) {
  const wall_time at{std::chrono::seconds{1'801'353'600}};

  EXPECT_EQ(date_text(at), "2027-01-31T00:00:00Z");
  EXPECT_EQ(parse_date("2027-01-31T00:00:00Z"), at);
  for (const auto* wrong :
       {"", "2027-01-31", "2027-01-31T00:00:00", "2027-13-31T00:00:00Z", "soon"})
    EXPECT_FALSE(parse_date(wrong)) << wrong;
}

}  // namespace

}  // namespace coppice
