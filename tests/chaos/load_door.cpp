#include "tests/chaos/load_door.hpp"

#include "proto/codec/codec.hpp"

#include <cmath>
#include <thread>

namespace coppice::chaos {

namespace {

client::client_options options_of(const load_plan& plan) {
  client::client_options options;
  options.endpoints = plan.endpoints;
  options.key_file = plan.key_file;
  return options;
}

constexpr std::size_t max_reply_header = 1 << 20;

/// Digest of the input that this answer would belong to: what the model did is undone.
std::uint64_t digest_of_answer(bool inverted, std::string bytes) {
  if (inverted)
    for (auto& each : bytes) each = static_cast<char>(~each);
  return digest_of(bytes);
}

bool inverts(const request_kind& kind) { return kind.model == "flip"; }

/// Rounded up: a poll that returns just before its time would spin.
int poll_ms(steady_time until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now()).count();
  return static_cast<int>(std::clamp<long>(left, 0, 1000));
}

}  // namespace

library_door::library_door(const load_plan& plan, client_log& log)
    : log_{log}, client_{options_of(plan)} {}

void library_door::send(std::uint64_t number, const request_kind& kind, std::string&& input) {
  client::infer_request request;
  request.model = kind.model;
  request.parameters = kind.parameters;
  request.timeout = std::chrono::milliseconds{kind.timeout_ms};
  request.priority_class = kind.priority_class;
  log_.sent(number, kind.model, request.timeout, digest_of(input));
  const auto elements = static_cast<std::int64_t>(input.size());
  request.inputs.push_back({"x", "UINT8", {elements}, std::move(input)});
  ++open_;
  client_.submit(
      std::move(request), [this, number, inverted = inverts(kind)](client::client::answer got) {
        if (got && got->outputs.size() == 1)
          log_.answered(number, digest_of_answer(inverted, std::move(got->outputs.front().bytes)),
                        got->timing.attempts);
        else
          log_.failed(number, got ? "no_output" : code_name(got.error().code));
        --open_;
      });
}

void library_door::wait(steady_time until) { std::this_thread::sleep_until(until); }

dealer_door::dealer_door(const load_plan& plan, client_log& log) : log_{log} {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::sndhwm, 0);
  socket_.set(zmq::sockopt::rcvhwm, 0);
  if (!plan.user.empty()) {
    socket_.set(zmq::sockopt::plain_username, plan.user);
    socket_.set(zmq::sockopt::plain_password, plan.user);
  }
  socket_.connect(plan.endpoints.front());
}

void dealer_door::send(std::uint64_t number, const request_kind& kind, std::string&& input) {
  proto::request header;
  header.v = proto::protocol_version;
  header.op = "infer";
  proto::string_sink id{header.id.bytes};
  proto::packer{id}.pack_uint64(number);
  header.model = kind.model;
  header.parameters.bytes = kind.parameters;
  header.timeout_ms = kind.timeout_ms;
  header.priority_class = kind.priority_class;
  header.inputs.push_back({"x", "UINT8", {static_cast<std::int64_t>(input.size())}, 0, {}});
  header_.clear();
  proto::encode(header, header_);
  log_.sent(number, kind.model, std::chrono::milliseconds{kind.timeout_ms}, digest_of(input));
  // Without any connection, as after a refused handshake, it would wait for ever.
  if (!socket_.send(zmq::message_t{}, zmq::send_flags::sndmore | zmq::send_flags::dontwait))
    return log_.failed(number, "not_connected");
  open_[number] = inverts(kind);
  (void)socket_.send(zmq::buffer(header_), zmq::send_flags::sndmore);
  (void)socket_.send(zmq::buffer(input), zmq::send_flags::none);
}

bool dealer_door::receive() {
  std::vector<zmq::message_t> parts(1);
  if (!socket_.recv(parts[0], zmq::recv_flags::dontwait)) return false;
  while (parts.back().more()) (void)socket_.recv(parts.emplace_back(), zmq::recv_flags::none);
  if (parts.size() < 2) return true;
  const auto reply = proto::decode<proto::reply>(parts[1].to_string_view(), max_reply_header);
  std::uint64_t number = 0;
  if (!reply || !proto::reader{reply->id.bytes}.read(number)) return true;
  // An answer to what is not open any more is the auditor's affair, not ours.
  const auto known = open_.find(number);
  const bool inverted = known != open_.end() && known->second;
  if (reply->error)
    log_.failed(number, reply->error->code);
  else if (parts.size() == 3)
    log_.answered(number, digest_of_answer(inverted, parts[2].to_string()),
                  reply->times ? reply->times->attempts : 0);
  else
    log_.failed(number, "no_output");
  if (known != open_.end()) open_.erase(known);
  return true;
}

void dealer_door::wait(steady_time until) {
  do {
    while (receive()) {
    }
    zmq_pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
    if (const int ms = poll_ms(until); ms > 0) zmq_poll(&item, 1, ms);
  } while (now() < until);
}

}  // namespace coppice::chaos
