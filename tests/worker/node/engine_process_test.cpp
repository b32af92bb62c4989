#include "worker/node/engine_process.hpp"

#include "worker/node/exit_cause.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace coppice::worker {

namespace {

expected<engine_process> shell(const std::string& script) {
  return engine_process::start({{"/bin/sh", "-c", script}});
}

bool readable(int fd) {
  pollfd item{fd, POLLIN, 0};
  return ::poll(&item, 1, 20'000) == 1;
}

TEST(EngineProcess, TellsItsEndByItsDescriptorAndHow) {
  auto process = shell("exit 4");
  ASSERT_TRUE(process);

  ASSERT_TRUE(readable(process->exit_fd()));
  EXPECT_EQ(describe_exit({process->reap()}), "exited with status 4");
}

TEST(EngineProcess, NamesTheSignal) {
  auto process = shell("kill -SEGV $$");

  ASSERT_TRUE(readable(process->exit_fd()));
  EXPECT_EQ(describe_exit({process->reap()}), "was killed by signal 11 (SIGSEGV)");
}

TEST(EngineProcess, HasItsControlSocketAndStandardErrorRead) {
  auto process = shell("read word <&3; echo \"got $word\" >&2");
  ASSERT_EQ(::write(process->control_fd(), "stop\n", 5), 5);

  ASSERT_TRUE(readable(process->error_fd()));
  char text[16] = {};
  EXPECT_GT(::read(process->error_fd(), text, sizeof text - 1), 0);
  EXPECT_STREQ(text, "got stop\n");
}

TEST(EngineProcess, InheritsNothingButItsOwnDescriptors) {
  auto process =
      shell("for fd in 5 6 7 8 9 10 11 12; do [ -e /proc/$$/fd/$fd ] && exit 1; done; exit 0");

  ASSERT_TRUE(readable(process->exit_fd()));
  EXPECT_EQ(describe_exit({process->reap()}), "exited with status 0");
}

TEST(EngineProcess, IsHaltedWhileASignalStopsIt) {
  auto process = shell("kill -STOP $$; exit 0");
  siginfo_t halted{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(process->pid()), &halted, WSTOPPED | WNOWAIT), 0);
  EXPECT_TRUE(process->is_halted());

  process->signal(SIGCONT);

  ASSERT_TRUE(readable(process->exit_fd()));
  EXPECT_FALSE(process->is_halted());
}

TEST(EngineProcess, EndsWithItsOwner) {
  pid_t pid = 0;
  {
    auto process = shell("read never < /dev/zero");
    pid = process->pid();
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

}  // namespace

}  // namespace coppice::worker
