"""Which cells are in the tube: a mixture built on what is known of blood, on CD14 x SSC x CD45 in natural units.

Natural units (asinh of value over cofactor) make a population's spread its biological one, about the same on every
cytometer; so priors on spreads carry over between instruments, while positions are found in each tube.
"""

import math
from dataclasses import dataclass

import numpy as np

from .flags import SpecimenError
from .gating_mixture import Cells, Mixture, fit

CD14, SIDE, CD45 = 0, 1, 2
BLUR = 0.25  # sd of the smoothing, natural units: that of a narrow population
DOF = 12.0  # of all populations: cells have heavier tails than a normal distribution (Lo et al. 2008 took 4)
EXTRA = 5  # components added where the fit falls short


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

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Sum a value per cell on the grid."""
        flat = np.bincount(np.ravel_multi_index(self.at, self.counts.shape), values, self.counts.size)
        return flat.reshape(self.counts.shape)

    def position(self, flat: int) -> np.ndarray:
        """Position (d,) of a place on the grid; on further axes the mean of the events around it."""
        place = np.array(np.unravel_index(flat, self.counts.shape))
        position = self.cells.origin[:3] + (place + 0.5) * self.width
        if self.cells.centres.shape[1] == 3:
            return position
        near = (np.abs(self.cells.steps[:, :3] - place) <= 2).all(axis=1)
        return np.append(position, np.average(self.cells.centres[near, 3], weights=self.cells.counts[near]))

    def centres(self, axis: int) -> np.ndarray:
        """Centres along an axis."""
        return self.cells.origin[axis] + (np.arange(self.counts.shape[axis]) + 0.5) * self.width


@dataclass(frozen=True)
class Populations:
    """The mixture and the components that are monocytes, the first being the seed."""

    mixture: Mixture
    monocytes: tuple[int, ...]
    lymphocytes: int | None
    granulocytes: int | None


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


def peaks(density: np.ndarray) -> list[tuple[int, int]]:
    """Local maxima of a two-dimensional density, highest first."""
    padded = np.pad(density, 1, constant_values=-1)
    inner = padded[1:-1, 1:-1]
    top = inner > 0
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            if i or j:
                other = padded[1 + i : padded.shape[0] - 1 + i, 1 + j : padded.shape[1] - 1 + j]
                top &= (inner > other) if (i, j) > (0, 0) else (inner >= other)
    found = np.argwhere(top)
    return [tuple(int(k) for k in p) for p in found[np.argsort(-density[tuple(found.T)], kind="stable")]]


def anchors(grid: Grid) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Find lymphocytes and granulocytes, (3,) each, on SSC x CD45; None for the one that is not there.

    Lymphocytes scatter less and carry more CD45 than granulocytes; the highest peak is one of the two.
    """
    plane = blur(grid.counts.sum(axis=CD14), grid.width)
    side, cd45 = grid.centres(SIDE), grid.centres(CD45)
    found = [(side[i], cd45[j], plane[i, j], i, j) for i, j in peaks(plane)]
    first = found[0]
    minimum = 0.004 * first[2]
    lower = [p for p in found if p[2] > minimum and _lymphoid(p, first)]
    higher = [p for p in found if p[2] > minimum and _lymphoid(first, p)]
    lymphocytes = granulocytes = None
    if lower:
        lymphocytes, granulocytes = lower[0], first
    elif higher:
        lymphocytes, granulocytes = first, higher[0]
    else:
        lymphocytes = first

    def complete(p):
        if p is None:
            return None
        around = grid.counts[:, max(0, p[3] - 2) : p[3] + 3, max(0, p[4] - 2) : p[4] + 3].sum(axis=(1, 2))
        best = int(np.argmax(blur(around, grid.width)))
        return grid.position(int(np.ravel_multi_index((best, p[3], p[4]), grid.counts.shape)))

    return complete(lymphocytes), complete(granulocytes)


def _lymphoid(a, b) -> bool:
    """Tell whether a lies to b as lymphocytes to granulocytes: less SSC, and together with CD45 clearly apart."""
    side, cd45 = b[0] - a[0], a[1] - b[1]
    return side > 0.3 and cd45 > -0.1 and side + cd45 > 1.0


def _component(mean, sds):
    return np.asarray(mean, dtype=float), np.diag(np.square(np.append(sds, 0.3)[: len(mean)]))


def find(cells: Cells) -> Populations:
    """Fit the populations of a tube's leukocytes and tell which are the monocytes.

    Raises
    ------
    SpecimenError
        `no_monocytes` where no population can be the monocytes.
    """
    grid = make_grid(cells)
    lymphocytes, granulocytes = anchors(grid)
    parts = []
    if lymphocytes is not None:
        parts.append(_component(lymphocytes, (0.5, 0.2, 0.25)))
    if granulocytes is not None:
        parts.append(_component(granulocytes, (0.4, 0.25, 0.3)))
        parts.append(_component(granulocytes + np.array([0, -0.1, -0.7, 0])[: len(granulocytes)], (0.6, 0.35, 0.4)))
    middle = np.mean([m for m, _ in parts[:2]], axis=0)
    parts.append(_component(middle, (1.2, 0.8, 0.8)))
    scattered = (len(parts) - 1,)
    mixture = _fit(cells, _start(cells, parts), 8, scattered)
    seed = _monocyte_seed(grid, mixture, lymphocytes, granulocytes)
    mixture = _add(mixture, *_component(seed, (0.5, 0.28, 0.28)), 0.02)
    for other in (lymphocytes, granulocytes):
        if other is not None:
            mixture = _add(mixture, *_component(_doublet(seed, other), (0.4, 0.25, 0.3)), 0.001)
    mixture = _fit(cells, mixture, 8, scattered)
    for _ in range(EXTRA):
        where = _worst(grid, mixture)
        if where is None:
            break
        mixture = _fit(cells, _add(mixture, *_component(where, (0.35, 0.3, 0.3)), 0.003), 4, scattered)
    mixture = _fit(cells, mixture, 20, scattered)
    best = _monocytes(mixture, lymphocytes, granulocytes, cells.counts.sum())
    members = _members(mixture, best, granulocytes, cells.counts.sum())
    return Populations(
        mixture, members, 0 if lymphocytes is not None else None, 1 if granulocytes is not None else None
    )


def _typical(lymphocytes, granulocytes) -> tuple[float, float, float]:
    """Where monocytes are expected: SSC, CD45, and the CD14 that they must exceed."""
    both = lymphocytes is not None and granulocytes is not None
    between = granulocytes[SIDE] - lymphocytes[SIDE] if both else 2.0
    side = lymphocytes[SIDE] + min(max(0.5 * between, 0.75), 1.1)
    cd45 = 0.5 * (lymphocytes[CD45] + granulocytes[CD45]) if both else lymphocytes[CD45] - 0.3
    reference = max(lymphocytes[CD14], granulocytes[CD14] if both else -np.inf)
    return float(side), float(cd45), float(reference)


def _apart(means: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distance (k,) of components from a population, in typical spreads of CD14, SSC and CD45."""
    return np.sqrt((((means[:, :3] - other[:3]) / SPREADS) ** 2).sum(axis=1))


def _penalty(values, expected, sd) -> np.ndarray:
    """Log of a normal density that does not fall for ever: what is known of one cytometer is a guess about the next."""
    return np.minimum(0.5 * ((values - expected) / sd) ** 2, 3.0)


def _monocytes(mixture: Mixture, lymphocytes, granulocytes, n_events: float) -> int:
    """Choose the component that is most like monocytes."""
    side, cd45, reference = _typical(lymphocytes, granulocytes)
    cd14 = mixture.means[:, CD14]
    spread = np.sqrt(np.diagonal(mixture.scatters, axis1=1, axis2=2))
    score = (
        1.5 * np.clip(cd14 - reference, -3, 3)
        - _penalty(mixture.means[:, SIDE], side, 0.40)
        - _penalty(mixture.means[:, CD45], cd45, 0.45)
        - 0.5 * _penalty(np.maximum(np.log(spread[:, SIDE] / 0.27), 0), 0, 0.4)
        - 0.5 * _penalty(np.maximum(np.log(spread[:, CD45] / 0.30), 0), 0, 0.4)
        + 0.3 * np.log(np.maximum(mixture.shares * n_events, 1e-9))
    )
    score[mixture.shares * n_events < 8] = -np.inf
    if granulocytes is not None:
        score[_apart(mixture.means, granulocytes) < 2.5] = -np.inf
    best = int(np.argmax(score))
    if not np.isfinite(score[best]) or cd14[best] < reference + 0.2:
        raise SpecimenError("no_monocytes", "no population of CD14+ monocytes can be told from the other cells")
    return best


SPREADS = np.array([0.45, 0.25, 0.30])  # typical sd of CD14, SSC and CD45 within a population, natural units
PRIOR_SD = np.array([0.35, 0.25, 0.25, 0.2])


def _doublet(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two cells in one event lie: their linear signals add."""
    return np.arcsinh(np.sinh(a) + np.sinh(b))


def _start(cells: Cells, parts) -> Mixture:
    k = len(parts)
    span = cells.centres.max(axis=0) - cells.centres.min(axis=0) + cells.widths
    shares = np.full(k, 0.97 / k)
    return Mixture(
        shares, np.array([m for m, _ in parts]), np.array([c for _, c in parts]), 0.03, -float(np.log(span).sum()), DOF
    )


def _fit(cells: Cells, mixture: Mixture, iterations: int, fixed: tuple[int, ...]) -> Mixture:
    prior = np.diag(PRIOR_SD[: cells.centres.shape[1]] ** 2)
    return fit(cells, mixture, prior_scatter=prior, max_iterations=iterations, tolerance=2e-5, fixed=fixed)[0]


def _add(mixture: Mixture, mean, covariance, share: float) -> Mixture:
    return Mixture(
        np.append(mixture.shares * (1 - share), share),
        np.vstack([mixture.means, mean]),
        np.concatenate([mixture.scatters, covariance[None]]),
        mixture.background * (1 - share),
        mixture.background_log_density,
        mixture.dof,
    )


def _residual(grid: Grid, mixture: Mixture, background: bool) -> tuple[np.ndarray, np.ndarray]:
    """Count what is observed and expected under the smoothing kernel, around each place of the grid.

    What is expected counts only where there are events.
    """
    three = mixture.marginal((CD14, SIDE, CD45))
    filled = np.flatnonzero(grid.counts.ravel())
    points = np.column_stack(
        [grid.centres(axis)[i] for axis, i in enumerate(np.unravel_index(filled, grid.counts.shape))]
    )
    logs = three.log_densities(points)
    if not background:
        logs = logs[:-1]
    expected = np.zeros(grid.counts.size)
    expected[filled] = np.exp(logs).sum(axis=0) * (grid.counts.sum() * grid.width**3)
    events = (4 * math.pi) ** 1.5 * (BLUR / grid.width) ** 3  # cells that the kernel amounts to
    return (
        events * blur(grid.counts, grid.width),
        events * blur(expected.reshape(grid.counts.shape), grid.width),
    )


def _monocyte_seed(grid, mixture, lymphocytes, granulocytes) -> np.ndarray:
    """Where the excess over lymphocytes and granulocytes is CD14-bright, between them in SSC, and CD45-bright."""
    observed, expected = _residual(grid, mixture, background=False)
    excess = np.maximum(observed - 1.2 * expected, 0)
    side, cd45, reference = _typical(lymphocytes, granulocytes)
    x, y, z = grid.centres(CD14), grid.centres(SIDE), grid.centres(CD45)
    weight = (
        (1 / (1 + np.exp(-4 * (x - reference - 0.6))))[:, None, None]
        * np.exp(-0.5 * ((y - side) / 0.4) ** 2)[None, :, None]
        * np.exp(-0.5 * ((z - cd45) / 0.5) ** 2)[None, None]
    )
    score = excess * weight
    best = int(np.argmax(score))
    if score.flat[best] < 1:
        raise SpecimenError("no_monocytes", "no population of CD14+ monocytes can be told from the other cells")
    return grid.position(best)


def _worst(grid: Grid, mixture: Mixture) -> np.ndarray | None:
    """Where the fit falls short most: many more events than expected, by more than chance and by a factor."""
    observed, expected = _residual(grid, mixture, background=True)
    clear = (observed > 1.5 * expected) & (observed > 4)
    short = np.where(clear, (observed - expected) / np.sqrt(expected + 1), 0)
    best = int(np.argmax(short))
    return grid.position(best) if short.flat[best] > 3.5 else None


def _members(mixture: Mixture, seed: int, granulocytes: np.ndarray | None, n_events: float) -> tuple[int, ...]:
    """Add the components that form one hill with the monocytes and are as bright in CD45 and alike in SSC."""
    members = [seed]
    mean = mixture.means[seed]
    three = mixture.marginal((CD14, SIDE, CD45))
    for i in range(len(mixture.shares)):
        if i == seed or mixture.shares[i] * n_events < 5:
            continue
        step = mixture.means[i] - mean
        if granulocytes is not None and _apart(mixture.means[i : i + 1], granulocytes)[0] < 2.5:
            continue
        alike = abs(step[SIDE]) < 0.45 and abs(step[CD45]) < 0.45 and step[CD14] > -0.8
        if alike and _one_hill(three, seed, i):
            members.append(i)
    return tuple(members)


def _one_hill(mixture: Mixture, a: int, b: int) -> bool:
    line = mixture.means[a] + np.linspace(0, 1, 21)[:, None] * (mixture.means[b] - mixture.means[a])
    density = np.exp(mixture.log_densities(line)[[a, b]]).sum(axis=0)
    return bool(density.min() > 0.8 * min(density[0], density[-1]))
