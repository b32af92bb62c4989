#include "gateway/shard/row_lists.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace coppice::gateway {
namespace {

std::vector<row_id> rows(const row_lists& lists, const row_lists::list& of, bool streams = true) {
  std::vector<row_id> out;
  lists.collect(of, streams, out);
  std::sort(out.begin(), out.end());
  return out;
}

TEST(RowLists, TellStreamsFromOtherRows) {
  row_lists lists;
  row_lists::list of;
  lists.add(of, 9, {1}, false);
  lists.add(of, 9, {2}, true);

  EXPECT_EQ(rows(lists, of), (std::vector<row_id>{{1}, {2}}));
  EXPECT_EQ(rows(lists, of, false), (std::vector<row_id>{{1}}));
  EXPECT_EQ(of.streams, 1u);
}

TEST(RowLists, KnowNoOwnerOfARowWhoseSlotHoldsAnother) {
  row_lists lists;
  row_lists::list of;
  lists.add(of, 9, {(2ull << 32) | 5}, false);

  EXPECT_EQ(lists.owner({(2ull << 32) | 5}), 9u);
  EXPECT_EQ(lists.owner({(1ull << 32) | 5}), row_lists::none);
}

TEST(RowLists, HoldWhatSetsHoldUnderRandomOperations) {
  std::mt19937 random{23};
  row_lists lists;
  std::vector<row_lists::list> owners(7);
  std::vector<std::set<row_id>> naive(7);
  for (int step = 0; step < 50'000; ++step) {
    const row_id row{random() % 64 + 1};
    const auto owner = lists.owner(row);
    if (owner == row_lists::none) {
      const auto to = static_cast<std::uint32_t>(random() % owners.size());
      lists.add(owners[to], to, row, random() % 2 == 0);
      naive[to].insert(row);
    } else {
      lists.remove(owners[owner], row);
      ASSERT_EQ(naive[owner].erase(row), 1u);
    }
    const auto at = random() % owners.size();
    ASSERT_EQ(rows(lists, owners[at]), std::vector<row_id>(naive[at].begin(), naive[at].end()));
    ASSERT_EQ(owners[at].rows, naive[at].size());
  }
}

}  // namespace
}  // namespace coppice::gateway
