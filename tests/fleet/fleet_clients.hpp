#pragma once

#include "gateway/shard/client_address.hpp"
#include "gateway/shard/door.hpp"
#include "proto/messages/client.hpp"
#include "tests/fleet/books.hpp"
#include "tests/simulation/draws.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::fleet {

/// A reply on its way to a client of a gateway.
struct client_reply {
  std::uint32_t client = 0;
  std::uint64_t number = 0;
  /// Empty: it succeeded.
  std::string code;
  /// Its content.
  std::string content;
  std::size_t bytes = 0;
};

/// The clients of one gateway: each has a connection and a session, numbers its requests and names
/// keys as the client library does (client/session.cpp), and asks for something of its own.
class fleet_clients {
 public:
  fleet_clients(std::uint32_t gateway, std::uint32_t count, simulation::draws& random);

  /// A message as the gateway's socket would give it: routing id, delimiter, header, tensor.
  struct message {
    request_name name;
    gateway::frame_list frames;
    /// Of header and tensor.
    std::size_t bytes = 0;
  };
  [[nodiscard]] message next(const std::string& model, simulation::draws& random);
  /// @returns the client that a reply to that address goes to.
  [[nodiscard]] static std::uint32_t client_at(const gateway::client_address& to);
  /// Whether the content is the answer to that request.
  [[nodiscard]] static bool is_right(const request_name& asked, std::string_view content);
  void ended(std::uint32_t client, std::uint64_t number) { clients_[client].open.erase(number); }

  /// How long a request may take.
  static constexpr duration timeout = 5s;

 private:
  struct asker {
    std::string session;
    std::string routing_id;
    std::uint64_t last = 0;
    std::set<std::uint64_t> open;
    /// Up to there it has every outcome.
    [[nodiscard]] std::uint64_t acked() const { return open.empty() ? last : *open.begin() - 1; }
  };

  std::uint32_t gateway_;
  std::vector<asker> clients_;
};

}  // namespace coppice::fleet
