"""Learn the gates of one tube from its scatter, CD14 and CD45. HLA-DR is not among what it is given.

The steps: detector limits of scatter, singlets, the valley between debris and leukocytes on CD45, a mixture of the
leukocytes on CD14 x SSC x CD45 x FSC, which of its components are monocytes, and the polygons in which they prevail.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .. import quality
from ..flags import SpecimenError
from . import Axis, Gate, GateSet, Scale, asinh_scale
from .contour import Region, draw
from .doubt import Doubt
from .leukocytes import MARGIN, leukocyte_threshold, like_beads
from .mixture import Cells, bin_events
from .monocytes import dim_share
from .populations import find

LINEAR = Scale()
PILE = 0.03  # share of the leukocytes at the lowest CD14, from which on it is a floor
MOST = 150_000  # events to learn from; the gates are applied to all
CELL = (0.15, 0.15, 0.15, 0.15)  # natural units


@dataclass(frozen=True)
class Signal:
    """One channel: linear values (n,), its $PnN, whether compensated, and the largest value it can hold."""

    values: np.ndarray
    channel: str
    compensated: bool
    top: float

    def axis(self, scale: Scale) -> Axis:
        """Make the axis of a gate on this channel."""
        return Axis(self.channel, self.compensated, scale)


@dataclass(frozen=True)
class Columns:
    """What gating may look at: never HLA-DR; time only to leave out what is unstable, where that is asked for."""

    forward: Signal
    side: Signal
    cd14: Signal
    cd45: Signal | None = None
    forward_height: Signal | None = None
    time: Signal | None = None
    damaged: np.ndarray | None = None


@dataclass(frozen=True)
class Learned:
    """The gates of a tube and their doubt; `gates.gates[-1]` is `monocytes`.

    `scaled` holds the columns (n,) that were put on a gate's scale, `masks` the events of the gates that learning had
    to apply: `gating.apply` need not do it again.
    """

    gates: GateSet
    doubt: Doubt
    scaled: dict[Axis, np.ndarray] = field(default_factory=dict, repr=False, compare=False)
    masks: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)


def learn(columns: Columns, settings: Mapping, stretch: tuple[float, float] | None = None) -> Learned:
    """Find the gates of one tube.

    Parameters
    ----------
    columns : Columns
    settings : Mapping
        The section `gating` of the configuration.
    stretch : (float, float), optional
        Times that count: the gate `time` leaves out the rest.

    Raises
    ------
    SpecimenError
        `no_monocytes` where no population can be the monocytes.
    """
    gates, masks, rows = _clean(columns, settings, stretch)
    leukocytes, axes, scaled, cells = _leukocytes(columns, rows, gates[-1].name)
    populations = find(cells, columns.cd45 is not None)
    region = draw(populations.mixture, populations.monocytes, settings["odds"])
    doubt = Doubt(region.contamination, region.loss)
    share = float(populations.mixture.shares[list(populations.monocytes)].sum())
    if share > settings["max_share"]:
        raise _none(f": the cells that would be the monocytes are {100 * share:.0f} % of all leukocytes")
    if doubt.separation < settings["min_separation"]:
        raise _none()
    dim = dim_share(populations.mixture, populations.monocytes, populations.landmarks)
    doubt = Doubt(region.contamination, 1 - (1 - region.loss) * (1 - dim))
    chain, tight, wide = (
        _chain(region, axes, suffix, factor, leukocytes.name)
        for suffix, factor in (("", 1.0), ("_tight", settings["tight"]), ("_wide", settings["wide"]))
    )
    return Learned(GateSet((*gates, leukocytes, *chain), (*tight, *wide)), doubt, scaled, masks)


def _none(why: str = "") -> SpecimenError:
    return SpecimenError("no_monocytes", f"no population of CD14+ monocytes can be told from the other cells{why}")


def _clean(
    columns: Columns, settings: Mapping, stretch: tuple[float, float] | None
) -> tuple[list[Gate], dict[str, np.ndarray], np.ndarray]:
    """Gate what can be learnt from: time, detector limits, singlets; with their masks and the events to learn from."""
    gates: list[Gate] = []
    masks: dict[str, np.ndarray] = {}
    limits, inside = _limits(columns, None if stretch is None else "time")
    if stretch is not None:
        gates.append(Gate("time", None, "rectangle", (columns.time.axis(LINEAR),), bounds=(stretch,)))
        masks["time"] = gates[0].contains([columns.time.values])
        inside &= masks["time"]
    gates.append(limits)
    masks["limits"] = inside
    sound = inside if columns.damaged is None else inside & ~columns.damaged
    sample = _sample(columns)
    if sample is not None:
        sound = sound & sample
    singlets = _singlets(columns, sound, settings)
    if singlets is not None:
        gates.append(singlets)
        masks["singlets"] = inside & singlets.contains([columns.forward.values, columns.forward_height.values])
        sound = sound & masks["singlets"]
    rows = np.flatnonzero(sound)
    if len(rows) < settings["min_events"]:
        raise SpecimenError("no_monocytes", f"only {len(rows)} events are left to look for monocytes")
    return gates, masks, rows


def _leukocytes(
    columns: Columns, rows: np.ndarray, parent: str
) -> tuple[Gate, list[Axis], dict[Axis, np.ndarray], Cells]:
    """Gate the leukocytes, and count them on the axes of CD14, SSC, CD45 (or FSC) and, beside CD45, FSC."""
    third = columns.cd45 or columns.forward
    third_scale = _third_scale(third, rows)
    scaled = {third.axis(third_scale): third_scale.apply(third.values)}
    level = scaled[third.axis(third_scale)][rows] / third_scale.unit
    threshold = leukocyte_threshold(level, columns.cd45 is not None)
    rows = rows[np.flatnonzero(level >= threshold)]
    signals = [columns.cd14, columns.side, third]
    scales = [_cd14_scale(columns.cd14, rows), _side_scale(columns.side, rows), third_scale]
    if columns.cd45 is not None:
        signals.append(columns.forward)
        scales.append(_side_scale(columns.forward, rows))
    axes = [x.axis(s) for x, s in zip(signals, scales, strict=True)]
    for signal, axis in zip(signals, axes, strict=True):
        if axis not in scaled:
            scaled[axis] = axis.scale.apply(signal.values)
    points = [scaled[axis][rows] / axis.scale.unit for axis in axes]
    if like_beads(points[1], points[-1]):
        raise SpecimenError(
            "no_monocytes",
            "the events scatter like beads, not like blood cells: is this a bead file? Correct fcs in samples.csv",
        )
    gate = Gate("leukocytes", parent, "rectangle", (axes[2],), bounds=((threshold * third_scale.unit, None),))
    return gate, axes, scaled, bin_events(points, np.array(CELL[: len(signals)]))


def _sample(columns: Columns) -> np.ndarray | None:
    """Choose about `MOST` events of a large file to learn from, by a hash of their scatter: no order, no chance."""
    n = len(columns.side.values)
    if n <= MOST:
        return None
    bits = [s.values.astype(np.float32).view(np.uint32) for s in (columns.forward, columns.side)]
    mixed = bits[0] * np.uint32(2654435761) ^ bits[1] * np.uint32(2246822519)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(3266489917)
    mixed ^= mixed >> np.uint32(13)
    return mixed % np.uint32(math.ceil(n / MOST)) == 0


def _limits(columns: Columns, parent: str | None) -> tuple[Gate, np.ndarray]:
    """Leave out events at the upper limit of scatter, unless these are too many to be margin events.

    CD14 and CD45 at their limit are still CD14+ and CD45+. Where a scatter detector cuts into the cells (more than
    `MARGIN` of all events), what lies at its limit is not apart from them and stays.
    """
    bounds, inside = [], np.ones(len(columns.side.values), dtype=bool)
    for signal in (columns.forward, columns.side):
        high = quality.upper_limit(signal.values, signal.top)
        bound = None
        if high is not None:
            below = signal.values < high
            if np.count_nonzero(~below) <= MARGIN * len(below):
                inside &= below
                bound = high
        bounds.append((None, bound if bound is not None else 4 * signal.top))
    axes = (columns.forward.axis(LINEAR), columns.side.axis(LINEAR))
    return Gate("limits", parent, "rectangle", axes, bounds=tuple(bounds)), inside


def _singlets(columns: Columns, keep: np.ndarray, settings: Mapping) -> Gate | None:
    if columns.forward_height is None:
        return None
    rows = np.flatnonzero(keep)
    area, height = columns.forward.values[rows], columns.forward_height.values[rows]
    ridge = quality.singlet_ridge(area, height)
    if ridge is None:
        return None
    positive = height[height > 0]
    corners = quality.singlet_corners(ridge, 0.5 * positive.min(), 2 * positive.max(), settings["singlet_spreads"])
    axes = (columns.forward.axis(LINEAR), columns.forward_height.axis(LINEAR))
    vertices = tuple((float(a), float(b)) for a, b in corners)
    return Gate("singlets", "limits", "polygon", axes, vertices=vertices)


def _scale(signal: Signal, cofactor: float) -> Scale:
    return asinh_scale(signal.top, min(max(cofactor, signal.top * 1e-5), signal.top * 0.05))


def _quantile(values: np.ndarray, share: float) -> float:
    """Return a quantile without interpolation: one partition, in a fifth of the time of `np.quantile`."""
    place = int(share * (len(values) - 1))
    return float(np.partition(values, place)[place])


def _cd14_scale(signal: Signal, rows: np.ndarray) -> Scale:
    """Linear up to twice the spread of the CD14-negative cells, seen from the lower tail (1st to 10th percentile).

    Two things hide that spread: wrong compensation pushes some cells far below zero (then the densest twentieth of all,
    among the dim half, tells), and a floor, of the detector or of the file, cuts the negatives off (then what rises
    above the pile tells: its next 38 % are half a spread wide, if half of the negatives lie in it).
    """
    values = np.sort(signal.values[rows])
    low, high = values[[len(values) // 100, len(values) // 10]]
    spread = (high - low) / 1.04
    twentieth = max(len(values) // 20, 20)
    dim = values[: len(values) // 2]
    if low < 0 and len(dim) > twentieth:
        spread = min(spread, 4 * float((dim[twentieth:] - dim[:-twentieth]).min()))
    pile = np.searchsorted(values, values[0], "right") / len(values)
    if PILE < pile < 0.5:
        above, top = np.quantile(values, [min(1.38 * pile, 0.99), 0.995]) - values[0]
        spread = max(spread, min(2 * above, top / 60))
    return _scale(signal, 2 * spread)


def _side_scale(signal: Signal, rows: np.ndarray) -> Scale:
    return _scale(signal, _quantile(signal.values[rows], 0.5) / 5)


def _third_scale(signal: Signal, rows: np.ndarray) -> Scale:
    return _scale(signal, _quantile(signal.values[rows], 0.75) / 100)


def _chain(region: Region, axes: list[Axis], suffix: str, factor: float, parent: str) -> list[Gate]:
    """Make the gates from leukocytes to monocytes, drawn in or out about their centres by `factor`."""
    gates = []
    if region.size is not None:
        low, high = region.size
        middle, half = (low + high) / 2, (high - low) / 2 * factor
        unit = axes[3].scale.unit
        bounds = (((middle - half) * unit, (middle + half) * unit),)
        gates.append(Gate(f"monocyte_size{suffix}", parent, "rectangle", (axes[3],), bounds=bounds))
    # the one that leaves the fewest first: each is computed for the events of the one before
    names = {"cd14_cd45": (0, 2), "cd45_side": (2, 1), "cd14_side": (0, 1)}
    for plane, (i, j) in names.items():
        name = "monocytes" if plane == "cd14_side" else f"monocytes_{plane}"
        corners = region.polygons[plane]
        centre = corners.mean(axis=0)
        corners = (centre + factor * (corners - centre)) * (axes[i].scale.unit, axes[j].scale.unit)
        vertices = tuple((x, y) for x, y in np.round(corners, 6).tolist())
        above = gates[-1].name if gates else parent
        gates.append(Gate(name + suffix, above, "polygon", (axes[i], axes[j]), vertices=vertices))
    return gates
