#include "tests/simulation/client_host.hpp"

#include "proto/codec/codec.hpp"
#include "tests/simulation/gateway_host.hpp"
#include "tests/simulation/payload.hpp"

#include <algorithm>

namespace coppice::simulation {

namespace {

/// As in client/client.cpp.
constexpr duration ping_period = 1s;
constexpr duration silence_limit = 3s;
constexpr duration tick_period = 5ms;
constexpr duration late_limit = 25ms;
constexpr std::chrono::milliseconds first_dial{100}, longest_dial{5000};

std::chrono::milliseconds retry_pause(std::uint32_t hint_ms, std::uint32_t tries) {
  return std::chrono::milliseconds{std::max(hint_ms, std::min(10u << std::min(tries, 10u), 1000u))};
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

client_host::client_host(world& all, host_id self)
    : world_{all},
      self_{self},
      plan_{all.of().clients[self - all.client(0)]},
      session_{fmt::format("{:016x}", all.random().bits())} {
  connect();
}

client_host::~client_host() {
  for (const auto& [number, request] : open_) world_.audit().abandoned(number);
}

steady_time client_host::turn(std::vector<arrival>& arrived, steady_time now) {
  for (auto& each : arrived) take(each, now);
  if (now >= dial_at_) connect();
  tick(now);
  return next_turn(now);
}

void client_host::take(arrival& it, steady_time now) {
  if (it.kind == arrival_kind::submit) return start(it.number, now);
  if (it.kind == arrival_kind::cancel) return cancel(it.number);
  if (it.on != connection_) return;
  if (it.kind == arrival_kind::message)
    take_reply(std::move(it.what.frames), now);
  else
    connection_changed(it, now);
}

steady_time client_host::next_turn(steady_time now) const {
  auto next = dial_at_;
  if (open_.empty()) return next;
  next = std::min({next, deadlines_.begin()->first + late_limit, pinged_ + ping_period,
                   heard_ + silence_limit});
  if (!resends_.empty()) next = std::min(next, resends_.begin()->first);
  return std::max(next, now + tick_period);
}

// --- requests ------------------------------------------------------------------------------

void client_host::start(std::uint64_t number, steady_time now) {
  if (open_.empty()) heard_ = pinged_ = now;
  const auto& plan = world_.audit().plan(number);
  const auto& spec = world_.of().models[plan.model].spec;
  open_request made;
  made.deadline = now + plan.timeout;
  auto& header = made.header;
  header.v = proto::protocol_version;
  header.op = "infer";
  header.id = integer_id(number);
  header.session = session_;
  header.key = session_ + "-" + std::to_string(number);
  header.model = spec.name;
  header.priority_class = plan.priority_class;
  header.at_most_once = plan.at_most_once;
  const auto shape =
      spec.batchable ? std::vector<std::int64_t>{plan.rows, 2} : std::vector<std::int64_t>{2};
  header.inputs.push_back({spec.inputs.front().spec.name, "INT64", shape, 0, {}});
  deadlines_.insert({made.deadline, number});
  world_.tell(self_, number, "asks for {} rows of {} within {} ms{}", plan.rows, spec.name,
              plan.timeout / 1ms, plan.at_most_once ? ", at most once" : "");
  send(number, open_.emplace(number, std::move(made)).first->second, now);
}

void client_host::cancel(std::uint64_t number) {
  if (!open_.contains(number)) return;
  world_.tell(self_, number, "cancels");
  proto::request header;
  header.v = proto::protocol_version;
  header.op = "cancel";
  header.id = integer_id(number);
  header.session = session_;
  write(header, {});
}

void client_host::send(std::uint64_t number, open_request& request, steady_time now) {
  resends_.erase({request.send_at, number});
  request.send_at = steady_time::max();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(request.deadline - now).count();
  request.header.timeout_ms =
      static_cast<std::uint32_t>(std::clamp<long>(left, 1, proto::max_timeout_ms));
  const auto& plan = world_.audit().plan(number);
  gateway::frame_list frames;
  frames.push_back(content_of(number, plan.rows, plan.does));
  write(request.header, std::move(frames));
}

bool client_host::is_right(const request_plan& plan, std::uint64_t number,
                           const proto::reply& reply, const gateway::frame_list& frames) {
  if (reply.outputs.size() != 1 || !reply.outputs.front().frame) return false;
  const auto at = *reply.outputs.front().frame;
  return at < frames.size() && is_content_of(frames[at], number, plan.rows, plan.does);
}

void client_host::take_reply(gateway::frame_list&& frames, steady_time now) {
  heard_ = now;
  const auto& head = frames[1];
  auto reply = proto::decode<proto::reply>({static_cast<const char*>(head.data()), head.size()});
  frames.erase(frames.begin(), frames.begin() + 2);
  if (!reply) return;
  const auto number = id_of(reply->id);
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  auto& request = found->second;
  if (!reply->error)
    return finish(number, "", is_right(world_.audit().plan(number), number, *reply, frames), now);
  const auto& why = *reply->error;
  const bool once = request.header.at_most_once && why.code == code_name(errc::worker_lost);
  const auto again = now + retry_pause(why.retry_after_ms, request.tries);
  if (!why.retryable || once || again >= request.deadline)
    return finish(number, why.code, true, now);
  ++request.tries;
  request.send_at = again;
  resends_.insert({again, number});
}

void client_host::finish(std::uint64_t number, const std::string& code, bool right,
                         steady_time now) {
  const auto found = open_.find(number);
  const auto deadline = found->second.deadline;
  deadlines_.erase({deadline, number});
  resends_.erase({found->second.send_at, number});
  open_.erase(found);
  const auto late = now - deadline;
  const bool was_frozen = world_.truth() - world_.last_frozen(self_) <= late + 1ms;
  world_.tell(self_, number, "has its outcome: {}", code.empty() ? "ok" : code);
  world_.audit().outcome(number, code, right, was_frozen ? duration{0} : late);
}

void client_host::tick(steady_time now) {
  while (!deadlines_.empty() && now >= deadlines_.begin()->first + late_limit)
    finish(deadlines_.begin()->second, "deadline", true, now);
  while (!resends_.empty() && now >= resends_.begin()->first) {
    const auto number = resends_.begin()->second;
    send(number, open_.at(number), now);
  }
  if (open_.empty()) return;
  if (now - pinged_ >= ping_period) ping(now);
  if (now - heard_ >= silence_limit) next_gateway(now);
}

void client_host::ping(steady_time now) {
  pinged_ = now;
  proto::request header;
  header.v = proto::protocol_version;
  header.op = "ping";
  header.session = session_;
  write(header, {});
}

void client_host::next_gateway(steady_time now) {
  endpoint_ = (endpoint_ + 1) % plan_.gateways.size();
  heard_ = now;
  world_.tell(self_, 0, "goes to gateway-{}", plan_.gateways[endpoint_] + 1);
  if (connection_ != no_connection) world_.net().close(connection_, self_);
  unsent_.clear();
  dial_streak_ = 0;
  connect();
  std::vector<std::uint64_t> once;
  for (auto& [number, request] : open_)
    if (!request.header.at_most_once)
      send(number, request, now);
    else if (request.send_at == steady_time::max())
      once.push_back(number);
  for (const auto number : once) finish(number, "unknown_outcome", true, now);
}

// --- the socket ----------------------------------------------------------------------------

void client_host::connect() {
  dial_at_ = steady_time::max();
  connected_ = false;
  connection_ = world_.net().dial(self_, gateway_host::endpoint(plan_.gateways[endpoint_]),
                                  link_kind::client);
}

void client_host::connection_changed(const arrival& it, steady_time now) {
  if (it.kind == arrival_kind::opened) {
    dial_streak_ = 0;
    connected_ = true;
    for (; !unsent_.empty(); unsent_.pop_front())
      world_.net().send(connection_, self_, std::move(unsent_.front()));
    return;
  }
  connection_ = no_connection;
  connected_ = false;
  dial_at_ = now + std::min(first_dial * (1 << std::min(dial_streak_++, 6u)), longest_dial);
}

void client_host::write(const proto::request& header, gateway::frame_list&& frames) {
  header_.clear();
  proto::encode(header, header_);
  packet out;
  out.frames.emplace_back();
  out.frames.emplace_back(header_.data(), header_.size());
  for (auto& frame : frames) out.frames.push_back(std::move(frame));
  write(std::move(out));
}

void client_host::write(packet&& message) {
  if (!connected_) return unsent_.push_back(std::move(message));
  world_.net().send(connection_, self_, std::move(message));
}

}  // namespace coppice::simulation
