#include "gateway/shard/sessions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace coppice::gateway {
namespace {

const steady_time t0{};

client_address from(const std::string& routing_id, int connection) {
  return {routing_id, true, {}, connection};
}

struct Sessions : ::testing::Test {
  sessions known{{}, 42};

  std::uint32_t heard(const std::string& session, const std::string& routing_id, int connection) {
    return known.heard("anonymous", session, from(routing_id, connection));
  }
  void opened(std::uint32_t client, std::uint64_t row, bool stream = false) {
    known.opened(client, {row}, stream);
  }
  [[nodiscard]] std::string routing_id_of(std::uint64_t row) const {
    auto to = from("where it came from", 99);
    known.readdress({row}, to);
    return to.routing_id;
  }
  void close(const std::vector<row_id>& rows) {
    for (const auto row : rows) known.closed(row);
  }
};

TEST_F(Sessions, SendRepliesToWhereTheSessionWasHeardLast) {
  opened(heard("s", "A", 5), 1);
  EXPECT_EQ(routing_id_of(1), "A");

  (void)heard("s", "B", 6);

  EXPECT_EQ(routing_id_of(1), "B");
}

TEST_F(Sessions, DoNotBindBackToTheConnectionTheyLeft) {
  opened(heard("s", "A", 5), 1);
  (void)heard("s", "B", 6);

  (void)heard("s", "A", 5);  // was still on its way

  EXPECT_EQ(routing_id_of(1), "B");
}

TEST_F(Sessions, OfTwoTenantsWithOneNameAreTwo) {
  EXPECT_NE(known.heard("a", "s", from("A", 5)), known.heard("b", "s", from("B", 6)));
}

TEST_F(Sessions, LeaveTheAddressOfRowsOfOthersAlone) {
  opened(heard("", "A", 5), 1);

  EXPECT_EQ(routing_id_of(1), "where it came from");
}

TEST_F(Sessions, RowsOfAClientWithoutOneAreCancelledWhenItsConnectionCloses) {
  opened(heard("", "A", 5), 1);
  opened(heard("", "B", 6), 2);

  EXPECT_EQ(known.disconnected(5, t0), std::vector{row_id{1}});
}

TEST_F(Sessions, RowsWaitForTheSessionToComeBackForItsGraceAndNoLonger) {
  opened(heard("s", "A", 5), 1);

  EXPECT_TRUE(known.disconnected(5, t0).empty());

  EXPECT_TRUE(known.given_up(t0 + 3s - 1ns).empty());
  EXPECT_EQ(known.given_up(t0 + 3s), std::vector{row_id{1}});
}

TEST_F(Sessions, StreamsWaitLonger) {
  const auto client = heard("s", "A", 5);
  opened(client, 1);
  opened(client, 2, true);
  (void)known.disconnected(5, t0);

  close(known.given_up(t0 + 3s));

  EXPECT_TRUE(known.given_up(t0 + 60s - 1ns).empty());
  EXPECT_EQ(known.given_up(t0 + 60s), std::vector{row_id{2}});
}

TEST_F(Sessions, ThatCameBackKeepTheirRows) {
  opened(heard("s", "A", 5), 1);
  (void)known.disconnected(5, t0);

  (void)heard("s", "B", 6);

  EXPECT_TRUE(known.given_up(t0 + 3s).empty());
  EXPECT_EQ(routing_id_of(1), "B");
}

TEST_F(Sessions, ThatLeaveAgainHaveTheirWholeGraceAgain) {
  opened(heard("s", "A", 5), 1);
  (void)known.disconnected(5, t0);
  (void)heard("s", "B", 6);
  (void)known.disconnected(6, t0 + 2s);

  EXPECT_TRUE(known.given_up(t0 + 5s - 1ns).empty());
  EXPECT_EQ(known.given_up(t0 + 5s), std::vector{row_id{1}});
}

TEST_F(Sessions, EndWithTheirGraceAndTheirLastRow) {
  const auto client = heard("s", "A", 5);
  opened(client, 1);
  (void)known.disconnected(5, t0);
  close(known.given_up(t0 + 3s));

  (void)known.given_up(t0 + 4s);

  EXPECT_EQ(known.take_ended(), std::vector{client});
  EXPECT_TRUE(known.take_ended().empty());
  EXPECT_EQ(known.size(), 0u);
}

TEST_F(Sessions, MovedElsewhereAreNotTouchedByTheOldConnectionsEnd) {
  opened(heard("s", "A", 5), 1);
  (void)heard("s", "B", 6);

  EXPECT_TRUE(known.disconnected(5, t0).empty());

  EXPECT_TRUE(known.given_up(t0 + 1h).empty());
}

TEST_F(Sessions, RowsOfACancelAreThoseOfItsConnectionAndOfItsSession) {
  opened(heard("s", "A", 5), 1);
  opened(heard("", "A", 5), 2);
  opened(heard("", "B", 6), 3);
  opened(heard("t", "B", 6), 4);
  const auto sorted = [&](const std::string& session, const std::string& routing_id, int at) {
    auto rows = known.rows_of("anonymous", session, from(routing_id, at));
    std::sort(rows.begin(), rows.end());
    return rows;
  };

  EXPECT_EQ(sorted("s", "A", 5), (std::vector<row_id>{{1}, {2}}));
  EXPECT_EQ(sorted("", "A", 5), (std::vector<row_id>{{1}, {2}}));
  EXPECT_EQ(sorted("s", "C", 7), (std::vector<row_id>{{1}}));
  EXPECT_EQ(sorted("", "C", 7), (std::vector<row_id>{}));
}

TEST_F(Sessions, BeyondThoseOfAConnectionAreServedAsIfNoneWereNamed) {
  known = sessions{{.per_connection = 2}, 42};
  EXPECT_TRUE(known.is_session(heard("a", "A", 5)));
  EXPECT_TRUE(known.is_session(heard("b", "A", 5)));

  const auto third = heard("c", "A", 5);
  opened(third, 1);

  EXPECT_FALSE(known.is_session(third));
  EXPECT_EQ(known.disconnected(5, t0), std::vector{row_id{1}});
}

TEST_F(Sessions, BeyondTheirLimitOwnNoRow) {
  known = sessions{{.clients = 1}, 42};
  (void)heard("", "A", 5);

  EXPECT_EQ(heard("", "B", 6), sessions::none);
  opened(sessions::none, 1);
  known.closed({1});
}

TEST_F(Sessions, AreForgottenWithTheirRowsWhereNoConnectionIsKnown) {
  opened(heard("", "A", -1), 1);
  EXPECT_EQ(known.size(), 1u);

  known.closed({1});

  EXPECT_EQ(known.size(), 0u);
}

/// Random clients come, go, come back elsewhere; the naive account knows where each is.
TEST_F(Sessions, LoseNoRowAndMisaddressNoneUnderRandomOperations) {
  struct account {
    std::string routing_id;
    int connection = -1;
    steady_time gone = steady_time::max();
    std::map<row_id, bool> rows;
  };
  std::mt19937 random{31};
  std::map<std::string, account> naive;
  steady_time now = t0;
  std::uint64_t last = 0;
  for (int step = 0; step < 60'000; ++step) {
    now += std::chrono::milliseconds{random() % 300};
    const auto name = "s" + std::to_string(random() % 12);
    auto& each = naive[name];
    const auto kind = random() % 10;
    if (kind < 5) {
      if (each.connection < 0 || kind == 0) {
        each.routing_id = "r" + std::to_string(++last);
        each.connection = static_cast<int>(last);
        each.gone = steady_time::max();
      }
      const row_id row{++last};
      const bool stream = random() % 4 == 0;
      known.opened(heard(name, each.routing_id, each.connection), row, stream);
      each.rows[row] = stream;
    } else if (kind < 8 && !each.rows.empty()) {
      known.closed(each.rows.begin()->first);
      each.rows.erase(each.rows.begin());
    } else if (kind == 8 && each.connection >= 0) {
      ASSERT_TRUE(known.disconnected(each.connection, now).empty());
      each.connection = -1;
      each.gone = now;
    } else {
      std::set<row_id> expected;
      for (auto& [_, other] : naive)
        for (const auto& [row, stream] : other.rows)
          if (other.gone != steady_time::max() && now - other.gone >= (stream ? 60s : 3s))
            expected.insert(row);
      const auto rows = known.given_up(now);
      ASSERT_EQ(std::set<row_id>(rows.begin(), rows.end()), expected);
      close(rows);
      for (auto& [_, other] : naive)
        std::erase_if(other.rows, [&](const auto& row) { return expected.contains(row.first); });
    }
    for (const auto& [row, stream] : each.rows)
      ASSERT_EQ(routing_id_of(row.value), each.routing_id);
  }
}

}  // namespace
}  // namespace coppice::gateway
