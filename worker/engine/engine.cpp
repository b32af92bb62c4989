#include "worker/engine/engine.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/random.hpp"
#include "proto/codec/codec.hpp"

namespace coppice::worker {

namespace {

constexpr int burst = 256;
constexpr duration report_period = 100ms;
/// Outputs up to this size are copied into their frame; larger ones are sent where they lie.
constexpr std::size_t copied_bytes = 1024;

bool runs_in_line(const model_spec& spec) {
  return spec.backend == backend_kind::builtin &&
         (spec.builtin == "echo" || spec.builtin == "flip");
}

model_loader loader_for(const model_spec& spec) {
#ifdef COPPICE_WITH_TORCH
  if (spec.backend != backend_kind::builtin) return load_torch;
#else
  if (spec.backend != backend_kind::builtin)
    return [](const model_spec&, const std::string&) -> expected<std::unique_ptr<model>> {
      return fail(errc::invalid, "This coppice-engine was built without libtorch.");
    };
#endif
  return load_builtin;
}

/// A frame over the tensor's bytes; keeps their owner until ZeroMQ has sent them.
zmq::message_t as_frame(const host_tensor& tensor) {
  if (tensor.bytes.size() <= copied_bytes) return {tensor.bytes.data(), tensor.bytes.size()};
  auto* owner = new std::shared_ptr<const void>(tensor.owner);
  const auto drop = [](void*, void* hint) { delete static_cast<std::shared_ptr<const void>*>(hint); };
  return {const_cast<std::byte*>(tensor.bytes.data()), tensor.bytes.size(), drop, owner};
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

engine::~engine() { link_.set(zmq::sockopt::linger, 0); }

void engine::bind_link() {
  link_.set(zmq::sockopt::routing_id, proto::engine_routing_id(incarnation_));
  link_.set(zmq::sockopt::router_mandatory, true);
  link_.set(zmq::sockopt::sndhwm, 100'000);
  link_.set(zmq::sockopt::rcvhwm, 100'000);
  link_.set(zmq::sockopt::linger, 0);
  link_.set(zmq::sockopt::handshake_ivl, 2000);
  link_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(proto::max_frame_bytes));
  link_.bind("tcp://" + options_.bind + ":*");
  endpoint_ = link_.get(zmq::sockopt::last_endpoint);
}

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

expected<void> engine::load() {
  std::size_t next_lane = 0;
  for (auto& spec : options_.specs) {
    models_.push_back(std::make_unique<served_model>(spec));
    if (auto loaded = load_model(*models_.back(), next_lane); !loaded) {
      control_.send({"failed", incarnation_, {}, {}, {}, {}, loaded.error().message});
      return loaded;
    }
  }
  bind_link();
  proto::engine_report ready{"ready", incarnation_, endpoint_, link_key_, {}, {}, {}};
  for (const auto& served : models_) ready.models.push_back(served->spec.card());
  control_.send(ready);
  return {};
}

served_model* engine::find(const std::string& model, std::uint32_t version) {
  for (const auto& served : models_)
    if (served->spec.name == model && served->spec.version == version) return served.get();
  return nullptr;
}

void engine::run(int stop_fd) {
  for (bool stop = false; !stop;) {
    poll(stop_fd, stop);
    receive_burst();
    take_finished();
    const auto at = now();
    expire(at);
    drop_silent_gateways(at);
    for (const auto& served : models_) start_batches(*served);
    report_load(at);
    options_.page->loop_turns.fetch_add(1, std::memory_order_relaxed);
  }
}

long engine::poll_limit_ms(steady_time at) const {
  auto until = at + report_period;
  for (const auto& served : models_) {
    const bool free = served->in_line != nullptr || served->free_instance() != nullptr;
    if (const auto event = served->queue.next_event(free)) until = std::min(until, *event);
  }
  if (until <= at) return 0;
  return std::chrono::ceil<std::chrono::milliseconds>(until - at).count();
}

void engine::poll(int stop_fd, bool& stop) {
  zmq_pollitem_t items[] = {{link_.handle(), 0, ZMQ_POLLIN, 0},
                            {nullptr, finished_.fd(), ZMQ_POLLIN, 0},
                            {nullptr, stop_fd, ZMQ_POLLIN, 0},
                            {nullptr, control_.fd(), ZMQ_POLLIN, 0}};
  const int watched = control_.fd() >= 0 ? 4 : 3;
  zmq_poll(items, watched, poll_limit_ms(now()));
  stop = items[2].revents != 0 || (watched == 4 && items[3].revents != 0);
}

void engine::receive_burst() {
  for (int i = 0; i < burst; ++i)
    if (!receive_one()) return;
}

bool engine::receive_one() {
  zmq::message_t sender, header;
  if (!link_.recv(sender, zmq::recv_flags::dontwait)) return false;
  if (!sender.more()) return true;
  (void)link_.recv(header, zmq::recv_flags::none);
  shared_frames frames;
  for (bool more = header.more(); more;) {
    auto frame = std::make_shared<zmq::message_t>();
    (void)link_.recv(*frame, zmq::recv_flags::none);
    more = frame->more();
    frames.push_back(std::move(frame));
  }
  const auto request = proto::decode<proto::link_request>(
      {static_cast<const char*>(header.data()), header.size()});
  if (request && frames.size() <= proto::max_frames)
    take_message(sender.to_string(), *request, std::move(frames));
  else
    log(log_level::warn, "link_message_refused",
        {kv("reason", request ? "too many frames" : request.error().message)});
  return true;
}

void engine::take_message(const std::string& gateway, const proto::link_request& request,
                          shared_frames frames) {
  if (request.incarnation && request.incarnation != incarnation_) return;
  if (request.op == "hello") return welcome(gateway, request);
  const auto known = gateways_.find(gateway);
  if (known == gateways_.end()) return;
  known->second.heard = now();
  if (request.op == "infer") return accept(gateway, request, frames);
  if (request.op == "cancel") return cancel(gateway, request.attempt);
  if (request.op == "ping") {
    proto::link_reply pong;
    pong.op = "pong";
    pong.incarnation = incarnation_;
    return send(gateway, pong);
  }
  if (request.op == "bye") {
    for (const auto& served : models_) served->queue.drop_gateway(gateway);
    gateways_.erase(known);
  }
}

void engine::welcome(const std::string& gateway, const proto::link_request& hello) {
  if (hello.link_key != link_key_) {
    log(log_level::warn, "link_key_refused", {kv("gateway", hello.gateway)});
    return;
  }
  gateways_[gateway] = {now()};
  proto::link_reply reply;
  reply.op = "welcome";
  reply.incarnation = incarnation_;
  for (const auto& served : models_) reply.models.push_back(served->spec.card());
  send(gateway, reply);
}

void engine::accept(const std::string& gateway, const proto::link_request& request,
                    const shared_frames& frames) {
  auto* served = find(request.model, request.version);
  if (served == nullptr)
    return refuse(gateway, request.attempt, 0,
                  {errc::not_found, "This engine does not serve " + request.model + ".", 0}, "refused");
  auto item = check_inputs(served->spec, request, frames);
  if (!item) {
    served->counts.answered(false);
    return refuse(gateway, request.attempt, 1, item.error(), "reply");
  }
  const auto rows = item->rows;
  const auto arrived = now();
  attempt taken{request.attempt, gateway, std::move(*item), request.outputs, arrived,
                arrived + std::chrono::microseconds{request.timeout_us}, {}};
  taken.shape = shape_key(served->spec, taken.item);
  if (!served->queue.push(std::move(taken), arrived)) {
    served->counts.refused();
    return refuse(gateway, request.attempt, rows,
                  {errc::overloaded, "The engine is full.", 0}, "refused");
  }
  options_.page->open_attempts.fetch_add(1, std::memory_order_relaxed);
  start_batches(*served);
}

void engine::cancel(const std::string& gateway, attempt_id id) {
  for (const auto& served : models_)
    if (auto waiting = served->queue.cancel(id, gateway))
      return answer(*served, std::move(*waiting),
                    fail(errc::cancelled, "The request was cancelled before it ran."), {}, {});
}

void engine::start_batches(served_model& served) {
  if (served.in_line) {
    while (auto next = served.queue.next(now()))
      answer_batch(served, run_step(*served.in_line, std::move(*next), *served.in_line_page));
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
    const_cast<instance_thread*>(instance)->free();
    auto& served = *served_by_.at(instance);
    // The next batch first: the device must not wait for replies to be written.
    start_batches(served);
    answer_batch(served, std::move(done));
  }
}

void engine::answer_batch(served_model& served, finished_batch&& done) {
  served.queue.finished(done.ran.rows, done.took);
  served.counts.batch_ran(done.ran, done.took);
  const auto began = now() - done.took;
  for (std::size_t i = 0; i < done.ran.attempts.size(); ++i) {
    auto& attempt = done.ran.attempts[i];
    const auto waited = began - attempt.arrived;
    answer(served, std::move(attempt), std::move(done.results[i]), waited, done.took);
  }
}

void engine::answer(served_model& served, attempt&& of, expected<item_outputs>&& result,
                    duration waited, duration computed) {
  options_.page->open_attempts.fetch_sub(1, std::memory_order_relaxed);
  served.counts.answered(result.has_value());
  proto::link_reply reply;
  reply.op = "reply";
  reply.attempt = of.id;
  reply.incarnation = incarnation_;
  reply.credit = of.item.rows;
  reply.times.batch_us = to_us(waited);
  reply.times.compute_us = to_us(computed);
  if (!result) {
    reply.error = as_body(result.error());
    return send(of.gateway, reply);
  }
  auto outputs = only_wanted(std::move(*result), of.outputs);
  for (const auto& output : outputs) {
    const auto frame = static_cast<std::uint32_t>(reply.outputs.size());
    reply.outputs.push_back(
        {output.name, std::string{datatype_name(output.type)}, output.shape, frame, {}});
  }
  send(of.gateway, reply, std::move(outputs));
}

void engine::refuse(const std::string& gateway, attempt_id id, std::uint32_t rows,
                    const error& why, const char* op) {
  proto::link_reply reply;
  reply.op = op;
  reply.attempt = id;
  reply.incarnation = incarnation_;
  reply.credit = rows;
  reply.error = as_body(why);
  send(gateway, reply);
}

void engine::send(const std::string& gateway, const proto::link_reply& reply,
                  item_outputs outputs) try {
  header_.clear();
  proto::encode(reply, header_);
  const auto flags = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
  (void)link_.send(zmq::buffer(gateway), flags);
  (void)link_.send(zmq::buffer(header_),
                   outputs.empty() ? zmq::send_flags::dontwait : flags);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    auto frame = as_frame(outputs[i]);
    (void)link_.send(frame, i + 1 < outputs.size() ? flags : zmq::send_flags::dontwait);
  }
} catch (const zmq::error_t&) {
  // The gateway is gone: nobody waits for what it asked.
  for (const auto& served : models_) served->queue.drop_gateway(gateway);
  gateways_.erase(gateway);
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
  std::erase_if(gateways_, [&](const auto& entry) {
    if (at - entry.second.heard < options_.gateway_silence) return false;
    for (const auto& served : models_) served->queue.drop_gateway(entry.first);
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
  control_.send(report);
}

}  // namespace coppice::worker
