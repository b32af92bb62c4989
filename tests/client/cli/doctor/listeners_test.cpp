#include "client/cli/doctor/listeners.hpp"

#include <gmock/gmock.h>

namespace coppice::cli::doctor {

namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(DoctorListeners, AreSocketsThatListenByPort) {
  constexpr auto table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:15B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "4242 1 0000000000000000 100 0 0 10 0\n"
      "   1: 0100007F:15B4 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 "
      "4243 1 0000000000000000 20 4 30 10 -1\n";

  EXPECT_THAT(listening(table), ElementsAre(Pair(5555, 4242)));
}

TEST(DoctorListeners, AreNoneInWhatIsNoTable) {
  EXPECT_TRUE(listening("").empty());
  EXPECT_TRUE(listening("a b c\nx y 0A\n 0: nonsense x 0A 4 5 6 7 8 9\n").empty());
}

}  // namespace

}  // namespace coppice::cli::doctor
