#include "client/cli/json_tensor.hpp"

#include <gmock/gmock.h>

namespace coppice::cli {
namespace {

using json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

json there_and_back(const char* text, const std::string& datatype) {
  const auto tensor = tensor_from_json(json::parse(text), datatype);
  return tensor ? json_from_tensor(*tensor) : json(tensor.error().message);
}

std::string failure(const char* text, const std::string& datatype = "FP32") {
  return tensor_from_json(json::parse(text), datatype).error().message;
}

TEST(JsonTensor, TakesIntegersExactlyUpToTheLimitsOfTheirType) {
  for (const auto& [datatype, text] : std::vector<std::pair<std::string, const char*>>{
           {"INT64", "[-9223372036854775808,9007199254740993,9223372036854775807]"},
           {"UINT64", "[0,18446744073709551615]"},
           {"INT8", "[-128,127]"},
           {"UINT16", "[65535]"}})
    EXPECT_EQ(there_and_back(text, datatype).dump(), text) << datatype;
}

TEST(JsonTensor, RefusesAnElementBeyondItsType) {
  EXPECT_EQ(failure("[128]", "INT8"), "128 is no INT8.");
  EXPECT_EQ(failure("[-1]", "UINT64"), "-1 is no UINT64.");
  EXPECT_EQ(failure("[9223372036854775808]", "INT64"), "9223372036854775808 is no INT64.");
  EXPECT_EQ(failure("[1.5]", "INT32"), "1.5 is no INT32.");
  EXPECT_EQ(failure("[\"a\"]"), "\"a\" is no FP32.");
  EXPECT_EQ(failure("[2]", "BOOL"), "2 is no BOOL.");
}

TEST(JsonTensor, WritesFloatsAsShortAsTheyCanBeReadBack) {
  EXPECT_EQ(there_and_back("[0.1,-2.5,3.0]", "FP32").dump(), "[0.1,-2.5,3.0]");
  EXPECT_EQ(there_and_back("[0.1]", "FP64").dump(), "[0.1]");
}

TEST(JsonTensor, KeepsBooleansAndStrings) {
  EXPECT_EQ(there_and_back("[true,false]", "BOOL").dump(), "[true,false]");
  EXPECT_EQ(there_and_back(R"(["a","","longer"])", "BYTES").dump(), R"(["a","","longer"])");
}

TEST(JsonTensor, ReadsTheShapeFromTheNestingOrAsGiven) {
  EXPECT_THAT(tensor_from_json(json::parse("[[1,2],[3,4],[5,6]]"), "FP32")->shape,
              ElementsAre(3, 2));
  EXPECT_THAT(tensor_from_json(json::parse("7"), "FP32")->shape, ElementsAre());
  const auto given = tensor_from_json(
      json::parse(R"({"data":[1,2,3,4],"shape":[2,2],"datatype":"INT8"})"), "FP32");
  EXPECT_THAT(given->shape, ElementsAre(2, 2));
  EXPECT_EQ(given->datatype, "INT8");
}

TEST(JsonTensor, RefusesShapesThatDoNotFitTheElements) {
  EXPECT_THAT(failure("[[1,2],[3]]"), HasSubstr("There are 3 elements"));
  EXPECT_THAT(failure(R"({"data":[1,2],"shape":[3]})"), HasSubstr("the shape [3]"));
  EXPECT_THAT(failure(R"({"data":[1],"shape":[-1]})"), HasSubstr("the shape [-1]"));
  EXPECT_THAT(failure(R"({"data":[1],"shape":[4294967296,4294967296]})"), HasSubstr("the shape"));
}

TEST(JsonTensor, SaysWhatCannotBeGivenAsJson) {
  EXPECT_THAT(failure("[1]", "FP16"), HasSubstr("use a .npy file"));
  EXPECT_EQ(failure("[1]", "FP8"), "'FP8' is no datatype.");
  EXPECT_THAT(failure(R"({"shape":[1]})"), HasSubstr("The JSON does not fit"));
}

TEST(JsonParameters, AreAMap) {
  EXPECT_EQ(parameters_from_json(R"({"ms": 5})"), "\x81\xa2ms\x05");
  EXPECT_THAT(parameters_from_json("[5]").error().message, HasSubstr("a JSON map"));
  EXPECT_THAT(parameters_from_json("ms=5").error().message, HasSubstr("a JSON map"));
}

TEST(JsonTensor, ShowsSixteenBitFloats) {
  const client::tensor half{"h", "FP16", {4}, std::string("\x00\x3c\x00\xc0\x01\x00\x00\x7c", 8)};
  EXPECT_EQ(json_from_tensor(half)[0], 1.0);
  EXPECT_EQ(json_from_tensor(half)[1], -2.0);
  EXPECT_FLOAT_EQ(json_from_tensor(half)[2].get<float>(), 5.9604645e-8f);
  const client::tensor brain{"b", "BF16", {1}, std::string("\x80\x3f", 2)};
  EXPECT_EQ(json_from_tensor(brain)[0], 1.0);
}

TEST(JsonTensor, ShowsWhatIsWholeOfATensorThatIsCutShort) {
  EXPECT_EQ(json_from_tensor({"x", "INT32", {2}, std::string("\1\0\0\0\2\0", 6)}).dump(), "[1]");
  EXPECT_EQ(json_from_tensor({"x", "BYTES", {1}, std::string("\5\0\0\0ab", 6)}).dump(), "[]");
}

}  // namespace
}  // namespace coppice::cli
