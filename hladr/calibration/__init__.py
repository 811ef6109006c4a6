"""One bead run from file to `Calibration`: the line from PE to molecules, and whether it can be defended."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .. import beads
from ..fcs import largest_value, read_acquisition
from ..flags import Finding, SpecimenError, codes_of, finding, reason_of, status_of
from ..kits import kit as kit_of
from ..pairing import PESettings, bead_settings
from ..panel import resolve_beads
from ..study.types import BeadRun
from ..study.types import Level as LotLevel
from .levels import Level, measure
from .lines import Line


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
    assignment_cv_percent : float
        Of the assigned values, for the interval.
    settings : PESettings or None
    n_events, n_singlets : int
    shares : dict of str to float
        clumps, debris, in_peaks, drift (relative change of PE from the first to the last fifth).
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
    assignment_cv_percent: float = 0.0
    settings: PESettings | None = None
    n_events: int = 0
    n_singlets: int = 0
    shares: Mapping[str, float] | None = None
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
        """Start of the acquisition, as `pairing.PESettings` has it."""
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


def failed_calibration(run: BeadRun, config: Mapping, problem: Finding) -> Calibration:
    """Make the calibration of a bead run of which nothing is known but what is wrong.

    Parameters
    ----------
    run : study.BeadRun
    config : mapping
        The sections quantify and kits.
    problem : Finding
    """
    kit = kit_of(run.kit, config["kits"])
    return Calibration(
        run.bead_id,
        run.lab,
        run.kit,
        run.lot,
        findings=(problem,),
        statistic=config["quantify"]["statistic"],
        assignment_cv_percent=float(kit.assignment_cv_percent),
    )


def calibrate(
    path: str | Path | None,
    run: BeadRun,
    levels: Sequence[LotLevel],
    lab: Mapping,
    config: Mapping,
    other_lots: Mapping[str, Sequence[LotLevel]] | None = None,
) -> tuple[Calibration, BeadArrays | None]:
    """Calibrate from one bead acquisition; never raises for a specimen problem.

    Parameters
    ----------
    path : path or None
        The FCS file; None where the table names none.
    run : study.BeadRun
        Its row of beads.csv; `path` says where the file is.
    levels : sequence of study.Level
        Of the lot; empty for a lot that the table does not know.
    lab : mapping
        Entry of labs.yaml.
    config : mapping
        The sections quantify, beads and kits.
    other_lots : mapping of str to sequence of study.Level, optional
        The other lots of the kit in bead_lots.csv: do their values fit better?

    Returns
    -------
    tuple of (Calibration, BeadArrays or None)
    """
    base = {"bead_id": run.bead_id, "lab": run.lab, "kit": run.kit, "lot": run.lot}
    base["statistic"] = config["quantify"]["statistic"]
    kit = kit_of(run.kit, config["kits"])
    base["assignment_cv_percent"] = float(kit.assignment_cv_percent)
    found: list[Finding] = []
    if not any(level.value is not None for level in levels):
        found.append(finding("lot_unknown", f"the table of bead lots has no values of lot {run.lot} of this kit"))
    try:
        if path is None:
            raise SpecimenError("missing_file", "the table names no file for this bead run")
        acquisition = read_acquisition(path)
        base["n_events"] = int(acquisition.events.shape[0])
        base["notes"] = tuple(acquisition.notes)
        panel = resolve_beads(acquisition.channels, lab)
        base["settings"] = bead_settings(acquisition, panel.hladr)
        found += acquisition.findings
    except SpecimenError as problem:
        found.append(problem.finding)
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
    out["limit"] = largest_value(acquisition.channels[panel.hladr], out["pe"], acquisition.flowkit_preprocess)
    return out


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
