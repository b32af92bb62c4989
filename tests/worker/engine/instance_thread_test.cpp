#include "worker/engine/instance_thread.hpp"

#include "tests/worker/engine/builders.hpp"

#include <gmock/gmock.h>

#include <poll.h>

namespace coppice::worker {
namespace {

expected<std::unique_ptr<model>> load_nothing(const model_spec&, const std::string& device) {
  return fail(errc::invalid, "There is no " + device + ".");
}

/// A model that only runs what warm-up gives it.
class cold_model : public model {
  expected<std::vector<item_outputs>> run(std::span<const batch_item>) override {
    return fail(errc::model_error, "Brr.");
  }
};

expected<std::unique_ptr<model>> load_cold(const model_spec&, const std::string&) {
  return std::make_unique<cold_model>();
}

std::vector<finished_queue::entry> wait_for(finished_queue& finished) {
  pollfd watched{finished.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&watched, 1, 20'000), 1);
  return finished.take();
}

TEST(InstanceThread, RunsOneBatchAfterTheOther) {
  model_spec spec = a_spec();
  spec.builtin = "echo";
  progress_page::lane page;
  finished_queue finished;
  instance_thread instance{5, spec, load_builtin, "cpu", page, finished};
  ASSERT_TRUE(instance.wait_ready());

  for (std::uint64_t i = 1; i <= 3; ++i) {
    batch one;
    one.attempts.push_back(an_attempt{i});
    one.rows = 1;
    instance.start(std::move(one));
    const auto done = wait_for(finished);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].instance, 5u);
    EXPECT_EQ(done[0].done.ran.attempts[0].id.value, i);
  }
  EXPECT_EQ(page.ticks.load(), 6u);
}

TEST(InstanceThread, SaysWhyItCannotLoad) {
  const auto spec = a_spec();
  progress_page::lane page;
  finished_queue finished;
  instance_thread instance{0, spec, load_nothing, "cuda:7", page, finished};

  const auto ready = instance.wait_ready();

  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().message, "There is no cuda:7.");
}

TEST(InstanceThread, IsNotReadyIfItsWarmUpFails) {
  const auto spec = a_spec();
  progress_page::lane page;
  finished_queue finished;
  instance_thread instance{0, spec, load_cold, "cpu", page, finished};

  const auto ready = instance.wait_ready();

  ASSERT_FALSE(ready);
  EXPECT_THAT(ready.error().message,
              testing::AllOf(testing::HasSubstr("warm-up"), testing::HasSubstr("Brr.")));
}

expected<std::unique_ptr<model>> load_throwing(const model_spec&, const std::string&) {
  throw std::runtime_error{"no such symbol"};
}

TEST(InstanceThread, EndsForeignExceptionsOfALoader) {
  const auto spec = a_spec();
  progress_page::lane page;
  finished_queue finished;
  instance_thread instance{0, spec, load_throwing, "cpu", page, finished};

  const auto ready = instance.wait_ready();

  ASSERT_FALSE(ready);
  EXPECT_THAT(ready.error().message, testing::HasSubstr("no such symbol"));
}

TEST(WarmUp, IsZerosOfTheShapesThatTheModelNames) {
  auto spec = a_spec();
  spec.inputs.push_back({{"text", "BYTES", {2}}, "", 0});
  spec.inputs.push_back({{"mask", "INT64", {-1, 3, -1}}, "", 0});
  spec.warm_up_rows = 2;
  spec.warm_up_shape["mask"] = {5, 7};

  const auto item = warm_up_item(spec);

  EXPECT_EQ(item.rows, 2u);
  EXPECT_THAT(item.inputs[0].shape, testing::ElementsAre(2, 1));
  EXPECT_EQ(item.inputs[0].bytes.size(), 8u);
  EXPECT_THAT(item.inputs[1].shape, testing::ElementsAre(2, 2));
  EXPECT_EQ(item.inputs[1].bytes.size(), 16u);
  EXPECT_THAT(item.inputs[2].shape, testing::ElementsAre(2, 5, 3, 7));
  EXPECT_EQ(item.inputs[2].bytes.size(), 8u * 210);
  for (const auto each : item.inputs[2].bytes) EXPECT_EQ(each, std::byte{0});
}

}  // namespace
}  // namespace coppice::worker
