#include "worker/node/node_options.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace coppice::worker {

namespace {

expected<node_options> read(const std::string& text) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("coppice-node-" + std::to_string(::getpid()) + ".yml");
  std::ofstream{file} << text;
  auto options = read_node_options(file);
  std::filesystem::remove(file);
  return options;
}

TEST(NodeOptions, GiveEachEngineItsCommand) {
  const auto options = read(
      "schedulers: [\"127.0.0.1:1\"]\nname: n\nengine_program: /e\n"
      "engines: [{device: cpu, threads: 2}]\nbuiltins: [echo]\n");

  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(engine_command(*options, 0),
            (std::vector<std::string>{"/e", "--name", "n/engine-0", "--bind", "127.0.0.1",
                                      "--device", "cpu", "--threads", "2", "--builtin", "echo"}));
}

TEST(NodeOptions, RefuseToListenBeyondLoopbackUnlessTold) {
  EXPECT_FALSE(read("schedulers: [\"10.0.0.1:1\"]\nbind: 10.0.0.2\n"));
  EXPECT_TRUE(read("schedulers: [\"10.0.0.1:1\"]\nbind: 10.0.0.2\nmesh: {insecure: true}\n"));
}

TEST(NodeOptions, NeedAScheduler) {
  EXPECT_NE(read("name: n\n").error().message.find("schedulers"), std::string::npos);
}

}  // namespace

}  // namespace coppice::worker
