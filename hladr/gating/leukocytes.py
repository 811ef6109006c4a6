"""Leukocytes among the events: over the valley that parts them from debris, scattered like blood and not like beads."""

import math

import numpy as np

MARGIN = 0.05  # share of the events at a scatter detector's limit
# Where the valley between debris and leukocytes lies, in natural units below the brightest population: CD45 of debris
# is a fifth of the granulocytes' and less; in forward scatter lymphocytes have half of the granulocytes', debris less.
CD45_VALLEY = (1.7, 4.0)
FSC_VALLEY = (0.8, 2.0)
HILLS_APART = 0.55  # of two hills of forward scatter the valley may be nearer
DARK = 0.2  # 1st percentile below zero, of the 99th above


def leukocyte_threshold(level: np.ndarray, cd45: bool) -> float:
    """Find the valley between debris and leukocytes, natural units.

    Parameters
    ----------
    level : ndarray (n,)
        CD45, or without it forward scatter.
    cd45 : bool
        Which of the two.
    """
    centres, density = _smoothed(level, 0.1, 0.2)
    peaks = np.flatnonzero((density[1:-1] >= density[:-2]) & (density[1:-1] > density[2:])) + 1
    big = [p for p in peaks if density[p] > 0.05 * density[centres > 1.5].max(initial=0)]
    top = centres[big[-1]] if big else centres[int(np.argmax(density))]
    nearest, farthest = CD45_VALLEY if cd45 else FSC_VALLEY
    if not cd45 and (found := _between_hills(level, top - farthest, top - HILLS_APART)) is not None:
        return found
    window = np.flatnonzero((centres > top - farthest) & (centres < top - nearest))
    if not len(window):
        return float(centres[0] - 0.05)  # below all
    lowest = density[window].min()
    flat = window[density[window] <= 1.05 * lowest + 1e-9]
    return float(centres[flat].mean())


def _between_hills(level: np.ndarray, low: float, high: float) -> float | None:
    """Find the deepest place between two hills of forward scatter; None where there is none, or no large hill below.

    Red cells and debris may be more than all leukocytes: what lies before the first hill is no valley.
    """
    centres, density = _smoothed(level, 0.05, 0.075)
    below, above = np.maximum.accumulate(density), np.maximum.accumulate(density[::-1])[::-1]
    depth = np.where((centres > low) & (centres < high), np.minimum(below, above) / np.maximum(density, 1.0), 0.0)
    deepest = int(np.argmax(depth))
    if depth[deepest] > 2 and below[deepest] > 0.5 * density.max():
        return float(centres[deepest])
    return None


def _smoothed(level: np.ndarray, width: float, sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Count events in cells of a width, smoothed by a normal kernel; their centres and what they hold."""
    reach = math.ceil(round(3 * sd / width, 6))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * width / sd) ** 2)
    low = np.floor(level.min() / width) * width
    places = ((level - low) / width).astype(int)
    counts = np.bincount(places, minlength=len(kernel)).astype(float)  # a convolution is no shorter than its kernel
    return low + width * (0.5 + np.arange(len(counts))), np.convolve(counts, kernel / kernel.sum(), "same")


def is_dark(cd45: np.ndarray) -> bool:
    """Tell whether CD45 is little more than the noise of its detector: as far below zero as above.

    A fifth is beyond what wrong compensation and a weak stain do (0.15 at most among 700 simulated tubes, 0.2 to 1.25
    where CD45 was not stained): the valley between debris and leukocytes would lie somewhere in the noise.
    """
    if np.count_nonzero(cd45 < 0) < 0.01 * len(cd45):
        return False
    low, high = np.quantile(cd45, [0.01, 0.99])
    return bool(-low > DARK * high)


def like_beads(side: np.ndarray, forward: np.ndarray) -> bool:
    """Tell whether four fifths of the events lie in one spot of scatter, narrower than any kind of cell.

    Cells that pile up at a detector's limit are narrow, too, and say nothing.
    """
    if any((values >= values.max()).mean() > MARGIN for values in (side, forward)):
        return False
    near = np.ones(len(side), dtype=bool)
    for values in (side, forward):
        counts = np.bincount(np.maximum(np.rint(values / 0.05), 0).astype(int))
        near &= np.abs(values - 0.05 * int(np.argmax(counts))) < 0.2
    return bool(near.mean() > 0.8)
