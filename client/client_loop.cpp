#include "client/client_loop.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace coppice::client {

namespace {

constexpr duration turn_length = 5ms;
/// Messages taken before time gets its turn.
constexpr int burst = 256;

}  // namespace

client::loop::loop(client_options options, std::vector<named_endpoint> gateways, login as)
    : options_{std::move(options)},
      gateways_{std::move(gateways)},
      login_{std::move(as)},
      session_{fmt::format("{:016x}", random_id()),
               options_.endpoints,
               options_.retry,
               *this,
               [this] { return std::uniform_real_distribution<>{}(random_); },
               {.open = options_.max_open}} {
  session_.tick(now());  // dials
  thread_ = std::thread{[this] { run(); }};
}

client::loop::~loop() {
  post([this] { stop_ = true; });
  thread_.join();
  ::close(wake_);
}

client::ticket client::loop::add(open_request&& request) {
  request.ticket = ++last_ticket_;
  const auto named = request.ticket;
  if (++open_ > options_.max_open) {
    --open_;
    request.done(fail(errc::overloaded, "The client has " + std::to_string(options_.max_open) +
                                            " requests without an answer, which is its limit."));
    return named;
  }
  request.done = [this, done = std::move(request.done)](expected<answer_parts> outcome) {
    --open_;
    done(std::move(outcome));
  };
  if (std::this_thread::get_id() == thread_.get_id()) return start(std::move(request)), named;
  post([this, held = std::make_shared<open_request>(std::move(request))] {
    start(std::move(*held));
  });
  return named;
}

void client::loop::start(open_request&& request) { session_.start(std::move(request), now()); }

void client::loop::cancel(ticket request) {
  post([this, request] { session_.cancel(request); });
}

void client::loop::post(std::function<void()> job) {
  const std::lock_guard lock{mutex_};
  jobs_.push_back(std::move(job));
  const std::uint64_t one = 1;
  if (jobs_.size() == 1) [[maybe_unused]]
    const auto n = ::write(wake_, &one, sizeof one);
}

void client::loop::run() {
  while (!stop_)
    if (!turn()) poll();
  take_jobs();
  session_.close({errc::cancelled, "The client was closed.", 0});
}

/// One round over all sources. @returns whether there was anything.
bool client::loop::turn() {
  bool busy = take_jobs();
  for (int i = 0; i < burst && receive(); ++i) busy = true;
  const auto at = now();
  if (at < next_tick_) return busy;
  next_tick_ = at + turn_length;
  take_events();
  session_.tick(at);
  return busy;
}

void client::loop::poll() {
  zmq_pollitem_t items[] = {{nullptr, wake_, ZMQ_POLLIN, 0},
                            {connection_ ? connection_->socket() : nullptr, 0, ZMQ_POLLIN, 0},
                            {connection_ ? connection_->events() : nullptr, 0, ZMQ_POLLIN, 0}};
  zmq_poll(items, connection_ ? 3 : 1, session_.open() > 0 ? turn_length / 1ms : 100);
  if (items[2].revents != 0) take_events();
}

bool client::loop::take_jobs() {
  std::vector<std::function<void()>> taken;
  {
    const std::lock_guard lock{mutex_};
    if (jobs_.empty()) return false;
    taken.swap(jobs_);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(wake_, &count, sizeof count);
  }
  for (auto& each : taken) each();
  return true;
}

bool client::loop::receive() {
  if (!connection_) return false;
  auto reply = connection_->receive();
  if (!reply) return false;
  session_.take(std::move(*reply), now());
  return true;
}

void client::loop::take_events() {
  while (connection_) {
    const auto event = connection_->next_event();
    if (!event) return;
    if (*event == connection::event::connected) {
      session_.connected(now());
      continue;
    }
    while (receive()) continue;  // what came before it dropped
    connection_.reset();
    if (*event == connection::event::lost) return session_.disconnected(now());
    session_.refused({errc::unauthenticated, "The gateway does not know this user or key.", 0},
                     now());
  }
}

void client::loop::send(const proto::request& header, const frame_list& frames) {
  if (connection_) connection_->send(header, frames);
}

void client::loop::dial(std::size_t gateway) {
  connection_.reset();
  connection_.emplace(context_, gateways_[gateway], login_);
}

}  // namespace coppice::client
