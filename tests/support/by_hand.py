"""Servers started by hand with configurations of one's own; nobody starts them again."""
import json
import signal
import subprocess

from tests.support.cluster import BIN, PATIENCE_S, until


class Servers:
    """`with Servers(folder) as servers`: those that are started in it end with it."""

    def __init__(self, folder):
        self.folder, self.processes = folder, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait(PATIENCE_S)

    def start(self, program, name, prepare=None, **config):
        """Starts a server and waits until it is ready. Returns what its ready file says."""
        files = {ending: self.folder / f"{name}.{ending}" for ending in ("yml", "json", "log")}
        files["yml"].write_text(json.dumps({"name": name, **config}))
        with open(files["log"], "w") as log:
            process = self.processes[name] = subprocess.Popen(
                [BIN / program, "--config", files["yml"], "--ready-file", files["json"]],
                stdout=log, stderr=log, preexec_fn=prepare)
        until(lambda: files["json"].exists() or process.poll() is not None, f"{name} to be ready")
        assert process.poll() is None, files["log"].read_text()
        return json.loads(files["json"].read_text())


class ByHand(Servers):
    """One gateway with a scheduler in it, and the workers that a test adds."""

    def __init__(self, folder):
        super().__init__(folder)
        ready = self.start("coppice-gateway", "gateway", door="tcp://127.0.0.1:0", operator=f"ipc://{folder}/operator",
                           embedded_scheduler={"listen": "127.0.0.1:0"})
        self.endpoint, self.mesh = ready["door"], ready["mesh"]
        self.cluster = folder / "cluster.json"
        self.cluster.write_text(json.dumps({"gateways": [ready["door"]], "operator": ready["operator"]}))

    def worker(self, name, prepare=None, **config):
        self.start("coppice-worker", name, prepare, schedulers=[self.mesh], **config)
        until(lambda: any(engine["name"].startswith(name) for engine in self.engines().values()), f"{name} in the status")
        return self.processes[name]

    def command(self, *arguments):
        return subprocess.run([BIN / "coppice", *map(str, arguments), "--cluster", self.cluster],
                              capture_output=True, text=True, timeout=PATIENCE_S)

    def engines(self):
        """The engines that the scheduler knows, by name."""
        done = self.command("status", "--json")
        nodes = json.loads(done.stdout)["nodes"] if done.returncode == 0 else []
        return {engine["name"]: engine for node in nodes for worker in node["workers"] for engine in worker["engines"]}

    def engine_when(self, name, holds, what):
        return until(lambda: (it := self.engines().get(name)) and holds(it) and it, what)

    def ask_to_stop(self, name):
        self.processes[name].send_signal(signal.SIGTERM)
