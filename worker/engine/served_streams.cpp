#include "worker/engine/served_streams.hpp"

#include "worker/engine/generation.hpp"

namespace coppice::worker {

namespace {

/// A sequence takes one row of credit.
constexpr std::uint32_t one_row = 1;

sequence as_sequence(const std::string& gateway, const proto::link_request& request,
                     generation&& asked, steady_time now) {
  const auto window = request.stream ? std::optional{request.window} : std::nullopt;
  const auto emitted = asked.start.emitted.size();
  return {request.attempt,          gateway,          std::move(asked.start),
          {emitted, window},        asked.max_tokens, now,
          now + time_left(request), asked.bytes,      request.alone};
}

}  // namespace

served_streams::served_streams(model_spec of, std::size_t instance, engine_parts parts)
    : served_model{std::move(of)}, parts_{parts}, instance_{instance}, slots_{spec().sequences} {}

void served_streams::take(const std::string& gateway, const proto::link_request& request,
                          const shared_frames& frames, steady_time now) {
  auto asked = check_generation(spec(), request, frames);
  if (!asked) {
    counts_.answered(false);
    return parts_.out.answer(gateway, request.attempt, one_row, tl::unexpected(asked.error()));
  }
  auto joining = as_sequence(gateway, request, std::move(*asked), now);
  if (joining.tokens.next() == joining.max_tokens) {
    counts_.answered(true);
    return parts_.out.end_stream(gateway, request.attempt, joining.tokens.take_rest(), {}, {});
  }
  const auto bytes = joining.bytes;
  if (parts_.open.fits(bytes) && slots_.add(std::move(joining)))
    return parts_.open.open(bytes, request.alone);
  counts_.refused();
  parts_.out.refuse(gateway, request.attempt, one_row,
                    {errc::overloaded, "The engine is full.", 0});
}

void served_streams::open_window(const std::string& gateway, attempt_id id, std::uint32_t chunks) {
  slots_.open_window(gateway, id, chunks);
  send_parts();
}

bool served_streams::cancel(const std::string& gateway, attempt_id id, steady_time now) {
  const bool here = slots_.cancel(gateway, id, now);
  if (here) send_parts();
  return here;
}

void served_streams::drop_gateway(const std::string& gateway) {
  slots_.drop_gateway(gateway);
  send_parts();
}

void served_streams::refuse_waiting(const error& why) {
  for (const auto& each : slots_.take_joining()) {
    parts_.open.close(each.bytes, each.alone);
    parts_.out.refuse(each.gateway, each.id, one_row, why);
  }
}

void served_streams::expire(steady_time now) {
  slots_.expire(now);
  send_parts();
}

void served_streams::start_ready(steady_time now) {
  if (auto next = slots_.next(now)) parts_.effects.start_step(instance_, std::move(*next));
}

std::optional<steady_time> served_streams::suspect_since(steady_time now) const {
  return slots_.suspect_since(now);
}

std::optional<std::size_t> served_streams::start_suspect(steady_time now) {
  auto next = slots_.next_suspect(now);
  if (!next) return std::nullopt;
  parts_.effects.start_step(instance_, std::move(*next));
  return instance_;
}

void served_streams::finished(const finished_step& done, steady_time now) {
  slots_.finished(done, now);
  const auto sequences = static_cast<std::uint32_t>(done.ran.advances.size());
  if (sequences > 0)
    counts_.step_ran(sequences, done.ran.alone ? release_reason::alone : release_reason::idle,
                     done.took);
}

void served_streams::send_parts() {
  for (auto& part : slots_.take_parts()) {
    if (part.final)
      send_last(std::move(part));
    else
      parts_.out.chunk(part.gateway, part.id, std::move(part.tokens));
  }
}

void served_streams::send_last(sequence_part&& part) {
  parts_.open.close(part.bytes, part.alone);
  if (part.unheard) return;
  counts_.answered(!part.failure);
  if (part.failure)
    return parts_.out.answer(part.gateway, part.id, one_row, tl::unexpected(*part.failure),
                             {.waited = part.waited, .computed = part.computed});
  times_.record(one_row, part.computed);
  parts_.out.end_stream(part.gateway, part.id, std::move(part.tokens), part.waited, part.computed);
}

std::optional<steady_time> served_streams::next_event(bool) const { return slots_.next_deadline(); }

proto::model_load served_streams::load() const {
  proto::model_load load;
  load.model = spec().name;
  load.version = spec().version;
  load.running_rows = slots_.running();
  load.queued_rows = slots_.joining();
  load.costs = times_.table();
  counts_.report(load);
  return load;
}

}  // namespace coppice::worker
