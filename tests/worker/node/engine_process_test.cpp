#include "worker/node/engine_process.hpp"

#include "worker/node/exit_cause.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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

/// Makes CAP_KILL one that a child keeps across `exec`, as AmbientCapabilities of a unit does.
bool pass_on_a_capability() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[2] = {};
  if (::syscall(SYS_capget, &header, held) != 0) return false;
  held[0].inheritable |= 1u << CAP_KILL;
  return ::syscall(SYS_capset, &header, held) == 0 &&
         ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0;
}

TEST(EngineProcess, GetsNoCapabilityThatItsWorkerPassesOn) {
  if (!pass_on_a_capability()) GTEST_SKIP() << "no right to pass capabilities on";
  auto process = shell("grep -q '^CapAmb:[[:space:]]*0*$' /proc/self/status");
  auto other = ::fork();
  if (other == 0) {
    const char* script = "! grep -q '^CapAmb:[[:space:]]*0*$' /proc/self/status";
    ::execl("/bin/sh", "sh", "-c", script, nullptr);
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

  ASSERT_TRUE(readable(process->exit_fd()));
  EXPECT_EQ(describe_exit({process->reap()}), "exited with status 0");
  int status = 1;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0) << "the capability was not passed on in the first place";
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
