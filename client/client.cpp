#include "client/client.hpp"

#include "base/clock.hpp"
#include "base/random.hpp"
#include "proto/codec/codec.hpp"

#include <fmt/format.h>
#include <zmq.hpp>

#include <future>
#include <mutex>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>

namespace coppice::client {

namespace {

constexpr duration ping_period = 1s;
/// A gateway that is silent this long while work is open is taken for gone.
constexpr duration silence_limit = 3s;
/// Below this a copy costs less than sharing memory with ZeroMQ's thread.
constexpr std::size_t shared_frame_bytes = 16 * 1024;
constexpr auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;

using raw_answer = expected<std::pair<proto::reply, std::vector<zmq::message_t>>>;

/// A request that has no outcome yet.
struct open_request {
  proto::request header;
  /// Shared with messages that are under way.
  std::vector<std::shared_ptr<const std::string>> frames;
  steady_time deadline;
  /// When to send it again; `steady_time::max()`: it is with the gateway.
  steady_time send_at = steady_time::max();
  std::uint32_t tries = 0;
  std::function<void(raw_answer)> done;
};

/// The cluster's hint, but no sooner than a pause that doubles with every try, up to a second.
std::chrono::milliseconds retry_pause(std::uint32_t hint_ms, std::uint32_t tries) {
  return std::chrono::milliseconds{std::max(hint_ms, std::min(10u << std::min(tries, 10u), 1000u))};
}

/// A message over the frame's own memory, which lives as long as the message.
zmq::message_t sharing(const std::shared_ptr<const std::string>& frame) {
  auto* owner = new std::shared_ptr<const std::string>{frame};
  const auto let_go = [](void*, void* hint) {
    delete static_cast<std::shared_ptr<const std::string>*>(hint);
  };
  return {const_cast<char*>(frame->data()), frame->size(), let_go, owner};
}

infer_result as_result(proto::reply& header, const std::vector<zmq::message_t>& frames) {
  infer_result result;
  result.model = std::move(header.model);
  result.version = header.version;
  if (header.times) result.timing = *header.times;
  for (auto& output : header.outputs) {
    tensor each{std::move(output.name), std::move(output.datatype), std::move(output.shape), {}};
    if (output.frame && *output.frame < frames.size())
      each.bytes = frames[*output.frame].to_string();
    result.outputs.push_back(std::move(each));
  }
  return result;
}

proto::raw_value integer_id(std::uint64_t id) {
  proto::raw_value raw;
  proto::string_sink sink{raw.bytes};
  proto::packer{sink}.pack_uint64(id);
  return raw;
}

std::uint64_t id_of(const proto::raw_value& raw) {
  proto::reader from{raw.bytes};
  std::uint64_t id = 0;
  return from.read(id) ? id : 0;
}

}  // namespace

/// The thread that owns the socket.
class client::loop {
 public:
  explicit loop(client_options options);
  ~loop();

  void add(open_request&& request);

 private:
  void run();
  void connect();
  void take_new();
  void start(open_request&& request);
  void send(std::uint64_t id, open_request& request);
  bool receive();
  void take_reply(proto::reply&& reply, std::vector<zmq::message_t>&& frames);
  void tick(steady_time at);
  void ping(steady_time at);
  void next_gateway(steady_time at);
  void finish(std::uint64_t id, raw_answer&& answer);

  client_options options_;
  std::string session_ = fmt::format("{:016x}", random_id());
  zmq::context_t context_{1};
  zmq::socket_t socket_;
  std::size_t endpoint_ = 0;
  std::unordered_map<std::uint64_t, open_request> open_;
  std::uint64_t last_id_ = 0;
  steady_time heard_ = now();
  steady_time pinged_ = now();
  steady_time next_tick_{};
  std::string header_;  // reused

  int wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::mutex mutex_;
  std::vector<open_request> new_;
  bool stop_ = false;
  std::thread thread_;
};

client::loop::loop(client_options options) : options_{std::move(options)} {
  connect();
  thread_ = std::thread{[this] { run(); }};
}

client::loop::~loop() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_, &one, sizeof one);
  thread_.join();
  ::close(wake_);
}

void client::loop::connect() {
  socket_ = zmq::socket_t{context_, zmq::socket_type::dealer};
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::sndhwm, 0);
  socket_.set(zmq::sockopt::rcvhwm, 0);
  socket_.set(zmq::sockopt::reconnect_ivl, 100);
  socket_.set(zmq::sockopt::reconnect_ivl_max, 5000);
  socket_.connect(options_.endpoints[endpoint_]);
}

void client::loop::add(open_request&& request) {
  if (std::this_thread::get_id() == thread_.get_id()) return start(std::move(request));
  const std::lock_guard lock{mutex_};
  new_.push_back(std::move(request));
  const std::uint64_t one = 1;
  if (new_.size() == 1) [[maybe_unused]]
    const auto n = ::write(wake_, &one, sizeof one);
}

void client::loop::run() {
  for (;;) {
    {
      const std::lock_guard lock{mutex_};
      if (stop_) break;
    }
    take_new();
    bool busy = false;
    for (int i = 0; i < 256 && receive(); ++i) busy = true;
    const auto at = now();
    if (at >= next_tick_) next_tick_ = at + 5ms, tick(at);
    if (busy) continue;
    zmq_pollitem_t items[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0},
                              {nullptr, wake_, ZMQ_POLLIN, 0}};
    zmq_poll(items, 2, open_.empty() ? 1000 : 5);
  }
  while (!open_.empty())
    finish(open_.begin()->first, fail(errc::cancelled, "The client was closed."));
}

void client::loop::take_new() {
  std::vector<open_request> taken;
  {
    const std::lock_guard lock{mutex_};
    if (new_.empty()) return;
    taken.swap(new_);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(wake_, &count, sizeof count);
  }
  for (auto& each : taken) start(std::move(each));
}

void client::loop::start(open_request&& request) {
  if (open_.empty()) heard_ = pinged_ = now();
  const auto id = ++last_id_;
  request.header.v = proto::protocol_version;
  request.header.id = integer_id(id);
  request.header.session = session_;
  if (request.header.op == "infer") request.header.key = session_ + "-" + std::to_string(id);
  send(id, open_.emplace(id, std::move(request)).first->second);
}

void client::loop::send(std::uint64_t, open_request& request) {
  request.send_at = steady_time::max();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(request.deadline - now()).count();
  request.header.timeout_ms =
      static_cast<std::uint32_t>(std::clamp<long>(left, 1, proto::max_timeout_ms));
  header_.clear();
  proto::encode(request.header, header_);
  const auto& frames = request.frames;
  (void)socket_.send(zmq::message_t{}, more);
  (void)socket_.send(zmq::buffer(header_), frames.empty() ? zmq::send_flags::dontwait : more);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto flags = i + 1 < frames.size() ? more : zmq::send_flags::dontwait;
    if (frames[i]->size() < shared_frame_bytes)
      (void)socket_.send(zmq::buffer(*frames[i]), flags);
    else
      (void)socket_.send(sharing(frames[i]), flags);
  }
}

bool client::loop::receive() {
  std::vector<zmq::message_t> parts(1);
  if (!socket_.recv(parts[0], zmq::recv_flags::dontwait)) return false;
  while (parts.back().more()) {
    zmq::message_t part;
    (void)socket_.recv(part, zmq::recv_flags::none);
    parts.push_back(std::move(part));
  }
  if (parts.size() < 2) return true;
  auto reply = proto::decode<proto::reply>(parts[1].to_string_view(), 1 << 20);
  parts.erase(parts.begin(), parts.begin() + 2);
  if (reply) take_reply(std::move(*reply), std::move(parts));
  return true;
}

void client::loop::take_reply(proto::reply&& reply, std::vector<zmq::message_t>&& frames) {
  heard_ = now();
  const auto id = id_of(reply.id);
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  auto& request = found->second;
  if (!reply.error) return finish(id, std::pair{std::move(reply), std::move(frames)});
  const auto& why = *reply.error;
  // Some attempt of it may have run: whether to risk a second run is not ours to say.
  const bool once = request.header.at_most_once && why.code == code_name(errc::worker_lost);
  const auto again = heard_ + retry_pause(why.retry_after_ms, request.tries);
  if (why.retryable && options_.retry && !once && again < request.deadline) {
    ++request.tries;
    request.send_at = again;
    return;
  }
  finish(id, fail(code_from_name(why.code), why.message, why.retry_after_ms));
}

void client::loop::finish(std::uint64_t id, raw_answer&& answer) {
  auto entry = open_.extract(id);
  entry.mapped().done(std::move(answer));
}

void client::loop::tick(steady_time at) {
  std::vector<std::uint64_t> late;
  for (auto& [id, request] : open_) {
    if (at >= request.deadline + 25ms) late.push_back(id);
    if (at >= request.send_at) send(id, request);
  }
  for (const auto id : late)
    finish(id, fail(errc::deadline, "No answer from " + options_.endpoints[endpoint_] +
                                        " before the deadline. Is a gateway running there?"));
  if (open_.empty()) return;
  if (at - pinged_ >= ping_period) ping(at);
  if (at - heard_ >= silence_limit) next_gateway(at);
}

void client::loop::ping(steady_time at) {
  pinged_ = at;
  proto::request header;
  header.v = proto::protocol_version;
  header.op = "ping";
  header.session = session_;
  header_.clear();
  proto::encode(header, header_);
  (void)socket_.send(zmq::message_t{}, more);
  (void)socket_.send(zmq::buffer(header_), zmq::send_flags::dontwait);
}

void client::loop::next_gateway(steady_time at) {
  endpoint_ = (endpoint_ + 1) % options_.endpoints.size();
  heard_ = at;
  connect();
  std::vector<std::uint64_t> once;
  for (auto& [id, request] : open_)
    if (!request.header.at_most_once)
      send(id, request);
    else if (request.send_at == steady_time::max())
      once.push_back(id);
  for (const auto id : once)
    finish(id, fail(errc::unknown_outcome, "The gateway is gone; the request may have run."));
}

client::client(client_options options) {
  if (options.endpoints.empty())
    throw std::invalid_argument{"A client needs a gateway's endpoint."};
  const auto first = options.endpoints.front();
  try {
    loop_ = std::make_unique<loop>(std::move(options));
  } catch (const zmq::error_t& failure) {
    throw std::invalid_argument{"'" + first + "': " + failure.what() +
                                ". An endpoint is tcp://host:port."};
  }
}
client::~client() = default;

void client::submit(infer_request request, std::function<void(answer)> done) {
  open_request open;
  open.deadline = now() + request.timeout;
  auto& header = open.header;
  header.op = "infer";
  header.model = std::move(request.model);
  header.version = request.version;
  header.outputs = std::move(request.outputs);
  header.parameters = {std::move(request.parameters)};
  header.priority_class = std::move(request.priority_class);
  header.at_most_once = request.at_most_once;
  for (auto& input : request.inputs) {
    const auto frame = static_cast<std::uint32_t>(open.frames.size());
    header.inputs.push_back(
        {std::move(input.name), std::move(input.datatype), std::move(input.shape), frame, {}});
    open.frames.push_back(std::make_shared<const std::string>(std::move(input.bytes)));
  }
  open.done = [done = std::move(done)](raw_answer got) {
    if (got)
      done(as_result(got->first, got->second));
    else
      done(tl::unexpected(std::move(got.error())));
  };
  loop_->add(std::move(open));
}

client::answer client::infer(infer_request request) {
  std::promise<answer> promise;
  auto future = promise.get_future();
  submit(std::move(request), [&](answer got) { promise.set_value(std::move(got)); });
  return future.get();
}

expected<proto::reply> client::call(proto::request header, std::chrono::milliseconds timeout) {
  std::promise<expected<proto::reply>> promise;
  auto future = promise.get_future();
  open_request open;
  open.header = std::move(header);
  open.deadline = now() + timeout;
  open.done = [&](raw_answer got) {
    if (got)
      promise.set_value(std::move(got->first));
    else
      promise.set_value(tl::unexpected(std::move(got.error())));
  };
  loop_->add(std::move(open));
  return future.get();
}

}  // namespace coppice::client
