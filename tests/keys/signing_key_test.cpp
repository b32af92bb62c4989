#include "keys/signing_key.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace coppice {

namespace {

struct SigningKey : ::testing::Test {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-signing-" + std::to_string(::getpid()));
  ~SigningKey() override {
    std::filesystem::remove(file);
    std::filesystem::remove(file.string() + ".pub");
  }
};

TEST_F(SigningKey, IsReadAsItWasWrittenAndItsPublicHalfChecks) {
  ASSERT_TRUE(signing_key::make().write(file));
  const auto key = signing_key::read(file);
  const auto trusted = trusted_key::read(file.string() + ".pub");
  ASSERT_TRUE(key) << key.error().message;
  ASSERT_TRUE(trusted) << trusted.error().message;

  const auto signature = key->sign("text");

  EXPECT_EQ(signature.size(), signing_key::signature_size);
  EXPECT_TRUE(trusted->has_signed("text", signature));
}

TEST_F(SigningKey, SignsNothingButThoseBytes) {
  const auto key = signing_key::make();
  const auto trusted = trusted_key::of(key);
  const auto signature = key.sign("text");

  EXPECT_FALSE(trusted.has_signed("texT", signature));
  EXPECT_FALSE(trusted.has_signed("text", signature.substr(1)));
  EXPECT_FALSE(trusted.has_signed("text", ""));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    auto other = signature;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(trusted.has_signed("text", other)) << i;
  }
  EXPECT_FALSE(trusted_key::of(signing_key::make()).has_signed("text", signature));
}

TEST_F(SigningKey, IsForItsOwnerAloneAndNeverOverwritten) {
  ASSERT_TRUE(signing_key::make().write(file));
  EXPECT_FALSE(signing_key::make().write(file));

  std::filesystem::permissions(file, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(signing_key::read(file).error().message, ::testing::HasSubstr("chmod 600"));
}

TEST_F(SigningKey, RefusesWhatIsNone) {
  std::ofstream{file} << "nonsense";
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);

  EXPECT_FALSE(signing_key::read(file));
  EXPECT_FALSE(trusted_key::read(file));
  EXPECT_FALSE(trusted_key::read("/nowhere/key.pub"));
}

}  // namespace

}  // namespace coppice
