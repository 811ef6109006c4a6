"""Gates of one tube: what they are and how they are applied. `gating.learn.learn` finds them.

A gate is a polygon or a rectangle on one or two named scales, so that a person can read it and GatingML can say it.
HLA-DR has no place here: `Columns`, all that learning sees, does not hold it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from flowutils.gating import points_in_polygon
from flowutils.transforms import asinh as gatingml_asinh

LN10 = math.log(10)


@dataclass(frozen=True)
class Scale:
    """How an axis is scaled: `linear` (the file's own units) or `asinh` as GatingML 2.0 defines it.

    Attributes
    ----------
    kind : str
        `linear` or `asinh`.
    t, m, a : float
        Top of the scale, decades, additional negative decades (GatingML 2.0, fasinh); unused where linear.
    """

    kind: str = "linear"
    t: float = 1.0
    m: float = 1.0
    a: float = 0.0

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Scale linear values, with the arithmetic that FlowKit uses, so that both select the same events."""
        if self.kind == "linear":
            return values
        return gatingml_asinh(values, None, self.t, self.m, self.a)

    @property
    def unit(self) -> float:
        """Length on this scale of one unit of asinh(value / cofactor); 1 where linear."""
        return 1.0 if self.kind == "linear" else 1.0 / ((self.m + self.a) * LN10)

    @property
    def cofactor(self) -> float:
        """Linear value at which the scale turns from linear to logarithmic."""
        return self.t / math.sinh(self.m * LN10)


def asinh_scale(top: float, cofactor: float) -> Scale:
    """Make the asinh scale of GatingML whose linear part ends at about `cofactor` and whose 1 is at `top`."""
    return Scale("asinh", float(top), round(math.asinh(top / cofactor) / LN10, 6), 0.0)


@dataclass(frozen=True)
class Axis:
    """One axis of a gate: a detector by its $PnN, compensated or not, and its scale."""

    channel: str
    compensated: bool
    scale: Scale


@dataclass(frozen=True)
class Gate:
    """One gate.

    Attributes
    ----------
    name : str
        `limits`, `singlets`, `leukocytes`, `monocytes`, ...
    parent : str or None
        Name of the gate that it lies in; None for the whole file.
    kind : str
        `polygon` (two axes, `vertices`) or `rectangle` (any axes, `bounds`).
    axes : tuple of Axis
    vertices : tuple of (float, float)
        Corners on the axes' scales; events on the edge are inside.
    bounds : tuple of (float or None, float or None)
        Per axis the lowest value inside and the first value outside, as in GatingML; None: open.
    """

    name: str
    parent: str | None
    kind: str
    axes: tuple[Axis, ...]
    vertices: tuple[tuple[float, float], ...] = ()
    bounds: tuple[tuple[float | None, float | None], ...] = ()

    def contains(self, values: list[np.ndarray]) -> np.ndarray:
        """Tell which events lie inside, the parent not considered; `values` holds one (n,) array per axis, linear."""
        return self.holds([axis.scale.apply(v) for axis, v in zip(self.axes, values, strict=True)])

    def holds(self, scaled: list[np.ndarray]) -> np.ndarray:
        """Tell the same of values that are on the axes' scales already."""
        if self.kind == "polygon":
            return _in_polygon(np.asarray(self.vertices, dtype=float), *scaled)
        inside = np.ones(len(scaled[0]), dtype=bool)
        for column, (low, high) in zip(scaled, self.bounds, strict=True):
            if low is not None:
                inside &= column >= low
            if high is not None:
                inside &= column < high
        return inside


def _in_polygon(vertices: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Tell which points lie in a polygon; only those inside its bounding box need the full test."""
    (left, bottom), (right, top) = vertices.min(axis=0), vertices.max(axis=0)
    near = np.flatnonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top))
    inside = np.zeros(len(x), dtype=bool)
    if len(near):
        inside[near] = points_in_polygon(vertices, np.column_stack([x[near], y[near]]))
    return inside


@dataclass(frozen=True)
class GateSet:
    """The gates of one tube, parents before children; `reported` are counted but never exported as the gates."""

    gates: tuple[Gate, ...]
    reported: tuple[Gate, ...] = ()

    def to_json(self) -> dict:
        """Return plain lists and numbers."""
        return {"gates": [_plain(g) for g in self.gates], "reported": [_plain(g) for g in self.reported]}

    @classmethod
    def from_json(cls, data: Mapping) -> "GateSet":
        """Read what `to_json` gave, also after a round trip through JSON text."""
        return cls(tuple(_gate(g) for g in data["gates"]), tuple(_gate(g) for g in data["reported"]))


def _plain(gate: Gate) -> dict:
    axes = [{**vars(axis), "scale": dict(vars(axis.scale))} for axis in gate.axes]
    pairs = {name: [list(p) for p in getattr(gate, name)] for name in ("vertices", "bounds")}
    return {**vars(gate), "axes": axes, **pairs}


def _gate(data: Mapping) -> Gate:
    axes = tuple(Axis(a["channel"], a["compensated"], Scale(**a["scale"])) for a in data["axes"])
    pairs = {name: tuple(tuple(p) for p in data[name]) for name in ("vertices", "bounds")}
    return Gate(data["name"], data["parent"], data["kind"], axes, **pairs)


def apply(
    gates: GateSet,
    column: Callable[[Axis], np.ndarray],
    n_events: int,
    scaled: Mapping[Axis, np.ndarray] | None = None,
    known: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Apply all gates.

    Parameters
    ----------
    gates : GateSet
    column : callable
        Gives for an `Axis` the linear values (n_events,), compensated if the axis says so.
    n_events : int
        Events in the file.
    scaled : mapping of Axis to ndarray (n_events,), optional
        Columns that are on their scale already.
    known : mapping of str to ndarray of bool (n_events,), optional
        What is known of some of the gates already, in the form of the result.

    Returns
    -------
    dict of str to ndarray of bool, (n_events,)
        For each gate the events inside it and inside all its parents.

    Notes
    -----
    A child is only computed for the events of its parent, and a column is scaled once for all gates, which changes
    nothing but the time it takes.
    """
    ready = dict(scaled or {})

    def on_scale(axis: Axis) -> np.ndarray:
        if axis not in ready:
            ready[axis] = axis.scale.apply(column(axis))
        return ready[axis]

    masks: dict[str, np.ndarray] = dict(known or {})
    for gate in (*gates.gates, *gates.reported):
        if gate.name in masks:
            continue
        if gate.parent is None:
            masks[gate.name] = gate.holds([on_scale(axis) for axis in gate.axes])
            continue
        inside = np.flatnonzero(masks[gate.parent])
        mask = np.zeros(n_events, dtype=bool)
        mask[inside] = gate.holds([on_scale(axis)[inside] for axis in gate.axes]) if len(inside) else False
        masks[gate.name] = mask
    return masks
