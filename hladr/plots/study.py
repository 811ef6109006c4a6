"""Figures of a whole study for Snakemake's own report: tubes, calls, AB/C, bead runs; without the treatment arm."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ..atomic import write_bytes
from ..rules import PHENOTYPES
from . import style

STATUS = {"ok": "#0b6e4f", "review": "#e0912b", "failed": "#a6261b"}
HATCHES = {"ok": "", "review": "//", "failed": "xx"}


def write_figures(study, results: str | Path) -> None:
    """Write results/figures/NAME.png for each figure from the result tables.

    Parameters
    ----------
    study : study.Study
    results : path
        The results folder.
    """
    from ..exports import read_table

    folder = Path(results) / "figures"
    folder.mkdir(exist_ok=True)
    tables = {
        name: read_table(Path(results) / f"{name}.csv", name)
        for name in ("quantification", "calibrations", "phenotypes")
    }
    patients = {tube.sample_id for tube in study.tubes if tube.role == "patient"}
    for name, figure in figures(tables, study.config, patients).items():
        write_bytes(folder / f"{name}.png", style.png_of(figure))


def figures(
    tables: Mapping[str, Sequence[Mapping]], config: Mapping, patients: Collection[str] | None = None
) -> dict[str, Figure]:
    """Draw all figures; a study without rows gives empty axes.

    `patients` are the sample_ids of patients' tubes: a control's AB/C says nothing about a laboratory's patients.
    """
    tubes = tables["quantification"]
    of_patients = [row for row in tubes if patients is None or row["sample_id"] in patients]
    return {
        "tubes": status_by_lab(tubes),
        "calls": calls_by_day(tables["phenotypes"]),
        "antibodies": antibodies_by_lab(of_patients, config),
        "beads": beads_by_lab(tables["calibrations"]),
    }


def _axes(title: str):
    figure = Figure(figsize=(7.5, 3.9), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def status_by_lab(tubes: Sequence[Mapping]) -> Figure:
    """Stack the tubes of each laboratory by status."""
    figure, axes = _axes("Tubes of each laboratory by status, controls included")
    labs = sorted({row["lab"] for row in tubes})
    left = np.zeros(len(labs))
    counts = Counter((row["lab"], row["status"]) for row in tubes)
    for status, colour in STATUS.items():
        width = np.array([counts[lab, status] for lab in labs], dtype=float)
        axes.barh(labs, width, left=left, color=colour, hatch=HATCHES[status], edgecolor="white", label=status)
        left += width
    axes.invert_yaxis()
    axes.set_xlabel("tubes")
    axes.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def calls_by_day(draws: Sequence[Mapping]) -> Figure:
    """Stack the calls of each study day."""
    figure, axes = _axes("Calls of each study day")
    days = sorted({row["day"] for row in draws})
    counts = Counter((row["day"], row["phenotype"]) for row in draws)
    bottom = np.zeros(len(days))
    for call in PHENOTYPES:
        face = style.CALLS[call][1]
        height = np.array([counts[day, call] for day in days], dtype=float)
        axes.bar([str(day) for day in days], height, bottom=bottom, color=face, edgecolor=style.INK, label=call)
        bottom += height
    axes.set(xlabel=style.DAY, ylabel="blood draws")
    axes.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def antibodies_by_lab(tubes: Sequence[Mapping], config: Mapping) -> Figure:
    """Show AB/C of every tube with a value, by laboratory, with the limits of call and reversal."""
    figure, axes = _axes("AB/C of patients' tubes by laboratory; bar: median")
    rows = [row for row in tubes if row["abc"] is not None and row["abc"] > 0]
    labs = sorted({row["lab"] for row in rows})
    for place, lab in enumerate(labs):
        values = np.sort([row["abc"] for row in rows if row["lab"] == lab])
        # a fixed zigzag keeps equal values apart without chance
        offsets = (np.arange(len(values)) * 7 % 13 - 6) * 0.035
        axes.plot(place + offsets, values, "o", color=style.ARM_COLORS[0], markersize=3.5, alpha=0.6, markeredgewidth=0)
        axes.hlines(np.median(values), place - 0.3, place + 0.3, color=style.INK, linewidth=2)
    axes.set_xticks(range(len(labs)), labs)
    axes.set_xlim(-0.6, max(len(labs), 1) - 0.1)
    if rows:
        style.log_axis(axes, "AB/C (antibodies per cell)")
    style.limit(axes, float(config["phenotype"]["hladr_sip_below_abc"]), "SIP below")
    style.limit(axes, float(config["reversal"]["hladr_abc"]), "reversal above")
    return figure


def beads_by_lab(runs: Sequence[Mapping]) -> Figure:
    """Show slope against the largest recovery error of every bead run; a cross is a run that failed."""
    figure, axes = _axes("Bead runs: slope and largest recovery error")
    lineless = sum(row["slope"] is None for row in runs)
    if lineless:
        words = "bead run has no line and is" if lineless == 1 else "bead runs have no line and are"
        axes.set_title(f"{lineless} {words} not shown", loc="left", fontsize=9, color=style.MUTED)
    labs = sorted({row["lab"] for row in runs})
    markers = "osD^v<>ph*"
    for place, lab in enumerate(labs):
        for status in STATUS:
            rows = [r for r in runs if r["lab"] == lab and r["status"] == status and r["slope"] is not None]
            if not rows:
                continue
            slopes = [row["slope"] for row in rows]
            errors = [row["max_recovery_error_percent"] for row in rows]
            marker = "x" if status == "failed" else markers[place % len(markers)]
            axes.plot(slopes, errors, marker, color=STATUS[status], label=f"{lab}, {status}", alpha=0.85)
    axes.axvline(1, color=style.MUTED, linewidth=0.8)
    axes.set(xlabel="slope of the bead line", ylabel="largest recovery error, %")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8)
    return figure
