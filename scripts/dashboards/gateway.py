"""Gateways from inside: what comes, what waits, what goes to engines, what clients take."""
from panels import GATEWAY, MODEL, dashboard, graph


def rate(metric, *labels, where=""):
    return f'sum by ({", ".join(labels)}) (rate({metric}{{instance=~"$gateway"{where}}}[$__rate_interval]))'


def gauge(metric):
    return f'{metric}{{instance=~"$gateway"}}'


def quantile(q, metric, *labels):
    of_models = rate(metric, *labels, "le", where=', model=~"$model"')
    return f"histogram_quantile({q}, {of_models})"


DASHBOARD = dashboard(
    "gateway", "Gateway", "What comes to a gateway, what waits there, what it sends to engines and what clients take.", [GATEWAY, MODEL],
    [("Requests", [
        graph("Requests by gateway", "Clients choose their gateway; a large difference is theirs.",
              {rate("coppice_gateway_requests_total", "instance"): "{{instance}}"}, "reqps", stacked=True),
        graph("Requests by outcome", "`ok`, or the error code that the client saw.",
              {rate("coppice_gateway_requests_total", "code"): "{{code}}"}, "reqps", stacked=True),
        graph("Time to the outcome", "From admission to the outcome, by model.",
              {quantile(0.5, "coppice_gateway_request_seconds_bucket", "model", "version"): "{{model}}:{{version}} median",
               quantile(0.99, "coppice_gateway_request_seconds_bucket", "model", "version"): "{{model}}:{{version}} 99 %"}, "s"),
        graph("Wait for an engine", "From admission to the last attempt, by class.",
              {quantile(0.5, "coppice_gateway_queue_seconds_bucket", "class"): "{{class}} median",
               quantile(0.99, "coppice_gateway_queue_seconds_bucket", "class"): "{{class}} 99 %"}, "s"),
        graph("Oldest wait", "How long the oldest request has waited. Above 1 s the queue stands.",
              {'max by (model, version, class) (coppice_gateway_oldest_wait_seconds{instance=~"$gateway", model=~"$model"})':
               "{{model}}:{{version}} {{class}}"}, "s"),
        graph("Open, waiting, credit", "Credit in hand and requests that wait at the same time: they are for different models.",
              {gauge("coppice_gateway_open_requests"): "{{instance}} open", gauge("coppice_gateway_waiting_rows"): "{{instance}} waiting",
               gauge("coppice_gateway_credit_rows"): "{{instance}} credit"}),
    ]), ("Engines and schedulers", [
        graph("Attempts", "Sent to engines; beside them second attempts, those that engines refused, and those told to stop.",
              {rate("coppice_gateway_attempts_total", "instance"): "{{instance}} sent",
               rate("coppice_gateway_hedges_total", "instance"): "{{instance}} hedges",
               rate("coppice_gateway_refusals_total", "instance"): "{{instance}} refused by engines",
               rate("coppice_gateway_cancels_total", "instance"): "{{instance}} cancelled"}, "ops"),
        graph("Engine links", "Open links, and engines whose link fell silent or that drain.",
              {gauge("coppice_gateway_engine_links"): "{{instance}} open", gauge("coppice_gateway_unreachable_engines"):
               "{{instance}} unreachable", gauge("coppice_gateway_draining_engines"): "{{instance}} draining"}),
        graph("Schedulers", "To how many the gateway is connected, and placement requests that had to go to the next one.",
              {gauge("coppice_gateway_schedulers"): "{{instance}} connected",
               rate("coppice_gateway_places_moved_total", "instance"): "{{instance}} moved, per second"}),
    ]), ("Memory", [
        graph("Memory of open requests", "Of its limit. Batch is refused from 80 % on, normal from 90 %.",
              {'coppice:gateway_admitted_bytes:ratio{instance=~"$gateway"}': "{{instance}}"}, "percentunit", top=1),
        graph("Memory of untaken replies", "Of its limit. It grows if clients do not read.",
              {'coppice:gateway_outgoing_bytes:ratio{instance=~"$gateway"}': "{{instance}}"}, "percentunit", top=1),
        graph("Bytes", "Of open requests and of replies that clients have not taken.",
              {gauge("coppice_gateway_admitted_bytes"): "{{instance}} open requests",
               gauge("coppice_gateway_outgoing_bytes"): "{{instance}} untaken replies"}, "bytes"),
    ]), ("Clients", [
        graph("Connections", "That ended, whoever ended them, and those that were refused at the handshake.",
              {rate("coppice_gateway_connections_closed_total", "instance"): "{{instance}} ended",
               rate("coppice_gateway_handshakes_failed_total", "instance"): "{{instance}} refused"}, "cps"),
        graph("Replies that did not arrive", "Dropped: the client was gone or did not read. Displaced: it had no room, and got an error.",
              {rate("coppice_gateway_dropped_replies_total", "instance"): "{{instance}} dropped",
               rate("coppice_gateway_displaced_results_total", "instance"): "{{instance}} displaced"}, "ops"),
        graph("Asked again, and malformed",
              "Requests with a known key: joined the open one, or got the kept outcome. And messages that are no request.",
              {rate("coppice_gateway_resubmissions_total", "answer"): "{{answer}}",
               rate("coppice_gateway_rejected_total", "instance"): "{{instance}} malformed"}, "ops"),
        graph("Client keys", "Changes of the list of keys, taken or rejected for a mistake; connections whose key was revoked or expired.",
              {rate("coppice_gateway_allow_lists_total", "result"): "lists {{result}}",
               rate("coppice_gateway_connections_revoked_total", "instance"): "{{instance}} connections ended"}, "ops"),
    ])])
