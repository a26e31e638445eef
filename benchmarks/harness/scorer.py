"""The scorer beside LightGBM and every engine that takes its models: one thread, one core, CPU time."""

import array
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

from . import environments, places, processes, progress
from .figures import ratios, summary

FEATURES = 136
SHAPES = [(leaves, trees) for leaves in (31, 64, 255) for trees in (300, 1000)]
BATCHES = (1, 100, 1000)
POOL_DOCUMENTS = 36_000
# Compilers get this much CPU time for a model.
BUILD_LIMIT_SECONDS = 600
COMPILED = ("onnxruntime", "ydf", "tl2cgen", "lleaves-f64", "lleaves-f32")
PEERS = ("lleaves-f64", "lleaves-f32", "tl2cgen", "ydf", "onnxruntime", "treelite")
EQUALITY_MODELS = 36
SCRIPTS = places.PEERS / "scorer"


def name_of(shape):
    return f"{shape[0]}x{shape[1]}"


def model_path(shape):
    return places.CACHE / "models" / f"{name_of(shape)}.txt"


def run_python(*arguments):
    subprocess.run([environments.python("scorer"), *map(str, arguments)], check=True)


def prepare_models(shapes):
    """Documents and models; trained once."""
    folder = places.CACHE / "models"
    folder.mkdir(parents=True, exist_ok=True)
    pool = folder / "pool.f64"
    if not pool.exists():
        progress.tell("making documents")
        run_python(SCRIPTS / "data.py", "pool", pool)
    for leaves in sorted({leaves for leaves, _ in shapes}):
        trees = sorted({count for of, count in (*SHAPES, *shapes) if of == leaves})
        if not all(model_path((leaves, count)).exists() for count in trees):
            progress.tell(f"training {max(trees)} trees of {leaves} leaves")
            run_python(SCRIPTS / "data.py", "train", folder, leaves, *trees)
    return pool


def outcome_path(engine, shape):
    return places.CACHE / "peers" / f"{engine}-{name_of(shape)}.json"


def artefact_path(engine, shape):
    return places.CACHE / "peers" / f"{engine}-{name_of(shape)}"


def prepare_peer(engine, shape, again, compiles=True):
    """What compiling or converting came to. It is kept, also when it took too long."""
    if engine not in COMPILED:
        return {"outcome": "built", "seconds": 0.0}
    path, artefact = outcome_path(engine, shape), artefact_path(engine, shape)
    key = environments.requirements_digest("scorer") + hashlib.sha256(model_path(shape).read_bytes()).hexdigest()[:12]
    if path.exists() and not again:
        outcome = json.loads(path.read_text())
        if outcome["key"] == key and (outcome["outcome"] != "built" or artefact.exists()):
            return outcome
    if not compiles:
        return {"outcome": "left out", "seconds": 0.0}
    path.parent.mkdir(parents=True, exist_ok=True)
    if artefact.is_dir():
        shutil.rmtree(artefact)
    else:
        artefact.unlink(missing_ok=True)
    outcome = {**build(engine, shape, artefact), "key": key}
    path.write_text(json.dumps(outcome))
    return outcome


def build(engine, shape, artefact):
    command = [environments.python("scorer"), SCRIPTS / "worker.py", "build", engine, model_path(shape), artefact]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=errors,
                                   env=processes.ENVIRONMENT, start_new_session=True)
        seconds = 0.0
        try:
            while process.poll() is None:
                seconds = max(seconds, processes.build_cpu_seconds(process.pid))
                progress.tell(f"building {engine} {name_of(shape)}: {seconds:.0f} s of CPU time")
                if seconds > BUILD_LIMIT_SECONDS:
                    return {"outcome": "too long", "seconds": seconds}
                time.sleep(0.25)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)
                process.wait()
        errors.seek(0)
        message = errors.read().decode(errors="replace").strip().splitlines()
        if process.returncode == 0 and artefact.exists():
            return {"outcome": "built", "seconds": seconds}
        return {"outcome": "failed", "seconds": seconds, "message": (message or ["no message"])[-1][:200]}


def read_doubles(path):
    values = array.array("d")
    values.frombytes(path.read_bytes())
    return values


def equality(seed=1):
    """Random models with every kind of split and missing value, bit by bit."""
    progress.tell("comparing with LightGBM on random models")
    with tempfile.TemporaryDirectory(dir=places.CACHE) as folder:
        run_python(SCRIPTS / "data.py", "equality", folder, EQUALITY_MODELS, seed)
        compared = subprocess.run([places.program("searchop-benchmark"), "compare", folder], check=True,
                                  capture_output=True, text=True)
    return json.loads(compared.stdout)


def start(engine, shape, pool, core):
    if engine == "searchop":
        command = [places.program("searchop-benchmark"), "scorer", model_path(shape), pool]
    else:
        command = [environments.python("scorer"), SCRIPTS / "worker.py", "serve", engine, model_path(shape),
                   artefact_path(engine, shape), pool, FEATURES, places.CACHE]
    return processes.Worker(engine, command, core)


def documents_of_a_round(seconds_per_document, rounds):
    """As many thousands as LightGBM scores in an eighth of a second, so that each round has documents of its own."""
    most = max(1_000, min(4_000, POOL_DOCUMENTS // rounds // 1_000 * 1_000))
    return max(1_000, min(most, int(0.125 / seconds_per_document) // 1_000 * 1_000))


class Scores:
    """The scores of a worker's last call."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "scores"

    def of(self, worker, count):
        worker.ask("dump", self.path, count)
        return read_doubles(self.path)


def measure_batch(workers, batch, rounds, documents, scores, draw):
    times = {name: [] for name in workers}
    differences, unequal, compared = dict.fromkeys(workers, 0.0), 0, 0
    for number in range(rounds):
        begin = number * documents % (POOL_DOCUMENTS - documents + 1)
        order = list(workers)
        draw.shuffle(order)
        for name in order:
            times[name].append(workers[name].ask("score", begin, documents, batch) / documents)
        reference = scores.of(workers["lightgbm"], documents)
        own = scores.of(workers["searchop"], documents)
        compared += documents
        if own.tobytes() != reference.tobytes():
            unequal += sum(own[at:at + 1].tobytes() != reference[at:at + 1].tobytes() for at in range(documents))
        for name in workers if number == 0 else ():
            found = scores.of(workers[name], documents)
            differences[name] = max(abs(a - b) for a, b in zip(found, reference))
    return {"documents": documents, "compared": compared, "unequal": unequal,
            "engines": {name: {"microseconds": summary(1e6 * seconds for seconds in values),
                               "ratio": ratios(times["lightgbm"], values), "difference": differences[name]}
                        for name, values in times.items()}}


def measure_shape(shape, pool, options, core, folder):
    outcomes = {engine: prepare_peer(engine, shape, options.again, options.compiles) for engine in PEERS}
    with processes.driver_on(processes.cores()[0]):
        return {"outcomes": outcomes, **measure_engines(shape, pool, options.rounds, outcomes, core, Scores(folder))}


def measure_engines(shape, pool, rounds, outcomes, core, scores):
    workers, draw = {}, random.Random(shape[0] * shape[1])
    try:
        for engine in ("searchop", "lightgbm", *PEERS):
            if outcomes.get(engine, {"outcome": "built"})["outcome"] != "built":
                continue
            progress.tell(f"{name_of(shape)}: starting {engine}")
            try:
                workers[engine] = start(engine, shape, pool, core)
            except RuntimeError as error:
                if engine not in PEERS:
                    raise
                outcomes[engine] = {"outcome": "failed", "seconds": 0.0, "message": str(error)[-200:]}
        trial = workers["lightgbm"].ask("score", POOL_DOCUMENTS - 1_000, 1_000, 1_000) / 1_000
        documents = documents_of_a_round(trial, rounds)
        for worker in workers.values():
            worker.ask("score", POOL_DOCUMENTS - 1_000, 1_000, 100)
        batches = {}
        for batch in BATCHES:
            progress.tell(f"{name_of(shape)}: batches of {batch}")
            batches[batch] = measure_batch(workers, batch, rounds, documents, scores, draw)
        progress.tell(f"{name_of(shape)}: loading")
        loads = {name: [] for name in ("searchop", "lightgbm")}
        for _ in range(rounds):
            for name, seconds in loads.items():
                seconds.append(workers[name].ask("load"))
    finally:
        for worker in workers.values():
            worker.__exit__()
    return {"batches": batches,
            "load": {"searchop": summary(1e3 * seconds for seconds in loads["searchop"]),
                     "lightgbm": summary(1e3 * seconds for seconds in loads["lightgbm"]),
                     "ratio": ratios(loads["searchop"], loads["lightgbm"])}}


def run(options):
    pool = prepare_models(options.shapes)
    core = processes.cores()[-1]
    result = {"rounds": options.rounds, "equality": equality(), "shapes": {}}
    with tempfile.TemporaryDirectory(dir=places.CACHE) as folder:
        for shape in options.shapes:
            result["shapes"][name_of(shape)] = measure_shape(shape, pool, options, core, folder)
    return result


def prepare(options):
    """Only what is kept: environments, models, compiled peers. The quick ones first."""
    prepare_models(options.shapes)
    for engine in COMPILED:
        for shape in options.shapes:
            outcome = prepare_peer(engine, shape, options.again)
            progress.clear()
            print(f"{engine} {name_of(shape)}: {outcome['outcome']}, {outcome['seconds']:.0f} s of CPU time", flush=True)
