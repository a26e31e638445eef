"""The engines that the scorer is measured beside: how each is built from a LightGBM model, and called.

`build` leaves an artefact; `load` gives a function `score(start, count, batch)` that fills `scores` and answers None,
or the seconds it took where the engine measures itself.
"""

import ctypes
import os
import pathlib
import re
import subprocess
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np


class Pool:
    """Documents to score, in both precisions."""

    def __init__(self, path, width):
        self.width = width
        self.double = np.fromfile(path).reshape(-1, width)
        self.single = self.double.astype(np.float32)


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def loops(folder):
    """The C loops, compiled into `folder` when their source is newer."""
    source = pathlib.Path(__file__).with_name("loops.c")
    library = pathlib.Path(folder) / "loops.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        temporary = library.with_suffix(f".{os.getpid()}")
        subprocess.check_call(["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", temporary, source])
        temporary.replace(library)
    return ctypes.CDLL(str(library))


def as_regression(model):
    """The same trees under an objective that every converter takes; raw scores do not depend on it."""
    text = pathlib.Path(model).read_text()
    return re.sub(r"objective=lambdarank.*", "objective=regression", text).replace("[objective: lambdarank]",
                                                                                   "[objective: regression]")


class LightGbm:
    """LightGBM's C API: a call for each batch, and its single-row fast call for batches of one."""

    def __init__(self, model, pool, folder):
        import lightgbm

        self.native, self.loops, self.pool = lightgbm.basic._LIB, loops(folder), pool
        self.text = pathlib.Path(model).read_bytes()
        self.scores = np.zeros(len(pool.double))
        self.booster = None
        self.load()
        self.prepared = ctypes.c_void_p()
        assert self.native.LGBM_BoosterPredictForMatSingleRowFastInit(
            self.booster, 1, 0, -1, 1, pool.width, b"num_threads=1", ctypes.byref(self.prepared)) == 0

    def load(self):
        if self.booster is not None:
            self.native.LGBM_BoosterFree(self.booster)
        self.booster, trees = ctypes.c_void_p(), ctypes.c_int()
        assert self.native.LGBM_BoosterLoadModelFromString(self.text, ctypes.byref(trees),
                                                           ctypes.byref(self.booster)) == 0

    def score(self, start, count, batch):
        rows, width = pointer(self.pool.double[start:]), self.pool.width
        if batch == 1:
            function = ctypes.cast(self.native.LGBM_BoosterPredictForMatSingleRowFast, ctypes.c_void_p)
            failed = self.loops.score_lightgbm_rows(function, self.prepared, rows, width, ctypes.c_long(count),
                                                    pointer(self.scores))
        else:
            function = ctypes.cast(self.native.LGBM_BoosterPredictForMat, ctypes.c_void_p)
            failed = self.loops.score_lightgbm(function, self.booster, rows, width, ctypes.c_long(count), batch,
                                               b"num_threads=1", pointer(self.scores))
        assert not failed


class Lleaves:
    def __init__(self, double):
        self.double = double

    def compiled(self, model, artefact):
        import lleaves

        compiled = lleaves.Model(str(model))
        compiled.compile(cache=str(artefact), raw_score=True, use_fp64=self.double)
        return compiled

    def build(self, model, artefact):
        temporary = f"{artefact}.part"
        self.compiled(model, temporary)
        os.replace(temporary, artefact)

    def load(self, model, artefact, pool, folder):
        self.model, self.loops, self.width = self.compiled(model, artefact), loops(folder), pool.width
        self.rows = pool.double if self.double else pool.single
        self.scores = np.zeros(len(self.rows), self.rows.dtype)

    def score(self, start, count, batch):
        function = ctypes.cast(self.model._c_entry_func, ctypes.c_void_p)
        self.loops.score_lleaves(function, pointer(self.rows[start:]), self.rows.itemsize, self.width,
                                 ctypes.c_long(count), batch, pointer(self.scores))


class Tl2cgen:
    # gcc takes hours with -O3 for the largest models.
    LARGE = 16 << 20

    def build(self, model, artefact):
        import tl2cgen
        import treelite

        level = "-O1" if os.path.getsize(model) > self.LARGE else "-O3"
        temporary = f"{artefact}.part.so"
        tl2cgen.export_lib(treelite.frontend.load_lightgbm_model(str(model)), toolchain="gcc", libpath=temporary,
                           params={"parallel_comp": 32}, nthread=1, options=[level])
        os.replace(temporary, artefact)

    def load(self, model, artefact, pool, folder):
        self.library, self.loops, self.pool = ctypes.CDLL(str(artefact)), loops(folder), pool
        self.scores, self.copy = np.zeros(len(pool.double)), np.zeros(pool.width)

    def score(self, start, count, batch):
        function = ctypes.cast(self.library.predict, ctypes.c_void_p)
        self.loops.score_tl2cgen(function, pointer(self.pool.double[start:]), self.pool.width, ctypes.c_long(count),
                                 pointer(self.copy), pointer(self.scores))


class Batches:
    """An engine that is called from Python with one batch after the other."""

    def score(self, start, count, batch):
        for row in range(0, count, batch):
            self.scores[row:row + batch] = self.predict(self.rows[start + row:start + row + batch])


class Treelite(Batches):
    """Treelite's interpreter, GTIL."""

    def load(self, model, artefact, pool, folder):
        import treelite

        trees = treelite.frontend.load_lightgbm_model(str(model))
        self.rows, self.scores = pool.double, np.zeros(len(pool.double))
        self.predict = lambda rows: treelite.gtil.predict(trees, rows, nthread=1, pred_margin=True).ravel()


class OnnxRuntime(Batches):
    def build(self, model, artefact):
        import lightgbm
        import onnxmltools
        from onnxmltools.convert.common.data_types import FloatTensorType

        booster = lightgbm.Booster(model_str=as_regression(model))
        converted = onnxmltools.convert_lightgbm(
            booster, initial_types=[("rows", FloatTensorType([None, booster.num_feature()]))], target_opset=15)
        pathlib.Path(artefact).write_bytes(converted.SerializeToString())

    def load(self, model, artefact, pool, folder):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(artefact), options, providers=["CPUExecutionProvider"])
        self.rows, self.scores = pool.single, np.zeros(len(pool.single))
        self.predict = lambda rows: session.run(None, {"rows": rows})[0].ravel()


class Ydf:
    """YDF's fastest engine for the model. It takes trees built one by one, and measures itself."""

    def build(self, model, artefact):
        import ydf
        from ydf.model.tree import condition, node, tree, value

        width = int(re.search(r"max_feature_idx=(\d+)", pathlib.Path(model).read_text()).group(1)) + 1
        draw = np.random.default_rng(1)
        columns = {self.column(number): draw.normal(size=200).astype(np.float32) for number in range(width)}
        labels = {"label": draw.normal(size=200).astype(np.float32)}
        features = [ydf.Feature(name, ydf.Semantic.NUMERICAL) for name in columns]
        forest = ydf.GradientBoostedTreesLearner(label="label", task=ydf.Task.REGRESSION, num_trees=1, max_depth=2,
                                                 validation_ratio=0.0, features=features).train(columns | labels)
        numbers = {column.name: number for number, column in enumerate(forest.data_spec().columns)}
        attributes = [numbers[self.column(number)] for number in range(width)]
        forest.set_initial_predictions([0.0])
        for number, fields in enumerate(self.trees(model)):
            features_of, thresholds, left, right, leaves = fields

            def made(child):
                if child < 0:
                    return node.Leaf(value=value.RegressionValue(num_examples=1.0, value=float(leaves[~child])))
                # `value <= threshold` is not `value >= the next larger float32`.
                above = float(np.nextafter(thresholds[child], np.float32(np.inf)))
                higher = condition.NumericalHigherThanCondition(missing=False, score=0.0, threshold=above,
                                                                attribute=attributes[features_of[child]])
                return node.NonLeaf(condition=higher, pos_child=made(right[child]), neg_child=made(left[child]))

            built = tree.Tree(root=made(0))
            if number == 0:
                forest.set_tree(0, built)
            else:
                forest.add_tree(built)
        forest.save(str(artefact))

    @staticmethod
    def column(number):
        return f"f{number:03}"

    @staticmethod
    def trees(model):
        """Features, thresholds (the largest float32 not above), children and leaves of each tree."""
        for block in pathlib.Path(model).read_text().split("\nTree=")[1:]:
            lines = dict(line.split("=", 1) for line in block.split("\nend of trees")[0].splitlines()[1:] if "=" in line)
            exact = np.array(lines["threshold"].split(), float)
            rounded = exact.astype(np.float32)
            rounded = np.where(rounded > exact, np.nextafter(rounded, np.float32(-np.inf)), rounded)
            integers = [np.array(lines[name].split(), int) for name in ("split_feature", "left_child", "right_child")]
            yield integers[0], rounded, integers[1], integers[2], np.array(lines["leaf_value"].split(), float)

    def load(self, model, artefact, pool, folder):
        import ydf

        self.forest, self.pool = ydf.load_model(str(artefact)), pool
        self.scores = np.zeros(len(pool.single))

    def columns(self, start, count):
        rows = self.pool.single[start:start + count]
        return {self.column(number): rows[:, number] for number in range(self.pool.width)}

    def score(self, start, count, batch):
        columns = self.columns(start, count)
        self.scores[:count] = self.forest.predict(columns)
        wall, cpu = time.perf_counter(), time.process_time()
        measured = self.forest.benchmark(columns, benchmark_duration=0.15, warmup_duration=0.02, batch_size=batch,
                                         num_threads=1)
        # It tells wall time; what other processes had of it is taken off.
        share = min(1.0, (time.process_time() - cpu) / (time.perf_counter() - wall))
        return measured.duration_per_example * count * share


ENGINES = {
    "lleaves-f64": lambda: Lleaves(double=True),
    "lleaves-f32": lambda: Lleaves(double=False),
    "tl2cgen": Tl2cgen,
    "treelite": Treelite,
    "onnxruntime": OnnxRuntime,
    "ydf": Ydf,
}
