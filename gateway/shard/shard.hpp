#pragma once

#include "gateway/admission/admission.hpp"
#include "gateway/admission/tenant_book.hpp"
#include "gateway/poison/poison_watch.hpp"
#include "gateway/recorder/flight_recorder.hpp"
#include "gateway/retry/death_cause.hpp"
#include "gateway/retry/retry_class.hpp"
#include "gateway/shard/catalogue_view.hpp"
#include "gateway/shard/clients.hpp"
#include "gateway/shard/engine_links.hpp"
#include "gateway/shard/ledger.hpp"
#include "gateway/shard/route.hpp"
#include "gateway/shard/shard_counts.hpp"
#include "gateway/shard/shard_effects.hpp"
#include "gateway/shard/unreachable_engines.hpp"

#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace coppice::gateway {

/// What a shard has to do at the moment.
struct shard_look {
  /// Names that some engine serves now.
  std::size_t models = 0;
  /// Engines that it has a link to.
  std::size_t links = 0;
  std::size_t open_requests = 0;
};

struct shard_options {
  std::string gateway = "gateway-1";
  std::uint32_t index = 0;
  /// Of the gateway's process: a client that meets another one knows that kept outcomes are gone.
  incarnation_id incarnation;
  /// Secret of the hashes, and the seed of what is drawn.
  std::uint64_t seed = 1;
  admission_limits limits;
  tenant_table tenants;
  session_limits sessions;
  outcome_limits outcomes;
  retry_limits retries;
  poison_limits poison;
  stream_limits streams;
  recorder_options recorder;
  /// How long a known model may be without an engine before its requests fail: a restart's time.
  duration unserved_grace = 5s;
  /// Until so long after the first catalogue an unknown model may still be one whose workers have
  /// not reported yet: they look for a lost scheduler at least every 2 s.
  duration settling = 3s;
  link_limits links;
  /// A worker's word that comes later than that still tells suspects for so long.
  duration late_word = 1s;
  /// An engine heard since this long ago is not believed to be lost because of a scheduler's
  /// silence: only that scheduler may be cut off.
  duration heard_of_late = 250ms;
  /// A drain notice that is not renewed holds this long; schedulers renew it twice a second.
  duration drain_notice_ttl = 2s;
  /// A `place` that is not answered by then is asked again.
  duration place_limit = 500ms;
};

/// The decisions of one gateway shard: admission, waiting, credit, attempts, fencing, outcomes.
/// Pure: time comes in as an argument, the world is `shard_effects`. One thread.
/// shard.cpp has what comes from schedulers and from time, shard_requests.cpp what clients ask,
/// shard_attempts.cpp what becomes of attempts, shard_losses.cpp of those that failed,
/// shard_links.cpp whether their engines are reached, shard_hedges.cpp what is special about second
/// ones, shard_outcomes.cpp how rows end,
/// shard_streams.cpp what is special about streams, shard_flights.cpp what is remembered of all.
class shard {
 public:
  /// `effects` and `counts` outlive the shard; `counts` may be null.
  shard(shard_options options, shard_effects& effects, shard_counts* counts);

  /// @param tenant  as the door knows its sender.
  void on_client_message(frame_list&& message, int connection, steady_time now,
                         std::string_view tenant = anonymous);
  /// The client's connection closed: its requests are cancelled, unless its session comes back.
  void on_client_gone(int connection, steady_time now);
  void on_link_message(frame_list&& message, steady_time now);
  /// The connection to that endpoint dropped.
  void on_link_reset(const std::string& endpoint, steady_time now);
  void on_place_reply(const proto::place_reply& reply, steady_time now);
  /// No answer will come to the `place` in flight.
  void on_place_lost(steady_time now);
  void on_engine_down(const proto::engine_down& down, steady_time now);
  void on_catalogue(proto::catalogue catalogue, steady_time now);
  void on_judgement(const proto::judgement& judged, steady_time now);
  void on_drain_notice(const proto::drain_notice& notice, steady_time now);
  /// At least every 10 ms.
  void on_tick(steady_time now);
  /// Other limits of tenants hold from now on.
  void limit(const tenant_table& tenants, steady_time now) { tenants_.limit(tenants, now); }
  /// Answers every open request with `unavailable`: the gateway stops.
  void on_stop(steady_time now);

  /// The latest request of that id (as text) or key: one that is open, else what is remembered.
  /// O(open rows): for people. @error `not_found`.
  [[nodiscard]] expected<proto::explanation> explain(std::string_view target, steady_time now);

  [[nodiscard]] shard_look look() const;
  [[nodiscard]] const ledger& rows() const noexcept { return ledger_; }

 private:
  /// How an engine, or the link to it, came to its end.
  struct engine_end {
    std::string reason;
    /// Nothing: only the link is known to be gone.
    std::optional<death_cause> cause;
    std::set<attempt_id> suspects;
  };
  /// An attempt that went with its link before a worker's word came.
  struct unexplained_loss {
    attempt_id attempt;
    row_id row;
    proto::fingerprint content;
    bool alone = false;
  };
  struct unexplained_end {
    incarnation_id incarnation;
    steady_time at;
    std::vector<unexplained_loss> lost;
  };

  // what clients ask
  void infer(client_request&& request, std::uint32_t client, steady_time now);
  void join(ledger_row& row, const client_request& request, std::uint32_t client, steady_time now);
  void admit(client_request&& request, std::uint32_t client, const clients::inquiry& asked,
             steady_time now);
  void start(ledger_row& row, steady_time now);
  void cancel(const client_request& request, steady_time now);
  void answer_ping(const client_request& request);
  void answer_models(const client_request& request, steady_time now);
  void answer_status(const client_request& request);
  void refuse(const client_request& request, const error& why);
  [[nodiscard]] error unknown_model(const proto::request& header, steady_time now) const;
  /// The same for a request that might have become a row: it is remembered and counted.
  void refuse(const client_request& request, const error& why, steady_time now);
  /// The account of who pays for it; null: there is no room for one more.
  [[nodiscard]] tenant* payer_of(const client_request& request, steady_time now);
  [[nodiscard]] expected<void> check_op(const proto::request& header) const;
  [[nodiscard]] expected<std::uint32_t> cost_of(const proto::request& header) const;
  /// Tokens that the request may make.
  [[nodiscard]] static expected<std::uint32_t> length_of(const proto::request& header);
  /// Judges the request and makes room for it. @returns why it is refused, if it is.
  [[nodiscard]] std::optional<shed> make_room(route& on, const client_request& request,
                                              std::uint32_t cost, const tenant* payer,
                                              steady_time now);
  [[nodiscard]] expected<route*> route_for(const proto::request& header, steady_time now);

  // attempts
  [[nodiscard]] credit_line* line_for(const ledger_row& row, steady_time now);
  [[nodiscard]] static proto::link_request attempt_for(ledger_row& row, const credit_line& line,
                                                       attempt_id attempt, steady_time now);
  void note_large(incarnation_id to, std::size_t bytes);
  [[nodiscard]] bool try_send(ledger_row& row, steady_time now);
  void wait(ledger_row& row, steady_time now);
  void pause(ledger_row& row, steady_time until);
  static void owe(ledger_row& row, const retry_decision& decision, steady_time now);
  void leave_queue(ledger_row& row);
  /// The fingerprint of the row's content, made when it is first needed.
  [[nodiscard]] static const proto::fingerprint& content_of(ledger_row& row);
  /// Asks the poison watch. @returns whether the row may be sent; else it is held or refused.
  [[nodiscard]] bool may_go(ledger_row& row, steady_time now);
  void spend_credit(route& on, steady_time now);
  void take_reply(ledger_row& row, proto::link_reply&& reply, frame_list&& frames, steady_time now);
  void take_refusal(ledger_row& row, steady_time now);
  void count_for_scheduler(const ledger_row& row, const proto::link_reply& reply, duration took,
                           steady_time now);
  void judge_engine(const ledger_row& row, const proto::link_reply& reply, steady_time now);
  void link_lost(const engine_link& link, const engine_end& end, steady_time now);
  void remember_unexplained(incarnation_id incarnation, const std::vector<row_id>& lost,
                            steady_time now);
  void take_late_word(const proto::engine_down& down, steady_time now);
  void suspect_late(const unexplained_loss& lost, steady_time now);
  void lost_attempt(ledger_row& row, const std::string& engine, const engine_end& end,
                    steady_time now);
  void attempt_failed(ledger_row& row, const attempt_failure& failure, steady_time now);
  void count_retry(const retry_decision& decision, const attempt_failure& failure);
  void follow(ledger_row& row, const retry_decision& decision, steady_time now);
  void carry_out_orders(steady_time now);
  /// The row ran alone; whether it killed the engine.
  void end_trial(const proto::fingerprint& content, row_id row, bool killed, steady_time now);
  void blame(route& on, incarnation_id engine, steady_time now);
  void send_cancel(const ledger_row& row) { send_cancel(row.incarnation, row.attempt); }
  void send_cancel(incarnation_id to, attempt_id attempt);

  // second attempts
  void watch_for_hedge(const ledger_row& row, steady_time now);
  void send_due_hedges(route& on, steady_time now);
  void send_hedge(ledger_row& row, steady_time now);
  void drop_second(ledger_row& row);

  // streams
  [[nodiscard]] expected<void> begin_stream(ledger_row& row, std::uint32_t length) const;
  [[nodiscard]] static expected<void> place_reader(ledger_row& row, std::uint64_t seq,
                                                   const proto::request& says);
  void take_chunk(ledger_row& row, const proto::link_reply& reply, const frame_list& frames,
                  steady_time now);
  [[nodiscard]] static bool take_tokens(ledger_row& row, const proto::link_reply& reply,
                                        const frame_list& frames);
  void break_stream(ledger_row& row, steady_time now);
  void break_off(ledger_row& row, steady_time now);
  void end_stream(ledger_row& row, proto::link_reply&& reply, const frame_list& frames,
                  steady_time now);
  void deliver(ledger_row& row, steady_time now);
  void deliver_held_back(steady_time now);
  void complete_stream(ledger_row& row, steady_time now);
  void acknowledge(const client_request& request, steady_time now);
  void resume(const client_request& request, std::uint32_t client, steady_time now);
  void resume_finished(const client_request& request, const kept_outcome& kept);

  // what is remembered
  static void take_answer(ledger_row& row, proto::link_reply& reply, steady_time now);
  void note_lost(const ledger_row& row, const attempt_failure& failure,
                 const retry_decision& decision, steady_time now);
  void note_held(const ledger_row& row, steady_time now);
  void remember(const ledger_row& row, const error* why, steady_time now);

  // outcomes
  /// Closes the row in the ledger and in its tenant's account.
  ledger_row close(ledger_row& row, outcome how);
  [[nodiscard]] proto::reply success(ledger_row& row, steady_time now);
  void complete(ledger_row& row, proto::link_reply&& reply, frame_list&& frames, steady_time now);
  void finish_with_error(ledger_row& row, const error& why, outcome how, steady_time now);
  void cancel_rows(const std::vector<row_id>& rows, const char* why, steady_time now);
  static void count(const ledger_row& row, std::size_t code, steady_time now);
  void count(shed_reason why, const client_request& request) const;
  void count_refused(const client_request& request, errc why, steady_time now);

  // time and schedulers
  void miss_deadline(ledger_row& row, steady_time now);
  void resume_paused(steady_time now);
  void retry_owing(route& on, steady_time now);
  void fail_unserved(steady_time now);
  void ask(steady_time now);
  void watch_links(steady_time now);
  void mark_owing_links();
  void link_fell_silent(const engine_link& link, steady_time now);
  void call_unreachable(steady_time now);
  void ping_engines();
  [[nodiscard]] bool may_use(incarnation_id incarnation) const;
  void free_address(const proto::grant& granted, steady_time now);
  void publish_gauges(steady_time now);
  [[nodiscard]] double draw();

  shard_options options_;
  shard_effects& effects_;
  shard_counts* counts_;
  ledger ledger_;
  tenant_book tenants_;
  clients clients_;
  catalogue_view catalogue_;
  engine_links links_;
  unreachable_engines unreachable_;
  poison_watch poison_;
  flight_recorder recorder_;
  /// Routes are never removed: rows and credit point to them. Bounded by the catalogue's names.
  std::map<std::pair<std::string, std::uint32_t>, std::unique_ptr<route>> routes_;
  /// Paused rows by the time they go on; entries of rows that ended are passed over.
  std::priority_queue<std::pair<steady_time, row_id>, std::vector<std::pair<steady_time, row_id>>,
                      std::greater<>>
      paused_;
  /// Streams whose next part found no room, until the next tick; some may have ended.
  std::set<row_id> held_back_;
  /// Incarnations that take no new attempts, and until when that holds if nobody says it again.
  std::map<incarnation_id, steady_time> draining_;
  /// In the order of their time; at most the links there were in a second.
  std::deque<unexplained_end> unexplained_;
  std::minstd_rand draws_;
  bool place_in_flight_ = false;
  bool holdings_changed_ = false;
  steady_time placed_at_{};
  std::size_t waiting_ = 0;
};

}  // namespace coppice::gateway
