#include "worker/engine/engine_desk.hpp"

#include <algorithm>

namespace coppice::worker {

namespace {

/// A tick that comes this late says nothing about the silence of others.
constexpr duration late_tick = 1s;

const error stopping{errc::unavailable, "The engine is stopping.", 0};

}  // namespace

engine_desk::engine_desk(desk_options options, engine_effects& effects)
    : options_{std::move(options)},
      effects_{effects},
      out_{options_.incarnation, effects},
      open_{options_.max_bytes} {
  for (const auto& spec : options_.specs) add(spec);
}

void engine_desk::add(const model_spec& spec) {
  const engine_parts parts{effects_, out_, open_};
  if (spec.streams()) {
    auto served = std::make_unique<served_streams>(spec, instances_.size(), parts);
    instances_.push_back({nullptr, served.get()});
    models_.push_back(std::move(served));
  } else {
    auto served = std::make_unique<served_batches>(spec, instances_.size(), parts);
    instances_.insert(instances_.end(), instance_count(spec), {served.get(), nullptr});
    models_.push_back(std::move(served));
  }
}

void engine_desk::on_message(const std::string& gateway, const proto::link_request& request,
                             const shared_frames& frames, steady_time now) {
  take(gateway, request, frames, now);
  drop_gone_gateways();
}

void engine_desk::take(const std::string& gateway, const proto::link_request& request,
                       const shared_frames& frames, steady_time now) {
  if (request.op == "hello") return welcome(gateway, request, now);
  if (request.incarnation && request.incarnation != options_.incarnation)
    return effects_.ignored("another incarnation was meant");
  const auto known = gateways_.find(gateway);
  if (known == gateways_.end()) return effects_.ignored("no hello came before");
  known->second = now;
  if (request.op == "infer" || request.op == "generate")
    return accept(gateway, request, frames, now);
  if (request.op == "window") return open_window(gateway, request);
  if (request.op == "cancel") return cancel(gateway, request.attempt, now);
  if (request.op == "ping") return out_.pong(gateway);
  if (request.op != "bye") return effects_.ignored("unknown op");
  drop_attempts_of(gateway);
  gateways_.erase(known);
}

void engine_desk::welcome(const std::string& gateway, const proto::link_request& hello,
                          steady_time now) {
  if (hello.incarnation != options_.incarnation)
    return effects_.ignored("hello to another incarnation");
  if (hello.link_key != options_.link_key) return effects_.ignored("hello with a wrong link key");
  // A second hello is a new link: nobody waits for what came over the old one.
  drop_attempts_of(gateway);
  gateways_[gateway] = now;
  out_.welcome(gateway, cards());
}

void engine_desk::accept(const std::string& gateway, const proto::link_request& request,
                         const shared_frames& frames, steady_time now) {
  if (stopping_) return out_.refuse(gateway, request.attempt, 0, stopping);
  auto* served = find(request.model, request.version);
  if (served == nullptr)
    return out_.refuse(gateway, request.attempt, 0,
                       {errc::not_found, "This engine does not serve " + request.model + ".", 0});
  const auto* op = served->spec().streams() ? "generate" : "infer";
  if (request.op != op)
    return out_.answer(gateway, request.attempt, 1,
                       fail(errc::invalid, "Model '" + request.model + "' serves " + op + ", not " +
                                               request.op + "."));
  served->take(gateway, request, frames, now);
  // What takes no time runs at once; the others wait for the end of the burst, to share a batch.
  if (runs_in_line(served->spec()) && is_open(now)) served->start_ready(now);
}

void engine_desk::cancel(const std::string& gateway, attempt_id id, steady_time now) {
  for (const auto& served : models_)
    if (served->cancel(gateway, id, now)) return;
}

void engine_desk::open_window(const std::string& gateway, const proto::link_request& request) {
  for (const auto& each : instances_)
    if (each.streams != nullptr)
      each.streams->open_window(gateway, request.attempt, request.window);
}

void engine_desk::on_batch(std::size_t instance, finished_batch&& done, steady_time now) {
  auto& served = *instances_[instance].batches;
  served.finished(instance, done);
  go_on(instance, now, [&] { served.answer(std::move(done)); });
}

void engine_desk::on_step(std::size_t instance, finished_step&& done, steady_time now) {
  auto& served = *instances_[instance].streams;
  served.finished(done, now);
  go_on(instance, now, [&] { served.send_parts(); });
}

template <class Tell>
void engine_desk::go_on(std::size_t instance, steady_time now, Tell tell) {
  if (alone_on_ == instance) alone_on_.reset(), others_first_ = true;
  // The next step first: the device must not wait for replies to be written. But a suspect may end
  // the process, and with it what has not been said.
  const bool suspect_waits = next_suspect(now) != nullptr;
  if (!suspect_waits) start_work(now);
  tell();
  if (suspect_waits) start_work(now);
  drop_gone_gateways();
}

void engine_desk::on_tick(steady_time now) {
  for (const auto& served : models_) served->expire(now);
  start_work(now);
  drop_gone_gateways();
  drop_silent_gateways(now);
}

void engine_desk::on_stop(steady_time now) {
  stopping_ = true;
  for (const auto& served : models_) served->refuse_waiting(stopping);
  on_tick(now);
}

served_model* engine_desk::next_suspect(steady_time now) const {
  if (open_.suspects() == 0) return nullptr;
  served_model* first = nullptr;
  auto since = steady_time::max();
  for (const auto& served : models_)
    if (const auto waits = served->suspect_since(now); waits && *waits < since)
      first = served.get(), since = *waits;
  return first;
}

bool engine_desk::is_open(steady_time now) const {
  return !alone_on_ && next_suspect(now) == nullptr;
}

void engine_desk::start_work(steady_time now) {
  while (!alone_on_) {
    auto* suspect = next_suspect(now);
    if (suspect == nullptr || others_first_)
      for (const auto& served : models_) served->start_ready(now);
    others_first_ = false;
    if (suspect == nullptr || running()) return;
    alone_on_ = suspect->start_suspect(now);
    others_first_ = !alone_on_;
  }
}

steady_time engine_desk::next_event(steady_time now) const {
  auto at = steady_time::max();
  const bool open = is_open(now);
  for (const auto& served : models_)
    if (const auto event = served->next_event(open)) at = std::min(at, *event);
  return at;
}

bool engine_desk::running() const {
  return std::any_of(models_.begin(), models_.end(),
                     [](const auto& served) { return served->running(); });
}

void engine_desk::drop_attempts_of(const std::string& gateway) {
  for (const auto& served : models_) served->drop_gateway(gateway);
}

void engine_desk::drop_gone_gateways() {
  while (out_.any_gone())
    for (const auto& gateway : out_.take_gone()) {
      drop_attempts_of(gateway);
      gateways_.erase(gateway);
    }
}

void engine_desk::drop_silent_gateways(steady_time now) {
  if (now - last_tick_ > late_tick)
    for (auto& [gateway, heard] : gateways_) heard = now;
  last_tick_ = now;
  std::erase_if(gateways_, [&](const auto& entry) {
    if (now - entry.second < options_.gateway_silence) return false;
    drop_attempts_of(entry.first);
    return true;
  });
}

served_model* engine_desk::find(const std::string& model, std::uint32_t version) const {
  for (const auto& served : models_)
    if (served->spec().name == model && served->spec().version == version) return served.get();
  return nullptr;
}

std::vector<proto::model_card> engine_desk::cards() const {
  std::vector<proto::model_card> cards;
  for (const auto& served : models_) cards.push_back(served->spec().card());
  return cards;
}

std::vector<proto::model_load> engine_desk::loads() const {
  std::vector<proto::model_load> loads;
  for (const auto& served : models_) loads.push_back(served->load());
  return loads;
}

}  // namespace coppice::worker
