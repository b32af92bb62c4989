#include "gateway/operator_door.hpp"

#include "proto/codec/codec.hpp"
#include "proto/messages/client.hpp"

#include <sys/stat.h>
#include <vector>

namespace coppice::gateway {

namespace {

/// Of an id or key: either is at most 256 bytes, and an id that is no text shows as digits.
constexpr std::size_t longest_target = 512;

std::string failure(const error& why) {
  proto::reply reply;
  reply.error = proto::error_body{std::string{code_name(why.code)}, why.message,
                                  describe(why.code).retryable, why.retry_after_ms};
  return proto::encode(reply);
}

}  // namespace

operator_door::operator_door(sources answers) : sources_{std::move(answers)} {
  door_.set(zmq::sockopt::linger, 100);
  door_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(proto::max_header_bytes));
}

operator_door::~operator_door() {
  context_.shutdown();
  if (thread_.joinable()) thread_.join();
}

expected<void> operator_door::open(const std::string& endpoint) try {
  const auto before = ::umask(0177);
  try {
    door_.bind(endpoint);
  } catch (...) {
    ::umask(before);
    throw;
  }
  ::umask(before);
  thread_ = std::thread{[this] { run(); }};
  return {};
} catch (const zmq::error_t& failure) {
  return fail(errc::unavailable,
              "The operator door cannot listen on " + endpoint + ": " + failure.what() + ".");
}

std::string operator_door::answer(const zmq::message_t& header) {
  const auto request = proto::decode<proto::operator_request>(
      {static_cast<const char*>(header.data()), header.size()});
  if (!request) return failure(request.error());
  if (request->op == "drain" || request->op == "undrain") return drain(*request);
  if (request->op == "explain") return explain(*request);
  if (request->op == "apply" || request->op == "diff") return apply(*request);
  if (request->op != "status")
    return failure({errc::invalid,
                    "Field 'op' must be status, drain, undrain, explain, apply or diff at this "
                    "door.",
                    0});
  const auto status = sources_.status();
  return status ? proto::encode(*status) : failure(status.error());
}

std::string operator_door::drain(const proto::operator_request& request) {
  if (request.target.empty() || request.target.size() > proto::max_name_bytes)
    return failure({errc::invalid, "Field 'target' must name a node or an engine of one.", 0});
  const auto status = sources_.drain({request.target, request.op == "drain"});
  return status ? proto::encode(*status) : failure(status.error());
}

std::string operator_door::explain(const proto::operator_request& request) {
  if (request.target.empty() || request.target.size() > longest_target)
    return failure(
        {errc::invalid, "Field 'target' must be a request's id or key, 1 to 512 bytes.", 0});
  const auto told = sources_.explain(request.target);
  return told ? proto::encode(*told) : failure(told.error());
}

std::string operator_door::apply(const proto::operator_request& request) {
  if (request.target.empty() || request.target.size() > proto::max_name_bytes)
    return failure({errc::invalid, "Field 'target' must name a node.", 0});
  if (!request.desired || proto::encode(*request.desired).size() > proto::max_desired_bytes)
    return failure({errc::invalid,
                    "Field 'desired' must say what the node is to serve, in at most " +
                        std::to_string(proto::max_desired_bytes) + " bytes.",
                    0});
  const auto status = sources_.apply({request.target, *request.desired, request.op == "diff"});
  return status ? proto::encode(*status) : failure(status.error());
}

void operator_door::run() try {
  for (;;) {
    std::vector<zmq::message_t> message;
    do {
      (void)door_.recv(message.emplace_back(), zmq::recv_flags::none);
    } while (message.back().more());
    const auto reply = answer(message.back());
    for (std::size_t i = 0; i + 1 < message.size(); ++i)
      (void)door_.send(message[i], zmq::send_flags::sndmore);
    (void)door_.send(zmq::buffer(reply), zmq::send_flags::none);
  }
} catch (const zmq::error_t&) {
  door_.close();  // the context shuts down
}

}  // namespace coppice::gateway
