#include "client/cli/doctor/machine.hpp"

#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coppice::cli::doctor {

namespace {

using ::testing::HasSubstr;

TEST(DoctorMachine, HearsWhatAProgramSaysAndHowItEnds) {
  const auto told = ask("/bin/sh", {"-c", "echo out; echo err >&2; exit 78"});

  EXPECT_EQ(told.program, "sh");
  EXPECT_EQ(told.status, 78);
  EXPECT_EQ(told.output, "out\nerr\n");
  EXPECT_EQ(ask("/bin/sh", {"-c", "kill -ABRT $$"}).status, 128 + 6);
}

TEST(DoctorMachine, SaysWhyAProgramDoesNotStart) {
  const auto told = ask("/no/such/program", {});

  EXPECT_EQ(told.status, 127);
  EXPECT_THAT(told.output, HasSubstr("No such file"));
}

TEST(DoctorMachine, FindsWhoListens) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::listen(socket, 1), 0);
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size);

  const auto found = listeners{}.at(ntohs(bound.sin_port));

  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, ::getpid());
  ::close(socket);
  EXPECT_FALSE(listeners{}.at(ntohs(bound.sin_port)));
}

TEST(DoctorMachine, SeesWhoMayReadAFile) {
  const auto file =
      std::filesystem::temp_directory_path() / ("coppice-secret-" + std::to_string(::getpid()));
  std::ofstream{file} << "k";
  ::chmod(file.c_str(), 0640);

  EXPECT_EQ(read_secret(file)->mode & 07777u, 0640u);
  std::filesystem::remove(file);
  EXPECT_FALSE(read_secret(file));
}

TEST(DoctorMachine, SeesThisMachine) {
  EXPECT_GT(read_limits().descriptors, 0u);
  EXPECT_GT(read_limits().waiting_connections, 0u);
  EXPECT_GT(read_devices().cpus, 0u);
  EXPECT_GT(read_disk("/").free_bytes, 0u);
  EXPECT_EQ(read_disk("/no/such/folder").free_bytes, 0u);
}

}  // namespace

}  // namespace coppice::cli::doctor
