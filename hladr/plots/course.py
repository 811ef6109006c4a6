"""Figures of one patient's course and of the rule's plane, from values; they compute nothing."""

from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure

from ..ferritin import Interval
from ..phenotype import Draw
from ..reversal import Course
from ..rules import MALS, METHODS_INCREMENT, SIP, PhenotypeLimits, ReversalSettings
from .style import (
    ABC,
    CALLS,
    DAY,
    FERRITIN,
    INK,
    LIMIT,
    MOST_POINTS,
    MUTED,
    STYLE,
    call_handle,
    limit,
    log_axis,
    plain_ticks,
)


def course(
    draws: Sequence[Draw], judged: Course, rule: PhenotypeLimits, settings: ReversalSettings, arm: str | None = None
) -> Figure:
    """Draw one patient's course: AB/C and ferritin over days, with limits, intervals, calls and the reversal.

    Parameters
    ----------
    draws : sequence of Draw
        The patient's draws.
    judged : Course
        The verdict.
    rule, settings : PhenotypeLimits, ReversalSettings
        Where the limits lie.
    arm : str, optional
        Named in the title only if given; technicians' pages leave it out.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7, 5), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True)
        for draw in draws:
            marker, face = CALLS[draw.phenotype]
            look = {"marker": marker, "ms": 8, "mfc": face, "mec": INK, "mew": 0.9, "ls": "none", "zorder": 3}
            if draw.abc is not None and draw.abc > 0:
                if draw.hladr.low is not None and draw.hladr.high is not None:
                    top.plot([draw.day] * 2, [max(draw.hladr.low, 1), draw.hladr.high], color=INK, lw=1.3, zorder=2)
                top.plot(draw.day, draw.abc, **look)
            if draw.ferritin is not None:
                _ferritin_mark(bottom, draw.day, draw.ferritin, look)
        _joined(top, [(d.day, d.abc) for d in draws if d.abc is not None and d.abc > 0])
        _joined(bottom, [(d.day, d.ferritin.value) for d in draws if d.ferritin is not None and d.ferritin.is_point])
        _limits(top, bottom, judged, rule, settings)
        for axes, label in ((top, ABC), (bottom, FERRITIN)):
            log_axis(axes, label)
            if judged.reversal_day is not None:
                axes.axvline(judged.reversal_day, color=INK, lw=1, ls=(0, (1, 2)), zorder=1)
        if judged.reversal_day is not None:
            text = f"reversal, day {judged.reversal_day}"
            top.annotate(
                text, (judged.reversal_day, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
                textcoords="offset points", ha="center", va="bottom", fontsize=8, color=INK,
            )  # fmt: skip
        days = sorted({draw.day for draw in draws})
        bottom.set_xticks(days)
        bottom.set_xlabel(DAY)
        verdict = judged.reversal.replace("_", " ")
        title = f"{judged.patient_id}: baseline {judged.baseline_phenotype}, reversal {verdict}"
        figure.suptitle(f"{title} ({arm})" if arm else title, fontsize=10, color=INK, x=0.01, ha="left")
        handles = [call_handle(call) for call in CALLS if any(draw.phenotype == call for draw in draws)]
        figure.legend(handles=handles, loc="outside lower left", ncols=4, frameon=False, fontsize=8)
    return figure


def _limits(top, bottom, judged: Course, rule: PhenotypeLimits, settings: ReversalSettings) -> None:
    limit(top, rule.hladr_sip_below, "SIP below")
    limit(bottom, rule.ferritin_mals_above, "MALS above")
    if judged.baseline_phenotype == SIP:
        added = judged.baseline.abc if settings.rule == METHODS_INCREMENT else 0
        limit(top, settings.hladr_abc + added, "reversal above", center=True)
    elif judged.baseline_phenotype == MALS:
        share = 1 - settings.ferritin_decrease_at_least
        name = f"reversal at most {100 * share:.3g} % of baseline:"
        limit(bottom, share * judged.baseline.ferritin.low, name, center=True)


def plane(draws: Sequence[Draw], rule: PhenotypeLimits, title: str = "") -> Figure:
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
        axes.set_title(title, fontsize=9, loc="left")
        handles = [call_handle(call) for call in CALLS if any(d.phenotype == call for d in shown)]
        if handles:
            figure.legend(handles=handles, loc="outside lower left", ncols=4, frameon=False, fontsize=8)
    return figure


def _joined(axes, points: Sequence[tuple[int, float]]) -> None:
    if len(points) > 1:
        axes.plot(*zip(*points, strict=True), color=MUTED, lw=1, zorder=1.5)


def _ferritin_mark(axes, day: int, interval: Interval, look: dict) -> None:
    if interval.is_point:
        axes.plot(day, interval.value, **look)
        return
    if interval.low is not None and interval.high is not None:
        axes.plot([day] * 2, [interval.low, interval.high], color=INK, lw=1.3, marker="_", ms=7, zorder=2)
        axes.plot(day, (interval.low * interval.high) ** 0.5, **(look | {"ms": 6}))
        return
    end, arrow = (interval.low, 16) if interval.high is None else (interval.high, -16)
    axes.annotate("", (day, end), xytext=(0, arrow), textcoords="offset points",
                  arrowprops={"arrowstyle": "<-", "color": INK, "lw": 1.3})  # fmt: skip
    axes.plot(day, end, **look)


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
