#include "gateway/shard/slot_index.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace coppice::gateway {
namespace {

TEST(SlotIndex, FindsNothingWhileItIsEmpty) {
  const slot_index index;

  EXPECT_EQ(index.find({1, 2}, [](std::uint32_t) { return true; }), slot_index::none);
}

TEST(SlotIndex, TellsHashesApartThatShareTheirCell) {
  slot_index index;
  const std::map<std::uint32_t, name_hash> slots{{0, {1, 7}}, {1, {2, 7}}};
  for (const auto& [slot, hash] : slots) index.insert(hash, slot);
  const auto find = [&](const name_hash& hash) {
    return index.find(hash, [&](std::uint32_t slot) { return slots.at(slot) == hash; });
  };

  EXPECT_EQ(find({1, 7}), 0u);
  EXPECT_EQ(find({2, 7}), 1u);
  EXPECT_EQ(find({3, 7}), slot_index::none);
}

TEST(SlotIndex, FindsWhatAMapFindsUnderRandomOperations) {
  std::mt19937 random{5};
  slot_index index;
  std::vector<name_hash> hashes(2000);
  // Few tags, so that cells crowd and wrap around.
  for (std::uint64_t i = 0; i < hashes.size(); ++i) hashes[i] = {i, random() % 40 * 97 - 5};
  std::vector<bool> there(hashes.size());
  std::size_t held = 0;
  for (int step = 0; step < 200'000; ++step) {
    const auto slot = static_cast<std::uint32_t>(random() % 300 + (step / 2000 % 5) * 400);
    const auto found =
        index.find(hashes[slot], [&](std::uint32_t at) { return hashes[at] == hashes[slot]; });
    ASSERT_EQ(found, there[slot] ? slot : slot_index::none);
    if (there[slot])
      index.erase(hashes[slot], slot);
    else
      index.insert(hashes[slot], slot);
    there[slot] = !there[slot];
    there[slot] ? ++held : --held;
    ASSERT_EQ(index.size(), held);
  }
}

}  // namespace
}  // namespace coppice::gateway
