#include "actors/scheduler_dialler.hpp"

#include "actors/system.hpp"
#include "scheduler/scheduler_actor.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <future>

namespace coppice::actors {

namespace {

constexpr auto patience = std::chrono::seconds{20};

/// A process's worth of scheduler on a port of its own.
struct published {
  metrics registry;  // outlives the system
  system_config config;
  caf::actor_system system{config};
  proto::scheduler_actor scheduler = scheduler::spawn_scheduler(system, {}, registry);
  std::uint16_t port = *publish_scheduler(system, scheduler, {});
  ~published() { caf::anon_send_exit(scheduler, caf::exit_reason::user_shutdown); }
};

struct dialling {
  system_config config;
  caf::actor_system system{config};
  std::promise<proto::scheduler_actor> up;
  std::promise<std::string> down;
  caf::actor dialler;
  explicit dialling(std::uint16_t port)
      : dialler{dial_scheduler(
            system, "127.0.0.1", port,
            {[this](proto::scheduler_actor found) { up.set_value(std::move(found)); },
             [this](std::string reason) { down.set_value(std::move(reason)); }})} {}
  ~dialling() { caf::anon_send_exit(dialler, caf::exit_reason::user_shutdown); }
};

TEST(SchedulerDialler, FindsTheSchedulerAndTellsItsEnd) {
  published there;
  dialling here{there.port};
  auto up = here.up.get_future();
  auto down = here.down.get_future();
  ASSERT_EQ(up.wait_for(patience), std::future_status::ready);

  caf::anon_send_exit(there.scheduler, caf::exit_reason::kill);

  EXPECT_EQ(down.wait_for(patience), std::future_status::ready);
}

TEST(Mesh, RefusesToListenBeyondLoopbackUnlessTold) {
  published there;

  const auto refused = publish_scheduler(there.system, there.scheduler, {"0.0.0.0:0", {}, false});

  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("insecure"), std::string::npos);
}

}  // namespace

}  // namespace coppice::actors
