#include "gateway/shard/fingerprint.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace coppice::gateway {

namespace {

struct asked {
  proto::request header;
  frame_list frames;
};

asked a_content() {
  asked made;
  made.header.op = "infer";
  made.header.model = "digits";
  made.header.version = 1;
  made.header.outputs = {"label", "score"};
  made.header.parameters.bytes = "\x80";
  made.header.inputs.push_back({"left", "UINT8", {2, 2}, 0, {}});
  made.header.inputs.push_back({"right", "UINT8", {4}, 1, {}});
  made.header.inputs.push_back({"mode", "INT64", {1}, {}, {"\x91\x07"}});
  made.frames.emplace_back(std::string{"abcd"});
  made.frames.emplace_back(std::string{"efgh"});
  return made;
}

proto::fingerprint print_of(const std::function<void(asked&)>& change) {
  auto changed = a_content();
  change(changed);
  return fingerprint_of(changed.header, changed.frames);
}

proto::fingerprint original() {
  return print_of([](asked&) {});
}

using change = std::function<void(asked&)>;

TEST(Fingerprint, IsTheSameForEqualContentWhoeverAsks) {
  const change changes[] = {
      [](asked& it) { it.header.id.bytes = "\x07"; },
      [](asked& it) { it.header.session = "s", it.header.key = "k"; },
      [](asked& it) { it.header.timeout_ms = 5; },
      [](asked& it) { it.header.priority_class = "batch"; },
      [](asked& it) { it.header.traceparent = "00-1-2-3"; },
      [](asked& it) { it.header.at_most_once = true; },
  };

  for (const auto& each : changes) EXPECT_EQ(print_of(each), original());
}

TEST(Fingerprint, IsTheSameWhicheverFrameCarriesAnInput) {
  const auto swapped = print_of([](asked& it) {
    std::swap(it.frames[0], it.frames[1]);
    std::swap(it.header.inputs[0].frame, it.header.inputs[1].frame);
  });

  EXPECT_EQ(swapped, original());
}

TEST(Fingerprint, DiffersWithEveryPartOfTheContent) {
  const change changes[] = {
      [](asked&) {},
      [](asked& it) { it.header.op = "generate"; },
      [](asked& it) { it.header.model = "digit"; },
      [](asked& it) { it.header.version = 2; },
      [](asked& it) { it.header.outputs.pop_back(); },
      [](asked& it) { it.header.parameters.bytes = "\x81\x01\x02"; },
      [](asked& it) { it.header.inputs[0].name = "lef"; },
      [](asked& it) { it.header.inputs[0].datatype = "INT8"; },
      [](asked& it) {
        it.header.inputs[0].shape = {4, 1};
      },
      [](asked& it) {
        it.header.inputs[0].shape = {1, 2, 2};
      },
      [](asked& it) { it.header.inputs[2].data.bytes = "\x91\x08"; },
      [](asked& it) { it.frames[0].rebuild("abcx", 4); },
      [](asked& it) { it.frames[1].rebuild("efg", 3); },
      [](asked& it) { std::swap(it.frames[0], it.frames[1]); },
      [](asked& it) { std::swap(it.header.inputs[0], it.header.inputs[1]); },
      [](asked& it) { it.frames.emplace_back(std::string{"more"}); },
      [](asked& it) { it.header.inputs[1].frame = 9; },
  };

  std::set<proto::fingerprint> seen;
  for (const auto& each : changes) seen.insert(print_of(each));
  EXPECT_EQ(seen.size(), std::size(changes));
}

/// Bytes that move across the border of two fields make another content.
TEST(Fingerprint, DoesNotCollideWhereFieldsMeet) {
  const change changes[] = {
      [](asked& it) {
        it.header.outputs = {"ab", "c"};
      },
      [](asked& it) {
        it.header.outputs = {"a", "bc"};
      },
      [](asked& it) { it.header.outputs = {"abc"}; },
      [](asked& it) {
        it.header.outputs = {"abc", ""};
      },
      [](asked& it) { it.header.op = "inferd", it.header.model = "igits"; },
      [](asked& it) { it.header.inputs[0].name = "leftU", it.header.inputs[0].datatype = "INT8"; },
      [](asked& it) { it.frames[0].rebuild("abc", 3), it.frames[1].rebuild("defgh", 5); },
      [](asked& it) { it.frames[0].rebuild("abcdefgh", 8), it.frames[1].rebuild(); },
  };

  std::set<proto::fingerprint> seen{original()};
  for (const auto& each : changes) seen.insert(print_of(each));
  EXPECT_EQ(seen.size(), std::size(changes) + 1);
}

TEST(Fingerprint, TakesRequestsWithoutInputsOrFrames) {
  EXPECT_NE(fingerprint_of({}, {}), original());
  EXPECT_EQ(fingerprint_of({}, {}), fingerprint_of({}, {}));
}

}  // namespace

}  // namespace coppice::gateway
