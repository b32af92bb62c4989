"""`coppice apply` and `diff` on real clusters: engines are replaced warm, one after the other, and nothing is lost."""
import json
import signal
import subprocess

import pytest

from tests.support.by_hand import ByHand
from tests.support.cluster import BIN, PATIENCE_S, Cluster, Dealer, send_signal, until

SENT, FLIPPED = bytes([1, 2, 3, 4]), bytes([254, 253, 252, 251])


@pytest.fixture
def folders(tmp_path):
    """Makes repositories with one model `m`: `echo` or `flip`, and what its self-test wants."""
    def repository(name, builtin, wants=None):
        place = tmp_path / name / "m"
        place.mkdir(parents=True, exist_ok=True)
        right = {"echo": SENT, "flip": FLIPPED}[builtin]
        tensor = [{"name": "x", "datatype": "UINT8", "shape": [4]}]
        (place / "model.yml").write_text(json.dumps({
            "backend": "builtin", "builtin": builtin, "inputs": tensor, "outputs": tensor,
            "self_test": [{"inputs": {"x": list(SENT)}, "outputs": {"x": list(wants or right)}}]}))
        return tmp_path / name
    return repository


def write(tmp_path, revision, **nodes):
    """A cluster.yml. What is not said of a node by name is said of all by `default`."""
    default = nodes.pop("default", None)
    said = {"revision": revision, "nodes": {name.replace("_", "-"): state for name, state in nodes.items()}}
    if default:
        said["default"] = default
    file = tmp_path / f"cluster-{revision}.yml"
    file.write_text(json.dumps({key: value for key, value in said.items() if value}))
    return file


def serving(folder, *builtins):
    return {"models": str(folder), "builtins": list(builtins)}


def request(number, **fields):
    return {"v": 1, "op": "infer", "id": number, "model": "m", **fields,
            "inputs": [{"name": "x", "datatype": "UINT8", "shape": [4], "frame": 0}]}


def answer(client, number=1):
    reply, frames = client.ask(request(number), SENT)
    assert "error" not in reply, reply
    return frames[0]


def node_of(cluster, name="node-1"):
    return next((node for node in cluster.status()["nodes"] if node["name"] == name), {"workers": []})


def start_apply(cluster, *arguments):
    return subprocess.Popen([BIN / "coppice", "apply", *map(str, arguments), "--cluster", cluster.ready_file],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def hold_engine_0(cluster, client, number, ms):
    """A step of so many milliseconds on node-1/engine-0, which keeps its process for so long."""
    assert cluster.command("drain", "node-1/engine-1").returncode == 0
    client.send({"v": 1, "op": "infer", "id": number, "model": "sleep", "parameters": {"ms": ms}, "at_most_once": True})
    until(lambda: any(e["name"] == "node-1/engine-0" and e["in_flight"] == 1 for e in cluster.engines()), "the step")
    assert cluster.command("undrain", "node-1/engine-1").returncode == 0


def until_successor(cluster):
    until(lambda: any(e["name"] == "node-1/engine-0b" and e["up_for_ms"] for e in cluster.engines()), "the successor")


def test_a_new_revision_replaces_every_engine_under_load_and_loses_no_request(tmp_path, folders):
    old, new = folders("old", "echo"), folders("new", "flip")
    with Cluster("--nodes", 2, "--engines", 2, "--models", old, "--builtins", "sleep") as cluster, Dealer(cluster.endpoint) as client:
        before = {engine["pid"] for engine in cluster.engines()}
        applying = start_apply(cluster, write(tmp_path, 1, default=serving(new, "sleep")))
        sent = answered = last = 0
        while applying.poll() is None or answered < sent or last < 2000:
            while sent - answered < 32 and (applying.poll() is None or last < 2000):
                client.send(request(sent), SENT)
                sent += 1
                last += applying.poll() is not None
            reply, frames = client.receive()
            assert "error" not in reply, reply
            assert frames[0] in (SENT, FLIPPED)
            answered += 1
        said = applying.stderr.read()
        assert applying.returncode == 0, said
        assert "node-1: converged to revision 1" in said and "node-2: converged to revision 1" in said
        assert answer(client) == FLIPPED
        print(f"{answered} requests, none failed")
        engines = cluster.engines()
        assert {engine["name"] for engine in engines} == {f"node-{n}/engine-{k}b" for n in (1, 2) for k in (0, 1)}
        assert not before & {engine["pid"] for engine in engines}
        assert all(engine["revision"] == 1 and engine["restarts"] == 0 for engine in engines)
        assert engines[0]["history"][0]["reason"] == "was replaced by revision 1"
        assert node_of(cluster)["convergence"] == "converged"
        assert "revision 1" in cluster.command("status", "--tree").stdout
        assert cluster.counted("node-1", "coppice_worker_revision") == 1
        assert cluster.counted("node-1", "coppice_worker_convergence", state="converged") == 1


def test_work_in_flight_ends_on_the_engine_that_is_replaced(tmp_path, folders):
    old, new = folders("old", "echo"), folders("new", "flip")
    with Cluster("--engines", 2, "--models", old, "--builtins", "sleep") as cluster, Dealer(cluster.endpoint) as client:
        hold_engine_0(cluster, client, 1, 2000)
        assert cluster.command("apply", write(tmp_path, 1, node_1=serving(new, "sleep"))).returncode == 0
        reply, _ = client.receive()
        assert "error" not in reply, reply
        assert answer(client) == FLIPPED


def test_a_folder_changed_in_place_is_served_with_a_raised_revision(tmp_path, folders):
    models = folders("models", "echo")
    with Cluster("--models", models) as cluster, Dealer(cluster.endpoint) as client:
        assert answer(client) == SENT
        folders("models", "flip")
        for revision in (1, 2):
            done = cluster.command("apply", write(tmp_path, revision, node_1=serving(models)))
            assert done.returncode == 0, done.stderr
            assert answer(client) == FLIPPED
        assert [engine["name"] for engine in cluster.engines()] == ["node-1/engine-0"], "the second one is back in the first place"


def test_a_revision_that_fails_its_self_test_changes_nothing_and_says_why(tmp_path, folders):
    old, bad = folders("old", "echo"), folders("bad", "flip", wants=SENT)
    with Cluster("--models", old) as cluster, Dealer(cluster.endpoint) as client:
        before = cluster.engines()[0]
        done = cluster.command("apply", write(tmp_path, 1, node_1=serving(bad)))
        assert done.returncode == 1
        assert "node-1: revision 1 failed" in done.stderr
        assert "self_test 1: output 'x' differs by 253 at [0]" in done.stderr
        after = cluster.engines()[0]
        assert (after["pid"], after["incarnation"]) == (before["pid"], before["incarnation"])
        node = node_of(cluster)
        assert (node["revision"], node["target_revision"], node["convergence"]) == (0, 1, "failed")
        assert "self_test 1" in node["convergence_reason"]
        assert "revision 1 failed: " in cluster.command("status", "--tree").stdout
        assert answer(client) == SENT
        again = cluster.command("diff", tmp_path / "cluster-1.yml")
        assert again.returncode == 1 and "Raise 'revision'" in again.stdout
        good = cluster.command("apply", write(tmp_path, 2, node_1=serving(folders("good", "flip"))))
        assert good.returncode == 0, good.stderr
        assert answer(client) == FLIPPED


def test_engines_that_had_a_failed_revision_already_go_back(tmp_path, folders):
    old, new = folders("old", "echo"), folders("new", "flip")
    with Cluster("--engines", 2, "--models", old, "--builtins", "sleep") as cluster, Dealer(cluster.endpoint) as client:
        hold_engine_0(cluster, client, 1, 4000)
        applying = start_apply(cluster, write(tmp_path, 1, node_1=serving(new, "sleep")))
        until_successor(cluster)
        folders("new", "flip", wants=SENT)  # before the second engine's successor starts
        assert "error" not in client.receive()[0]
        assert applying.wait(PATIENCE_S) == 1
        assert "node-1/engine-1b" in applying.stderr.read()
        until(lambda: sorted((e["name"], e["revision"], e["verdict"]) for e in cluster.engines())
              == [("node-1/engine-0", 0, "up"), ("node-1/engine-1", 0, "up")], "the way back")
        assert node_of(cluster)["convergence"] == "failed"
        assert answer(client) == SENT


def test_a_worker_killed_on_the_way_starts_from_where_it_was_and_converges(tmp_path, folders):
    old, new = folders("old", "echo"), folders("new", "flip")
    with Cluster("--engines", 2, "--models", old, "--builtins", "sleep") as cluster, Dealer(cluster.endpoint) as client:
        hold_engine_0(cluster, client, 1, 20_000)
        applying = start_apply(cluster, write(tmp_path, 1, node_1=serving(new, "sleep")), "--timeout", PATIENCE_S)
        until_successor(cluster)
        worker = cluster.pid("node-1")
        send_signal(worker, signal.SIGKILL)
        assert "error" in client.receive()[0], "its one engine died under it"
        assert applying.wait(PATIENCE_S) == 0, applying.stderr.read()
        assert cluster.pid("node-1") != worker
        assert {engine["revision"] for engine in cluster.engines()} == {1}
        assert answer(client) == FLIPPED


def test_a_revision_that_is_not_above_the_nodes_own_is_refused(tmp_path, folders):
    models = folders("models", "echo")
    with Cluster("--models", models) as cluster:
        five = write(tmp_path, 5, node_1=serving(models))
        assert cluster.command("apply", five).returncode == 0
        pid = cluster.engines()[0]["pid"]

        again = cluster.command("apply", five, "--json")
        assert again.returncode == 0
        assert json.loads(again.stdout)["nodes"] == [{"name": "node-1", "state": "converged", "text": "converged to revision 5"}]
        assert cluster.engines()[0]["pid"] == pid, "nothing was started for it"

        other = cluster.command("apply", write(tmp_path, 5, node_1=serving(models, "echo")))
        assert other.returncode == 4 and "another content" in other.stderr and "Raise 'revision' above 5" in other.stderr
        older = cluster.command("apply", write(tmp_path, 4, node_1=serving(models)))
        assert older.returncode == 4 and "is older" in older.stderr and "Nothing was applied" in older.stderr


def test_diff_tells_what_apply_would_change(tmp_path, folders):
    models = folders("models", "echo")
    with Cluster("--nodes", 2, "--models", models) as cluster:
        file = write(tmp_path, 3, node_1=serving(models, "echo", "flip"), node_9=serving(models))
        done = cluster.command("diff", file)
        assert done.returncode == 1
        assert "node-1  revision 0 -> 3\n  + flip\n" in done.stdout
        assert "node-9  not in the cluster now" in done.stdout and "node-2  not in the file" in done.stdout

        told = json.loads(cluster.command("diff", file, "--json").stdout)
        assert told["absent"] == ["node-9"] and told["not_in_file"] == ["node-2"]
        assert told["nodes"][0]["added"] == ["flip"] and told["nodes"][0]["removed"] == []

        partly = cluster.command("apply", file)
        assert partly.returncode == 1 and "node-9: not in the cluster now" in partly.stderr
        assert node_of(cluster)["revision"] == 3 and node_of(cluster, "node-2")["revision"] == 0
        same = cluster.command("diff", write(tmp_path, 3, node_1=serving(models, "echo", "flip")))
        assert same.returncode == 0 and "node-1  revision 3, no difference" in same.stdout


def test_what_is_wrong_with_a_file_is_named_with_its_line(tmp_path):
    file = tmp_path / "cluster.yml"
    file.write_text("revision: 1\nnodes:\n  node-1: {model: /srv}\n")
    for verb in ("apply", "diff"):
        done = subprocess.run([BIN / "coppice", verb, file, "--operator", "ipc:///nowhere"], capture_output=True, text=True)
        assert done.returncode == 2 and f"{file}:3: unknown key 'model'" in done.stderr


def test_a_group_is_replaced_together(tmp_path, folders):
    old, new = folders("old", "echo"), folders("new", "flip")
    with ByHand(tmp_path) as servers:
        servers.worker("node-1", models=str(old), state="node-1.state", engines=[{"group": "pair"}, {"group": "pair"}])
        ordered = servers.command("apply", write(tmp_path, 1, node_1=serving(new)), "--no-wait")
        assert ordered.returncode == 0, ordered.stderr

        def settled():
            engines = servers.engines()
            assert len({e["revision"] for e in engines.values() if e["verdict"] == "up"}) <= 1, engines
            return all(e["revision"] == 1 for e in engines.values())

        until(settled, "the new pair")
        assert sorted(servers.engines()) == ["node-1/engine-0b", "node-1/engine-1b"]


def test_a_worker_without_a_state_file_says_what_to_set(tmp_path, folders):
    models = folders("models", "echo")
    with ByHand(tmp_path) as servers:
        servers.worker("node-1", models=str(models))
        done = servers.command("apply", write(tmp_path, 1, node_1=serving(models)))
        assert done.returncode == 4 and "'state: PATH'" in done.stderr


def test_a_worker_starts_from_what_it_kept_or_says_why_it_cannot(tmp_path, folders):
    old, new = folders("old", "echo"), folders("new", "flip")
    with ByHand(tmp_path) as servers:
        worker = servers.worker("node-1", models=str(old), state="node-1.state")
        assert servers.command("apply", write(tmp_path, 1, node_1=serving(new))).returncode == 0
        servers.ask_to_stop("node-1")
        assert worker.wait(PATIENCE_S) == 0

        (tmp_path / "node-1.json").unlink()
        servers.start("coppice-worker", "node-1", schedulers=[servers.mesh], models=str(old), state="node-1.state")
        with Dealer(servers.endpoint) as client:
            until(lambda: client.ask(request(1), SENT)[1] == [FLIPPED], "the revision that was kept")

        (tmp_path / "node-1.state").write_text("{")
        refused = subprocess.run([BIN / "coppice-worker", "--config", tmp_path / "node-1.yml"],
                                 capture_output=True, text=True, timeout=PATIENCE_S)
        assert refused.returncode == 78
        assert "node-1.state" in refused.stderr and "remove it" in refused.stderr


def test_a_signed_repository_is_verified_again_for_each_revision(tmp_path, folders):
    def sign(*words):
        done = subprocess.run([BIN / "coppice", "sign", *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    repositories = {name: folders(name, builtin) for name, builtin in (("old", "echo"), ("new", "flip"), ("bad", "flip"))}
    sign("new", tmp_path / "store.key")
    for each in repositories.values():
        sign("folder", each, "--key", tmp_path / "store.key")
    folders("bad", "echo")  # altered after it was signed
    config = tmp_path / "up.yml"
    config.write_text(json.dumps({"worker": {"trusted_keys": [str(tmp_path / "store.key.pub")]}}))
    with Cluster("--models", repositories["old"], "--config", config) as cluster, Dealer(cluster.endpoint) as client:
        assert cluster.command("apply", write(tmp_path, 1, node_1=serving(repositories["new"]))).returncode == 0
        assert answer(client) == FLIPPED

        refused = cluster.command("apply", write(tmp_path, 2, node_1=serving(repositories["bad"])))
        assert refused.returncode == 1 and "not what was signed" in refused.stderr
        assert answer(client) == FLIPPED

        # Its engine gets the files that were verified, whatever has become of their names.
        (repositories["new"] / "m/model.yml").unlink()
        engine = cluster.engines()[0]
        send_signal(engine["pid"], signal.SIGKILL)
        until(lambda: any(e["restarts"] == 1 and e["up_for_ms"] for e in cluster.engines()), "the restart")
        assert answer(client) == FLIPPED
