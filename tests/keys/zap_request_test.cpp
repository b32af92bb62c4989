#include "keys/zap_request.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace coppice {

namespace {

/// Knows one user and one key.
struct one_of_each : zap_judge {
  public_key key = key_pair::make()->shown();
  std::optional<std::string> by_password(std::string_view name,
                                         std::string_view password) override {
    return name == "ann" && password == "secret" ? std::optional<std::string>{name} : std::nullopt;
  }
  std::optional<std::string> by_key(const public_key& shown) override {
    return shown == key ? std::optional<std::string>{"laptop"} : std::nullopt;
  }
};

one_of_each known;
const std::vector<std::string_view> plain{"1.0",     "7",     "coppice", "127.0.0.1",
                                          "routing", "PLAIN", "ann",     "secret"};

TEST(ZapRequest, LetsAUserInByItsName) {
  EXPECT_EQ(answer_zap(plain, known), (zap_reply{"1.0", "7", "200", "OK", "ann", ""}));
}

zap_reply answer_to_key(std::string_view credentials) {
  const std::vector<std::string_view> curve{"1.0", "7",     "coppice",  "10.0.0.1",
                                            "",    "CURVE", credentials};
  return answer_zap(curve, known);
}

std::string_view bytes_of(const public_key& key) {
  return {reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()};
}

TEST(ZapRequest, LetsAClientInByItsKey) {
  EXPECT_EQ(answer_to_key(bytes_of(known.key)), (zap_reply{"1.0", "7", "200", "OK", "laptop", ""}));
}

TEST(ZapRequest, RefusesOtherKeysAndOtherLengths) {
  auto other = known.key;
  other.bytes[31] ^= 1;
  EXPECT_EQ(answer_to_key(bytes_of(other))[2], "400");
  for (std::size_t n = 0; n < public_key::size; ++n)
    EXPECT_EQ(answer_to_key(bytes_of(known.key).substr(0, n))[2], "400");
  EXPECT_EQ(answer_to_key(known.key.text())[2], "400") << "the text of the key is not the key";
}

TEST(ZapRequest, RefusesAWrongPasswordOtherMechanismsAndVersions) {
  for (const auto& [frame, value] : std::vector<std::pair<std::size_t, std::string_view>>{
           {0, "2.0"}, {5, "CURVE"}, {5, "NULL"}, {5, "plain"}, {6, "eve"}, {7, "Secret"}}) {
    auto wrong = plain;
    wrong[frame] = value;
    EXPECT_EQ(answer_zap(wrong, known)[2], "400") << value;
    EXPECT_EQ(answer_zap(wrong, known)[1], "7");
    EXPECT_EQ(answer_zap(wrong, known)[4], "");
  }
}

TEST(ZapRequest, RefusesEveryTruncationAndEveryExtension) {
  for (std::size_t frames = 0; frames < plain.size(); ++frames)
    EXPECT_EQ(answer_zap({plain.data(), frames}, known)[2], "400") << frames;
  auto longer = plain;
  longer.push_back("x");
  EXPECT_EQ(answer_zap(longer, known)[2], "400");
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
    ASSERT_EQ(answer_zap(frames, known)[2], right ? "200" : "400");
    let_in += right ? 1 : 0;
  }
  EXPECT_GT(let_in, 100);
}

}  // namespace

}  // namespace coppice
