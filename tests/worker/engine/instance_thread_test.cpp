#include "worker/engine/instance_thread.hpp"

#include <gtest/gtest.h>

#include <poll.h>
#include <string>

namespace coppice::worker {
namespace {

/// Steps are numbers; running one doubles it.
using doubling_thread = instance_thread<int, std::string>;

expected<doubling_thread::runner> load_doubler() {
  return [](int&& next) { return std::to_string(2 * next); };
}

TEST(InstanceThread, RunsOneStepAfterTheOther) {
  finished_queue<std::string> finished;
  doubling_thread instance{5, load_doubler, finished};
  ASSERT_TRUE(instance.wait_ready());

  for (int i = 1; i <= 3; ++i) {
    instance.start(int{i});
    pollfd watched{finished.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&watched, 1, 20'000), 1);
    const auto done = finished.take();
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].instance, 5u);
    EXPECT_EQ(done[0].done, std::to_string(2 * i));
  }
}

TEST(InstanceThread, SaysWhyItCannotLoad) {
  finished_queue<std::string> finished;
  doubling_thread instance{0,
                           []() -> expected<doubling_thread::runner> {
                             return fail(errc::invalid, "There is no cuda:7.");
                           },
                           finished};

  const auto ready = instance.wait_ready();

  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().message, "There is no cuda:7.");
}

TEST(FinishedQueue, WakesOnceForManyAndIsQuietAgainWhenTaken) {
  finished_queue<int> finished;
  pollfd watched{finished.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&watched, 1, 0), 0);

  finished.push(1, 10);
  finished.push(2, 20);

  EXPECT_EQ(::poll(&watched, 1, 0), 1);
  EXPECT_EQ(finished.take().size(), 2u);
  EXPECT_EQ(::poll(&watched, 1, 0), 0);
  EXPECT_TRUE(finished.take().empty());
}

}  // namespace
}  // namespace coppice::worker
