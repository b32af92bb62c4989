#pragma once

#include "base/ids.hpp"
#include "proto/messages/client.hpp"
#include "proto/messages/desired.hpp"
#include "proto/messages/fingerprint.hpp"
#include "proto/messages/tensor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Messages that CAF carries between gateway, scheduler and node actors. No payload, no float.
namespace coppice::proto {

/// What a gateway shard wants of one model: rows that wait for credit; 0: even credit everywhere.
struct want {
  std::string model;
  /// 0: the highest that is ready.
  std::uint32_t version = 0;
  std::uint32_t rows = 0;
  /// Time left of the most urgent row, microseconds.
  std::uint64_t oldest_deadline_us = 0;

  static constexpr auto fields() {
    return std::tuple{field{"model", &want::model}, field{"version", &want::version},
                      field{"rows", &want::rows},
                      field{"oldest_deadline_us", &want::oldest_deadline_us}};
  }
};

/// What a shard holds and has seen of one model on one engine since its last `place`.
/// A `place` lists every holding: the scheduler's account is replaced, never added to.
struct holding {
  incarnation_id incarnation;
  std::string model;
  std::uint32_t version = 0;
  /// Rows of credit in hand or spent on attempts in flight.
  std::uint32_t rows = 0;
  std::uint32_t completed = 0;
  std::uint32_t failed = 0;
  std::uint32_t refused = 0;
  /// Sum over the completed: from sending to reply without the engine's queue, us; 0 for streams.
  std::uint64_t latency_us = 0;

  static constexpr auto fields() {
    return std::tuple{
        field{"incarnation", &holding::incarnation}, field{"model", &holding::model},
        field{"version", &holding::version},         field{"rows", &holding::rows},
        field{"completed", &holding::completed},     field{"failed", &holding::failed},
        field{"refused", &holding::refused},         field{"latency_us", &holding::latency_us}};
  }
};

/// A shard's demand. One is in flight per shard and scheduler; later demand joins the next.
struct place_request {
  std::string gateway;
  std::uint32_t shard = 0;
  std::vector<want> wants;
  std::vector<holding> holdings;
  /// Engines that this shard does not reach: grants for them are worth nothing to it. At most
  /// `max_unreachable`.
  std::vector<incarnation_id> unreachable;

  static constexpr auto fields() {
    return std::tuple{field{"gateway", &place_request::gateway},
                      field{"unreachable", &place_request::unreachable},
                      field{"shard", &place_request::shard}, field{"wants", &place_request::wants},
                      field{"holdings", &place_request::holdings}};
  }
};

/// Permission to send `rows` rows of one model to one incarnation within `ttl_us`.
struct grant {
  std::string engine;
  incarnation_id incarnation;
  std::string endpoint;
  std::string link_key;
  std::string model;
  /// The version that serves the want (never 0).
  std::uint32_t version = 0;
  /// The version that the want named (0: any).
  std::uint32_t wanted_version = 0;
  std::uint32_t rows = 0;
  std::uint64_t ttl_us = 0;
  /// CURVE public key of the engine's link (Z85); empty: it is not encrypted. If it is, `link_key`
  /// is the secret key of those who may use it.
  std::string engine_key;

  static constexpr auto fields() {
    return std::tuple{field{"engine", &grant::engine},
                      field{"incarnation", &grant::incarnation},
                      field{"endpoint", &grant::endpoint},
                      field{"link_key", &grant::link_key},
                      field{"model", &grant::model},
                      field{"version", &grant::version},
                      field{"wanted_version", &grant::wanted_version},
                      field{"rows", &grant::rows},
                      field{"ttl_us", &grant::ttl_us},
                      field{"engine_key", &grant::engine_key}};
  }
};

/// A want that got nothing, and why: `overloaded` (every engine is full: ask again after
/// `retry_after_us`) or `unavailable` (no engine serves it now).
struct refusal {
  std::string model;
  std::uint32_t version = 0;
  std::string code;
  std::uint64_t retry_after_us = 0;

  static constexpr auto fields() {
    return std::tuple{field{"model", &refusal::model}, field{"version", &refusal::version},
                      field{"code", &refusal::code},
                      field{"retry_after_us", &refusal::retry_after_us}};
  }
};

struct place_reply {
  std::vector<grant> grants;
  std::vector<refusal> refused;

  static constexpr auto fields() {
    return std::tuple{field{"grants", &place_reply::grants},
                      field{"refused", &place_reply::refused}};
  }
};

/// Mean time of one batch of `rows` rows, microseconds, as the engine measured it.
struct batch_cost {
  std::uint32_t rows = 0;
  std::uint64_t us = 0;

  static constexpr auto fields() {
    return std::tuple{field{"rows", &batch_cost::rows}, field{"us", &batch_cost::us}};
  }
};

/// Upper bound of a histogram bucket and how many values fell into it (not cumulative).
/// `le` is in microseconds or rows; UINT64_MAX for the last.
struct bucket_count {
  std::uint64_t le = 0;
  std::uint64_t count = 0;

  static constexpr auto fields() {
    return std::tuple{field{"le", &bucket_count::le}, field{"count", &bucket_count::count}};
  }
};

/// Why a batch left the queue: `idle` (engine free), `size`, `window`, `deadline`, `alone`.
struct release_count {
  std::string reason;
  std::uint64_t count = 0;

  static constexpr auto fields() {
    return std::tuple{field{"reason", &release_count::reason},
                      field{"count", &release_count::count}};
  }
};

/// Load and totals since its start of one model on one engine.
struct model_load {
  std::string model;
  std::uint32_t version = 0;
  std::uint32_t running_rows = 0;
  std::uint32_t queued_rows = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;
  std::vector<batch_cost> costs;
  std::vector<bucket_count> batch_rows;
  std::vector<bucket_count> compute_us;
  std::uint64_t compute_us_sum = 0;
  std::vector<release_count> releases;

  static constexpr auto fields() {
    return std::tuple{field{"model", &model_load::model},
                      field{"version", &model_load::version},
                      field{"running_rows", &model_load::running_rows},
                      field{"queued_rows", &model_load::queued_rows},
                      field{"completed", &model_load::completed},
                      field{"failed", &model_load::failed},
                      field{"refused", &model_load::refused},
                      field{"costs", &model_load::costs},
                      field{"batch_rows", &model_load::batch_rows},
                      field{"compute_us", &model_load::compute_us},
                      field{"compute_us_sum", &model_load::compute_us_sum},
                      field{"releases", &model_load::releases}};
  }
};

/// One end of an engine's process.
struct restart_note {
  /// Before the snapshot that carries this, milliseconds.
  std::uint64_t ago_ms = 0;
  /// As in `engine_down`.
  std::string cause;
  std::string reason;
  /// The signal that ended it; 0: it exited, with that status.
  std::uint32_t signal = 0;
  std::uint32_t exit_status = 0;
  /// As in `engine_down`, the first 8.
  std::vector<attempt_id> suspects;

  static constexpr auto fields() {
    return std::tuple{field{"ago_ms", &restart_note::ago_ms},
                      field{"cause", &restart_note::cause},
                      field{"reason", &restart_note::reason},
                      field{"signal", &restart_note::signal},
                      field{"exit_status", &restart_note::exit_status},
                      field{"suspects", &restart_note::suspects}};
  }
};

/// One engine as its worker sees it. `incarnation` is 0 while no process is ready.
struct engine_state {
  /// "<node>/<worker>", stable over restarts; see `engine_name.hpp`.
  std::string name;
  std::string device;
  std::int64_t pid = 0;
  incarnation_id incarnation;
  std::string endpoint;
  std::string link_key;
  /// starting, up, dead, hung, draining, quarantined; in `cluster_status` the scheduler's own
  /// judgement, which adds suspect and probation.
  std::string verdict;
  std::uint32_t restarts = 0;
  /// Why it last left `up`, one sentence; empty if it never did.
  std::string last_reason;
  std::vector<model_card> models;
  std::vector<model_load> loads;
  /// Since the present incarnation became ready, milliseconds; 0 while none is.
  std::uint64_t up_for_ms = 0;
  /// one-for-one, or all-for-one with the engines of the same `group`.
  std::string strategy;
  std::string group;
  /// Its last ends, newest first, at most 16.
  std::vector<restart_note> history;
  /// Why the scheduler judges it so, one sentence; only in `cluster_status`.
  std::string verdict_reason;
  /// Share of its rows that the scheduler grants, 0 to 100; only in `cluster_status`.
  std::uint32_t capacity_percent = 100;
  /// As in `grant`.
  std::string engine_key;
  /// Of the desired state that its process was started with.
  std::uint64_t revision = 0;

  static constexpr auto fields() {
    return std::tuple{field{"name", &engine_state::name},
                      field{"device", &engine_state::device},
                      field{"pid", &engine_state::pid},
                      field{"incarnation", &engine_state::incarnation},
                      field{"endpoint", &engine_state::endpoint},
                      field{"link_key", &engine_state::link_key},
                      field{"verdict", &engine_state::verdict},
                      field{"restarts", &engine_state::restarts},
                      field{"last_reason", &engine_state::last_reason},
                      field{"models", &engine_state::models},
                      field{"loads", &engine_state::loads},
                      field{"up_for_ms", &engine_state::up_for_ms},
                      field{"strategy", &engine_state::strategy},
                      field{"group", &engine_state::group},
                      field{"history", &engine_state::history},
                      field{"verdict_reason", &engine_state::verdict_reason},
                      field{"capacity_percent", &engine_state::capacity_percent},
                      field{"engine_key", &engine_state::engine_key},
                      field{"revision", &engine_state::revision}};
  }
};

/// A node's full state, every 100 ms and at once after any change. Never a difference.
struct node_snapshot {
  std::string node;
  std::int64_t pid = 0;
  /// Of the worker process; a new one replaces everything known of the node.
  incarnation_id incarnation;
  std::uint64_t seq = 0;
  std::string metrics_url;
  std::vector<engine_state> engines;
  /// up, suspect, dead or draining, as the scheduler judges it; only in `cluster_status`.
  std::string verdict;
  std::string verdict_reason;
  /// Of the desired state: the one to which it converged last, and the last one that it took.
  std::uint64_t revision = 0;
  std::uint64_t target_revision = 0;
  /// converged; converging; failed: it does not come to the target and keeps to `revision`.
  std::string convergence;
  /// failed: why, one sentence.
  std::string convergence_reason;

  static constexpr auto fields() {
    return std::tuple{field{"node", &node_snapshot::node},
                      field{"pid", &node_snapshot::pid},
                      field{"incarnation", &node_snapshot::incarnation},
                      field{"seq", &node_snapshot::seq},
                      field{"metrics_url", &node_snapshot::metrics_url},
                      field{"engines", &node_snapshot::engines},
                      field{"verdict", &node_snapshot::verdict},
                      field{"verdict_reason", &node_snapshot::verdict_reason},
                      field{"revision", &node_snapshot::revision},
                      field{"target_revision", &node_snapshot::target_revision},
                      field{"convergence", &node_snapshot::convergence},
                      field{"convergence_reason", &node_snapshot::convergence_reason}};
  }
};

/// An engine ended. `suspects`: attempts of the steps that were in progress.
struct engine_down {
  std::string engine;
  incarnation_id incarnation;
  std::string reason;
  std::vector<attempt_id> suspects;
  /// crash (a signal of its own making), exit (abnormal status), memory (out of memory), hang:
  /// these blame the suspects. killed (SIGKILL from outside), stopped, lost (a dead worker),
  /// silent (the scheduler hears nothing of the node): these blame nobody.
  std::string cause;

  static constexpr auto fields() {
    return std::tuple{
        field{"engine", &engine_down::engine}, field{"incarnation", &engine_down::incarnation},
        field{"reason", &engine_down::reason}, field{"suspects", &engine_down::suspects},
        field{"cause", &engine_down::cause}};
  }
};

/// Gateway to its home scheduler: content that was running when an engine crashed.
struct suspicion {
  std::string gateway;
  std::vector<fingerprint> suspects;

  static constexpr auto fields() {
    return std::tuple{field{"gateway", &suspicion::gateway},
                      field{"suspects", &suspicion::suspects}};
  }
};

/// Gateway to its home scheduler: how the trial (one attempt, alone on its engine) ended.
struct trial_result {
  std::string gateway;
  fingerprint of;
  /// The engine died of it.
  bool killed = false;

  static constexpr auto fields() {
    return std::tuple{field{"gateway", &trial_result::gateway}, field{"of", &trial_result::of},
                      field{"killed", &trial_result::killed}};
  }
};

/// Scheduler to every gateway: what is to be done with requests of that content.
struct judgement {
  fingerprint of;
  /// trial: `gateway` runs one of them alone, everybody else holds theirs back. convicted: refused
  /// with `poison`. cleared: they are like any other.
  std::string verdict;
  std::string gateway;
  /// How long this holds, microseconds; then it is as if nothing had been said.
  std::uint64_t ttl_us = 0;

  static constexpr auto fields() {
    return std::tuple{field{"of", &judgement::of}, field{"verdict", &judgement::verdict},
                      field{"gateway", &judgement::gateway}, field{"ttl_us", &judgement::ttl_us}};
  }
};

/// Operator's order, passed from gateway to scheduler to node: stop giving a node ("node-1") or one
/// engine of it ("node-1/engine-0") new work, or take it back.
struct drain_order {
  std::string target;
  bool drain = true;

  static constexpr auto fields() {
    return std::tuple{field{"target", &drain_order::target}, field{"drain", &drain_order::drain}};
  }
};

/// Scheduler to every gateway: these incarnations take no new attempts; drop idle credit for them.
/// Answered with `drain_ack`. Holds for 2 s and is renewed as long as they drain.
struct drain_notice {
  std::vector<incarnation_id> incarnations;
  /// Their drain was taken back. Said once: if it is lost, the notice lapses.
  std::vector<incarnation_id> over;

  static constexpr auto fields() {
    return std::tuple{field{"incarnations", &drain_notice::incarnations},
                      field{"over", &drain_notice::over}};
  }
};

/// Gateway to scheduler: it sends those incarnations nothing new. `in_flight`: attempts of this
/// gateway that still run there.
struct drain_ack {
  std::string gateway;
  std::vector<incarnation_id> incarnations;
  std::uint32_t in_flight = 0;

  static constexpr auto fields() {
    return std::tuple{field{"gateway", &drain_ack::gateway},
                      field{"incarnations", &drain_ack::incarnations},
                      field{"in_flight", &drain_ack::in_flight}};
  }
};

/// How far a drain has come.
struct drain_status {
  std::string target;
  /// unknown (no such node or engine), serving (not drained, nor asked to be), draining, drained.
  std::string state;
  /// What still has to happen, one sentence each; empty unless `draining`.
  std::vector<std::string> waiting_for;
  /// `not_found` if unknown; it names the targets there are.
  std::optional<error_body> error;

  static constexpr auto fields() {
    return std::tuple{field{"target", &drain_status::target}, field{"state", &drain_status::state},
                      field{"waiting_for", &drain_status::waiting_for},
                      field{"error", &drain_status::error}};
  }
};

/// Models that share engines, directly or through another model: one scheduler is home to all of
/// them. Sorted.
struct model_pool {
  std::vector<std::string> models;

  static constexpr auto fields() { return std::tuple{field{"models", &model_pool::models}}; }
  friend bool operator==(const model_pool&, const model_pool&) = default;
};

/// Every model some engine serves now; pushed to gateways on change.
struct catalogue {
  std::vector<model_card> models;
  /// Of these and of models whose engines are being started again.
  std::vector<model_pool> pools;

  static constexpr auto fields() {
    return std::tuple{field{"models", &catalogue::models}, field{"pools", &catalogue::pools}};
  }
};

/// One gateway as a scheduler sees it.
struct gateway_state {
  std::string name;
  std::int64_t pid = 0;
  std::string endpoint;
  std::string metrics_url;
  /// Since it began; only in its own answer to `status`. Requests refused before any work, failed
  /// attempts placed again, replies that the fence kept out.
  std::uint64_t refused = 0;
  std::uint64_t retried = 0;
  std::uint64_t fenced = 0;

  static constexpr auto fields() {
    return std::tuple{field{"name", &gateway_state::name},
                      field{"pid", &gateway_state::pid},
                      field{"endpoint", &gateway_state::endpoint},
                      field{"metrics_url", &gateway_state::metrics_url},
                      field{"refused", &gateway_state::refused},
                      field{"retried", &gateway_state::retried},
                      field{"fenced", &gateway_state::fenced}};
  }
};

/// The whole cluster as one scheduler sees it: the answer of the operator door's `status`.
struct cluster_status {
  std::string scheduler;
  std::int64_t scheduler_pid = 0;
  std::vector<gateway_state> gateways;
  std::vector<node_snapshot> nodes;
  /// Warnings an operator must see, such as an insecure mesh.
  std::vector<std::string> warnings;

  static constexpr auto fields() {
    return std::tuple{field{"scheduler", &cluster_status::scheduler},
                      field{"scheduler_pid", &cluster_status::scheduler_pid},
                      field{"gateways", &cluster_status::gateways},
                      field{"nodes", &cluster_status::nodes},
                      field{"warnings", &cluster_status::warnings}};
  }
};

/// Engine process to its worker, over the control pipe (4-byte big-endian length, then msgpack).
struct engine_report {
  /// loading, ready, load, failed.
  std::string op;
  incarnation_id incarnation;
  std::string endpoint;
  std::string link_key;
  std::vector<model_card> models;
  std::vector<model_load> loads;
  /// failed: the sentence for an operator. loading: what is being loaded.
  std::string text;
  /// loading: of its file, once for each instance.
  std::uint64_t bytes = 0;
  /// ready: as in `grant`.
  std::string engine_key;

  static constexpr auto fields() {
    return std::tuple{field{"op", &engine_report::op},
                      field{"incarnation", &engine_report::incarnation},
                      field{"endpoint", &engine_report::endpoint},
                      field{"link_key", &engine_report::link_key},
                      field{"models", &engine_report::models},
                      field{"loads", &engine_report::loads},
                      field{"text", &engine_report::text},
                      field{"bytes", &engine_report::bytes},
                      field{"engine_key", &engine_report::engine_key}};
  }
};

/// Operator door: the request.
struct operator_request {
  std::uint32_t v = 0;
  /// status, drain, undrain, explain, apply, diff.
  std::string op;
  raw_value id;
  /// drain, undrain: a node ("node-1") or one of its engines ("node-1/engine-0"). apply, diff: a
  /// node. explain: the id or key of a request, as text.
  std::string target;
  /// apply, diff: what that node is to serve.
  std::optional<desired_state> desired;

  static constexpr auto fields() {
    return std::tuple{field{"v", &operator_request::v}, field{"op", &operator_request::op},
                      field{"id", &operator_request::id},
                      field{"target", &operator_request::target},
                      field{"desired", &operator_request::desired}};
  }
};

}  // namespace coppice::proto
