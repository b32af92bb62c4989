#include "client/client.hpp"

#include "base/clock.hpp"
#include "base/random.hpp"
#include "client/connection.hpp"
#include "client/session.hpp"

#include <fmt/format.h>
#include <zmq.hpp>

#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace coppice::client {

namespace {

constexpr duration turn_length = 5ms;
/// Messages taken before time gets its turn.
constexpr int burst = 256;

tensor as_tensor(proto::tensor&& described, std::vector<std::string>& frames) {
  tensor made{
      std::move(described.name), std::move(described.datatype), std::move(described.shape), {}};
  if (described.frame && *described.frame < frames.size())
    made.bytes = std::move(frames[*described.frame]);
  return made;
}

infer_result as_result(answer_parts&& reply) {
  infer_result result;
  result.key = std::move(reply.key);
  auto& header = reply.header;
  result.model = std::move(header.model);
  result.version = header.version;
  if (header.times) result.timing = *header.times;
  for (auto& output : header.outputs)
    result.outputs.push_back(as_tensor(std::move(output), reply.frames));
  return result;
}

void add_input(open_request& to, tensor&& input) {
  const auto frame = static_cast<std::uint32_t>(to.frames.size());
  to.header.inputs.push_back(
      {std::move(input.name), std::move(input.datatype), std::move(input.shape), frame, {}});
  to.frames.push_back(std::make_shared<const std::string>(std::move(input.bytes)));
}

open_request as_open(infer_request&& request) {
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
  header.key = std::move(request.key);
  for (auto& input : request.inputs) add_input(open, std::move(input));
  return open;
}

std::string little_endian(std::uint32_t number) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

tensor as_prompt(generate_request& request) {
  if (request.tokens.empty())
    return {"text",
            "BYTES",
            {1},
            little_endian(static_cast<std::uint32_t>(request.text.size())) + request.text};
  return {"tokens",
          "INT32",
          {static_cast<std::int64_t>(request.tokens.size())},
          {reinterpret_cast<const char*>(request.tokens.data()),
           request.tokens.size() * sizeof(std::int32_t)}};
}

open_request as_open(generate_request&& request) {
  open_request open;
  open.deadline = now() + request.timeout;
  auto& header = open.header;
  header.op = "generate";
  header.model = std::move(request.model);
  header.version = request.version;
  header.parameters = {std::move(request.parameters)};
  header.priority_class = std::move(request.priority_class);
  header.at_most_once = request.at_most_once;
  header.stream = true;
  header.window = std::max(request.window, 1u);
  add_input(open, as_prompt(request));
  return open;
}

}  // namespace

/// The thread that owns the connection. It carries for a `session` and decides nothing.
class client::loop : private session_effects {
 public:
  /// Throws zmq::error_t for an endpoint that ZeroMQ does not take.
  explicit loop(client_options options);
  ~loop() override;

  /// Any thread. The request's `done` may be called at once if there are too many.
  ticket add(open_request&& request);
  void cancel(ticket request);

 private:
  void send(const proto::request& header, const frame_list& frames) override;
  void dial(std::size_t gateway) override;

  void start(open_request&& request);
  void post(std::function<void()> job);
  void run();
  bool turn();
  void poll();
  bool take_jobs();
  bool receive();
  void take_events();

  client_options options_;
  zmq::context_t context_{1};
  std::mt19937_64 random_{random_id()};
  session session_;
  std::optional<connection> connection_;
  steady_time next_tick_{};

  std::atomic<ticket> last_ticket_{0};
  /// Requests without an outcome, those that did not reach the session yet too.
  std::atomic<std::size_t> open_{0};
  int wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::mutex mutex_;
  std::vector<std::function<void()>> jobs_;
  bool stop_ = false;
  std::thread thread_;
};

client::loop::loop(client_options options)
    : options_{std::move(options)},
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
    session_.refused({errc::unauthenticated, "The gateway does not know this user.", 0}, now());
  }
}

void client::loop::send(const proto::request& header, const frame_list& frames) {
  if (connection_) connection_->send(header, frames);
}

void client::loop::dial(std::size_t gateway) {
  connection_.reset();
  connection_.emplace(context_, options_.endpoints[gateway], options_.user, options_.password);
}

client::client(client_options options) {
  if (options.endpoints.empty())
    throw std::invalid_argument{"A client needs a gateway's endpoint."};
  for (const auto& each : options.endpoints)
    if (auto taken = connection::check(each); !taken)
      throw std::invalid_argument{taken.error().message};
  loop_ = std::make_unique<loop>(std::move(options));
}
client::~client() = default;

client::ticket client::submit(infer_request request, std::function<void(answer)> done) {
  auto open = as_open(std::move(request));
  open.done = [done = std::move(done)](expected<answer_parts> got) {
    if (got)
      done(as_result(std::move(*got)));
    else
      done(tl::unexpected(std::move(got.error())));
  };
  return loop_->add(std::move(open));
}

client::ticket client::generate(
    generate_request request,
    std::function<void(std::uint64_t, std::span<const std::int32_t>)> chunk,
    std::function<void(expected<generate_result>)> done) {
  auto open = as_open(std::move(request));
  open.stream = std::make_unique<token_stream>();
  open.stream->deliver = std::move(chunk);
  open.done = [done = std::move(done)](expected<answer_parts> got) {
    if (!got) return done(tl::unexpected(std::move(got.error())));
    auto& header = got->header;
    std::uint64_t last = 0;  // the session checked that they are whole
    for (const auto& each : header.outputs)
      if (each.name == "tokens" && each.shape.size() == 1)
        last = static_cast<std::uint64_t>(each.shape.front());
    done(generate_result{header.seq + last, std::move(header.model), header.version,
                         header.times.value_or(proto::timing{})});
  };
  return loop_->add(std::move(open));
}

void client::cancel(ticket request) { loop_->cancel(request); }

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
  open.done = [&](expected<answer_parts> got) {
    if (got)
      promise.set_value(std::move(got->header));
    else
      promise.set_value(tl::unexpected(std::move(got.error())));
  };
  loop_->add(std::move(open));
  return future.get();
}

}  // namespace coppice::client
