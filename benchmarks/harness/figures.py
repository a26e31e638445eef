"""Medians, spreads and how they are written. Pure."""

import math
import statistics


def summary(values):
    """Median and range of repeated measurements."""
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "count": len(values)}


def ratios(numerators, denominators):
    """The summary of the ratios within each round."""
    return summary(above / below for above, below in zip(numerators, denominators, strict=True))


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values))


def written(number):
    """Three significant digits, no exponent: 0.0123, 4.56, 78.9, 1,234."""
    if number == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}"


def spread(figure, unit=""):
    """`4.56 (4.1 to 5.02)`."""
    return f"{written(figure['median'])}{unit} ({written(figure['min'])} to {written(figure['max'])})"


def table(head, rows):
    """A Markdown table; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
