#!/usr/bin/env python3
"""Measures and writes docs/performance.md. `make bench` calls it, through scripts/bench.sh.

    run.py scorer|parser|http|training|all    measure, then write the page with all that was ever measured here
    run.py prepare                            install, train and compile what the scorer is measured beside
    run.py page                               write the page again

Environment: ROUNDS (9), SHAPES ("31x300 255x1000"; all six), RECOMPILE=1 (compile the peers again),
COMPILE=0 (leave out peers that are not compiled yet).
"""

import json
import os
import sys
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import http, machine, page, parsing, places, progress, scorer, training  # noqa: E402

PARTS = {"scorer": scorer, "parser": parsing, "http": http, "training": training}


def options(environment):
    shapes = [tuple(map(int, word.split("x"))) for word in environment.get("SHAPES", "").split()]
    rounds = int(environment.get("ROUNDS", "9"))
    if rounds < 1:
        sys.exit("error: ROUNDS is at least 1")
    return types.SimpleNamespace(shapes=shapes or scorer.SHAPES, rounds=rounds, again=environment.get("RECOMPILE") == "1",
                                 compiles=environment.get("COMPILE") != "0")


def measure(name, chosen):
    result = {"machine": machine.describe(), **PARTS[name].run(chosen)}
    progress.clear()
    places.RESULTS.mkdir(parents=True, exist_ok=True)
    temporary = places.RESULTS / f"{name}.part"
    temporary.write_text(json.dumps(result, indent=1))
    temporary.replace(places.RESULTS / f"{name}.json")


def main(words):
    chosen = options(os.environ)
    match words:
        case ["prepare"]:
            return scorer.prepare(chosen)
        case ["page"]:
            names = []
        case ["all"]:
            names = list(PARTS)
        case [name] if name in PARTS:
            names = [name]
        case _:
            sys.exit(__doc__)
    for name in names:
        measure(name, chosen)
    results = {name: json.loads((places.RESULTS / f"{name}.json").read_text()) for name in PARTS
               if (places.RESULTS / f"{name}.json").exists()}
    print(page.write(results, places.DOCS))


if __name__ == "__main__":
    main(sys.argv[1:])
