"""Which peak is which level: every choice is fitted, the best one wins, and its margin over the second best is kept.

Levels that are used are neighbours on the certificate; peaks may be left out between them (a clump, a doublet). Piles
of events at an end of the PE scale count as levels whose value cannot be read. Two neighbouring levels may share one
peak.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

SCATTER = 0.05  # ln units: how far a level may lie off a good line (5 %)
SLOPE_SD = 0.05  # how far the slope may lie off 1
MISSING = 14.0  # cost of a level without a peak and without a pile of events that explains it
EXPLAINED = 2.0  # cost of a level lost in such a pile
EXTRA = 10.0  # cost of a peak, as large as a level's, that no level explains
MERGED = 17.0  # cost of two levels in one peak: one level is lost, and the shared peak fits almost anything
SHARED_SD = 0.35  # the same for the events of two levels in one peak
COUNT_SD = 0.5  # ln units: how unequal the events of the levels usually are


@dataclass(frozen=True)
class Assignment:
    """Peaks assigned to levels.

    Attributes
    ----------
    level_of_peak : tuple of (int or None)
        For each peak the index of its level; None: not used. The index of the lower level where two share a peak.
    blank : int or None
        Index of the peak that is the blank.
    merged : tuple of int
        Indices of the levels that share one peak, or empty.
    lost_low, lost_high : tuple of int
        Indices of levels without a peak below and above those found.
    cost, margin : float
        Of the fit (half chi-square units), and the distance to the second best assignment; inf if there is none.
    """

    level_of_peak: tuple[int | None, ...]
    blank: int | None
    merged: tuple[int, ...]
    lost_low: tuple[int, ...]
    lost_high: tuple[int, ...]
    cost: float
    margin: float


def assign(
    log_pe: Sequence[float],
    events: Sequence[int],
    values: Sequence[float],
    *,
    has_blank: bool = False,
    pile_low: bool = False,
    pile_high: bool = False,
) -> Assignment | None:
    """Assign peaks to levels.

    Parameters
    ----------
    log_pe : sequence of float, length k
        ln PE of the peaks, ascending; nan for a peak at or below zero (it can only be a blank).
    events : sequence of int, length k
        Events of each peak.
    values : sequence of float, length m
        Assigned values, ascending, without the blank.
    has_blank : bool
        The lot has a blank bead.
    pile_low, pile_high : bool
        As many events as a level has lie at the lower or upper end of the PE scale.

    Returns
    -------
    Assignment or None
        None if fewer than two peaks could be levels.
    """
    x, n = [float(p) for p in log_pe], [float(e) for e in events]
    v = [math.log(value) for value in values]
    run = _Run(x, n, v, _median(sorted(n)[-len(v) :]) if n else 1.0, has_blank, pile_low, pile_high)
    candidates = [k for k, p in enumerate(x) if math.isfinite(p)]
    best: list[tuple[float, tuple]] = []

    def consider(option: tuple) -> None:
        peaks, first, size, at = option
        ends = _ends(run, peaks, first, first + size - 1 + (at >= 0)) + (MERGED if at >= 0 else 0.0)
        # most options are hopeless before anything is fitted
        if len(best) < 2 or ends < best[1][0]:
            best.append((ends + _fit_and_balance(run, peaks, first, at), option))
            best.sort()
            del best[2:]

    for size in range(min(len(candidates), len(v)), 1, -1):
        for peaks in combinations(candidates, size):
            for first in range(len(v) - size + 1):
                consider((peaks, first, size, -1))
            for first in range(len(v) - size):  # size + 1 levels, two of them in one peak
                for at in range(size):
                    consider((peaks, first, size, at))
    if not best:
        return None
    cost, (peaks, first, size, at) = best[0]
    margin = best[1][0] - cost if len(best) > 1 else math.inf
    return _assignment(run, peaks, first, size, at, cost, margin)


@dataclass(frozen=True)
class _Run:
    """What is to be assigned: ln PE and events of the peaks, ln values of the levels."""

    x: list[float]
    n: list[float]
    v: list[float]
    typical: float
    has_blank: bool
    pile_low: bool
    pile_high: bool


def _assignment(run: _Run, peaks, first, size, at, cost, margin) -> Assignment:
    level_of: list[int | None] = [None] * len(run.x)
    step = 0
    for position, peak in enumerate(peaks):
        level_of[peak] = first + position + step
        step += position == at
    last = first + size - 1 + (at >= 0)
    blank = peaks[0] - 1 if run.has_blank and peaks[0] > 0 else None
    merged = (first + at, first + at + 1) if at >= 0 else ()
    lost_low, lost_high = tuple(range(first)), tuple(range(last + 1, len(run.v)))
    return Assignment(tuple(level_of), blank, merged, lost_low, lost_high, cost, margin)


def _ends(run: _Run, peaks: tuple[int, ...], first: int, last: int) -> float:
    """Cost of the levels without a peak and of the peaks without a level."""
    low, high = first, len(run.v) - 1 - last
    # a level between a blank that is on the scale and the levels above cannot be below the scale
    sunk = run.pile_low and not (run.has_blank and peaks[0] > 0)
    cost = (EXPLAINED if sunk else MISSING) * low + (EXPLAINED if run.pile_high else MISSING) * high
    if run.pile_high and not high:
        cost += EXTRA / 2
    others = [k for k in range(len(run.x)) if k not in peaks]
    below = peaks[0] - 1
    if below >= 0:
        others.remove(below)
        if not run.has_blank:  # a dim extra peak: debris or unstained beads
            cost += 0.4 * EXTRA * min(run.n[below] / run.typical, 1.0)
    elif run.has_blank and not run.pile_low and not low:
        cost += 0.3 * MISSING
    return cost + sum(EXTRA * min(run.n[k] / run.typical, 1.0) for k in others)


def _fit_and_balance(run: _Run, peaks: tuple[int, ...], first: int, at: int) -> float:
    """Cost of the fit, of unequal counts (kits mix their levels about equally), and of a shared peak.

    Least squares with a prior on the slope (1 ± SLOPE_SD); half chi-square.
    """
    index = [p for k, p in enumerate(peaks) if k != at]
    if len(index) < 2:
        return math.inf
    level = [first + k + (0 <= at < k) for k in range(len(peaks)) if k != at]
    x, v, n = [run.x[k] for k in index], [run.v[k] for k in level], [run.n[k] for k in index]
    mean_x, mean_v = sum(x) / len(x), sum(v) / len(v)
    sxx = sum((a - mean_x) ** 2 for a in x) / SCATTER**2
    sxv = sum((a - mean_x) * (b - mean_v) for a, b in zip(x, v, strict=True)) / SCATTER**2
    slope = (sxv + 1 / SLOPE_SD**2) / (sxx + 1 / SLOPE_SD**2)
    rest = [b - mean_v - slope * (a - mean_x) for a, b in zip(x, v, strict=True)]
    chi = sum(r * r for r in rest) / SCATTER**2 + ((slope - 1) / SLOPE_SD) ** 2
    middle = _median(sorted(n))
    chi += sum((math.log(k / middle) / COUNT_SD) ** 2 for k in n)
    if at >= 0:  # the shared peak must lie between its two levels, and holds the events of both
        chi += (math.log(run.n[peaks[at]] / (2 * middle)) / SHARED_SD) ** 2
        shared = mean_v + slope * (run.x[peaks[at]] - mean_x)
        low, high = run.v[first + at] - SCATTER, run.v[first + at + 1] + SCATTER
        chi += (max(low - shared, shared - high, 0.0) / SCATTER) ** 2
    return chi / 2


def _median(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
