"""Leukocytes among the events: over the valley that parts them from debris, scattered like blood and not like beads."""

import math

import numpy as np

MARGIN = 0.05  # share of the events at a scatter detector's limit
# Where the valley between debris and leukocytes lies, in natural units below the brightest population: CD45 of debris
# is a fifth of the granulocytes' and less; in forward scatter lymphocytes have half of the granulocytes', debris less.
CD45_VALLEY = (1.7, 4.0)
FSC_VALLEY = (0.8, 2.0)


def leukocyte_threshold(level: np.ndarray, valley: tuple[float, float]) -> float:
    """Find the valley between debris and leukocytes, natural units.

    Parameters
    ----------
    level : ndarray (n,)
        CD45, or without it forward scatter.
    valley : (float, float)
        How far below the brightest population it may begin and end.
    """
    # the kernel below has 13 places, and a convolution is never shorter than its kernel
    low = np.floor(level.min() * 10) / 10
    high = max(level.max(), low + 1.3)
    counts = np.bincount(((level - low) * 10).astype(int), minlength=math.ceil((high - low) * 10) + 1).astype(float)
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)
    density = np.convolve(counts, kernel / kernel.sum(), "same")
    centres = low + 0.05 + 0.1 * np.arange(len(counts))
    peaks = np.flatnonzero((density[1:-1] >= density[:-2]) & (density[1:-1] > density[2:])) + 1
    big = [p for p in peaks if density[p] > 0.05 * density[centres > 1.5].max(initial=0)]
    top = centres[big[-1]] if big else centres[int(np.argmax(density))]
    nearest, farthest = valley
    window = np.flatnonzero((centres > top - farthest) & (centres < top - nearest))
    if not len(window):
        return float(low)
    lowest = density[window].min()
    flat = window[density[window] <= 1.05 * lowest + 1e-9]
    return float(centres[flat].mean())


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
