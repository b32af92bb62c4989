#include "client/session.hpp"

#include "client/request_id.hpp"

#include <algorithm>

namespace coppice::client {

namespace {

/// The cluster's hint, but no sooner than a pause that doubles with every try up to a second; and
/// up to half of it more, by chance.
duration retry_pause(std::uint32_t hint_ms, std::uint32_t tries, double draw) {
  const auto least = std::max(hint_ms, std::min(10u << std::min(tries, 10u), 1000u));
  return std::chrono::microseconds{static_cast<std::int64_t>(least * 1000.0 * (1 + draw / 2))};
}

}  // namespace

session::session(std::string name, const std::vector<std::string>& endpoints, bool retry,
                 session_effects& effects, std::function<double()> draw,
                 const session_limits& limits)
    : name_{std::move(name)},
      retry_{retry},
      effects_{&effects},
      draw_{std::move(draw)},
      limits_{limits},
      watch_{gateway_order(name_, endpoints), draw_} {}

void session::start(open_request&& request, steady_time now) {
  if (open_.size() >= limits_.open) {
    request.done(fail(errc::overloaded, "The client has " + std::to_string(open_.size()) +
                                            " requests without an answer, which is its limit."));
    return;
  }
  const auto number = ++last_number_;
  auto& header = request.header;
  header.v = proto::protocol_version;
  header.id = integer_id(number);
  header.session = name_;
  if (header.key.empty() && (header.op == "infer" || header.op == "generate"))
    header.key = name_ + "-" + std::to_string(number);
  auto& begun = open_.emplace(number, std::move(request)).first->second;
  alarm_at(begun.deadline + limits_.grace, number);
  if (waiting_.empty() && may_send(begun))
    send(begun, now);
  else
    queue(number, begun);
}

// --- sending -------------------------------------------------------------------------------

/// What may run once waits for the gateway to say which process it is.
bool session::may_send(const open_request& request) const noexcept {
  return watch_.is_connected() && (!request.header.at_most_once || gateway_known_);
}

void session::queue(std::uint64_t number, open_request& request) {
  request.where = open_request::place::waiting;
  waiting_.push_back(number);
}

void session::send_waiting(std::size_t most, steady_time now) {
  std::vector<std::uint64_t> held;
  for (std::size_t sent = 0; sent < most && !waiting_.empty() && watch_.is_connected();) {
    const auto number = waiting_.front();
    waiting_.pop_front();
    const auto at = open_.find(number);
    if (at == open_.end() || at->second.where != open_request::place::waiting) continue;
    auto& request = at->second;
    if (!may_send(request)) {
      held.push_back(number);
      continue;
    }
    const bool same_process = gateway_ && request.sent_to == gateway_;
    if (request.header.at_most_once && request.header.again && !same_process) {
      finish(number, fail(errc::unknown_outcome, "The gateway is gone; the request may have run."));
      continue;
    }
    send(request, now);
    ++sent;
  }
  waiting_.insert(waiting_.begin(), held.begin(), held.end());
}

void session::send(open_request& request, steady_time now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(request.deadline - now).count();
  auto& header = request.header;
  header.timeout_ms =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 1, proto::max_timeout_ms));
  header.acked = acked_;
  request.where = open_request::place::sent;
  request.sent_to = gateway_;
  if (request.stream && !request.stream->tokens.empty()) go_on_behind(header, *request.stream);
  effects_->send(header, request.frames);
}

void session::ping() {
  proto::request header;
  header.v = proto::protocol_version;
  header.op = "ping";
  header.session = name_;
  header.acked = acked_;
  effects_->send(header, {});
}

// --- connections ---------------------------------------------------------------------------

void session::connected(steady_time now) {
  watch_.connected(now);
  gateway_known_ = false;
  gateway_ = {};
  ping();
  send_waiting(limits_.sent_a_turn, now);
}

void session::disconnected(steady_time now) {
  watch_.lost(now, !open_.empty());
  lose_connection();
}

/// What was sent waits for the next connection, oldest first.
void session::lose_connection() {
  gateway_known_ = false;
  std::vector<std::uint64_t> sent;
  for (auto& [number, request] : open_)
    if (request.where == open_request::place::sent) {
      request.header.again = true;
      request.where = open_request::place::waiting;
      sent.push_back(number);
    }
  std::sort(sent.begin(), sent.end());
  waiting_.insert(waiting_.begin(), sent.begin(), sent.end());
}

void session::refused(const error& why, steady_time now) {
  watch_.lost(now, !open_.empty());
  close(why);
}

void session::learn_gateway(const proto::reply& pong, steady_time now) {
  if (pong.error) return;
  gateway_ = pong.incarnation;
  gateway_known_ = true;
  send_waiting(limits_.sent_a_turn, now);
}

// --- what arrives --------------------------------------------------------------------------

void session::take(answer_parts&& reply, steady_time now) {
  watch_.heard(now);
  const auto number = number_of(reply.header.id);
  if (number == 0) return learn_gateway(reply.header, now);
  const auto at = open_.find(number);
  if (at == open_.end()) return;
  if (reply.header.error) return take_error(at, *reply.header.error, now);
  if (at->second.stream) return take_chunk(at, std::move(reply), now);
  finish(number, std::move(reply));
}

void session::take_error(entry at, const proto::error_body& why, steady_time now) {
  auto& request = at->second;
  // Some attempt of it may have run: whether to risk a second run is not ours to say.
  const bool once = request.header.at_most_once && why.code == code_name(errc::worker_lost);
  const auto again = now + retry_pause(why.retry_after_ms, request.tries, draw_());
  if (!why.retryable || !retry_ || once || again >= request.deadline)
    return finish(at->first, fail(code_from_name(why.code), why.message, why.retry_after_ms));
  ++request.tries;
  request.header.again = false;  // that try is over
  request.where = open_request::place::resting;
  request.again_at = again;
  alarm_at(again, at->first);
}

// --- time ----------------------------------------------------------------------------------

void session::tick(steady_time now) {
  while (!alarms_.empty() && alarms_.top().at <= now) {
    const auto number = alarms_.top().number;
    alarms_.pop();
    ring(number, now);
  }
  const bool stood = watch_.is_connected();
  const auto act = watch_.next(now, !open_.empty());
  if (stood && !watch_.is_connected()) lose_connection();
  if (act == gateway_watch::act::dial) effects_->dial(watch_.gateway());
  if (act == gateway_watch::act::ping) ping();
  send_waiting(limits_.sent_a_turn, now);
}

void session::ring(std::uint64_t number, steady_time now) {
  const auto at = open_.find(number);
  if (at == open_.end()) return;
  auto& request = at->second;
  if (now >= request.deadline + limits_.grace)
    return finish(
        number, fail(errc::deadline, "No answer before the deadline. Is a gateway running there?"));
  if (request.where != open_request::place::resting || now < request.again_at) return;
  if (waiting_.empty() && may_send(request))
    send(request, now);
  else
    queue(number, request);
}

/// Alarms of ended requests are swept when they are most of them.
void session::alarm_at(steady_time at, std::uint64_t number) {
  alarms_.push({at, number});
  if (alarms_.size() <= 4 * open_.size() + 4096) return;
  decltype(alarms_) kept;
  for (; !alarms_.empty(); alarms_.pop())
    if (open_.contains(alarms_.top().number)) kept.push(alarms_.top());
  alarms_ = std::move(kept);
}

// --- ends ----------------------------------------------------------------------------------

void session::finish(std::uint64_t number, expected<answer_parts>&& outcome) {
  auto ended = open_.extract(number);
  while (acked_ < last_number_ && !open_.contains(acked_ + 1)) ++acked_;
  if (outcome) outcome->key = std::move(ended.mapped().header.key);
  ended.mapped().done(std::move(outcome));
}

void session::cancel(std::uint64_t ticket) {
  const auto at = std::find_if(open_.begin(), open_.end(),
                               [&](const auto& each) { return each.second.ticket == ticket; });
  if (ticket == 0 || at == open_.end()) return;
  const auto number = at->first;
  proto::request header;
  header.v = proto::protocol_version;
  header.op = "cancel";
  header.id = integer_id(number);
  header.session = name_;
  if (watch_.is_connected()) effects_->send(header, {});
  finish(number, fail(errc::cancelled, "The client cancelled the request."));
}

void session::close(const error& why) {
  while (!open_.empty()) finish(open_.begin()->first, tl::unexpected(why));
}

}  // namespace coppice::client
