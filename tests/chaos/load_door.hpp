#pragma once

#include "client/client.hpp"
#include "tests/chaos/client_log.hpp"
#include "tests/chaos/load_plan.hpp"

#include <zmq.hpp>

#include <atomic>
#include <map>

namespace coppice::chaos {

/// Where a load process sends its requests. What comes back goes to the log.
class load_door {
 public:
  virtual ~load_door() = default;
  virtual void send(std::uint64_t number, const request_kind& kind, std::string&& input) = 0;
  /// Takes answers until `until`, at least those that are there already.
  virtual void wait(steady_time until) = 0;
  /// Requests without an outcome.
  [[nodiscard]] virtual std::uint64_t open() const = 0;
};

/// Through the client library, which retries and changes gateways.
class library_door final : public load_door {
 public:
  library_door(const load_plan& plan, client_log& log);

  void send(std::uint64_t number, const request_kind& kind, std::string&& input) override;
  void wait(steady_time until) override;
  [[nodiscard]] std::uint64_t open() const override { return open_; }

 private:
  client_log& log_;
  std::atomic<std::uint64_t> open_{0};
  client::client client_;
};

/// A plain DEALER at the first gateway: every message that arrives is logged, wanted or not.
class dealer_door final : public load_door {
 public:
  dealer_door(const load_plan& plan, client_log& log);

  void send(std::uint64_t number, const request_kind& kind, std::string&& input) override;
  void wait(steady_time until) override;
  [[nodiscard]] std::uint64_t open() const override { return open_.size(); }

 private:
  bool receive();

  client_log& log_;
  /// Whether the answer is the inverse of the input, by number.
  std::map<std::uint64_t, bool> open_;
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::dealer};
  std::string header_;  // reused
};

}  // namespace coppice::chaos
