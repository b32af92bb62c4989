#include "worker/engine/control_pipe.hpp"

#include "proto/codec/codec.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace coppice::worker {
namespace {

/// Two ends of a socket with the smallest buffer.
struct ends {
  ends() {
    const int small = 1;
    (void)::socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
    ::setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  }
  ~ends() {
    if (fd[1] >= 0) ::close(fd[1]);
  }
  /// Everything that can be read now.
  std::string read_all() {
    std::string all(1 << 20, '\0');
    const auto n = ::recv(fd[1], all.data(), all.size(), MSG_DONTWAIT);
    all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return all;
  }
  int fd[2] = {-1, -1};
};

std::size_t whole_reports(std::string_view bytes) {
  std::size_t n = 0;
  for (; bytes.size() >= 4; ++n) {
    std::size_t size = 0;
    for (int i = 0; i < 4; ++i)
      size = size << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
    if (bytes.size() - 4 < size) break;
    EXPECT_TRUE(proto::decode<proto::engine_report>(bytes.substr(4, size)));
    bytes.remove_prefix(4 + size);
  }
  EXPECT_TRUE(bytes.empty()) << "a report was cut";
  return n;
}

proto::engine_report a_report() {
  proto::engine_report report;
  report.op = "load";
  report.text = std::string(1000, 'x');
  return report;
}

TEST(ControlPipe, FramesReportsByLength) {
  ends socket;
  control_pipe pipe{socket.fd[0]};

  EXPECT_TRUE(pipe.send(a_report()));
  EXPECT_TRUE(pipe.send({"ready", {}, {}, {}, {}, {}, {}}));

  EXPECT_EQ(whole_reports(socket.read_all()), 2u);
}

TEST(ControlPipe, DropsOfferedReportsWhileNobodyReadsAndCutsNone) {
  ends socket;
  control_pipe pipe{socket.fd[0]};
  for (int i = 0; i < 1000; ++i) pipe.offer(a_report());

  auto read = socket.read_all();
  pipe.offer(a_report());
  read += socket.read_all();

  const auto n = whole_reports(read);
  EXPECT_GE(n, 2u);
  EXPECT_LT(n, 1000u);
}

TEST(ControlPipe, SaysWhenTheWorkerIsGone) {
  ends socket;
  control_pipe pipe{socket.fd[0]};
  ::close(std::exchange(socket.fd[1], -1));

  EXPECT_FALSE(pipe.send(a_report()));
}

TEST(ControlPipe, SaysNothingWithoutAWorker) {
  control_pipe pipe{-1};
  EXPECT_TRUE(pipe.send(a_report()));
  pipe.offer(a_report());
}

}  // namespace
}  // namespace coppice::worker
