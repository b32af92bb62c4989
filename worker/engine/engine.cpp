#include "worker/engine/engine.hpp"

#include "base/log.hpp"
#include "base/random.hpp"
#include "proto/codec/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <poll.h>

namespace coppice::worker {

namespace {

/// Messages taken in one turn, before batches are formed and other work is looked at.
constexpr int burst = 64;
constexpr duration report_period = 100ms;
/// A turn that comes this late says nothing about the silence of others.
constexpr duration late_turn = 1s;
/// How long the last replies may take to leave.
constexpr std::chrono::milliseconds last_replies{200};

bool runs_in_line(const model_spec& spec) {
  return spec.backend == backend_kind::builtin &&
         (spec.builtin == "echo" || spec.builtin == "flip");
}

model_loader loader_for(const model_spec& spec) {
#ifdef COPPICE_WITH_TORCH
  if (spec.backend != backend_kind::builtin) return load_torch;
#else
  if (spec.backend != backend_kind::builtin)
    return [](const model_spec&, const std::string&) -> expected<std::unique_ptr<model> > {
      return fail(errc::invalid, "This coppice-engine was built without libtorch.");
    };
#endif
  return load_builtin;
}

proto::error_body as_body(const error& failure) {
  return {std::string{code_name(failure.code)}, failure.message, describe(failure.code).retryable,
          failure.retry_after_ms};
}

item_outputs only_wanted(item_outputs outputs, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return outputs;
  item_outputs chosen;
  for (const auto& name : wanted)
    for (auto& output : outputs)
      if (output.name == name) chosen.push_back(output);
  return chosen;
}

}  // namespace

engine::engine(engine_options options)
    : options_{std::move(options)},
      incarnation_{random_id()},
      link_key_{fmt::format("{:016x}{:016x}", random_id(), random_id())},
      control_{options_.control_fd} {}

engine::~engine() = default;

expected<void> engine::load_model(served_model& served, std::size_t& next_lane) {
  const auto& spec = served.spec;
  const auto what = spec.name + ":" + std::to_string(spec.version);
  control_.send({"loading", incarnation_, {}, {}, {}, {}, what});
  const auto wanted = runs_in_line(spec) ? 1 : spec.instances;
  if (next_lane + wanted > progress_page::max_lanes)
    return fail(errc::invalid, what + ": more than " + std::to_string(progress_page::max_lanes) +
                                   " instances on one engine.");
  if (runs_in_line(spec)) {
    auto instance = load_builtin(spec, options_.device);
    if (!instance) return tl::unexpected(instance.error());
    served.in_line = std::move(*instance);
    served.in_line_page = &options_.page->lanes[next_lane++];
    return {};
  }
  for (std::uint32_t i = 0; i < spec.instances; ++i) {
    served.instances.push_back(std::make_unique<instance_thread>(
        spec, loader_for(spec), options_.device, options_.page->lanes[next_lane++], finished_));
    served_by_[served.instances.back().get()] = &served;
  }
  for (const auto& instance : served.instances)
    if (auto ready = instance->wait_ready(); !ready)
      return fail(ready.error().code, what + ": " + ready.error().message);
  return {};
}

expected<void> engine::load_all() {
  std::size_t next_lane = 0;
  for (auto& spec : options_.specs) {
    models_.push_back(std::make_unique<served_model>(spec));
    if (auto loaded = load_model(*models_.back(), next_lane); !loaded) return loaded;
  }
  auto endpoint = link_.bind(options_.bind, incarnation_);
  if (!endpoint) return tl::unexpected(endpoint.error());
  endpoint_ = std::move(*endpoint);
  return {};
}

expected<void> engine::load() {
  if (auto loaded = load_all(); !loaded) {
    control_.send({"failed", incarnation_, {}, {}, {}, {}, loaded.error().message});
    return loaded;
  }
  proto::engine_report ready{"ready", incarnation_, endpoint_, link_key_, {}, {}, {}};
  for (const auto& served : models_) ready.models.push_back(served->spec.card());
  control_.send(ready);
  last_turn_ = now();
  return {};
}

served_model* engine::find(const std::string& model, std::uint32_t version) {
  for (const auto& served : models_)
    if (served->spec.name == model && served->spec.version == version) return served.get();
  return nullptr;
}

void engine::run(int stop_fd) {
  while (!stopping_) turn(stop_fd);
  drain();
  link_.close(last_replies);
}

void engine::turn(int stop_fd) {
  wait(stop_fd);
  receive_burst();
  take_finished();
  const auto at = now();
  expire(at);
  for (const auto& served : models_) start_batches(*served);
  drop_silent_gateways(at);
  report_load(at);
  last_turn_ = at;
  options_.page->loop_turns.fetch_add(1, std::memory_order_relaxed);
}

duration engine::wait_limit(steady_time at) const {
  auto until = next_report_;
  for (const auto& served : models_) {
    const bool free = served->in_line != nullptr || served->free_instance() != nullptr;
    if (const auto event = served->queue.next_event(free)) until = std::min(until, *event);
  }
  return std::clamp<duration>(until - at, duration{0}, report_period);
}

void engine::wait(int stop_fd) {
  if (link_.readable()) return;
  pollfd watched[] = {{link_.fd(), POLLIN, 0}, {finished_.fd(), POLLIN, 0}, {stop_fd, POLLIN, 0}};
  const timespec limit{0, std::chrono::nanoseconds{wait_limit(now())}.count()};
  ::ppoll(watched, 3, &limit, nullptr);
  if (watched[2].revents != 0) stopping_ = true;
}

bool engine::running() const {
  return std::any_of(models_.begin(), models_.end(),
                     [](const auto& served) { return served->queue.running_rows() > 0; });
}

void engine::drain() {
  const error why{errc::unavailable, "The engine is stopping.", 0};
  for (const auto& served : models_)
    for (const auto& waiting : served->queue.drop_all()) {
      close(waiting);
      refuse(waiting.gateway, waiting.id, waiting.item.rows, why, "refused");
    }
  for (const auto until = now() + options_.drain; running() && now() < until;) turn(-1);
}

void engine::receive_burst() {
  link_message message;
  for (int i = 0; i < burst && link_.receive(message); ++i) take_message(message);
}

void engine::take_message(link_message& message) {
  const auto request = proto::decode<proto::link_request>(
      {static_cast<const char*>(message.header.data()), message.header.size()});
  if (!request) return ignore(request.error().message.c_str());
  if (message.surplus) return ignore("too many frames");
  take_request(message.gateway, *request, message.frames);
}

void engine::take_request(const std::string& gateway, const proto::link_request& request,
                          const shared_frames& frames) {
  if (request.op == "hello") return welcome(gateway, request);
  if (request.incarnation && request.incarnation != incarnation_)
    return ignore("another incarnation was meant");
  const auto known = gateways_.find(gateway);
  if (known == gateways_.end()) return ignore("no hello came before");
  known->second.heard = now();
  if (request.op == "infer") return accept(gateway, request, frames);
  if (request.op == "cancel") return cancel(gateway, request.attempt);
  if (request.op == "ping") {
    proto::link_reply pong;
    pong.op = "pong";
    pong.incarnation = incarnation_;
    return send(gateway, pong);
  }
  if (request.op != "bye") return ignore("unknown op");
  drop_attempts_of(gateway);
  gateways_.erase(gateway);
}

void engine::ignore(const char* why) {
  ++ignored_;
  const auto at = now();
  if (at < next_ignored_line_) return;
  log(log_level::info, "link_messages_ignored", {kv("count", ignored_), kv("reason", why)});
  ignored_ = 0;
  next_ignored_line_ = at + 1s;
}

void engine::welcome(const std::string& gateway, const proto::link_request& hello) {
  if (hello.incarnation != incarnation_) return ignore("hello to another incarnation");
  if (hello.link_key != link_key_) return ignore("hello with a wrong link key");
  // A second hello is a new link: nobody waits for what came over the old one.
  drop_attempts_of(gateway);
  gateways_[gateway] = {now()};
  proto::link_reply reply;
  reply.op = "welcome";
  reply.incarnation = incarnation_;
  for (const auto& served : models_) reply.models.push_back(served->spec.card());
  send(gateway, reply);
}

void engine::accept(const std::string& gateway, const proto::link_request& request,
                    const shared_frames& frames) {
  if (stopping_)
    return refuse(gateway, request.attempt, 0, {errc::unavailable, "The engine is stopping.", 0},
                  "refused");
  auto* served = find(request.model, request.version);
  if (served == nullptr)
    return refuse(gateway, request.attempt, 0,
                  {errc::not_found, "This engine does not serve " + request.model + ".", 0},
                  "refused");
  auto item = check_inputs(served->spec, request, frames);
  if (!item) {
    served->counts.answered(false);
    return refuse(gateway, request.attempt, 1, item.error(), "reply");
  }
  const auto rows = item->rows;
  const auto at = now();
  const auto left = std::min<std::uint64_t>(request.timeout_us, 1000ull * proto::max_timeout_ms);
  attempt taken{request.attempt,
                gateway,
                std::move(*item),
                request.outputs,
                at,
                at + std::chrono::microseconds{left},
                0,
                {}};
  if (enqueue(*served, std::move(taken), at)) return;
  served->counts.refused();
  refuse(gateway, request.attempt, rows, {errc::overloaded, "The engine is full.", 0}, "refused");
}

bool engine::enqueue(served_model& served, attempt&& taken, steady_time at) {
  taken.shape = shape_key(served.spec, taken.item);
  for (const auto& input : taken.item.inputs) taken.bytes += input.bytes.size();
  const auto bytes = taken.bytes;
  if (open_bytes_ + bytes > options_.max_bytes) return false;
  if (!served.queue.push(std::move(taken), at)) return false;
  open_bytes_ += bytes;
  options_.page->open_attempts.fetch_add(1, std::memory_order_relaxed);
  // What takes no time runs at once; the others wait for the end of the burst, to share a batch.
  if (served.in_line) start_batches(served);
  return true;
}

void engine::close(const attempt& ended) {
  open_bytes_ -= ended.bytes;
  options_.page->open_attempts.fetch_sub(1, std::memory_order_relaxed);
}

void engine::drop_attempts_of(const std::string& gateway) {
  for (const auto& served : models_)
    for (const auto& dropped : served->queue.drop_gateway(gateway)) close(dropped);
}

void engine::cancel(const std::string& gateway, attempt_id id) {
  for (const auto& served : models_)
    if (auto waiting = served->queue.cancel(id, gateway))
      return answer(*served, std::move(*waiting),
                    fail(errc::cancelled, "The request was cancelled before it ran."), {}, {});
}

void engine::start_batches(served_model& served) {
  if (served.in_line) {
    while (auto next = served.queue.next(now())) {
      auto done = run_step(*served.in_line, std::move(*next), *served.in_line_page);
      account(served, done);
      answer_batch(served, std::move(done));
    }
    return;
  }
  while (auto* instance = served.free_instance()) {
    auto next = served.queue.next(now());
    if (!next) return;
    instance->start(std::move(*next));
  }
}

void engine::take_finished() {
  for (auto& [instance, done] : finished_.take()) {
    instance->free();
    auto& served = *served_by_.at(instance);
    account(served, done);
    // The next batch first: the device must not wait for replies to be written.
    start_batches(served);
    answer_batch(served, std::move(done));
  }
}

void engine::account(served_model& served, const finished_batch& done) {
  served.queue.finished(done.ran.rows, done.took);
  served.counts.batch_ran(done.ran, done.took);
}

void engine::answer_batch(served_model& served, finished_batch&& done) {
  for (std::size_t i = 0; i < done.ran.attempts.size(); ++i) {
    auto& attempt = done.ran.attempts[i];
    const auto waited = done.began - attempt.arrived;
    answer(served, std::move(attempt), std::move(done.results[i]), waited, done.took,
           done.ran.rows);
  }
}

void engine::answer(served_model& served, attempt&& of, expected<item_outputs>&& result,
                    duration waited, duration computed, std::uint32_t batch_rows) {
  close(of);
  served.counts.answered(result.has_value());
  proto::link_reply reply;
  reply.op = "reply";
  reply.attempt = of.id;
  reply.incarnation = incarnation_;
  reply.credit = of.item.rows;
  reply.times.batch_us = to_us(waited);
  reply.times.compute_us = to_us(computed);
  reply.batch_rows = batch_rows;
  if (!result) {
    reply.error = as_body(result.error());
    return send(of.gateway, reply);
  }
  const auto outputs = only_wanted(std::move(*result), of.outputs);
  reply.outputs.reserve(outputs.size());
  for (const auto& output : outputs) {
    const auto frame = static_cast<std::uint32_t>(reply.outputs.size());
    reply.outputs.push_back(
        {output.name, std::string{datatype_name(output.type)}, output.shape, frame, {}});
  }
  send(of.gateway, reply, outputs);
}

void engine::refuse(const std::string& gateway, attempt_id id, std::uint32_t rows, const error& why,
                    const char* op) {
  proto::link_reply reply;
  reply.op = op;
  reply.attempt = id;
  reply.incarnation = incarnation_;
  reply.credit = rows;
  reply.error = as_body(why);
  send(gateway, reply);
}

void engine::send(const std::string& gateway, const proto::link_reply& reply,
                  const item_outputs& outputs) {
  header_.clear();
  proto::encode(reply, header_);
  switch (link_.send(gateway, header_, outputs)) {
    case link_socket::outcome::sent:
      return;
    case link_socket::outcome::full:
      return log(log_level::warn, "reply_dropped", {kv("reason", "the gateway does not read")});
    case link_socket::outcome::gone:
      // Nobody waits for what it asked.
      drop_attempts_of(gateway);
      gateways_.erase(gateway);
  }
}

void engine::expire(steady_time at) {
  for (const auto& served : models_)
    for (auto& late : served->queue.take_expired(at)) {
      const auto waited = at - late.arrived;
      answer(*served, std::move(late),
             fail(errc::deadline, "The deadline passed in the engine's queue."), waited, {});
    }
}

void engine::drop_silent_gateways(steady_time at) {
  if (at - last_turn_ > late_turn)
    for (auto& [name, link] : gateways_) link.heard = at;
  std::erase_if(gateways_, [&](const auto& entry) {
    if (at - entry.second.heard < options_.gateway_silence) return false;
    drop_attempts_of(entry.first);
    return true;
  });
}

void engine::report_load(steady_time at) {
  if (at < next_report_) return;
  next_report_ = at + report_period;
  proto::engine_report report;
  report.op = "load";
  report.incarnation = incarnation_;
  for (const auto& served : models_) {
    proto::model_load load;
    load.model = served->spec.name;
    load.version = served->spec.version;
    load.running_rows = served->queue.running_rows();
    load.queued_rows = served->queue.queued_rows();
    load.costs = served->queue.times().table();
    served->counts.report(load);
    report.loads.push_back(std::move(load));
  }
  control_.offer(report);
}

}  // namespace coppice::worker
