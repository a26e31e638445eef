"""Requests in the JSON of each server, all about the same lists of 100 candidates: as many as no branch predictor learns by heart."""

import json
import random

from . import bundles, places

LISTS = 64


def lists():
    """Rows of features, list by list."""
    return [[bundles.row(draw) for _ in range(bundles.CANDIDATES)] for draw in map(random.Random, range(LISTS))]


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def inline():
    """SearchOp's, and of the servers written for the comparison."""
    return [compact({"candidates": [{"id": f"P{number:06}", "features": row} for number, row in enumerate(rows)]}) for rows in lists()]


def of_ids(ids, query):
    return compact({"query": query, "candidates": [{"id": identifier} for identifier in ids]})


def of_lists(found):
    """Candidates by id: of each (query, ids), in one order after another."""
    draw = random.Random(5)
    return [of_ids(draw.sample(ids, len(ids)), query) for query, ids in (found[number % len(found)] for number in range(LISTS))]


def v1():
    """KServe's first protocol."""
    return [compact({"instances": rows}) for rows in lists()]


def v2():
    """The open inference protocol."""
    inputs = lambda rows: {"name": "rows", "shape": [len(rows), len(rows[0])], "datatype": "FP64",
                           "data": [value for row in rows for value in row]}
    return [compact({"inputs": [inputs(rows)]}) for rows in lists()]


def written(name, bodies):
    """A file of one body a line."""
    path = places.CACHE / "bodies" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(bodies) + b"\n")
    return path


def mean_bytes(bodies):
    return round(sum(map(len, bodies)) / len(bodies))
