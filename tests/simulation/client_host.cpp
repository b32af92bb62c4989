#include "tests/simulation/client_host.hpp"

#include "proto/codec/codec.hpp"
#include "tests/simulation/gateway_host.hpp"
#include "tests/simulation/payload.hpp"
#include "worker/engine/count_model.hpp"

#include <algorithm>

namespace coppice::simulation {

namespace {

/// As in client/client.cpp.
constexpr duration turn_length = 5ms;
constexpr duration idle_wait = 100ms;

std::vector<std::string> endpoints_of(const world& all) {
  std::vector<std::string> endpoints;
  for (std::uint32_t g = 0; g < all.of().gateways.size(); ++g)
    endpoints.push_back(gateway_host::endpoint(g));
  return endpoints;
}

struct stream_parameters {
  std::uint32_t max_tokens = 0;
  static constexpr auto fields() {
    return std::tuple{proto::field{"max_tokens", &stream_parameters::max_tokens}};
  }
};

}  // namespace

client_host::client_host(world& all, host_id self)
    : world_{all},
      self_{self},
      random_{draws{all.random().bits()}},
      session_{fmt::format("{:016x}", all.random().bits()), endpoints_of(all), true, *this,
               [this] { return random_.unit(); }} {}

client_host::~client_host() {
  for (const auto number : open_) world_.audit().abandoned(number);
}

steady_time client_host::turn(std::vector<arrival>& arrived, steady_time now) {
  now_ = now;
  for (auto& each : arrived) take(each, now);
  if (now >= next_tick_) {
    next_tick_ = now + turn_length;
    session_.tick(now);
  }
  return session_.open() > 0 ? next_tick_ : now + idle_wait;
}

void client_host::take(arrival& it, steady_time now) {
  if (it.kind == arrival_kind::submit) return start(it.number, now);
  if (it.kind == arrival_kind::cancel) {
    if (open_.contains(it.number)) world_.tell(self_, it.number, "cancels");
    return session_.cancel(it.number);
  }
  if (it.on != connection_) return;
  if (it.kind == arrival_kind::message) return take_reply(std::move(it.what.frames), now);
  if (it.kind == arrival_kind::opened) return session_.connected(now);
  connection_ = no_connection;
  session_.disconnected(now);
}

void client_host::take_reply(gateway::frame_list&& frames, steady_time now) {
  client::answer_parts reply;
  if (auto header = proto::decode<proto::reply>(
          {static_cast<const char*>(frames[1].data()), frames[1].size()}, 1 << 20))
    reply.header = std::move(*header);
  for (std::size_t i = 2; i < frames.size(); ++i) reply.frames.push_back(frames[i].to_string());
  session_.take(std::move(reply), now);
}

// --- requests ------------------------------------------------------------------------------

client::open_request client_host::request_for(std::uint64_t number, steady_time now) {
  const auto& plan = world_.audit().plan(number);
  const auto& spec = world_.of().models[plan.model].spec;
  const auto content = plan.content != 0 ? plan.content : number;
  client::open_request made;
  made.ticket = number;
  made.deadline = now + plan.timeout;
  auto& header = made.header;
  header.op = spec.streams() ? "generate" : "infer";
  header.model = spec.name;
  header.priority_class = plan.priority_class;
  header.at_most_once = plan.at_most_once;
  header.traceparent = trace_of(number);
  if (spec.streams()) {
    header.stream = true;
    header.window = plan.window;
    header.parameters.bytes = proto::encode(stream_parameters{plan.tokens});
    header.inputs.push_back({"tokens", "INT32", {2}, 0, {}});
    const auto prompt = prompt_of(content, plan.does);
    made.frames.push_back(std::make_shared<const std::string>(
        reinterpret_cast<const char*>(prompt.data()), sizeof prompt));
    made.stream = stream_for(number);
    return made;
  }
  const auto shape =
      spec.batchable ? std::vector<std::int64_t>{plan.rows, 2} : std::vector<std::int64_t>{2};
  header.inputs.push_back({spec.inputs.front().spec.name, "INT64", shape, 0, {}});
  made.frames.push_back(
      std::make_shared<const std::string>(content_of(content, plan.rows, plan.does)));
  return made;
}

/// Every token must be the right one, in its place.
std::unique_ptr<client::token_stream> client_host::stream_for(std::uint64_t number) {
  auto stream = std::make_unique<client::token_stream>();
  const auto& plan = world_.audit().plan(number);
  const auto prompt = prompt_of(plan.content != 0 ? plan.content : number, plan.does);
  const worker::count_tokens right{prompt, 0};
  stream->deliver = [this, number, right](std::uint64_t seq, std::span<const std::int32_t> tokens) {
    for (const auto token : tokens)
      if (token != right.at(seq++))
        world_.audit().found(invariant::right_answer,
                             fmt::format("token {} is another one", seq - 1), number);
  };
  return stream;
}

void client_host::start(std::uint64_t number, steady_time now) {
  const auto& plan = world_.audit().plan(number);
  world_.tell(self_, number, "asks for {} {} of m{} within {} ms{}",
              plan.tokens > 0 ? plan.tokens : plan.rows, plan.tokens > 0 ? "tokens" : "rows",
              plan.model + 1, plan.timeout / 1ms, plan.at_most_once ? ", at most once" : "");
  open_.insert(number);
  auto request = request_for(number, now);
  const auto deadline = request.deadline;
  request.done = [this, number, deadline](const expected<client::answer_parts>& outcome) {
    finish(number, deadline, outcome);
  };
  session_.start(std::move(request), now);
}

bool client_host::is_right(std::uint64_t number, const client::answer_parts& answer) const {
  const auto& plan = world_.audit().plan(number);
  const auto& outputs = answer.header.outputs;
  if (plan.tokens > 0) {
    // The tokens were checked as they came; the last ones may be in the outcome.
    const auto last = outputs.empty() ? 0 : static_cast<std::uint64_t>(outputs[0].shape.at(0));
    return answer.header.seq + last == plan.tokens;
  }
  if (outputs.size() != 1 || !outputs.front().frame) return false;
  const auto at = *outputs.front().frame;
  const auto content = plan.content != 0 ? plan.content : number;
  return at < answer.frames.size() &&
         answer.frames[at] == content_of(content, plan.rows, plan.does);
}

void client_host::finish(std::uint64_t number, steady_time deadline,
                         const expected<client::answer_parts>& outcome) {
  open_.erase(number);
  const auto code = outcome ? std::string{} : std::string{code_name(outcome.error().code)};
  const auto late = now_ - deadline;
  const bool was_frozen = world_.truth() - world_.last_frozen(self_) <= late + 1ms;
  world_.tell(self_, number, "has its outcome: {}", code.empty() ? "ok" : code);
  world_.audit().outcome(number, code, !outcome || is_right(number, *outcome),
                         was_frozen ? duration{0} : late);
}

// --- the connection ------------------------------------------------------------------------

void client_host::dial(std::size_t gateway) {
  if (connection_ != no_connection) world_.net().close(connection_, self_);
  world_.tell(self_, 0, "dials {}", gateway_host::endpoint(static_cast<std::uint32_t>(gateway)));
  connection_ = world_.net().dial(
      self_, gateway_host::endpoint(static_cast<std::uint32_t>(gateway)), link_kind::client);
}

void client_host::send(const proto::request& header, const client::frame_list& frames) {
  if (connection_ == no_connection) return;
  header_.clear();
  proto::encode(header, header_);
  packet out;
  out.frames.emplace_back();
  out.frames.emplace_back(header_.data(), header_.size());
  for (const auto& each : frames) out.frames.emplace_back(each->data(), each->size());
  world_.net().send(connection_, self_, std::move(out));
}

}  // namespace coppice::simulation
