"""Writes docs/performance.md and its plots from results. Pure, but for `write`."""

from . import machine, plot, progress, targets
from .figures import geometric_mean, ratios, spread, table, written
from .scorer import BUILD_LIMIT_SECONDS, PEERS

ENGINES = {"searchop": "SearchOp", "lightgbm": "LightGBM C API", "lleaves-f64": "lleaves (f64)", "lleaves-f32": "lleaves (f32)",
           "tl2cgen": "tl2cgen", "treelite": "Treelite GTIL", "onnxruntime": "onnxruntime", "ydf": "YDF"}
SERVERS = {"searchop": "SearchOp", "echo": "axum echo of the same JSON", "axum-lightgbm": "axum + serde_json + LightGBM C API",
           "fastapi": "FastAPI + LightGBM", "kserve": "KServe Python server", "mlserver": "MLServer",
           "searchop-ids": "SearchOp, by id", "echo-ids": "axum echo, by id"}
HEAD = """# Performance

Written by `make bench`; `make bench-scorer`, `bench-parser`, `bench-http` and `bench-training` measure one part and keep the others.
`ROUNDS=3 SHAPES="31x300"` shorten it, `RECOMPILE=1` compiles the peers again, `COMPILE=0` leaves out those that are
not compiled yet. Peers come from PyPI, pinned in `benchmarks/peers`, into
virtual environments in the cache. Nothing leaves the loopback interface. Figures are medians with the range of all rounds; ratios are
taken within a round.
"""


def write(results, folder):
    """The page and its plots; what it says at the terminal."""
    parts = [HEAD, summary_part(results)]
    for name, part in (("scorer", scorer_part), ("http", http_part), ("parser", parser_part), ("training", training_part)):
        if name in results:
            parts.append(part(results[name]))
    (folder / "performance.md").write_text("\n".join(parts))
    if results.get("scorer", {}).get("shapes"):
        (folder / "performance-scorer.svg").write_text(scorer_plot(results["scorer"]))
    if "http" in results:
        (folder / "performance-http.svg").write_text(http_plot(results["http"]))
    progress.clear()
    return "\n".join(f"{row[0]:>2}  {row[3] or '-':>18}  {row[4]:>7} {row[5]:>7}  {row[6].strip('*'):13}  {row[1]}"
                     for row in targets.rows(results)) + f"\nwritten: {folder / 'performance.md'}"


def summary_part(results):
    rows = list(targets.rows(results))
    lines = ["## What is to be reached", "", "| # | what | against | ratio | floor | aim | |", "|---|---|---|---:|---:|---:|---|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def measured_on(result):
    return f"Measured on {machine.sentence(result['machine'])}.\n"


def scorer_part(result):
    parts = ["## Scoring\n", measured_on(result), f"""One thread on one core, CPU time of each engine's process read from outside of it, {result['rounds']} rounds in which the
engines take turns in random order. Models are trained by LightGBM 4.7.0 (lambdarank) on 40,000 rows of synthetic rankings with 136
features; every round scores documents that the rounds before did not, so that branch predictors learn nothing. LightGBM is called
through its C API, for single documents through its single-row fast call; lleaves and tl2cgen through their C functions, onnxruntime and
Treelite through Python (some microseconds a call). YDF is measured by its own benchmark, which repeats its documents, with the trees
rebuilt one by one. A compiler that needs more than {BUILD_LIMIT_SECONDS // 60} minutes of CPU time for a model is not waited for; tl2cgen compiles models of more than 16 MiB with
-O1 instead of -O3.

![How many times as fast as LightGBM each engine is](performance-scorer.svg)
"""]
    equality = result["equality"]
    compared = sum(batch["compared"] for shape in result["shapes"].values() for batch in shape["batches"].values())
    unequal = sum(batch["unequal"] for shape in result["shapes"].values() for batch in shape["batches"].values())
    parts.append(f"Equality: {equality['different']:,} of {equality['pairs']:,} scores differ from LightGBM's in any bit, over "
                 f"{equality['models']} random models with missing values, zero as missing, categories and infinities; and {unequal:,} of the "
                 f"{compared:,} scores below.\n")
    for batch, what in (("1", "One document"), ("100", "100 documents"), ("1000", "1,000 documents")):
        parts.append(f"### {what}\n\n{scorer_table(result, batch)}\n")
    parts.append(f"### Loading a model\n\n{load_table(result)}\n")
    return "\n".join(parts)


def shape_title(name):
    leaves, trees = name.split("x")
    return f"{leaves} leaves x {int(trees):,} trees"


def scorer_table(result, batch):
    """Ratio to LightGBM first, then microseconds a document and the largest difference of scores."""
    shapes = result["shapes"]
    rows = []
    for engine in ("searchop", *PEERS, "lightgbm"):
        cells, medians = [], []
        for shape in shapes.values():
            if engine in shape["batches"][batch]["engines"]:
                figure = shape["batches"][batch]["engines"][engine]
                medians.append(figure["ratio"]["median"])
                cells.append(f"**{written(figure['ratio']['median'])}** ({written(figure['ratio']['min'])} to {written(figure['ratio']['max'])})"
                             f"<br>{written(figure['microseconds']['median'])} µs")
            else:
                cells.append(missing(shape["outcomes"][engine]))
        difference = max((shape["batches"][batch]["engines"][engine]["difference"] for shape in shapes.values()
                          if engine in shape["batches"][batch]["engines"]), default=0.0)
        mean = f"**{written(geometric_mean(medians))}**" if len(medians) == len(shapes) else ""
        rows.append([ENGINES[engine], mean, *cells, "0" if difference == 0 else f"{difference:.0e}"])
    head = ["times as fast as LightGBM, µs a document", "geometric mean", *map(shape_title, shapes), "largest difference of a score"]
    return table(head, rows)


def missing(outcome):
    known = {"too long": f"not compiled in {BUILD_LIMIT_SECONDS // 60} min", "left out": "left out of this run"}
    return known.get(outcome["outcome"], "does not take the model")


def load_table(result):
    rows = [[shape_title(name), f"**{written(shape['load']['ratio']['median'])}** ({written(shape['load']['ratio']['min'])} to "
             f"{written(shape['load']['ratio']['max'])})", spread(shape["load"]["searchop"], " ms"), spread(shape["load"]["lightgbm"], " ms"),
             *(f"{shape['outcomes'][engine]['seconds']:,.0f} s" if shape["outcomes"][engine]["outcome"] == "built"
               else missing(shape["outcomes"][engine]) for engine in ("lleaves-f64", "tl2cgen"))]
            for name, shape in result["shapes"].items()]
    return table(["model", "SearchOp / LightGBM", "SearchOp", "LightGBM, from text", "compiling: lleaves", "compiling: tl2cgen"], rows)


def scorer_plot(result):
    panels = []
    for batch, what in (("1", "One document"), ("100", "100 documents"), ("1000", "1,000 documents")):
        rows = []
        for engine in ENGINES:
            points = [shape["batches"][batch]["engines"][engine]["ratio"]["median"] for shape in result["shapes"].values()
                      if engine in shape["batches"][batch]["engines"]]
            if points:
                partial = "" if len(points) == len(result["shapes"]) else f" ({len(points)} of {len(result['shapes'])} models)"
                rows.append((ENGINES[engine] + partial, points, geometric_mean(points), engine == "searchop"))
        panels.append((f"{what}: times as fast as LightGBM's C API (a dot for each model, a bar for the geometric mean)", rows))
    return plot.ratio_document("Scoring speed relative to LightGBM", panels)


def http_part(result):
    servers, overload = result["servers"], result["overload"]
    own = servers["searchop"]
    rows = [[SERVERS[name], against(servers, name), spread(figures["cpu"], " µs"), rate(figures["saturation"]),
             spread(figures["p50"], " ms"), spread(figures["p99"], " ms"), spread(figures["memory"], " MiB"),
             spread({key: 1e3 * value if key != "count" else value for key, value in figures["start"].items()}, " ms")]
            for name, figures in servers.items()]
    head = ["server", "CPU time / SearchOp's", "CPU time of a request", "saturation, requests/s", "p50", "p99", "resident memory",
            "start to first ranked answer"]
    failures = ", ".join(f"{count:,} x {what}" for what, count in sorted(overload["failures"].items())) or "none"
    return f"""## Ranking over HTTP

{measured_on(result)}
100 candidates with 30 features each in the request ({own['body']:,} bytes), a model of 300 trees with 31 leaves; or 100 candidates by id,
whose features are computed from the catalogue of the demo shop. 64 lists take turns, so that no branch predictor learns one by heart.
The server has one core, the load generator another. Load is open: a fixed number of requests starts at a fixed rate, and latency
counts from the scheduled start, so that waiting is counted. Saturation is
the highest rate, by bisection over fixed rates of 2 s each, at which every request is answered and 99 of 100 within 50 ms. CPU time (user
and system, of the server's processes), latency and memory are taken at half of each server's own saturation, in {result['rounds']} rounds of 3 s.
KServe and MLServer get the same rows in their own protocols and only score; the others also sort. Nobody logs requests. axum's servers are in
`benchmarks/src/servers.rs`; serde_json is built to read every float64 exactly.

![CPU time of a request](performance-http.svg)

{table(head, rows)}

### Overload

{written(overload['rate'])} requests a second for {overload['seconds']:.0f} s, three times saturation: goodput (answers 200 that are not degraded) is
{written(overload['goodput'])} a second, {written(overload['share'])} of saturation. The generator offered {written(overload['offered'])} a second. Degraded answers:
{overload['degraded']:,}; other outcomes: {failures}. Answers took {written(overload['latency']['p50'])} ms (p50) and
{written(overload['latency']['p99'])} ms (p99). Resident memory was {written(overload['memory']['first'])} MiB at most in the first half and
{written(overload['memory']['second'])} MiB in the second.
"""


def against(servers, name):
    own = servers["searchop-ids" if name.endswith("-ids") else "searchop"]
    figure = ratios(servers[name]["rounds"]["cpu"], own["rounds"]["cpu"])
    return f"**{written(figure['median'])}** ({written(figure['min'])} to {written(figure['max'])})"


def rate(saturation):
    return ("at least " if saturation["generatorBound"] else "") + written(saturation["rate"])


def http_plot(result):
    bars = lambda own, names: [(SERVERS[name], result["servers"][name]["cpu"]["median"], name == own) for name in names]
    names = list(result["servers"])
    return plot.bar_document("CPU time of a ranking request", [
        ("CPU time of a request, 100 candidates with 30 features each", " µs",
         bars("searchop", [name for name in names if not name.endswith("-ids")])),
        ("CPU time of a request, 100 candidates by id", " µs", bars("searchop-ids", [name for name in names if name.endswith("-ids")]))])


def parser_part(result):
    names = {"inline": "100 candidates with 30 features", "ids": "100 candidates by id"}
    rows = [[names[name], f"**{written(body['ratio']['median'])}** ({written(body['ratio']['min'])} to {written(body['ratio']['max'])})",
             spread(body["microseconds"]["served"], " µs"), spread(body["microseconds"]["serde"], " µs"), f"{body['bytes']:,}"]
            for name, body in result["bodies"].items()]
    return f"""## Reading a request

{measured_on(result)} 64 bodies take turns.
{table(["body", "SearchOp / serde_json", "SearchOp", "serde_json into owned structs", "bytes"], rows)}
"""


def training_part(result):
    seconds, ratio = result["seconds"], result["ratio"]
    same = "The trees are the same" if result["equal"] else "**The trees differ**"
    return f"""## Training

{measured_on(result)}
{result['documents']:,} rows of {result['features']} features, {result['iterations']} trees of {result['leaves']} leaves, one thread, CPU time from the matrix in memory to the
model's text, {result['rounds']} rounds in turns. {same}.

{table(["SearchOp / LightGBM", "SearchOp's trainer", "LightGBM's Python package 4.7.0"],
       [[f"**{written(ratio['median'])}** ({written(ratio['min'])} to {written(ratio['max'])})", spread(seconds['searchop'], ' s'), spread(seconds['lightgbm'], ' s')]])}
"""
