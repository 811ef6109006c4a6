"""The populations by which monocytes are found: lymphocytes and granulocytes, as peaks of a smoothed histogram.

Which peak is which follows from how blood cells lie to each other in SSC, CD45 and CD14, in natural units, where the
distances are about the same on every cytometer. Either population may be missing: septic blood can lack lymphocytes,
separated blood granulocytes.
"""

import itertools
import math
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ..flags import SpecimenError
from .grid import Grid
from .mixture import Cells

CD14, SIDE, THIRD = 0, 1, 2  # the third axis is CD45 or, without it, FSC
LEAST_EVENTS = 8.0  # a peak holds as many under the kernel
LEAST_SHARE = 0.004  # and this share of the highest
NEAR = np.array([1.0, 0.25, 0.3])  # CD14, SSC and third axis: what belongs to a peak beyond doubt
SPOT = np.array([2.0, 0.25, 0.3])  # peaks as near as that are one
SMALLER = 2.0  # of a pair beside which cells lie that are smaller than its lymphocytes
MATURE = 1.0  # SSC of granulocytes above lymphocytes, natural units; immature ones do not bound the monocytes
BRIGHT = 3.5  # natural units of CD14 above lymphocytes, a factor of 30: granulocytes are dimmer, as a rule
MISSING = 2.0  # log plausibility of blood without lymphocytes, or without granulocytes


@dataclass(frozen=True)
class Peak:
    """A peak: position (d,), with the median CD14 around it; spread of CD14; share of all events nearest to it."""

    position: np.ndarray
    spread: float
    share: float


@dataclass(frozen=True)
class Landmarks:
    """What is known of a tube before monocytes are looked for.

    Attributes
    ----------
    lymphocytes, granulocytes : ndarray (d,) or None
        Their peaks, natural units.
    side, third : (float, float)
        Where monocytes lie as a rule: stretches of SSC and of the third axis.
    reference : float
        CD14 of the brighter of the known populations, which monocytes exceed.
    """

    lymphocytes: np.ndarray | None
    granulocytes: np.ndarray | None
    side: tuple[float, float]
    third: tuple[float, float]
    reference: float


def peaks(grid: Grid) -> list[Peak]:
    """Find the populations that are peaks of the smoothed histogram.

    A detector's floor splits a population in CD14: peaks above each other are one, unless far apart.
    """
    cells = grid.cells
    spots: list[np.ndarray] = []
    for flat in _summits(grid.smoothed * grid.kernel_events):
        spot = cells.origin[:3] + (np.array(np.unravel_index(flat, grid.counts.shape)) + 0.5) * grid.width
        if all((np.abs(spot - other) > SPOT).any() for other in spots):
            spots.append(spot)
    columns = np.ascontiguousarray(cells.centres[:, :3].T)
    away = [
        reduce(np.maximum, (np.abs(x - a) / n for x, a, n in zip(columns, spot, NEAR, strict=True))) for spot in spots
    ]
    nearest, distance = np.argmin(away, axis=0), np.min(away, axis=0)
    found = []
    for i, spot in enumerate(spots):
        own = (nearest == i) & (distance < 2.5)
        core = own & (np.abs(columns[1] - spot[1]) <= NEAR[1]) & (np.abs(columns[2] - spot[2]) <= NEAR[2])
        if not core.any():
            continue
        low, middle, high = _quantiles(cells.centres[core, 0], cells.counts[core])
        position = [middle, *spot[1:]]
        if cells.centres.shape[1] == 4:
            position.append(float(np.average(cells.centres[core, 3], weights=cells.counts[core])))
        share = float(cells.counts[own].sum() / cells.counts.sum())
        found.append(Peak(np.array(position), (high - low) / 2, share))
    return found


def _summits(density: np.ndarray) -> np.ndarray:
    """Local maxima, the highest first, as places in the flat array; the highest place where none is high enough."""
    padded = np.pad(density, 1, constant_values=-1.0)
    flat = padded.ravel()
    at = np.flatnonzero(flat >= max(LEAST_EVENTS, LEAST_SHARE * density.max()))
    for step in itertools.product((-1, 0, 1), repeat=3):
        other = flat[at + (step[0] * padded.shape[1] + step[1]) * padded.shape[2] + step[2]]
        at = at[(flat[at] > other) if step > (0, 0, 0) else (flat[at] >= other)]
    places = np.array(np.unravel_index(at, padded.shape)) - 1
    found = np.ravel_multi_index(tuple(places), density.shape)
    if not len(found):
        return np.array([int(np.argmax(density))])
    return found[np.argsort(-density.ravel()[found], kind="stable")]


def _quantiles(values: np.ndarray, counts: np.ndarray) -> list[float]:
    """Return the 16th percentile, the median and the 84th percentile of cells."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(counts[order])
    return [float(v) for v in values[order][np.searchsorted(below, below[-1] * np.array([0.16, 0.5, 0.84]))]]


def landmarks(grid: Grid, cd45: bool) -> Landmarks:
    """Tell lymphocytes and granulocytes from the other peaks, and where monocytes are to be expected.

    Raises
    ------
    SpecimenError
        `no_monocytes` where nothing is a peak.

    Notes
    -----
    All pairs are compared, either of them missing included: the peaks should hold most of the leukocytes, lie to each
    other as they do in blood, and not be the monocytes.
    """
    found = peaks(grid)
    if not found:
        raise SpecimenError("no_monocytes", "the events form no population")
    pairs = [(a, b) for a in (*found, None) for b in (*found, None) if a is not b]
    lymphocytes, granulocytes = max(pairs, key=lambda pair: _plausible(*pair, found, grid.cells, cd45))
    places = [None if peak is None else peak.position for peak in (lymphocytes, granulocytes)]
    reference = max(position[CD14] for position in places if position is not None)
    return Landmarks(*places, *_expected(*places, cd45), float(reference))


def _plausible(
    lymphocytes: Peak | None, granulocytes: Peak | None, found: list[Peak], cells: Cells, cd45: bool
) -> float:
    """Log of how plausible a pair is, up to a constant."""
    score = 2 * math.log(sum(peak.share for peak in (lymphocytes, granulocytes) if peak is not None))
    if lymphocytes is None or granulocytes is None:
        alone = lymphocytes or granulocytes
        below, above = (
            sum(other.share for other in found if sign * (other.position[SIDE] - alone.position[SIDE]) > 0.3)
            for sign in (-1, 1)
        )
        return score - MISSING - (below >= above if granulocytes is None else above > below)
    step = granulocytes.position - lymphocytes.position
    score -= float(penalty(beyond(step[SIDE], (0.65, 2.1)), 0.15))
    score -= float(penalty(beyond(step[THIRD], (-2.4, 0.0) if cd45 else (0.2, 0.8)), 0.15))
    if not cd45 and any(_smaller(other, lymphocytes) for other in found):
        score -= SMALLER
    if not any(other.share > 0.01 and _tops(other.position - lymphocytes.position) for other in found):
        # lymphocytes brighter than granulocytes would be the monocytes, unless something outshines them
        score -= float(penalty(max(-step[CD14] - 0.4, 0), 0.4))
    return score - max(_monocytic(lymphocytes, granulocytes, found, cells, cd45), 0)


def _monocytic(lymphocytes: Peak, peak: Peak, found: list[Peak], cells: Cells, cd45: bool) -> float:
    """Log of how much more likely a peak is the monocytes than the granulocytes, from what lies around it.

    Granulocytes have the monocytes beside them: brighter still in CD14, with less SSC. Monocytes have granulocytes:
    more SSC, less CD14. Monocytes are hardly ever a third of the leukocytes, granulocytes hardly ever a twentieth.
    """
    step = peak.position - lymphocytes.position
    if step[CD14] < 1.5:
        return -math.inf
    odds = float(penalty(beyond(step[SIDE], (0.75, 2.1)), 0.2) - penalty(beyond(step[SIDE], (0.2, 0.9)), 0.2))
    if cd45:
        odds += float(penalty(beyond(step[THIRD], (-2.4, -0.4)), 0.2) - penalty(beyond(step[THIRD], (-0.9, 0.2)), 0.2))
    odds -= 2 * float(penalty(max(peak.share - 0.3, 0), 0.08))
    odds += float(penalty(max(0.05 - peak.share, 0), 0.02))
    odds += min(max(2 * (step[CD14] - BRIGHT), 0.0), 4.0)
    away = cells.centres - peak.position
    bright = max(1.0, 2.5 * peak.spread)
    brighter = (
        (away[:, CD14] > bright) & (away[:, SIDE] < -0.1) & (away[:, SIDE] > -1.5) & (np.abs(away[:, THIRD]) < 1.2)
    )
    brighter &= ~like_lymphocytes(cells.centres - lymphocytes.position)
    odds += 3.0 if cells.counts[brighter].sum() < max(0.02 * peak.share * cells.counts.sum(), 10) else -3.0
    for other in found:
        beside = other.position - peak.position
        if beside[SIDE] > 0.3 and beside[CD14] < -1.0:
            odds += 2.0 * (other.share > 0.2 * peak.share)
            # eosinophils are no dimmer in CD45 than neutrophils: these are the granulocytes, however few there are
            odds += 4.0 * (cd45 and beside[THIRD] < -0.5 and other.share > 0.01)
    return odds


def _smaller(peak: Peak, lymphocytes: Peak) -> bool:
    """Tell whether a peak lies where lymphocytes do, seen from monocytes that were taken for them.

    Debris lies there, too, seen from lymphocytes, but these have no more CD14 than it.
    """
    step = peak.position - lymphocytes.position
    return bool(peak.share > 0.02 and step[SIDE] < -0.4 and step[CD14] < -0.8 and -0.9 < step[THIRD] < -0.1)


def _tops(step: np.ndarray) -> bool:
    return bool(step[CD14] > 1.0 and step[SIDE] > 0.3 and abs(step[THIRD]) < 1.0)


def mature(marks: Landmarks) -> bool:
    """Tell whether there are granulocytes, and not only immature ones, whose SSC is hardly above the lymphocytes'."""
    if marks.lymphocytes is None or marks.granulocytes is None:
        return marks.granulocytes is not None
    return bool(marks.granulocytes[SIDE] - marks.lymphocytes[SIDE] > MATURE)


def like_lymphocytes(step: np.ndarray) -> np.ndarray:
    """Tell events that scatter like lymphocytes, with their CD45: B cells to which wrong compensation gives CD14."""
    return (np.abs(step[..., SIDE:]) < np.array((0.25, 0.3, 0.25))[: step.shape[-1] - 1]).all(axis=-1)


def _expected(lymphocytes, granulocytes, cd45: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return stretches of SSC and of the third axis in which monocytes lie as a rule."""
    if lymphocytes is not None and granulocytes is not None:
        low, between = lymphocytes[SIDE], granulocytes[SIDE] - lymphocytes[SIDE]
        side = (float(low + 0.3 * between), float(low + (max(0.65 * between, 0.75) if between > MATURE else 1.1)))
        if not cd45:
            return side, _around(granulocytes[THIRD], 0.2)
        dim, bright = sorted((float(lymphocytes[THIRD]), float(granulocytes[THIRD])))
        return side, (dim + 0.2 * (bright - dim), bright + 0.2)
    if lymphocytes is None:
        third = granulocytes[THIRD] + (0.7 if cd45 else 0.0)
        return _around(granulocytes[SIDE] - 0.65, 0.25), _around(third, 0.6 if cd45 else 0.3)
    third = lymphocytes[THIRD] + (-0.35 if cd45 else 0.45)
    return _around(lymphocytes[SIDE] + 0.7, 0.3), _around(third, 0.3)


def _around(middle: float, half: float) -> tuple[float, float]:
    return float(middle - half), float(middle + half)


def beyond(values: np.ndarray, stretch: tuple[float, float]) -> np.ndarray:
    """Distance of values from a stretch, 0 inside."""
    return np.maximum(np.maximum(stretch[0] - values, values - stretch[1]), 0)


def penalty(away: np.ndarray | float, sd: float) -> np.ndarray:
    """Log of a normal density that does not fall for ever: what is known of one cytometer is a guess about the next."""
    return np.minimum(0.5 * (np.asarray(away) / sd) ** 2, 3.0)
