"""Synthetic rankings, and the LightGBM models of the scorer's benchmark that are trained on them.

    data.py pool FILE                   documents to score: row-major float64
    data.py train FOLDER LEAVES TREES…  FOLDER/LEAVESxTREES.txt for each number of trees
    data.py matrix FILE LABELS          documents to train on, and a byte for each with its label
    data.py equality FOLDER MODELS SEED random small models with documents and LightGBM's scores

The features look like those of a LETOR set: scores, lengths (log-normal), counts and small integers. Every value is
a float32, so that engines of single precision see the very same documents.
"""

import os
import pathlib
import sys

import numpy as np

FEATURES = 136
DOCUMENTS_PER_QUERY = 100
TRAINING_QUERIES = 400
POOL_QUERIES = 360


def rankings(queries, seed):
    """`queries` lists of 100 documents: features as float32, labels from 0 to 4."""
    weights = np.random.default_rng(17)
    draw = np.random.default_rng(seed)
    rows = queries * DOCUMENTS_PER_QUERY
    document = draw.normal(size=(rows, 12))
    query = np.repeat(draw.normal(size=(queries, 6)), DOCUMENTS_PER_QUERY, axis=0)
    loading = weights.normal(size=(12, FEATURES)) * (weights.random((12, FEATURES)) < 0.3)
    signal = document @ loading + query @ (weights.normal(size=(6, FEATURES)) * 0.5)
    signal += draw.normal(size=(rows, FEATURES)) * 0.7
    features = np.empty((rows, FEATURES), np.float32)
    features[:, :60] = signal[:, :60]
    features[:, 60:90] = np.exp(signal[:, 60:90] * 0.8)
    features[:, 90:120] = draw.poisson(np.exp(np.clip(signal[:, 90:120] * 0.7, -3, 4)))
    features[:, 120:] = np.round(np.clip(signal[:, 120:] * 2, -6, 6))
    relevance = document[:, 0] + 0.8 * np.tanh(2 * document[:, 1] * document[:, 2])
    relevance += 0.6 * (document[:, 3] > 0.5) * document[:, 4] + 0.4 * document[:, 7] * document[:, 8]
    relevance += 0.5 * np.sin(2 * document[:, 5]) * (document[:, 6] > 0) + draw.normal(size=rows) * 0.8
    labels = np.digitize(relevance, np.quantile(relevance, [0.52, 0.84, 0.97, 0.99]))
    return features, labels.astype(np.int32)


def write_pool(path):
    features, _ = rankings(POOL_QUERIES, seed=2)
    features.astype(np.float64).tofile(path)


def write_matrix(path, labels_path):
    features, labels = rankings(TRAINING_QUERIES, seed=1)
    labels.astype(np.uint8).tofile(labels_path)
    features.astype(np.float64).tofile(path)


def train(folder, leaves, trees):
    import lightgbm

    features, labels = rankings(TRAINING_QUERIES, seed=1)
    groups = np.full(TRAINING_QUERIES, DOCUMENTS_PER_QUERY)
    parameters = dict(objective="lambdarank", num_leaves=leaves, learning_rate=0.05, min_data_in_leaf=20, max_bin=255,
                      num_threads=len(os.sched_getaffinity(0)), seed=3, deterministic=True, force_row_wise=True, verbosity=-1)
    booster = lightgbm.train(parameters, lightgbm.Dataset(features, labels, group=groups), max(trees))
    if booster.num_trees() != max(trees):
        sys.exit(f"LightGBM stopped after {booster.num_trees()} trees")
    for count in trees:
        booster.save_model(str(pathlib.Path(folder) / f"{leaves}x{count}.txt"), num_iteration=count)


def equality(folder, models, seed):
    """Models of every kind of split and of missing value, and what LightGBM scores documents that hold them all."""
    import lightgbm

    folder = pathlib.Path(folder)
    draw = np.random.default_rng(seed)
    for number in range(models):
        width = int(draw.integers(4, 40))
        numeric = draw.normal(size=(32_000, width)).astype(np.float32).astype(np.float64)
        rounded = draw.random(width) < 0.5
        numeric[:, rounded] = np.round(numeric[:, rounded] * 2)
        categorical = np.flatnonzero(draw.random(width) < 0.25).tolist()
        for column in categorical:
            numeric[:, column] = draw.integers(0, int(draw.integers(3, 80)), size=len(numeric))
        rows, training = numeric[2_000:].copy(), numeric[:2_000].copy()
        missing_share = draw.choice([0.0, 0.05, 0.3])
        training[draw.random(training.shape) < missing_share] = np.nan
        # Documents also hold what training never saw: missing values, zeros, infinities, unknown categories.
        rows[draw.random(rows.shape) < 0.05] = np.nan
        rows[draw.random(rows.shape) < 0.05] = 0.0
        rows[draw.random(rows.shape) < 0.002] = np.inf
        rows[draw.random(rows.shape) < 0.002] = -np.inf
        for column in categorical:
            rows[draw.random(len(rows)) < 0.05, column] = 10_000 + number
        signal = np.nan_to_num(training) @ draw.normal(size=width) + draw.normal(size=len(training))
        labels = np.digitize(signal, np.quantile(signal, [0.5, 0.8, 0.95]))
        parameters = dict(objective="lambdarank", num_leaves=int(draw.integers(2, 64)), min_data_in_leaf=5,
                          learning_rate=0.1, num_threads=1, seed=number, verbosity=-1, min_data_per_group=5,
                          use_missing=bool(draw.random() < 0.8), zero_as_missing=bool(draw.random() < 0.3),
                          max_cat_to_onehot=int(draw.choice([1, 4, 16])))
        data = lightgbm.Dataset(training, labels, group=np.full(100, 20), categorical_feature=categorical,
                                params=parameters)
        booster = lightgbm.train(parameters, data, int(draw.integers(1, 60)))
        booster.save_model(str(folder / f"{number:03}.txt"))
        rows.tofile(folder / f"{number:03}.rows")
        booster.predict(rows, raw_score=True, num_threads=1).tofile(folder / f"{number:03}.scores")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["pool", path]:
            write_pool(path)
        case ["matrix", path, labels]:
            write_matrix(path, labels)
        case ["train", folder, leaves, *trees]:
            train(folder, int(leaves), [int(count) for count in trees])
        case ["equality", folder, models, seed]:
            equality(folder, int(models), int(seed))
        case _:
            sys.exit(__doc__)
