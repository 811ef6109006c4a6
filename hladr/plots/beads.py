"""The picture of a bead run: which events are singlet beads, and which peak is which level.

The line and its recoveries are drawn by the report, from values.
"""

import numpy as np

from ..beads.scatter import RADIUS
from .axes import PlotAxis, linear_axis, log_axis, power_text
from .panels import Outline, PlotPanel, Words, draw_panels
from .png import FILL, INK, LEVEL, LINE, OTHER_LEVEL

WIDE, BINS = 900, 300  # pixels and bins of the histogram
NOTHING = np.empty(0)


def draw_beads(arrays, calibration) -> bytes:
    """Draw a bead run: scatter with the singlets, and the peaks of PE with their levels.

    Parameters
    ----------
    arrays : calibration.BeadArrays
    calibration : calibration.Calibration

    Returns
    -------
    bytes
        A PNG.
    """
    return draw_panels(panels_of(arrays, calibration))


def panels_of(arrays, calibration) -> tuple[PlotPanel, PlotPanel]:
    """Lay out the two panels: scatter, peaks."""
    return _scatter(arrays), _peaks(arrays, calibration)


def _scatter(arrays) -> PlotPanel:
    peaks = arrays.peaks
    positive = (arrays.forward > 0) & (arrays.side > 0)
    places = [np.log10(values[positive]) for values in (arrays.forward, arrays.side)]
    outlines = []
    if peaks.cluster is not None:
        turn = np.linspace(0, 2 * np.pi, 100)
        values, vectors = np.linalg.eigh(peaks.cluster.covariance)
        ring = np.column_stack([np.cos(turn), np.sin(turn)]) * np.sqrt(np.maximum(values, 0)) * RADIUS
        outlines.append(Outline((peaks.cluster.centre + ring @ vectors.T) / np.log(10), INK))
    axes = []
    for label, values in (("FSC", places[0]), ("SSC", places[1])):
        low, high = np.percentile(values, [1, 99.8]) if len(values) else (0.0, 1.0)
        axes.append(log_axis(label, 10**low / 1.5, 10**high * 1.5))
    whole = len(peaks.singlets)
    share = f"{100 * peaks.singlets.mean():.1f} % of {whole:,} events" if whole else "no events"
    return PlotPanel("Singlet beads", share, *places, *axes, tuple(outlines), peaks.singlets[positive])


def _peaks(arrays, calibration) -> PlotPanel:
    pe = arrays.pe[arrays.peaks.singlets]
    # asinh that turns linear about where the noise is, so that a blank level has a place
    cofactor = max(4 * arrays.peaks.scale.c, _dimmest(pe))
    places = np.arcsinh(pe / cofactor)
    low, high = (float(np.percentile(places, 0.1)) - 0.4, float(places.max()) + 0.4) if len(pe) else (0.0, 1.0)
    counts, edges = np.histogram(places, np.linspace(low, high, BINS + 1))
    tallest = max(int(counts.max()), 1)
    roof = 1.3 * tallest
    outlines, words = [], []
    for level in calibration.levels:
        if level.window is None:
            continue
        left, right = np.arcsinh(np.array(level.window) / cofactor)
        box = np.array([(left, 0.0), (right, 0.0), (right, roof), (left, roof)])
        shade = LEVEL if level.used else OTHER_LEVEL
        outlines.append(Outline(box, shade, width=0.1, fill=shade))
        name = f"{level.value:,.0f}" if level.value is not None else "blank"
        middle = (left + right) / 2
        words.append(Words(middle, 1.2 * tallest, f"level {level.level}", 0.5, halo=False))
        words.append(Words(middle, 1.1 * tallest, name, 0.5, halo=False))
    steps = np.column_stack([np.repeat(edges, 2), np.concatenate([[0], np.repeat(counts, 2), [0]])])
    outlines.append(Outline(steps, LINE, width=0.8, fill=FILL))
    found = calibration.n_peaks if calibration.n_peaks is not None else 0
    return PlotPanel(
        "Peaks and assigned values",
        f"{found} of {len(calibration.levels)} levels found",
        NOTHING,
        NOTHING,
        _pe_axis(low, high, cofactor),
        linear_axis("beads", 0.0, roof),
        tuple(outlines),
        words=tuple(words),
        width=WIDE,
    )


def _pe_axis(low: float, high: float, cofactor: float) -> PlotAxis:
    """Make the axis of PE: asinh(PE / cofactor), with decades from where it is logarithmic."""

    def places(values: list[float]) -> list[float]:
        return [float(v) for v in np.arcsinh(np.array(values) / cofactor)]

    powers = [10.0**k for k in range(-3, 8) if 10.0**k >= cofactor / 2]
    decades = [p for p in powers if low <= places([p])[0] <= high]
    major = [(0.0, "0")] if low < 0 < high else []
    major += list(zip(places(decades), map(power_text, decades), strict=True))
    minor = places([m * p for p in (*(d / 10 for d in decades[:1]), *decades) for m in range(2, 10)])
    inside = tuple(p for p in minor if low <= p <= high)
    return PlotAxis("PE, linear units on an asinh scale", (low, high), tuple(major), inside)


def _dimmest(pe: np.ndarray) -> float:
    positive = pe[pe > 0]
    return float(np.percentile(positive, 0.5)) / 3 if len(positive) else 1.0
