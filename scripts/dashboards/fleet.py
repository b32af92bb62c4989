"""The first look: are clients served, and is every part there?"""
from panels import MODEL, dashboard, graph, number, table

DASHBOARD = dashboard(
    "fleet", "Fleet", "Whether clients are served and every part is there. Start here.", [MODEL],
    [("Now", [
        number("Alerts", "Alerts that fire, of any severity; the table below names them.",
               'count(ALERTS{alertstate="firing"}) or vector(0)', alarm=1),
        number("Requests", "Requests that got their outcome.", "sum(rate(coppice_gateway_requests_total[$__rate_interval]))", "reqps"),
        number("Failed", "Requests that failed by the cluster's fault, of all; the objective is 0.1 %.",
               'sum(rate(coppice_gateway_requests_total{code=~"unavailable|worker_lost|unknown_outcome|internal"}[5m]))'
               " / (sum(rate(coppice_gateway_requests_total[5m])) > 0)", "percentunit", alarm=0.001),
        number("Waiting", "Requests that wait for an engine.", "sum(coppice_gateway_waiting_rows)"),
        number("Engines up", "Engines that take work, of all that workers have.",
               "sum(coppice_worker_engine_up) / count(coppice_worker_engine_up)", "percentunit", alarm=0.999, alarm_below=True),
        number("Processes down", "Gateways, schedulers and workers that Prometheus cannot reach.",
               'count(up{job=~"coppice-.+"} == 0) or vector(0)', alarm=1),
    ]), ("Requests", [
        graph("Requests by outcome", "`ok`, or the error code that the client saw; every code is in docs/protocol.md.",
              {'sum by (code) (rate(coppice_gateway_requests_total{model=~"$model"}[$__rate_interval]))': "{{code}}"},
              "reqps", stacked=True),
        graph("Requests by model", "Where the load goes.",
              {'sum by (model, version) (rate(coppice_gateway_requests_total{model=~"$model"}[$__rate_interval]))':
               "{{model}}:{{version}}"}, "reqps", stacked=True),
        graph("Time to the outcome", "From admission to the outcome, as the gateway saw it.",
              {'coppice:request_seconds:p50_rate5m{model=~"$model"}': "{{model}}:{{version}} median",
               'coppice:request_seconds:p99_rate5m{model=~"$model"}': "{{model}}:{{version}} 99 %"}, "s"),
        graph("Failed requests", "By the cluster's fault, of all. The alerts look at these two windows.",
              {'coppice:requests_failed:ratio_rate5m{model=~"$model"}': "{{model}}:{{version}} 5 min",
               'coppice:requests_failed:ratio_rate1h{model=~"$model"}': "{{model}}:{{version}} 1 h"}, "percentunit"),
        graph("Open requests", "Without an outcome yet, and of these the ones that wait for an engine.",
              {"sum(coppice_gateway_open_requests)": "open", "sum(coppice_gateway_waiting_rows)": "waiting"}),
        graph("Refused for want of room", "Of all requests of a class; see the overload dashboard.",
              {"coppice:requests_shed:ratio_rate5m": "{{class}}"}, "percentunit"),
    ]), ("Parts", [
        graph("Engines by verdict", "As their own workers see them.",
              {"sum by (verdict) (coppice_worker_engines)": "{{verdict}}"}, stacked=True),
        graph("Engines busy", "The time in which an engine computes; 100 % is one step at every moment.",
              {"coppice:engine_busy:rate5m": "{{engine}}"}, "percentunit"),
        graph("Processes", "How many of each kind answer.",
              {'sum by (job) (up{job=~"coppice-.+"})': "{{job}}"}),
        table("Alerts that fire", "What each means and what to do: docs/monitoring.md.",
              'sum by (alertname, severity, job, instance, model, engine) (ALERTS{alertstate="firing"})',
              ["severity", "alertname", "job", "instance", "model", "engine"]),
        table("Versions", "Processes of each version. Two versions only during an upgrade.",
              "count by (version, job) (coppice_build_info)", ["version", "job"], value="processes"),
    ])])
