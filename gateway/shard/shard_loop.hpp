#pragma once

#include "base/error.hpp"
#include "gateway/access/door_access.hpp"
#include "gateway/admission/outgoing_bytes.hpp"
#include "gateway/shard/engine_socket.hpp"
#include "gateway/shard/shard.hpp"
#include "gateway/shard/socket_monitor.hpp"
#include "keys/zap_handler.hpp"

#include <zmq.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <sys/eventfd.h>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

namespace coppice::gateway {

/// The `place` in flight will not be answered.
struct place_lost {};
/// The shard answers what is open and ends.
struct stop_shard {};

/// An operator asks what became of a request. `answer` is called on the shard's thread, and must
/// not wait; never, if the shard ends before.
struct explain_order {
  /// Its id as text, or its key.
  std::string target;
  std::function<void(expected<proto::explanation>)> answer;
};

/// The process looks at its parts. `answer` is called on the shard's thread after its next tick,
/// and must not wait; never, if the shard ends before.
struct look_order {
  std::function<void(shard_look)> answer;
};

/// What reaches a shard from the gateway actor and the operator door.
using shard_mail =
    std::variant<proto::place_reply, place_lost, proto::engine_down, proto::catalogue,
                 proto::judgement, proto::drain_notice, explain_order, look_order, stop_shard>;

/// What a shard tells schedulers, by way of the gateway actor.
using scheduler_mail =
    std::variant<proto::place_request, proto::suspicion, proto::trial_result, proto::drain_ack>;

/// One thread with one poll loop that carries for a `shard`: the clients' ROUTER, the engines'
/// ROUTER (one socket for all engines), and mail from the gateway actor.
class shard_loop : private shard_effects {
 public:
  /// `tell` is called on the shard's thread. `counts` outlives the loop.
  shard_loop(shard_options options, shard_counts& counts, std::function<void(scheduler_mail)> tell);
  /// Stops the thread, at once.
  ~shard_loop() override;

  /// Lets only these through the door; `keys` are the door's own, if it asks for keys. Before
  /// `bind`. @error `unavailable` with the reason.
  expected<void> guard(std::unique_ptr<door_access> access, std::optional<key_pair> keys);
  /// Binds the door. @returns the endpoint with its port. @error `unavailable` with the reason.
  expected<std::string> bind(const std::string& door);
  /// Starts the thread. `failed` is called on it if it ends by an exception.
  void start(std::function<void(std::string)> failed);
  /// Any thread.
  void post(shard_mail mail);

 private:
  delivery reply(const client_address& to, const proto::reply& header,
                 frame_list&& frames) override;
  [[nodiscard]] std::size_t unread_bytes() const override { return unread_.total(); }
  [[nodiscard]] bool is_behind(const client_address& client) const override {
    return unread_.is_full(client.connection);
  }
  bool send(incarnation_id to, const proto::link_request& header,
            const frame_list& frames) override;
  void open_link(const engine_link& link) override;
  void close_link(const engine_link& link) override;
  void place(proto::place_request&& demand) override { tell_(std::move(demand)); }
  void suspect(proto::suspicion&& told) override { tell_(std::move(told)); }
  void tell(proto::trial_result&& told) override { tell_(std::move(told)); }
  void tell(proto::drain_ack&& told) override { tell_(std::move(told)); }

  void run();
  void poll(long limit_ms);
  bool turn();
  bool receive_engines();
  bool receive_clients();
  /// Sets `tenant_` to the sender's. @returns false if that may not use the door any more.
  bool identify(const zmq::message_t& part, int connection);
  void look_at_access(steady_time at);
  void shut(int connection);
  void take_closed(steady_time at);
  bool take_mail();
  void take(shard_mail&& mail, steady_time at);
  void answer_looks();

  /// One thread for clients and one for engines: a herd of clients does not hold up links.
  zmq::context_t context_{2};
  /// None: anybody may come, as tenant `anonymous`.
  std::unique_ptr<door_access> access_;
  std::unique_ptr<zap_handler> zap_;
  /// The table that holds here, as of that version and second.
  std::shared_ptr<const access_table> table_;
  std::uint64_t table_version_ = 0;
  wall_time wall_{};
  /// By connection, the name of who uses it.
  std::unordered_map<int, std::string> names_;
  zmq::socket_t clients_{context_, zmq::socket_type::router};
  engine_socket engines_{context_};
  socket_monitor clients_closed_;
  socket_monitor engines_closed_;
  outgoing_bytes unread_;
  shard_counts& counts_;
  std::function<void(scheduler_mail)> tell_;
  std::string gateway_;
  shard shard_;
  std::string header_;  // reused
  std::string tenant_;  // reused
  /// To be answered after the next tick.
  std::vector<look_order> looks_;
  steady_time next_tick_{};
  bool stopped_ = false;

  int wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::mutex mutex_;
  std::vector<shard_mail> mail_;
  std::thread thread_;
};

}  // namespace coppice::gateway
