#include "gateway/shard/shard_loop.hpp"

#include "base/log.hpp"
#include "gateway/shard/whole_message.hpp"
#include "proto/codec/codec.hpp"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace coppice::gateway {

namespace {

/// Messages taken from one socket before the other sources get their turn.
constexpr int burst = 256;
/// Messages that may wait in ZeroMQ for one client to read them. Their bytes are bounded by
/// `outgoing_bytes`, more tightly.
constexpr int unread_replies = 20'000;
/// A client that takes nothing for so long although something waits for it loses its connection,
/// and the gateway is rid of what waited.
constexpr int unread_limit_ms = 10'000;
/// What libzmq and the allocator take for a part of a message besides its bytes.
constexpr std::size_t part_overhead = 128;
constexpr duration tick = 5ms;
constexpr long idle_wait_ms = 50;
constexpr auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
constexpr auto last = zmq::send_flags::dontwait;

void set_up_clients(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::affinity, std::uint64_t{1});
  socket.set(zmq::sockopt::router_mandatory, true);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndhwm, unread_replies);
  socket.set(zmq::sockopt::rcvhwm, 1000);
  socket.set(zmq::sockopt::backlog, 4096);
  socket.set(zmq::sockopt::handshake_ivl, 2000);
  // The kernel looks whether a silent client's machine is there (15 s). ZeroMQ's own heartbeats
  // would end this process: libzmq 4.3 aborts when one is due on a broken connection that it does
  // not read because too much of it waits (its issue 4364).
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 5);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 5);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 2);
  socket.set(zmq::sockopt::tcp_maxrt, unread_limit_ms);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(proto::max_frame_bytes));
}

std::size_t bytes_of(const frame_list& frames) {
  std::size_t bytes = 0;
  for (const auto& each : frames) bytes += each.size() + part_overhead;
  return bytes;
}

int connection_of(const frame_list& message) {
  return zmq_msg_get(const_cast<zmq::message_t&>(message.back()).handle(), ZMQ_SRCFD);
}

}  // namespace

shard_loop::shard_loop(shard_options options, shard_counts& counts,
                       std::function<void(scheduler_mail)> tell)
    : clients_closed_{context_, clients_, "clients"},
      engines_closed_{context_, engines_.socket(), "engines"},
      unread_{options.limits.outgoing},
      counts_{counts},
      tell_{std::move(tell)},
      gateway_{options.gateway + "/" + std::to_string(options.index)},
      shard_{std::move(options), *this, &counts},
      tenant_{anonymous} {
  set_up_clients(clients_);
}

shard_loop::~shard_loop() {
  post(stop_shard{});
  if (thread_.joinable()) thread_.join();
  ::close(wake_);
}

expected<void> shard_loop::guard(std::unique_ptr<door_access> access,
                                 std::optional<key_pair> keys) try {
  access_ = std::move(access);
  access_->told = [this](const std::optional<error>& wrong) {
    (wrong ? counts_.allow_lists_rejected : counts_.allow_lists_taken).Increment();
    if (wrong)
      log(log_level::error, "allow_list_rejected", {kv("reason", wrong->message)});
    else
      log(log_level::info, "allow_list_taken", {kv("clients", access_->table()->size())});
  };
  auto handler = zap_handler::start(context_, *access_);
  if (!handler) return tl::unexpected(handler.error());
  zap_ = std::move(*handler);
  zap_handler::guard(clients_, keys ? &*keys : nullptr);
  look_at_access(now());
  return {};
} catch (const zmq::error_t& failure) {
  return fail(errc::unavailable,
              std::string{"The door cannot be guarded: "} + failure.what() + ".");
}

expected<std::string> shard_loop::bind(const std::string& door) try {
  clients_.bind(door);
  return clients_.get(zmq::sockopt::last_endpoint);
} catch (const zmq::error_t& failure) {
  return fail(errc::unavailable, "The door cannot listen on " + door + ": " + failure.what() + ".");
}

void shard_loop::start(std::function<void(std::string)> failed) {
  thread_ = std::thread{[this, failed = std::move(failed)] {
    try {
      run();
    } catch (const std::exception& failure) {
      failed(failure.what());
    }
  }};
  ::pthread_setname_np(thread_.native_handle(), "coppice-shard");
}

void shard_loop::post(shard_mail mail) {
  const std::lock_guard lock{mutex_};
  mail_.push_back(std::move(mail));
  const std::uint64_t one = 1;
  if (mail_.size() == 1) [[maybe_unused]]
    const auto n = ::write(wake_, &one, sizeof one);
}

void shard_loop::run() {
  while (!stopped_)
    if (!turn()) poll(shard_.rows().open_rows() > 0 || !looks_.empty() ? 5 : idle_wait_ms);
}

void shard_loop::poll(long limit_ms) {
  zmq_pollitem_t items[] = {{clients_.handle(), 0, ZMQ_POLLIN, 0},
                            {engines_.socket().handle(), 0, ZMQ_POLLIN, 0},
                            {nullptr, wake_, ZMQ_POLLIN, 0},
                            {engines_closed_.handle(), 0, ZMQ_POLLIN, 0},
                            {clients_closed_.handle(), 0, ZMQ_POLLIN, 0}};
  zmq_poll(items, 5, limit_ms);
  // What stayed unread until the next tick would end every wait before it.
  if (items[3].revents != 0 || items[4].revents != 0) take_closed(now());
}

/// One round over all sources. @returns whether there was anything.
bool shard_loop::turn() {
  bool busy = receive_engines();
  busy = take_mail() || busy;
  busy = receive_clients() || busy;
  const auto at = now();
  if (at < next_tick_) return busy;
  next_tick_ = at + tick;
  if (access_) look_at_access(at);
  take_closed(at);
  shard_.on_tick(at);
  answer_looks();
  return busy;
}

void shard_loop::answer_looks() {
  for (const auto& each : std::exchange(looks_, {})) each.answer(shard_.look());
}

bool shard_loop::receive_engines() {
  frame_list message;
  int taken = 0;
  for (; taken < burst && engines_.receive(message); ++taken)
    shard_.on_link_message(std::move(message), now());
  return taken > 0;
}

bool shard_loop::receive_clients() {
  frame_list message;
  int taken = 0;
  for (; taken < burst && receive_whole(clients_, message); ++taken) {
    const int connection = connection_of(message);
    // A descriptor is used again after a close: what closed before this message must go first.
    if (taken == 0) take_closed(now());
    if (!identify(message.back(), connection)) continue;
    shard_.on_client_message(std::move(message), connection, now(), tenant_);
  }
  return taken > 0;
}

bool shard_loop::identify(const zmq::message_t& part, int connection) {
  if (!access_) return true;
  const auto name = sender_of(part);
  tenant_ = table_->tenant_of(name, wall_);
  if (tenant_.empty()) {  // or let in by a table that is newer than the one here
    look_at_access(now());
    tenant_ = table_->tenant_of(name, wall_);
  }
  if (tenant_.empty()) return shut(connection), false;
  if (auto& known = names_[connection]; known != name) known = name;
  return true;
}

/// Its owner's key was revoked or has expired. libzmq has no call that ends a connection: ending it
/// below libzmq is like a peer that goes.
void shard_loop::shut(int connection) {
  ::shutdown(connection, SHUT_RDWR);
  names_.erase(connection);
  counts_.connections_revoked.Increment();
}

/// Takes over a new table, and ends connections whose owner may no longer use the door.
void shard_loop::look_at_access(steady_time at) {
  const auto wall = wall_now();
  const auto version = access_->version();
  if (wall == wall_ && version == table_version_) return;
  wall_ = wall;
  if (version != table_version_) {
    table_ = access_->table();
    table_version_ = version;
    shard_.limit(table_->tenants(), at);
  }
  std::vector<int> gone;
  for (const auto& [connection, name] : names_)
    if (table_->tenant_of(name, wall_).empty()) gone.push_back(connection);
  for (const auto connection : gone) shut(connection);
}

void shard_loop::take_closed(steady_time at) {
  using kind = socket_monitor::event::kind;
  while (const auto event = engines_closed_.next()) {
    engines_.close(event->endpoint);
    shard_.on_link_reset(event->endpoint, at);
  }
  while (const auto event = clients_closed_.next()) {
    if (event->what == kind::refused) {
      counts_.handshakes_failed.Increment();
      continue;
    }
    counts_.connections_closed.Increment();
    unread_.closed(event->connection);
    names_.erase(event->connection);
    shard_.on_client_gone(event->connection, at);
  }
}

bool shard_loop::take_mail() {
  std::vector<shard_mail> taken;
  {
    const std::lock_guard lock{mutex_};
    if (mail_.empty()) return false;
    taken.swap(mail_);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(wake_, &count, sizeof count);
  }
  for (auto& each : taken) take(std::move(each), now());
  return true;
}

void shard_loop::take(shard_mail&& mail, steady_time at) {
  struct visitor {
    shard_loop& loop;
    steady_time at;
    void operator()(proto::place_reply& reply) { loop.shard_.on_place_reply(reply, at); }
    void operator()(place_lost) { loop.shard_.on_place_lost(at); }
    void operator()(proto::engine_down& down) { loop.shard_.on_engine_down(down, at); }
    void operator()(proto::catalogue& all) { loop.shard_.on_catalogue(std::move(all), at); }
    void operator()(proto::judgement& judged) { loop.shard_.on_judgement(judged, at); }
    void operator()(proto::drain_notice& notice) { loop.shard_.on_drain_notice(notice, at); }
    void operator()(explain_order& asked) { asked.answer(loop.shard_.explain(asked.target, at)); }
    void operator()(look_order& asked) { loop.looks_.push_back(std::move(asked)); }
    void operator()(stop_shard) {
      loop.shard_.on_stop(at);
      loop.stopped_ = true;
    }
  };
  std::visit(visitor{*this, at}, mail);
}

// --- effects -------------------------------------------------------------------------------

delivery shard_loop::reply(const client_address& to, const proto::reply& header,
                           frame_list&& frames) try {
  header_.clear();
  proto::encode(header, header_);
  const auto bytes = header_.size() + part_overhead + bytes_of(frames);
  const bool has_room = header.error ? unread_.has_room_for_failure(to.connection, bytes)
                                     : unread_.has_room(to.connection, bytes);
  if (!has_room) return delivery::no_room;
  if (!clients_.send(zmq::buffer(to.routing_id), more)) return delivery::no_room;
  if (!to.correlation.empty()) (void)clients_.send(zmq::buffer(to.correlation), more);
  if (to.empty_delimiter) (void)clients_.send(zmq::message_t{}, more);
  zmq::message_t head{header_.data(), header_.size()};
  auto& end = frames.empty() ? head : frames.back();
  end = unread_.hold(to.connection, std::move(end), bytes);
  (void)clients_.send(head, frames.empty() ? last : more);
  for (std::size_t i = 0; i < frames.size(); ++i)
    (void)clients_.send(frames[i], i + 1 < frames.size() ? more : last);
  return delivery::sent;
} catch (const zmq::error_t&) {
  return delivery::gone;
}

bool shard_loop::send(incarnation_id to, const proto::link_request& header,
                      const frame_list& frames) {
  header_.clear();
  proto::encode(header, header_);
  return engines_.send(to, header_, frames);
}

void shard_loop::open_link(const engine_link& link) try {
  if (!engines_.open(link.incarnation, link.endpoint, link.engine_key, link.link_key))
    return;  // it falls silent and is tried again
  proto::link_request hello;
  hello.op = "hello";
  hello.incarnation = link.incarnation;
  hello.link_key = link.link_key;
  hello.gateway = gateway_;
  send(link.incarnation, hello, {});
} catch (const zmq::error_t& failure) {
  log(log_level::warn, "link_open_failed",
      {kv("engine", link.engine), kv("endpoint", link.endpoint), kv("reason", failure.what())});
}

void shard_loop::close_link(const engine_link& link) { engines_.close(link.endpoint); }

}  // namespace coppice::gateway
