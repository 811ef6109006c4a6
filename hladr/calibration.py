"""One bead run from file to `Calibration`: the line from PE to molecules, and whether it can be defended."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from . import beads, calibration_checks
from .fcs import read_acquisition
from .flags import Finding, SpecimenError, codes_of, finding, reason_of, status_of
from .kits import kit as kit_of
from .lines import Line, fit
from .pairing import PESettings, pe_settings
from .panel import resolve_beads

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
        Empty where used.
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


@dataclass(frozen=True)
class Calibration:
    """A bead run.

    Attributes
    ----------
    bead_id, lab, kit, lot : str
    findings : tuple of Finding
    n_peaks : int or None
        Levels found, a blank included; None if the file could not be read.
    levels : tuple of Level
    lines : dict of str to Line
        By statistic, `median` and `geometric_mean`; empty if no line could be drawn.
    statistic : str
        The one that counts (configuration).
    assignment_margin : float or None
        Distance of the second best assignment of peaks to levels.
    assignment_cv_percent : float
        Of the assigned values, for the interval.
    settings : PESettings or None
    n_events, n_singlets : int
    shares : dict of str to float
        clumps, debris, in_peaks, drift (relative change of PE from the first to the last fifth).
    fits_lot_better : str
        Another lot whose values fit clearly better, else empty.
    windows_by_hand : bool
    notes : tuple of str
    """

    bead_id: str
    lab: str
    kit: str
    lot: str
    findings: tuple[Finding, ...]
    n_peaks: int | None = None
    levels: tuple[Level, ...] = ()
    lines: Mapping[str, Line] | None = None
    statistic: str = "median"
    assignment_margin: float | None = None
    assignment_cv_percent: float = 0.0
    settings: PESettings | None = None
    n_events: int = 0
    n_singlets: int = 0
    shares: Mapping[str, float] | None = None
    fits_lot_better: str = ""
    windows_by_hand: bool = False
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """`ok`, `review` or `failed`."""
        return status_of(self.findings)

    @property
    def line(self) -> Line | None:
        """The line by the statistic that counts."""
        return (self.lines or {}).get(self.statistic)

    @property
    def slope(self) -> float | None:
        """Slope of the line that counts."""
        return self.line.slope if self.line else None

    @property
    def intercept(self) -> float | None:
        """Intercept of the line that counts."""
        return self.line.intercept if self.line else None

    @property
    def r_squared(self) -> float | None:
        """R² of the line that counts."""
        return self.line.r_squared if self.line else None

    @property
    def max_recovery_error_percent(self) -> float | None:
        """Largest recovery error of the line that counts."""
        return self.line.max_recovery_error_percent if self.line else None

    @property
    def acquired_at(self) -> str | None:
        """Start of the acquisition, ISO 8601, the cytometer's local time."""
        return self.settings.acquired_at if self.settings else None

    def row(self) -> dict[str, object]:
        """Return the row of results/calibrations.csv."""
        return {
            "bead_id": self.bead_id,
            "lab": self.lab,
            "kit": self.kit,
            "lot": self.lot,
            "status": self.status,
            "flags": codes_of(self.findings),
            "reason": reason_of(self.findings),
            "n_peaks": self.n_peaks,
            "slope": self.slope,
            "intercept": self.intercept,
            "r_squared": self.r_squared,
            "max_recovery_error_percent": self.max_recovery_error_percent,
            "pe_voltage": self.settings.voltage if self.settings else None,
        }

    def to_json(self) -> str:
        """Write one line of JSON."""
        return json.dumps(_plain(asdict(self)), sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Calibration":
        """Read what `to_json` wrote."""
        raw = json.loads(text)
        raw["findings"] = tuple(Finding(**f) for f in raw["findings"])
        raw["levels"] = tuple(Level(**_tuples(level)) for level in raw["levels"])
        raw["lines"] = {k: Line(**_tuples(v)) for k, v in raw["lines"].items()} if raw["lines"] is not None else None
        raw["settings"] = PESettings(**raw["settings"]) if raw["settings"] is not None else None
        raw["notes"] = tuple(raw["notes"])
        return cls(**raw)


@dataclass(frozen=True)
class BeadArrays:
    """The events of a bead run, for its picture only.

    Attributes
    ----------
    forward, side, pe : ndarray, shape (n,)
        Linear.
    peaks : beads.Peaks
        With the mask of singlets, the ellipse and the scale.
    """

    forward: np.ndarray
    side: np.ndarray
    pe: np.ndarray
    peaks: beads.Peaks


def failed_calibration(run: Mapping, config: Mapping, problem: Finding) -> Calibration:
    """Make the calibration of a bead run of which nothing is known but what is wrong.

    Parameters
    ----------
    run : mapping
        bead_id, lab, kit, lot.
    config : mapping
        The sections quantify and kits.
    problem : Finding
    """
    kit = kit_of(run["kit"], config.get("kits"))
    return Calibration(
        **{name: run[name] for name in ("bead_id", "lab", "kit", "lot")},
        findings=(problem,),
        statistic=config["quantify"]["statistic"],
        assignment_cv_percent=float(kit.assignment_cv_percent),
    )


def calibrate(
    path: str | Path | None,
    run,
    levels: Sequence,
    lab: Mapping,
    config: Mapping,
    other_lots: Mapping[str, Sequence] | None = None,
) -> tuple[Calibration, BeadArrays | None]:
    """Calibrate from one bead acquisition; never raises for a specimen problem.

    Parameters
    ----------
    path : path or None
        The FCS file; None where the table names none.
    run : study.BeadRun or mapping
        bead_id, lab, kit, lot.
    levels : sequence
        Rows of the lot with `level` and `value` (None: blank); empty for a lot that the table does not know.
    lab : mapping
        Entry of labs.yaml.
    config : mapping
        The sections quantify, beads and kits.
    other_lots : mapping of str to sequence, optional
        The other lots of the kit in bead_lots.csv: do their values fit better?

    Returns
    -------
    tuple of (Calibration, BeadArrays or None)
    """
    run = SimpleNamespace(**run) if isinstance(run, Mapping) else run
    base = {"bead_id": run.bead_id, "lab": run.lab, "kit": run.kit, "lot": run.lot}
    base["statistic"] = config["quantify"]["statistic"]
    kit = kit_of(run.kit, config.get("kits"))
    base["assignment_cv_percent"] = float(kit.assignment_cv_percent)
    found: list[Finding] = []
    if not any(_value(level) is not None for level in levels):
        found.append(finding("lot_unknown", f"the lot {run.lot} of this kit is not in the table of lots"))
    try:
        if path is None:
            raise SpecimenError("missing_file", "the table names no file for this bead run")
        acquisition = read_acquisition(path)
        base["n_events"] = int(acquisition.events.shape[0])
        base["notes"] = tuple(acquisition.notes)
        panel = resolve_beads(acquisition.channels, lab)
        base["settings"] = pe_settings(acquisition, panel.hladr)
        found += acquisition.findings
        if base["n_events"] == 0:
            raise SpecimenError("no_events", "the file holds no events")
    except SpecimenError as problem:
        found.append(finding(problem.code, problem.sentence, "failed"))
        return Calibration(**base, findings=tuple(found)), None
    arrays = _columns(acquisition, panel)
    more, peaks = measure(arrays, levels, kit, config, run, other_lots or {})
    found += more.pop("findings")
    picture = BeadArrays(arrays["forward"], arrays["side"], arrays["pe"], peaks)
    return Calibration(**base, **more, findings=tuple(found)), picture


def _columns(acquisition, panel) -> dict:
    """Take the channels of a bead run, without damaged events and values that are not numbers."""
    events = acquisition.events
    # Beads carry PE alone: their compensated PE is their PE (the matrix has 1 on its diagonal), so no matrix is
    # applied here.
    names = {"pe": panel.hladr, "forward": panel.forward, "side": panel.side, "height": panel.forward_height}
    columns = {k: None if i is None else np.asarray(events[:, i], float) for k, i in names.items()}
    time = None if panel.time is None else np.asarray(events[:, panel.time], float)
    keep = np.all([np.isfinite(c) for c in columns.values() if c is not None], axis=0)
    if acquisition.damaged is not None:
        keep &= ~acquisition.damaged
    out = {k: None if c is None else c[keep] for k, c in columns.items()}
    out["time"] = None if time is None else time[keep]
    out["limit"] = upper_limit(acquisition.channels[panel.hladr], out["pe"])
    return out


def upper_limit(channel, pe: np.ndarray) -> float:
    """Return the largest PE that the detector can report; inf where the file's $PnR does not say it.

    Log-amplified data end at the last channel; linear data at $PnR - 1, after the gain. Data beyond their own $PnR:
    unknown.
    """
    if not channel.range or channel.range <= 0:
        return math.inf
    if channel.decades > 0:
        top = channel.log_minimum * 10 ** (channel.decades * (channel.range - 1) / channel.range)
    else:
        top = channel.range - 1
    if channel.gain not in (None, 0.0, 1.0):
        top /= channel.gain
    if pe.size and pe.max() > 1.01 * top:
        # floats that were expanded before they were written keep a $PnR in channels
        return math.inf
    return top


def measure(
    arrays: Mapping, levels: Sequence, kit, config: Mapping, run, other_lots: Mapping[str, Sequence]
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
    table = sorted(((int(_get(row, "level")), _value(row)) for row in levels), key=lambda r: r[0])
    valued = [(number, value) for number, value in table if value is not None]
    by_value = sorted(valued, key=lambda r: r[1])
    windows = _windows(settings.get("windows") or {}, run.bead_id, by_value, table)
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
    rows = _levels(table, by_value, valued, peaks, has_blank, kit)
    lines = {}
    for statistic in STATISTICS:
        used = [(getattr(r, f"pe_{statistic}"), r.value) for r in rows if r.used]
        if len(used) >= 2 and all(pe is not None and pe > 0 for pe, _ in used):
            lines[statistic] = fit([pe for pe, _ in used], [value for _, value in used])
    main = lines.get(config["quantify"]["statistic"])
    if main is not None:
        rows = _with_recoveries(rows, main)
    shares = {
        "clumps": peaks.clump_share,
        "debris": peaks.debris_share,
        "in_peaks": peaks.peak_share,
        "drift": calibration_checks.drift(arrays["pe"], arrays["time"], peaks),
    }
    found, better = calibration_checks.check(
        rows, lines, main, peaks, shares, kit, run.lot, other_lots, settings, windows
    )
    return {
        "findings": found,
        "n_peaks": sum(r.events > 0 for r in rows),
        "levels": rows,
        "lines": lines,
        "assignment_margin": peaks.assignment.margin if peaks.assignment is not None else None,
        "n_singlets": int(peaks.singlets.sum()),
        "shares": shares,
        "fits_lot_better": better,
        "windows_by_hand": bool(windows),
    }, peaks


def _windows(configured: Mapping, bead_id: str, by_value, table) -> dict[int, tuple[float, float]] | None:
    """Take the windows that the configuration gives for this run, by index into the ascending values."""
    own = configured.get(bead_id)
    if not own:
        return None
    index = {number: k for k, (number, _) in enumerate(by_value)}
    blanks = {number for number, value in table if value is None}
    return {-1 if int(n) in blanks else index[int(n)]: (float(w[0]), float(w[1])) for n, w in own.items()}


def _levels(table, by_value, valued, peaks: beads.Peaks, has_blank: bool, kit) -> tuple[Level, ...]:
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
        because |= {valued[k][0]: "below the PE scale or not found" for k in assignment.lost_low}
        because |= {valued[k][0]: "above the PE scale or not found" for k in assignment.lost_high}
    rows = []
    for number, value in table:
        peak = peak_of.get(number)
        if number in merged:
            rows.append(Level(number, value, left_out_because="in one peak with its neighbour", **_of_peak(peak)))
        elif peak is None:
            rows.append(Level(number, value, left_out_because=because.get(number, "not found")))
        elif value is None:
            rows.append(Level(number, value, left_out_because="blank", **_of_peak(peak)))
        elif peak.at_limit > beads.AT_LIMIT:
            rows.append(
                Level(number, value, left_out_because="at the upper limit of the PE detector", **_of_peak(peak))
            )
        elif peak.events < kit.limits.min_events_review:
            rows.append(Level(number, value, left_out_because="too few events", **_of_peak(peak)))
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
    from dataclasses import replace

    made, k = [], 0
    for row in rows:
        if row.used:
            row = replace(row, recovery=line.recoveries[k], recovery_left_out=line.recoveries_left_out[k])
            k += 1
        made.append(row)
    return tuple(made)


def _get(row, name: str):
    return row[name] if isinstance(row, Mapping) else getattr(row, name)


def _value(row) -> float | None:
    value = _get(row, "value")
    return None if value is None or value == "" or (isinstance(value, float) and math.isnan(value)) else float(value)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _plain(value):
    """Make JSON of nested values; numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def _tuples(raw: Mapping) -> dict:
    return {
        k: tuple(tuple(x) if isinstance(x, list) else x for x in v) if isinstance(v, list) else v
        for k, v in raw.items()
    }
