"""What the benchmarks are to reach: a floor and an aim for each figure. Pure."""

from .figures import geometric_mean, ratios, written
from .scorer import PEERS, SHAPES, name_of

# Number, what is measured, against what, floor, aim; all figures are ratios. `least` says that more is better.
ROWS = [
    (1, "scoring 100 documents, geometric mean of six shapes", "LightGBM C API, one thread", 6, 10, "least"),
    (2, "the worst of the six shapes", "same", 4.5, 7, "least"),
    (3, "scoring 1,000 documents, geometric mean", "same", 7, 12, "least"),
    (4, "scoring one document, geometric mean", "LightGBM single-row fast", 4, 6, "least"),
    (5, "shapes of six at least as fast as the fastest other engine, 100 documents", "the best public engine", 5, 6, "least"),
    (6, "scores that differ in a bit, random models with missing values and categories", "LightGBM raw scores", 0, 0, "most"),
    (7, "model load to ready, 255 x 1,000", "LightGBM text load", 1.0, 0.3, "most"),
    (8, "CPU time of a request, 100 x 30 inline features, 300 x 31", "axum + serde_json + LightGBM C API", 1 / 3.5, 1 / 8, "most"),
    (9, "same", "KServe's Python server", 1 / 8, 1 / 20, "most"),
    (10, "CPU time of a request, 100 candidates by id", "axum echo of the same JSON", 3, 1.5, "most"),
    (11, "p99 at half of saturation", "p50 of the same run", 3, 2, "most"),
    (12, "resident memory under load", "KServe's Python server", 1 / 8, 1 / 12, "most"),
    (13, "process start to first ranked answer", "KServe's Python server", 1 / 20, 1 / 100, "most"),
    (14, "parse of the request body, inline features", "serde_json into owned structs", 1 / 2, 1 / 4, "most"),
    (15, "goodput at 3 x saturation for 60 s, with flat memory", "saturation", 0.9, 0.9, "least"),
    (16, "training time, same trees", "Python LightGBM, same matrix, parameters and thread", 1.1, 1.0, "most"),
]
# Memory under overload is flat when the second half needs at most a tenth more than the first.
FLAT = 1.1


def own_ratios(scorer, batch):
    """SearchOp's ratio to LightGBM of each shape; nothing unless all six were measured."""
    shapes = scorer.get("shapes", {})
    if set(shapes) != {name_of(shape) for shape in SHAPES}:
        return []
    return [shape["batches"][batch]["engines"]["searchop"]["ratio"]["median"] for shape in shapes.values()]


def best_peer(shape, batch):
    """The fastest engine besides SearchOp, LightGBM included, and its ratio to LightGBM."""
    engines = shape["batches"][batch]["engines"]
    names = [name for name in ("lightgbm", *PEERS) if name in engines]
    return max(((name, engines[name]["ratio"]["median"]) for name in names), key=lambda pair: pair[1])


def figures(results):
    """The figure of each row that was measured, by the row's number."""
    found = {}
    scorer, http = results.get("scorer", {}), results.get("http", {})
    if hundred := own_ratios(scorer, "100"):
        found[1], found[2] = geometric_mean(hundred), min(hundred)
        found[3] = geometric_mean(own_ratios(scorer, "1000"))
        found[4] = geometric_mean(own_ratios(scorer, "1"))
        found[5] = sum(own >= best_peer(shape, "100")[1] for own, shape in zip(hundred, scorer["shapes"].values()))
    if "equality" in scorer:
        found[6] = scorer["equality"]["different"] + sum(
            batch["unequal"] for shape in scorer["shapes"].values() for batch in shape["batches"].values())
    if "255x1000" in scorer.get("shapes", {}):
        found[7] = scorer["shapes"]["255x1000"]["load"]["ratio"]["median"]
    if servers := http.get("servers"):
        median = lambda name, figure: servers[name][figure]["median"]
        within = lambda one, other, figure: ratios(servers[one]["rounds"][figure], servers[other]["rounds"][figure])["median"]
        found[8], found[9] = within("searchop", "axum-lightgbm", "cpu"), within("searchop", "kserve", "cpu")
        found[10] = within("searchop-ids", "echo-ids", "cpu")
        found[11] = median("searchop", "tail")
        found[12] = within("searchop", "kserve", "memory")
        # Starts are not in rounds.
        found[13] = median("searchop", "start") / median("kserve", "start")
        memory = http["overload"]["memory"]
        found[15] = http["overload"]["share"] if memory["second"] <= FLAT * memory["first"] else 0.0
    if "parser" in results:
        found[14] = results["parser"]["bodies"]["inline"]["ratio"]["median"]
    if "training" in results and results["training"]["equal"]:
        found[16] = results["training"]["ratio"]["median"]
    return found


def verdict(figure, floor, aim, sense):
    if figure is None:
        return "not measured"
    reaches = (lambda bound: figure >= bound) if sense == "least" else (lambda bound: figure <= bound)
    return "aim reached" if reaches(aim) else "floor reached" if reaches(floor) else "**missed**"


def bound(value, sense):
    sign = "≥" if sense == "least" else "≤"
    return f"{sign} 1/{written(1 / value).removesuffix('.00').removesuffix('.0')}" if 0 < value < 0.26 or value == 1 / 3.5 else f"{sign} {value:g}"


def ratio(figure):
    return written(figure) if figure == 0 or figure >= 0.26 else f"{written(figure)} (1/{written(1 / figure)})"


def rows(results):
    """Number, what, against, figure, floor, aim, verdict: texts for a table."""
    found = figures(results)
    for number, what, against, floor, aim, sense in ROWS:
        figure = found.get(number)
        shown = "" if figure is None else f"{figure:.0f}" if number in (5, 6) else ratio(figure)
        yield [str(number), what, against, shown, bound(floor, sense), bound(aim, sense), verdict(figure, floor, aim, sense)]
