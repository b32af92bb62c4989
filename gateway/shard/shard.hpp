#pragma once

#include "gateway/admission/admission.hpp"
#include "gateway/admission/tenant_book.hpp"
#include "gateway/shard/engine_links.hpp"
#include "gateway/shard/ledger.hpp"
#include "gateway/shard/route.hpp"
#include "gateway/shard/shard_counts.hpp"
#include "gateway/shard/shard_effects.hpp"

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace coppice::gateway {

struct shard_options {
  std::string gateway = "gateway-1";
  std::uint32_t index = 0;
  admission_limits limits;
  tenant_table tenants;
  /// How long a known model may be without an engine before its requests fail: a restart's time.
  duration unserved_grace = 5s;
  /// A link reset waits this long for the worker to say which attempts are suspects.
  duration reset_grace = 10ms;
  duration ping_every = 1s;
  duration link_silence = 3s;
  /// A `place` that is not answered by then is asked again.
  duration place_limit = 500ms;
  /// Attempts that may be lost with their engine before a request fails with `worker_lost`.
  std::uint32_t max_attempts = 3;
  std::uint32_t max_refusals = 64;
};

/// The decisions of one gateway shard: admission, waiting, credit, attempts, fencing, outcomes.
/// Pure: time comes in as an argument, the world is `shard_effects`. One thread.
class shard {
 public:
  /// `effects` and `counts` outlive the shard; `counts` may be null.
  shard(shard_options options, shard_effects& effects, shard_counts* counts);

  /// @param tenant  as the door knows its sender.
  void on_client_message(frame_list&& message, int connection, steady_time now,
                         std::string_view tenant = anonymous);
  /// The client's connection closed: its open requests are cancelled.
  void on_client_gone(int connection, steady_time now);
  void on_link_message(frame_list&& message, steady_time now);
  /// The connection to that endpoint dropped.
  void on_link_reset(const std::string& endpoint, steady_time now);
  void on_place_reply(const proto::place_reply& reply, steady_time now);
  /// No answer will come to the `place` in flight.
  void on_place_lost(steady_time now);
  void on_engine_down(const proto::engine_down& down, steady_time now);
  void on_catalogue(proto::catalogue catalogue);
  /// At least every 10 ms.
  void on_tick(steady_time now);
  /// Answers every open request with `unavailable`: the gateway stops.
  void on_stop(steady_time now);

  [[nodiscard]] const ledger& rows() const noexcept { return ledger_; }

 private:
  void infer(client_request&& request, std::string_view by, steady_time now);
  void cancel(const client_request& request, steady_time now);
  void answer_models(const client_request& request);
  void answer_status(const client_request& request);
  void answer_plain(const client_request& request, proto::reply&& reply);
  void refuse(const client_address& to, const proto::raw_value& id, const error& why);

  [[nodiscard]] expected<std::uint32_t> cost_of(const proto::request& header) const;
  /// Judges the request and makes room for it. @returns why it is refused, if it is.
  [[nodiscard]] std::optional<shed> make_room(route& on, const client_request& request,
                                              std::uint32_t cost, const tenant* payer,
                                              steady_time now);
  /// Closes the row in the ledger and in its tenant's account.
  ledger_row close(ledger_row& row, outcome how);
  [[nodiscard]] double draw();
  /// What some engine serves now; version 0: the newest.
  [[nodiscard]] const proto::model_card* served(const std::string& model,
                                                std::uint32_t version) const;
  /// The same, or what was served before: its engines are being started again.
  [[nodiscard]] const proto::model_card* card(const std::string& model,
                                              std::uint32_t version) const;
  [[nodiscard]] expected<route*> route_for(const proto::request& header);

  [[nodiscard]] bool try_send(ledger_row& row, steady_time now);
  void wait(ledger_row& row, steady_time now);
  void stop_waiting(const ledger_row& row);
  void spend_credit(route& on, steady_time now);
  void lost_attempt(ledger_row& row, const std::string& reason, steady_time now);
  void link_lost(const engine_link& link, const std::string& reason, steady_time now);

  void take_reply(ledger_row& row, proto::link_reply&& reply, frame_list&& frames, steady_time now);
  void take_refusal(ledger_row& row, steady_time now);
  void complete(ledger_row& row, proto::link_reply&& reply, frame_list&& frames, steady_time now);
  void finish_with_error(ledger_row& row, const error& why, outcome how, steady_time now);
  void send_cancel(const ledger_row& row);
  static void count(const ledger_row& row, std::size_t code, steady_time now);

  void miss_deadline(ledger_row& row, steady_time now);
  void expire(steady_time now);
  void fail_unserved(steady_time now);
  void ask(steady_time now);
  void publish_gauges();

  shard_options options_;
  shard_effects& effects_;
  shard_counts* counts_;
  ledger ledger_;
  tenant_book tenants_;
  engine_links links_;
  /// Routes are never removed: rows and credit point to them. Bounded by the catalogue's names.
  std::map<std::pair<std::string, std::uint32_t>, std::unique_ptr<route>> routes_;
  proto::catalogue catalogue_;
  /// Every model that was ever in a catalogue. Bounded by the names of the model repositories.
  std::map<std::pair<std::string, std::uint32_t>, proto::model_card> known_;
  bool have_catalogue_ = false;
  bool place_in_flight_ = false;
  bool holdings_changed_ = false;
  steady_time placed_at_{};
  std::size_t waiting_ = 0;
  /// Spreads `retry_after_ms`.
  std::minstd_rand draws_;
};

}  // namespace coppice::gateway
