"""The figure of the rule's plane, ferritin against AB/C, from values; it computes nothing."""

from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure

from ..phenotype import Draw
from ..rules import PhenotypeLimits
from .style import (
    ABC,
    CALLS,
    FERRITIN,
    INK,
    LIMIT,
    MOST_POINTS,
    MUTED,
    STYLE,
    call_handle,
    plain_ticks,
)


def plane(draws: Sequence[Draw], rule: PhenotypeLimits) -> Figure:
    """Draw ferritin against AB/C with the regions of the phenotype rule; ranges are drawn as lines."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.8), layout="constrained")
        axes = figure.subplots()
        shown = [d for d in draws if d.ferritin is not None and d.abc is not None and d.abc > 0]
        for call, (marker, face) in CALLS.items():
            points = [(d.ferritin.value, d.abc) for d in shown if d.phenotype == call and d.ferritin.is_point]
            if points:
                axes.plot(*zip(*points, strict=True), ls="none", marker=marker, ms=5.5, mfc=face, mec=INK, mew=0.6,
                          alpha=0.85, rasterized=len(points) > MOST_POINTS, label=call)  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        x0, x1, y0, y1 = _plane_bounds(shown, rule)
        for d in shown:
            if not d.ferritin.is_point:
                _range_mark(axes, d, x0, x1)
        axes.set_xlim(x0, x1)
        axes.set_ylim(y0, y1)
        axes.fill_betweenx([y0, y1], rule.ferritin_mals_above, x1, color="#7b3294", alpha=0.08, lw=0)
        axes.fill_between([x0, rule.ferritin_mals_above], y0, rule.hladr_sip_below, color="#0b5a75", alpha=0.10, lw=0)
        axes.axvline(rule.ferritin_mals_above, color=LIMIT, lw=1)
        axes.plot([x0, rule.ferritin_mals_above], [rule.hladr_sip_below] * 2, color=LIMIT, lw=1)
        words = ((0.985, 0.02, "MALS", "right"), (0.015, 0.02, "SIP", "left"), (0.015, 0.98, "unclassified", "left"))
        for x, y, word, side in words:
            axes.text(x, y, word, transform=axes.transAxes, ha=side, va="bottom" if y < 0.5 else "top", fontsize=12,
                      color=MUTED, weight="bold")  # fmt: skip
        plain_ticks(axes.xaxis)
        plain_ticks(axes.yaxis)
        axes.set_xlabel(FERRITIN)
        axes.set_ylabel(ABC)
        handles = [call_handle(call) for call in CALLS if any(d.phenotype == call for d in shown)]
        if handles:
            figure.legend(handles=handles, loc="outside lower left", ncols=4, frameon=False, fontsize=8)
    return figure


def _range_mark(axes, draw: Draw, x0: float, x1: float) -> None:
    low = draw.ferritin.low if draw.ferritin.low is not None else x0
    high = draw.ferritin.high if draw.ferritin.high is not None else x1
    axes.plot([low, high], [draw.abc] * 2, color=MUTED, lw=0.9, zorder=1.5)
    marker, face = CALLS[draw.phenotype]
    end = low if draw.ferritin.low is not None else high
    axes.plot(end, draw.abc, marker=marker, ms=5.5, mfc=face, mec=INK, mew=0.6)


def _plane_bounds(draws: Sequence[Draw], rule: PhenotypeLimits) -> tuple[float, float, float, float]:
    blood = [end for d in draws for end in (d.ferritin.low, d.ferritin.high) if end]
    blood += [rule.ferritin_mals_above / 20, rule.ferritin_mals_above * 4]
    abc = [d.abc for d in draws] + [rule.hladr_sip_below / 5, rule.hladr_sip_below * 6]
    return min(blood) * 0.8, max(blood) * 1.25, min(abc) * 0.8, max(abc) * 1.25
