#include "keys/zap_handler.hpp"

#include "keys/zap_request.hpp"

#include <algorithm>
#include <array>
#include <sys/eventfd.h>
#include <unistd.h>

namespace coppice {

namespace {

/// ZMQ_ZAP_ENFORCE_DOMAIN, which zmq.h shows only to those who ask for drafts: without a handler
/// nobody is let in, instead of everybody.
constexpr int zap_enforce_domain = 93;
/// Between two looks at the file of keys: a key that was revoked is known within that time.
constexpr long look_period_ms = 200;

}  // namespace

expected<std::unique_ptr<zap_handler>> zap_handler::start(zmq::context_t& context,
                                                          zap_judge& judge) try {
  zmq::socket_t socket{context, zmq::socket_type::rep};
  socket.set(zmq::sockopt::linger, 0);
  socket.bind("inproc://zeromq.zap.01");
  return std::unique_ptr<zap_handler>{new zap_handler{std::move(socket), judge}};
} catch (const zmq::error_t& failure) {
  return fail(errc::unavailable,
              std::string{"Users cannot be authenticated: "} + failure.what() + ".");
}

zap_handler::zap_handler(zmq::socket_t socket, zap_judge& judge)
    : socket_{std::move(socket)},
      judge_{judge},
      stop_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)},
      thread_{[this] { run(); }} {}

zap_handler::~zap_handler() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(stop_, &one, sizeof one);
  thread_.join();
  ::close(stop_);
}

void zap_handler::guard(zmq::socket_t& door, const key_pair* keys) {
  if (keys == nullptr) {
    door.set(zmq::sockopt::plain_server, true);
  } else {
    door.set(zmq::sockopt::curve_server, true);
    door.set(zmq::sockopt::curve_secretkey, keys->secret());
  }
  door.set(zmq::sockopt::zap_domain, "coppice");
  const int on = 1;
  if (zmq_setsockopt(door.handle(), zap_enforce_domain, &on, sizeof on) != 0) throw zmq::error_t{};
}

void zap_handler::run() {
  zmq_pollitem_t items[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, stop_, ZMQ_POLLIN, 0}};
  while (zmq_poll(items, 2, look_period_ms) >= 0 && items[1].revents == 0) {
    if (items[0].revents != 0) answer();
    judge_.look();
  }
}

void zap_handler::answer() try {
  std::array<zmq::message_t, max_zap_frames> frames;
  std::array<std::string_view, max_zap_frames> views;
  std::size_t count = 0;
  for (bool more = true; more;) {  // what is beyond the bound overwrites the last frame
    auto& frame = frames[std::min(count, max_zap_frames - 1)];
    if (!socket_.recv(frame, zmq::recv_flags::dontwait)) return;
    more = frame.more();
    count = std::min(count + 1, max_zap_frames);
  }
  for (std::size_t i = 0; i < count; ++i) views[i] = frames[i].to_string_view();
  const auto reply = answer_zap({views.data(), count}, judge_);
  for (std::size_t i = 0; i < reply.size(); ++i)
    socket_.send(zmq::buffer(reply[i]),
                 i + 1 < reply.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
} catch (const zmq::error_t&) {
  // The asker is gone: its handshake ends by its time limit.
}

}  // namespace coppice
