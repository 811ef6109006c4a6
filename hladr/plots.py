"""The picture of a tube, from values: it shows the gates exactly as they were applied.

Texts in a picture are markers, detectors ($PnN) and numbers: nothing else of a header, no path, no treatment arm.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from . import plots_panels as panels
from .gating import Gate, Scale
from .plots_panels import Outline, PlotAxis, PlotPanel
from .plots_png import INK, MUTED, OTHER_GATE

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
    drawn = [_singlets(arrays, gates), _leukocytes(arrays, gates)]
    if "monocytes_cd14_cd45" in gates:
        drawn.append(_between(arrays, gates["monocytes_cd14_cd45"]))
    return panels.draw_panels([*drawn, _monocytes(arrays, gates, reading), _over_time(arrays, reading)])


def _singlets(arrays, gates: Mapping[str, Gate]) -> PlotPanel:
    inside, singlets = arrays.masks["limits"], gates.get("singlets")
    if singlets is None:
        pair = {"forward": Scale(), "side": gates["monocytes"].axes[1].scale}
        return _density(arrays, inside, pair, "Scatter", "no height in this panel: doublets are not gated", [])
    pair = _scales(("forward", "forward_height"), singlets)
    note = _share(arrays, "singlets", "limits")
    panel = _density(arrays, inside, pair, "Singlets", note, [_outline(singlets)])
    size = gates.get("monocyte_size")
    return panel if size is None else _with_bounds(panel, size, arrays.axes["forward"].channel, pair["forward"])


def _leukocytes(arrays, gates: Mapping[str, Gate]) -> PlotPanel:
    gate = gates["leukocytes"]
    inside = arrays.masks[gate.parent] if gate.parent else np.ones_like(arrays.masks["leukocytes"])
    first = "cd45" if "cd45" in arrays.values else "forward"
    title = "Leukocytes (CD45+)" if first == "cd45" else "Leukocytes (by scatter: no CD45)"
    outlines = [_outline(gates[name]) for name in ("monocytes_cd45_side",) if name in gates]
    pair = {first: gate.axes[0].scale, "side": gates["monocytes"].axes[1].scale}
    panel = _density(arrays, inside, pair, title, _share(arrays, "leukocytes", gate.parent), outlines)
    return _with_bounds(panel, gate, arrays.axes[first].channel, gate.axes[0].scale)


def _between(arrays, gate: Gate) -> PlotPanel:
    """Draw a plane of the monocyte gate between the leukocytes and the last one."""
    marker = {axis.channel: name for name, axis in arrays.axes.items()}
    first, second = (marker[axis.channel] for axis in gate.axes)
    title = f"Monocytes on {MARKERS[first]} and {MARKERS[second]}"
    inside = arrays.masks["leukocytes"]
    note = f"{int(arrays.masks[gate.name].sum()):,} events so far"
    return _density(arrays, inside, _scales((first, second), gate), title, note, [_outline(gate)])


def _monocytes(arrays, gates: Mapping[str, Gate], reading) -> PlotPanel:
    override = reading.gate_source == "override"
    outlines = [_outline(gates[n], dash="--", width=0.8) for n in ("monocytes_tight", "monocytes_wide") if n in gates]
    if override:
        outlines = [_outline(gates["monocytes"], dash=":", width=1.3), *_override_outlines(arrays)]
    else:
        outlines.append(_outline(gates["monocytes"]))
    note = ("reviewer's gate: " if override else "") + _share(arrays, "monocytes", "leukocytes")
    pair = _scales(("cd14", "side"), gates["monocytes"])
    return _density(arrays, arrays.masks["leukocytes"], pair, "Monocytes (CD14+)", note, outlines)


def _scales(names: tuple[str, str], gate: Gate) -> dict[str, Scale]:
    return {name: axis.scale for name, axis in zip(names, gate.axes, strict=True)}


def _override_outlines(arrays) -> list[Outline]:
    """Draw what a reviewer drew; an override without a polygon on CD14 x SSC shows by its orange events alone."""
    gate = getattr(arrays, "override_gate", None)
    if gate is None or [axis.channel for axis in gate.axes] != [arrays.axes[n].channel for n in ("cd14", "side")]:
        return []
    return [_outline(gate, colour=OTHER_GATE)]


def _over_time(arrays, reading) -> PlotPanel:
    """PE of the monocytes over the acquisition, with its median in tenths, and the rate of all events at the foot."""
    n = len(arrays.masks["monocytes"])
    raw = arrays.values.get("time")
    usable = raw is not None and np.isfinite(raw).all() and raw.max() > raw.min()
    time = raw if usable else np.arange(n, dtype=float)
    share = 100 * (time - time.min()) / max(float(time.max() - time.min()), 1e-12)
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


def _outline(gate: Gate, colour: str = INK, dash: str = "-", width: float = 1.5) -> Outline:
    return Outline(np.asarray(gate.vertices, dtype=float), colour, dash, width)


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
