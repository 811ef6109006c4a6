"""A histogram of the leukocytes on CD14, SSC and CD45 (or FSC), smoothed: where populations are looked for."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from .mixture import Cells

BLUR = (0.25, 0.25, 0.25)  # sd of the smoothing, natural units: that of a narrow population
BLUR_FSC = (0.25, 0.25, 0.15)  # where the third axis is FSC, on which populations are narrower and nearer
KERNEL = 2.5  # sd that the smoothing kernel reaches


@dataclass(frozen=True)
class Grid:
    """A dense histogram on the first three axes, or a part of it.

    Attributes
    ----------
    cells : Cells
    counts : ndarray
    first : tuple of int
        Where it begins, in cells.
    """

    cells: Cells
    counts: np.ndarray
    first: tuple[int, ...] = (0, 0, 0)

    @property
    def width(self) -> float:
        """Edge of a cell."""
        return float(self.cells.widths[0])

    @cached_property
    def smoothed(self) -> np.ndarray:
        """The counts, smoothed."""
        return self.smooth(self.counts)

    @property
    def _blur(self) -> tuple[float, ...]:
        return BLUR_FSC if self.cells.centres.shape[1] == 3 else BLUR

    @property
    def kernel_events(self) -> float:
        """The number of cells that the smoothing kernel amounts to."""
        return math.prod(math.sqrt(4 * math.pi) * sd / self.width for sd in self._blur)

    def smooth(self, counts: np.ndarray) -> np.ndarray:
        """Smooth by a Gaussian along every axis, a matrix product each; mass beyond the edge is lost."""
        first, second, third = (_band(n, sd / self.width) for n, sd in zip(counts.shape, self._blur, strict=True))
        return second @ (first @ counts.reshape(len(first), -1)).reshape(counts.shape) @ third

    @cached_property
    def filled(self) -> tuple[np.ndarray, np.ndarray]:
        """Places with events, in the flat array, and their positions (n, 3)."""
        places = np.flatnonzero(self.counts.ravel())
        at = np.unravel_index(places, self.counts.shape)
        return places, np.column_stack([self.centres(axis)[i] for axis, i in enumerate(at)])

    def near(self, position: np.ndarray, reach: tuple[float, ...]) -> "Grid":
        """Cut out what lies so far around a position (d,), and as much around that as smoothing looks at."""
        reach = np.array(reach) + self.width * np.ceil(KERNEL * np.array(self._blur) / self.width)
        middle = position[:3] - self.cells.origin[:3]
        low = np.maximum(np.floor((middle - reach) / self.width), 0).astype(int)
        high = np.ceil((middle + reach) / self.width).astype(int)
        return Grid(self.cells, self.counts[tuple(map(slice, low, high))], tuple(low))

    def position(self, flat: int) -> np.ndarray:
        """Position (d,) of a place on the grid; on further axes the mean of the events around it, or of the nearest."""
        place = np.add(np.unravel_index(flat, self.counts.shape), self.first)
        position = self.cells.origin[:3] + (place + 0.5) * self.width
        if self.cells.centres.shape[1] == 3:
            return position
        # cells are in the order of their steps: two binary searches leave a few of them to look at
        slab = np.arange(*np.searchsorted(self.cells.steps[:, 0], (place[0] - 2, place[0] + 3)))
        near = slab[(np.abs(self.cells.steps[slab, :3] - place) <= 2).all(axis=1)]
        if not len(near):
            distance = np.abs(self.cells.steps[:, :3] - place).max(axis=1)
            near = np.flatnonzero(distance == distance.min())
        return np.append(position, np.average(self.cells.centres[near, 3], weights=self.cells.counts[near]))

    def centres(self, axis: int) -> np.ndarray:
        """Centres along an axis."""
        return self.cells.origin[axis] + (self.first[axis] + np.arange(self.counts.shape[axis]) + 0.5) * self.width


def make_grid(cells: Cells) -> Grid:
    """Spread cells on a dense grid."""
    at = tuple(cells.steps[:, :3].T)
    shape = tuple(int(i.max()) + 1 for i in at)
    flat = np.bincount(np.ravel_multi_index(at, shape), cells.counts, math.prod(shape))
    return Grid(cells, flat.reshape(shape))


@lru_cache(256)
def _band(n: int, sd: float) -> np.ndarray:
    """Symmetric matrix (n, n) that smooths n cells by a Gaussian of `sd` cells."""
    reach = math.ceil(KERNEL * sd)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sd) ** 2)
    kernel /= kernel.sum()
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return np.where(apart <= reach, kernel[reach + np.minimum(apart, reach)], 0.0)
