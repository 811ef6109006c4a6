"""A reviewer's gate beside the automatic one: the same events on the same axes, and what each of the two selects."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from ..gating import Gate, Scale, apply
from . import planes
from .panels import Outline, PlotPanel
from .png import OTHER_GATE

USUAL = ("cd14", "side")


def side_by_side(arrays, automatic: Gate | None) -> list[PlotPanel]:
    """Draw the automatic gate, which does not count, and beside it the reviewer's, which does.

    Parameters
    ----------
    arrays : tube.TubeArrays
        Its gate `monocytes` selects what the reviewer's gate does.
    automatic : Gate or None
        The automatic gate `monocytes`, where one was found.

    Returns
    -------
    list of PlotPanel
        Two; one where there is no automatic gate. A reviewer's gate on other axes than CD14 and SSC has its own.
    """
    inside, chosen = planes.events_in(arrays, "leukocytes"), arrays.masks["monocytes"]
    if automatic is not None:
        pair = planes.scales_of(USUAL, automatic)
    else:
        pair = {name: planes.scale_of(arrays, name) for name in USUAL}
    own = arrays.override_gates[0] if arrays.override_gates else None
    names = _markers(arrays, own) if own is not None else None
    elsewhere = names is not None and set(names) != set(USUAL)
    theirs = {name: planes.scale_of(arrays, name) for name in names} if elsewhere else pair
    drawn = [_carried_over(arrays, own, theirs, inside)] if names is not None else []
    note = f"counts: {_count(arrays, chosen)}"
    if automatic is None:
        return [planes.of_events(arrays, inside, theirs, "Reviewer's gate", note, drawn)]
    found = _selected(arrays)
    left = planes.of_events(
        arrays,
        inside,
        pair,
        "Automatic gate",
        f"not counted: {_count(arrays, found)}",
        [planes.boundary(automatic)],
        found,
        [] if elsewhere else drawn,
    )
    dotted = [] if elsewhere else [planes.boundary(automatic, ":", 1.3)]
    return [left, planes.of_events(arrays, inside, theirs, "Reviewer's gate", note, [*dotted, *drawn])]


def parents_on(arrays, pair: Mapping[str, Scale], inside: np.ndarray) -> list[Outline]:
    """Draw what lies above the reviewer's gate on a panel's two markers; nothing where nobody drew a gate."""
    return [
        _carried_over(arrays, gate, pair, inside)
        for gate in arrays.override_gates[1:]
        if set(_markers(arrays, gate) or ()) == set(pair)
    ]


def _selected(arrays) -> np.ndarray:
    """Apply the automatic gates once more: the tube's masks hold what counts."""
    values = {axis.channel: arrays.values[name] for name, axis in arrays.axes.items() if name in arrays.values}
    n = len(arrays.masks["monocytes"])
    return apply(arrays.gates, lambda axis: values[axis.channel], n)["monocytes"]


def _count(arrays, chosen: np.ndarray) -> str:
    """Say how many events there are and their share of the leukocytes, in as few letters as a panel has room for."""
    n, leukocytes = int(chosen.sum()), int(planes.events_in(arrays, "leukocytes").sum())
    return f"{n:,} events" + (f", {100 * n / leukocytes:.1f} %" if "leukocytes" in arrays.masks else "")


def _markers(arrays, gate: Gate) -> tuple[str, str] | None:
    """Name the markers of a gate's two axes; None where it has not two, or sees other values than the picture shows."""
    known = {(axis.channel, axis.compensated): name for name, axis in arrays.axes.items() if name in planes.MARKERS}
    names = tuple(known.get((axis.channel, axis.compensated)) for axis in gate.axes)
    return names if len(set(names)) == 2 and len(names) == 2 and None not in names else None


def _carried_over(arrays, gate: Gate, pair: Mapping[str, Scale], inside: np.ndarray) -> Outline:
    """Carry a boundary over to a panel's scales, where its straight edges may bend; open ends end behind the events."""
    names, corners = _markers(arrays, gate), gate.vertices
    if gate.kind == "rectangle":
        ends = []
        for name, axis, (low, high) in zip(names, gate.axes, gate.bounds, strict=True):
            at = axis.scale.apply(arrays.values[name][inside]) if inside.any() else np.zeros(1)
            room = 0.05 * (float(at.max() - at.min()) + 1e-9)
            ends.append(
                (float(at.min()) - room if low is None else low, float(at.max()) + room if high is None else high)
            )
        (x0, x1), (y0, y1) = ends
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    closed = np.array([*corners, corners[0]], dtype=float)
    steps = np.linspace(0, 1, 12, endpoint=False)[:, None]
    dense = np.concatenate([a + steps * (b - a) for a, b in pairwise(closed)])
    columns = {
        name: pair[name].apply(np.array([planes.linear_value(float(v), axis.scale) for v in dense[:, k]]))
        for k, (name, axis) in enumerate(zip(names, gate.axes, strict=True))
    }
    return Outline(np.column_stack([columns[name] for name in pair]), OTHER_GATE, "-", 1.6)
