"""One tube from its file to a `TubeReading`: where reading, quality and gating meet. It knows no bead run."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from . import compensation, fcs, panel, quality
from .flags import Finding, SpecimenError, finding
from .gating import Axis, GateSet, apply
from .gating_doubt import STATISTICS, central, pe_doubt, spread_ln
from .gating_learn import Columns, Learned, Signal, learn


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
        Monocytes per 100 leukocytes (events of CD45+ singlets; without CD45, of those that scatter alone calls leukocytes).
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
        detector, voltage, gain, decades, log_minimum, range, area (A, H or empty), compensated, compensation.
    cytometer, serial, acquired_at : str or None
        As the file says; time is ISO 8601 without a zone.
    notes : tuple of str
        What was odd but resolved.
    gates : dict or None
        `GateSet.to_json()` of the automatic gates.
    gate_source : str
        `automatic` or `override`.
    automatic : dict or None
        n_monocytes and pe of the automatic gate where an override counts.
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
    gates: dict | None = None
    gate_source: str = "automatic"
    automatic: dict | None = None
    cd45: bool | None = None

    def to_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=True, allow_nan=False)

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
    spill : fcs.Spillover or None
        The matrix that was applied.
    override_xml : str or None
        The reviewer's GatingML, self-contained, where it counts.
    """

    values: dict[str, np.ndarray]
    axes: dict[str, Axis]
    masks: dict[str, np.ndarray]
    gates: GateSet
    spill: object | None = None
    override_xml: str | None = None


def failed_reading(row: Mapping, problem: Finding) -> TubeReading:
    """Make the reading of a tube of which nothing is known but what is wrong."""
    return TubeReading(row["sample_id"], (problem,))


def read_tube(folder: str | Path, row: Mapping, lab: Mapping, config: Mapping) -> tuple[TubeReading, TubeArrays | None]:
    """Read, gate and measure one tube.

    Parameters
    ----------
    folder : path
        The study.
    row : mapping
        `sample_id`; `fcs` and `override`, paths inside the study, or None.
    lab : mapping
        The tube's entry of labs.yaml.
    config : mapping
        With the sections quality, gating and quantify.

    Returns
    -------
    TubeReading, TubeArrays or None
        No arrays where no gate was found. Never raises for a specimen.
    """
    reading = TubeReading(row["sample_id"])
    try:
        return _read(Path(folder), row, lab, config, reading)
    except SpecimenError as problem:
        partial = getattr(problem, "reading", reading)
        return replace(partial, findings=(*partial.findings, finding(problem.code, problem.sentence, "failed"))), None
    except MemoryError:
        return failed_reading(row, finding("unreadable_fcs", "the file is too large for this machine's memory")), None


def _read(folder: Path, row: Mapping, lab: Mapping, config: Mapping, reading: TubeReading):
    if not row.get("fcs"):
        raise SpecimenError("missing_file", "the table names no file for this tube")
    acquisition = fcs.read_acquisition(folder / row["fcs"])
    settings = acquisition.settings
    n = len(acquisition.events)
    reading = replace(
        reading,
        findings=tuple(acquisition.findings),
        n_events=n,
        cytometer=settings.cytometer,
        serial=settings.serial,
        acquired_at=settings.acquired_at.isoformat() if settings.acquired_at else None,
        notes=tuple(acquisition.notes),
    )
    try:
        found = panel.resolve(acquisition.channels, lab)
        spill, notes = compensation.choose(acquisition, lab, folder)
        reading = replace(reading, notes=(*reading.notes, *notes), cd45=found.cd45 is not None)
        signals = _signals(acquisition, found, spill)
        reading = replace(reading, pe_channel=_pe_channel(acquisition.channels[found.hladr], signals, lab))
        columns = Columns(
            signals["forward"],
            signals["side"],
            signals["cd14"],
            signals.get("cd45"),
            signals.get("forward_height"),
            acquisition.damaged,
        )
        learned = learn(columns, config["gating"])
    except SpecimenError as problem:
        problem.reading = reading
        raise
    by_channel = {s.channel: s.values for s in signals.values()}
    masks = apply(learned.gates, lambda axis: by_channel[axis.channel], n)
    if acquisition.damaged is not None:
        masks = {name: mask & ~acquisition.damaged for name, mask in masks.items()}
    reading = _measure(reading, signals, masks, learned, config)
    arrays = TubeArrays(
        {name: s.values for name, s in signals.items()}, _axes(signals, learned), masks, learned.gates, spill
    )
    return reading, arrays


def _signals(acquisition, found, spill) -> dict[str, Signal]:
    """Pick the panel's columns, compensated where the matrix covers them."""
    compensated = set(spill.detectors) if spill is not None else set()
    values = compensation.apply(acquisition.events, acquisition.channels, spill)
    out = {}
    for name in ("forward", "forward_height", "side", "cd14", "cd45", "hladr", "time"):
        index = getattr(found, name)
        if index is None:
            continue
        channel = acquisition.channels[index]
        top = channel.log_minimum * 10**channel.decades if channel.decades else channel.range - 1
        if acquisition.flowkit_preprocess and channel.gain and not channel.decades:
            top /= channel.gain
        column = np.ascontiguousarray(values[:, index], dtype=np.float64)
        if not channel.range or top <= 0:
            top = float(column.max())
        out[name] = Signal(column, channel.name, channel.name in compensated, float(top))
    return out


def _pe_channel(channel, signals, lab) -> dict:
    return {
        "detector": channel.name,
        "voltage": channel.voltage,
        "gain": channel.gain,
        "decades": channel.decades,
        "log_minimum": channel.log_minimum,
        "range": channel.range,
        "area": channel.name[-1] if channel.name[-2:] in ("-A", "-H", "-W") else "",
        "compensated": signals["hladr"].compensated,
        "compensation": str(lab.get("compensation", "from_file")),
    }


def _axes(signals: dict[str, Signal], learned: Learned) -> dict[str, Axis]:
    known = {axis.channel: axis for gate in learned.gates.gates for axis in gate.axes}
    from .gating import Scale, asinh_scale

    axes = {}
    for name, signal in signals.items():
        axes[name] = known.get(signal.channel) or Axis(signal.channel, signal.compensated, Scale())
    pe = signals["hladr"]
    axes["hladr"] = Axis(pe.channel, pe.compensated, asinh_scale(pe.top, pe.top / 2000))
    return axes


def _measure(reading: TubeReading, signals, masks, learned: Learned, config: Mapping) -> TubeReading:
    """Count and measure the monocytes, and set the flags of the gate and the acquisition."""
    n_monocytes = int(masks["monocytes"].sum())
    n_leukocytes = int(masks["leukocytes"].sum())
    pe = signals["hladr"].values
    inside = pe[masks["monocytes"]]
    gates = {"main": "monocytes", "tight": "monocytes_tight", "wide": "monocytes_wide"}
    values = {s: {label: central(pe[masks[name]], s) for label, name in gates.items()} for s in STATISTICS}
    sd_ln = spread_ln(inside)
    doubt = learned.doubt
    gate_doubt = {s: asdict(d) for s, d in pe_doubt(doubt.contamination, doubt.loss, values, sd_ln).items()}
    shares = {
        "margin": quality.share(reading.n_events - int(masks["limits"].sum()), reading.n_events),
        "doublets": _doublets(masks),
        "saturated": _saturated(signals["hladr"], inside),
        "unstable_time": None,
        "pe_not_positive": quality.share(int((inside <= 0).sum()), n_monocytes),
    }
    reading = replace(
        reading,
        n_leukocytes=n_leukocytes,
        n_monocytes=n_monocytes,
        monocyte_percent=100 * n_monocytes / n_leukocytes if n_leukocytes else None,
        pe=values,
        n_tight=int(masks["monocytes_tight"].sum()),
        n_wide=int(masks["monocytes_wide"].sum()),
        pe_sd_ln=sd_ln,
        gate_doubt=gate_doubt,
        contamination=doubt.contamination,
        loss=doubt.loss,
        separation=doubt.separation,
        shares=shares,
        pe_histogram=_histogram(inside, signals["hladr"]),
        gates=learned.gates.to_json(),
    )
    first, last = _fifths(pe, masks["monocytes"])
    reading = replace(reading, pe_first_fifth=first, pe_last_fifth=last)
    return replace(reading, findings=(*reading.findings, *_flags(reading, config)))


def _doublets(masks) -> float | None:
    if "singlets" not in masks:
        return None
    whole = int(masks["limits"].sum())
    return quality.share(whole - int(masks["singlets"].sum()), whole)


def _saturated(signal: Signal, inside: np.ndarray) -> float | None:
    limit = quality.upper_limit(signal.values, signal.top)
    return quality.share(int((inside >= limit).sum()) if limit is not None else 0, len(inside))


def _histogram(inside: np.ndarray, signal: Signal) -> dict | None:
    if not len(inside):
        return None
    cofactor = signal.top / 2000
    values = np.arcsinh(inside / cofactor)
    edges = np.linspace(-2.0, math.asinh(2000.0) + 0.2, 65)
    return {
        "edges": [round(float(e), 6) for e in edges],
        "counts": [int(c) for c in np.histogram(values, edges)[0]],
        "cofactor": cofactor,
    }


def _fifths(pe: np.ndarray, monocytes: np.ndarray) -> tuple[float | None, float | None]:
    """Median PE of the monocytes among the first and the last fifth of the events."""
    n = len(pe)
    ends = []
    for part in (slice(0, n // 5), slice(n - n // 5, n)):
        values = pe[part][monocytes[part]]
        ends.append(float(np.median(values)) if len(values) >= 20 else None)
    return ends[0], ends[1]


def _flags(reading: TubeReading, config: Mapping) -> list[Finding]:
    out = []
    minimum, enough = config["quantify"]["min_monocytes"], config["quantify"]["review_monocytes"]
    n = reading.n_monocytes
    if n < minimum:
        out.append(finding("no_monocytes", f"{n} monocytes were found, at least {minimum} are needed"))
    elif n < enough:
        out.append(finding("few_monocytes", f"{n} monocytes were found, fewer than {enough}"))
    if reading.contamination + reading.loss > config["gating"]["uncertain_above"]:
        out.append(
            finding(
                "gate_uncertain",
                f"about {100 * reading.contamination:.0f} % of the gated events may not be monocytes, and about "
                f"{100 * reading.loss:.0f} % of the monocytes may lie outside",
            )
        )
    if (reading.shares["saturated"] or 0) > config["quality"]["saturated_share"]:
        out.append(
            finding(
                "saturated",
                f"{100 * reading.shares['saturated']:.1f} % of the monocytes lie at the PE detector's limit",
            )
        )
    first, last = reading.pe_first_fifth, reading.pe_last_fifth
    if first and last and first > 0 and last > 0:
        change = abs(math.log(last / first))
        if change > math.log(1 + config["quality"]["drift_failed"]):
            out.append(
                finding(
                    "signal_drift",
                    f"the monocytes' PE changed by {100 * (last / first - 1):+.0f} % from the first to the last fifth",
                    "failed",
                )
            )
    return out
