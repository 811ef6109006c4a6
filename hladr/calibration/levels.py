"""From the columns of a bead run to its levels, lines and findings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .. import beads
from ..kits import Kit
from ..study.types import BeadRun
from ..study.types import Level as LotLevel
from . import checks as calibration_checks
from . import reasons
from .lines import Line, fit

STATISTICS = ("median", "geometric_mean")


@dataclass(frozen=True)
class Level:
    """One level of the lot, as found.

    Attributes
    ----------
    level : int
        Its number in bead_lots.csv (1 = dimmest).
    value : float or None
        Assigned value; None for a blank.
    pe_median, pe_geometric_mean : float or None
        Of its peak; None if it was not found.
    events : int
    cv_percent : float or None
        Robust coefficient of variation of the peak.
    window : tuple of (float, float) or None
        PE between which events count.
    used : bool
        On the line.
    left_out_because : str
        One of `reasons`; empty where used.
    recovery, recovery_left_out : float or None
        Back-calculated over assigned, by the line through all levels used and by the line without this one.
    """

    level: int
    value: float | None
    pe_median: float | None = None
    pe_geometric_mean: float | None = None
    events: int = 0
    cv_percent: float | None = None
    window: tuple[float, float] | None = None
    used: bool = False
    left_out_because: str = ""
    recovery: float | None = None
    recovery_left_out: float | None = None


def measure(
    arrays: Mapping,
    levels: Sequence[LotLevel],
    kit: Kit,
    config: Mapping,
    run: BeadRun,
    other_lots: Mapping[str, Sequence[LotLevel]],
) -> tuple[dict, beads.Peaks]:
    """Find the peaks, draw the lines and check them.

    Parameters
    ----------
    arrays : mapping
        pe, forward, side, height (or None), time (or None): arrays of shape (n,); limit: float.

    Returns
    -------
    tuple of (dict of Calibration's fields, Peaks)
    """
    settings = config["beads"]
    table = sorted(((row.level, row.value) for row in levels), key=lambda r: r[0])
    valued = [(number, value) for number, value in table if value is not None]
    by_value = sorted(valued, key=lambda r: r[1])
    windows = _windows(settings["windows"], run.bead_id, by_value, table)
    has_blank = len(table) > len(valued)
    peaks = beads.find(
        arrays["pe"],
        arrays["forward"],
        arrays["side"],
        arrays["height"],
        arrays["limit"],
        [value for _, value in by_value],
        has_blank,
        windows,
    )
    main_statistic = config["quantify"]["statistic"]
    rows = _levels(table, valued, peaks, kit, main_statistic)
    lines = {}
    for statistic in STATISTICS:
        used = [(getattr(r, f"pe_{statistic}"), r.value) for r in rows if r.used]
        used = [(pe, value) for pe, value in used if pe is not None and pe > 0]
        if len(used) >= 2:
            lines[statistic] = fit([pe for pe, _ in used], [value for _, value in used])
    main = lines.get(main_statistic)
    if main is not None:
        rows = _with_recoveries(rows, main)
    shares = {
        "clumps": peaks.clump_share,
        "debris": peaks.debris_share,
        "in_peaks": peaks.peak_share,
        "drift": calibration_checks.drift(arrays["pe"], arrays["time"], peaks),
    }
    found = calibration_checks.check(rows, main, peaks, shares, kit, run.lot, other_lots, settings, windows)
    if any(f.code == "not_beads" for f in found):  # no line through what are no levels
        rows, lines = tuple(Level(r.level, r.value, left_out_because=reasons.NOT_FOUND) for r in rows), {}
    return {
        "findings": found,
        "n_peaks": sum(r.events > 0 for r in rows),
        "levels": rows,
        "lines": lines,
        "n_singlets": int(peaks.singlets.sum()),
        "shares": shares,
    }, peaks


def _windows(configured: Mapping, bead_id: str, by_value, table) -> dict[int, tuple[float, float]] | None:
    """Take the windows that the configuration gives for this run, by index into the ascending values."""
    own = configured.get(bead_id)
    if not own:
        return None
    index = {number: k for k, (number, _) in enumerate(by_value)}
    blanks = {number for number, value in table if value is None}
    chosen = {int(number): (float(low), float(high)) for number, (low, high) in own.items()}
    return {-1 if n in blanks else index[n]: window for n, window in chosen.items() if n in blanks or n in index}


def _levels(table, valued, peaks: beads.Peaks, kit, statistic: str) -> tuple[Level, ...]:
    """Make a row per level of the lot; the ascending peaks go to the levels in the order of their numbers."""
    assignment = peaks.assignment
    peak_of: dict[int, beads.Peak] = {}
    because: dict[int, str] = {}
    merged: tuple[int, ...] = ()
    if assignment is not None:
        merged = tuple(valued[k][0] for k in assignment.merged)
        for k, level in enumerate(assignment.level_of_peak):
            if level is not None:
                peak_of[valued[level][0]] = peaks.peaks[k]
        if assignment.blank is not None:
            blank_number = next(number for number, value in table if value is None)
            peak_of[blank_number] = peaks.peaks[assignment.blank]
        because |= {valued[k][0]: reasons.BELOW_SCALE for k in assignment.lost_low}
        because |= {valued[k][0]: reasons.ABOVE_SCALE for k in assignment.lost_high}
    rows = []
    piled = assignment is not None and assignment.blank is None and not assignment.lost_low and peaks.pile_low
    for number, value in table:
        peak = peak_of.get(number)
        if value is None and peak is None and piled:
            rows.append(Level(number, value, events=peaks.pile_low, left_out_because=reasons.BLANK_BELOW_SCALE))
            continue
        if number in merged:
            rows.append(Level(number, value, left_out_because=reasons.MERGED, **_of_peak(peak)))
        elif peak is None:
            rows.append(Level(number, value, left_out_because=because.get(number, reasons.NOT_FOUND)))
        elif value is None:
            rows.append(Level(number, value, left_out_because=reasons.BLANK, **_of_peak(peak)))
        elif not peak.events:
            rows.append(Level(number, value, left_out_because=reasons.EMPTY_WINDOW, **_of_peak(peak)))
        elif not getattr(peak, f"pe_{statistic}") > 0:
            rows.append(Level(number, value, left_out_because=reasons.NOT_ABOVE_ZERO, **_of_peak(peak)))
        elif peak.at_limit > beads.AT_LIMIT:
            rows.append(Level(number, value, left_out_because=reasons.AT_UPPER_LIMIT, **_of_peak(peak)))
        elif peak.events < kit.limits.min_events_review:
            rows.append(Level(number, value, left_out_because=reasons.TOO_FEW_EVENTS, **_of_peak(peak)))
        else:
            rows.append(Level(number, value, used=True, **_of_peak(peak)))
    return tuple(rows)


def _of_peak(peak: beads.Peak | None) -> dict:
    if peak is None:
        return {}
    return {
        "pe_median": _finite(peak.pe_median),
        "pe_geometric_mean": _finite(peak.pe_geometric_mean),
        "events": peak.events,
        "cv_percent": _finite(peak.cv_percent),
        "window": (peak.low, peak.high),
    }


def _with_recoveries(rows: Sequence[Level], line: Line) -> tuple[Level, ...]:
    made, k = [], 0
    for row in rows:
        if row.used:
            row = replace(row, recovery=line.recoveries[k], recovery_left_out=line.recoveries_left_out[k])
            k += 1
        made.append(row)
    return tuple(made)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
