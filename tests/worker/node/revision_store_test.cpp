#include "worker/node/revision_store.hpp"

#include "actors/system.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gmock/gmock.h>

#include <fstream>
#include <future>
#include <iterator>
#include <unistd.h>

namespace coppice::worker {

namespace {

namespace fs = std::filesystem;

/// A store whose file lies in a folder of its own.
struct RevisionStore : ::testing::Test {
  fs::path folder = fs::temp_directory_path() / ("coppice-store-" + std::to_string(::getpid()));
  actors::system_config config;
  caf::actor_system system{config};
  std::promise<record_kept> kept;
  std::promise<models_opened> opened;
  revision_store store;

  RevisionStore() { fs::create_directories(folder); }
  ~RevisionStore() override {
    caf::anon_send_exit(store, caf::exit_reason::user_shutdown);
    fs::remove_all(folder);
  }
  void open(const fs::path& file, std::vector<std::string> trusted = {}) {
    store = spawn_revision_store(system, file, std::move(trusted),
                                 {[this](record_kept it) { kept.set_value(std::move(it)); },
                                  [this](models_opened it) { opened.set_value(std::move(it)); }});
  }
  template <class T>
  static T within_patience(std::promise<T>& of) {
    auto future = of.get_future();
    EXPECT_EQ(future.wait_for(20s), std::future_status::ready);
    return future.get();
  }
};

TEST_F(RevisionStore, WritesARecord) {
  open(folder / "state");

  caf::anon_send(store, keep_record{"kept"});

  EXPECT_EQ(within_patience(kept).problem, "");
  std::ifstream in{folder / "state"};
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>{in}, {}), "kept");
}

TEST_F(RevisionStore, SaysWhyItCannotWrite) {
  open(folder / "nowhere" / "state");

  caf::anon_send(store, keep_record{"lost"});

  EXPECT_THAT(within_patience(kept).problem, ::testing::HasSubstr("nowhere"));
}

TEST_F(RevisionStore, OpensTheModelsOfARevision) {
  open(folder / "state");

  caf::anon_send(store, open_models{{5, "/srv/models", {}, {}}});

  const auto it = within_patience(opened);
  EXPECT_EQ(it.revision, 5u);
  ASSERT_TRUE(it.models);
  EXPECT_EQ(it.models->folder, "/srv/models");
}

TEST_F(RevisionStore, SaysWhyModelsCannotBeUsed) {
  open(folder / "state", {(folder / "store.key.pub").string()});

  caf::anon_send(store, open_models{{5, folder.string(), {}, {}}});

  const auto it = within_patience(opened);
  EXPECT_FALSE(it.models);
  EXPECT_THAT(it.problem, ::testing::HasSubstr("store.key.pub"));
}

}  // namespace

}  // namespace coppice::worker
