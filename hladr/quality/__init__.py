"""Quality of an acquisition: detector limits and singlets. Nothing is deleted here.

What happens over time is in `quality.time`.
"""

from dataclasses import dataclass

import numpy as np

from ..fcs.damage import LARGEST_VALUE

# A limit is where the largest value repeats: this many events, or this share of all.
LIMIT_EVENTS = 5
LIMIT_SHARE = 0.0005


def upper_limit(values: np.ndarray, top: float) -> float | None:
    """Find the value at which a detector is cut off.

    Parameters
    ----------
    values : ndarray (n,)
        Linear, uncompensated.
    top : float
        Largest value that the channel can hold ($PnR on the linear scale).

    Returns
    -------
    float or None
        The largest value, where it is the channel's top or so many events share it that it must be a limit.
    """
    with np.errstate(invalid="ignore"):
        values = values[np.abs(values) <= LARGEST_VALUE]  # what is not a number, or beyond any detector, is no limit
    if not len(values):
        return None
    high = float(values.max())
    if high >= 0.999 * top - 1:
        return high
    tied = int(np.count_nonzero(values == high))
    return high if tied >= max(LIMIT_EVENTS, LIMIT_SHARE * len(values)) else None


@dataclass(frozen=True)
class Ridge:
    """Singlets on forward area and height: ln(area / height) = level + slope (ln height - centre), with spread `sd`."""

    level: float
    slope: float
    centre: float
    sd: float


def singlet_ridge(area: np.ndarray, height: np.ndarray) -> Ridge | None:
    """Fit the ridge of single cells; None where area and height do not say anything (under 200 positive events).

    Notes
    -----
    Doublets lie only above the ridge, so its spread is taken from the events below its mode. A slope is allowed, as
    larger cells stay longer in the laser, but a small one: the doublets themselves suggest a steep one.
    """
    good = np.flatnonzero((area > 0) & (height > 0))
    if len(good) < 200:
        return None
    log_height = np.log(height[good])
    ratio, log_height, counts = _binned(np.log(area[good]) - log_height, log_height)
    centre = float(np.average(log_height, weights=counts))
    level, slope, sd = _mode(ratio, counts, 0.01, 1.5), 0.0, 0.1
    for _ in range(3):
        rest = ratio - level - slope * (log_height - centre)
        below = (rest < 0) & (rest > -4 * sd)
        if counts[below].sum() < 50:
            break
        sd = max(float(np.sqrt(np.average(rest[below] ** 2, weights=counts[below]))), 0.004)
        near = np.abs(rest) < 2.5 * sd
        x = log_height[near] - np.average(log_height[near], weights=counts[near])
        spread = float(np.average(x**2, weights=counts[near]))
        if spread > 1e-4:
            gain = float(np.average(x * rest[near], weights=counts[near])) / spread
            slope = float(np.clip(slope + gain, -0.15, 0.15))
        rest = ratio - level - slope * (log_height - centre)
        level += _mode(rest, counts, max(sd / 4, 0.002), 6 * sd)
    return Ridge(level, slope, centre, sd)


def _binned(ratio: np.ndarray, log_height: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count events in cells of 0.002 by 0.05: sums over cells do not depend on the order of the events."""
    x = np.rint(np.clip(ratio, -2, 2) / 0.002).astype(np.int64) + 1000
    y = np.rint(log_height / 0.05).astype(np.int64)
    low = int(y.min())
    counts = np.bincount((y - low) * 2001 + x)
    keys = np.flatnonzero(counts)
    return (keys % 2001 - 1000) * 0.002, (keys // 2001 + low) * 0.05, counts[keys].astype(float)


def _mode(values: np.ndarray, counts: np.ndarray, width: float, span: float) -> float:
    """Mode of a smoothed histogram over (-span, span) around 0 of the given width."""
    edges = np.arange(-span, span + width, width)
    heights = np.histogram(values, edges, weights=counts)[0]
    kernel = np.array([1, 4, 6, 4, 1], dtype=float) / 16
    smooth = np.convolve(np.convolve(heights, kernel, "same"), kernel, "same")
    return float(edges[int(np.argmax(smooth))] + width / 2)


def singlet_corners(ridge: Ridge, height_low: float, height_high: float, spreads: float) -> list[tuple[float, float]]:
    """Corners (area, height) of the singlet gate: up to `spreads` sd above the ridge, generous below it."""
    heights = np.geomspace(height_low, height_high, 4)
    line = ridge.level + ridge.slope * (np.log(heights) - ridge.centre)
    above = heights * np.exp(line + spreads * ridge.sd)
    # nothing but a cut-off area lies far below the ridge
    below = heights * np.exp(line - 2.0)
    return [*zip(above, heights, strict=True), *zip(below[::-1], heights[::-1], strict=True)]


def share(part: int, whole: int) -> float | None:
    """Part of the whole; None (missing, not 0) where the whole is empty."""
    return part / whole if whole else None
