"""Learn the gates of one tube from its scatter, CD14 and CD45. HLA-DR is not among what it is given.

The steps: detector limits of scatter, singlets, a mixture on CD14 x SSC x CD45 of the binned events, which of its components are
monocytes, and the polygons that hold as many foreign events as they lose monocytes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from . import quality
from .flags import SpecimenError
from .gating import Axis, Gate, GateSet, Scale, asinh_scale
from .gating_contour import Region, balance
from .gating_mixture import Cells, Mixture, bin_events, fit

LINEAR = Scale()
CELL = 0.15
COMPONENTS = 10


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
    """What gating may look at: never HLA-DR."""

    forward: Signal
    side: Signal
    cd14: Signal
    cd45: Signal | None = None
    forward_height: Signal | None = None
    damaged: np.ndarray | None = None


@dataclass(frozen=True)
class Doubt:
    """How well the monocytes separate, from the mixture alone.

    Attributes
    ----------
    contamination : float
        Expected share of the gate's events that are not monocytes.
    loss : float
        Expected share of the monocytes that the gate leaves out.
    separation : float
        1 - contamination - loss, not below 0.
    contamination_high : float
        Contamination if the mixture's background is wrong by what its fit allows.
    """

    contamination: float
    loss: float
    separation: float


@dataclass(frozen=True)
class Learned:
    """The gates of a tube and their doubt; `gates.gates[-1]` is `monocytes`."""

    gates: GateSet
    doubt: Doubt
    limits: dict[str, float]


def learn(columns: Columns, settings: Mapping) -> Learned:
    """Find the gates of one tube.

    Parameters
    ----------
    columns : Columns
    settings : Mapping
        The section `gating` of the configuration.

    Raises
    ------
    SpecimenError
        `no_monocytes` where no population can be the monocytes.
    """
    n = len(columns.side.values)
    gates: list[Gate] = []
    keep = np.ones(n, dtype=bool) if columns.damaged is None else ~columns.damaged
    limits, inside = _limits(columns)
    gates.append(limits)
    keep &= inside
    singlets = _singlets(columns, keep, settings)
    if singlets is not None:
        gates.append(singlets)
        keep &= singlets.contains([columns.forward.values, columns.forward_height.values])
    rows = np.flatnonzero(keep)
    if len(rows) < settings["min_events"]:
        raise SpecimenError("no_monocytes", f"only {len(rows)} events are left to look for monocytes")
    third = columns.cd45 or columns.forward
    scales = [_cd14_scale(columns.cd14, rows), _side_scale(columns.side, rows), _third_scale(third, rows)]
    signals = [columns.cd14, columns.side, third]
    points = np.column_stack([s.apply(x.values[rows]) / s.unit for x, s in zip(signals, scales, strict=True)])
    cells = bin_events(points, CELL)
    mixture = _fit(cells)
    roles = identify(mixture, len(rows))
    threshold = _leukocyte_threshold(mixture, roles)
    axes = [x.axis(s) for x, s in zip(signals, scales, strict=True)]
    leukocytes = Gate(
        "leukocytes", gates[-1].name, "rectangle", (axes[2],), bounds=((threshold * scales[2].unit, None),)
    )
    gates.append(leukocytes)
    region = balance(mixture, roles.monocytes)
    units = [s.unit for s in scales]
    gates.append(
        _polygon("monocytes_cd45", gates[-1].name, (axes[2], axes[1]), region.first, (units[2], units[1]), 1.0)
    )
    gates.append(_polygon("monocytes", gates[-1].name, (axes[0], axes[1]), region.second, (units[0], units[1]), 1.0))
    reported = tuple(
        _polygon(name, "leukocytes" if i == 0 else f"{label}_cd45", pair, corners, unit, factor)
        for label, factor in (("monocytes_tight", settings["tight"]), ("monocytes_wide", settings["wide"]))
        for i, (name, pair, corners, unit) in enumerate(
            (
                (f"{label}_cd45", (axes[2], axes[1]), region.first, (units[2], units[1])),
                (label, (axes[0], axes[1]), region.second, (units[0], units[1])),
            )
        )
    )
    doubt = Doubt(region.contamination, region.loss, max(0.0, 1 - region.contamination - region.loss))
    return Learned(GateSet(tuple(gates), reported), doubt, {})


def _limits(columns: Columns) -> tuple[Gate, np.ndarray]:
    """Leave out events at the upper limit of scatter; CD14 and CD45 at their limit are still CD14+ and CD45+."""
    bounds, inside = [], np.ones(len(columns.side.values), dtype=bool)
    for signal in (columns.forward, columns.side):
        high = quality.upper_limit(signal.values, signal.top)
        bounds.append((None, high if high is not None else signal.top * 2))
        if high is not None:
            inside &= signal.values < high
    axes = (columns.forward.axis(LINEAR), columns.side.axis(LINEAR))
    return Gate("limits", None, "rectangle", axes, bounds=tuple(bounds)), inside


def _singlets(columns: Columns, keep: np.ndarray, settings: Mapping) -> Gate | None:
    if columns.forward_height is None:
        return None
    area, height = columns.forward.values[keep], columns.forward_height.values[keep]
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


def _cd14_scale(signal: Signal, rows: np.ndarray) -> Scale:
    low, middle = np.percentile(signal.values[rows], [5, 50])
    return _scale(signal, (middle - low) / 1.645)


def _side_scale(signal: Signal, rows: np.ndarray) -> Scale:
    return _scale(signal, float(np.median(signal.values[rows])) / 5)


def _third_scale(signal: Signal, rows: np.ndarray) -> Scale:
    return _scale(signal, float(np.percentile(signal.values[rows], 75)) / 100)


def _seeds(cells: Cells, k: int) -> np.ndarray:
    weight = np.log1p(cells.counts) ** 2
    chosen = [int(np.argmax(cells.counts))]
    distance = np.full(len(weight), np.inf)
    for _ in range(k - 1):
        distance = np.minimum(distance, ((cells.centres - cells.centres[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(np.argmax(weight * np.minimum(distance, 9.0))))
    return cells.centres[chosen]


def _fit(cells: Cells) -> Mixture:
    means = _seeds(cells, COMPONENTS)
    k, d = means.shape
    span = cells.centres.max(axis=0) - cells.centres.min(axis=0) + cells.width
    start = Mixture(
        np.full(k, 0.98 / k), means, np.repeat(np.eye(d)[None] * 0.25, k, axis=0), 0.02, -float(np.log(span).sum())
    )
    return fit(cells, start, prior_covariance=np.eye(d) * 0.06)[0]


@dataclass(frozen=True)
class Roles:
    """Indices of the components: monocytes (the seed first), debris."""

    monocytes: tuple[int, ...]
    debris: tuple[int, ...]


def identify(mixture: Mixture, n_events: int) -> Roles:
    """Tell which components are monocytes.

    Raises
    ------
    SpecimenError
        `no_monocytes` where none can be.
    """
    cd14, side, third = mixture.means.T
    events = mixture.shares * n_events
    common = events > max(10.0, 0.001 * n_events)
    top = max(third[i] for i in range(len(third)) if mixture.shares[i] > 0.02)
    leukocyte = third > top - 2.5
    debris = tuple(int(i) for i in np.flatnonzero(third < top - 3.0))
    base = np.average(cd14[leukocyte], weights=mixture.shares[leukocyte])
    lymph = min(side[i] for i in range(len(side)) if leukocyte[i] and mixture.shares[i] > 0.01)
    expected = lymph + 0.9
    score = cd14 - base + 0.7 * (third - top) - 0.7 * np.abs(side - expected)
    score[~(leukocyte & common)] = -np.inf
    best = int(np.argmax(score))
    if not math.isfinite(score[best]) or cd14[best] - base < 0.5:
        raise SpecimenError("no_monocytes", "no population of CD14+ monocytes can be told from the other cells")
    members = [best]
    for i in range(len(score)):
        if i != best and leukocyte[i] and common[i] and _one_hill(mixture, best, i) and score[i] > score[best] - 1.0:
            members.append(i)
    return Roles(tuple(members), debris)


def _one_hill(mixture: Mixture, a: int, b: int) -> bool:
    line = mixture.means[a] + np.linspace(0, 1, 21)[:, None] * (mixture.means[b] - mixture.means[a])
    density = np.exp(mixture.log_densities(line)[:, [a, b]]).sum(axis=1)
    return bool(density.min() > 0.8 * min(density[0], density[-1]))


def _leukocyte_threshold(mixture: Mixture, roles: Roles) -> float:
    third = mixture.means[:, 2]
    top = third[roles.monocytes[0]]
    sd = np.sqrt(mixture.covariances[:, 2, 2])
    grid = np.linspace(top - 4, top - 1, 121)
    z = (grid[:, None] - third) / sd
    density = (mixture.shares / sd * np.exp(-0.5 * z**2)).sum(axis=1)
    return float(grid[int(np.argmin(density))])


def _polygon(name, parent, axes, corners, units, factor) -> Gate:
    points = np.asarray(corners)
    centre = points.mean(axis=0)
    points = (centre + factor * (points - centre)) * np.asarray(units)
    return Gate(name, parent, "polygon", tuple(axes), vertices=tuple((float(x), float(y)) for x, y in points))


__all__ = ["Columns", "Doubt", "Learned", "Region", "Signal", "identify", "learn"]
