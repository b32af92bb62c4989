#include "worker/node/node_revisions.hpp"

#include "tests/support/virtual_time.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gmock/gmock.h>

namespace coppice::worker {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr steady_time t0{1h};

proto::desired_state at(std::uint64_t revision) { return {revision, "", {}, {"echo"}}; }

shared_model_set models_of(std::uint64_t revision) {
  return std::make_shared<const model_set>(model_set{at(revision), ""});
}

/// What a store was told.
struct told {
  std::vector<std::string> records;
  std::vector<std::uint64_t> opened;
};

revision_store::behavior_type listening(revision_store::pointer, told* heard) {
  return {[heard](const keep_record& it) { heard->records.push_back(it.text); },
          [heard](const open_models& it) { heard->opened.push_back(it.desired.revision); }};
}

/// A node of one engine that is up, with revision 4, and a store that only listens.
struct NodeRevisions : ::testing::Test {
  coppice::testing::virtual_time_config config;
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& turns =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  told heard;
  revision_store store = system.spawn(listening, &heard);
  engine_roster engines{"n", {{"n/engine-0", "cpu", ""}}, {}, 30s, {4, 4, false}};
  node_revisions revisions{"n", {{at(4), at(4), ""}, models_of(4)}, store, engines};
  std::vector<proto::apply_status> answers;

  NodeRevisions() {
    (void)engines.due(t0);
    ready(0);
  }
  ~NodeRevisions() override {
    caf::anon_send_exit(store, caf::exit_reason::kill);
    turns.run();
  }
  void ready(std::size_t k) {
    proto::engine_report report;
    report.op = "ready";
    report.incarnation = {7 + k};
    engines.reported(k, report, t0);
  }
  void order(std::uint64_t revision) {
    revisions.take({"n", at(revision), false},
                   [this](proto::apply_status answer) { answers.push_back(std::move(answer)); });
    turns.run();
  }
  void kept(const std::string& problem = "") {
    revisions.kept({problem});
    turns.run();
  }
  proto::node_snapshot shown() const {
    proto::node_snapshot snapshot;
    revisions.show_in(snapshot);
    return snapshot;
  }
};

TEST_F(NodeRevisions, WritesAnOrderBeforeItAnswersAndOpensItsModels) {
  order(5);
  ASSERT_EQ(heard.records.size(), 1u);
  EXPECT_THAT(heard.records[0], HasSubstr("\"revision\": 5"));
  EXPECT_THAT(answers, IsEmpty());
  EXPECT_THAT(heard.opened, IsEmpty());

  kept();

  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].convergence, "converging");
  EXPECT_FALSE(answers[0].error);
  EXPECT_THAT(heard.opened, ElementsAre(5u));
  EXPECT_EQ(shown().target_revision, 5u);
  EXPECT_EQ(shown().revision, 4u);
}

TEST_F(NodeRevisions, StartsSuccessorsOnceTheModelsAreOpenAndKeepsWhatBecameOfThem) {
  order(5);
  kept();
  EXPECT_THAT(engines.due(t0), IsEmpty());
  revisions.opened({5, models_of(5), ""});
  ASSERT_THAT(engines.due(t0), ElementsAre(1));
  EXPECT_EQ(revisions.models(engines.revision(1))->desired, at(5));
  ready(1);
  ASSERT_THAT(engines.to_stop(t0 + 30s), ElementsAre(0));
  (void)engines.ended(0, {exit_cause::stopped, "exited", {}, false}, t0, 0);
  (void)engines.due(t0);

  revisions.look();
  turns.run();

  EXPECT_EQ(shown().convergence, "converged");
  EXPECT_EQ(shown().revision, 5u);
  ASSERT_EQ(heard.records.size(), 2u);
  EXPECT_THAT(heard.records[1], HasSubstr("\"current\": {\n    \"revision\": 5"));
}

TEST_F(NodeRevisions, FailsWithTheReasonWhyModelsCannotBeOpened) {
  order(5);
  kept();

  revisions.opened({5, nullptr, "not what was signed"});
  revisions.look();
  turns.run();

  EXPECT_EQ(shown().convergence, "failed");
  EXPECT_EQ(shown().convergence_reason, "not what was signed");
  EXPECT_THAT(heard.records.back(), HasSubstr("not what was signed"));
  EXPECT_THAT(engines.due(t0 + 1h), IsEmpty());
}

TEST_F(NodeRevisions, RefusesAnOrderThatCannotBeWritten) {
  order(5);

  kept("No space left on device.");

  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].error->code, "unavailable");
  EXPECT_EQ(answers[0].error->message, "No space left on device.");
  EXPECT_EQ(shown().target_revision, 4u);
  EXPECT_THAT(heard.opened, IsEmpty());
}

TEST_F(NodeRevisions, ForgetsModelsOfARevisionThatANewerOneHasReplaced) {
  order(5);
  kept();
  order(6);
  kept();

  revisions.opened({5, models_of(5), ""});

  EXPECT_THAT(engines.due(t0), IsEmpty());
  revisions.opened({6, models_of(6), ""});
  EXPECT_THAT(engines.due(t0), ElementsAre(1));
  EXPECT_EQ(engines.revision(1), 6u);
}

TEST_F(NodeRevisions, AnswersAtOnceWhatNeedsNoWriting) {
  EXPECT_FALSE(revisions.answer({"n", at(5), false}));
  EXPECT_EQ(revisions.answer({"n", at(4), false})->convergence, "converged");
  EXPECT_EQ(revisions.answer({"n", at(3), false})->error->code, "invalid");

  const auto asked = revisions.answer({"n", at(5), true});
  EXPECT_EQ(asked->refusal, "");
  EXPECT_EQ(asked->current, at(4));
  EXPECT_THAT(revisions.answer({"n", at(3), true})->refusal, HasSubstr("older"));
  EXPECT_FALSE(revisions.answer({"n", at(3), true})->error);
}

TEST_F(NodeRevisions, GoesOnWhereTheProcessBeforeItWas) {
  engine_roster fresh{"n", {{"n/engine-0", "cpu", ""}}, {}, 30s, {4, 5, false}};
  node_revisions again{"n", {{at(4), at(5), ""}, models_of(4)}, store, fresh};
  turns.run();
  EXPECT_THAT(heard.opened, ElementsAre(5u));

  again.opened({5, models_of(5), ""});
  ASSERT_THAT(fresh.due(t0), ElementsAre(0)) << "first what it had";
  EXPECT_EQ(fresh.revision(0), 4u);
  proto::engine_report report;
  report.op = "ready";
  fresh.reported(0, report, t0);
  EXPECT_THAT(fresh.due(t0), ElementsAre(1));
  EXPECT_EQ(fresh.revision(1), 5u);
}

}  // namespace

}  // namespace coppice::worker
