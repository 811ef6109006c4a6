"""One row of quantification.csv with everything behind it."""

import json
from dataclasses import dataclass, field

from ..flags import Finding, codes_of, reason_of, status_of


@dataclass(frozen=True)
class Measurement:
    """One row of quantification.csv, and how it came about.

    Attributes
    ----------
    sample_id ... gate_source
        The columns; None where missing.
    findings : tuple of Finding
    role : str
        `patient`, `control` or `isotype`.
    replaces : str or None
    parts_ln : dict of str to float
        Standard deviation of each part of the interval, ln units.
    dof : float or None
        Effective degrees of freedom; None: normal.
    models : dict of str to float
        AB/C by the other statistic and by the other models of the bead line.
    pairing : tuple of dict
        What was compared between tube and beads: what, tube, beads, agree.
    """

    sample_id: str
    patient_id: str
    day: int
    lab: str
    bead_id: str | None
    findings: tuple[Finding, ...] = ()
    n_events: int | None = None
    n_monocytes: int | None = None
    monocyte_percent: float | None = None
    pe_median: float | None = None
    pe_geometric_mean: float | None = None
    abc: float | None = None
    abc_low: float | None = None
    abc_high: float | None = None
    abc_tight: float | None = None
    abc_wide: float | None = None
    abc_source: str = "fcs"
    gate_source: str | None = None
    role: str = "patient"
    replaces: str | None = None
    parts_ln: dict = field(default_factory=dict)
    dof: float | None = None
    models: dict = field(default_factory=dict)
    pairing: tuple = ()

    @property
    def status(self) -> str:
        """`ok`, `review` or `failed`."""
        return status_of(self.findings)

    def row(self) -> dict[str, object]:
        """Return the row of results/quantification.csv."""
        own = {name: getattr(self, name) for name in _COLUMNS}
        return own | {"status": self.status, "flags": codes_of(self.findings), "reason": reason_of(self.findings)}

    def to_json(self) -> str:
        """Write one line of JSON."""
        plain = vars(self) | {"findings": [vars(f) for f in self.findings]}
        return json.dumps(plain, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Measurement":
        """Read what `to_json` wrote."""
        raw = json.loads(text)
        raw["findings"] = tuple(Finding(**f) for f in raw["findings"])
        raw["pairing"] = tuple(raw["pairing"])
        return cls(**raw)


_COLUMNS = (
    "sample_id",
    "patient_id",
    "day",
    "lab",
    "bead_id",
    "n_events",
    "n_monocytes",
    "monocyte_percent",
    "pe_median",
    "pe_geometric_mean",
    "abc",
    "abc_low",
    "abc_high",
    "abc_tight",
    "abc_wide",
    "abc_source",
    "gate_source",
)
