#!/usr/bin/env python3
"""Stands in for the `coppice` program: answers from a file that describes a cluster, and writes down how it was called.

cluster.json beside it: {"nodes": {NAME: {"state", "in_flight", "engines": {NAME: verdict}, "appears_after", "up_after", "stuck"}},
"silent_for", "answers": [{"engine", "outputs"} or {"refuse"}], "busy_at", "busy_answers", "fails": [NAME]}. Counts in it go down with
each look; from bursts of `busy_at` requests on, `busy_answers` are given. Nodes have a "revision" and what they are "wanted" to serve;
those in `fails` do not converge to the next one.
"""
import fcntl
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
GOOD, FAILURE, USAGE, UNREACHABLE, REFUSED = range(5)


def end(code, told=""):
    if told:
        print(f"coppice: {told}", file=sys.stderr)
    sys.exit(code)


def option(words, name):
    return words[words.index(name) + 1] if name in words else None


def counts_down(of, name):
    """Whether a count is still above 0; it goes down by one."""
    left = of.get(name, 0)
    of[name] = max(left - 1, 0)
    return left > 0


def engine_shown(node, name, verdict):
    shown = "draining" if node["state"] == "draining" and verdict == "up" else verdict
    return {"name": name, "verdict": shown, "verdict_reason": "", "last_reason": "killed by signal 9" if verdict == "quarantined" else "",
            "in_flight": node.get("in_flight", 0)}


def node_shown(name, node):
    if node["state"] != "draining" and not counts_down(node, "up_after"):
        node["engines"] = {each: "up" if verdict == "starting" else verdict for each, verdict in node["engines"].items()}
    return {"name": name, "verdict": "draining" if node["state"] == "draining" else "up", "target_revision": node.get("revision", 0),
            "workers": [{"name": name, "engines": [engine_shown(node, *each) for each in node["engines"].items()]}]}


def status(cluster, _):
    if counts_down(cluster, "silent_for"):
        end(UNREACHABLE, "unavailable: nobody answers")
    known = {name: node for name, node in cluster["nodes"].items() if not counts_down(node, "appears_after")}
    print(json.dumps({"nodes": [node_shown(*each) for each in known.items()]}))


def order(cluster, words):
    node = cluster["nodes"].get(words[1])
    if node is None:
        end(REFUSED, f"not_found: There is no node or engine '{words[1]}'.")
    node["state"] = "draining" if words[0] == "drain" else "serving"
    if node.get("stuck"):
        print(json.dumps({"target": words[1], "state": "draining", "waiting_for": node["stuck"]}))
        end(FAILURE)
    node["in_flight"] = 0
    print(json.dumps({"target": words[1], "state": "drained" if words[0] == "drain" else "serving", "waiting_for": []}))


def difference(name, node, revision, wanted):
    has, at = node.get("wanted", {}), node.get("revision", 0)
    refusal = "raise 'revision'" if at > revision or (at == revision and has != wanted) else ""
    return {"name": name, "revision": at, "target": revision, "models": {"before": has.get("models", ""), "after": wanted["models"]},
            "refusal": refusal, "differs": at != revision or has != wanted}


def differences(cluster, file):
    said = json.loads(Path(file).read_text())
    return said, [difference(name, cluster["nodes"][name], said["revision"], wanted) for name, wanted in said["nodes"].items()]


def diff(cluster, words):
    _, found = differences(cluster, words[1])
    print(json.dumps({"differs": any(each["differs"] for each in found), "nodes": found, "absent": []}))
    end(FAILURE if any(each["differs"] for each in found) else GOOD)


def apply(cluster, words):
    said, found = differences(cluster, words[1])
    if any(each["refusal"] for each in found):
        end(REFUSED, "invalid: raise 'revision'")
    failing = cluster.pop("fails", [])
    for name, wanted in said["nodes"].items():
        cluster["nodes"][name].update(revision=said["revision"], wanted=wanted)
    print(json.dumps({"revision": said["revision"], "absent": [], "nodes": [
        {"name": name, "state": "failed" if name in failing else "converged", "text": "a self-test fails" if name in failing else "converged"}
        for name in said["nodes"]]}))
    end(FAILURE if failing else GOOD)


def bench(cluster, words):
    """While it goes on, requests are answered by `busy_answers`."""
    cluster["busy"] = int(option(words, "--concurrency"))


def predict(cluster, words):
    busy = cluster.get("busy", 0) >= cluster.get("busy_at", sys.maxsize)
    answers = cluster["busy_answers" if busy else "answers"]
    answer = answers.pop(0) if len(answers) > 1 else answers[0]
    if "refuse" in answer:
        end(REFUSED, answer["refuse"])
    cluster.setdefault("answered", {})[option(words, "--key")] = answer["engine"]
    print(json.dumps({"outputs": [{"name": name, "data": data} for name, data in answer["outputs"].items()]}))


def explain(cluster, words):
    engine = cluster["answered"][words[1]]
    print(json.dumps({"hops": [{"what": "wait", "where": ""}, {"what": "link", "where": f"{engine} (acaed037515d1fa8)"}]}))


def main():
    words = sys.argv[1:]
    calls = open(HERE / "calls", "a")
    fcntl.flock(calls, fcntl.LOCK_EX)  # until the end: bursts run beside other calls
    calls.write(json.dumps(words) + "\n")
    calls.flush()
    file = HERE / "cluster.json"
    cluster = json.loads(file.read_text())
    try:
        {"status": status, "drain": order, "undrain": order, "predict": predict, "explain": explain,
         "bench": bench, "diff": diff, "apply": apply}[words[0]](cluster, words)
    finally:
        file.write_text(json.dumps(cluster))


if __name__ == "__main__":
    main()
