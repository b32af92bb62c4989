#include "tests/worker/engine/engine_process.hpp"

#include "base/random.hpp"
#include "proto/codec/codec.hpp"

#include <zmq.h>

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace coppice::worker {

namespace {

constexpr int patience_ms = 20'000;

/// Waits until the process behind `pid` has ended.
bool has_ended(pid_t pid) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd watched{fd, POLLIN, 0};
  const bool ended = ::poll(&watched, 1, patience_ms) == 1;
  ::close(fd);
  return ended;
}

}  // namespace

engine_process::engine_process(std::vector<std::string> arguments) {
  int control[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0) return;
  page_fd_ = ::memfd_create("page", 0);
  if (::ftruncate(page_fd_, sizeof(progress_page)) != 0) return;
  page_ = static_cast<const progress_page*>(
      ::mmap(nullptr, sizeof(progress_page), PROT_READ, MAP_SHARED, page_fd_, 0));
  arguments.insert(arguments.begin(), COPPICE_ENGINE);
  for (auto each : {std::string{"--control-fd"}, std::to_string(control[1]),
                    std::string{"--page-fd"}, std::to_string(page_fd_)})
    arguments.push_back(each);
  std::vector<char*> argv;
  for (auto& each : arguments) argv.push_back(each.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::fcntl(control[1], F_SETFD, 0);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(control[1]);
  control_ = control[0];
}

engine_process::~engine_process() {
  close_control();
  if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
  ::munmap(const_cast<progress_page*>(page_), sizeof(progress_page));
  ::close(page_fd_);
}

bool engine_process::read_exactly(char* to, std::size_t size) {
  for (std::size_t taken = 0; taken < size;) {
    pollfd watched{control_, POLLIN, 0};
    if (::poll(&watched, 1, patience_ms) != 1) return false;
    const auto n = ::read(control_, to + taken, size - taken);
    if (n <= 0) return false;
    taken += static_cast<std::size_t>(n);
  }
  return true;
}

std::optional<proto::engine_report> engine_process::report(const std::string& op) {
  for (;;) {
    unsigned char size[4];
    if (!read_exactly(reinterpret_cast<char*>(size), 4)) return std::nullopt;
    std::string bytes(
        static_cast<std::size_t>(size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3]), '\0');
    if (!read_exactly(bytes.data(), bytes.size())) return std::nullopt;
    auto report = proto::decode<proto::engine_report>(bytes);
    if (!report) return std::nullopt;
    if (report->op == op) return *report;
  }
}

void engine_process::close_control() {
  if (control_ >= 0) ::close(control_);
  control_ = -1;
}

void engine_process::signal(int number) const { ::kill(pid_, number); }

int engine_process::wait_end() {
  if (!has_ended(pid_)) return -1;
  int status = -1;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

link_peer::link_peer(const proto::engine_report& ready)
    : engine_{proto::engine_routing_id(ready.incarnation)},
      key_{ready.link_key},
      incarnation_{ready.incarnation},
      context_{::zmq_ctx_new()},
      socket_{::zmq_socket(context_, ZMQ_ROUTER)} {
  const int mandatory = 1, linger = 0, unlimited = 0;
  const auto own = "G" + std::to_string(random_id());
  ::zmq_setsockopt(socket_, ZMQ_ROUTING_ID, own.data(), own.size());
  ::zmq_setsockopt(socket_, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory);
  ::zmq_setsockopt(socket_, ZMQ_LINGER, &linger, sizeof linger);
  ::zmq_setsockopt(socket_, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
  ::zmq_setsockopt(socket_, ZMQ_CONNECT_ROUTING_ID, engine_.data(), engine_.size());
  ::zmq_connect(socket_, ready.endpoint.c_str());
}

link_peer::~link_peer() {
  ::zmq_close(socket_);
  ::zmq_ctx_term(context_);
}

void link_peer::send(proto::link_request request, const std::vector<std::string_view>& frames) {
  if (!request.incarnation) request.incarnation = incarnation_;
  const auto header = proto::encode(request);
  ::zmq_send(socket_, engine_.data(), engine_.size(), ZMQ_SNDMORE);
  ::zmq_send(socket_, header.data(), header.size(), frames.empty() ? 0 : ZMQ_SNDMORE);
  for (std::size_t i = 0; i < frames.size(); ++i)
    ::zmq_send(socket_, frames[i].data(), frames[i].size(),
               i + 1 < frames.size() ? ZMQ_SNDMORE : 0);
}

void link_peer::hello() {
  proto::link_request request;
  request.op = "hello";
  request.link_key = key_;
  request.gateway = "test";
  send(request);
}

void link_peer::infer(std::uint64_t attempt, const std::string& model, const std::string& bytes,
                      proto::raw_value parameters, std::chrono::microseconds timeout, bool alone) {
  proto::link_request request;
  request.op = "infer";
  request.attempt = {attempt};
  request.model = model;
  request.version = 1;
  request.timeout_us = static_cast<std::uint64_t>(timeout.count());
  request.alone = alone;
  request.parameters = std::move(parameters);
  request.inputs.push_back({"x", "UINT8", {static_cast<std::int64_t>(bytes.size())}, 0u, {}});
  send(std::move(request), {bytes});
}

void link_peer::generate(std::uint64_t attempt, proto::raw_value parameters, std::uint32_t window,
                         proto::raw_value emitted) {
  proto::link_request request;
  request.op = "generate";
  request.attempt = {attempt};
  request.model = "count";
  request.version = 1;
  request.timeout_us = 20'000'000;
  request.parameters = std::move(parameters);
  request.stream = true;
  request.window = window;
  request.emitted = std::move(emitted);
  request.inputs.push_back({"tokens", "INT32", {1}, 0u, {}});
  send(std::move(request), {std::string_view{"\7\0\0\0", 4}});
}

std::optional<proto::link_reply> link_peer::receive_header() {
  zmq_msg_t part;
  std::optional<proto::link_reply> header;
  int more = 1;
  for (int i = 0; more != 0; ++i) {
    ::zmq_msg_init(&part);
    if (::zmq_msg_recv(&part, socket_, 0) < 0) return std::nullopt;
    if (i == 1)
      if (auto decoded = proto::decode<proto::link_reply>(
              {static_cast<const char*>(::zmq_msg_data(&part)), ::zmq_msg_size(&part)}))
        header = std::move(*decoded);
    more = ::zmq_msg_more(&part);
    ::zmq_msg_close(&part);
  }
  return header;
}

std::optional<link_peer::message> link_peer::receive(std::chrono::milliseconds limit) {
  zmq_pollitem_t item{socket_, 0, ZMQ_POLLIN, 0};
  if (::zmq_poll(&item, 1, limit.count()) != 1) return std::nullopt;
  std::vector<std::string> parts;
  int more = 1;
  while (more != 0) {
    zmq_msg_t part;
    ::zmq_msg_init(&part);
    ::zmq_msg_recv(&part, socket_, 0);
    parts.emplace_back(static_cast<const char*>(::zmq_msg_data(&part)), ::zmq_msg_size(&part));
    more = ::zmq_msg_more(&part);
    ::zmq_msg_close(&part);
  }
  auto header = proto::decode<proto::link_reply>(parts.at(1));
  if (!header) return std::nullopt;
  return message{*header, {parts.begin() + 2, parts.end()}};
}

}  // namespace coppice::worker
