#include "tests/simulation/engine_host.hpp"

#include "proto/codec/codec.hpp"
#include "tests/simulation/payload.hpp"
#include "tests/simulation/scheduler_link.hpp"

#include <algorithm>

namespace coppice::simulation {

namespace {

/// As in worker/engine/engine.cpp and its options.
constexpr int burst = 64;
constexpr duration report_period = 100ms;
constexpr duration drain_limit = 1s;
constexpr std::size_t max_bytes = std::size_t{1} << 30;

/// Ports of one engine's successive processes are few, so that some are used again.
constexpr std::uint64_t ports = 20;

constexpr int sigsegv = 11;

worker::shared_frame as_shared(zmq::message_t&& frame) {
  auto owner = std::make_shared<zmq::message_t>(std::move(frame));
  return {{static_cast<const std::byte*>(owner->data()), owner->size()}, std::move(owner)};
}

std::uint32_t rows_of(const worker::model_spec& spec, const proto::link_request& request) {
  const bool in_rows = spec.batchable && !request.inputs.empty();
  return in_rows ? static_cast<std::uint32_t>(request.inputs.front().shape.front()) : 1;
}

}  // namespace

engine_host::engine_host(world& all, host_id self, std::uint32_t node)
    : world_{all},
      self_{self},
      node_{node},
      plan_{all.of().nodes[node].engines[self - all.engine(node, 0)]},
      books_{all.audit()},
      incarnation_{all.random().id()},
      link_key_{fmt::format("{:016x}", all.random().bits())},
      endpoint_{fmt::format("{}:{}", all.name_of(self), all.random().below(ports))},
      pipe_{all.pipe_of(self)},
      page_{all.page_of(self)},
      desk_{{incarnation_, link_key_, specs(), max_bytes}, *this} {
  for (const auto model : plan_.models) {
    const auto& of = all.of().models[model];
    streams_ = streams_ || of.spec.streams();
    for (std::size_t i = 0; i < worker::instance_count(of.spec); ++i)
      instances_.emplace_back(of, page_->lanes[instances_.size()]);
  }
}

engine_host::~engine_host() {
  world_.audit().up_since(node_, self_ - world_.engine(node_, 0), std::nullopt);
}

std::vector<worker::model_spec> engine_host::specs() const {
  std::vector<worker::model_spec> all;
  for (const auto model : plan_.models) all.push_back(world_.of().models[model].spec);
  return all;
}

void engine_host::load(steady_time now) {
  if (!loaded_at_) loaded_at_ = now + plan_.load;
  if (now < *loaded_at_) return;
  ready_ = true;
  world_.audit().up_since(node_, self_ - world_.engine(node_, 0), world_.truth());
  world_.net().listen(self_, endpoint_);
  send_control(world_, pipe_, self_,
               proto::engine_report{
                   "ready", incarnation_, endpoint_, link_key_, desk_.cards(), {}, {}, 0, {}});
}

void engine_host::thawed(duration lasted) {
  for (auto& each : instances_) each.stood(lasted);
}

steady_time engine_host::turn(std::vector<arrival>& arrived, steady_time now) {
  now_ = now;
  for (auto& each : arrived) sort(each);
  if (!ready_) load(now);
  if (!ready_) return *loaded_at_;
  receive_burst(now);
  take_finished(now);
  if (ended_) return now;
  if (world_.wants_stop(self_) && !stop_by_) {
    stop_by_ = now + drain_limit;
    desk_.on_stop(now);
    handled();
  }
  desk_.on_tick(now);
  handled();
  books_.ticked(now);
  report_load(now);
  page_->open_attempts = desk_.open_attempts();
  ++page_->loop_turns;
  if (!streams_) books_.open_are(desk_.open_attempts());
  stop_if_done(now);
  return next_turn(now);
}

void engine_host::stop_if_done(steady_time now) {
  if (stop_by_ && (!desk_.running() || now >= *stop_by_)) end({exited(0), "stopped", {}});
}

steady_time engine_host::next_turn(steady_time now) const {
  if (!messages_.empty()) return now;
  auto until = std::min(next_report_, desk_.next_event(now));
  for (const auto& each : instances_) until = std::min(until, each.ends());
  return std::clamp(until, now, now + report_period);
}

void engine_host::audit_queues(const std::vector<proto::model_load>& loads) {
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const auto model = plan_.models[i];
    books_.turned(model, loads[i].queued_rows, loads[i].running_rows,
                  !world_.of().models[model].spec.streams());
  }
}

void engine_host::end(process_exit how) {
  ended_ = true;
  world_.exit(self_, std::move(how));
}

// --- messages ------------------------------------------------------------------------------

void engine_host::sort(arrival& it) {
  if (it.on == pipe_) {
    if (it.kind == arrival_kind::closed) end({exited(1), "its worker is gone", {}});
    return;
  }
  if (it.kind == arrival_kind::accepted) {
    auto routing_id = world_.identity_of_peer(it.on, self_);
    connection_of_[routing_id] = it.on;  // handover
    gateway_of_[it.on] = std::move(routing_id);
  } else if (it.kind == arrival_kind::closed) {
    const auto known = connection_of_.find(gateway_of_[it.on]);
    if (known != connection_of_.end() && known->second == it.on) connection_of_.erase(known);
    gateway_of_.erase(it.on);
  } else if (it.kind == arrival_kind::message) {
    messages_.push_back({gateway_of_[it.on], std::move(it.what.frames)});
  }
}

void engine_host::receive_burst(steady_time now) {
  for (int taken = 0; taken < burst && !messages_.empty(); ++taken) {
    auto message = std::move(messages_.front());
    messages_.pop_front();
    auto& frames = message.frames;
    const auto request = proto::decode<proto::link_request>(
        {static_cast<const char*>(frames[0].data()), frames[0].size()},
        proto::max_link_header_bytes);
    if (!request) continue;
    worker::shared_frames shared;
    for (std::size_t i = 1; i < frames.size(); ++i)
      shared.push_back(as_shared(std::move(frames[i])));
    take_message(message.gateway, *request, shared, now);
  }
}

void engine_host::take_message(const std::string& gateway, const proto::link_request& request,
                               const worker::shared_frames& frames, steady_time now) {
  note_message(gateway, request, now);
  desk_.on_message(gateway, request, frames, now);
  books_.handled();
  handled();
}

/// Keeps the books of what has an effect.
void engine_host::note_message(const std::string& gateway, const proto::link_request& request,
                               steady_time now) {
  const bool meant = request.incarnation == incarnation_;
  if (request.op == "hello" && meant && request.link_key == link_key_)
    return books_.met_gateway(gateway, now);
  if (!meant || !books_.knows(gateway)) return;
  books_.heard(gateway, now);
  if (request.op == "infer" || request.op == "generate") note_offer(gateway, request, now);
  if (request.op == "cancel") books_.told_to_cancel(gateway, request.attempt);
  if (request.op == "bye") books_.lost_gateway(gateway);
}

void engine_host::note_offer(const std::string& gateway, const proto::link_request& request,
                             steady_time now) {
  for (const auto model : plan_.models) {
    const auto& spec = world_.of().models[model].spec;
    if (spec.name != request.model || spec.version != request.version) continue;
    books_.offered(gateway, request.attempt, number_in(request.traceparent), model,
                   rows_of(spec, request), now + std::chrono::microseconds{request.timeout_us});
    world_.tell(self_, number_in(request.traceparent), "gets attempt {:x}{}", request.attempt.value,
                request.alone ? ", alone" : "");
  }
}

void engine_host::handled() {
  for (const auto& gateway : gone_) books_.lost_gateway(gateway);
  gone_.clear();
}

bool engine_host::send(const std::string& gateway, const proto::link_reply& header,
                       const worker::item_outputs& outputs) {
  if (header.op == "reply" || header.op == "refused") {
    world_.tell(self_, books_.number_of(gateway, header.attempt), "{} attempt {:x}{}",
                header.op == "reply" ? "answers" : "refuses", header.attempt.value,
                header.error ? ": " + header.error->code : "");
    books_.ends(gateway, header.attempt);
  }
  header_.clear();
  proto::encode(header, header_);
  packet out;
  out.frames.emplace_back(header_.data(), header_.size());
  for (const auto& output : outputs)
    out.frames.emplace_back(output.bytes.data(), output.bytes.size());
  const auto to = connection_of_.find(gateway);
  if (to != connection_of_.end() && world_.net().send(to->second, self_, std::move(out)))
    return true;
  gone_.push_back(gateway);
  return false;
}

// --- steps ---------------------------------------------------------------------------------

std::optional<worker::finished_batch> engine_host::start(std::size_t instance,
                                                         worker::batch&& next) {
  for (const auto& each : next.attempts) {
    world_.tell(self_, books_.number_of(each.gateway, each.id), "runs attempt {:x} among {} rows",
                each.id.value, next.rows);
    books_.starts(each.gateway, each.id, now_);
  }
  instances_[instance].begin(std::move(next), world_.random(), now_);
  return std::nullopt;
}

void engine_host::start_step(std::size_t instance, worker::token_step&& next) {
  for (const auto id : next.attempts) books_.steps(id, now_);
  instances_[instance].begin(std::move(next), world_.random(), now_);
}

void engine_host::take_finished(steady_time now) {
  for (std::size_t i = 0; i < instances_.size() && !ended_; ++i)
    if (instances_[i].ends() <= now) take_end(i, now);
}

void engine_host::take_end(std::size_t instance, steady_time now) {
  auto& on = instances_[instance];
  if (on.crashes()) return end({sigsegv, nullptr, {}});
  auto done = on.end(world_.random(), now);
  if (auto* ran = std::get_if<worker::finished_batch>(&done))
    desk_.on_batch(instance, std::move(*ran), now);
  else if (auto* step = std::get_if<worker::finished_step>(&done))
    desk_.on_step(instance, std::move(*step), now);
  else
    world_.audit().runs_row_by_row(on.plan(), world_.truth());
  handled();
}

void engine_host::report_load(steady_time now) {
  if (now < next_report_) return;
  next_report_ = now + report_period;
  auto loads = desk_.loads();
  audit_queues(loads);
  send_control(world_, pipe_, self_,
               proto::engine_report{"load", incarnation_, {}, {}, {}, std::move(loads), {}, 0, {}});
}

}  // namespace coppice::simulation
