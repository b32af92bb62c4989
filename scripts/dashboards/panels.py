"""Grafana's dashboard model, as much of it as these dashboards use."""

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24


def targets(queries, **further):
    """`queries`: expression -> legend."""
    return [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": expr, "legendFormat": legend, **further}
            for i, (expr, legend) in enumerate(queries.items())]


def panel(kind, title, description, width, height, **parts):
    return {"type": kind, "title": title, "description": description, "datasource": SOURCE,
            "gridPos": {"w": width, "h": height}, **parts}


def graph(title, description, queries, unit="short", stacked=False, width=8, top=None):
    """Lines over time; `stacked` where the sum means something."""
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 30 if stacked else 5, "showPoints": "never",
              "stacking": {"mode": "normal" if stacked else "none", "group": "A"}}
    defaults = {"unit": unit, "min": 0, "color": {"mode": "palette-classic"}, "custom": custom}
    return panel("timeseries", title, description, width, 8, targets=targets(queries),
                 fieldConfig={"defaults": defaults | ({"max": top} if top else {}), "overrides": []},
                 options={"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                          "tooltip": {"mode": "multi", "sort": "desc"}})


def number(title, description, expr, unit="short", alarm=None, alarm_below=False, width=4):
    """One figure. `alarm`: from there on (or below it, if `alarm_below`) it is red."""
    good, bad = ("red", "green") if alarm_below else ("green", "red")
    steps = [{"color": good, "value": None}] + ([] if alarm is None else [{"color": bad, "value": alarm}])
    return panel("stat", title, description, width, 4, targets=targets({expr: ""}),
                 fieldConfig={"defaults": {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}}, "overrides": []},
                 options={"colorMode": "value", "graphMode": "area", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
                          "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}})


def table(title, description, expr, columns, value=None, width=12):
    """The labels `columns` of what `expr` gives now, and its value under the name `value`."""
    hidden = {"Time": True} | ({} if value else {"Value": True})
    shown = columns + ([] if value is None else ["Value"])
    organize = {"id": "organize", "options": {"excludeByName": hidden, "indexByName": {name: i for i, name in enumerate(shown)},
                                              "renameByName": {"Value": value} if value else {}}}
    return panel("table", title, description, width, 8, targets=targets({expr: ""}, format="table", instant=True),
                 fieldConfig={"defaults": {}, "overrides": []}, options={"showHeader": True}, transformations=[organize])


def choice(name, label, metric, of):
    """A variable: all values of the label `of` of `metric`, any number of which can be chosen."""
    query = f"label_values({metric}, {of})"
    return {"name": name, "label": label, "type": "query", "datasource": SOURCE,
            "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "multi": True, "includeAll": True, "allValue": ".*",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]}, "hide": 0, "options": [], "regex": ""}


GATEWAY = choice("gateway", "Gateway", "coppice_gateway_open_requests", "instance")
MODEL = choice("model", "Model", "coppice_gateway_requests_total", "model")
ENGINE = choice("engine", "Engine", "coppice_worker_engine_up", "engine")
DATASOURCE = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
              "multi": False, "includeAll": False, "current": {}, "hide": 0, "options": [], "regex": ""}
OTHERS = {"type": "dashboards", "title": "Coppice", "tags": ["coppice"], "asDropdown": True, "keepTime": True, "includeVars": True,
          "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}


def placed(sections):
    """The panels of all sections with their numbers and places; each section has a heading."""
    laid, y = [], 0
    for heading, panels in sections:
        laid.append({"type": "row", "title": heading, "collapsed": False, "panels": [],
                     "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
        y, x, tallest = y + 1, 0, 0
        for each in panels:
            size = each["gridPos"]
            if x + size["w"] > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            laid.append(each | {"gridPos": {"x": x, "y": y, **size}})
            x, tallest = x + size["w"], max(tallest, size["h"])
        y += tallest
    return [{"id": i, **each} for i, each in enumerate(laid, 1)]


def dashboard(name, title, description, variables, sections):
    """`sections`: (heading, panels) from top to bottom."""
    return {"uid": f"coppice-{name}", "title": f"Coppice / {title}", "description": description, "tags": ["coppice"],
            "schemaVersion": 38, "version": 1, "editable": True, "graphTooltip": 1, "refresh": "10s", "timezone": "",
            "time": {"from": "now-1h", "to": "now"}, "annotations": {"list": []}, "links": [OTHERS],
            "templating": {"list": [DATASOURCE, *variables]}, "panels": placed(sections)}
