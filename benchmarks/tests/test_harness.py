"""What the benchmarks' driver decides without measuring. `make unit` runs it."""

import os
import pathlib
import sys
import unittest
import xml.etree.ElementTree

os.environ.setdefault("SEARCHOP_CACHE", "/nowhere")
os.environ.setdefault("CARGO_TARGET_DIR", "/nowhere")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import figures, page, plot, saturation, scorer, targets  # noqa: E402


def of(median):
    return {"median": median, "min": median, "max": median, "count": 1}


def scorer_result(ratios):
    """All six shapes, with our own ratio and one peer of ratio 5."""
    engine = lambda ratio: {"ratio": of(ratio), "microseconds": of(1.0), "difference": 0.0}
    batch = lambda ratio: {"compared": 10, "unequal": 0, "engines": {
        "searchop": engine(ratio), "lightgbm": engine(1.0), "ydf": engine(5.0)}}
    outcomes = {name: {"outcome": "too long", "seconds": 600.0} for name in scorer.PEERS}
    outcomes["ydf"] = {"outcome": "built", "seconds": 1.0}
    shapes = {scorer.name_of(shape): {"outcomes": outcomes, "batches": {name: batch(ratio) for name in ("1", "100", "1000")},
                                      "load": {"searchop": of(1.0), "lightgbm": of(2.0), "ratio": of(0.5)}}
              for shape, ratio in zip(scorer.SHAPES, ratios)}
    machine = {"processor": "a processor", "cores": 2, "instructions": ["avx2"], "memory": "1 GiB", "system": "Linux 6",
               "compiler": "rustc 1", "date": "2026-01-01"}
    return {"machine": machine, "rounds": 1, "shapes": shapes, "equality": {"models": 1, "pairs": 10, "different": 0}}


class Saturation(unittest.TestCase):
    def test_the_highest_rate_that_passes_is_found_wherever_it_is(self):
        candidates = saturation.rates(1000.0)
        for limit in (*candidates, candidates[0] - 1):
            tried = []

            def passes(rate):
                tried.append(rate)
                return rate <= limit

            expected = max((rate for rate in candidates if rate <= limit), default=None)
            self.assertEqual(saturation.highest(candidates, passes), expected)
            self.assertEqual(len(tried), len(set(tried)))
            self.assertLessEqual(len(tried), 9)

    def test_a_failure_or_a_slow_answer_is_not_keeping_up(self):
        load = {"requests": 100, "succeeded": 100, "latency": {"p99": 49.0}}
        self.assertTrue(saturation.keeps_up(load))
        self.assertFalse(saturation.keeps_up({**load, "succeeded": 99}))
        self.assertFalse(saturation.keeps_up({**load, "latency": {"p99": 50.0}}))


class Figures(unittest.TestCase):
    def test_ratios_are_taken_within_a_round(self):
        self.assertEqual(figures.ratios([2.0, 40.0], [1.0, 10.0]), {"median": 3.0, "min": 2.0, "max": 4.0, "count": 2})

    def test_three_significant_digits_are_written(self):
        self.assertEqual([figures.written(number) for number in (0, 0.01234, 4.5678, 78.94, 1234.5)],
                         ["0", "0.0123", "4.57", "78.9", "1,234"])


class Targets(unittest.TestCase):
    def test_a_figure_is_missed_or_reaches_its_floor_or_its_aim(self):
        self.assertEqual([targets.verdict(figure, 6, 10, "least") for figure in (5.9, 6, 10, None)],
                         ["**missed**", "floor reached", "aim reached", "not measured"])
        self.assertEqual([targets.verdict(figure, 0.5, 0.25, "most") for figure in (0.6, 0.5, 0.25)],
                         ["**missed**", "floor reached", "aim reached"])

    def test_the_scorer_is_judged_on_all_six_shapes_only(self):
        result = scorer_result([6.0, 12.0, 6.0, 12.0, 6.0, 4.0])
        found = targets.figures({"scorer": result})
        self.assertAlmostEqual(found[1], (6 * 12 * 6 * 12 * 6 * 4) ** (1 / 6))
        self.assertEqual((found[2], found[5], found[6], found[7]), (4.0, 5, 0, 0.5))
        del result["shapes"]["31x300"]
        self.assertNotIn(1, targets.figures({"scorer": result}))


class Page(unittest.TestCase):
    def test_what_was_not_measured_is_said_and_a_compiler_that_took_too_long_too(self):
        self.assertEqual([row[6] for row in targets.rows({})], ["not measured"] * len(targets.ROWS))
        text = page.scorer_part(scorer_result([6.0] * 6))
        self.assertIn("not compiled in 10 min", text)
        self.assertIn("| SearchOp | **6.00** |", text)

    def test_the_plot_is_svg(self):
        svg = page.scorer_plot(scorer_result([6.0, 7.0, 8.0, 9.0, 10.0, 11.0]))
        self.assertTrue(xml.etree.ElementTree.fromstring(svg).tag.endswith("svg"))
        self.assertEqual(plot.ticks(0.9, 12), [1, 2, 5, 10])


if __name__ == "__main__":
    unittest.main()
