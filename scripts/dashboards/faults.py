"""What broke, who noticed, and what became of the work."""
from panels import dashboard, graph


def rate(metric, *labels):
    return f'sum by ({", ".join(labels)}) (rate({metric}[$__rate_interval]))'


def events(metric, *labels):
    return f'sum by ({", ".join(labels)}) (increase({metric}[$__rate_interval]))'


DASHBOARD = dashboard(
    "faults", "Faults", "What broke, who noticed, and what became of the work.", [],
    [("Engines", [
        graph("Ends of engines by cause", "crash, exit, memory and hang blame what was running; killed and stopped do not.",
              {events("coppice_worker_engine_ends_total", "cause"): "{{cause}}"}, stacked=True),
        graph("Restarts", "Of each engine.", {events("coppice_worker_engine_restarts_total", "engine"): "{{engine}}"}, stacked=True),
        graph("Given up and tried again", "By the worker: after too many restarts, and once every `restart.probe_s` from then on.",
              {events("coppice_worker_escalations_total", "engine"): "{{engine}} given up",
               events("coppice_worker_trials_total", "engine"): "{{engine}} tried again"}),
    ]), ("Verdicts", [
        graph("Changes of verdict", "By the new verdict, as schedulers reach it.",
              {events("coppice_scheduler_verdict_changes_total", "verdict"): "{{verdict}}"}, stacked=True),
        graph("Engines lost, nodes silent", "By any evidence; and those whose snapshots stopped.",
              {events("coppice_scheduler_engines_lost_total", "job", "instance"): "{{instance}} engines",
               events("coppice_scheduler_nodes_silent_total", "job", "instance"): "{{instance}} silent nodes"}),
        graph("Schedulers in doubt", "Many nodes fell silent together; the scheduler took it for its own fault.",
              {"max by (job, instance) (coppice_scheduler_in_doubt)": "{{instance}} in doubt",
               events("coppice_scheduler_self_doubts_total", "job", "instance"): "{{instance}} began to doubt"}),
        graph("Unreachable engines", "From a gateway, while no scheduler says that they are dead: the network between.",
              {"sum by (job, instance) (coppice_gateway_unreachable_engines)": "{{instance}}"}),
        graph("Breakers", "Open ones, by gateway: engines that get a probe at most, as their attempts fail.",
              {"sum by (job, instance) (coppice_gateway_open_breakers)": "{{instance}} open",
               events("coppice_gateway_breaker_opens_total", "job", "instance"): "{{instance}} opened"}),
        graph("Draining engines", "And orders to drain that gateways were told.",
              {"max(coppice_gateway_draining_engines)": "draining", events("coppice_gateway_drains_total", "job", "instance"):
               "{{instance}} began"}),
    ]), ("Work", [
        graph("Retries", "Failed attempts that were placed again: on the retry budget, or free (the first after a death).",
              {rate("coppice_gateway_retries_total", "budget"): "{{budget}}"}, "ops", stacked=True),
        graph("Retries on the budget", "Of all attempts. At one in twenty and 3 a second it is spent.",
              {"coppice:attempts_retried:ratio_rate5m": "{{instance}}"}, "percentunit"),
        graph("Fenced replies", "Of attempts that were no longer the live ones: they came too late and were kept out.",
              {rate("coppice_gateway_late_replies_total", "job", "instance"): "{{instance}}"}, "ops"),
        graph("Suspects", "Requests that may kill engines, tried alone: by what became of the engine.",
              {events("coppice_gateway_trials_total", "engine"): "engine {{engine}}"}),
        graph("Judgements", "Of content that may kill engines; convicted content is refused with `poison` for ten minutes.",
              {events("coppice_scheduler_judgements_total", "verdict"): "{{verdict}}",
               "sum(increase(coppice_gateway_convictions_total[$__rate_interval]))": "told to gateways"}),
        graph("Started processes", "Gateways, schedulers and workers that were started again.",
              {"sum by (job) (changes(coppice_start_time_seconds[$__rate_interval]))": "{{job}}"}),
    ])])
