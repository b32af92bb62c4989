#include "gateway/shard/shard_counts.hpp"

#include "base/error.hpp"

namespace coppice::gateway {

model_counts::model_counts(metrics& registry, const std::string& model, std::uint32_t version) {
  const auto text = version == 0 ? std::string{"latest"} : std::to_string(version);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto code =
        i + 1 == requests.size() ? std::string{"ok"} : std::string{code_name(static_cast<errc>(i))};
    requests[i] =
        &registry.counter("coppice_gateway_requests_total", "Requests by their one outcome.",
                          {{"model", model}, {"version", text}, {"code", code}});
  }
  queue_seconds =
      &registry.histogram("coppice_gateway_queue_seconds", "Time a request waited for credit.",
                          time_buckets(), {{"model", model}, {"version", text}});
  total_seconds =
      &registry.histogram("coppice_gateway_request_seconds", "Time from admission to the outcome.",
                          time_buckets(), {{"model", model}, {"version", text}});
}

shed_counts::shed_counts(metrics& registry) {
  for (std::size_t i = 0; i < counters_.size(); ++i)
    counters_[i] = &registry.counter("coppice_gateway_shed_total",
                                     "Requests refused, and results dropped, for want of room.",
                                     {{"reason", std::string{shed_reason_names[i]}}});
}

shard_counts::shard_counts(metrics& registry)
    : rejected{registry.counter("coppice_gateway_rejected_total",
                                "Messages refused before a model was known.")},
      attempts{registry.counter("coppice_gateway_attempts_total", "Attempts sent to engines.")},
      retries{registry.counter("coppice_gateway_retries_total",
                               "Attempts lost with their engine and placed again.")},
      hedges{registry.counter("coppice_gateway_hedges_total",
                              "Second attempts beside one that took too long.")},
      refusals{registry.counter("coppice_gateway_refusals_total",
                                "Attempts that an engine refused because it was full.")},
      late_replies{registry.counter("coppice_gateway_late_replies_total",
                                    "Replies that the fence kept out: row, attempt or incarnation "
                                    "were no longer the live ones.")},
      dropped_replies{registry.counter("coppice_gateway_dropped_replies_total",
                                       "Replies to clients that were gone or did not read.")},
      shed{registry},
      connections_closed{registry.counter("coppice_gateway_connections_closed_total",
                                          "Client connections that ended, whoever ended them.")},
      handshakes_failed{
          registry.counter("coppice_gateway_handshakes_failed_total",
                           "Client connections that ZeroMQ refused before the first message.")},
      waiting_rows{
          registry.gauge("coppice_gateway_waiting_rows", "Requests that wait for credit.")},
      credit_rows{registry.gauge("coppice_gateway_credit_rows", "Rows of idle credit in hand.")},
      open_requests{
          registry.gauge("coppice_gateway_open_requests", "Requests without an outcome yet.")},
      admitted_bytes{registry.gauge("coppice_gateway_admitted_bytes", "Bytes of open requests.")},
      outgoing_bytes{registry.gauge("coppice_gateway_outgoing_bytes",
                                    "Bytes of replies that clients have not taken yet.")},
      engine_links{registry.gauge("coppice_gateway_engine_links", "Open links to engines.")},
      unreachable_engines{
          registry.gauge("coppice_gateway_unreachable_engines",
                         "Engines whose links fell silent; they are called until they answer.")},
      registry_{registry} {}

model_counts* shard_counts::of(const std::string& model, std::uint32_t version) {
  auto& entry = models_[{model, version}];
  if (!entry) entry = std::make_unique<model_counts>(registry_, model, version);
  return entry.get();
}

}  // namespace coppice::gateway
