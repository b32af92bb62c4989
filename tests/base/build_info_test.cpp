#include "base/build_info.hpp"

#include <gmock/gmock.h>

namespace coppice {

namespace {

using ::testing::MatchesRegex;

TEST(BuildInfo, NamesVersionRevisionBuildAndOptionalParts) {
  EXPECT_THAT(build_text("coppice-gateway"),
              MatchesRegex("coppice-gateway [0-9]+\\.[0-9]+\\.[0-9]+\n"
                           "revision  ([0-9a-f]+\\+?|unknown)\n"
                           "build     [A-Za-z]+, g\\+\\+ [0-9]+\\.[0-9]+, [a-z0-9_]+\n"
                           "with      .+"));
}

}  // namespace

}  // namespace coppice
