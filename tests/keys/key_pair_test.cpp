#include "keys/key_pair.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice {

namespace {

using std::filesystem::perms;
using ::testing::HasSubstr;

struct KeyPair : ::testing::Test {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-key-" + std::to_string(::getpid()));
  ~KeyPair() override { std::filesystem::remove(file); }
  void put(const std::string& text) const {
    std::ofstream{file} << text;
    std::filesystem::permissions(file, perms::owner_read | perms::owner_write);
  }
};

TEST_F(KeyPair, IsReadAsItWasWritten) {
  const auto made = key_pair::make();
  ASSERT_TRUE(made);
  ASSERT_TRUE(made->write(file));

  const auto read = key_pair::read(file);

  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->shown(), made->shown());
  EXPECT_EQ(read->secret(), made->secret());
}

TEST_F(KeyPair, IsForItsOwnerAlone) {
  ASSERT_TRUE(key_pair::make()->write(file));
  EXPECT_EQ(std::filesystem::status(file).permissions(), perms::owner_read | perms::owner_write);

  std::filesystem::permissions(file, perms::others_read, std::filesystem::perm_options::add);
  const auto read = key_pair::read(file);

  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("chmod 600"));
}

TEST_F(KeyPair, IsNeverOverwritten) {
  const auto first = *key_pair::make();
  ASSERT_TRUE(first.write(file));

  EXPECT_FALSE(key_pair::make()->write(file));
  EXPECT_EQ(key_pair::read(file)->secret(), first.secret());
}

TEST_F(KeyPair, RefusesWhatIsNone) {
  const auto pair = *key_pair::make();
  const auto other = key_pair::make()->shown().text();
  for (const auto& text :
       {std::string{}, std::string{"secret-key"}, std::string{"secret-key = \"short\""},
        "secret-key = \"" + std::string(40, '~') + "\"", "secret-key = \"\n" + pair.secret() + "\"",
        "public-key = \"" + other + "\"\nsecret-key = \"" + pair.secret() + "\""}) {
    put(text);
    EXPECT_FALSE(key_pair::read(file)) << text;
  }
  EXPECT_FALSE(key_pair::read(file.string() + "-that-is-not-there"));
}

TEST(PublicKey, IsReadFromItsText) {
  const auto key = key_pair::make()->shown();

  EXPECT_EQ(public_key::parse(key.text()), key);
  EXPECT_FALSE(public_key::parse(key.text() + "0"));
  EXPECT_FALSE(public_key::parse(""));
  for (const char bad : {'\0', ' ', '~', '"', '\x80', '\xff', ','}) {
    auto text = key.text();
    text[7] = bad;
    EXPECT_FALSE(public_key::parse(text)) << static_cast<int>(bad);
  }
}

TEST(NamedEndpoint, MayHaveAKeyBehindIt) {
  const auto key = key_pair::make()->shown();

  const auto named = named_endpoint::parse("tcp://10.0.0.1:5555?key=" + key.text());
  ASSERT_TRUE(named);
  EXPECT_EQ(named->endpoint, "tcp://10.0.0.1:5555");
  EXPECT_EQ(named->key, key);
  EXPECT_FALSE(named_endpoint::parse("tcp://10.0.0.1:5555")->key);
  EXPECT_FALSE(named_endpoint::parse("tcp://10.0.0.1:5555?key="));
  EXPECT_FALSE(named_endpoint::parse("tcp://10.0.0.1:5555?key=" + key.text().substr(1)));
}

}  // namespace

}  // namespace coppice
