#include "gateway/access/users.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

const user_table users{{"ann", {"secret", "gold"}}, {"bob", {"s", "silver"}}};

TEST(Users, AreKnownByNameAndPassword) {
  EXPECT_EQ(authenticate(users, "ann", "secret"), "ann");
  EXPECT_EQ(authenticate(users, "bob", "s"), "bob");
}

TEST(Users, AreNotKnownByAnythingElse) {
  for (const auto* wrong : {"", "s", "secre", "secret ", "secreT", "Secret", "secretsecret"})
    EXPECT_FALSE(authenticate(users, "ann", wrong)) << wrong;
  EXPECT_FALSE(authenticate(users, "ann", std::string_view{"secret\0", 7}));
  EXPECT_FALSE(authenticate(users, "ann", std::string(300, 's')));
  EXPECT_FALSE(authenticate(users, "eve", "secret"));
  EXPECT_FALSE(authenticate(users, "eve", ""));
  EXPECT_FALSE(authenticate(users, "", ""));
}

}  // namespace

}  // namespace coppice::gateway
