"""Training by the trainer beside LightGBM's Python package: the same matrix, parameters and thread."""

import pathlib
import tempfile

from . import environments, places, processes, progress, scorer
from .figures import ratios, summary

ITERATIONS, LEAVES, GROUP, ROUNDS = 100, 31, 100, 5


def trees(text):
    """What a model text predicts with; parameters and paths come after it."""
    return text.split("end of trees")[0]


def run(options):
    folder = places.CACHE / "models"
    folder.mkdir(parents=True, exist_ok=True)
    matrix, labels = folder / "matrix.f64", folder / "labels.u8"
    if not labels.exists() or not matrix.exists():
        scorer.run_python(scorer.SCRIPTS / "data.py", "matrix", matrix, labels)
    core, rounds = processes.cores()[-1], min(options.rounds, ROUNDS)
    ours = [places.program("searchop-benchmark"), "train", matrix, labels, "--group", GROUP, "--iterations", ITERATIONS,
            "--leaves", LEAVES, "--threads", 1]
    with tempfile.TemporaryDirectory() as temporary:
        place = pathlib.Path(temporary)
        with processes.Worker("searchop", ours, core) as own:
            own.ask("parameters", place / "parameters")
            parameters = (place / "parameters").read_text()
            theirs = [environments.python("scorer"), scorer.SCRIPTS / "training.py", matrix, labels, GROUP, ITERATIONS, parameters]
            with processes.Worker("lightgbm", theirs, core) as other:
                times = {"searchop": [], "lightgbm": []}
                for number in range(rounds):
                    progress.tell(f"training: round {number + 1} of {rounds}")
                    order = [("searchop", own), ("lightgbm", other)]
                    for name, worker in order if number % 2 == 0 else reversed(order):
                        times[name].append(worker.ask("train"))
                own.ask("dump", place / "own")
                other.ask("dump", place / "other")
        equal = trees((place / "own").read_text()) == trees((place / "other").read_text())
    documents = labels.stat().st_size
    return {"documents": documents, "features": matrix.stat().st_size // 8 // documents, "iterations": ITERATIONS,
            "leaves": LEAVES, "rounds": rounds, "equal": equal,
            "seconds": {name: summary(values) for name, values in times.items()},
            "ratio": ratios(times["searchop"], times["lightgbm"])}
