"""The picture of a tube, from values: it shows the gates exactly as they were applied.

Texts in a picture are markers, detectors ($PnN) and numbers: nothing else of a header, no path, no treatment arm.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..gating import Gate, Scale, asinh_scale
from . import panels as panels
from .panels import Outline, PlotAxis, PlotPanel
from .png import INK, MUTED, OTHER_GATE

MARKERS = {
    "forward": "FSC",
    "forward_height": "FSC height",
    "side": "SSC",
    "cd14": "CD14",
    "cd45": "CD45",
    "hladr": "HLA-DR PE",
}
PARENTS = {None: "all events", "limits": "events in range"}


def draw_tube(arrays, reading) -> bytes:
    """Draw the gates of a tube: singlets, leukocytes, monocytes, and the monocytes' PE over time.

    Parameters
    ----------
    arrays : tube.TubeArrays
    reading : tube.TubeReading

    Returns
    -------
    bytes
        A PNG of four panels; what is in the gate `monocytes` is orange in all of them.
    """
    gates = {gate.name: gate for gate in (*arrays.gates.gates, *arrays.gates.reported)}
    # beside an override the automatic gate is shown, dotted, but does not count
    plane = ":" if reading.gate_source == "override" else "-"
    drawn = [_singlets(arrays, gates)]
    if "leukocytes" in gates:
        drawn.append(_leukocytes(arrays, gates, plane))
    if "monocytes_cd14_cd45" in gates:
        drawn.append(_between(arrays, gates["monocytes_cd14_cd45"], plane))
    drawn.append(_monocytes(arrays, gates, reading))
    other = _override_elsewhere(arrays)
    if other is not None:
        drawn.append(other)
    return panels.draw_panels([*drawn, _over_time(arrays, gates, reading)])


def _singlets(arrays, gates: Mapping[str, Gate]) -> PlotPanel:
    inside, singlets = _events(arrays, "limits"), gates.get("singlets")
    if singlets is None:
        pair = {"forward": Scale(), "side": _scale(arrays, "side")}
        return _density(arrays, inside, pair, "Scatter", "no height in this panel: doublets are not gated", [])
    pair = _scales(("forward", "forward_height"), singlets)
    note = _share(arrays, "singlets", "limits")
    panel = _density(arrays, inside, pair, "Singlets", note, [_outline(singlets)])
    size = gates.get("monocyte_size")
    return panel if size is None else _with_bounds(panel, size, arrays.axes["forward"].channel, pair["forward"])


def _leukocytes(arrays, gates: Mapping[str, Gate], plane: str) -> PlotPanel:
    gate = gates["leukocytes"]
    inside = arrays.masks[gate.parent] if gate.parent else np.ones_like(arrays.masks["leukocytes"])
    first = "cd45" if "cd45" in arrays.values else "forward"
    title = "Leukocytes (CD45+)" if first == "cd45" else "Leukocytes (by scatter: no CD45)"
    outlines = [_outline(gates[name], plane) for name in ("monocytes_cd45_side",) if name in gates]
    pair = {first: gate.axes[0].scale, "side": gates["monocytes"].axes[1].scale}
    panel = _density(arrays, inside, pair, title, _share(arrays, "leukocytes", gate.parent), outlines)
    return _with_bounds(panel, gate, arrays.axes[first].channel, gate.axes[0].scale)


def _between(arrays, gate: Gate, plane: str) -> PlotPanel:
    """Draw a plane of the monocyte gate between the leukocytes and the last one."""
    marker = {axis.channel: name for name, axis in arrays.axes.items()}
    first, second = (marker[axis.channel] for axis in gate.axes)
    title = f"Monocytes on {MARKERS[first]} and {MARKERS[second]}"
    inside = arrays.masks["leukocytes"]
    note = f"{int(arrays.masks[gate.name].sum()):,} events so far"
    return _density(arrays, inside, _scales((first, second), gate), title, note, [_outline(gate, plane)])


def _monocytes(arrays, gates: Mapping[str, Gate], reading) -> PlotPanel:
    """Draw CD14 against SSC: the gate that counts, and beside an override the automatic gate, dotted."""
    override, automatic = arrays.override_gate, gates.get("monocytes")
    inside = _events(arrays, "leukocytes")
    names = ("cd14", "side")
    pair = _scales(names, automatic) if automatic is not None else {name: _scale(arrays, name) for name in names}
    outlines = []
    if reading.gate_source != "override":
        outlines = [
            _outline(gates[n], dash="--", width=0.8) for n in ("monocytes_tight", "monocytes_wide") if n in gates
        ]
        outlines.append(_outline(automatic))
    elif automatic is not None:
        outlines.append(_outline(automatic, dash=":", width=1.3))
    if override is not None and set(_markers(arrays, override) or ()) == set(names):
        outlines.append(_carried_over(arrays, override, pair, inside))
    whose = "reviewer's gate: " if reading.gate_source == "override" else ""
    note = whose + (_share(arrays, "monocytes", "leukocytes") if "leukocytes" in arrays.masks else _count(arrays))
    return _density(arrays, inside, pair, "Monocytes (CD14+)", note, outlines)


def _override_elsewhere(arrays) -> PlotPanel | None:
    """Draw a reviewer's gate that does not lie on CD14 and SSC, on the axes that it was drawn on."""
    names = _markers(arrays, arrays.override_gate) if arrays.override_gate is not None else None
    if names is None or set(names) == {"cd14", "side"}:
        return None
    pair = {name: _scale(arrays, name) for name in names}
    inside = _events(arrays, "leukocytes")
    outline = _carried_over(arrays, arrays.override_gate, pair, inside)
    return _density(arrays, inside, pair, "Reviewer's gate", _count(arrays), [outline])


def _markers(arrays, gate: Gate) -> tuple[str, str] | None:
    """Name the markers of a gate's two axes; None where it has not two, or sees other values than the picture shows."""
    known = {(axis.channel, axis.compensated): name for name, axis in arrays.axes.items() if name in MARKERS}
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
        name: pair[name].apply(np.array([_linear(float(v), axis.scale) for v in dense[:, k]]))
        for k, (name, axis) in enumerate(zip(names, gate.axes, strict=True))
    }
    return Outline(np.column_stack([columns[name] for name in pair]), OTHER_GATE, "-", 1.6)


def _scales(names: tuple[str, str], gate: Gate) -> dict[str, Scale]:
    return {name: axis.scale for name, axis in zip(names, gate.axes, strict=True)}


def _scale(arrays, name: str) -> Scale:
    """Take the scale of a marker's gates; fluorescence that no gate knows gets decades."""
    scale = arrays.axes[name].scale
    if scale.kind != "linear" or name in ("forward", "forward_height"):
        return scale
    top = max(float(arrays.values[name].max()), 1.0)
    return asinh_scale(top, top / 1000)


def _events(arrays, name: str) -> np.ndarray:
    """Take the events of a gate, or all where the tube has no such gate."""
    return arrays.masks.get(name, np.ones(len(arrays.masks["monocytes"]), dtype=bool))


def _count(arrays) -> str:
    return f"{int(arrays.masks['monocytes'].sum()):,} events"


def _over_time(arrays, gates: Mapping[str, Gate], reading) -> PlotPanel:
    """PE of the monocytes over the acquisition, with its median in tenths, and the rate of all events at the foot."""
    n = len(arrays.masks["monocytes"])
    raw = arrays.values.get("time")
    usable = raw is not None and np.isfinite(raw).all() and raw.max() > raw.min()
    time = raw if usable else np.arange(n, dtype=float)
    start, whole = float(time.min()), max(float(time.max() - time.min()), 1e-12)
    share = 100 * (time - start) / whole
    chosen = arrays.masks["monocytes"]
    scale, pe = arrays.axes["hladr"].scale, arrays.values["hladr"][chosen]
    low, high = scale.apply(np.array(_reach(pe)))
    room = 0.3 * max(high - low, 0.2)
    axis = panels.decade_axis(_name(arrays, "hladr"), scale, low - 1.5 * room, high + room)
    y = scale.apply(pe)
    edges = np.linspace(0, 100, 11)
    slices = np.clip(np.digitize(share[chosen], edges) - 1, 0, 9)
    middle = [(edges[k] + 5, float(np.median(y[slices == k]))) for k in range(10) if np.any(slices == k)]
    rate = np.histogram(share, np.linspace(0, 100, 71))[0]
    foot = axis.limits[0]
    tall = 0.16 * (axis.limits[1] - foot) / max(rate.max(), 1)
    steps = np.column_stack([np.repeat(np.linspace(0, 100, 71), 2)[1:-1], foot + np.repeat(rate, 2) * tall])
    outlines = [Outline(steps, MUTED, "-", 0.9, closed=False)]
    if len(middle) > 1:
        outlines.append(Outline(np.array(middle), INK, "-", 1.5, closed=False))
    stretch = gates["time"].bounds[0] if "time" in gates and usable else ()
    for bound in stretch:
        if bound is not None:
            at = 100 * (bound - start) / whole
            outlines.append(
                Outline(np.array([(at, axis.limits[0]), (at, axis.limits[1])]), INK, "-", 1.3, closed=False)
            )
    first, last = reading.pe_first_fifth, reading.pe_last_fifth
    change = f"median PE {100 * (last / first - 1):+.0f} %, first to last fifth" if first and last else ""
    label = "time, % of the acquisition" if usable else "events in file order, % (no time in the file)"
    return PlotPanel(
        "Stability",
        change,
        share[chosen],
        y,
        panels.linear_axis(label, 0, 100),
        axis,
        tuple(outlines),
        np.ones(len(y), dtype=bool),
        ((2.0, foot + 0.175 * (axis.limits[1] - foot), "events per time"),),
    )


def _density(arrays, inside, pair: Mapping[str, Scale], title: str, note: str, outlines: list[Outline]) -> PlotPanel:
    """Make a density panel of the events inside a gate, on the scales of the gates that it shows."""
    ends, places = [], []
    for position, (name, scale) in enumerate(pair.items()):
        values = arrays.values[name][inside]
        corners = [c[position] for outline in outlines for c in outline.vertices]
        ends.append(_axis(_name(arrays, name), scale, values, corners))
        places.append(scale.apply(values))
    return PlotPanel(title, note, *places, *ends, tuple(outlines), arrays.masks["monocytes"][inside])


def _axis(label: str, scale: Scale, values: np.ndarray, corners: list[float]) -> PlotAxis:
    """Choose the ends so that nearly all events and every corner are on the panel, with a little room."""
    low, high = _reach(values)
    if scale.kind == "linear":
        near = [c for c in corners if c < 1.5 * high]
        return panels.linear_axis(label, min(low, 0.0), 1.1 * max([high, *near]))
    ends = [*scale.apply(np.array([low, high, 0.0, 100 * scale.cofactor])), *corners]
    room = 0.04 * (max(ends) - min(ends))
    return panels.decade_axis(label, scale, min(ends) - room, max(ends) + room)


def _reach(values: np.ndarray) -> tuple[float, float]:
    """Give ends that hold all but one event in 500 on each side."""
    if not len(values):
        return 0.0, 1.0
    k = len(values) // 500
    part = np.partition(values, (k, len(values) - 1 - k))
    return float(part[k]), float(part[len(values) - 1 - k])


def _name(arrays, name: str) -> str:
    marker, channel = MARKERS[name], arrays.axes[name].channel
    return f"{marker} ({channel})"


def _outline(gate: Gate, dash: str = "-", width: float = 1.5) -> Outline:
    return Outline(np.asarray(gate.vertices, dtype=float), INK, dash, width)


def _with_bounds(panel: PlotPanel, gate: Gate, channel: str, shown: Scale) -> PlotPanel:
    """Draw the ends of a rectangle gate as lines across the panel; `shown` is the panel's scale of that channel."""
    lines = []
    (x0, x1), (y0, y1) = panel.x_axis.limits, panel.y_axis.limits
    for axis, bounds in zip(gate.axes, gate.bounds, strict=True):
        for bound in bounds:
            if bound is not None:
                at = bound if axis.scale == shown else float(shown.apply(np.array([_linear(bound, axis.scale)]))[0])
                ends = [(at, y0), (at, y1)] if axis.channel == channel else [(x0, at), (x1, at)]
                lines.append(Outline(np.array(ends), INK, "-", 1.3, closed=False))
    return replace(panel, outlines=(*panel.outlines, *lines))


def _linear(position: float, scale: Scale) -> float:
    """Turn a position on a scale back into a linear value."""
    return position if scale.kind == "linear" else panels.from_position(scale, position)


def _share(arrays, name: str, parent: str | None) -> str:
    inside = int(arrays.masks[name].sum())
    whole = int(arrays.masks[parent].sum()) if parent else len(arrays.masks[name])
    share = f"{100 * inside / whole:.1f} % of {PARENTS.get(parent, parent)}, " if whole else ""
    return f"{share}{inside:,} events"
