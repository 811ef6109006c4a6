"""The picture of a bead run: which events are singlet beads, which peak is which level, and how well the line holds."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.markers import TICKDOWN, TICKLEFT

from .panels import power_text
from .png import CHOSEN, DPI, GATE, INK, MUTED, reduced

SINGLETS_RADIUS = 2.5  # standard deviations, as beads.scatter draws its ellipse


def draw_beads(arrays, calibration) -> bytes:
    """Draw a bead run: scatter with the singlets, PE peaks with their levels, and the line with its recoveries.

    Parameters
    ----------
    arrays : calibration.BeadArrays
    calibration : calibration.Calibration

    Returns
    -------
    bytes
        A PNG.
    """
    canvas = beads_figure(arrays, calibration).canvas
    canvas.draw()
    return reduced(np.asarray(canvas.buffer_rgba()))


def beads_figure(arrays, calibration) -> Figure:
    """Draw scatter, peaks and line side by side.

    Parameters
    ----------
    arrays : calibration.BeadArrays
    calibration : calibration.Calibration
    """
    figure = Figure(figsize=(12.6, 3.7), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3, width_ratios=(1, 1.5, 1.15))
    figure.subplots_adjust(left=0.055, right=0.99, bottom=0.14, top=0.88, wspace=0.24)
    _scatter(axes[0], arrays)
    _peaks(axes[1], arrays, calibration)
    _line(axes[2], calibration)
    for each in axes:
        each.tick_params(labelsize=7.5, colors=INK, width=0.6)
        for spine in each.spines.values():
            spine.set(color=MUTED, linewidth=0.6)
        each.xaxis.label.set(fontsize=8.5, color=INK)
        each.yaxis.label.set(fontsize=8.5, color=INK)
    return figure


def _title(axes, title: str, note: str) -> None:
    axes.text(0, 1.075, title, transform=axes.transAxes, fontsize=9.5, fontweight="bold", color=INK)
    axes.text(0, 1.015, note, transform=axes.transAxes, fontsize=8, color=MUTED)


def _decades(axes) -> None:
    """Name the decades of two logarithmic axes, and mark the steps between them."""
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        low, high = np.log10(limits)
        powers = np.arange(np.floor(low), np.ceil(high) + 1)
        named = [float(10**p) for p in powers if low <= p <= high]
        axis.set_ticks(named, [power_text(v) for v in named])
        axis.set_ticks([], minor=True)
        steps = np.concatenate([p + np.log10(np.arange(2, 10)) for p in powers])
        _short_ticks(axis, (steps[(steps >= low) & (steps <= high)] - low) / (high - low))


def _short_ticks(axis, shares: np.ndarray) -> None:
    """Draw ticks without labels at shares of an axis's length: as one line, since each tick costs a millisecond."""
    down, none = axis.axis_name == "x", np.zeros(len(shares))
    axis.axes.plot(
        *((shares, none) if down else (none, shares)),
        linestyle="",
        marker=TICKDOWN if down else TICKLEFT,
        markersize=2,
        markeredgewidth=0.4,
        color=INK,
        transform=axis.axes.transAxes,
        clip_on=False,
    )


def _scatter(axes, arrays) -> None:
    peaks = arrays.peaks
    positive = (arrays.forward > 0) & (arrays.side > 0)
    x, y = arrays.forward, arrays.side
    for mask, colour in ((positive & ~peaks.singlets, "#829dac"), (positive & peaks.singlets, CHOSEN[2])):
        axes.plot(x[mask], y[mask], ",", color=colour)
    if peaks.cluster is not None:
        turn = np.linspace(0, 2 * np.pi, 100)
        values, vectors = np.linalg.eigh(peaks.cluster.covariance)
        ring = np.column_stack([np.cos(turn), np.sin(turn)]) * np.sqrt(np.maximum(values, 0)) * SINGLETS_RADIUS
        ellipse = np.exp(peaks.cluster.centre + ring @ vectors.T)
        axes.plot(*ellipse.T, color=INK, linewidth=1.4)
    axes.set(xscale="log", yscale="log", xlabel="FSC", ylabel="SSC")
    for values, ends in ((x[positive], axes.set_xlim), (y[positive], axes.set_ylim)):
        if len(values):
            low, high = np.percentile(values, [1, 99.8])
            ends(low / 1.5, high * 1.5)
    _decades(axes)
    whole = len(peaks.singlets)
    share = f"{100 * peaks.singlets.mean():.1f} % of {whole:,} events" if whole else "no events"
    _title(axes, "Singlet beads", share)


def _peaks(axes, arrays, calibration) -> None:
    pe = arrays.pe[arrays.peaks.singlets]
    # asinh that turns linear about where the noise is, so that a blank level has a place
    cofactor = max(4 * arrays.peaks.scale.c, _dimmest(pe))
    places = np.arcsinh(pe / cofactor)
    low, high = (np.percentile(places, 0.1) - 0.4, places.max() + 0.4) if len(pe) else (0.0, 1.0)
    counts, edges = np.histogram(places, np.linspace(low, high, 241))
    axes.stairs(counts, edges, fill=True, color="#b4cdd8")
    axes.stairs(counts, edges, color="#0b5a75", linewidth=0.8)
    tallest = max(counts.max(), 1)
    for level in calibration.levels:
        if level.window is None:
            continue
        ends = np.arcsinh(np.array(level.window) / cofactor)
        axes.axvspan(*ends, zorder=0, color=GATE if level.used else MUTED, alpha=0.13, linewidth=0)
        name = f"{level.value:,.0f}" if level.value is not None else "blank"
        axes.text(ends.mean(), 1.19 * tallest, f"level {level.level}", ha="center", fontsize=7.5, color=MUTED)
        axes.text(ends.mean(), 1.10 * tallest, name, ha="center", fontsize=8, color=INK)
    decades = [
        10.0**k for k in range(-3, 8) if low <= np.arcsinh(10.0**k / cofactor) <= high and 10.0**k >= cofactor / 2
    ]
    ticks = [0.0, *decades] if low < 0 < high else decades
    axes.set_xticks(np.arcsinh(np.array(ticks) / cofactor), ["0" if t == 0 else power_text(t) for t in ticks])
    minor = [m * d for d in (*decades, *[d / 10 for d in decades[:1]]) for m in range(2, 10)]
    places = np.arcsinh(np.array(minor) / cofactor)
    _short_ticks(axes.xaxis, (places[(places >= low) & (places <= high)] - low) / (high - low))
    axes.set(xlim=(low, high), ylim=(0, 1.3 * tallest), xlabel="PE, linear units on an asinh scale", ylabel="beads")
    found = calibration.n_peaks if calibration.n_peaks is not None else 0
    _title(axes, "Peaks and assigned values", f"{found} of {len(calibration.levels)} levels found")


def _dimmest(pe: np.ndarray) -> float:
    positive = pe[pe > 0]
    return float(np.percentile(positive, 0.5)) / 3 if len(positive) else 1.0


def _line(axes, calibration) -> None:
    statistic = f"pe_{calibration.statistic}"
    levels = [
        level
        for level in calibration.levels
        if level.value is not None and (getattr(level, statistic) or 0) > 0 and level.value > 0
    ]
    for level in levels:
        pe = getattr(level, statistic)
        face = GATE if level.used else "white"
        axes.plot(pe, level.value, "o", color=GATE, markerfacecolor=face, markersize=5.5, zorder=3)
        if level.recovery is not None:
            axes.annotate(
                f"{100 * level.recovery:.1f} %", (pe, level.value), (7, -9), textcoords="offset points", fontsize=7.5
            )
    if levels:
        pes = np.array([getattr(level, statistic) for level in levels])
        values = np.array([level.value for level in levels])
        axes.set(xlim=(pes.min() / 2, pes.max() * 4), ylim=(values.min() / 2, values.max() * 2))
        if calibration.slope is not None:
            ends = np.array(axes.get_xlim())
            axes.plot(
                ends, 10 ** (calibration.intercept + calibration.slope * np.log10(ends)), color="#0b5a75", linewidth=1.3
            )
        axes.set(xscale="log", yscale="log")
        _decades(axes)
    axes.set(xlabel="PE, linear units", ylabel="assigned value per bead")
    note = "no line"
    if calibration.slope is not None:
        note = f"slope {calibration.slope:.3f}; beside each point: its recovery"
    _title(axes, "Calibration line", note)
