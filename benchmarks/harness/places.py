"""Where things are. Nothing is kept inside the checkout but the page that is written."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
PEERS = BENCHMARKS / "peers"
DOCS = ROOT / "docs"
CACHE = pathlib.Path(os.environ["SEARCHOP_CACHE"]) / "benchmarks"
PROGRAMS = pathlib.Path(os.environ["CARGO_TARGET_DIR"]) / "release"
RESULTS = CACHE / "results"


def program(name):
    """A program that `make build` left."""
    path = PROGRAMS / name
    if not path.exists():
        raise SystemExit(f"error: {path} is missing: run make build")
    return str(path)
