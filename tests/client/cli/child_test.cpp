#include "client/cli/child.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <thread>

namespace coppice::cli {

namespace {

struct Child : ::testing::Test {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("coppice-child-" + std::to_string(::getpid()));
  Child() { std::filesystem::create_directories(folder); }
  ~Child() override { std::filesystem::remove_all(folder); }

  child shell(const std::string& script) {
    return {"worker", "node-1", {"/bin/sh", "-c", script}, folder};
  }
  static void end_of(child& it) {
    while (!it.has_ended()) std::this_thread::yield();
  }
};

TEST_F(Child, SaysHowItEndedAndItsLastWords) {
  auto it = shell("echo first; echo 'models/x: no such file' >&2; exit 3");
  it.start();
  end_of(it);

  EXPECT_EQ(it.reason(), "exited with status 3");
  EXPECT_EQ(it.last_words(), "models/x: no such file");
  EXPECT_LT(it.pid(), 0);
}

TEST_F(Child, NamesTheSignal) {
  auto it = shell("read never < /dev/zero");
  it.start();
  it.signal(SIGKILL);
  end_of(it);

  EXPECT_EQ(it.reason(), "was killed by signal 9 (SIGKILL)");
}

TEST_F(Child, IsToldItsFilesAndReadWhenReady) {
  auto it = shell("echo \"$0 $1\"; echo up > \"$3\"");
  it.start();
  end_of(it);

  EXPECT_EQ(it.last_words(), "--config " + it.config_file().string());
  EXPECT_EQ(it.ready(), "up\n");
}

TEST_F(Child, ForgetsTheReadyFileOfItsLastLife) {
  auto it = shell("exit 0");
  std::ofstream{it.ready_file()} << "old";
  it.start();
  end_of(it);

  EXPECT_FALSE(it.ready());
}

TEST_F(Child, DiesWithItsOwner) {
  pid_t pid = 0;
  {
    auto it = shell("read never < /dev/zero");
    it.start();
    pid = it.pid();
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

}  // namespace

}  // namespace coppice::cli
