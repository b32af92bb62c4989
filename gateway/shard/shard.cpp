#include "gateway/shard/shard.hpp"

#include "gateway/shard/request_log.hpp"
#include "proto/codec/codec.hpp"

#include <algorithm>

namespace coppice::gateway {

namespace {

constexpr std::size_t ok_code = 16;

proto::error_body as_body(const error& why) {
  return {std::string{code_name(why.code)}, why.message, describe(why.code).retryable,
          why.retry_after_ms};
}

error nothing_known() {
  return {errc::unavailable,
          "The gateway does not know yet what is served: it has not reached a scheduler, or no "
          "engine is ready.",
          100};
}

std::string name_of(const proto::request& header) {
  return "'" + header.model + "'" +
         (header.version == 0 ? "" : " version " + std::to_string(header.version));
}

}  // namespace

shard::shard(shard_options options, shard_effects& effects, shard_counts* counts)
    : options_{std::move(options)}, effects_{effects}, counts_{counts} {}

// --- client messages -----------------------------------------------------------------------

void shard::on_client_message(frame_list&& message, int connection, steady_time now) {
  auto opened = open_message(std::move(message));
  if (!opened) {
    if (counts_ != nullptr) counts_->rejected.Increment();
    return refuse(opened.error().from, opened.error().id, opened.error().why);
  }
  opened->from.connection = connection;
  const auto& op = opened->header.op;
  if (op == "infer") return infer(std::move(*opened), now);
  if (op == "cancel") return cancel(*opened, now);
  if (op == "ping") return answer_plain(*opened, {});
  if (op == "models" || op == "model") return answer_models(*opened);
  if (op == "status") return answer_status(*opened);
  if (counts_ != nullptr) counts_->rejected.Increment();
  refuse(opened->from, opened->header.id,
         {errc::invalid,
          "Field 'op' is '" + op.substr(0, 32) +
              "'; this build serves infer, cancel, ping, models, model, status.",
          0});
}

void shard::refuse(const client_address& to, const proto::raw_value& id, const error& why) {
  proto::reply reply;
  reply.id = id;
  reply.error = as_body(why);
  reply.final = true;
  effects_.reply(to, reply, {});
}

void shard::answer_plain(const client_request& request, proto::reply&& reply) {
  reply.id = request.header.id;
  reply.final = true;
  effects_.reply(request.from, reply, {});
}

void shard::answer_models(const client_request& request) {
  proto::reply reply;
  const auto& wanted = request.header;
  if (!have_catalogue_) return refuse(request.from, wanted.id, nothing_known());
  for (const auto& each : catalogue_.models)
    if (wanted.op == "models" ||
        (each.name == wanted.model && (wanted.version == 0 || each.version == wanted.version)))
      reply.models.push_back(each);
  if (const auto* known = card(wanted.model, wanted.version);
      wanted.op == "model" && reply.models.empty() && known != nullptr)
    reply.models.push_back(*known);
  if (wanted.op == "model" && reply.models.empty())
    return refuse(request.from, wanted.id,
                  {errc::not_found, "No model " + name_of(wanted) + " is served here.", 0});
  answer_plain(request, std::move(reply));
}

void shard::answer_status(const client_request& request) {
  proto::reply reply;
  for (const auto& each : catalogue_.models) {
    if (reply.status.empty() || reply.status.back().name != each.name)
      reply.status.push_back({each.name, {}, true});
    reply.status.back().versions.push_back(each.version);
  }
  answer_plain(request, std::move(reply));
}

const proto::model_card* shard::served(const std::string& model, std::uint32_t version) const {
  const proto::model_card* found = nullptr;  // the catalogue is sorted: the last is the newest
  for (const auto& each : catalogue_.models)
    if (each.name == model && (version == 0 || each.version == version)) found = &each;
  return found;
}

const proto::model_card* shard::card(const std::string& model, std::uint32_t version) const {
  const auto* found = served(model, version);
  if (found != nullptr) return found;
  for (const auto& [key, each] : known_)
    if (key.first == model && (version == 0 || key.second == version)) found = &each;
  return found;
}

expected<route*> shard::route_for(const proto::request& header) {
  if (header.model.empty()) return fail(errc::invalid, "Field 'model' is missing.");
  const auto key = std::pair{header.model, header.version};
  if (const auto known = routes_.find(key); known != routes_.end()) return known->second.get();
  // A scheduler that was started with this gateway has heard of no node either.
  if (known_.empty()) return tl::unexpected(nothing_known());
  if (card(header.model, header.version) == nullptr)
    return fail(errc::not_found, "No model " + name_of(header) + " is served here.");
  auto made = std::make_unique<route>(header.model, header.version);
  if (counts_ != nullptr) made->counts = counts_->of(header.model, header.version);
  return (routes_[key] = std::move(made)).get();
}

expected<std::uint32_t> shard::cost_of(const proto::request& header) const {
  const auto* model = card(header.model, header.version);
  if (model == nullptr || !model->batchable || model->any_inputs || header.inputs.empty())
    return 1u;
  const auto& shape = header.inputs.front().shape;
  if (shape.empty()) return 1u;  // the engine says what is wrong with it
  if (shape.front() < 1 || shape.front() > model->max_batch)
    return fail(errc::invalid, "Input '" + header.inputs.front().name + "' has " +
                                   std::to_string(shape.front()) + " rows; the model takes 1 to " +
                                   std::to_string(model->max_batch) + ".");
  return static_cast<std::uint32_t>(shape.front());
}

expected<void> shard::admit_to(const route& on, const client_request& request) const {
  admission_state state;
  state.waiting_rows = on.waiting.size();
  state.admitted_bytes = ledger_.open_bytes();
  state.request_bytes = request.bytes;
  state.time_left = std::chrono::milliseconds{request.header.timeout_ms};
  if (!on.waiting.empty())
    state.predicted_wait = on.drained.time_for(on.waiting.cost() + on.credit.in_flight());
  return admit(options_.limits, state);
}

void shard::infer(client_request&& request, steady_time now) {
  const auto on = route_for(request.header);
  if (!on) return refuse(request.from, request.header.id, on.error());
  const auto cost = cost_of(request.header);
  if (!cost) return refuse(request.from, request.header.id, cost.error());
  if (const auto room = admit_to(**on, request); !room) {
    if ((*on)->counts != nullptr)
      (*on)->counts->requests[static_cast<std::size_t>(room.error().code)]->Increment();
    return refuse(request.from, request.header.id, room.error());
  }
  auto& row = ledger_.open(std::move(request), **on, *cost, now);
  const bool alone = (*on)->waiting.empty();
  if (alone && try_send(row, now)) return;
  wait(row);
  // It may have passed a row that needs more credit than there is.
  if (!alone && (*on)->waiting.front().row == row.id) spend_credit(**on, now);
  ask(now);
}

void shard::cancel(const client_request& request, steady_time now) {
  const auto& asked = request.header;
  const auto targets = ledger_.select([&](const ledger_row& row) {
    const auto& own = row.request;
    const bool same_client = own.from.routing_id == request.from.routing_id ||
                             (!asked.session.empty() && own.header.session == asked.session);
    return same_client && own.header.id == asked.id;
  });
  for (const auto id : targets)
    if (auto* row = ledger_.find(id)) {
      send_cancel(*row);
      finish_with_error(*row, {errc::cancelled, "The client cancelled the request.", 0},
                        outcome::cancelled, now);
    }
}

void shard::on_client_gone(int connection, steady_time now) {
  const auto orphans = ledger_.select(
      [&](const ledger_row& row) { return row.request.from.connection == connection; });
  for (const auto id : orphans)
    if (auto* row = ledger_.find(id)) {
      send_cancel(*row);
      finish_with_error(*row, {errc::cancelled, "The client disconnected.", 0}, outcome::cancelled,
                        now);
    }
}

// --- waiting and sending -------------------------------------------------------------------

void shard::wait(ledger_row& row) {
  const auto& header = row.request.header;
  row.on->waiting.push(
      {waiting_rows::rank_of(header.priority_class), row.deadline, row.id, row.cost});
  ++waiting_;
}

void shard::stop_waiting(const ledger_row& row) {
  const auto& header = row.request.header;
  row.on->waiting.remove(
      {waiting_rows::rank_of(header.priority_class), row.deadline, row.id, row.cost});
  --waiting_;
}

bool shard::try_send(ledger_row& row, steady_time now) {
  const auto* line = row.on->credit.spend(row.cost);
  if (line == nullptr) return false;
  const auto& header = row.request.header;
  proto::link_request out;
  out.op = "infer";
  out.incarnation = line->incarnation;
  out.model = header.model;
  out.version = line->version;
  out.timeout_us = to_us(row.deadline - now);
  out.attempt = ledger_.begin_attempt(row, line->incarnation, now);
  out.inputs = header.inputs;
  out.outputs = header.outputs;
  out.parameters = header.parameters;
  out.traceparent = header.traceparent;
  row.sent_version = line->version;
  if (counts_ != nullptr) counts_->attempts.Increment();
  if (effects_.send(line->incarnation, out, row.request.frames)) return true;
  // The link is gone; its credit with it. Each round forgets a line, so this ends.
  row.on->credit.forget(row.incarnation);
  ledger_.end_attempt(row);
  --row.attempts;
  return try_send(row, now);
}

void shard::spend_credit(route& on, steady_time now) {
  while (!on.waiting.empty()) {
    auto& row = *ledger_.find(on.waiting.front().row);
    if (row.deadline <= now) {
      miss_deadline(row, now);
      continue;
    }
    if (!try_send(row, now)) return;
    stop_waiting(row);
  }
}

void shard::send_cancel(const ledger_row& row) {
  if (!row.attempt) return;
  proto::link_request out;
  out.op = "cancel";
  out.incarnation = row.incarnation;
  out.attempt = row.attempt;
  effects_.send(row.incarnation, out, {});
}

// --- outcomes ------------------------------------------------------------------------------

void shard::count(const ledger_row& row, std::size_t code, steady_time now) {
  auto* counts = row.on->counts;
  if (counts == nullptr) return;
  counts->requests[code]->Increment();
  counts->total_seconds->Observe(std::chrono::duration<double>(now - row.arrived).count());
}

void shard::finish_with_error(ledger_row& row, const error& why, outcome how, steady_time now) {
  if (row.attempt)
    row.on->credit.give_back(row.incarnation, row.sent_version, row.cost, 0);
  else
    stop_waiting(row);
  count(row, static_cast<std::size_t>(why.code), now);
  log_failure(row, why);
  const auto closed = ledger_.close(row, how);
  refuse(closed.request.from, closed.request.header.id, why);
}

void shard::complete(ledger_row& row, proto::link_reply&& reply, frame_list&& frames,
                     steady_time now) {
  const bool failed = reply.error.has_value();
  proto::reply out;
  out.outputs = std::move(reply.outputs);
  out.error = std::move(reply.error);
  out.model = row.request.header.model;
  out.version = row.sent_version;
  out.final = true;
  out.times = proto::timing{to_us(row.sent - row.arrived), reply.times.batch_us,
                            reply.times.compute_us, to_us(now - row.arrived), row.attempts};
  if (row.on->counts != nullptr)
    row.on->counts->queue_seconds->Observe(
        std::chrono::duration<double>(row.sent - row.arrived).count());
  count(row, failed ? static_cast<std::size_t>(code_from_name(out.error->code)) : ok_code, now);
  const bool late = failed && out.error->code == code_name(errc::deadline);
  auto closed = ledger_.close(row, late     ? outcome::expired
                                   : failed ? outcome::failed
                                            : outcome::completed);
  out.id = std::move(closed.request.header.id);
  effects_.reply(closed.request.from, out, std::move(frames));
}

// --- links ---------------------------------------------------------------------------------

void shard::on_link_message(frame_list&& message, steady_time now) {
  if (message.size() < 2) return;
  auto reply = proto::decode<proto::link_reply>(
      {static_cast<const char*>(message[1].data()), message[1].size()});
  if (!reply) return;
  auto* link = links_.find(reply->incarnation);
  if (link == nullptr) return;
  link->heard = now;
  if (reply->op != "reply" && reply->op != "refused") return;
  auto* row = ledger_.find(reply->attempt, reply->incarnation);
  if (row == nullptr) {
    if (counts_ != nullptr) counts_->late_replies.Increment();
    return;
  }
  if (reply->op == "refused") return take_refusal(*row, now);
  message.erase(message.begin(), message.begin() + 2);
  take_reply(*row, std::move(*reply), std::move(message), now);
}

void shard::take_reply(ledger_row& row, proto::link_reply&& reply, frame_list&& frames,
                       steady_time now) {
  auto& on = *row.on;
  on.credit.give_back(row.incarnation, row.sent_version, row.cost, reply.credit);
  on.drained.left(row.cost, now);
  complete(row, std::move(reply), std::move(frames), now);
  spend_credit(on, now);
}

void shard::take_refusal(ledger_row& row, steady_time now) {
  auto& on = *row.on;
  on.credit.refused(row.incarnation, row.sent_version, row.cost);
  ledger_.end_attempt(row);
  --row.attempts;
  holdings_changed_ = true;
  if (counts_ != nullptr) counts_->refusals.Increment();
  wait(row);
  if (++row.refusals > options_.max_refusals)
    return finish_with_error(row, {errc::overloaded, "Every engine was full.", 10}, outcome::failed,
                             now);
  spend_credit(on, now);
}

void shard::on_link_reset(const std::string& endpoint, steady_time now) {
  if (auto* link = links_.find_endpoint(endpoint)) link->reset = now;
}

void shard::on_engine_down(const proto::engine_down& down, steady_time now) {
  if (const auto* link = links_.find(down.incarnation)) {
    const auto gone = *link;
    link_lost(gone, down.reason, now);
  }
}

void shard::link_lost(const engine_link& link, const std::string& reason, steady_time now) {
  effects_.close_link(link);
  links_.close(link.incarnation);
  holdings_changed_ = true;
  for (const auto& [key, each] : routes_) each->credit.forget(link.incarnation);
  const auto lost =
      ledger_.select([&](const ledger_row& row) { return row.incarnation == link.incarnation; });
  for (const auto id : lost) lost_attempt(*ledger_.find(id), link.engine + " " + reason, now);
  for (const auto& [key, each] : routes_) spend_credit(*each, now);
  ask(now);
}

void shard::lost_attempt(ledger_row& row, const std::string& reason, steady_time now) {
  log_lost_attempt(row, reason);
  ledger_.end_attempt(row);
  wait(row);
  if (row.request.header.at_most_once)
    return finish_with_error(
        row, {errc::unknown_outcome, "The engine was lost during the only attempt: " + reason, 0},
        outcome::failed, now);
  if (row.attempts >= options_.max_attempts)
    return finish_with_error(row,
                             {errc::worker_lost,
                              std::to_string(row.attempts) +
                                  " engines were lost under this request; the last: " + reason,
                              0},
                             outcome::failed, now);
  if (counts_ != nullptr) counts_->retries.Increment();
}

// --- placement -----------------------------------------------------------------------------

void shard::ask(steady_time now) {
  if (place_in_flight_) return;
  proto::place_request demand{options_.gateway, options_.index, {}, {}};
  for (const auto& [key, each] : routes_) {
    if (each->waiting.empty() || now < each->ask_after) continue;
    const auto left = each->waiting.front().deadline - now;
    demand.wants.push_back({each->model(), each->version(), each->waiting.cost(), to_us(left)});
    each->asked = true;
  }
  if (demand.wants.empty() && !holdings_changed_) return;
  for (const auto& [key, each] : routes_) each->credit.report(each->model(), demand.holdings);
  place_in_flight_ = true;
  holdings_changed_ = false;
  placed_at_ = now;
  effects_.place(std::move(demand));
}

void shard::on_place_reply(const proto::place_reply& reply, steady_time now) {
  place_in_flight_ = false;
  for (const auto& each : reply.grants) {
    const auto on = routes_.find({each.model, each.wanted_version});
    if (on == routes_.end()) continue;
    if (const auto* link = links_.open(each, now)) effects_.open_link(*link);
    on->second->credit.grant(each, now);
    on->second->unserved_since = steady_time::max();
  }
  for (const auto& each : reply.refused) {
    const auto on = routes_.find({each.model, each.version});
    if (on == routes_.end()) continue;
    on->second->ask_after = now + std::chrono::microseconds{each.retry_after_us};
    auto& since = on->second->unserved_since;
    on->second->refused_at = now;
    if (each.code != code_name(errc::unavailable))
      since = steady_time::max();
    else if (since == steady_time::max())
      since = now;
  }
  for (const auto& [key, each] : routes_) {
    each->asked = false;
    spend_credit(*each, now);
  }
  ask(now);
}

void shard::on_place_lost(steady_time now) {
  if (!place_in_flight_) return;
  place_in_flight_ = false;
  for (const auto& [key, each] : routes_) {
    if (each->asked) each->ask_after = now + 20ms;
    each->asked = false;
  }
}

void shard::on_catalogue(proto::catalogue catalogue) {
  catalogue_ = std::move(catalogue);
  have_catalogue_ = true;
  for (const auto& each : catalogue_.models) known_[{each.name, each.version}] = each;
  for (const auto& [key, each] : routes_)
    if (served(each->model(), each->version()) != nullptr) each->ask_after = {};
}

// --- time ----------------------------------------------------------------------------------

void shard::miss_deadline(ledger_row& row, steady_time now) {
  const char* where = row.attempt ? "while an engine had the request" : "while the request waited";
  send_cancel(row);
  finish_with_error(row, {errc::deadline, std::string{"The deadline passed "} + where + ".", 0},
                    outcome::expired, now);
}

void shard::expire(steady_time now) {
  for (const auto id : ledger_.expired(now)) miss_deadline(*ledger_.find(id), now);
}

void shard::fail_unserved(steady_time now) {
  for (const auto& [key, each] : routes_) {
    if (each->unserved_since == steady_time::max() ||
        now - each->unserved_since < options_.unserved_grace)
      continue;
    while (!each->waiting.empty()) {
      auto& row = *ledger_.find(each->waiting.front().row);
      if (row.arrived > each->refused_at) break;  // the verdict is older than the row
      finish_with_error(row,
                        {errc::unavailable, "No engine serves '" + each->model() + "' now.", 1000},
                        outcome::failed, now);
    }
  }
}

void shard::on_tick(steady_time now) {
  expire(now);
  fail_unserved(now);
  if (place_in_flight_ && now - placed_at_ >= options_.place_limit) on_place_lost(now);
  for (const auto& gone : links_.lost(options_.reset_grace, options_.link_silence, now))
    link_lost(gone, "was lost: its link dropped", now);
  proto::link_request ping;
  ping.op = "ping";
  for (const auto* link : links_.due_for_ping(options_.ping_every, now)) {
    ping.incarnation = link->incarnation;
    effects_.send(link->incarnation, ping, {});
  }
  bool holds = false;
  for (const auto& [key, each] : routes_) {
    if (each->credit.lapse(now)) holdings_changed_ = true;
    holds = holds || !each->credit.empty();
  }
  if (holds && now - placed_at_ >= options_.place_limit) holdings_changed_ = true;
  ask(now);
  publish_gauges();
}

void shard::on_stop(steady_time now) {
  for (const auto id : ledger_.select([](const ledger_row&) { return true; })) {
    auto& row = *ledger_.find(id);
    send_cancel(row);
    // `unavailable` invites the client to ask again: what may have run at most once must not.
    if (row.attempt && row.request.header.at_most_once)
      finish_with_error(row, {errc::unknown_outcome, "The gateway stops during the attempt.", 0},
                        outcome::failed, now);
    else
      finish_with_error(row, {errc::unavailable, "The gateway stops.", 100}, outcome::failed, now);
  }
}

void shard::publish_gauges() {
  if (counts_ == nullptr) return;
  double credit = 0;
  for (const auto& [key, each] : routes_) credit += each->credit.idle();
  counts_->credit_rows.Set(credit);
  counts_->waiting_rows.Set(static_cast<double>(waiting_));
  counts_->open_requests.Set(static_cast<double>(ledger_.open_rows()));
  counts_->admitted_bytes.Set(static_cast<double>(ledger_.open_bytes()));
  counts_->engine_links.Set(static_cast<double>(links_.size()));
}

}  // namespace coppice::gateway
