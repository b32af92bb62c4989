#include "gateway/shard/shard.hpp"
#include "proto/codec/stream_length.hpp"
#include "proto/codec/tokens.hpp"

namespace coppice::gateway {

namespace {

error nothing_known() {
  return {errc::unavailable,
          "The gateway does not know yet what is served: it has not reached a scheduler.", 100};
}

shed no_more_tenants() {
  return {shed_reason::quota,
          {errc::overloaded, "More tenants are at work than the gateway keeps accounts of.", 1000}};
}

error nothing_settled() {
  return {errc::unavailable, "The gateway does not know every worker's models yet.", 100};
}

std::string name_of(const proto::request& header) {
  return "'" + header.model + "'" +
         (header.version == 0 ? "" : " version " + std::to_string(header.version));
}

}  // namespace

void shard::on_client_message(frame_list&& message, int connection, steady_time now,
                              std::string_view tenant) {
  auto opened = open_message(std::move(message));
  if (!opened) {
    if (counts_ != nullptr) counts_->rejected.Increment();
    return clients_.refuse(opened.error().from, opened.error().id, opened.error().why);
  }
  opened->from.connection = connection;
  opened->tenant = tenant;
  const auto client = clients_.heard(*opened);
  const auto& op = opened->header.op;
  if (op == "infer" || op == "generate") return infer(std::move(*opened), client, now);
  if (op == "cancel") return cancel(*opened, now);
  if (op == "ack") return acknowledge(*opened, now);
  if (op == "resume") return resume(*opened, client, now);
  if (op == "ping") return answer_ping(*opened);
  if (op == "models" || op == "model") return answer_models(*opened, now);
  if (op == "status") return answer_status(*opened);
  if (counts_ != nullptr) counts_->rejected.Increment();
  refuse(*opened, {errc::invalid,
                   "Field 'op' is '" + op.substr(0, 32) +
                       "'; there are infer, generate, cancel, ack, resume, ping, models, model, "
                       "status.",
                   0});
}

void shard::refuse(const client_request& request, const error& why) {
  clients_.refuse(request.from, request.header.id, why);
}

// --- operations that are no requests -------------------------------------------------------

void shard::answer_ping(const client_request& request) {
  proto::reply reply;
  reply.gateway = options_.gateway;
  reply.incarnation = options_.incarnation;
  clients_.answer_at_once(request, std::move(reply));
}

void shard::answer_models(const client_request& request, steady_time now) {
  const auto& wanted = request.header;
  if (!catalogue_.is_known()) return refuse(request, nothing_known());
  proto::reply reply;
  reply.models = wanted.op == "models" ? catalogue_.models()
                                       : catalogue_.versions(wanted.model, wanted.version);
  if (wanted.op == "model" && reply.models.empty())
    return refuse(request, unknown_model(wanted, now));
  clients_.answer_at_once(request, std::move(reply));
}

void shard::answer_status(const client_request& request) {
  proto::reply reply;
  reply.status = catalogue_.readiness();
  clients_.answer_at_once(request, std::move(reply));
}

/// The model has no card: there is none, or it is not known yet.
error shard::unknown_model(const proto::request& header, steady_time now) const {
  if (!catalogue_.is_settled(options_.settling, now)) return nothing_settled();
  if (catalogue_.is_awaited(header.model)) return nothing_serves(header.model, 500);
  return {errc::not_found, "No model " + name_of(header) + " is served here.", 0};
}

// --- infer ---------------------------------------------------------------------------------

expected<route*> shard::route_for(const proto::request& header, steady_time now) {
  if (header.model.empty()) return fail(errc::invalid, "Field 'model' is missing.");
  const auto key = std::pair{header.model, header.version};
  if (const auto known = routes_.find(key); known != routes_.end()) return known->second.get();
  if (!catalogue_.is_known()) return tl::unexpected(nothing_known());
  const auto* card = catalogue_.find(header.model, header.version);
  if (card == nullptr) return tl::unexpected(unknown_model(header, now));
  auto made = std::make_unique<route>(header.model, header.version);
  made->hedge_after = std::chrono::microseconds{card->hedge_after_us};
  made->flight = &recorder_.model(header.model, header.version);
  if (counts_ != nullptr) made->counts = counts_->of(header.model, header.version);
  return (routes_[key] = std::move(made)).get();
}

/// Whether the model is one for that operation.
expected<void> shard::check_op(const proto::request& header) const {
  const auto* model = catalogue_.find(header.model, header.version);
  if (model == nullptr || model->streams == (header.op == "generate")) return {};
  return fail(errc::invalid, "Model " + name_of(header) + " is one for op " +
                                 (model->streams ? "generate" : "infer") + ".");
}

expected<std::uint32_t> shard::cost_of(const proto::request& header) const {
  const auto* model = catalogue_.find(header.model, header.version);
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

expected<std::uint32_t> shard::length_of(const proto::request& header) {
  if (header.op != "generate") return 0u;
  return proto::stream_length(header.parameters);
}

std::optional<shed> shard::make_room(route& on, const client_request& request, std::uint32_t cost,
                                     const tenant* payer, steady_time now) {
  if (payer == nullptr) return no_more_tenants();
  if (effects_.is_behind(request.from)) return shed{shed_reason::slow_client, not_read()};
  arrival asked;
  asked.row.rank = priority_of(request.header.priority_class);
  asked.row.deadline = now + std::chrono::milliseconds{request.header.timeout_ms};
  asked.row.cost = cost;
  asked.row.tenant = payer->id();
  asked.row.weight = payer->weight();
  asked.bytes = request.bytes;
  asked.draw = draw();
  if (auto over = payer->judge(request.bytes, now, asked.draw)) return over;
  const auto held = ledger_.open_bytes() + effects_.unread_bytes();
  auto verdict = on.guard.judge(options_.limits, asked, on.waiting, held, now);
  if (verdict.push_out) {
    auto& lowest = *ledger_.find(on.waiting.newest_below(asked.row.rank)->row);
    count(shed_reason::pushed_out, lowest.request);
    finish_with_error(lowest,
                      {errc::overloaded, "A more urgent request took this one's place.", 100},
                      outcome::failed, now);
  }
  return std::move(verdict.refused);
}

void shard::infer(client_request&& request, std::uint32_t client, steady_time now) {
  const auto asked = clients_.look_up(request, now);
  if (asked.found.what == outcome_store::verdict::reused)
    return refuse(
        request,
        {errc::key_reused, "The key '" + request.header.key + "' was used with another input.", 0},
        now);
  if (asked.found.what == outcome_store::verdict::join)
    return join(*ledger_.find(asked.found.row), request, client, now);
  if (asked.found.what == outcome_store::verdict::replay && counts_ != nullptr)
    counts_->replayed.Increment();
  if (asked.found.what == outcome_store::verdict::replay && request.header.op == "generate" &&
      !asked.found.outcome->header.error)
    return resume_finished(request, *asked.found.outcome);
  if (asked.found.what != outcome_store::verdict::fresh) return;
  if (request.header.again && request.header.at_most_once)
    return refuse(request,
                  {errc::unknown_outcome,
                   "The request was sent before, and this gateway knows nothing of it.", 0},
                  now);
  admit(std::move(request), client, asked, now);
}

void shard::join(ledger_row& row, const client_request& request, std::uint32_t client,
                 steady_time now) {
  if (row.stream != nullptr) {
    if (const auto known = proto::unpack_tokens(request.header.emitted)) row.stream->learn(*known);
    if (auto placed = place_reader(row, request.header.seq, request.header); !placed)
      return refuse(request, placed.error());
  }
  if (counts_ != nullptr) counts_->joined.Increment();
  clients_.joined(row, request, client);
  if (row.stream != nullptr) deliver(row, now);
}

tenant* shard::payer_of(const client_request& request, steady_time now) {
  auto* payer = tenants_.find(request.tenant, now);
  if (counts_ != nullptr && payer != nullptr && payer->counts == nullptr)
    payer->counts = counts_->of_tenant(payer->name());
  return payer;
}

void shard::admit(client_request&& request, std::uint32_t client, const clients::inquiry& asked,
                  steady_time now) {
  const auto on = route_for(request.header, now);
  if (!on) return refuse(request, on.error(), now);
  if (auto fits = check_op(request.header); !fits) return refuse(request, fits.error(), now);
  const auto cost = cost_of(request.header);
  if (!cost) return refuse(request, cost.error(), now);
  const auto length = length_of(request.header);
  if (!length) return refuse(request, length.error(), now);
  // Room for all of a stream from the start: none stops in the middle for want of it.
  request.bytes += sizeof(token) * *length;
  auto* payer = payer_of(request, now);
  auto& budget = (*on)->budget;
  if (const auto refused = make_room(**on, request, *cost, payer, now)) {
    budget.shed(now);
    count(refused->reason, request);
    if ((*on)->counts != nullptr)
      (*on)->counts->requests[static_cast<std::size_t>(refused->why.code)]->Increment();
    return refuse(request, refused->why, now);
  }
  budget.admitted(now);
  if ((*on)->hedge_after > duration{0}) (*on)->hedges.admitted();
  payer->open(request.bytes, now);
  auto& row = ledger_.open(std::move(request), **on, *cost, now);
  row.payer = payer;
  clients_.opened(row, client, asked);
  if (auto begun = begin_stream(row, *length); !begun)
    return finish_with_error(row, begun.error(), outcome::failed, now);
  start(row, now);
}

void shard::start(ledger_row& row, steady_time now) {
  auto& on = *row.on;
  const auto id = row.id;
  if (!may_go(row, now)) return carry_out_orders(now);
  const bool alone = on.waiting.empty();
  if (alone && try_send(row, now))
    return on.guard.sent(options_.limits, priority_of(row.request.header.priority_class),
                         duration{0}, now);
  wait(row, now);
  // It may have passed a row that needs more credit than there is.
  if (!alone && on.waiting.front().row == id) spend_credit(on, now);
  ask(now);
}

void shard::cancel(const client_request& request, steady_time now) {
  for (const auto id : clients_.rows_of(request))
    if (auto* row = ledger_.find(id); row != nullptr && row->request.header.id == request.header.id)
      cancel_rows({id}, "The client cancelled the request.", now);
}

void shard::on_client_gone(int connection, steady_time now) {
  cancel_rows(clients_.disconnected(connection, now), "The client disconnected.", now);
}

}  // namespace coppice::gateway
