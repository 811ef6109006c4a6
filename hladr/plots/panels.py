"""Density panels as small PNG files: bins, boundaries, a fixed palette. `plots` says what is drawn in them.

Drawn in the batch job for every tube, so speed counts: pixels of a fixed palette, no figure. A bin is a whole number
of pixels, as sharp as pixels can be. Boundaries are the gates' own vertices on the gates' own scales.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import ink
from .axes import PlotAxis
from .png import BINS, BOTTOM, CELL_HEIGHT, CELL_WIDTH, GATE, LEFT, MUTED, RAMPS, SIDE, STEPS, ZOOM, to_png


@dataclass(frozen=True)
class Outline:
    """A boundary or line: corners (n, 2) on the panel's scales, its colour and dash (`-`, `--`, `:`), what fills it."""

    vertices: np.ndarray
    colour: str = GATE
    dash: str = "-"
    width: float = 1.4
    closed: bool = True
    fill: str | None = None


@dataclass(frozen=True)
class Words:
    """A text at a place on the panel's scales: its start (`across` 0), its middle or its end (1); `halo`: on white."""

    x: float
    y: float
    text: str
    across: float = 0.0
    halo: bool = True


@dataclass(frozen=True)
class PlotPanel:
    """One panel: events (n,) on the axes' scales as a density, boundaries, two lines of text above, texts inside.

    Events that are `chosen` (a mask (n,)) are drawn in a colour of their own wherever they are the majority. `width` is
    in pixels.
    """

    title: str
    note: str
    x: np.ndarray
    y: np.ndarray
    x_axis: PlotAxis
    y_axis: PlotAxis
    outlines: tuple[Outline, ...] = ()
    chosen: np.ndarray | None = None
    words: tuple[Words, ...] = ()
    width: int = SIDE


def density(panel: PlotPanel, bins: tuple[int, int] = (BINS, BINS)) -> tuple[np.ndarray, np.ndarray]:
    """Bin a panel's events; events off the axes are counted at the edge.

    Returns
    -------
    two ndarray of int, (bins up, bins across)
        All events, and the chosen ones. Rows: y from the bottom; columns: x.
    """
    index = []
    for values, axis, n in zip((panel.x, panel.y), (panel.x_axis, panel.y_axis), bins, strict=True):
        low, high = axis.limits
        place = (np.asarray(values, dtype=float) - low) * (n / (high - low))
        index.append(np.clip(np.nan_to_num(place, nan=-1), 0, n - 1).astype(np.intp))
    flat, shape = index[1] * bins[0] + index[0], bins[::-1]
    every = np.bincount(flat, minlength=bins[0] * bins[1])
    some = np.zeros_like(every) if panel.chosen is None else np.bincount(flat[panel.chosen], minlength=len(every))
    return every.reshape(shape), some.reshape(shape)


def _coloured(every: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Turn counts into palette entries (bins, bins): white where empty, darker by the logarithm of the count."""
    mine = 2 * some > every
    return np.where(mine, RAMPS[1][_shades(np.where(mine, every, 0))], RAMPS[0][_shades(every)])


def _shades(counts: np.ndarray) -> np.ndarray:
    """Turn counts into steps of a ramp: 0 where empty, the last from the 99th percentile of the occupied bins on."""
    occupied = counts[counts > 0]
    if not len(occupied):
        return np.zeros(counts.shape, dtype=np.intp)
    high = (99 * len(occupied)) // 100
    top = max(int(np.partition(occupied, high)[high]), 6)
    steps = 1 + np.round(np.log1p(np.arange(top + 1)) / np.log1p(top) * (STEPS - 1)).astype(np.intp)
    steps[0] = 0
    return steps[np.minimum(counts, top)]


def draw_panels(panels: Sequence[PlotPanel]) -> bytes:
    """Draw panels side by side.

    Returns
    -------
    bytes
        A PNG with the fixed palette, `cell_width(panel.width)` x `CELL_HEIGHT` pixels a panel.
    """
    ground = ink.paper(sum(cell_width(panel.width) for panel in panels), CELL_HEIGHT)
    left = 0
    for panel in panels:
        _draw_panel(ground[:, left:], panel)  # a long title may reach into the next cell
        left += cell_width(panel.width)
    return to_png(ground)


def cell_width(width: int = SIDE) -> int:
    """Give the pixels that a panel of this width takes with its labels."""
    return width + CELL_WIDTH - SIDE


def _draw_panel(cell: np.ndarray, panel: PlotPanel) -> None:
    """Draw densities, boundaries, frame, ticks and texts of one panel; its cell is on the left."""
    top = CELL_HEIGHT - BOTTOM - SIDE
    inside, size = cell[top : top + SIDE, LEFT : LEFT + panel.width], np.array([panel.width, SIDE])
    ends = np.array([panel.x_axis.limits, panel.y_axis.limits])
    if len(panel.x):
        every, some = density(panel, (panel.width // ZOOM, BINS))
        inside[:] = _coloured(every, some)[::-1].repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)

    def place(points: np.ndarray) -> np.ndarray:
        return (np.asarray(points, dtype=float) - ends[:, 0]) / (ends[:, 1] - ends[:, 0]) * size

    lines = []
    for outline in panel.outlines:
        corners = place(outline.vertices)
        path = np.vstack([corners, corners[:1]]) if outline.closed else corners
        lines.append(ink.Line(path, outline.colour, outline.width, outline.dash, outline.fill))
    ink.draw_lines(inside, lines)
    for words in panel.words:
        x, y = place(np.array([[words.x, words.y]]))[0]
        ink.write(inside, words.text, x, y, 8, across=words.across, halo=words.halo)
    ink.frame(cell, LEFT, BOTTOM, panel.width, SIDE)
    ink.ticks(cell, (LEFT, BOTTOM), panel.width, *panel.x_axis.shares())
    ink.ticks(cell, (LEFT, BOTTOM), SIDE, *panel.y_axis.shares(), upright=True)
    ink.write(cell, panel.title, LEFT, BOTTOM + SIDE + 30, 9.5, bold=True)
    ink.write(cell, panel.note, LEFT, BOTTOM + SIDE + 9, 8, MUTED)
    ink.write(cell, panel.x_axis.label, LEFT + panel.width / 2, BOTTOM - 47, 8.5, across=0.5)
    ink.write(cell, panel.y_axis.label, LEFT - 66, BOTTOM + SIDE / 2, 8.5, across=0.5, upright=True)
