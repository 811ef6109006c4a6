"""The peaks of a bead run: singlets by scatter, peaks of PE, each with its level.

The order of the events does not matter, nothing is drawn at random, and no marker is typed in by hand unless the
configuration gives a window for a level.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from . import assign as beads_assign
from . import density as beads_density
from . import scatter as beads_scatter
from .assign import Assignment
from .density import Scale

HALF_WINDOW = 3.0  # standard deviations about a peak that count for its statistics
SMALL_PEAK = 0.12  # of a typical level's events: smaller peaks are debris or clumps
MAX_PEAKS = 9
AT_LIMIT = 0.10  # share of a level's events at the detector's limit above which the level is left out


@dataclass(frozen=True)
class Peak:
    """One peak of PE among the singlet beads.

    Attributes
    ----------
    low, high : float
        Window of PE whose events count, linear.
    events : int
        Events in it.
    pe_median, pe_geometric_mean : float
        Of these events; the geometric mean is nan where an event is at or below zero.
    cv_percent : float
        Robust coefficient of variation.
    at_limit : float
        Share of the events at the detector's upper limit.
    """

    low: float
    high: float
    events: int
    pe_median: float
    pe_geometric_mean: float
    cv_percent: float
    at_limit: float


@dataclass(frozen=True)
class Peaks:
    """Everything found in a bead run before a line is drawn.

    Attributes
    ----------
    peaks : tuple of Peak
        Ascending.
    assignment : Assignment or None
    singlets : ndarray of bool, shape (n,)
    cluster : beads_scatter.Cluster or None
    scale : Scale
        On which the peaks were found.
    pile_low, pile_high : int
        Singlets at the lower and upper end of the PE scale.
    clump_share : float
        Share of events with at least twice the scatter of a singlet.
    debris_share : float
        Share of events with less scatter than a singlet.
    peak_share : float
        Share of the singlets that lie in a peak or at an end of the scale.
    """

    peaks: tuple[Peak, ...]
    assignment: Assignment | None
    singlets: np.ndarray
    cluster: beads_scatter.Cluster | None
    scale: Scale
    pile_low: int
    pile_high: int
    clump_share: float
    debris_share: float
    peak_share: float


def find(
    pe: np.ndarray,
    forward: np.ndarray,
    side: np.ndarray,
    height: np.ndarray | None,
    limit: float,
    values: Sequence[float],
    has_blank: bool = False,
    windows: Mapping[int, Sequence[float]] | None = None,
) -> Peaks:
    """Find the peaks of a bead run and assign them to the levels of the lot.

    Parameters
    ----------
    pe, forward, side : ndarray, shape (n,)
        Linear values, finite.
    height : ndarray, shape (n,), or None
        Forward height.
    limit : float
        Upper limit of the PE detector, on the scale of `pe`.
    values : sequence of float
        Assigned values of the lot, ascending, without a blank.
    has_blank : bool
        The lot has a blank level.
    windows : mapping of int to (low, high), optional
        PE windows drawn by hand, by index into `values` (-1: the blank). All other levels are then left out.

    Returns
    -------
    Peaks
    """
    best: Peaks | None = None
    for cluster in beads_scatter.clusters(forward, side, height):
        one = _in_cluster(pe, cluster, limit, values, has_blank, windows)
        if best is None or _quality(one, len(values)) > _quality(best, len(values)):
            best = one
        found, share = _quality(best, len(values))
        if found and share > 0.9 * float(best.singlets.sum()):
            break  # the clusters come by size: a smaller one cannot be better
    if best is None:
        none = np.zeros(pe.size, bool)
        return Peaks((), None, none, None, Scale(0.0), 0, 0, 0.0, 0.0, 0.0)
    low, high = beads_scatter.shares_beside(forward, side, best.cluster)
    return replace(best, debris_share=low, clump_share=high)


def _quality(peaks: Peaks, n_levels: int) -> tuple[bool, float]:
    """Which scatter cluster is the beads: one whose peaks are levels, then the one with most events in them.

    The events count first: doublets lie in a cluster of their own, and their PE has a ladder of levels too.
    """
    found = 0 if peaks.assignment is None else sum(level is not None for level in peaks.assignment.level_of_peak)
    share = min(found, n_levels) / max(n_levels, 1)
    return (found >= min(3, n_levels), share * peaks.peak_share * float(peaks.singlets.sum()))


def _in_cluster(pe, cluster, limit, values, has_blank, windows) -> Peaks:
    singlets = cluster.mask
    y_pe = np.sort(pe[singlets])
    top, bottom = _ends(y_pe, limit)
    pile_low, pile_high = int(np.sum(y_pe <= bottom)), int(np.sum(y_pe >= top))
    inside = beads_density.untie(y_pe[pile_low : y_pe.size - pile_high])
    scale = beads_density.scale_of(inside) if inside.size else Scale(0.0)
    if windows:
        peaks, assignment = _by_hand(y_pe, top, windows, len(values))
    else:
        peaks, assignment = _automatic(inside, y_pe, scale, top, values, has_blank, pile_low, pile_high)
    share = (sum(p.events for p in peaks) + pile_low + pile_high) / max(y_pe.size, 1)
    return Peaks(peaks, assignment, singlets, cluster, scale, pile_low, pile_high, 0.0, 0.0, min(share, 1.0))


def _automatic(inside, everything, scale, top, values, has_blank, pile_low, pile_high):
    """Try each bandwidth and keep the one whose peaks fit the lot best."""
    best: tuple[tuple[Peak, ...], Assignment | None] = ((), None)
    seen: set[tuple] = set()
    y = scale.forward(inside)
    y = y[np.isfinite(y)]
    for bandwidth in beads_density.BANDWIDTHS:
        modes = beads_density.modes(y, bandwidth)
        peaks = _measure(inside, everything, modes, scale, top)
        key = tuple(p.events for p in peaks)
        if not peaks or key in seen:
            continue
        seen.add(key)
        found = _assign(peaks, values, has_blank, pile_low, pile_high)
        better = best[1] is None or (found is not None and found.cost < best[1].cost - 1e-9)
        if better and (found is not None or len(peaks) > len(best[0])):
            best = (peaks, found)
    return best


def _assign(peaks, values, has_blank, pile_low, pile_high) -> Assignment | None:
    if not values:
        return None
    typical = float(np.median(sorted((p.events for p in peaks), reverse=True)[: len(values)]))
    return beads_assign.assign(
        [np.log(p.pe_median) if p.pe_median > 0 else np.nan for p in peaks],
        [p.events for p in peaks],
        values,
        has_blank=has_blank,
        pile_low=pile_low > 0.3 * typical,
        pile_high=pile_high > 0.3 * typical,
    )


def _ends(pe: np.ndarray, limit: float) -> tuple[float, float]:
    """Return the values at and above, and at and below which PE is off the scale.

    The upper end is the detector's limit; an end is also where the largest or smallest value repeats far more often
    than its neighbours, as clipped data do.
    """
    top, bottom = limit * 0.999, -np.inf
    values, counts = np.unique(pe, return_counts=True)
    if values.size < 5:
        return (float(values[-1]) if values.size and values[-1] >= top else top), bottom
    enough = max(10, 0.01 * pe.size)
    if counts[-1] >= enough and counts[-1] > 5 * counts[-20:-1].max():
        top = min(top, float(values[-1]))
    if counts[0] >= enough and counts[0] > 5 * counts[1:20].max():
        bottom = float(values[0])
    return top, bottom


def _measure(inside, everything, modes, scale: Scale, top: float) -> tuple[Peak, ...]:
    """Measure each mode in a window that is symmetric on the scale and stays within its valleys."""
    y = scale.forward(inside)
    peaks = []
    for mode in modes:
        between = y[(y >= mode.left) & (y < mode.right)]
        window = _window(between, mode)
        if window is None:
            continue
        low, high = float(scale.backward(window[0])), float(scale.backward(window[1]))
        peaks.append(_peak(everything, low, high, top))
    largest = sorted((p.events for p in peaks), reverse=True)
    if not largest:
        return ()
    floor = SMALL_PEAK * largest[min(2, len(largest) - 1)]
    kept = [p for p in peaks if p.events >= max(floor, 8)]
    if len(kept) > MAX_PEAKS:
        cut = sorted((p.events for p in kept), reverse=True)[MAX_PEAKS - 1]
        kept = [p for p in kept if p.events >= cut][:MAX_PEAKS]
    return tuple(kept)


def _window(y: np.ndarray, mode: beads_density.Mode) -> tuple[float, float] | None:
    """Iterate median and robust width within ±HALF_WINDOW of the peak."""
    if y.size < 8:
        return None
    centre, half = mode.y, min(mode.y - mode.left, mode.right - mode.y)
    half = max(half, 1e-6)
    for _ in range(8):
        part = y[np.abs(y - centre) <= half]
        if part.size < 8:
            return None
        middle = float(np.median(part))
        width = 1.4826 * float(np.median(np.abs(part - middle)))
        room = min(middle - mode.left, mode.right - middle)
        new = min(HALF_WINDOW * max(width, 1e-4) * 1.02, max(room, 1e-6))
        if abs(new - half) < 1e-4 and abs(middle - centre) < 1e-5:
            break
        centre, half = middle, new
    return centre - half, centre + half


def _peak(pe: np.ndarray, low: float, high: float, top: float) -> Peak:
    """Measure the events of a window; `pe` is sorted.

    The median is taken as the mean of the middle half of ln PE: over a bead's narrow peak it is the same centre, with a
    sixth less sampling error than the one event in the middle, and it does not jump by the steps of 10-bit data.
    """
    first, last = np.searchsorted(pe, [low, high])
    events = pe[first:last]
    if not events.size:
        return Peak(low, high, 0, math.nan, math.nan, math.inf, 0.0)
    logs = np.log(events) if events[0] > 0 else None
    quarter = events.size // 4
    if logs is None:
        median, geometric = float(events[quarter : events.size - quarter].mean()), math.nan
    else:
        median, geometric = math.exp(logs[quarter : events.size - quarter].mean()), math.exp(logs.mean())
    q = events[[int(0.1587 * (events.size - 1)), round(0.8413 * (events.size - 1))]]
    cv = float(50 * (q[1] - q[0]) / abs(median)) if median else float("inf")
    at_limit = float(np.mean(events >= top))
    return Peak(low, high, int(events.size), median, geometric, cv, at_limit)


def _by_hand(pe, top, windows, n_levels):
    """Take the windows of the configuration as they are."""
    levels = sorted(windows, key=lambda k: float(windows[k][0]))
    peaks = tuple(_peak(pe, float(windows[k][0]), float(windows[k][1]), top) for k in levels)
    named = [k for k in levels if k >= 0]
    blank = levels.index(-1) if -1 in levels else None
    lost = tuple(k for k in range(n_levels) if k not in named)
    low = tuple(k for k in lost if not named or k < named[0])
    return peaks, Assignment(
        tuple(k if k >= 0 else None for k in levels),
        blank,
        (),
        low,
        tuple(k for k in lost if k not in low),
        0.0,
        np.inf,
    )
