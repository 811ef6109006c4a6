"""Density panels as small PNG files: axes, bins, boundaries, a fixed palette. `plots` says what is drawn in them.

Drawn in the batch job for every tube, so speed counts: no pyplot, ticks as one line collection, and a fixed palette
instead of a search for colours. Boundaries are the gates' own vertices on the gates' own scales.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox, IdentityTransform, TransformedBbox

from .png import BINS, BOTTOM, CELL_HEIGHT, CELL_WIDTH, DPI, GATE, INK, LEFT, MUTED, RAMPS, SIDE, STEPS, ZOOM, to_png

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class PlotAxis:
    """One axis of a panel.

    Attributes
    ----------
    label : str
        What is measured, with its unit.
    limits : (float, float)
        Ends of the axis on its scale.
    major : tuple of (float, str)
        Positions on the scale, and what is written there.
    minor : tuple of float
        Positions of the short ticks.
    """

    label: str
    limits: tuple[float, float]
    major: tuple[tuple[float, str], ...]
    minor: tuple[float, ...] = ()


@dataclass(frozen=True)
class Outline:
    """A boundary or line: corners (n, 2) on the panel's scales, its colour and its dash (`-`, `--`, `:`)."""

    vertices: np.ndarray
    colour: str = GATE
    dash: str = "-"
    width: float = 1.4
    closed: bool = True


@dataclass(frozen=True)
class PlotPanel:
    """One density plot: events (n,) on the axes' scales, boundaries, two lines of text above, and texts inside.

    Events that are `chosen` (a mask (n,)) are drawn in a colour of their own wherever they are the majority.
    """

    title: str
    note: str
    x: np.ndarray
    y: np.ndarray
    x_axis: PlotAxis
    y_axis: PlotAxis
    outlines: tuple[Outline, ...] = ()
    chosen: np.ndarray | None = None
    words: tuple[tuple[float, float, str], ...] = ()


def decade_axis(label: str, scale, low: float, high: float) -> PlotAxis:
    """Make an axis with a tick per decade on an asinh scale.

    Parameters
    ----------
    label : str
    scale : gating.Scale
        Its `apply` turns linear values into positions, its `cofactor` is where it turns linear.
    low, high : float
        Ends of the axis, as positions on the scale.
    """
    least, most = (from_position(scale, end) for end in (low, high))
    top = int(np.floor(np.log10(max(most, 1e-6)) + 1e-9))
    bottom = min(int(np.ceil(np.log10(scale.cofactor) - 1e-9)), top)
    decades = [10.0**k for k in range(bottom, top + 1)]
    names = {0.0: "0"} | {s * d: ("−" if s < 0 else "") + power_text(d) for d in decades for s in (1, -1)}
    inside = [v for v in sorted(names) if least <= v <= most]
    major = list(zip(_positions(scale, inside), (names[v] for v in inside), strict=True))
    minor = [m * d for d in (10.0 ** (bottom - 1), *decades) for m in range(2, 10)]
    return PlotAxis(
        label,
        (low, high),
        tuple(_uncrowded(major)),
        tuple(_positions(scale, [v for v in minor if least <= v <= most])),
    )


def from_position(scale, position: float) -> float:
    """Turn a position on an asinh scale back into a linear value."""
    return float(scale.cofactor * np.sinh(position / scale.unit - scale.a * np.log(10)))


def linear_axis(label: str, low: float, high: float) -> PlotAxis:
    """Make a linear axis with about four round ticks."""
    raw = max(high - low, 1e-12) / 4
    step = 10 ** np.floor(np.log10(raw))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if m * step >= raw)
    ticks = np.arange(np.ceil(low / step), np.floor(high / step + 1e-9) + 1) * step
    return PlotAxis(label, (low, high), tuple((float(t), _short(t)) for t in ticks))


def _positions(scale, values: Sequence[float]) -> list[float]:
    return [float(v) for v in scale.apply(np.asarray(values, dtype=float))] if len(values) else []


def _uncrowded(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Leave out what would overlap: zero stays, then decades from the top."""
    if len(ticks) < 2:
        return ticks
    span = max(p for p, _ in ticks) - min(p for p, _ in ticks)
    zero = [t for t in ticks if t[1] == "0"]
    kept = list(zero)
    for tick in sorted((t for t in ticks if t[1] != "0"), reverse=True):
        if all(abs(tick[0] - other[0]) > 0.09 * span for other in kept):
            kept.append(tick)
    return sorted(kept)


def power_text(value: float) -> str:
    """Write a power of ten with a raised exponent, which needs no formula to be set."""
    return "10" + str(round(np.log10(value))).translate(_SUPERSCRIPT)


def _short(value: float) -> str:
    size = abs(value)
    if size >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if size >= 1e3 else f"{value:g}"


def density(panel: PlotPanel, bins: int = BINS) -> tuple[np.ndarray, np.ndarray]:
    """Bin a panel's events; events off the axes are counted at the edge.

    Returns
    -------
    two ndarray of int, (bins, bins)
        All events, and the chosen ones. Rows: y from the bottom; columns: x.
    """
    index = []
    for values, axis in ((panel.x, panel.x_axis), (panel.y, panel.y_axis)):
        low, high = axis.limits
        place = (np.asarray(values, dtype=float) - low) * (bins / (high - low))
        index.append(np.clip(np.nan_to_num(place, nan=-1), 0, bins - 1).astype(np.intp))
    flat = index[1] * bins + index[0]
    every = np.bincount(flat, minlength=bins * bins)
    some = np.zeros_like(every) if panel.chosen is None else np.bincount(flat[panel.chosen], minlength=bins * bins)
    return every.reshape(bins, bins), some.reshape(bins, bins)


def _coloured(every: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Turn counts into RGB (bins, bins, 3): white where empty, darker by the logarithm of the count."""
    image = RAMPS[0][_shades(every)]
    mine = 2 * some > every
    image[mine] = RAMPS[1][_shades(np.where(mine, every, 0))][mine]
    return image


def _shades(counts: np.ndarray) -> np.ndarray:
    top = np.log1p(max(np.percentile(counts[counts > 0], 99), 6)) if counts.any() else 1.0
    levels = np.clip(np.log1p(counts) / top, 0, 1) * (STEPS - 1)
    return np.where(counts > 0, 1 + np.round(levels), 0).astype(np.intp)


def draw_panels(panels: Sequence[PlotPanel]) -> bytes:
    """Draw panels side by side.

    Returns
    -------
    bytes
        A PNG with the fixed palette, `CELL_WIDTH` x `CELL_HEIGHT` pixels a panel.

    Notes
    -----
    Lines and texts go through matplotlib in pixel coordinates; densities are put under them as pixels, since a bin is
    a whole number of pixels. That is twice as fast as axes and images, and as sharp as pixels can be.
    """
    width = CELL_WIDTH * len(panels)
    figure = Figure(figsize=(width / DPI, CELL_HEIGHT / DPI), dpi=DPI, facecolor="none")
    canvas = FigureCanvasAgg(figure)
    ground = np.full((CELL_HEIGHT, width, 3), 255, dtype=np.uint8)
    for position, panel in enumerate(panels):
        left = position * CELL_WIDTH + LEFT
        top = CELL_HEIGHT - BOTTOM - SIDE
        pixels = _coloured(*density(panel))[::-1].repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
        ground[top : top + SIDE, left : left + SIDE] = pixels
        _draw_panel(figure, panel, left, BOTTOM)
    canvas.draw()
    return to_png(ground, np.asarray(canvas.buffer_rgba()))


def _draw_panel(figure: Figure, panel: PlotPanel, left: int, bottom: int) -> None:
    """Draw boundaries, frame, ticks and texts of one panel at its place in pixels."""

    def place(points: np.ndarray) -> np.ndarray:
        (x0, x1), (y0, y1) = panel.x_axis.limits, panel.y_axis.limits
        points = np.asarray(points, dtype=float)
        x, y = (points[:, 0] - x0) / (x1 - x0), (points[:, 1] - y0) / (y1 - y0)
        return np.column_stack([left + x * SIDE, bottom + y * SIDE])

    frame = TransformedBbox(Bbox([[left, bottom], [left + SIDE, bottom + SIDE]]), IdentityTransform())
    for outline in panel.outlines:
        corners = place(outline.vertices)
        path = np.vstack([corners, corners[:1]]) if outline.closed else corners
        _line(figure, path, "white", outline.width + 1.6, "-", frame, alpha=0.8)
        _line(figure, path, outline.colour, outline.width, outline.dash, frame)
    for x, y, words in panel.words:
        at = place(np.array([[x, y]]))[0]
        _text(figure, at[0], at[1], words, 8, path_effects=[Stroke(linewidth=2.2, foreground="white"), Normal()])
    _ticks(figure, panel, left, bottom)
    top = bottom + SIDE
    _text(figure, left, top + 30, panel.title, 9.5, weight="bold")
    _text(figure, left, top + 9, panel.note, 8, MUTED)
    _text(figure, left + SIDE / 2, bottom - 33, panel.x_axis.label, 8.5, ha="center", va="top")
    _text(figure, left - 62, bottom + SIDE / 2, panel.y_axis.label, 8.5, ha="right", va="center", rotation=90)


def _line(figure: Figure, path: np.ndarray, colour: str, width: float, dash: str, clip, alpha: float = 1.0) -> None:
    line = Line2D(path[:, 0], path[:, 1], color=colour, linewidth=width, linestyle=dash, alpha=alpha)
    line.set_transform(IdentityTransform())
    line.set_clip_box(clip)
    figure.add_artist(line)


def _text(figure: Figure, x: float, y: float, words: str, size: float, colour: str = INK, **place) -> None:
    if words:
        figure.add_artist(
            Text(x, y, words, fontsize=size, color=colour, transform=IdentityTransform(), parse_math=False, **place)
        )


def _ticks(figure: Figure, panel: PlotPanel, left: int, bottom: int) -> None:
    """Draw frame, ticks and their labels: one collection of lines and a few texts."""
    right, top = left + SIDE, bottom + SIDE
    segments = [
        [(left, bottom), (right, bottom)],
        [(right, bottom), (right, top)],
        [(right, top), (left, top)],
        [(left, top), (left, bottom)],
    ]
    for vertical, axis in ((False, panel.x_axis), (True, panel.y_axis)):
        low, high = axis.limits
        start = bottom if vertical else left
        for length, positions in ((9, [p for p, _ in axis.major]), (5, axis.minor)):
            for position in positions:
                share = (position - low) / (high - low)
                if -1e-9 <= share <= 1 + 1e-9:
                    at = round(start + share * SIDE)
                    segments.append(
                        [(left, at), (left - length, at)] if vertical else [(at, bottom), (at, bottom - length)]
                    )
        for position, name in axis.major:
            at = start + (position - low) / (high - low) * SIDE
            if vertical:
                _text(figure, left - 13, at, name, 7.5, ha="right", va="center")
            else:
                _text(figure, at, bottom - 12, name, 7.5, ha="center", va="top")
    figure.add_artist(LineCollection(segments, colors=MUTED, linewidths=0.6, transform=IdentityTransform()))
