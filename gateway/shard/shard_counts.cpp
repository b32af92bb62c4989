#include "gateway/shard/shard_counts.hpp"

#include "base/error.hpp"

namespace coppice::gateway {

namespace {

/// A label of one child more.
metric_labels with(metric_labels labels, const char* name, std::string_view value) {
  labels[name] = value;
  return labels;
}

prometheus::Counter& resubmissions(metrics& registry, const char* answer) {
  return registry.counter("coppice_gateway_resubmissions_total",
                          "Requests that came again with a key that is known.",
                          {{"answer", answer}});
}

prometheus::Counter& trials(metrics& registry, const char* engine) {
  return registry.counter("coppice_gateway_trials_total",
                          "Suspects that ran alone, by what became of the engine.",
                          {{"engine", engine}});
}

prometheus::Counter& allow_lists(metrics& registry, const char* result) {
  return registry.counter("coppice_gateway_allow_lists_total",
                          "Changes of the file of client keys, by whether it was right.",
                          {{"result", result}});
}

prometheus::Counter& retries(metrics& registry, const char* budget) {
  return registry.counter("coppice_gateway_retries_total",
                          "Failed attempts that were placed again, by what it cost the budget.",
                          {{"budget", budget}});
}

}  // namespace

model_counts::model_counts(metrics& registry, const std::string& model, std::uint32_t version) {
  const auto text = version == 0 ? std::string{"latest"} : std::to_string(version);
  const metric_labels own{{"model", model}, {"version", text}};
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto code = i + 1 == requests.size() ? "ok" : code_name(static_cast<errc>(i));
    requests[i] = &registry.counter("coppice_gateway_requests_total",
                                    "Requests by their one outcome.", with(own, "code", code));
  }
  for (const auto rank : priorities) {
    const auto labels = with(own, "class", name_of(rank));
    queue_seconds[index_of(rank)] = &registry.histogram(
        "coppice_gateway_queue_seconds",
        "Time a request waited until its last attempt, or to its end if there was none.",
        time_buckets(), labels);
    oldest_wait[index_of(rank)] =
        &registry.gauge("coppice_gateway_oldest_wait_seconds",
                        "Age of the oldest request that waits for credit.", labels);
  }
  total_seconds = &registry.histogram("coppice_gateway_request_seconds",
                                      "Time from admission to the outcome.", time_buckets(), own);
}

tenant_counts::tenant_counts(metrics& registry, const std::string& tenant) {
  const auto child = [&](const char* how) {
    return &registry.counter("coppice_gateway_tenant_requests_total",
                             "Requests of a tenant by what became of them.",
                             {{"tenant", tenant}, {"outcome", how}});
  };
  ended = {child("completed"), child("failed"), child("cancelled"), child("expired")};
  refused = child("refused");
}

shed_counts::shed_counts(metrics& registry) {
  for (std::size_t i = 0; i < counters_.size(); ++i)
    for (const auto rank : priorities)
      counters_[i][index_of(rank)] = &registry.counter(
          "coppice_gateway_shed_total", "Requests refused for want of room.",
          {{"reason", std::string{shed_reason_names[i]}}, {"class", std::string{name_of(rank)}}});
}

refused_counts::refused_counts(metrics& registry) {
  for (std::size_t i = 0; i < counters_.size(); ++i)
    for (const auto rank : priorities)
      counters_[i][index_of(rank)] = &registry.counter(
          "coppice_gateway_refused_requests_total", "Requests refused before any work.",
          {{"code", std::string{code_name(static_cast<errc>(i))}},
           {"class", std::string{name_of(rank)}}});
}

double refused_counts::total() const {
  double sum = 0;
  for (const auto& of_code : counters_)
    for (const auto* each : of_code) sum += each->Value();
  return sum;
}

shard_counts::shard_counts(metrics& registry)
    : rejected{registry.counter("coppice_gateway_rejected_total",
                                "Messages refused before a model was known.")},
      attempts{registry.counter("coppice_gateway_attempts_total", "Attempts sent to engines.")},
      retries_charged{retries(registry, "charged")},
      retries_free{retries(registry, "free")},
      hedges{registry.counter("coppice_gateway_hedges_total",
                              "Second attempts beside one that took too long.")},
      refusals{registry.counter("coppice_gateway_refusals_total",
                                "Attempts that an engine refused because it was full.")},
      cancels{registry.counter("coppice_gateway_cancels_total",
                               "Attempts that an engine was told to drop.")},
      late_replies{registry.counter("coppice_gateway_late_replies_total",
                                    "Replies that the fence kept out: row, attempt or incarnation "
                                    "were no longer the live ones.")},
      dropped_replies{registry.counter("coppice_gateway_dropped_replies_total",
                                       "Replies to clients that were gone or did not read.")},
      displaced_results{registry.counter(
          "coppice_gateway_displaced_results_total",
          "Results that their client had no room for: it was told so by an error instead.")},
      shed{registry},
      refused{registry},
      joined{resubmissions(registry, "joined")},
      replayed{resubmissions(registry, "replayed")},
      trials_survived{trials(registry, "survived")},
      trials_killed{trials(registry, "died")},
      convictions{registry.counter("coppice_gateway_convictions_total",
                                   "Times a scheduler said of content that it is poison.")},
      breaker_opens{registry.counter("coppice_gateway_breaker_opens_total",
                                     "Times an engine failed so often that its breaker opened.")},
      drains{registry.counter("coppice_gateway_drains_total",
                              "Engines that began to drain, as a scheduler said.")},
      places_moved{registry.counter("coppice_gateway_places_moved_total",
                                    "Placement requests that went to the next scheduler: their "
                                    "home had died or was silent.")},
      connections_closed{registry.counter("coppice_gateway_connections_closed_total",
                                          "Client connections that ended, whoever ended them.")},
      handshakes_failed{
          registry.counter("coppice_gateway_handshakes_failed_total",
                           "Client connections that ZeroMQ refused before the first message.")},
      connections_revoked{
          registry.counter("coppice_gateway_connections_revoked_total",
                           "Client connections ended because their key was revoked or expired.")},
      allow_lists_taken{allow_lists(registry, "taken")},
      allow_lists_rejected{allow_lists(registry, "rejected")},
      waiting_rows{
          registry.gauge("coppice_gateway_waiting_rows", "Requests that wait for credit.")},
      credit_rows{registry.gauge("coppice_gateway_credit_rows", "Rows of idle credit in hand.")},
      open_requests{
          registry.gauge("coppice_gateway_open_requests", "Requests without an outcome yet.")},
      admitted_bytes{registry.gauge("coppice_gateway_admitted_bytes", "Bytes of open requests.")},
      outgoing_bytes{registry.gauge("coppice_gateway_outgoing_bytes",
                                    "Bytes of replies that clients have not taken yet.")},
      engine_links{registry.gauge("coppice_gateway_engine_links", "Open links to engines.")},
      schedulers{registry.gauge("coppice_gateway_schedulers",
                                "Schedulers that the gateway has a connection to.")},
      unreachable_engines{
          registry.gauge("coppice_gateway_unreachable_engines",
                         "Engines whose links fell silent; they are called until they answer.")},
      open_breakers{registry.gauge("coppice_gateway_open_breakers",
                                   "Engines, by model, to which a probe goes at most.")},
      draining_engines{registry.gauge("coppice_gateway_draining_engines",
                                      "Engines that get no new attempts because they drain.")},
      registry_{registry},
      others_{registry, "other"} {}

model_counts* shard_counts::of(const std::string& model, std::uint32_t version) {
  auto& entry = models_[{model, version}];
  if (!entry) entry = std::make_unique<model_counts>(registry_, model, version);
  return entry.get();
}

tenant_counts* shard_counts::of_tenant(const std::string& name) {
  const auto known = tenants_.find(name);
  if (known != tenants_.end()) return known->second.get();
  if (tenants_.size() >= most_tenants) return &others_;
  return (tenants_[name] = std::make_unique<tenant_counts>(registry_, name)).get();
}

}  // namespace coppice::gateway
