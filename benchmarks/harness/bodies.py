"""Requests in the JSON of each server, all about the same 100 candidates."""

import json
import random

from . import bundles, places


def rows():
    draw = random.Random(5)
    return [bundles.row(draw) for _ in range(bundles.CANDIDATES)]


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def inline():
    """SearchOp's, and of the servers written for the comparison."""
    return compact({"candidates": [{"id": f"P{number:06}", "features": row} for number, row in enumerate(rows())]})


def of_ids(ids, query):
    return compact({"query": query, "candidates": [{"id": identifier} for identifier in ids]})


def v1():
    """KServe's first protocol."""
    return compact({"instances": rows()})


def v2():
    """The open inference protocol."""
    values = rows()
    data = [value for row in values for value in row]
    return compact({"inputs": [{"name": "rows", "shape": [len(values), len(values[0])], "datatype": "FP64", "data": data}]})


def written(name, body):
    path = places.CACHE / "bodies" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path
