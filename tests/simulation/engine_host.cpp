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
constexpr duration late_turn = 1s;
constexpr duration gateway_silence = 3s;
constexpr std::size_t max_bytes = std::size_t{1} << 30;

/// Ports of one engine's successive processes are few, so that some are used again.
constexpr std::uint64_t ports = 20;

behaviour behaviour_of(const worker::attempt& it) {
  const auto& bytes = it.item.inputs.front().bytes;
  return behaviour_in(bytes.data(), bytes.size());
}

std::uint64_t number_of(const worker::attempt& it) {
  const auto& bytes = it.item.inputs.front().bytes;
  return number_in(bytes.data(), bytes.size());
}

bool any(const worker::batch& in, behaviour does) {
  return std::any_of(in.attempts.begin(), in.attempts.end(),
                     [&](const auto& each) { return behaviour_of(each) == does; });
}

proto::error_body as_body(const error& failure) {
  return {std::string{code_name(failure.code)}, failure.message, describe(failure.code).retryable,
          failure.retry_after_ms};
}

/// Shows the attempts of a step on the page, as worker/engine/step.cpp does.
void mark_step(const worker::batch& runs, worker::progress_page::lane& page) {
  const auto n = std::min(runs.attempts.size(), worker::progress_page::max_step_attempts);
  for (std::size_t i = 0; i < n; ++i) page.attempts[i] = runs.attempts[i].id.value;
  page.attempt_count = static_cast<std::uint32_t>(n);
  ++page.ticks;
}

}  // namespace

engine_host::engine_host(world& all, host_id self, std::uint32_t node)
    : world_{all},
      self_{self},
      plan_{all.of().nodes[node].engines[self - all.engine(node, 0)]},
      books_{all.audit()},
      incarnation_{all.random().id()},
      link_key_{fmt::format("{:016x}", all.random().bits())},
      endpoint_{fmt::format("{}:{}", all.name_of(self), all.random().below(ports))},
      pipe_{all.pipe_of(self)},
      page_{all.page_of(self)} {
  std::size_t next_lane = 0;
  for (const auto index : plan_.models) {
    auto& made = *models_.emplace_back(std::make_unique<served_model>(all.of().models[index]));
    made.index = index;
    made.instances.resize(made.plan.spec.instances);
    for (auto& each : made.instances) each.page = &page_->lanes[next_lane++];
  }
}

void engine_host::load(steady_time now) {
  if (!loaded_at_) loaded_at_ = now + plan_.load;
  if (now < *loaded_at_) return;
  ready_ = true;
  last_turn_ = now;
  world_.net().listen(self_, endpoint_);
  proto::engine_report report{"ready", incarnation_, endpoint_, link_key_, {}, {}, {}};
  for (const auto& served : models_) report.models.push_back(served->plan.spec.card());
  send_control(world_, pipe_, self_, std::move(report));
}

void engine_host::thawed(duration lasted) {
  for (const auto& served : models_)
    for (auto& each : served->instances)
      if (each.runs && each.ends != steady_time::max()) each.ends += lasted;
}

steady_time engine_host::turn(std::vector<arrival>& arrived, steady_time now) {
  for (auto& each : arrived) sort(each);
  if (!ready_) load(now);
  if (!ready_) return *loaded_at_;
  receive_burst(now);
  for (const auto& served : models_) take_finished(*served, now);
  expire(now);
  for (const auto& served : models_) start_batches(*served, now);
  drop_silent_gateways(now);
  report_load(now);
  last_turn_ = now;
  audit_queues();
  return next_turn(now);
}

steady_time engine_host::next_turn(steady_time now) const {
  if (!messages_.empty()) return now;
  auto until = next_report_;
  for (const auto& served : models_) {
    bool free = false;
    for (const auto& each : served->instances) {
      free = free || !each.runs;
      if (each.runs) until = std::min(until, each.ends);
    }
    if (const auto event = served->queue.next_event(free)) until = std::min(until, *event);
  }
  return std::clamp(until, now, now + report_period);
}

void engine_host::audit_queues() {
  for (const auto& served : models_)
    books_.turned(served->index, served->queue.queued_rows(), served->queue.running_rows());
}

// --- messages ------------------------------------------------------------------------------

void engine_host::sort(arrival& it) {
  if (it.on == pipe_) {
    if (it.kind == arrival_kind::closed) world_.exit(self_, {"its worker is gone", "stopped"});
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
        {static_cast<const char*>(frames[0].data()), frames[0].size()});
    if (!request) continue;
    worker::shared_frames shared;
    for (std::size_t i = 1; i < frames.size(); ++i)
      shared.push_back(std::make_shared<zmq::message_t>(std::move(frames[i])));
    take_request(message.gateway, *request, shared, now);
  }
}

void engine_host::take_request(const std::string& gateway, const proto::link_request& request,
                               const worker::shared_frames& frames, steady_time now) {
  if (request.op == "hello") return welcome(gateway, request, now);
  if (request.incarnation && request.incarnation != incarnation_) return;
  const auto known = gateways_.find(gateway);
  if (known == gateways_.end()) return;
  known->second.heard = now;
  if (request.op == "infer") return accept(gateway, request, frames, now);
  if (request.op == "cancel") return cancel(gateway, request.attempt);
  if (request.op == "ping") {
    proto::link_reply pong;
    pong.op = "pong";
    pong.incarnation = incarnation_;
    return send(gateway, pong);
  }
  if (request.op != "bye") return;
  drop_attempts_of(gateway);
  gateways_.erase(gateway);
}

void engine_host::welcome(const std::string& gateway, const proto::link_request& hello,
                          steady_time now) {
  if (hello.incarnation != incarnation_ || hello.link_key != link_key_) return;
  drop_attempts_of(gateway);
  gateways_[gateway] = {now};
  proto::link_reply reply;
  reply.op = "welcome";
  reply.incarnation = incarnation_;
  for (const auto& served : models_) reply.models.push_back(served->plan.spec.card());
  send(gateway, reply);
}

engine_host::served_model* engine_host::find(const std::string& model, std::uint32_t version) {
  for (const auto& served : models_)
    if (served->plan.spec.name == model && served->plan.spec.version == version)
      return served.get();
  return nullptr;
}

void engine_host::accept(const std::string& gateway, const proto::link_request& request,
                         const worker::shared_frames& frames, steady_time now) {
  auto* served = find(request.model, request.version);
  if (served == nullptr)
    return refuse(gateway, request.attempt, 0,
                  {errc::not_found, "This engine does not serve " + request.model + ".", 0},
                  "refused");
  auto item = worker::check_inputs(served->plan.spec, request, frames);
  if (!item) return refuse(gateway, request.attempt, 1, item.error(), "reply");
  const auto rows = item->rows;
  worker::attempt taken{request.attempt,
                        gateway,
                        std::move(*item),
                        request.outputs,
                        now,
                        now + std::chrono::microseconds{request.timeout_us},
                        0,
                        {}};
  taken.shape = worker::shape_key(served->plan.spec, taken.item);
  for (const auto& input : taken.item.inputs) taken.bytes += input.bytes.size();
  const auto bytes = taken.bytes;
  const auto deadline = taken.deadline;
  const auto number = number_of(taken);
  if (open_bytes_ + bytes > max_bytes || !served->queue.push(std::move(taken), now)) {
    world_.tell(self_, number, "refuses attempt {:x}", request.attempt.value);
    return refuse(gateway, request.attempt, rows, {errc::overloaded, "The engine is full.", 0},
                  "refused");
  }
  open_bytes_ += bytes;
  ++page_->open_attempts;
  world_.tell(self_, number, "takes attempt {:x}", request.attempt.value);
  books_.took(gateway, request.attempt, number, served->index, rows, deadline);
}

void engine_host::cancel(const std::string& gateway, attempt_id id) {
  books_.told_to_cancel(gateway, id);
  const error why{errc::cancelled, "The request was cancelled before it ran.", 0};
  for (const auto& served : models_)
    if (auto waiting = served->queue.cancel(id, gateway))
      return answer(std::move(*waiting), &why, {}, {});
}

// --- steps ---------------------------------------------------------------------------------

void engine_host::start_batches(served_model& served, steady_time now) {
  for (auto& each : served.instances) {
    if (each.runs) continue;
    auto next = served.queue.next(now);
    if (!next) return;
    begin_step(each, served, std::move(*next), now);
  }
}

void engine_host::begin_step(instance& on, const served_model& of, worker::batch&& runs,
                             steady_time now) {
  for (const auto& each : runs.attempts) {
    books_.starts(each.gateway, each.id, now);
    world_.tell(self_, number_of(each), "runs attempt {:x} among {} rows", each.id.value,
                runs.rows);
  }
  mark_step(runs, *on.page);
  const auto usual = of.plan.step + runs.rows * of.plan.per_row;
  const auto took = usual + world_.random().around(usual / 20);
  on.began = now;
  on.crashes = any(runs, behaviour::crash);
  on.ends = !on.crashes && any(runs, behaviour::hang) ? steady_time::max() : now + took;
  on.runs = std::move(runs);
}

void engine_host::take_finished(served_model& served, steady_time now) {
  for (auto& each : served.instances) {
    if (!each.runs || each.ends > now) continue;
    if (each.crashes) return world_.exit(self_, {"was killed by signal 11 (SIGSEGV)", "crash"});
    ++each.page->ticks;
    auto ran = std::move(*each.runs);
    const auto began = each.began;
    each.runs.reset();
    served.queue.finished(ran.rows, now - began);
    start_batches(served, now);
    answer_batch(std::move(ran), began, now - began);
  }
}

void engine_host::answer_batch(worker::batch&& ran, steady_time began, duration took) {
  const error why{errc::model_error, "The content asked for it.", 0};
  for (auto& each : ran.attempts) {
    const bool fails = behaviour_of(each) == behaviour::fail;
    const auto waited = began - each.arrived;
    answer(std::move(each), fails ? &why : nullptr, waited, took);
  }
}

void engine_host::answer(worker::attempt&& of, const error* why, duration waited,
                         duration computed) {
  close(of);
  proto::link_reply reply;
  reply.op = "reply";
  reply.attempt = of.id;
  reply.incarnation = incarnation_;
  reply.credit = of.item.rows;
  reply.times.batch_us = to_us(waited);
  reply.times.compute_us = to_us(computed);
  world_.tell(self_, number_of(of), "answers attempt {:x}{}", of.id.value,
              why != nullptr ? ": " + std::string{code_name(why->code)} : "");
  if (why != nullptr) {
    reply.error = as_body(*why);
    return send(of.gateway, reply);
  }
  for (const auto& output : of.item.inputs) {
    const auto frame = static_cast<std::uint32_t>(reply.outputs.size());
    reply.outputs.push_back({output.name, "INT64", output.shape, frame, {}});
  }
  send(of.gateway, reply, of.item.inputs);
}

void engine_host::refuse(const std::string& gateway, attempt_id id, std::uint32_t rows,
                         const error& why, const char* op) {
  proto::link_reply reply;
  reply.op = op;
  reply.attempt = id;
  reply.incarnation = incarnation_;
  reply.credit = rows;
  reply.error = as_body(why);
  send(gateway, reply);
}

void engine_host::send(const std::string& gateway, const proto::link_reply& reply,
                       const worker::item_outputs& outputs) {
  const auto to = connection_of_.find(gateway);
  header_.clear();
  proto::encode(reply, header_);
  packet out;
  out.frames.emplace_back(header_.data(), header_.size());
  for (const auto& output : outputs)
    out.frames.emplace_back(output.bytes.data(), output.bytes.size());
  if (to != connection_of_.end() && world_.net().send(to->second, self_, std::move(out))) return;
  drop_attempts_of(gateway);
  gateways_.erase(gateway);
}

// --- ends ----------------------------------------------------------------------------------

void engine_host::close(const worker::attempt& ended) {
  open_bytes_ -= ended.bytes;
  --page_->open_attempts;
  books_.ends(ended.gateway, ended.id);
}

void engine_host::drop_attempts_of(const std::string& gateway) {
  books_.lost_gateway(gateway);
  for (const auto& served : models_)
    for (const auto& dropped : served->queue.drop_gateway(gateway)) close(dropped);
}

void engine_host::expire(steady_time now) {
  const error why{errc::deadline, "The deadline passed in the engine's queue.", 0};
  for (const auto& served : models_)
    for (auto& late : served->queue.take_expired(now)) {
      const auto waited = now - late.arrived;
      answer(std::move(late), &why, waited, {});
    }
}

void engine_host::drop_silent_gateways(steady_time now) {
  if (now - last_turn_ > late_turn)
    for (auto& [name, link] : gateways_) link.heard = now;
  std::erase_if(gateways_, [&](const auto& entry) {
    if (now - entry.second.heard < gateway_silence) return false;
    drop_attempts_of(entry.first);
    return true;
  });
}

void engine_host::report_load(steady_time now) {
  if (now < next_report_) return;
  next_report_ = now + report_period;
  proto::engine_report report;
  report.op = "load";
  report.incarnation = incarnation_;
  for (const auto& served : models_) {
    proto::model_load load;
    load.model = served->plan.spec.name;
    load.version = served->plan.spec.version;
    load.running_rows = served->queue.running_rows();
    load.queued_rows = served->queue.queued_rows();
    load.costs = served->queue.times().table();
    report.loads.push_back(std::move(load));
  }
  send_control(world_, pipe_, self_, std::move(report));
}

}  // namespace coppice::simulation
