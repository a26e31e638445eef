"""The servers that are measured: how each is started, and what it is sent."""

import dataclasses
import http.client
import json
import os
import pathlib
import subprocess
import time
import urllib.request

from . import bodies, bundles, environments, places, processes

MARK = "x-searchop-model"
HOST = "127.0.0.1"


@dataclasses.dataclass
class Server:
    name: str
    command: list
    port: int
    bodies: list
    path: str = "/v1/rank"
    mark: str | None = None
    process: subprocess.Popen | None = None

    def start(self, core):
        """Starts it, and tells the seconds until it first ranked."""
        log = places.CACHE / "logs" / f"{self.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        self.bodies_path = bodies.written(self.name, self.bodies)
        began = time.monotonic()
        with log.open("wb") as output:
            self.process = subprocess.Popen(processes.pinned(core, self.command), stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, env=processes.ENVIRONMENT)
        while not self.ranks():
            if self.process.poll() is not None or time.monotonic() - began > 120:
                self.stop()
                raise RuntimeError(f"{self.name} does not rank: {log.read_text(errors='replace')[-1500:]}")
            time.sleep(0.001)
        return time.monotonic() - began

    def ranks(self):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request("POST", self.path, self.bodies[0], {"content-type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200 and (self.mark is None or answer.getheader(self.mark) is not None)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self):
        """Its processes, and no others."""
        if self.process is None:
            return
        for pid in reversed(processes.tree(self.process.pid)):
            try:
                os.kill(pid, 9)
            except OSError:
                pass
        self.process.wait()
        self.process = None

    def load(self, core, rate, seconds, timeout=5.0, connections=512, watch=None):
        """Sends `seconds` of requests at a rate; adds the server's CPU time and memory to what became of them."""
        command = [places.program("searchop-benchmark"), "load", f"{HOST}:{self.port}", "--path", self.path, "--bodies",
                   self.bodies_path, "--rate", rate, "--requests", max(20, round(rate * seconds)), "--timeout-seconds", timeout,
                   "--connections", connections]
        if self.mark:
            command += ["--mark", self.mark]
        before = processes.tree_cpu_seconds(self.process.pid)
        generator = subprocess.Popen(processes.pinned(core, command), stdout=subprocess.PIPE, text=True)
        memory, began = [], time.monotonic()
        while True:
            memory.append(processes.resident_bytes(self.process.pid))
            if watch:
                watch(time.monotonic() - began)
            try:
                generator.wait(timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                continue
        if generator.returncode != 0:
            raise RuntimeError(f"the load generator failed against {self.name}")
        result = json.loads(generator.stdout.read())
        answered = max(1, result["requests"] - sum(result["failures"].values()))
        cpu = processes.tree_cpu_seconds(self.process.pid) - before
        return {**result, "cpu": cpu, "cpuPerAnswer": cpu / answered, "memory": memory}


def searchop(name, bundle, port, requests):
    command = [places.program("searchop-server"), "serve", "--bundles-directory", bundle["bundles"], "--bundle", bundle["digest"],
               "--single", "--address", HOST, "--port", port, "--admin-port", port + 1]
    return Server(name, command, port, requests, mark=MARK)


def first_item(bundle):
    """The id of an item of the bundle's catalogue."""
    with (bundle["bundles"] / bundle["digest"] / "catalogue.jsonl").open() as lines:
        item = json.loads(lines.readline())
    return item.get("item_id") or item["id"]


def candidate_ids(server, core):
    """Queries of the shop, each with the 100 items that it finds."""
    found = []
    server.start(core)
    try:
        for query in ("shoes", "black", "men", "women", "light", "a"):
            with urllib.request.urlopen(f"http://{HOST}:{server.port}/v1/search?q={query}&limit=100") as answer:
                ids = [item["id"] for item in json.load(answer)["results"]]
            if len(ids) == bundles.CANDIDATES:
                found.append((query, ids))
    finally:
        server.stop()
    if not found:
        raise RuntimeError("no query finds 100 items")
    return found


def all_of_them(core):
    """Every server, our own first."""
    inline, shop = bundles.inline(), bundles.shop()
    rows, own = bodies.inline(), places.program("searchop-benchmark")
    by_id = bodies.of_lists(candidate_ids(searchop("shop", shop, 18100, [bodies.of_ids([first_item(shop)], "shoes")]), core))
    mlserver = mlserver_folder(inline["model"], 18170)
    peer = lambda name, port: [environments.python(name), places.PEERS / name / "server.py", inline["model"], port]
    return [
        searchop("searchop", inline, 18110, rows),
        Server("echo", [own, "echo", f"{HOST}:18120"], 18120, rows),
        Server("axum-lightgbm", [own, "lightgbm", f"{HOST}:18130", inline["model"]], 18130, rows),
        Server("fastapi", peer("fastapi", 18140), 18140, rows),
        Server("kserve", peer("kserve", 18150), 18150, bodies.v1(), "/v1/models/ranker:predict"),
        Server("mlserver", mlserver, 18170, bodies.v2(), "/v2/models/ranker/infer"),
        searchop("searchop-ids", shop, 18180, by_id),
        Server("echo-ids", [own, "echo", f"{HOST}:18190"], 18190, by_id),
    ]


def mlserver_folder(model, port):
    folder = places.CACHE / "mlserver"
    python = environments.python("mlserver")
    subprocess.run([python, places.PEERS / "mlserver" / "settings.py", folder, model, str(port)], check=True)
    return [pathlib.Path(python).parent / "mlserver", "start", folder]
