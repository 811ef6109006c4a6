"""Which peak is which level: every choice is fitted, the best one wins, and its margin over the second best is kept.

Levels that are used are neighbours on the certificate; peaks may be left out between them (a clump, a doublet). Piles
of events at an end of the PE scale count as levels whose value cannot be read. Two neighbouring levels may share one
peak.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

SCATTER = 0.05  # ln units: how far a level may lie off a good line (5 %)
SLOPE_SD = 0.05  # how far the slope may lie off 1
MISSING = 14.0  # cost of a level without a peak and without a pile of events that explains it
EXPLAINED = 2.0  # cost of a level lost in such a pile
EXTRA = 10.0  # cost of a peak, as large as a level's, that no level explains
MERGED = 9.0  # cost of two levels in one peak


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
    x, n = np.asarray(log_pe, float), np.asarray(events, float)
    v = np.log(np.asarray(values, float))
    typical = np.median(np.sort(n)[-len(v) :]) if n.size else 1.0
    candidates = [k for k in range(x.size) if np.isfinite(x[k])]
    options: list[tuple[float, tuple]] = []
    for size in range(min(len(candidates), len(v)), 1, -1):
        for peaks in combinations(candidates, size):
            for first in range(len(v) - size + 1):
                cost = _cost(x, n, v, peaks, tuple(range(first, first + size)), typical, has_blank, pile_low, pile_high)
                options.append((cost, (peaks, first, size, -1)))
            for first in range(len(v) - size):  # size + 1 levels, two of them in one peak
                for at in range(size):
                    cost = _cost_merged(x, n, v, peaks, first, at, typical, has_blank, pile_low, pile_high)
                    options.append((cost, (peaks, first, size, at)))
    if not options:
        return None
    options.sort()
    cost, (peaks, first, size, at) = options[0]
    margin = options[1][0] - cost if len(options) > 1 else float("inf")
    return _assignment(x, peaks, first, size, at, len(v), has_blank, cost, margin)


def _assignment(x, peaks, first, size, at, n_levels, has_blank, cost, margin) -> Assignment:
    level_of = [None] * x.size
    step = 0
    for position, peak in enumerate(peaks):
        level_of[peak] = first + position + step
        step += position == at
    last = first + size - 1 + (at >= 0)
    below = [k for k in range(peaks[0])]
    blank = max(below, default=None) if has_blank else None
    merged = (first + at, first + at + 1) if at >= 0 else ()
    return Assignment(
        tuple(level_of),
        blank,
        merged,
        tuple(range(first)),
        tuple(range(last + 1, n_levels)),
        float(cost),
        float(margin),
    )


def _ends(x, n, peaks, first, last, n_levels, typical, has_blank, pile_low, pile_high) -> float:
    """Cost of the levels without a peak and of the peaks without a level."""
    cost = 0.0
    low, high = first, n_levels - 1 - last
    if low:
        cost += (EXPLAINED if pile_low else MISSING) * low
    if high:
        cost += (EXPLAINED if pile_high else MISSING) * high
    if pile_high and not high:
        cost += EXTRA / 2
    others = [k for k in range(x.size) if k not in peaks]
    below = [k for k in others if k < peaks[0]]
    if below and has_blank:
        others.remove(max(below))
    elif below:  # a dim extra peak: debris or unstained beads
        others.remove(max(below))
        cost += 0.4 * EXTRA * min(n[max(below)] / typical, 1.0)
    elif has_blank and not pile_low and not low:
        cost += 0.3 * MISSING
    return cost + sum(EXTRA * min(n[k] / typical, 1.0) for k in others)


def _fit_cost(x: np.ndarray, v: np.ndarray) -> tuple[float, float, float]:
    """Least squares with a prior on the slope (1 ± SLOPE_SD); half chi-square, slope, intercept."""
    dx, dv = x - x.mean(), v - v.mean()
    slope = (dx @ dv / SCATTER**2 + 1 / SLOPE_SD**2) / (dx @ dx / SCATTER**2 + 1 / SLOPE_SD**2)
    residual = dv - slope * dx
    chi = residual @ residual / SCATTER**2 + ((slope - 1) / SLOPE_SD) ** 2
    return chi / 2, slope, v.mean() - slope * x.mean()


def _balance(n: np.ndarray) -> float:
    """Cost of unequal counts: kits mix their levels about equally."""
    return float(np.sum((np.log(n / np.median(n)) / 0.8) ** 2) / 2)


def _cost(x, n, v, peaks, levels, typical, has_blank, pile_low, pile_high) -> float:
    index, level = list(peaks), list(levels)
    fit, _, _ = _fit_cost(x[index], v[level])
    ends = _ends(x, n, peaks, level[0], level[-1], len(v), typical, has_blank, pile_low, pile_high)
    return fit + _balance(n[index]) + ends


def _cost_merged(x, n, v, peaks, first, at, typical, has_blank, pile_low, pile_high) -> float:
    index = [p for k, p in enumerate(peaks) if k != at]
    if len(index) < 2:
        return float("inf")
    level = [first + k + (k > at) for k in range(len(peaks)) if k != at]
    fit, slope, intercept = _fit_cost(x[index], v[level])
    # the shared peak must lie between its two levels
    shared = intercept + slope * x[peaks[at]]
    off = max(v[first + at] - 0.05 - shared, shared - v[first + at + 1] - 0.05, 0.0)
    ends = _ends(x, n, peaks, first, first + len(peaks), len(v), typical, has_blank, pile_low, pile_high)
    return fit + _balance(n[index]) + ends + MERGED + (off / SCATTER) ** 2 / 2
