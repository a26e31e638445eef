"""The bundles that the servers are measured with, made by the trainer: one of bare features, one of a shop."""

import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess

from . import places, progress

FEATURES, CANDIDATES = 30, 100


def inline():
    """Folder with `bundles/DIGEST`, of a model of 300 trees with 31 leaves over 30 features."""
    def make(folder):
        progress.tell("training the model of bare features")
        data = folder / "rows.svmlight"
        data.write_text("".join(svmlight_lines(random.Random(11))))
        return train(folder, "--input", f"SvmLight={data}", "--feature-numbering", "ZeroBased", "--split-mode", "Query",
                     "--num-iterations", 300, "--num-leaves", 31)
    return made("inline", make)


def shop():
    """The same of a demo shop, with features computed from its catalogue."""
    def make(folder):
        progress.tell("generating a shop and training its model")
        trainer(folder, "generate", "--result-file", folder / "dataset.json")
        dataset = json.loads((folder / "dataset.json").read_text())["artifact"]
        return train(folder, "--dataset-uri", dataset["uri"], "--dataset-sha256", dataset["sha256"])
    return made("shop", make)


def svmlight_lines(draw, queries=300, rows=60):
    weights = [draw.gauss(0, 1) for _ in range(FEATURES)]
    for query in range(queries):
        for _ in range(rows):
            values = row(draw)
            signal = sum(weight * value for weight, value in zip(weights[:8], values)) + values[8] * values[9] + draw.gauss(0, 2)
            label = sum(signal > bound for bound in (0.5, 2.5, 4.5, 6.5))
            written = " ".join(f"{number}:{value!r}" for number, value in enumerate(values))
            yield f"{label} qid:{query} {written}\n"


def row(draw):
    """Features as services send them: text scores, prices, counts and shares."""
    return ([round(draw.gauss(0, 1), 6) for _ in range(15)] + [round(draw.lognormvariate(3, 1), 2) for _ in range(5)]
            + [float(draw.randrange(0, 500)) for _ in range(5)] + [round(draw.random(), 8) for _ in range(5)])


def made(name, make):
    """As `make` leaves it, kept for as long as the trainer is the same program."""
    program = hashlib.sha256(pathlib.Path(places.program("searchop-trainer")).read_bytes()).hexdigest()[:12]
    folder = places.CACHE / "bundles" / f"{name}-{program}"
    note = folder / "made.json"
    if not note.exists():
        for old in (places.CACHE / "bundles").glob(f"{name}-*"):
            shutil.rmtree(old)
        folder.mkdir(parents=True)
        digest = make(folder)
        note.write_text(json.dumps({"digest": digest}))
    digest = json.loads(note.read_text())["digest"]
    return {"bundles": folder / "bundles", "digest": digest, "model": folder / "bundles" / digest / "model.txt"}


def trainer(folder, *arguments):
    call([places.program("searchop-trainer"), "--store", folder / "store", "--work-directory", folder / "work", *arguments])


def train(folder, *arguments):
    trainer(folder, "train", "--result-file", folder / "model.json", *arguments)
    model = json.loads((folder / "model.json").read_text())["model"]
    call([places.program("searchop-server"), "fetch", "--into", folder / "bundles", "--bundle",
          f"{model['uri']}#sha256={model['sha256']}", "--required", model["sha256"], "--result-file", folder / "fetch.json"],
         {"SEARCHOP_STORE": str(folder / "store")})
    return model["sha256"]


def call(command, environment=None):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} {command[1]}: {(done.stderr or done.stdout).strip()[-800:]}")
