"""Who asks for more than there is, and what happens to the others."""
from panels import dashboard, graph


def rate(metric, *labels, where=""):
    return f'sum by ({", ".join(labels)}) (rate({metric}{where}[$__rate_interval]))'


DASHBOARD = dashboard(
    "overload", "Overload and tenants", "Who asks for more than there is, what is refused, and who waits.", [],
    [("Refused", [
        graph("Shed by reason",
              "quota: a tenant's limits. bytes, queue_full, tenant_share, slow_client: room. deadline, queue_age, pushed_out: time.",
              {rate("coppice_gateway_shed_total", "reason"): "{{reason}}"}, "reqps", stacked=True),
        graph("Shed by class", "batch goes before normal before critical.",
              {rate("coppice_gateway_shed_total", "class"): "{{class}}"}, "reqps", stacked=True),
        graph("Refused by code", "Before any work, whatever the reason.",
              {rate("coppice_gateway_refused_requests_total", "code"): "{{code}}"}, "reqps", stacked=True),
        graph("Share that is shed", "Of all requests of a class, without what tenants' quotas refuse.",
              {"coppice:requests_shed:ratio_rate5m": "{{class}}"}, "percentunit"),
        graph("Share that is late", "Requests whose deadline passed, of all.",
              {"coppice:requests_late:ratio_rate5m": "{{model}}:{{version}}"}, "percentunit"),
        graph("Wait for an engine", "99 of 100 requests, by class.",
              {f'histogram_quantile(0.99, {rate("coppice_gateway_queue_seconds_bucket", "class", "le")})': "{{class}}"}, "s"),
    ]), ("Tenants", [
        graph("Requests by tenant", "The first 64 tenants have names, all further ones are `other`.",
              {rate("coppice_gateway_tenant_requests_total", "tenant"): "{{tenant}}"}, "reqps", stacked=True),
        graph("Share that is refused", "Of each tenant's requests.",
              {"coppice:tenant_requests_refused:ratio_rate5m": "{{tenant}}"}, "percentunit"),
        graph("Failed and late", "Of each tenant's requests: failed, or past their deadline.",
              {rate("coppice_gateway_tenant_requests_total", "tenant", "outcome", where='{outcome=~"failed|expired"}'):
               "{{tenant}} {{outcome}}"}, "reqps"),
    ]), ("Room", [
        graph("Engines busy", "On average over all engines; without room there are too few.",
              {"avg(coppice:engine_busy:rate5m)": "average", "max(coppice:engine_busy:rate5m)": "busiest"}, "percentunit"),
        graph("Oldest wait", "By class, of the model that waits longest.",
              {"max by (class) (coppice_gateway_oldest_wait_seconds)": "{{class}}"}, "s"),
        graph("Memory of gateways", "Of their limits; the fullest gateway.",
              {"max(coppice:gateway_admitted_bytes:ratio)": "open requests",
               "max(coppice:gateway_outgoing_bytes:ratio)": "untaken replies"},
              "percentunit", top=1),
    ])])
