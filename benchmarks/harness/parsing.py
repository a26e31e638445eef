"""Reading a request's body by the server, beside serde_json into owned structs."""

from . import bodies, places, processes, progress
from .figures import ratios, summary

SECONDS = 0.15


def run(options):
    core = processes.cores()[-1]
    result = {"rounds": options.rounds, "bodies": {}}
    ids = [f"P{number:06}" for number in range(100)]
    for name, texts in (("inline", bodies.inline()), ("ids", bodies.of_lists([("running shoes", ids)]))):
        path = bodies.written(f"parse-{name}", texts)
        with processes.Worker("parser", [places.program("searchop-benchmark"), "parse", path], core) as worker:
            worker.ask("serde", 200)
            count = max(1, int(SECONDS / (worker.ask("serde", 200) / 200)))
            times = {"served": [], "serde": []}
            for number in range(options.rounds):
                progress.tell(f"parsing {name}: round {number + 1} of {options.rounds}")
                order = list(times)
                for parser in order if number % 2 == 0 else reversed(order):
                    times[parser].append(worker.ask(parser, count) / count)
        result["bodies"][name] = {
            "bytes": bodies.mean_bytes(texts), "ratio": ratios(times["served"], times["serde"]),
            "microseconds": {parser: summary(1e6 * seconds for seconds in values) for parser, values in times.items()}}
    return result
