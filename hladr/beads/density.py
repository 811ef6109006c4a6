"""Peaks of PE on a scale that is logarithmic where beads are bright and linear where noise rules, at any gain."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

BANDWIDTHS = (
    0.02,
    0.04,
    0.08,
    0.15,
)  # of the density, in ln units: from CV 2 % beads to dim peaks as wide as their value


@dataclass(frozen=True)
class Scale:
    """y = asinh(PE / (2 c)) with c in PE units: about ln(PE / c) above a few c, linear within ±c.

    c = 0 means ln itself, for data without noise about zero.
    """

    c: float

    def forward(self, pe: np.ndarray) -> np.ndarray:
        """Return y of PE; for c = 0 values at or below zero become -inf."""
        if self.c > 0:
            return np.arcsinh(np.asarray(pe) / (2 * self.c))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(np.maximum(pe, 0.0))

    def backward(self, y: np.ndarray) -> np.ndarray:
        """Return PE of y."""
        return np.sinh(y) * 2 * self.c if self.c > 0 else np.exp(y)


@dataclass(frozen=True)
class Mode:
    """A maximum of the density with its valleys, in scale units."""

    y: float
    left: float
    right: float


def scale_of(pe: np.ndarray) -> Scale:
    """Choose the scale from the values at and below zero: their spread is the noise that the beads' PE stands on.

    Files of log amplifiers have no such values: ln.
    """
    negative = pe[pe < 0]
    if negative.size < max(5, 0.002 * pe.size):
        return Scale(0.0) if not np.any(pe <= 0) else Scale(_small(pe))
    return Scale(float(np.median(-negative)) * 1.48)


def _small(pe: np.ndarray) -> float:
    positive = pe[pe > 0]
    return float(np.percentile(positive, 0.5)) / 4 if positive.size else 1.0


def untie(pe: np.ndarray) -> np.ndarray:
    """Spread equal values evenly over their digital step, so that coarse numbers are no comb of peaks.

    A value stands for its step, of which it is taken as the middle; the events that share it are spread over it in
    equal parts. Only the search for peaks needs it: a peak's window is measured on the numbers as they are.

    Parameters
    ----------
    pe : ndarray, shape (n,)
        Ascending.

    Returns
    -------
    ndarray, shape (n,)
        Ascending; as it came where nearly all values are distinct.
    """
    values, counts = np.unique(pe, return_counts=True)
    if values.size < 3 or values.size > 0.9 * pe.size:
        return pe
    steps = np.diff(values)
    width = np.minimum(np.append(steps, steps[-1]), np.append(steps[0], steps))
    rank = np.arange(pe.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return pe + np.repeat(width, counts) * ((rank + 0.5) / np.repeat(counts, counts) - 0.5)


def modes(y: np.ndarray, bandwidth: float) -> list[Mode]:
    """Find the maxima of the density of y that stand out of counting noise.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Finite values on the scale.
    bandwidth : float
        Standard deviation of the smoothing kernel, in scale units.

    Returns
    -------
    list of Mode
        In ascending order. A maximum counts if the valley to a higher one is deeper than 3.5 standard deviations of
        the counts and less than 80 % of the maximum.
    """
    if y.size < 10:
        return []
    step = bandwidth / 4
    low, high = float(y.min()) - 4 * bandwidth, float(y.max()) + 4 * bandwidth
    size = int(np.ceil((high - low) / step)) + 1
    counts = np.bincount(np.floor((y - low) / step).astype(np.int64), minlength=size).astype(float)
    reach = 12
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / 4.0) ** 2)
    kernel /= kernel.sum()
    density = np.convolve(counts, kernel, mode="same")
    events = 1 / np.sum(kernel**2)  # a density of d per bin rests on about d * events counts
    return [
        Mode(low + (i + 0.5) * step, low + (a + 0.5) * step, low + (b + 0.5) * step)
        for i, a, b in _persistent(density, events)
    ]


def _persistent(density: np.ndarray, events: float) -> list[tuple[int, int, int]]:
    """Maxima by persistence: flood from the top; a maximum ends where its basin meets a higher one."""
    inner = density[1:-1]
    tops = np.flatnonzero((inner > density[:-2]) & (inner >= density[2:])) + 1
    tops = [int(t) for t in tops if density[t] * events > 8]
    if not tops:
        return []
    # valleys between neighbouring maxima
    valleys = [int(a + np.argmin(density[a : b + 1])) for a, b in pairwise(tops)]
    while len(tops) > 1:
        # the least significant neighbourhood is merged first
        weakest, where = np.inf, -1
        for k, v in enumerate(valleys):
            small = min(density[tops[k]], density[tops[k + 1]])
            depth = (small - density[v]) * np.sqrt(events / max(small + density[v], 1e-12))
            score = depth if density[v] < 0.8 * small else 0.0
            if score < weakest:
                weakest, where = score, k
        if weakest >= 3.5:
            break
        drop = where if density[tops[where]] < density[tops[where + 1]] else where + 1
        del tops[drop]
        # the two valleys about a dropped maximum become one: the lower
        sides = [k for k in (drop - 1, drop) if 0 <= k < len(valleys)]
        if len(sides) == 2:
            keep = min(sides, key=lambda k: density[valleys[k]])
            valleys[sides[0] : sides[1] + 1] = [valleys[keep]]
        else:
            del valleys[sides[0]]
    bounds = [0, *valleys, density.size - 1]
    return [(t, bounds[k], bounds[k + 1]) for k, t in enumerate(tops)]
