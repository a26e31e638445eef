"""LightGBM's Python package as a worker that trains: training.py MATRIX LABELS GROUP ITERATIONS PARAMETERS.

It says `ready`, then answers each line with `done`: `train`, and `dump PATH` (the text of the last model). The
parameters are LightGBM's text, `name=value` with spaces between.
"""

import pathlib
import sys

import lightgbm
import numpy as np


def main(matrix, labels, group, iterations, parameters):
    labels = np.fromfile(labels, np.uint8)
    matrix = np.fromfile(matrix).reshape(len(labels), -1)
    groups = np.full(len(labels) // int(group), int(group))
    parameters = dict(word.split("=", 1) for word in parameters.split())
    text = ""
    print("ready", flush=True)
    for line in sys.stdin:
        match line.split():
            case ["train"]:
                data = lightgbm.Dataset(matrix, labels, group=groups, params=parameters)
                text = lightgbm.train(parameters, data, int(iterations)).model_to_string()
            case ["dump", path]:
                pathlib.Path(path).write_text(text)
            case _:
                sys.exit(f"not understood: {line!r}")
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
