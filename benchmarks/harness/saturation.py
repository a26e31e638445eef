"""The highest rate that a server keeps up with, by bisection over fixed rates. Pure, but for what `passes` does."""

STEP = 1.05
BELOW, ABOVE = 40, 8


def rates(guess):
    """Fixed rates around a guess, each 5 % above the one before, in three significant digits."""
    return [float(f"{guess * STEP ** exponent:.3g}") for exponent in range(-BELOW, ABOVE + 1)]


def highest(candidates, passes):
    """The highest of rising rates that passes, if those below a passing one pass too; None when none does."""
    low, high = -1, len(candidates)
    # What a guess is worth is known: begin there, and step away from it in growing steps.
    probe, step = min(BELOW - 4, len(candidates) - 1), 2
    while high - low > 1:
        if passes(candidates[probe]):
            low = probe
            probe = low + step if high == len(candidates) else (low + high) // 2
        else:
            high = probe
            probe = high - step if low == -1 else (low + high) // 2
        step *= 2
        probe = min(max(probe, low + 1), high - 1)
    return candidates[low] if low >= 0 else None


def keeps_up(load):
    """Whether every request of a run was answered in full and 99 of 100 within 50 ms."""
    return load["succeeded"] == load["requests"] and load["latency"]["p99"] < 50.0
