"""Schedulers and workers: who is up, who computes what, how well it is batched."""
from panels import ENGINE, dashboard, graph, table


def rate(metric, *labels):
    return f'sum by ({", ".join(labels)}) (rate({metric}{{engine=~"$engine"}}[$__rate_interval]))'


def gauge(metric, *labels):
    return f'sum by ({", ".join(labels)}) ({metric}{{engine=~"$engine"}})'


DASHBOARD = dashboard(
    "engines", "Schedulers and workers", "Who is up, what each engine computes, and how well its work is batched.", [ENGINE],
    [("Schedulers", [
        graph("Placement", "Requests for places that were answered.",
              {"sum by (job, instance) (rate(coppice_scheduler_places_total[$__rate_interval]))": "{{instance}}"}, "ops"),
        graph("Rows granted", "Credit that was given to gateways, and wants that got less than they asked for.",
              {"sum by (job, instance) (rate(coppice_scheduler_granted_rows_total[$__rate_interval]))": "{{instance}} granted",
               "sum by (job, instance) (rate(coppice_scheduler_refused_wants_total[$__rate_interval]))": "{{instance}} wants refused"},
              "ops"),
        graph("Engines by scheduler's verdict", "Each scheduler sees all engines; if they differ, one of them is cut off.",
              {"count by (job, instance, verdict) (coppice_scheduler_engine_verdict)": "{{instance}} {{verdict}}"}),
    ]), ("Engines", [
        table("Verdicts", "As the engines' own workers see them.", 'coppice_worker_engine_verdict{engine=~"$engine"} == 1',
              ["instance", "engine", "verdict"], width=8),
        graph("Busy", "The time in which an engine computes; 100 % is one step at every moment.",
              {'coppice:engine_busy:rate5m{engine=~"$engine"}': "{{engine}}"}, "percentunit"),
        graph("Restarts", "Times each engine was started again.",
              {'sum by (engine) (increase(coppice_worker_engine_restarts_total{engine=~"$engine"}[$__rate_interval]))': "{{engine}}"}),
        graph("Attempts completed", "By model.", {rate("coppice_engine_completed_total", "model", "version"): "{{model}}:{{version}}"},
              "ops", stacked=True),
        graph("Attempts failed", "Answered with an error, by engine: one engine alone is broken, all of them are a model's fault.",
              {rate("coppice_engine_failed_total", "engine", "model"): "{{engine}} {{model}}"}, "ops"),
        graph("Attempts refused", "Beyond the engine's capacity; each costs a round trip.",
              {rate("coppice_engine_refused_total", "engine"): "{{engine}}"}, "ops"),
    ]), ("Batches", [
        graph("Rows in engines", "In a step now, and waiting in the engine.",
              {gauge("coppice_engine_running_rows", "model", "version"): "{{model}}:{{version}} running",
               gauge("coppice_engine_queued_rows", "model", "version"): "{{model}}:{{version}} queued"}),
        graph("Rows of a batch", "On average, by model. Near 1 under load: the window of the model's batching is too short.",
              {rate("coppice_engine_batch_rows_sum", "model", "version") + " / ("
               + rate("coppice_engine_batch_rows_count", "model", "version") + " > 0)": "{{model}}:{{version}}"}),
        graph("Why batches left", "full: the largest batch; others left for their age, a deadline, or because they were alone.",
              {rate("coppice_engine_batches_total", "reason"): "{{reason}}"}, "ops", stacked=True),
        graph("Time of a step", "By model, 99 of 100 steps.",
              {f'histogram_quantile(0.99, {rate("coppice_engine_compute_seconds_bucket", "model", "version", "le")})':
               "{{model}}:{{version}}"}, "s"),
        graph("Time of a step by engine", "An engine that is slower than its siblings has a device that is.",
              {f'histogram_quantile(0.5, {rate("coppice_engine_compute_seconds_bucket", "engine", "le")})': "{{engine}} median"}, "s"),
    ])])
