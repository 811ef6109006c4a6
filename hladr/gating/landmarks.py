"""The populations by which monocytes are found: lymphocytes and granulocytes, as peaks of a smoothed histogram.

Which peak is which follows from how blood cells lie to each other in SSC, CD45 and CD14, in natural units, where the
distances are about the same on every cytometer. Either population may be missing: septic blood can lack lymphocytes,
separated blood granulocytes.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .mixture import Cells

CD14, SIDE, THIRD = 0, 1, 2  # the third axis is CD45 or, without it, FSC
BLUR = 0.25  # sd of the smoothing, natural units: that of a narrow population
LEAST_EVENTS = 8.0  # a peak holds as many under the kernel
LEAST_SHARE = 0.004  # and this share of the highest


@dataclass(frozen=True)
class Grid:
    """A dense histogram on the first three axes: counts, and the cells' places in it."""

    cells: Cells
    counts: np.ndarray
    at: tuple[np.ndarray, ...]

    @property
    def width(self) -> float:
        """Edge of a cell."""
        return float(self.cells.widths[0])

    @cached_property
    def smoothed(self) -> np.ndarray:
        """The counts, smoothed."""
        return blur(self.counts, self.width)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Sum a value per cell on the grid."""
        flat = np.bincount(np.ravel_multi_index(self.at, self.counts.shape), values, self.counts.size)
        return flat.reshape(self.counts.shape)

    def position(self, flat: int) -> np.ndarray:
        """Position (d,) of a place on the grid; on further axes the mean of the events around it, or of the nearest."""
        place = np.array(np.unravel_index(flat, self.counts.shape))
        position = self.cells.origin[:3] + (place + 0.5) * self.width
        if self.cells.centres.shape[1] == 3:
            return position
        distance = np.abs(self.cells.steps[:, :3] - place).max(axis=1)
        near = distance <= max(2, distance.min())
        return np.append(position, np.average(self.cells.centres[near, 3], weights=self.cells.counts[near]))

    def centres(self, axis: int) -> np.ndarray:
        """Centres along an axis."""
        return self.cells.origin[axis] + (np.arange(self.counts.shape[axis]) + 0.5) * self.width


@dataclass(frozen=True)
class Landmarks:
    """What is known of a tube before monocytes are looked for.

    Attributes
    ----------
    lymphocytes, granulocytes : ndarray (d,) or None
        Their peaks, natural units.
    expected : tuple of (float, float)
        Where monocytes may lie, on SSC and the third axis.
    reference : float
        CD14 of the brighter of the known populations, which monocytes exceed.
    """

    lymphocytes: np.ndarray | None
    granulocytes: np.ndarray | None
    expected: tuple[tuple[float, float], ...]
    reference: float


def make_grid(cells: Cells) -> Grid:
    """Spread cells on a dense grid."""
    at = tuple(cells.steps[:, :3].T)
    grid = Grid(cells, np.zeros(tuple(int(i.max()) + 1 for i in at)), at)
    return Grid(cells, grid.spread(cells.counts), at)


def blur(counts: np.ndarray, width: float, sd: float = BLUR) -> np.ndarray:
    """Smooth by a Gaussian of `sd` along every axis; mass beyond the edge is lost."""
    reach = math.ceil(2.5 * sd / width)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * width / sd) ** 2)
    kernel /= kernel.sum()
    for axis in range(counts.ndim):
        moved = np.moveaxis(counts, axis, 0)
        out = np.zeros_like(moved)
        size = len(moved)
        for offset, weight in zip(range(-reach, reach + 1), kernel, strict=True):
            if abs(offset) < size:
                a, b = max(0, -offset), min(size, size - offset)
                out[a:b] += weight * moved[a + offset : b + offset]
        counts = np.moveaxis(out, 0, axis)
    return counts


def kernel_events(width: float) -> float:
    """Return the number of cells that the smoothing kernel amounts to, on three axes."""
    return (4 * math.pi) ** 1.5 * (BLUR / width) ** 3


def peaks(grid: Grid) -> list[tuple[np.ndarray, float]]:
    """Find local maxima of the smoothed histogram: position (d,) and events under the kernel, highest first."""
    density = grid.smoothed * kernel_events(grid.width)
    padded = np.pad(density, 1, constant_values=-1.0)
    spans = density.shape
    top = density >= max(LEAST_EVENTS, LEAST_SHARE * density.max())
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            for k in (-1, 0, 1):
                if (i, j, k) == (0, 0, 0):
                    continue
                other = padded[1 + i : 1 + i + spans[0], 1 + j : 1 + j + spans[1], 1 + k : 1 + k + spans[2]]
                top &= (density > other) if (i, j, k) > (0, 0, 0) else (density >= other)
    found = np.flatnonzero(top.ravel())
    found = found[np.argsort(-density.ravel()[found], kind="stable")]
    return [(grid.position(int(f)), float(density.flat[f])) for f in found]


def landmarks(grid: Grid, cd45: bool) -> Landmarks:
    """Tell lymphocytes and granulocytes from the other peaks, and where monocytes are to be expected."""
    found = peaks(grid)
    if not found:
        best = int(np.argmax(grid.smoothed))
        found = [(grid.position(best), 1.0)]
    first = found[0][0]
    lymphocytes = _lymphocytes(found, cd45)
    if lymphocytes is not first and _instead_of_lymphocytes(lymphocytes, first, found, cd45):
        lymphocytes = None
    granulocytes = first if lymphocytes is None else _granulocytes(found, lymphocytes, cd45)
    known = [p for p in (lymphocytes, granulocytes) if p is not None]
    expected = _expected(lymphocytes, granulocytes, cd45)
    return Landmarks(lymphocytes, granulocytes, expected, float(max(p[CD14] for p in known)))


def _lymphocytes(found, cd45: bool) -> np.ndarray:
    """Take the peak with little SSC, much CD45 (without CD45: little FSC), little CD14; size counts little."""

    def score(peak) -> float:
        position, events = peak
        third = position[THIRD] if cd45 else -0.5 * position[THIRD]
        return third - position[SIDE] - 0.3 * position[CD14] + 0.15 * math.log(events)

    return max(found, key=score)[0]


def _instead_of_lymphocytes(position: np.ndarray, first: np.ndarray, found, cd45: bool) -> bool:
    """Tell the monocytes of blood without lymphocytes: CD14 above the granulocytes', and nothing brighter elsewhere.

    CD14 of lymphocytes can lie a little above the granulocytes' too, where CD45 spills into it; but their CD45 and
    SSC then lie further from the granulocytes than monocytes' do.
    """
    step = position - first
    if step[CD14] <= 0.7:
        return False
    if any(other[CD14] > position[CD14] + 1.5 and other[SIDE] > position[SIDE] + 0.3 for other, _ in found):
        return False
    return bool(step[CD14] > 2.0 or (step[SIDE] > -1.1 and (not cd45 or step[THIRD] < 1.0)))


def _granulocytes(found, lymphocytes: np.ndarray, cd45: bool) -> np.ndarray | None:
    """Take the largest peak that lies to the lymphocytes as granulocytes do, and is not the monocytes."""
    for position, _ in found:
        step = position - lymphocytes
        beside = step[SIDE] > 0.3 and step[THIRD] < 0.1 and step[SIDE] - step[THIRD] > 1.0
        apart = beside if cd45 else step[SIDE] > 0.6
        if apart and not _monocytic(position, found, lymphocytes, cd45):
            return position
    return None


def _monocytic(position: np.ndarray, found, lymphocytes: np.ndarray, cd45: bool) -> bool:
    """Tell monocytes from granulocytes: something scatters more with less CD14; or else by the distances themselves."""
    step = position - lymphocytes
    if step[CD14] < 1.5:
        return False
    for other, _ in found:
        away = other - position
        if away[SIDE] > 0.3 and away[CD14] < -0.6 and (not cd45 or away[THIRD] < 0.3):
            return True
    # typical distances from lymphocytes: granulocytes SSC 1.5, CD45 -1.2; monocytes SSC 0.85, CD45 -0.5, CD14 over 4
    granulocyte = ((step[SIDE] - 1.5) / 0.35) ** 2 + 0.5 * max(step[CD14] - 3.0, 0) ** 2
    monocyte = ((step[SIDE] - 0.85) / 0.35) ** 2
    if cd45:
        granulocyte += ((step[THIRD] + 1.2) / 0.4) ** 2
        monocyte += ((step[THIRD] + 0.5) / 0.4) ** 2
    return monocyte < granulocyte


def _expected(lymphocytes, granulocytes, cd45: bool) -> tuple[tuple[float, float], ...]:
    if lymphocytes is not None and granulocytes is not None:
        between = granulocytes[SIDE] - lymphocytes[SIDE]
        side = float(lymphocytes[SIDE] + min(max(0.5 * between, 0.75), 1.1))
        third = 0.5 * (lymphocytes[THIRD] + granulocytes[THIRD]) if cd45 else granulocytes[THIRD]
        return ((side, float(third)),)
    if lymphocytes is None:
        return ((float(granulocytes[SIDE] - 0.75), float(granulocytes[THIRD] + (0.6 if cd45 else 0.0))),)
    # one population only: lymphocytes, or granulocytes taken for them
    side, third = float(lymphocytes[SIDE]), float(lymphocytes[THIRD])
    above = (side + 0.95, third + (-0.35 if cd45 else 0.45))
    return (above, (side - 0.75, third + (0.6 if cd45 else 0.0)))
