"""The picture of a tube, from values: it shows the gates exactly as they were applied.

Texts in a picture are markers, detectors ($PnN) and numbers: nothing else of a header, no path, no treatment arm.
"""

from collections.abc import Mapping

import numpy as np

from ..gating import Gate, Scale
from . import panels, planes, reviewed
from .axes import decade_axis, linear_axis
from .panels import Outline, PlotPanel, Words
from .png import INK, MUTED


def draw_tube(arrays, reading) -> bytes:
    """Draw the gates of a tube: singlets, leukocytes, monocytes, and the monocytes' PE over time.

    Parameters
    ----------
    arrays : tube.TubeArrays
    reading : tube.TubeReading

    Returns
    -------
    bytes
        A PNG of four or five panels; what is in the gate `monocytes` is orange in all of them. With an override there
        is one more: the automatic gate, with what it would select, beside the reviewer's.
    """
    gates = {gate.name: gate for gate in (*arrays.gates.gates, *arrays.gates.reported)}
    # beside an override the automatic gate is shown, dotted, but does not count
    plane = ":" if reading.gate_source == "override" else "-"
    drawn = [_singlets(arrays, gates)]
    if "leukocytes" in gates:
        drawn.append(_leukocytes(arrays, gates, plane))
    if "monocytes_cd14_cd45" in gates:
        drawn.append(_between(arrays, gates["monocytes_cd14_cd45"], plane))
    if reading.gate_source == "override":
        drawn += reviewed.side_by_side(arrays, gates.get("monocytes"))
    else:
        drawn.append(_monocytes(arrays, gates))
    return panels.draw_panels([*drawn, _over_time(arrays, gates, reading)])


def _singlets(arrays, gates: Mapping[str, Gate]) -> PlotPanel:
    inside, singlets = planes.events_in(arrays, "limits"), gates.get("singlets")
    if singlets is None:
        pair = {"forward": Scale(), "side": planes.scale_of(arrays, "side")}
        return planes.of_events(arrays, inside, pair, "Scatter", "no height in this panel: doublets are not gated", [])
    pair = planes.scales_of(("forward", "forward_height"), singlets)
    note = planes.share_text(arrays, "singlets", "limits")
    panel = planes.of_events(arrays, inside, pair, "Singlets", note, [planes.boundary(singlets)])
    size = gates.get("monocyte_size")
    return panel if size is None else planes.with_bounds(panel, size, arrays.axes["forward"].channel, pair["forward"])


def _leukocytes(arrays, gates: Mapping[str, Gate], plane: str) -> PlotPanel:
    gate = gates["leukocytes"]
    inside = arrays.masks[gate.parent] if gate.parent else np.ones_like(arrays.masks["leukocytes"])
    first = "cd45" if "cd45" in arrays.values else "forward"
    title = "Leukocytes (CD45+)" if first == "cd45" else "Leukocytes (by scatter: no CD45)"
    outlines = [planes.boundary(gates[name], plane) for name in ("monocytes_cd45_side",) if name in gates]
    pair = {first: gate.axes[0].scale, "side": gates["monocytes"].axes[1].scale}
    outlines += reviewed.parents_on(arrays, pair, inside)
    panel = planes.of_events(
        arrays, inside, pair, title, planes.share_text(arrays, "leukocytes", gate.parent), outlines
    )
    return planes.with_bounds(panel, gate, arrays.axes[first].channel, gate.axes[0].scale)


def _between(arrays, gate: Gate, plane: str) -> PlotPanel:
    """Draw a plane of the monocyte gate between the leukocytes and the last one."""
    marker = {axis.channel: name for name, axis in arrays.axes.items()}
    first, second = (marker[axis.channel] for axis in gate.axes)
    title = f"Monocytes on {planes.MARKERS[first]} and {planes.MARKERS[second]}"
    inside = arrays.masks["leukocytes"]
    note = f"{int(arrays.masks[gate.name].sum()):,} events so far"
    pair = planes.scales_of((first, second), gate)
    outlines = [planes.boundary(gate, plane), *reviewed.parents_on(arrays, pair, inside)]
    return planes.of_events(arrays, inside, pair, title, note, outlines)


def _monocytes(arrays, gates: Mapping[str, Gate]) -> PlotPanel:
    """Draw CD14 against SSC with the gate that counts, and the tighter and wider ones."""
    gate = gates["monocytes"]
    others = [gates[name] for name in ("monocytes_tight", "monocytes_wide") if name in gates]
    outlines = [*(planes.boundary(other, "--", 0.8) for other in others), planes.boundary(gate)]
    pair = planes.scales_of(("cd14", "side"), gate)
    note = planes.share_text(arrays, "monocytes", "leukocytes")
    return planes.of_events(arrays, arrays.masks["leukocytes"], pair, "Monocytes (CD14+)", note, outlines)


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
    low, high = scale.apply(np.array(planes.reach(pe)))
    room = 0.3 * max(high - low, 0.2)
    axis = decade_axis(planes.label(arrays, "hladr"), scale, low - 1.5 * room, high + room)
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
        linear_axis(label, 0, 100),
        axis,
        tuple(outlines),
        np.ones(len(y), dtype=bool),
        (Words(2.0, foot + 0.175 * (axis.limits[1] - foot), "events per time"),),
    )
