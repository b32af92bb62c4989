#include "worker/engine/served_batches.hpp"

#include "proto/limits.hpp"

#include <algorithm>

namespace coppice::worker {

namespace {

item_outputs only_wanted(item_outputs outputs, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return outputs;
  item_outputs chosen;
  for (const auto& name : wanted)
    for (auto& output : outputs)
      if (output.name == name) chosen.push_back(output);
  return chosen;
}

attempt as_attempt(const std::string& gateway, const proto::link_request& request,
                   const model_spec& spec, batch_item&& item, steady_time now) {
  attempt taken;
  taken.id = request.attempt;
  taken.gateway = gateway;
  taken.shape = shape_key(spec, item);
  for (const auto& input : item.inputs) taken.bytes += input.bytes.size();
  taken.item = std::move(item);
  taken.outputs = request.outputs;
  taken.arrived = now;
  taken.deadline = now + time_left(request);
  taken.alone = request.alone;
  return taken;
}

}  // namespace

served_batches::served_batches(model_spec of, std::size_t first_instance, engine_parts parts)
    : served_model{std::move(of)},
      parts_{parts},
      first_instance_{first_instance},
      busy_(instance_count(spec())),
      queue_{spec()} {}

void served_batches::take(const std::string& gateway, const proto::link_request& request,
                          const shared_frames& frames, steady_time now) {
  auto item = check_inputs(spec(), request, frames);
  if (!item) {
    counts_.answered(false);
    return parts_.out.answer(gateway, request.attempt, 1, tl::unexpected(item.error()));
  }
  const auto rows = item->rows;
  if (enqueue(as_attempt(gateway, request, spec(), std::move(*item), now), now)) return;
  counts_.refused();
  parts_.out.refuse(gateway, request.attempt, rows, {errc::overloaded, "The engine is full.", 0});
}

bool served_batches::enqueue(attempt&& taken, steady_time now) {
  const auto bytes = taken.bytes;
  const auto alone = taken.alone;
  if (!parts_.open.fits(bytes) || !queue_.push(std::move(taken), now)) return false;
  parts_.open.open(bytes, alone);
  return true;
}

void served_batches::close(const attempt& ended) { parts_.open.close(ended.bytes, ended.alone); }

void served_batches::end(const attempt& of, const expected<item_outputs>& outcome,
                         const attempt_run& run) {
  close(of);
  counts_.answered(outcome.has_value());
  parts_.out.answer(of.gateway, of.id, of.item.rows, outcome, run);
}

bool served_batches::cancel(const std::string& gateway, attempt_id id, steady_time) {
  const auto waiting = queue_.cancel(id, gateway);
  if (waiting) end(*waiting, fail(errc::cancelled, "The request was cancelled before it ran."));
  return waiting.has_value();
}

void served_batches::drop_gateway(const std::string& gateway) {
  for (const auto& dropped : queue_.drop_gateway(gateway)) close(dropped);
}

void served_batches::refuse_waiting(const error& why) {
  for (const auto& waiting : queue_.drop_all()) {
    close(waiting);
    parts_.out.refuse(waiting.gateway, waiting.id, waiting.item.rows, why);
  }
}

void served_batches::expire(steady_time now) {
  for (const auto& late : queue_.take_expired(now))
    end(late, fail(errc::deadline, "The deadline passed in the engine's queue."),
        {.waited = now - late.arrived});
}

std::optional<std::size_t> served_batches::idle_instance() const {
  const auto idle = std::find(busy_.begin(), busy_.end(), false);
  if (idle == busy_.end()) return std::nullopt;
  return first_instance_ + static_cast<std::size_t>(idle - busy_.begin());
}

void served_batches::start_ready(steady_time now) {
  while (const auto instance = idle_instance()) {
    auto next = queue_.next(now);
    if (!next) return;
    start(*instance, std::move(*next));
  }
}

bool served_batches::start(std::size_t instance, batch&& next) {
  busy_[instance - first_instance_] = true;
  auto done = parts_.effects.start(instance, std::move(next));
  if (!done) return true;
  finished(instance, *done);
  answer(std::move(*done));
  return false;
}

std::optional<steady_time> served_batches::suspect_since(steady_time now) const {
  return queue_.suspect_since(now);
}

std::optional<std::size_t> served_batches::start_suspect(steady_time now) {
  const auto instance = first_instance_;
  auto next = queue_.next_suspect(now);
  if (!next || !start(instance, std::move(*next))) return std::nullopt;
  return instance;
}

void served_batches::finished(std::size_t instance, const finished_batch& done) {
  busy_[instance - first_instance_] = false;
  queue_.finished(done.ran.rows, done.took);
  counts_.step_ran(done.ran.rows, done.ran.reason, done.took);
}

void served_batches::answer(finished_batch&& done) {
  for (std::size_t i = 0; i < done.ran.attempts.size(); ++i) {
    const auto& each = done.ran.attempts[i];
    auto& outcome = done.results[i];
    if (outcome) *outcome = only_wanted(std::move(*outcome), each.outputs);
    end(each, outcome, {done.began - each.arrived, done.took, done.ran.rows, done.ran.reason});
  }
}

std::optional<steady_time> served_batches::next_event(bool may_start) const {
  return queue_.next_event(may_start && idle_instance());
}

proto::model_load served_batches::load() const {
  proto::model_load load;
  load.model = spec().name;
  load.version = spec().version;
  load.running_rows = queue_.running_rows();
  load.queued_rows = queue_.queued_rows();
  load.costs = queue_.times().table();
  counts_.report(load);
  return load;
}

}  // namespace coppice::worker
