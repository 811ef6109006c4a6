"""From a mixture to polygons: where monocytes outnumber everything else, drawn on three planes and the cells' size.

The region in which monocytes prevail is a body in CD14 x SSC x CD45 (x FSC); a gate that people can read is a chain of
plane polygons. Each polygon in turn is the best one, given the others: the intersection comes close to the body.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from .mixture import Mixture

GRID = 23  # points per axis
REACH = 4.6  # the grid covers this many sd around the monocytes
FLOOR = 0.001  # of the monocytes' peak on a plane: the outer edge where nothing else bounds the gate
RAYS = 36  # corners of a polygon
SWEEPS = 3
# the axis that each plane sums over, in the order in which the planes are improved
PLANES = {"cd14_side": 2, "cd14_cd45": 1, "cd45_side": 0}


@dataclass(frozen=True)
class Region:
    """The gate in natural units.

    Attributes
    ----------
    polygons : dict of str to ndarray (RAYS, 2)
        Corners on the planes named in `PLANES`: (CD14, SSC), (CD14, CD45) and (CD45, SSC).
    size : (float, float) or None
        Lowest and highest FSC, where the mixture has FSC as a fourth axis.
    contamination, loss : float
        Expected share of foreign events in the gate, and of monocytes outside it.
    """

    polygons: dict[str, np.ndarray]
    size: tuple[float, float] | None
    contamination: float
    loss: float


@dataclass(frozen=True)
class _Body:
    """Expected events per grid point, monocytes and others, and the total of the monocytes."""

    mono: np.ndarray
    rest: np.ndarray
    total: float


def draw(mixture: Mixture, monocytes: tuple[int, ...], odds: float) -> Region:
    """Draw the gate.

    Parameters
    ----------
    mixture : Mixture
        On CD14, SSC, third marker and, optionally, FSC.
    monocytes : tuple of int
        The components that are monocytes.
    odds : float
        The boundary is where monocytes are `odds` times as frequent as everything else.
    """
    members = list(monocytes)
    mean, sd = _moments(mixture, members)
    axes = [np.linspace(m - REACH * s, m + REACH * s, GRID) for m, s in zip(mean[:3], sd[:3], strict=True)]
    cell = float(np.prod([a[1] - a[0] for a in axes]))
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    density = mixture.marginal((0, 1, 2)).densities(points) * cell
    size, kept = None, np.ones(len(density))
    if len(mean) == 4:
        kept = _within(mixture, (mean[3] - 2.5 * sd[3], mean[3] + 2.5 * sd[3]))
    body = _body(density, kept, members, mixture)
    masks = _improve(body, odds)
    if len(mean) == 4:
        size = _size(mixture, members, density[:, _inside(masks).ravel()].sum(axis=1), odds, mean[3], sd[3])
        kept = _within(mixture, size)
        body = _body(density, kept, members, mixture)
        masks = _improve(body, odds)
    inside = _inside(masks)
    good, foreign = float(body.mono[inside].sum()), float(body.rest[inside].sum())
    polygons = {}
    for name, axis in PLANES.items():
        mono, rest = _project(body, masks, name)
        first, second = [a for i, a in enumerate(axes) if i != axis]
        corners = _rays(mono, rest, odds, first, second)
        polygons[name] = corners[:, ::-1] if name == "cd45_side" else corners
    return Region(polygons, size, foreign / max(good + foreign, 1e-12), max(1 - good / body.total, 0.0))


def _moments(mixture: Mixture, members: list[int]) -> tuple[np.ndarray, np.ndarray]:
    share = mixture.shares[members] / mixture.shares[members].sum()
    mean = share @ mixture.means[members]
    between = (mixture.means[members] - mean) ** 2
    variance = share @ (np.diagonal(mixture.scatters[members], axis1=1, axis2=2) + between)
    return mean, np.sqrt(variance)


def _body(density: np.ndarray, kept: np.ndarray, members: list[int], mixture: Mixture) -> _Body:
    weighted = density * kept[:, None]
    mono = weighted[members].sum(axis=0).reshape(GRID, GRID, GRID)
    rest = weighted.sum(axis=0).reshape(GRID, GRID, GRID) - mono
    return _Body(mono, rest, float(mixture.shares[members].sum()))


def _inside(masks: dict[str, np.ndarray], names: Iterable[str] = PLANES) -> np.ndarray:
    return reduce(np.logical_and, (np.expand_dims(masks[name], PLANES[name]) for name in names))


def _project(body: _Body, masks: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    inside = _inside(masks, [other for other in PLANES if other != name])
    return tuple((part * inside).sum(axis=PLANES[name]) for part in (body.mono, body.rest))


def _improve(body: _Body, odds: float) -> dict[str, np.ndarray]:
    whole = (body.mono > odds * body.rest) & (body.mono > FLOOR * body.mono.max())
    masks = {name: whole.any(axis=axis) for name, axis in PLANES.items()}
    for _ in range(SWEEPS):
        for name in PLANES:
            mono, rest = _project(body, masks, name)
            masks[name] = (mono > odds * rest) & (mono > FLOOR * mono.max())
    return masks


def _size(mixture, members, masses, odds, mean, sd) -> tuple[float, float]:
    """Find the stretch of FSC around the monocytes in which they prevail, given what the polygons let in."""
    grid = np.linspace(mean - 3.3 * sd, mean + 3.3 * sd, 67)
    spread = np.sqrt(mixture.scatters[:, 3, 3])
    z = (grid[:, None] - mixture.means[:, 3]) / spread
    density = masses[:-1] / spread * (1 + z**2 / mixture.dof) ** (-(mixture.dof + 1) / 2)
    mono = density[:, members].sum(axis=1)
    good = mono > odds * (density.sum(axis=1) - mono)
    top = int(np.argmax(np.where(good, mono, -1)))
    low, high = top, top
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(grid) - 1 and good[high + 1]:
        high += 1
    return float(grid[low]), float(grid[high])


def _within(mixture: Mixture, size: tuple[float, float]) -> np.ndarray:
    """Share (k + 1,) of each component between two values of FSC (normal approximation), the background as a whole."""
    spread = np.sqrt(mixture.covariances[:, 3, 3])
    ends = [(edge - mixture.means[:, 3]) / (spread * math.sqrt(2)) for edge in size]
    low, high = (np.array([math.erf(v) for v in end]) for end in ends)
    return np.append(0.5 * (high - low), 1.0)


def _rays(mono: np.ndarray, rest: np.ndarray, odds: float, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Walk from the monocytes' peak outwards on `RAYS` rays until the boundary."""
    tiny = 1e-300
    level = np.log(mono + tiny)
    value = np.minimum(level - np.log(rest + tiny) - math.log(odds), level - math.log(FLOOR * mono.max() + tiny))
    i, j = np.unravel_index(int(np.argmax(np.where(value > 0, mono, -1))), mono.shape)
    steps = np.arange(0, 1.5 * GRID, 0.2)
    angles = 2 * np.pi * np.arange(RAYS) / RAYS
    x = np.clip(i + np.cos(angles)[:, None] * steps, 0, GRID - 1.001)
    y = np.clip(j + np.sin(angles)[:, None] * steps, 0, GRID - 1.001)
    i0, j0 = x.astype(int), y.astype(int)
    fx, fy = x - i0, y - j0
    between = (value[i0, j0] * (1 - fx) + value[i0 + 1, j0] * fx) * (1 - fy) + (
        value[i0, j0 + 1] * (1 - fx) + value[i0 + 1, j0 + 1] * fx
    ) * fy
    outside = between <= 0
    stop = np.where(outside.any(axis=1), outside.argmax(axis=1), len(steps) - 1)
    # neighbouring rays are averaged: a corner of one cell of the grid is no feature of the cells in the tube
    length = (steps[np.roll(stop, 1)] + 2 * steps[stop] + steps[np.roll(stop, -1)]) / 4
    ends = np.column_stack([i + np.cos(angles) * length, j + np.sin(angles) * length]).clip(0, GRID - 1.001)
    return np.column_stack([np.interp(ends[:, 0], np.arange(GRID), xs), np.interp(ends[:, 1], np.arange(GRID), ys)])
