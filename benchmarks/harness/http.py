"""Ranking servers beside each other: CPU time and latency, saturation, memory, start, overload."""

from . import bodies, processes, progress, servers
from .figures import summary
from .saturation import highest, keeps_up, rates

ROUNDS = 5
ROUND_SECONDS = 3.0
STARTS = 5
OVERLOAD_SECONDS = 60.0
# The generator was slower than this to start requests: then it was measured too.
MOST_LATENESS_MILLISECONDS = 10.0


def run(options):
    cores = processes.cores()
    if len(cores) < 2:
        raise SystemExit("error: the server and the load generator need a core each")
    server_core, load_core = cores[0], cores[1]
    rounds = min(options.rounds, ROUNDS)
    everything = servers.all_of_them(server_core)
    with processes.driver_on(load_core):
        return measure(everything, server_core, load_core, rounds, options.rounds < ROUNDS)


def measure(everything, server_core, load_core, rounds, short):
    running, result = [], {"rounds": rounds, "servers": {}}
    try:
        for server in everything:
            progress.tell(f"starting {server.name}")
            running.append(server)
            starts = [start_again(server, server_core) for _ in range(1 if short else STARTS)]
            result["servers"][server.name] = {"start": summary(starts), "body": bodies.mean_bytes(server.bodies),
                                              "saturation": saturation(server, load_core)}
        for name, figures in half_load(running, result["servers"], rounds, load_core).items():
            result["servers"][name].update(figures)
        own = next(server for server in running if server.name == "searchop")
        result["overload"] = overload(own, result["servers"]["searchop"]["saturation"]["rate"], load_core,
                                      5.0 if short else OVERLOAD_SECONDS)
    finally:
        for server in running:
            server.stop()
    return result


def start_again(server, core):
    server.stop()
    return server.start(core)


def saturation(server, core):
    progress.tell(f"{server.name}: warming up")
    server.load(core, 30, 1.0)
    trial = server.load(core, 60, 1.5)
    tried = {}

    def passes(rate):
        progress.tell(f"{server.name}: {rate:.0f} requests a second")
        # A neighbour of this machine may spoil one run.
        loads = []
        for _ in range(2):
            loads.append(server.load(core, rate, 2.0))
            if keeps_up(loads[-1]):
                break
        tried[rate] = loads[-1]
        return keeps_up(loads[-1])

    rate = highest(rates(1 / trial["cpuPerAnswer"]), passes)
    if rate is None:
        raise RuntimeError(f"{server.name} keeps up with no rate that was tried: {sorted(tried)}")
    # Where no higher rate was tried, or the generator itself was late, the server might do more.
    above = [tried[other] for other in sorted(tried) if other > rate]
    return {"rate": rate, "generatorBound": not above or above[0]["lateness"]["p99"] > MOST_LATENESS_MILLISECONDS}


def half_load(running, known, rounds, core):
    """Every server at half of its saturation, in turns."""
    figures = {server.name: {"cpu": [], "p50": [], "p99": [], "memory": []} for server in running}
    for number in range(rounds):
        for server in running if number % 2 == 0 else reversed(running):
            progress.tell(f"half of saturation: round {number + 1} of {rounds}, {server.name}")
            load = server.load(core, known[server.name]["saturation"]["rate"] / 2, ROUND_SECONDS)
            if load["succeeded"] != load["requests"]:
                raise RuntimeError(f"{server.name} fails at half of its saturation: {load['failures']}")
            of = figures[server.name]
            of["cpu"].append(1e6 * load["cpuPerAnswer"])
            of["p50"].append(load["latency"]["p50"])
            of["p99"].append(load["latency"]["p99"])
            of["memory"].append(max(load["memory"]) / (1 << 20))
    return {name: {**{key: summary(values) for key, values in of.items()}, "rounds": of,
                   "tail": summary(p99 / p50 for p99, p50 in zip(of["p99"], of["p50"]))} for name, of in figures.items()}


def overload(server, rate, core, seconds):
    told = lambda passed: progress.tell(f"three times saturation: {passed:.0f} of {seconds:.0f} s")
    load = server.load(core, 3 * rate, seconds, timeout=2.0, connections=900, watch=told)
    half = len(load["memory"]) // 2
    return {"rate": 3 * rate, "offered": load["requests"] / load["scheduledSeconds"], "seconds": load["seconds"],
            "goodput": load["succeeded"] / load["seconds"], "share": load["succeeded"] / load["seconds"] / rate,
            "degraded": load["unmarked"], "failures": load["failures"], "latency": load["latency"],
            "memory": {"first": max(load["memory"][:half] or load["memory"]) / (1 << 20),
                       "second": max(load["memory"][half:]) / (1 << 20)}}
