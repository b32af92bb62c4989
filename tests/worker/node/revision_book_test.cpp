#include "worker/node/revision_book.hpp"

#include <gmock/gmock.h>

namespace coppice::worker {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

proto::desired_state at(std::uint64_t revision, const std::string& builtin = "echo") {
  return {revision, "", {}, {builtin}};
}

/// A node that has converged to revision 4.
struct RevisionBook : ::testing::Test {
  revision_book book{"node-1", {at(4), at(4), ""}, true};

  std::string refusal(const proto::desired_state& wanted) const {
    const auto answer = book.consider(wanted);
    return answer ? "taken" : answer.error().message;
  }
  /// An order that is written, and so taken.
  void takes(const proto::desired_state& wanted) {
    ASSERT_EQ(book.consider(wanted), true);
    book.take(wanted);
    ASSERT_TRUE(book.to_write());
    ASSERT_EQ(book.written(true), true);
  }
};

TEST_F(RevisionBook, TakesARevisionAboveItsOwnAndNoOther) {
  EXPECT_EQ(book.consider(at(5)), true);
  EXPECT_EQ(book.consider(at(4)), false) << "it has that";
  EXPECT_THAT(refusal(at(3)), AllOf(HasSubstr("older"), HasSubstr("above 4")));
  EXPECT_THAT(refusal(at(4, "flip")), AllOf(HasSubstr("another content"), HasSubstr("above 4")));
  EXPECT_EQ(book.consider(at(3)).error().code, errc::invalid);
}

TEST_F(RevisionBook, CountsWhatItWasToldLastAlsoIfItFailed) {
  takes(at(6));
  EXPECT_THAT(refusal(at(5)), HasSubstr("above 6"));
  book.ended({6, "no"});

  EXPECT_EQ(book.consider(at(6)), false);
  EXPECT_THAT(refusal(at(5)), HasSubstr("above 6"));
  EXPECT_EQ(book.status().convergence, "failed");
  EXPECT_EQ(book.status().convergence_reason, "no");
  EXPECT_EQ(book.status().current, at(4));
}

TEST_F(RevisionBook, TakesAnOrderOnlyOnceItIsWritten) {
  book.take(at(5));
  const auto record = book.to_write();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->current, at(4));
  EXPECT_EQ(record->target, at(5));
  EXPECT_EQ(book.record().target, at(4));
  EXPECT_EQ(book.consider(at(6)).error().code, errc::unavailable);
  EXPECT_FALSE(book.to_write()) << "one at a time";

  EXPECT_EQ(book.written(true), true);

  EXPECT_EQ(book.record().target, at(5));
  EXPECT_EQ(book.status().convergence, "converging");
  EXPECT_FALSE(book.to_write()) << "nothing is new";
}

TEST_F(RevisionBook, DoesNotTakeAnOrderThatCannotBeWritten) {
  book.take(at(5));
  ASSERT_TRUE(book.to_write());

  EXPECT_EQ(book.written(false), false);

  EXPECT_EQ(book.record().target, at(4));
  EXPECT_EQ(book.consider(at(5)), true) << "it may be asked again";
}

TEST_F(RevisionBook, WritesWhatBecameOfATarget) {
  takes(at(5));
  book.ended({5, ""});

  const auto record = book.to_write();

  ASSERT_TRUE(record);
  EXPECT_EQ(record->current, at(5));
  EXPECT_EQ(record->convergence(), "converged");
  EXPECT_EQ(book.written(true), std::nullopt) << "no order was in it";
}

TEST_F(RevisionBook, WritesAnOutcomeThatComesWhileAnOrderIsWritten) {
  takes(at(5));
  book.take(at(6));
  ASSERT_TRUE(book.to_write());
  book.ended({5, ""});
  EXPECT_FALSE(book.to_write());
  EXPECT_EQ(book.written(true), true);

  const auto record = book.to_write();

  ASSERT_TRUE(record);
  EXPECT_EQ(record->current, at(5));
  EXPECT_EQ(record->target, at(6));
  EXPECT_EQ(record->failure, "");
}

TEST_F(RevisionBook, AnOrderThatComesWhileAnOutcomeIsWrittenIsTakenAfterIt) {
  takes(at(5));
  book.ended({5, ""});
  ASSERT_TRUE(book.to_write());
  book.take(at(6));
  EXPECT_EQ(book.written(true), std::nullopt);
  EXPECT_EQ(book.record().target, at(5));

  ASSERT_TRUE(book.to_write());
  EXPECT_EQ(book.written(true), true);
  EXPECT_EQ(book.record().target, at(6));
}

TEST_F(RevisionBook, IgnoresWhatBecameOfAnOlderTarget) {
  takes(at(5));
  takes(at(6));

  book.ended({5, "no"});

  EXPECT_EQ(book.status().convergence, "converging");
}

TEST_F(RevisionBook, KeepsNoMoreThanTheBeginningOfALongReason) {
  takes(at(5));

  book.ended({5, std::string(5000, 'x')});

  EXPECT_EQ(book.status().convergence_reason, std::string(1024, 'x'));
}

TEST_F(RevisionBook, RefusesWhatNoEngineCanBeStartedWith) {
  EXPECT_THAT(refusal({5, "", {}, {}}), HasSubstr("serve nothing"));
  EXPECT_THAT(refusal({5, "models", {}, {}}), HasSubstr("absolute"));
  EXPECT_THAT(refusal({5, "/" + std::string(proto::max_path_bytes, 'x'), {}, {}}),
              HasSubstr("absolute path of at most"));
  EXPECT_EQ(refusal({5, "/" + std::string(proto::max_path_bytes - 1, 'x'), {}, {}}), "taken");
  EXPECT_THAT(refusal({5, "", {"digits"}, {"echo"}}), HasSubstr("no 'models'"));
  EXPECT_THAT(refusal({0, "", {}, {"echo"}}), HasSubstr("from 1"));
  EXPECT_THAT(refusal({5, "/m", {std::string(proto::max_desired_bytes, 'x')}, {}}),
              HasSubstr("more than"));
}

TEST(RevisionBookWithoutAFile, RefusesEveryOrderAndSaysWhatToSet) {
  revision_book book{"node-1", {at(0), at(0), ""}, false};

  EXPECT_THAT(book.consider(at(1)).error().message, HasSubstr("'state: PATH'"));
  EXPECT_EQ(book.status().convergence, "converged");
}

}  // namespace

}  // namespace coppice::worker
