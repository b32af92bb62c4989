#include "worker/engine/sandbox.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace coppice::worker {

namespace {

/// A folder that may be read, one that may be written and one of neither kind.
struct Sandbox : ::testing::Test {
  const std::filesystem::path root =
      std::filesystem::temp_directory_path() / ("coppice-sandbox-" + std::to_string(::getpid()));
  const std::filesystem::path models = root / "models", scratch = root / "scratch",
                              secrets = root / "secrets";

  Sandbox() {
    for (const auto& each : {models, scratch, secrets}) {
      std::filesystem::create_directories(each);
      std::ofstream{each / "file"} << "text";
    }
  }
  ~Sandbox() override { std::filesystem::remove_all(root); }

  /// Whether `act`, done by a confined process of its own, returns true there.
  [[nodiscard]] bool succeeds(const std::function<bool()>& act, std::vector<int> files = {}) const {
    const pid_t child = ::fork();
    if (child == 0) {
      sandbox_rules rules = usual_rules("/nowhere/bin");
      rules.readable.push_back(models);
      rules.writable.push_back(scratch);
      rules.open_files = std::move(files);
      ::_exit(confine(rules) ? (act() ? 0 : 1) : 2);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << "it was killed";
    EXPECT_NE(WEXITSTATUS(status), 2) << "this kernel cannot confine";
    return WEXITSTATUS(status) == 0;
  }
  static bool opens(const std::filesystem::path& file, int flags) {
    return ::open(file.c_str(), flags | O_CLOEXEC, 0600) >= 0;
  }
};

TEST_F(Sandbox, LetsModelsBeReadAndScratchBeWritten) {
  EXPECT_TRUE(succeeds([&] { return opens(models / "file", O_RDONLY); }));
  EXPECT_TRUE(succeeds([&] { return opens(scratch / "new", O_CREAT | O_WRONLY); }));
  EXPECT_TRUE(succeeds([] { return opens("/proc/cpuinfo", O_RDONLY); }));
}

TEST_F(Sandbox, ReadsNothingElse) {
  EXPECT_FALSE(succeeds([&] { return opens(secrets / "file", O_RDONLY); }));
  EXPECT_FALSE(succeeds([] { return opens("/etc/passwd", O_RDONLY); }));
  EXPECT_FALSE(succeeds([] { return opens("/root", O_RDONLY | O_DIRECTORY); }));
}

TEST_F(Sandbox, WritesNothingElse) {
  EXPECT_FALSE(succeeds([&] { return opens(models / "file", O_WRONLY); }));
  EXPECT_FALSE(succeeds([&] { return opens(models / "new", O_CREAT | O_WRONLY); }));
  EXPECT_FALSE(succeeds([&] { return opens(secrets / "new", O_CREAT | O_WRONLY); }));
  EXPECT_FALSE(succeeds([&] { return ::unlink((models / "file").c_str()) == 0; }));
  EXPECT_FALSE(succeeds([&] { return ::mkdir((models / "folder").c_str(), 0700) == 0; }));
}

TEST_F(Sandbox, OpensAFileAgainThatWasHandedToIt) {
  const int handed = ::open((secrets / "file").c_str(), O_RDONLY);
  const auto again = "/proc/self/fd/" + std::to_string(handed);

  EXPECT_TRUE(succeeds([&] { return opens(again, O_RDONLY); }, {handed}));
  EXPECT_FALSE(succeeds([&] { return opens(again, O_RDONLY); }));
  EXPECT_FALSE(succeeds([&] { return opens(again, O_WRONLY); }, {handed}));
  ::close(handed);
}

TEST_F(Sandbox, StartsThreadsAndNoProcesses) {
  EXPECT_TRUE(succeeds([] {
    bool ran = false;
    std::thread{[&] { ran = true; }}.join();
    return ran;
  }));
  EXPECT_FALSE(succeeds([] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    return child > 0;
  }));
  EXPECT_FALSE(succeeds([] {
    char* const arguments[] = {const_cast<char*>("true"), nullptr};
    return ::execv("/bin/true", arguments) == 0;
  }));
  EXPECT_FALSE(succeeds([] {
    pid_t child = 0;
    char* const arguments[] = {const_cast<char*>("true"), nullptr};
    return ::posix_spawn(&child, "/bin/true", nullptr, nullptr, arguments, nullptr) == 0;
  }));
}

TEST_F(Sandbox, OpensNoSocketAndConnectsNowhere) {
  for (const int family : {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX})
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW})
      EXPECT_FALSE(succeeds([&] { return ::socket(family, type, 0) >= 0; })) << family;
  EXPECT_TRUE(succeeds([] {
    int pair[2];
    return ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
  }));
  const int before = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_FALSE(succeeds([&] {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(before, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ||
           errno != EPERM;
  }));
  ::close(before);
}

TEST_F(Sandbox, AcceptsOnASocketThatWasThereBefore) {
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(listening, 1), 0);
  ::getsockname(listening, reinterpret_cast<sockaddr*>(&at), &size);
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&at), size), 0);

  EXPECT_TRUE(succeeds([&] { return ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC) >= 0; }));
  ::close(client);
  ::close(listening);
}

TEST_F(Sandbox, SignalsItselfAndNobodyElse) {
  EXPECT_TRUE(succeeds([] { return ::kill(::getpid(), 0) == 0; }));
  EXPECT_FALSE(succeeds([] { return ::kill(::getppid(), 0) == 0; }));
  EXPECT_FALSE(succeeds([] { return ::syscall(SYS_ptrace, 16, ::getppid(), 0, 0) == 0; }));
  EXPECT_FALSE(succeeds([] { return ::syscall(SYS_pidfd_open, ::getppid(), 0) >= 0; }));
}

}  // namespace

}  // namespace coppice::worker
