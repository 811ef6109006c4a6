"""What can be wrong with a bead run, by its numbers: each check gives findings with a code and a plain sentence."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..flags import FAILED, REVIEW, Finding, finding
from ..kits import Kit
from ..study.types import Level as LotLevel
from . import reasons
from .lines import Line

LEAST_HELD = 0.1  # share of the file's events in levels, where too few levels are found: less is no bead run
LOT_SLOPE_SD = 0.03  # of a sound bead run about 1, where lots are compared


def check(
    rows: Sequence,
    line: Line | None,
    peaks,
    shares: Mapping[str, float],
    kit: Kit,
    lot: str,
    other_lots: Mapping[str, Sequence[LotLevel]],
    settings: Mapping,
    windows: Mapping | None,
) -> list[Finding]:
    """Run all checks in a fixed order.

    Parameters
    ----------
    rows : sequence of levels.Level
        Every level of the lot.
    line : Line or None
        By the statistic that counts.
    peaks : beads.Peaks
    shares : mapping of str to float
        `clumps` of the events, 0 to 1; `drift`, what `drift` below returns.
    kit : Kit
    lot : str
    other_lots : mapping of str to sequence of study.Level
        The kit's other lots.
    settings : mapping
        The section `beads` of the configuration.
    windows : mapping or None
        Windows drawn by hand, if there are any.
    """
    valued = [r for r in rows if r.value is not None]
    if not valued:
        return []
    found = _beads_at_all(peaks, valued, kit, settings)
    if any(f.status == FAILED for f in found):
        return found
    if windows:
        found.append(finding("window_by_hand", "the peaks were marked by hand in the configuration"))
    found += _levels_found(valued, peaks, kit, settings)
    found += _events(valued, kit)
    transposed = _transposed(valued)
    found += transposed
    if line is not None:
        found += _slope(line, kit) + _recovery(valued, line, kit)
        if not transposed:
            found += _other_lot(valued, lot, other_lots, settings)
        found += _offset(line, settings)
    return found + _drift(shares, settings) + _clumps(shares, settings)


def _beads_at_all(peaks, valued: Sequence, kit: Kit, settings: Mapping) -> list[Finding]:
    """Tell beads from cells, air and water: their PE is a ladder of peaks, and the brightest of them is narrow."""
    assigned = [] if peaks.assignment is None else peaks.assignment.level_of_peak
    found = zip(peaks.peaks, assigned, strict=False)
    levels = [peak for peak, level in found if level is not None and peak.events]  # a window by hand may be empty
    number = len(peaks.peaks)
    n_events = peaks.singlets.size  # a mask: as long as the file
    enough = kit.limits.min_events_fine * max(len(valued), 2)
    if len(levels) < 2 and n_events < enough:
        text = f"the file has {n_events} events, too few to find the levels"
        return [finding("few_bead_events", text, FAILED)]
    if len(levels) < 2 or peaks.peak_share < settings["min_share_in_peaks"]:
        text = f"PE shows {number or 'no'} peak{'s' * (number != 1)}, not the levels of a bead kit"
        return [finding("not_beads", text)]
    held = sum(peak.events for peak in levels) / max(n_events, 1)
    if len(levels) < min(kit.limits.min_levels, len(valued)) and held < LEAST_HELD:
        return [finding("not_beads", f"only {100 * held:.0f} % of the events lie in peaks that could be levels")]
    widest = settings["max_peak_cv_percent"]
    if levels[-1].cv_percent > widest:
        text = (
            f"the brightest peak of PE is {levels[-1].cv_percent:.0f} % wide, and that of beads is at most {widest:g} %"
        )
        return [finding("not_beads", text)]
    return []


def _names(rows: Sequence) -> str:
    return ", ".join(f"{r.level} ({r.value:,.0f})" for r in rows)


def _levels_found(valued, peaks, kit: Kit, settings: Mapping) -> list[Finding]:
    used = [r for r in valued if r.used]
    status = FAILED if len(used) < kit.limits.min_levels else REVIEW
    found = []
    merged = [r for r in valued if r.left_out_because == reasons.MERGED]
    if merged:
        found.append(finding("peaks_merged", f"levels {_names(merged)} lie in one peak", status))
    missing = [r for r in valued if not r.used and r not in merged and r.left_out_because != reasons.TOO_FEW_EVENTS]
    if missing:
        why = "; ".join(f"level {_names([r])} is {r.left_out_because}" for r in missing)
        found.append(finding("peaks_missing", f"{len(used)} of {len(valued)} levels can be used: {why}", status))
    elif len(used) < kit.limits.min_levels and not merged:
        found.append(finding("peaks_missing", f"{len(used)} of {len(valued)} levels can be used", FAILED))
    if any(r.left_out_because == reasons.AT_UPPER_LIMIT for r in missing) or (
        peaks.assignment is not None and peaks.assignment.lost_high and peaks.pile_high
    ):
        found.append(finding("saturated", "the brightest beads lie at the upper limit of the PE detector"))
    margin = peaks.assignment.margin if peaks.assignment is not None else 0.0
    if used and margin < settings["min_assignment_margin"]:
        found.append(finding("assignment_uncertain", "the peaks fit more than one choice of the lot's levels"))
    return found


def _events(valued, kit: Kit) -> list[Finding]:
    few = [r for r in valued if r.used and r.events < kit.limits.min_events_fine]
    fewest = [r for r in valued if r.left_out_because == reasons.TOO_FEW_EVENTS]
    if not few and not fewest:
        return []
    used = sum(r.used for r in valued)
    status = FAILED if used < kit.limits.min_levels else REVIEW
    text = "; ".join(f"level {r.level} has {r.events} beads" for r in fewest + few)
    return [finding("few_bead_events", f"{text}; at least {kit.limits.min_events_fine} are needed", status)]


def _transposed(valued) -> list[Finding]:
    values = [r.value for r in valued]
    wrong = [k for k in range(len(values) - 1) if values[k] >= values[k + 1]]
    if not wrong:
        return []
    pair = f"{valued[wrong[0]].level} and {valued[wrong[0] + 1].level}"
    return [
        finding("levels_transposed", f"the assigned values of the levels {pair} of this lot are in the wrong order")
    ]


def _graded(value: float, fine: tuple[float, float], review: tuple[float, float]) -> str | None:
    if fine[0] <= value <= fine[1]:
        return None
    return REVIEW if review[0] <= value <= review[1] else FAILED


def _slope(line: Line, kit: Kit) -> list[Finding]:
    limits = kit.limits
    status = _graded(line.slope, limits.slope_fine, limits.slope_review)
    if status is None:
        return []
    wide = limits.slope_fine if status == REVIEW else limits.slope_review
    return [
        finding(
            "slope_out_of_range",
            f"the slope of the bead line is {line.slope:.3f}, outside {wide[0]:g} to {wide[1]:g}",
            status,
        )
    ]


def _recovery(valued, line: Line, kit: Kit) -> list[Finding]:
    limits, error = kit.limits, line.max_recovery_error_percent
    status = _graded(error, (0, limits.recovery_fine_percent), (0, limits.recovery_review_percent))
    if status is None:
        return []
    text = f"a bead level lies {error:.1f} % off the line"
    odd = _odd_level([r for r in valued if r.used])
    if odd is not None:
        would = f"{odd.value * odd.recovery_left_out:,.0f}"
        text += f"; by the others, level {odd.level} ({odd.value:,.0f}) would be {would}"
    return [finding("recovery_out_of_range", text, status)]


def _odd_level(used: Sequence):
    """Name the level without which the others lie on a line of slope 1 better by far; None if there is none."""
    if len(used) < 4:
        return None

    def misfit(rows: Sequence) -> float:
        x, y = np.log([r.pe_median for r in rows]), np.log([r.value for r in rows])
        return float(np.std(y - x))

    without = [misfit([r for r in used if r is not one]) for one in used]
    k = int(np.argmin(without))
    return used[k] if without[k] < 0.4 * misfit(used) else None


def _other_lot(valued, lot: str, other_lots: Mapping[str, Sequence[LotLevel]], settings: Mapping) -> list[Finding]:
    """Look for another lot of this kit whose values lie much straighter over the same peaks.

    Each lot's values are fitted to the same peaks, and their half chi-squares compared: a lot is named where it fits
    well itself and e^lot_evidence times better. Lots whose values have the same pattern cannot be told apart in one
    run.
    """
    used = [(k, r) for k, r in enumerate(valued) if r.used]
    if len(used) < 3:
        return []
    own = _misfit([r for _, r in used], [r.value for _, r in used], settings)
    best, name = own, ""
    for other, rows in sorted(other_lots.items()):
        values = [r.value for r in sorted(rows, key=lambda r: r.level)]
        values = [v for v in values if v is not None]
        if other == lot or len(values) != len(valued):
            continue
        theirs = _misfit([r for _, r in used], [values[k] for k, _ in used], settings)
        if theirs < best:
            best, name = theirs, other
    if not name or own - best < settings["lot_evidence"] or best > len(used):
        return []
    return [finding("lot_suspect", f"the values of lot {name} fit these beads better than those of lot {lot}")]


def _misfit(rows: Sequence, values: Sequence[float], settings: Mapping) -> float:
    """Half chi-square of values over the peaks of `rows`, by the best line with a slope near 1.

    The error of a level is the sampling error of its peak and `level_scatter_percent`.
    """
    x = np.log([r.pe_median for r in rows])
    y = np.log(values)
    sampling = np.array([r.cv_percent / 100 / np.sqrt(r.events) for r in rows])
    weight = 1 / (sampling**2 + (settings["level_scatter_percent"] / 100) ** 2)
    x, y = x - np.average(x, weights=weight), y - np.average(y, weights=weight)
    prior = 1 / LOT_SLOPE_SD**2
    slope = (np.sum(weight * x * y) + prior) / (np.sum(weight * x * x) + prior)
    return float(np.sum(weight * (y - slope * x) ** 2) + prior * (slope - 1) ** 2) / 2


def _offset(line: Line, settings: Mapping) -> list[Finding]:
    """Look for a constant added to every bead: the offset model then fits much better, and reads differently."""
    if line.offset is None or line.dof < 2:
        return []
    shift = abs(math.log(line.read(line.pe_low, "by_offset") / line.read(line.pe_low)))
    bent = line.line_rms > settings["offset_ratio"] * line.offset_rms
    if not bent or shift < settings["offset_percent"] / 100:
        return []
    return [
        finding(
            "offset_suspected",
            f"the beads lie on a curve, as if {line.offset[1]:,.0f} units were added to every bead",
        )
    ]


def _drift(shares: Mapping, settings: Mapping) -> list[Finding]:
    change = shares["drift"]
    if change is None or abs(change) * 100 < settings["drift_review_percent"]:
        return []
    status = FAILED if abs(change) * 100 > settings["drift_failed_percent"] else REVIEW
    return [finding("signal_drift", f"PE of the beads changed by {100 * change:+.0f} % during the run", status)]


def _clumps(shares: Mapping, settings: Mapping) -> list[Finding]:
    if shares["clumps"] * 100 < settings["clumps_review_percent"]:
        return []
    return [finding("bead_clumps", f"{100 * shares['clumps']:.0f} % of the events are clumps of beads")]


def drift(pe: np.ndarray, time: np.ndarray | None, peaks) -> float | None:
    """Relative change of PE from the first to the last fifth of the run, over all levels; None where it cannot be told.

    Each event's ln PE is compared with its own peak's median, so that levels need not come in equal shares over time.
    The change must exceed four standard errors, else it counts as 0.
    """
    values = pe[peaks.singlets]
    when = np.arange(values.size, dtype=float) if time is None or np.ptp(time) == 0 else time[peaks.singlets]
    rest, at = [], []
    for peak in peaks.peaks:
        if peak.low <= 0 or peak.cv_percent > 40:
            continue
        inside = (values >= peak.low) & (values <= peak.high)
        rest.append(np.log(values[inside] / peak.pe_median))
        at.append(when[inside])
    if not rest:
        return None
    rest, at = np.concatenate(rest), np.concatenate(at)
    if rest.size < 100:
        return None
    first, last = np.quantile(at, [0.2, 0.8])
    early, late = rest[at <= first], rest[at >= last]
    change = float(np.median(late) - np.median(early))
    error = 1.25 * float(np.hypot(np.std(early) / np.sqrt(early.size), np.std(late) / np.sqrt(late.size)))
    return float(np.expm1(change)) if abs(change) > 4 * error else 0.0
