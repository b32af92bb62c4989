#include "gateway/zap/zap_request.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace coppice::gateway {

namespace {

const user_table users{{"ann", {"secret", "gold"}}};
const std::vector<std::string_view> plain{"1.0",     "7",     "coppice", "127.0.0.1",
                                          "routing", "PLAIN", "ann",     "secret"};

TEST(ZapRequest, LetsAUserInAsItsTenant) {
  EXPECT_EQ(answer_zap(plain, users), (zap_reply{"1.0", "7", "200", "OK", "gold", ""}));
}

TEST(ZapRequest, LetsWhoeverMayComeWithoutAPasswordInAsAnonymous) {
  const std::vector<std::string_view> null{"1.0", "8", "", "127.0.0.1", "", "NULL"};

  EXPECT_EQ(answer_zap(null, users), (zap_reply{"1.0", "8", "200", "OK", "anonymous", ""}));
}

TEST(ZapRequest, RefusesAWrongPasswordOtherMechanismsAndVersions) {
  for (const auto& [frame, value] : std::vector<std::pair<std::size_t, std::string_view>>{
           {0, "2.0"}, {5, "CURVE"}, {5, "NULL"}, {5, "plain"}, {6, "eve"}, {7, "Secret"}}) {
    auto wrong = plain;
    wrong[frame] = value;
    EXPECT_EQ(answer_zap(wrong, users)[2], "400") << value;
    EXPECT_EQ(answer_zap(wrong, users)[1], "7");
    EXPECT_EQ(answer_zap(wrong, users)[4], "");
  }
}

TEST(ZapRequest, RefusesEveryTruncationAndEveryExtension) {
  for (std::size_t frames = 0; frames < plain.size(); ++frames)
    EXPECT_EQ(answer_zap({plain.data(), frames}, users)[2], "400") << frames;
  auto longer = plain;
  longer.push_back("x");
  EXPECT_EQ(answer_zap(longer, users)[2], "400");
}

TEST(ZapRequest, AnswersAnyFramesAndLetsOnlyTheRightOnesIn) {
  std::mt19937 random{3};
  int let_in = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> texts(random() % max_zap_frames);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      texts[i] = i < plain.size() && random() % 3 != 0 ? std::string{plain[i]}
                                                       : std::string(random() % 400, 'x');
    }
    const std::vector<std::string_view> frames{texts.begin(), texts.end()};
    // The domain, the address, the routing id and the request id may be anything.
    bool right = frames.size() == plain.size();
    for (const std::size_t i : {0, 5, 6, 7}) right = right && frames[i] == plain[i];
    for (const auto& each : frames) right = right && each.size() <= 255;
    ASSERT_EQ(answer_zap(frames, users)[2], right ? "200" : "400");
    let_in += right ? 1 : 0;
  }
  EXPECT_GT(let_in, 100);
}

}  // namespace

}  // namespace coppice::gateway
