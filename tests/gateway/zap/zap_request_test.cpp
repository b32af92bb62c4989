#include "gateway/zap/zap_request.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace coppice::gateway {

namespace {

constexpr wall_time t0{std::chrono::hours{24 * 365 * 57}};
const access_table users{user_table{{"ann", {"secret", "gold"}}}, {}};
const std::vector<std::string_view> plain{"1.0",     "7",     "coppice", "127.0.0.1",
                                          "routing", "PLAIN", "ann",     "secret"};

TEST(ZapRequest, LetsAUserInByItsName) {
  EXPECT_EQ(answer_zap(plain, users, t0), (zap_reply{"1.0", "7", "200", "OK", "ann", ""}));
}

struct ZapRequestWithKeys : ::testing::Test {
  const public_key key = key_pair::make()->shown();
  const std::string_view bytes{reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()};
  const access_table clients = [&] {
    allow_list list;
    EXPECT_TRUE(list.allow("laptop", {key, "acme", "", t0 + std::chrono::seconds{10}}));
    return *access_table::of_keys(list, {}, {});
  }();
  [[nodiscard]] zap_reply answer(std::string_view credentials, wall_time at = t0) const {
    const std::vector<std::string_view> curve{"1.0", "7", "coppice", "10.0.0.1", "", "CURVE", credentials};
    return answer_zap(curve, clients, at);
  }
};

TEST_F(ZapRequestWithKeys, LetsAClientInByItsNameUntilItsKeyExpires) {
  EXPECT_EQ(answer(bytes), (zap_reply{"1.0", "7", "200", "OK", "laptop", ""}));
  EXPECT_EQ(answer(bytes, t0 + std::chrono::seconds{10})[2], "400");
}

TEST_F(ZapRequestWithKeys, RefusesOtherKeysAndOtherLengths) {
  auto other = key;
  other.bytes[31] ^= 1;
  EXPECT_EQ(answer({reinterpret_cast<const char*>(other.bytes.data()), other.bytes.size()})[2], "400");
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_EQ(answer(bytes.substr(0, n))[2], "400");
  EXPECT_EQ(answer(key.text())[2], "400") << "the text of the key is not the key";
}

TEST(ZapRequest, RefusesAWrongPasswordOtherMechanismsAndVersions) {
  for (const auto& [frame, value] : std::vector<std::pair<std::size_t, std::string_view>>{
           {0, "2.0"}, {5, "CURVE"}, {5, "NULL"}, {5, "plain"}, {6, "eve"}, {7, "Secret"}}) {
    auto wrong = plain;
    wrong[frame] = value;
    EXPECT_EQ(answer_zap(wrong, users, t0)[2], "400") << value;
    EXPECT_EQ(answer_zap(wrong, users, t0)[1], "7");
    EXPECT_EQ(answer_zap(wrong, users, t0)[4], "");
  }
}

TEST(ZapRequest, RefusesEveryTruncationAndEveryExtension) {
  for (std::size_t frames = 0; frames < plain.size(); ++frames)
    EXPECT_EQ(answer_zap({plain.data(), frames}, users, t0)[2], "400") << frames;
  auto longer = plain;
  longer.push_back("x");
  EXPECT_EQ(answer_zap(longer, users, t0)[2], "400");
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
    ASSERT_EQ(answer_zap(frames, users, t0)[2], right ? "200" : "400");
    let_in += right ? 1 : 0;
  }
  EXPECT_GT(let_in, 100);
}

}  // namespace

}  // namespace coppice::gateway
