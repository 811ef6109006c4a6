"""Density panels of a tube's events: which events, on which axes, with which boundaries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..gating import Gate, Scale, asinh_scale
from .axes import PlotAxis, decade_axis, from_position, linear_axis
from .panels import Outline, PlotPanel
from .png import INK

MARKERS = {
    "forward": "FSC",
    "forward_height": "FSC height",
    "side": "SSC",
    "cd14": "CD14",
    "cd45": "CD45",
    "hladr": "HLA-DR PE",
}
LONGEST = 24  # letters of a detector that fit beside an axis
PARENTS = {None: "all events", "limits": "events in range"}


def of_events(
    arrays,
    inside: np.ndarray,
    pair: Mapping[str, Scale],
    title: str,
    note: str,
    outlines: Sequence[Outline],
    chosen: np.ndarray | None = None,
    room_for: Sequence[Outline] = (),
) -> PlotPanel:
    """Make a density panel of the events inside a gate, on the scales of the gates that it shows.

    Parameters
    ----------
    arrays : tube.TubeArrays
    inside : ndarray of bool (n,)
        The events to show.
    pair : mapping of str to Scale
        The two markers, across and up.
    title, note : str
    outlines : sequence of Outline
    chosen : ndarray of bool (n,), optional
        The events in orange; default: the gate `monocytes`.
    room_for : sequence of Outline
        What else has to fit, so that two panels can have the same axes.
    """
    chosen = arrays.masks["monocytes"] if chosen is None else chosen
    ends, places = [], []
    for position, (name, scale) in enumerate(pair.items()):
        places.append(_on_scale(arrays, name, scale)[inside])
        corners = [c[position] for outline in (*outlines, *room_for) for c in outline.vertices]
        ends.append(_axis(label(arrays, name), scale, places[-1], corners))
    return PlotPanel(title, note, *places, *ends, tuple(outlines), chosen[inside])


def _on_scale(arrays, name: str, scale: Scale) -> np.ndarray:
    """Put a marker on a scale, unless gating has done so."""
    ready = arrays.scaled.get(replace(arrays.axes[name], scale=scale))
    return scale.apply(arrays.values[name]) if ready is None else ready


def _axis(title: str, scale: Scale, places: np.ndarray, corners: list[float]) -> PlotAxis:
    """Choose the ends so that nearly all events and every corner near them are on the panel, with a little room."""
    low, high = reach(places)
    if scale.kind == "linear":
        near = [c for c in corners if c < 1.5 * high]
        return linear_axis(title, min(low, 0.0), 1.1 * max([high, *near]))
    ends = [low, high, *scale.apply(np.array([0.0, 100 * scale.cofactor]))]
    # a gate drawn far from all events would make them a speck
    span = max(ends) - min(ends)
    ends += [c for c in corners if min(ends) - span <= c <= max(ends) + span]
    room = 0.04 * (max(ends) - min(ends))
    return decade_axis(title, scale, min(ends) - room, max(ends) + room)


def reach(values: np.ndarray) -> tuple[float, float]:
    """Give ends that hold all but one event in 500 on each side."""
    if not len(values):
        return 0.0, 1.0
    k = len(values) // 500
    part = np.partition(values, (k, len(values) - 1 - k))
    return float(part[k]), float(part[len(values) - 1 - k])


def label(arrays, name: str) -> str:
    """Name an axis: the marker, and its detector as far as there is room."""
    marker, channel = MARKERS[name], arrays.axes[name].channel
    return f"{marker} ({channel if len(channel) <= LONGEST else channel[: LONGEST - 1] + '…'})"


def scales_of(names: tuple[str, str], gate: Gate) -> dict[str, Scale]:
    """Take the scales of a gate's two axes."""
    return {name: axis.scale for name, axis in zip(names, gate.axes, strict=True)}


def scale_of(arrays, name: str) -> Scale:
    """Take the scale of a marker's gates; fluorescence that no gate knows gets decades."""
    scale = arrays.axes[name].scale
    if scale.kind != "linear" or name in ("forward", "forward_height"):
        return scale
    top = max(float(arrays.values[name].max()), 1.0)
    return asinh_scale(top, top / 1000)


def events_in(arrays, name: str) -> np.ndarray:
    """Take the events of a gate, or all where the tube has no such gate."""
    return arrays.masks.get(name, np.ones(len(arrays.masks["monocytes"]), dtype=bool))


def share_text(arrays, name: str, parent: str | None) -> str:
    """Say how many events a gate holds, and their share of its parent's."""
    whole = int(arrays.masks[parent].sum()) if parent else len(arrays.masks[name])
    return count_text(int(arrays.masks[name].sum()), whole, PARENTS.get(parent, parent))


def count_text(inside: int, whole: int, parent: str) -> str:
    """Say how many events there are, and their share of a whole."""
    share = f"{100 * inside / whole:.1f} % of {parent}, " if whole else ""
    return f"{share}{inside:,} events"


def boundary(gate: Gate, dash: str = "-", width: float = 1.5) -> Outline:
    """Take the boundary of an automatic gate."""
    return Outline(np.asarray(gate.vertices, dtype=float), INK, dash, width)


def with_bounds(panel: PlotPanel, gate: Gate, channel: str, shown: Scale) -> PlotPanel:
    """Draw the ends of a rectangle gate as lines across the panel; `shown` is the panel's scale of that channel."""
    lines = []
    (x0, x1), (y0, y1) = panel.x_axis.limits, panel.y_axis.limits
    for axis, bounds in zip(gate.axes, gate.bounds, strict=True):
        for bound in bounds:
            if bound is not None:
                at = (
                    bound if axis.scale == shown else float(shown.apply(np.array([linear_value(bound, axis.scale)]))[0])
                )
                ends = [(at, y0), (at, y1)] if axis.channel == channel else [(x0, at), (x1, at)]
                lines.append(Outline(np.array(ends), INK, "-", 1.3, closed=False))
    return replace(panel, outlines=(*panel.outlines, *lines))


def linear_value(position: float, scale: Scale) -> float:
    """Turn a position on a scale back into a linear value."""
    return position if scale.kind == "linear" else from_position(scale, position)
