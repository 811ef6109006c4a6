"""What one tube says: the values that travel from the batch jobs to AB/C, tables and report."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from ..fcs import Spillover
from ..flags import Finding
from ..gating import Axis, Gate, GateSet


@dataclass(frozen=True)
class TubeReading:
    """What one tube says; JSON-able. Missing values are None.

    Attributes
    ----------
    sample_id : str
    findings : tuple of Finding
    n_events, n_leukocytes, n_monocytes : int or None
        Events in the file, in the gate `leukocytes`, in the gate `monocytes`.
    monocyte_percent : float or None
        Monocytes per 100 leukocytes (CD45+ singlets; without CD45, what scatter alone calls leukocytes).
    pe : dict
        statistic -> {main, tight, wide} -> linear compensated PE.
    n_tight, n_wide : int or None
        Events in the two other gates.
    pe_sd_ln : float or None
        Robust sd of ln PE between monocytes, for the sampling error.
    gate_doubt : dict
        statistic -> {bias_ln, sd_ln}: what the gate adds to the error of ln PE.
    contamination, loss, separation : float or None
        Expected share of foreign events in the gate, of monocytes outside it, and 1 minus both.
    shares : dict
        margin, doublets, unstable_time, saturated, pe_not_positive: shares 0 to 1 or None.
    pe_first_fifth, pe_last_fifth : float or None
        Median PE of the monocytes in the first and last fifth of the acquisition.
    pe_histogram : dict or None
        `edges` (asinh of PE / cofactor), `counts`, `cofactor`.
    pe_channel : dict or None
        detector, voltage, gain, decades, log_minimum, range, compensated, compensation; spill: what the file's own
        matrix takes off PE.
    cytometer, serial : str or None
        A recognised model and a digest of what the file says (`cytometers.veiled`).
    acquired_at : str or None
        Start of the acquisition, ISO 8601, as `moments.read` takes it: with its offset where the file states one, else
        local; the date alone where no time is stated.
    notes : tuple of str
        What was odd but resolved.
    gate_source : str
        `automatic` or `override`.
    automatic : dict or None
        n_monocytes, pe, gate_doubt and gates (`GateSet.to_json()`) of the automatic gate where an override counts.
    cd45 : bool or None
        The panel has CD45.
    """

    sample_id: str
    findings: tuple[Finding, ...] = ()
    n_events: int | None = None
    n_leukocytes: int | None = None
    n_monocytes: int | None = None
    monocyte_percent: float | None = None
    pe: dict = field(default_factory=dict)
    n_tight: int | None = None
    n_wide: int | None = None
    pe_sd_ln: float | None = None
    gate_doubt: dict = field(default_factory=dict)
    contamination: float | None = None
    loss: float | None = None
    separation: float | None = None
    shares: dict = field(default_factory=dict)
    pe_first_fifth: float | None = None
    pe_last_fifth: float | None = None
    pe_histogram: dict | None = None
    pe_channel: dict | None = None
    cytometer: str | None = None
    serial: str | None = None
    acquired_at: str | None = None
    notes: tuple[str, ...] = ()
    gate_source: str = "automatic"
    automatic: dict | None = None
    cd45: bool | None = None

    def to_json(self) -> str:
        """Return one line of JSON."""
        data = {**vars(self), "findings": [asdict(f) for f in self.findings]}
        return json.dumps(data, sort_keys=True, ensure_ascii=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "TubeReading":
        """Read what `to_json` wrote."""
        data = json.loads(text)
        data["findings"] = tuple(Finding(**f) for f in data["findings"])
        data["notes"] = tuple(data["notes"])
        return cls(**data)


@dataclass(frozen=True)
class TubeArrays:
    """What the picture and the GatingML need.

    Attributes
    ----------
    values : dict of str to ndarray (n,)
        forward, side, cd14, hladr and, where the panel has them, cd45, forward_height, time: linear, compensated.
    axes : dict of str to Axis
        The axis on which the gates see each marker (hladr: an axis of its own for its histogram).
    masks : dict of str to ndarray of bool (n,)
        Gate name to events; `monocytes` is what counts.
    gates : GateSet
    scaled : dict of Axis to ndarray (n,)
        Columns that gating has put on their scale.
    spill : fcs.Spillover or None
        The matrix that was applied.
    override_xml : str or None
        The reviewer's GatingML, self-contained, where it counts.
    override_gates : tuple of Gate
        The reviewer's gate and its parents, where they can be drawn.
    """

    values: dict[str, np.ndarray]
    axes: dict[str, Axis]
    masks: dict[str, np.ndarray]
    gates: GateSet
    scaled: dict[Axis, np.ndarray] = field(default_factory=dict)
    spill: Spillover | None = None
    override_xml: str | None = None
    override_gates: tuple[Gate, ...] = ()


def failed_reading(row: Mapping, problem: Finding) -> TubeReading:
    """Make the reading of a tube of which nothing is known but what is wrong."""
    return TubeReading(row["sample_id"], (problem,))
