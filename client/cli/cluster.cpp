#include "client/cli/cluster.hpp"

#include "client/cli/verbs.hpp"
#include "proto/codec/codec.hpp"
#include "proto/messages/client.hpp"

#include <nlohmann/json.hpp>
#include <zmq.hpp>

#include <cstdio>
#include <fstream>
#include <thread>

namespace coppice::cli {

namespace {

constexpr std::size_t max_status_bytes = 16u << 20;
constexpr duration ask_limit = 3s;
constexpr duration ask_again_after = 100ms;

}  // namespace

void cluster_choice::add_options(CLI::App& verb) {
  verb.add_option("--endpoint", endpoints, "Gateways, tcp://host:port, or tcp://host:port?key=KEY")
      ->envname("COPPICE_ENDPOINT")
      ->delimiter(',');
  verb.add_option("--key-file", key_file, "Your key pair, for gateways that ask for keys")
      ->envname("COPPICE_KEY_FILE");
  verb.add_option("--operator", operator_doors,
                  "Operator doors of gateways on this machine, ipc://PATH")
      ->envname("COPPICE_OPERATOR")
      ->delimiter(',');
  verb.add_option("--cluster", ready_file, "The ready file of 'coppice up' or of a gateway");
}

expected<void> cluster_choice::resolve() try {
  if (!ready_file.empty()) {
    std::ifstream file{ready_file};
    if (!file) return fail(errc::invalid, ready_file + ": cannot be read. Is the cluster up?");
    const auto ready = nlohmann::json::parse(file);
    const std::vector<std::string> door{ready.value("door", "")}, own{ready.value("operator", "")};
    if (endpoints.empty()) endpoints = ready.value("gateways", door);
    if (operator_doors.empty()) operator_doors = ready.value("operators", own);
    std::erase(endpoints, "");
    std::erase(operator_doors, "");
    if (endpoints.empty() && operator_doors.empty())
      return fail(errc::invalid, ready_file + ": no ready file: it names no gateway.");
  }
  if (!operator_doors.empty()) operator_door = operator_doors.front();
  if (!endpoints.empty() || !operator_doors.empty()) return {};
  return fail(
      errc::invalid,
      "No cluster is named. Give --endpoint tcp://host:port or set COPPICE_ENDPOINT; on a "
      "gateway's machine give --operator ipc://PATH; for 'coppice up' --cluster READY_FILE.");
} catch (const nlohmann::json::exception& failure) {
  return fail(errc::invalid, ready_file + ": no ready file: " + failure.what());
}

expected<void> cluster_choice::resolve_operator() {
  if (auto known = resolve(); !known) return known;
  if (!operator_doors.empty()) return {};
  return fail(errc::invalid,
              "This verb needs the operator door. Give --cluster READY_FILE, or on a gateway's "
              "machine --operator ipc://PATH.");
}

client::client_options cluster_choice::client() const {
  client::client_options options{endpoints};
  options.key_file = key_file;
  return options;
}

namespace {

expected<std::string> ask_door(const std::string& door, const proto::operator_request& request,
                               duration limit) try {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::dealer};
  socket.set(zmq::sockopt::linger, 0);
  socket.connect(door);
  (void)socket.send(zmq::buffer(proto::encode(request)), zmq::send_flags::none);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  socket.set(zmq::sockopt::rcvtimeo, static_cast<int>(ms));
  zmq::message_t answer;
  if (!socket.recv(answer))
    return fail(errc::unavailable, "The operator door " + door + " does not answer.");
  return answer.to_string();
} catch (const zmq::error_t& failure) {
  return fail(errc::unavailable, door + ": " + failure.what() + ".");
}

template <class Answer>
expected<Answer> ask(const std::string& door, proto::operator_request request, duration limit) {
  request.v = proto::protocol_version;
  const auto answer = ask_door(door, request, limit);
  if (!answer) return tl::unexpected(answer.error());
  const auto refused = proto::decode<proto::reply>(*answer, max_status_bytes);
  if (refused && refused->error)
    return fail(code_from_name(refused->error->code), refused->error->message,
                refused->error->retry_after_ms);
  return proto::decode<Answer>(*answer, max_status_bytes);
}

}  // namespace

expected<proto::cluster_status> ask_operator(const std::string& door, duration limit) {
  proto::operator_request request;
  request.op = "status";
  return ask<proto::cluster_status>(door, std::move(request), limit);
}

namespace {

/// Each gateway alone knows its own figures.
void add_figures(proto::cluster_status& to, const proto::cluster_status& of_other) {
  for (auto& known : to.gateways)
    for (const auto& each : of_other.gateways)
      if (each.name == known.name) {
        known.refused += each.refused;
        known.retried += each.retried;
        known.fenced += each.fenced;
      }
}

}  // namespace

expected<proto::cluster_status> ask_status(const cluster_choice& cluster, duration limit) {
  expected<proto::cluster_status> status = fail(errc::unavailable, "No operator door is named.");
  for (const auto& door : cluster.operator_doors) {
    auto answer = ask_operator(door, limit);
    if (!status)
      status = std::move(answer);
    else if (answer)
      add_figures(*status, *answer);
  }
  return status;
}

expected<proto::drain_status> order_drain(const std::string& door, const proto::drain_order& order,
                                          duration limit) {
  proto::operator_request request;
  request.op = order.drain ? "drain" : "undrain";
  request.target = order.target;
  return ask<proto::drain_status>(door, std::move(request), limit);
}

expected<proto::apply_status> order_apply(const cluster_choice& cluster,
                                          const proto::apply_order& order, duration patience) {
  proto::operator_request request;
  request.op = order.only_ask ? "diff" : "apply";
  request.target = order.node;
  request.desired = order.desired;
  expected<proto::apply_status> answer = fail(errc::unavailable, "No operator door is named.");
  for (const auto end = now() + patience;;) {
    for (const auto& door : cluster.operator_doors) {
      answer = ask<proto::apply_status>(door, request, ask_limit);
      if (answer || answer.error().code != errc::unavailable) return answer;
    }
    if (now() >= end) return answer;
    std::this_thread::sleep_for(ask_again_after);
  }
}

expected<proto::explanation> ask_explanation(const std::string& door, const std::string& target,
                                             duration limit) {
  proto::operator_request request;
  request.op = "explain";
  request.target = target;
  return ask<proto::explanation>(door, std::move(request), limit);
}

int report_usage(const error& failure) {
  std::fprintf(stderr, "coppice: %s\n", failure.message.c_str());
  return exit_usage;
}

int report_failure(const error& failure) {
  (void)report(failure);
  return exit_failure;
}

int report(const error& failure) {
  std::fprintf(stderr, "coppice: %s: %s\n", std::string{code_name(failure.code)}.c_str(),
               failure.message.c_str());
  if (failure.code == errc::unavailable || failure.code == errc::deadline) return exit_unreachable;
  return exit_refused;
}

}  // namespace coppice::cli
