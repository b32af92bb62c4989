#include "tests/fleet/fleet_clients.hpp"

#include "client/request_id.hpp"
#include "proto/codec/codec.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace coppice::fleet {

namespace {

using content = std::array<std::int64_t, 2>;

content content_of(const request_name& asked) {
  return {static_cast<std::int64_t>(asked.number),
          static_cast<std::int64_t>(asked.gateway) << 32 | asked.client};
}

/// As ZeroMQ makes them: a zero and four bytes.
std::string routing_id_of(std::uint32_t client) {
  std::string id(1 + sizeof client, '\0');
  std::memcpy(id.data() + 1, &client, sizeof client);
  return id;
}

}  // namespace

fleet_clients::fleet_clients(std::uint32_t gateway, std::uint32_t count, simulation::draws& random)
    : gateway_{gateway} {
  for (std::uint32_t c = 0; c < count; ++c)
    clients_.push_back({fmt::format("{:016x}", random.bits()), routing_id_of(c), 0, {}});
}

std::uint32_t fleet_clients::client_at(const gateway::client_address& to) {
  std::uint32_t client = 0;
  std::memcpy(&client, to.routing_id.data() + 1, sizeof client);
  return client;
}

bool fleet_clients::is_right(const request_name& asked, std::string_view bytes) {
  const auto wanted = content_of(asked);
  return bytes.size() == sizeof wanted && std::memcmp(bytes.data(), &wanted, sizeof wanted) == 0;
}

fleet_clients::message fleet_clients::next(const std::string& model, simulation::draws& random) {
  const auto index = static_cast<std::uint32_t>(random.below(clients_.size()));
  auto& own = clients_[index];
  proto::request header;
  header.v = proto::protocol_version;
  header.op = "infer";
  header.acked = own.acked();
  const auto number = ++own.last;
  own.open.insert(number);
  header.id = client::integer_id(number);
  header.session = own.session;
  header.key = own.session + "-" + std::to_string(number);
  header.model = model;
  header.timeout_ms = timeout / 1ms;
  header.inputs.push_back({"x", "INT64", {1, 2}, 0, {}});
  message out{{gateway_, index, number}, {}, 0};
  const auto bytes = proto::encode(header);
  const auto tensor = content_of(out.name);
  out.bytes = bytes.size() + sizeof tensor;
  out.frames.emplace_back(own.routing_id);
  out.frames.emplace_back();
  out.frames.emplace_back(bytes);
  out.frames.emplace_back(&tensor, sizeof tensor);
  return out;
}

}  // namespace coppice::fleet
