"""Which cells are in the tube: a mixture built on what is known of blood, on CD14 x SSC x CD45 in natural units.

Natural units (asinh of value over cofactor) make a population's spread its biological one, about the same on every
cytometer; so priors on spreads carry over between instruments, while positions are found in each tube.
"""

from dataclasses import dataclass

import numpy as np

from ..flags import SpecimenError
from .grid import Grid, make_grid
from .landmarks import CD14, SIDE, THIRD, Landmarks, beyond, landmarks, like_lymphocytes
from .mixture import Cells, Mixture, Moments, coarse_moments, fit, moments
from .monocytes import SPREADS, doublet, monocytes

PRIOR_SD = np.array([0.35, 0.25, 0.25, 0.2])
# (Degrees of freedom + axes) / 2 is a whole number, which makes densities fast: 12 degrees on four axes. Cells have
# heavier tails than a normal distribution (Lo et al. 2008 took 4); lighter ones, chosen by component, gave more foreign
# events in the gate.
POWER = 16
COARSE = 2  # the fit begins on blocks of so many cells along each axis, several times fewer
FINE_STEPS = 8  # and ends on the cells themselves
FALSE_CD14 = 0.03  # more of the lymphocytes that are CD14-bright cannot be the monocytes' edge
EXTRA = (2, 1)  # components added where the fit falls short most, in as many steps
BESIDE = (1, 1)  # and where it does beside the monocytes
AROUND = (2.5, 0.7, 0.7)  # how far from them, on CD14, SSC and third axis


@dataclass(frozen=True)
class Populations:
    """The mixture, the components that are monocytes (the most typical first), and what they were found by."""

    mixture: Mixture
    monocytes: tuple[int, ...]
    landmarks: Landmarks


def _component(mean, sds):
    return np.asarray(mean, dtype=float), np.diag(np.square(np.append(sds, 0.3)[: len(mean)]))


def find(cells: Cells, cd45: bool) -> Populations:
    """Fit the populations of a tube's leukocytes and tell which are the monocytes.

    Parameters
    ----------
    cells : Cells
        On CD14, SSC and CD45 (or FSC), and on FSC where the third axis is CD45.
    cd45 : bool
        The third axis is CD45.

    Raises
    ------
    SpecimenError
        `no_monocytes` where no population can be the monocytes.
    """
    grid = make_grid(cells)
    marks = landmarks(grid, cd45)
    parts, immature = _known(marks, cd45)
    scattered = (len(parts) - 1,)
    coarse = coarse_moments(cells, COARSE)
    # the immature wait where they are expected: free, they can go to the monocytes before these have a component
    mixture = _fit(coarse, _start(cells, parts), 6, (*scattered, *immature))
    seed = _monocyte_seed(grid, mixture, marks)
    for mean, sds, share in _with_monocytes(seed, marks, _false_cd14(cells, marks)):
        mixture = _add(mixture, *_component(mean, sds), share)
    mixture = _fit(coarse, mixture, 6, scattered)
    for around, steps in ((None, EXTRA), (seed, BESIDE)):
        for most in steps:
            places = _worst(grid, mixture, around, most)
            if not places:
                break
            for place in places:
                mixture = _add(mixture, *_component(place, (0.35, 0.3, 0.3)), 0.003)
            mixture = _fit(coarse, mixture, 4, scattered)
    del grid, coarse  # the last steps need the most memory
    mixture = _fit(moments(cells), mixture, FINE_STEPS, scattered)
    return Populations(mixture, monocytes(mixture, marks, cells.counts.sum()), marks)


def _known(marks: Landmarks, cd45: bool) -> tuple[list, tuple[int, ...]]:
    """Components to begin with, lymphocytes first and the widely scattered last; which are immature granulocytes."""
    parts, immature = [], ()
    if marks.lymphocytes is not None:
        parts.append(_component(marks.lymphocytes, (0.5, 0.2, 0.25)))
    if marks.granulocytes is not None:
        before = marks.granulocytes + np.array([0, -0.1, -0.7 if cd45 else 0.1, 0])[: len(marks.granulocytes)]
        parts.append(_component(marks.granulocytes, (0.4, 0.25, 0.3)))
        immature = (len(parts),)
        parts.append(_component(before, (0.6, 0.35, 0.4)))
    parts.append(_component(np.mean([m for m, _ in parts[:2]], axis=0), (1.2, 0.8, 0.8)))
    return parts, immature


def _with_monocytes(seed: np.ndarray, marks: Landmarks, false_cd14: bool) -> list[tuple]:
    """Means, spreads and shares of the monocytes, of doublets, and of lymphocytes that seem to have CD14."""
    others = [other for other in (marks.lymphocytes, marks.granulocytes) if other is not None]
    doublets = [doublet(seed, other) for other in others]
    if marks.granulocytes is not None:
        doublets.append(doublet(marks.granulocytes, marks.granulocytes))
    found = [(seed, (0.5, 0.28, 0.28), 0.02), *((mean, (0.4, 0.25, 0.3), 0.001) for mean in doublets)]
    if false_cd14:
        found.append((np.append(seed[:1], marks.lymphocytes[1:]), (0.4, 0.2, 0.25), 0.003))
    return found


def _false_cd14(cells: Cells, marks: Landmarks) -> bool:
    """Tell whether some lymphocytes are CD14-bright: B cells, bright in PE, where compensation is wrong."""
    if marks.lymphocytes is None:
        return False
    like = like_lymphocytes(cells.centres - marks.lymphocytes)
    bright = like & (cells.centres[:, CD14] > marks.reference + 0.6)
    return bool(cells.counts[bright].sum() > FALSE_CD14 * cells.counts[like].sum())


def _start(cells: Cells, parts) -> Mixture:
    k = len(parts)
    span = cells.centres.max(axis=0) - cells.centres.min(axis=0) + cells.widths
    shares = np.full(k, 0.97 / k)
    return Mixture(
        shares,
        np.array([m for m, _ in parts]),
        np.array([c for _, c in parts]),
        0.03,
        float(1 / span.prod()),
        POWER - len(span),
    )


def _fit(cells: Moments, mixture: Mixture, iterations: int, fixed: tuple[int, ...]) -> Mixture:
    prior = np.diag(PRIOR_SD[: mixture.means.shape[1]] ** 2)
    return fit(cells, mixture, prior_scatter=prior, max_iterations=iterations, tolerance=1e-4, fixed=fixed)[0]


def _add(mixture: Mixture, mean, covariance, share: float) -> Mixture:
    return Mixture(
        np.append(mixture.shares * (1 - share), share),
        np.vstack([mixture.means, mean]),
        np.concatenate([mixture.scatters, covariance[None]]),
        mixture.background * (1 - share),
        mixture.background_density,
        mixture.dof,
    )


def _residual(grid: Grid, mixture: Mixture, background: bool) -> tuple[np.ndarray, np.ndarray]:
    """Count what is observed and expected under the smoothing kernel, around each place of the grid.

    What is expected counts only where there are events.
    """
    three = mixture.marginal((CD14, SIDE, THIRD))
    filled, points = grid.filled
    densities = three.densities(points)
    if not background:
        densities = densities[:-1]
    expected = np.zeros(grid.counts.size)
    expected[filled] = densities.sum(axis=0) * (grid.cells.counts.sum() * grid.width**3)
    events = grid.kernel_events
    return events * grid.smoothed, events * grid.smooth(expected.reshape(grid.counts.shape))


def _monocyte_seed(grid: Grid, mixture: Mixture, marks: Landmarks) -> np.ndarray:
    """Where the excess over lymphocytes and granulocytes is CD14-bright and where monocytes are to be expected."""
    observed, expected = _residual(grid, mixture, background=False)
    excess = np.maximum(observed - 1.2 * expected, 0) / np.sqrt(expected + 1)
    x, y, z = grid.centres(CD14), grid.centres(SIDE), grid.centres(THIRD)
    bright = 1 / (1 + np.exp(-4 * (x - marks.reference - 0.6)))
    near_side, near_third = (
        np.exp(-0.5 * (beyond(values, stretch) / sd) ** 2)
        for values, stretch, sd in ((y, marks.side, 0.3), (z, marks.third, 0.4))
    )
    score = excess * bright[:, None, None] * near_side[:, None] * near_third
    best = int(np.argmax(score))
    if score.flat[best] < 1:
        raise SpecimenError("no_monocytes", "no population of CD14+ monocytes can be told from the other cells")
    return grid.position(best)


def _worst(grid: Grid, mixture: Mixture, around: np.ndarray | None, most: int) -> list[np.ndarray]:
    """Where the fit falls short most: many more events than expected, by more than chance and by a factor.

    At most `most` places, two spreads of a population apart.
    """
    if around is not None:
        grid = grid.near(around, AROUND)
    observed, expected = _residual(grid, mixture, background=True)
    clear = (observed > 1.5 * expected) & (observed > 4)
    if around is not None:
        for axis, reach in enumerate(AROUND):
            near = np.abs(grid.centres(axis) - around[axis]) < reach
            clear &= near.reshape([-1 if other == axis else 1 for other in range(3)])
    short = (observed - expected) / np.sqrt(expected + 1)
    flat = np.flatnonzero(clear & (short > 3.5))
    short = short.ravel()[flat]
    places = np.column_stack(np.unravel_index(flat, clear.shape)) * grid.width
    found: list[np.ndarray] = []
    while len(found) < most and short.max(initial=0) > 0:
        best = int(np.argmax(short))
        found.append(grid.position(int(flat[best])))
        short[(np.abs(places - places[best]) < 2 * SPREADS[:3]).all(axis=1)] = 0
    return found
