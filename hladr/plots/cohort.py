"""Figures of a cohort, from values. They compute nothing that a table does not say."""

from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..phenotype import Draw
from ..reversal import Course
from ..rules import MALS, SIP, PhenotypeLimits
from ..stats import Curve
from ..wording import plural
from .style import (
    ABC,
    ARM_COLORS,
    ARM_LINES,
    ARM_MARKERS,
    CALLS,
    DAY,
    FERRITIN,
    INK,
    MUTED,
    STYLE,
    call_handle,
    limit,
    log_axis,
)

LEAST_FOR_MEDIAN = 3  # the median of one or two patients is these patients, not their arm
MOST_LINES = 400  # more single courses only blacken a panel
MOST_TICKS = 28  # numbers of two digits that fit below a panel


def swimmer(
    courses: Sequence[Course],
    arms: Sequence[str],
    horizon: int,
    deaths: Mapping[str, int] | None = None,
    most: int = 60,
) -> Figure:
    """Draw a lane per patient: follow-up draws, whether the condition holds at each, reversal and death.

    Patients whose baseline is MALS or SIP, by day of reversal; `most` per arm, the rest is counted in the title.
    """
    with matplotlib.rc_context(STYLE):
        names = [arm for arm in arms if arm]
        groups = [sorted(_of_arm(courses, arm), key=_lane_order) for arm in names]
        lanes = max([min(len(group), most) for group in groups] + [1])
        figure = Figure(figsize=(4.1 * max(len(names), 1) + 0.6, 1.5 + 0.16 * lanes), layout="constrained")
        panels = figure.subplots(1, max(len(names), 1), squeeze=False)[0]
        for axes, arm, group in zip(panels, names, groups, strict=False):
            shown = group[:most]
            for lane, judged in enumerate(shown):
                _lane(axes, lane, judged, horizon, (deaths or {}).get(judged.patient_id))
            left_out = f", {len(group) - most} more not shown" if len(group) > most else ""
            axes.set_title(f"{arm}: {plural(len(group), 'patient')}{left_out}", fontsize=9, loc="left")
            axes.set_yticks(range(len(shown)), [judged.patient_id for judged in shown], fontsize=6)
            axes.set_ylim(max(lanes, 1) - 0.3, -0.7)
            axes.set_xlabel(DAY)
            axes.tick_params(axis="y", length=0)
        figure.legend(handles=_lane_handles(), loc="outside lower left", ncols=4, frameon=False, fontsize=8)
    return figure


def spaghetti(draws: Sequence[Draw], arms_of_patients: Mapping[str, str], arms: Sequence[str],
              summary: Sequence[Mapping[str, object]], rule: PhenotypeLimits) -> Figure:  # fmt: skip
    """Draw every patient's AB/C and ferritin over days, with medians and quartiles, a column per arm.

    `summary` are rows of `cohort.series.by_day`; a day with fewer than three patients has no
    median. Beyond 400 patients an arm only every k-th is drawn.
    """
    with matplotlib.rc_context(STYLE):
        names = [arm for arm in arms if arm]
        figure = Figure(figsize=(3.9 * max(len(names), 1) + 0.4, 6), layout="constrained")
        grid = figure.subplots(2, max(len(names), 1), squeeze=False, sharex=True, sharey="row")
        for column, arm in enumerate(names):
            lines = _series(draws, arms_of_patients, arm)
            step = -(-max(len(lines), 1) // MOST_LINES)
            for row, (marker, label) in enumerate((("abc", ABC), ("ferritin", FERRITIN))):
                axes = grid[row][column]
                segments = [points[marker] for points in lines[::step] if len(points[marker]) > 1]
                single = LineCollection(segments, colors="#8fa0a8", lw=0.6, alpha=0.5, rasterized=True)
                axes.add_collection(single)
                _ribbon(axes, [r for r in summary if r["arm"] == arm and r["marker"] == marker], names.index(arm))
                log_axis(axes, label if column == 0 else "")
            grid[0][column].set_title(f"{arm}: {plural(len(lines), 'patient')}", fontsize=9, loc="left")
            limit(grid[0][column], rule.hladr_sip_below, "SIP below")
            limit(grid[1][column], rule.ferritin_mals_above, "MALS above")
            grid[1][column].set_xlabel(DAY)
        days = sorted({d.day for d in draws if arms_of_patients.get(d.patient_id) in names})
        grid[0][0].set_xticks(_apart(days))  # all panels share the axis
    return figure


def kaplan_meier(curves: Mapping[str, Curve], at_risk: Mapping[str, Sequence[int]], days: Sequence[int],
                 start: int, horizon: int, label: str) -> Figure:  # fmt: skip
    """Draw the cumulative share with reversal by arm, with the numbers at risk below.

    Parameters
    ----------
    curves : mapping of str to Curve
        By arm.
    at_risk : mapping of str to sequence of int
        By arm: patients at risk on each of `days`.
    days : sequence of int
        Study days of the table below the curve.
    start, horizon : int
        Study days at which the curves begin and end.
    label : str
        Of the vertical axis.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes, table = figure.subplots(2, 1, sharex=True, height_ratios=[5, 0.45 * len(curves) + 0.25])
        for position, (arm, curve) in enumerate(curves.items()):
            x = [start, *curve.days, horizon]
            y = [0.0, *(100 * curve.share), 100 * curve.share[-1] if len(curve.share) else 0.0]
            style = {"color": ARM_COLORS[position % 2], "ls": ARM_LINES[position % 2], "lw": 2}
            axes.step(x, y, where="post", label=arm, clip_on=False, **style)  # whole also along 0 and 100 %
            for day, count in zip(days, at_risk[arm], strict=True):
                table.text(day, position, str(count), ha="center", va="center", fontsize=8, color=INK)
        axes.set_ylim(0, 100)
        axes.set_ylabel(label)
        axes.legend(frameon=False, fontsize=9, loc="upper left", handlelength=3.2)
        axes.grid(axis="y", color="#d5dde1", lw=0.6)
        table.set_ylim(len(curves) - 0.5, -0.5)
        table.set_yticks(range(len(curves)), list(curves), fontsize=8)
        table.set_title("patients at risk", fontsize=8, loc="left", color=MUTED)
        table.set_xlabel(DAY)
        table.set_xticks(list(days))
        table.tick_params(axis="y", length=0)
        for side in ("left", "bottom"):
            table.spines[side].set_visible(False)
    return figure


def _of_arm(courses: Sequence[Course], arm: str) -> list[Course]:
    return [c for c in courses if c.arm == arm and c.baseline_phenotype in (MALS, SIP)]


def _lane_order(judged: Course) -> tuple:
    never = judged.reversal_day is None
    return never, 0 if never else judged.reversal_day, judged.baseline_phenotype, judged.patient_id


def _lane(axes, lane: int, judged: Course, horizon: int, death: int | None) -> None:
    start = judged.baseline.day
    end = min(death, horizon) if death is not None else horizon
    axes.plot([start, max(end, start)], [lane, lane], color="#b9c4ca", lw=3, solid_capstyle="butt", zorder=1)
    if judged.reversal_day is not None:
        axes.plot([judged.reversal_day, max(end, judged.reversal_day)], [lane, lane], color=ARM_COLORS[0], lw=3,
                  solid_capstyle="butt", zorder=2)  # fmt: skip
    marker, face = CALLS[judged.baseline_phenotype]
    axes.plot(start, lane, marker=marker, ms=5, mfc=face, mec=INK, mew=0.6, zorder=4)
    for point in judged.points:
        face = INK if point.condition == "holds" else "white"
        axes.plot(point.day, lane, marker="o", ms=3.4, mfc=face, mec=INK, mew=0.7, zorder=3)
    if death is not None and death <= horizon:
        axes.plot(death, lane, marker="x", ms=5, mec=INK, mew=1.4, zorder=4)


def _lane_handles() -> list[Line2D]:
    dot = {"marker": "o", "ls": "none", "ms": 4, "mec": INK}
    return [
        call_handle(MALS, "baseline MALS"),
        call_handle(SIP, "baseline SIP"),
        Line2D([], [], mfc=INK, label="draw: condition holds", **dot),
        Line2D([], [], mfc="white", label="draw: it does not", **dot),
        Line2D([], [], color=ARM_COLORS[0], lw=3, label="reversed"),
        Line2D([], [], color="#b9c4ca", lw=3, label="not reversed"),
        Line2D([], [], marker="x", ls="none", mec=INK, label="death"),
    ]


def _series(draws: Sequence[Draw], arms_of_patients: Mapping[str, str], arm: str) -> list[dict[str, list]]:
    patients: dict[str, dict[str, list]] = {}
    for d in draws:
        if arms_of_patients.get(d.patient_id) != arm:
            continue
        points = patients.setdefault(d.patient_id, {"abc": [], "ferritin": []})
        if d.abc is not None and d.abc > 0:
            points["abc"].append((d.day, d.abc))
        if d.ferritin is not None and d.ferritin.is_point:
            points["ferritin"].append((d.day, d.ferritin.value))
    return list(patients.values())


def _apart(days: Sequence[int]) -> list[int]:
    """Choose the days whose numbers stand below an axis: those of draws, as far as they do not run into each other."""
    kept: list[int] = []
    for day in days:
        if not kept or day - kept[-1] >= (days[-1] - days[0]) / MOST_TICKS:
            kept.append(day)
    return kept


def _ribbon(axes, rows: Sequence[Mapping[str, object]], position: int) -> None:
    color = ARM_COLORS[position % 2]
    known = [r for r in rows if r["median"] is not None and r["n"] >= LEAST_FOR_MEDIAN]
    axes.plot([r["day"] for r in known], [r["median"] for r in known], color=color, lw=2.4, ls=ARM_LINES[position % 2],
              marker=ARM_MARKERS[position % 2], ms=5, mec="white", mew=0.7, zorder=4)  # fmt: skip
    both = [r for r in known if r["quartile_1"] is not None and r["quartile_3"] is not None]
    axes.fill_between([r["day"] for r in both], [r["quartile_1"] for r in both], [r["quartile_3"] for r in both],
                      color=color, alpha=0.22, lw=0, zorder=2)  # fmt: skip
