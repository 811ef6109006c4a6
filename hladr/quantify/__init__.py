"""From `TubeReading` and `Calibration` to `Measurement`: AB/C, its interval, and whether the pair can be defended."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .. import limits, pairing, wording
from ..flags import FAILED, Finding, finding, reason_of, status_of
from ..kits import Kit
from ..kits import kit as kit_of
from ..labs import zone_of
from ..study.types import superseded
from . import intervals
from .delay import delay_findings
from .measurement import Measurement

REPLICATES_DIFFER = 0.20
STATISTIC_NAMES = {"median": "median", "geometric_mean": "geometric mean"}
MODEL_NAMES = {"slope_one": "a line of slope 1", "bead_autofluorescence": "the model with bead autofluorescence"}


def quantify(study, readings: Mapping, calibrations: Mapping) -> list[Measurement]:
    """Quantify all tubes of a study.

    Parameters
    ----------
    study : study.Study
    readings : mapping of str to tube.TubeReading
        By sample_id; tubes without a file need none.
    calibrations : mapping of str to calibration.Calibration
        By bead_id.

    Returns
    -------
    list of Measurement
        In the order of samples.csv.
    """
    config = study.config
    kits = {c.kit: kit_of(c.kit, config["kits"]) for c in calibrations.values()}
    made: dict[str, Measurement] = {}
    # isotype tubes first: others subtract them
    for tube in sorted(study.tubes, key=lambda t: t.role != "isotype"):
        made[tube.sample_id] = _one(tube, study, readings, calibrations, kits, made.get(tube.isotype_id))
    in_order = [made[tube.sample_id] for tube in study.tubes]
    return _compare_replicates(in_order)


def _one(tube, study, readings, calibrations, kits, isotype) -> Measurement:
    base = Measurement(
        tube.sample_id, tube.patient_id, tube.day, tube.lab, tube.bead_id, role=tube.role, replaces=tube.replaces
    )
    if not tube.fcs:
        if tube.abc_reported is None:
            return replace(
                base, findings=(finding("missing_file", "the tube has neither a file nor a reported value"),)
            )
        return replace(base, abc=float(tube.abc_reported), abc_source="reported")
    reading = readings[tube.sample_id]
    pe = {s: (reading.pe.get(s) or {}) for s in STATISTIC_NAMES}
    base = replace(
        base,
        n_events=reading.n_events,
        n_monocytes=reading.n_monocytes,
        monocyte_percent=reading.monocyte_percent,
        pe_median=pe["median"].get("main"),
        pe_geometric_mean=pe["geometric_mean"].get("main"),
        gate_source=reading.gate_source if reading.n_monocytes is not None else None,
    )
    found = list(reading.findings)
    found += delay_findings(tube, reading.acquired_at, study)
    calibration = calibrations.get(tube.bead_id) if tube.bead_id else None
    if calibration is None:
        found.append(
            finding("calibration_missing", "no bead run is named for this tube, so PE is not converted to AB/C")
        )
        return replace(base, findings=tuple(found))
    kit = kits[calibration.kit]
    found += _inherited(calibration) + _kit_findings(kit)
    compared, pair_findings = _pair(tube, reading, calibration, study)
    found += pair_findings
    base = replace(base, pairing=compared)
    convert = _Conversion(calibration, kit, _pe_per_antibody(study, tube.lab), isotype, tube.role == "isotype")
    return _with_abc(base, reading, convert, found, study.config)


def _pe_per_antibody(study, lab: str) -> float:
    own = study.labs.get(lab, {}).get("pe_per_antibody")
    return float(study.config["quantify"]["pe_per_antibody"] if own is None else own)


def _inherited(calibration) -> list[Finding]:
    if calibration.status == FAILED or calibration.line is None:
        why = reason_of([f for f in calibration.findings if f.status == FAILED]).rstrip(".") or "no line could be drawn"
        return [finding("calibration_failed", f"the bead run of this tube failed: {why}")]
    if calibration.findings:
        return [
            finding(
                "calibration_review",
                f"the bead run of this tube needs a look: {reason_of(calibration.findings).rstrip('.')}",
            )
        ]
    return []


def _kit_findings(kit: Kit) -> list[Finding]:
    if kit.abc == "conversion" and kit.units_per_pe_molecule is None:
        return [finding("kit_no_abc", f"{kit.name} carry {kit.unit}, and no conversion to PE molecules is stated")]
    return []


def _pair(tube, reading, calibration, study) -> tuple[tuple[dict, ...], list[Finding]]:
    ours, theirs = pairing.reading_settings(reading), calibration.settings
    if ours is None or theirs is None:
        return (), []
    config, zones = study.config, tuple(zone_of(study.labs.get(lab, {})) for lab in (tube.lab, calibration.lab))
    hours = pairing.hours_between(ours, theirs, zones)
    compared = pairing.table(ours, theirs, hours)
    shown = []
    for row in compared:
        hidden = row.what in pairing.HEADER_TEXT  # header text stays out of the results
        tube_says, beads_say = (None, None) if hidden else (row.tube, row.beads)
        shown.append({"what": row.what, "tube": tube_says, "beads": beads_say, "agree": row.agree})
    found = pairing.compare(
        ours,
        theirs,
        hours=hours,
        window_hours=config["quantify"]["bead_window_hours"],
        exceptions=config["pairing_exceptions"],
        sample_id=tube.sample_id,
        bead_id=tube.bead_id,
        compared=compared,
    )
    return tuple(shown), found


@dataclass(frozen=True)
class _Conversion:
    """From PE to AB/C by a kit's rule."""

    calibration: object
    kit: Kit
    pe_per_antibody: float
    isotype: Measurement | None
    is_isotype: bool

    @property
    def subtracts(self) -> bool:
        return self.kit.subtracts_isotype and not self.is_isotype

    def __call__(self, pe: float | None, statistic: str, model: str = "line") -> float | None:
        """Return AB/C of a PE; None where it cannot be read."""
        line = (self.calibration.lines or {}).get(statistic)
        if line is None or pe is None or not pe > 0:
            return None
        value = line.read(pe, model)
        if value is None:
            return None
        if self.kit.abc in ("per_antibody", "conversion"):
            value /= (self.kit.units_per_pe_molecule or 1.0) * self.pe_per_antibody
        if self.subtracts:
            value -= self.isotype.abc
        return value


def _with_abc(base: Measurement, reading, convert: _Conversion, found: list[Finding], config: Mapping) -> Measurement:
    statistic = config["quantify"]["statistic"]
    pe = (reading.pe.get(statistic) or {}).get("main")
    if convert.subtracts and (convert.isotype is None or convert.isotype.abc is None):
        found.append(
            finding("isotype_missing", "this kit subtracts an isotype tube, and there is none that can be used")
        )
    if status_of(found) == FAILED:
        return replace(base, findings=tuple(found))
    abc = convert(pe, statistic)
    blank = _blank(convert, statistic)
    # an isotype tube is at its best where it is no brighter than the blank bead
    if blank is not None and pe is not None and pe <= blank and not convert.is_isotype:
        found.append(finding("below_background", "PE of the monocytes is not above that of the blank bead"))
        return replace(base, findings=tuple(found))
    if abc is None or not abc > 0:
        found.append(finding("below_background", "PE of the monocytes, after what is subtracted, is not above zero"))
        return replace(base, findings=tuple(found))
    line = convert.calibration.line
    if limits.below(pe, line.pe_low) or limits.above(pe, line.pe_high):
        dim = pe < line.pe_low
        text = f"PE lies {'below the dimmest' if dim else 'above the brightest'} bead level that was used"
        also = ", as it does in an isotype or unstained tube" if dim and not convert.is_isotype else ""
        found.append(finding("extrapolated", f"{STATISTIC_NAMES[statistic]} {text}{also}"))
    if not convert.kit.interchangeable:
        name = convert.kit.name
        found.append(
            finding("kit_not_interchangeable", f"AB/C by {name} is not on the scale of the published cut-offs")
        )
    models = _models(reading, convert, statistic)
    found += _sensitive(abc, models, statistic, config)
    parts, dof, half = _interval(abc, pe, reading, convert, statistic, config)
    gates = reading.pe.get(statistic) or {}
    return replace(
        base,
        findings=tuple(found),
        abc=abc,
        abc_low=abc * math.exp(-half) if half is not None else None,
        abc_high=abc * math.exp(half) if half is not None else None,
        abc_tight=convert(gates.get("tight"), statistic),
        abc_wide=convert(gates.get("wide"), statistic),
        parts_ln=parts,
        dof=dof,
        models=models,
    )


def _blank(convert: _Conversion, statistic: str) -> float | None:
    """PE of the blank bead where it is the kit's detection threshold."""
    if convert.kit.blank != "threshold":
        return None
    blanks = [getattr(level, f"pe_{statistic}") for level in convert.calibration.levels if level.value is None]
    return blanks[0] if blanks else None


def _models(reading, convert: _Conversion, statistic: str) -> dict[str, float]:
    """AB/C by the other statistic, and by the other models of the line."""
    other = "geometric_mean" if statistic == "median" else "median"
    pe = reading.pe[statistic]["main"]
    made = {
        other: convert((reading.pe.get(other) or {}).get("main"), other),
        "slope_one": convert(pe, statistic, "by_slope_one"),
        "bead_autofluorescence": convert(pe, statistic, "by_offset"),
    }
    return {name: value for name, value in made.items() if value is not None}


def _sensitive(abc: float, models: Mapping[str, float], statistic: str, config: Mapping) -> list[Finding]:
    """Flag models that put the tube on another side of the phenotype's or the reversal's limit."""
    low, high = config["phenotype"]["hladr_sip_below_abc"], config["reversal"]["hladr_abc"]

    def side(value: float) -> tuple[bool, bool]:
        return limits.below(value, low), limits.above(value, high)

    found = []
    for name, value in models.items():
        if side(value) == side(abc):
            continue
        code = "statistic_sensitive" if name in STATISTIC_NAMES else "model_sensitive"
        limit = low if side(value)[0] != side(abc)[0] else high
        ours, theirs = wording.abc_number(abc, limit), wording.abc_number(value, limit)
        if code == "statistic_sensitive":
            text = f"the {STATISTIC_NAMES[statistic]} gives {ours} and the {STATISTIC_NAMES[name]} {theirs} AB/C"
        else:
            text = f"the bead line gives {ours} and {MODEL_NAMES[name]} {theirs} AB/C"
        found.append(finding(code, f"{text}, on different sides of {limit:,.0f}"))
    return found


def _interval(abc, pe, reading, convert: _Conversion, statistic: str, config: Mapping):
    line = convert.calibration.line
    variance = line.variance_at(pe)
    settings = config["quantify"]["interval"]
    if variance is None and settings["line"]:
        return {}, None, None
    parts = intervals.parts(
        line_variance=variance or 0.0,
        sd_ln=reading.pe_sd_ln,
        n=reading.n_monocytes or 0,
        statistic=statistic,
        gate=reading.gate_doubt.get(statistic),
        kit_cv_percent=convert.calibration.assignment_cv_percent,
        settings=settings,
    )
    if convert.kit.abc not in ("per_antibody", "conversion"):
        parts["pe_per_antibody"] = 0.0
    if convert.subtracts:
        # a difference: what is the tube's own grows with the share that is subtracted, and the isotype adds its own
        grow = (abc + convert.isotype.abc) / abc
        own = ("sampling", "gate", "repeatability")
        theirs = convert.isotype.parts_ln
        for name in own:
            parts[name] = math.hypot(parts[name] * grow, theirs.get(name, 0.0) * (grow - 1))
    half, dof = intervals.half_width(parts, line.dof)
    return parts, (None if math.isinf(dof) else dof), half


def _compare_replicates(measurements: Sequence[Measurement]) -> list[Measurement]:
    """Flag the tubes of one draw that differ by more than 20 %."""
    replaced = superseded(measurements)
    draws: dict[tuple[str, int], list[int]] = defaultdict(list)
    for k, m in enumerate(measurements):
        if m.role == "patient" and m.sample_id not in replaced and m.status != FAILED and m.abc is not None:
            draws[m.patient_id, m.day].append(k)
    out = list(measurements)
    for members in draws.values():
        values = [measurements[k].abc for k in members]
        if len(values) > 1 and limits.above(max(values), (1 + REPLICATES_DIFFER) * max(min(values), 0.0)):
            shown = " and ".join(f"{v:,.0f}" for v in sorted(values))
            note = finding("replicates_disagree", f"the tubes of this draw differ by more than 20 % ({shown} AB/C)")
            for k in members:
                out[k] = replace(out[k], findings=(*out[k].findings, note))
    return out
