"""One engine in a process of its own.

    worker.py build ENGINE MODEL ARTEFACT
    worker.py serve ENGINE MODEL ARTEFACT POOL WIDTH FOLDER

`serve` says `ready`, then answers each line of its input with `done`:
    score START COUNT BATCH   scores so many documents of the pool in batches (`done SECONDS`: it measured itself)
    dump PATH COUNT           writes the first scores of the last call as float64
    load                      reads the model again
"""

import sys

import engines
import numpy as np


def serve(name, model, artefact, pool, width, folder):
    pool = engines.Pool(pool, int(width))
    if name == "lightgbm":
        engine = engines.LightGbm(model, pool, folder)
    else:
        engine = engines.ENGINES[name]()
        engine.load(model, artefact, pool, folder)
    print("ready", flush=True)
    for line in sys.stdin:
        match line.split():
            case ["score", start, count, batch]:
                seconds = engine.score(int(start), int(count), int(batch))
                print("done" if seconds is None else f"done {seconds!r}", flush=True)
            case ["dump", path, count]:
                engine.scores[:int(count)].astype(np.float64).tofile(path)
                print("done", flush=True)
            case ["load"]:
                engine.load()
                print("done", flush=True)
            case _:
                sys.exit(f"not understood: {line!r}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["build", name, model, artefact]:
            engines.ENGINES[name]().build(model, artefact)
        case ["serve", *arguments]:
            serve(*arguments)
        case _:
            sys.exit(__doc__)
