"""The data blocks of the report, joined from the result tables and the values behind them; it decides nothing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from . import risk as risks
from .cytometers import known_cytometer
from .histogram import alternatives, histogram

TUBES_PER_BLOCK = 20
PATIENTS_PER_BLOCK = 50
GATE_NAMES = {
    "limits": "events in range",
    "singlets": "singlets",
    "leukocytes": "leukocytes",
    "monocytes_cd45": "monocytes by CD45 and SSC",
    "monocytes": "monocytes",
}
TUBE_COLUMNS = (
    "id patient day lab role status flags abc low high n_mono pct acquired bead call borderline risk limit distance "
    "rank release gate block picture"
).split()


@dataclass(frozen=True)
class Inputs:
    """Everything the report is made of.

    Attributes
    ----------
    study : study.Study
    tables : mapping of str to list of dict
        Rows of the result tables, typed.
    readings, calibrations, measurements : mapping
        By sample_id, bead_id, sample_id.
    pictures, bead_pictures : mapping of str to Path
        By sample_id and bead_id, where there is a picture.
    gates : set of str
        sample_ids with a GatingML file.
    """

    study: object
    tables: Mapping[str, Sequence[Mapping]]
    readings: Mapping
    calibrations: Mapping
    measurements: Mapping
    pictures: Mapping
    bead_pictures: Mapping
    gates: frozenset

    @property
    def config(self) -> Mapping:
        """The whole configuration."""
        return self.study.config


def decisions(inputs: Inputs) -> dict:
    """Give the reviewer's last word on each tube."""
    return {release.sample_id: release for release in inputs.study.releases}


def tube_index(inputs: Inputs) -> list[dict]:
    """Make one record per row of samples.csv, ranked by the risk to a decision."""
    draws = {(d["patient_id"], d["day"]): d for d in inputs.tables["phenotypes"]}
    courses = {c["patient_id"]: c for c in inputs.tables["reversal"]}
    baseline = inputs.config["baseline_day"]
    said, replaced = decisions(inputs), {t.replaces for t in inputs.study.tubes if t.replaces}
    roles = {tube.sample_id: tube.role for tube in inputs.study.tubes}
    records = []
    for place, row in enumerate(inputs.tables["quantification"]):
        name, patient = row["sample_id"], row["patient_id"]
        is_patient = roles.get(name) == "patient"
        draw = draws.get((patient, row["day"])) if is_patient else None
        course = courses.get(patient) if is_patient else None
        measured, reading = inputs.measurements.get(name), inputs.readings.get(name)
        others = [row["abc_tight"], row["abc_wide"], *(measured.models.values() if measured else ())]
        first = draws.get((patient, baseline), {}).get("abc")
        limits = risks.limits_that_decide(draw, course, inputs.config, first)
        risk = risks.of_tube(row, others, limits, draw["phenotype"] if draw else None)
        if name in replaced:
            risk = risks.Risk(risks.SUPERSEDED)
        records.append(
            {
                "id": name,
                "patient": patient,
                "day": row["day"],
                "lab": row["lab"],
                "role": roles.get(name, "patient"),
                "status": row["status"],
                "flags": row["flags"] or "",
                "abc": rounded(row["abc"]),
                "low": rounded(row["abc_low"]),
                "high": rounded(row["abc_high"]),
                "n_mono": row["n_monocytes"],
                "pct": rounded(row["monocyte_percent"], 4),
                "acquired": reading.acquired_at if reading else None,
                "bead": row["bead_id"],
                "call": draw["phenotype"] if draw else None,
                "borderline": bool(draw and draw["borderline"]),
                "risk": rounded(risk.chance, 4),
                "limit": risk.limit,
                "distance": rounded(risk.distance_percent, 4),
                "group": risk.group,
                "release": release_state(row, said.get(name), name in replaced),
                "gate": row["gate_source"],
                "block": f"tubes-{place // TUBES_PER_BLOCK:04d}",
                "picture": f"pictures/{quote(name)}.png" if name in inputs.pictures else None,
                "place": place,
            }
        )
    order = {"failed": 0, "review": 1, "ok": 2}
    ranked = sorted(
        records,
        key=lambda t: (t["group"], -(t["risk"] if t["risk"] is not None else -1), order[t["status"]], t["place"]),
    )
    for rank, record in enumerate(ranked, start=1):
        record["rank"] = rank
    return records


def release_state(row: Mapping, decision, superseded: bool) -> str:
    """Say what may be done with a tube's value: `may`, `look`, `no`, `held`, `released` or `superseded`."""
    if superseded:
        return "superseded"
    if decision is not None and decision.decision == "hold":
        return "held"
    if row["status"] == "failed":
        return "no"
    if decision is not None and decision.decision == "release":
        return "released"
    return "may" if row["status"] == "ok" else "look"


def rounded(value: float | None, digits: int = 7) -> float | None:
    """Keep so many significant digits: pages need no more, and are a third smaller."""
    return None if value is None else float(f"{value:.{digits}g}")


def table(records: Sequence[Mapping], columns: Sequence[str]) -> dict:
    """Write records as columns and rows, which is half the size."""
    return {"columns": list(columns), "rows": [[record[name] for name in columns] for record in records]}


def tube_blocks(inputs: Inputs, index: Sequence[Mapping]) -> dict[str, dict]:
    """Make the details of all tubes, `TUBES_PER_BLOCK` to a file: neighbours are there when one is opened."""
    blocks: dict[str, dict] = defaultdict(dict)
    rows = {row["sample_id"]: row for row in inputs.tables["quantification"]}
    said = decisions(inputs)
    for record in index:
        blocks[record["block"]][record["id"]] = tube_detail(inputs, rows[record["id"]], record, said)
    return blocks


def tube_detail(inputs: Inputs, row: Mapping, record: Mapping, said: Mapping) -> dict:
    """Make what is shown of one tube besides its row."""
    name = row["sample_id"]
    reading, measured = inputs.readings.get(name), inputs.measurements.get(name)
    config, override = inputs.config, inputs.study.overrides.get(name)
    calibration = inputs.calibrations.get(row["bead_id"]) if row["bead_id"] else None
    limits = [float(config["phenotype"]["hladr_sip_below_abc"]), float(config["reversal"]["hladr_abc"])]
    shown = [(limits[0], f"SIP below {limits[0]:,.0f}"), (limits[1], f"reversal above {limits[1]:,.0f}")]
    statistic = config["quantify"]["statistic"]
    detail: dict[str, object] = {
        "findings": [vars_of(f) for f in measured.findings] if measured else [],
        "hist": None,
        "gates": gate_rows(reading) if reading else [],
        "alternatives": [],
        "settings": [],
        "bead": row["bead_id"],
        "gatingml": f"gates/{quote(name)}.xml" if name in inputs.gates else None,
        "decision": None,
        "override": None,
    }
    if reading is not None and measured is not None:
        line = calibration.line if calibration else None
        kit = calibration.kit if calibration else ""
        detail["hist"] = histogram(reading, measured, line, kit, shown, statistic)
        detail["alternatives"] = alternatives(measured, reading, limits, alternative_names(statistic))
        models = {
            "cytometer": [
                known_cytometer(reading.cytometer),
                calibration and known_cytometer(beads_cytometer(calibration)),
            ]
        }
        detail["settings"] = [setting(compared, models.get(compared["what"])) for compared in measured.pairing]
    if name in said:
        detail["decision"] = {"reviewer": said[name].reviewer, "date": str(said[name].date)}
    if override is not None:
        detail["override"] = {
            "reviewer": override.reviewer,
            "reason": override.reason,
            "date": str(override.date),
            "automatic": automatic_words(reading, statistic),
        }
    return detail


def vars_of(found) -> dict:
    """Make a finding a plain mapping."""
    return {"code": found.code, "sentence": found.sentence, "status": found.status}


def alternative_names(statistic: str) -> dict[str, str]:
    """Name the alternatives of AB/C as a person would ask for them."""
    other = "geometric mean" if statistic == "median" else "median"
    return {
        "main": "as it is",
        "tight": "the gate were slightly tighter",
        "wide": "the gate were slightly wider",
        "median" if statistic != "median" else "geometric_mean": f"the {other} were used",
        "slope_one": "the bead line had slope 1",
        "bead_autofluorescence": "the beads had autofluorescence of their own",
    }


def gate_rows(reading) -> list[dict]:
    """Count events from the file to the monocytes, as far as the reading says."""
    if reading.n_events is None:
        return []
    rows = [{"name": "all events", "parent": "", "events": reading.n_events, "percent": None}]
    shares = reading.shares or {}
    for key, name, parent in (
        ("margin", "at a detector's limit", "all events"),
        ("doublets", "doublets", "events in range"),
        ("unstable_time", "in unstable time", "all events"),
    ):
        if shares.get(key) is not None:
            rows.append({"name": name + ", left out", "parent": parent, "events": None, "percent": 100 * shares[key]})
    if reading.n_leukocytes is not None:
        share = 100 * reading.n_leukocytes / reading.n_events if reading.n_events else None
        rows.append({"name": "leukocytes", "parent": "all events", "events": reading.n_leukocytes, "percent": share})
    if reading.n_monocytes is not None:
        rows.append(
            {
                "name": "monocytes",
                "parent": "leukocytes",
                "events": reading.n_monocytes,
                "percent": reading.monocyte_percent,
            }
        )
    for key, name in (
        ("contamination", "foreign events in the gate, expected"),
        ("loss", "monocytes outside, expected"),
    ):
        value = getattr(reading, key)
        if value is not None:
            rows.append({"name": name, "parent": "monocytes", "events": None, "percent": 100 * value})
    if shares.get("saturated"):
        rows.append(
            {"name": "at the PE limit", "parent": "monocytes", "events": None, "percent": 100 * shares["saturated"]}
        )
    return rows


def beads_cytometer(calibration) -> str | None:
    """Take the cytometer's name from a bead run."""
    return calibration.settings.cytometer if calibration.settings else None


def setting(row: Mapping, models: Sequence[str | None] | None) -> dict:
    """Show one compared setting.

    What a header says in words stays out, but for a cytometer's model that is recognised; whether it agrees is told.
    """
    hidden = row["tube"] is None and row["beads"] is None and row["agree"] is not None
    tube, beads = (models or (None, None)) if hidden else (shown(row["tube"]), shown(row["beads"]))
    stated = "stated" if hidden else None
    return {"name": row["what"], "tube": tube or stated, "beads": beads or stated, "same": row["agree"]}


def shown(value: object) -> object:
    """Write a setting: numbers without trailing digits."""
    return f"{value:.6g}" if isinstance(value, float) else value


def automatic_words(reading, statistic: str) -> str:
    """Say what the automatic gate would have given beside an override."""
    automatic = getattr(reading, "automatic", None) if reading is not None else None
    if not automatic:
        return ""
    pe = ((automatic.get("pe") or {}).get(statistic) or {}).get("main")
    ours = (reading.pe.get(statistic) or {}).get("main")
    n = automatic.get("n_monocytes")
    words = f"The automatic gate holds {n:,} monocytes" if n is not None else "The automatic gate"
    if pe and ours:
        words += f" with {statistic.replace('_', ' ')} PE {pe:,.4g}; the reviewer's gate {reading.n_monocytes:,} with {ours:,.4g} ({100 * (ours / pe - 1):+.1f} %)"
    return words + "."


def patient_index(inputs: Inputs) -> list[dict]:
    """Make one record per patient, without the treatment arm."""
    return [
        {
            "id": row["patient_id"],
            "baseline": row["baseline_phenotype"],
            "reversal": row["reversal"],
            "reversal_day": row["reversal_day"],
            "n": row["n_follow_up"],
            "reason": row["reason"],
            "block": f"patients-{place // PATIENTS_PER_BLOCK:04d}",
        }
        for place, row in enumerate(inputs.tables["reversal"])
    ]


def patient_blocks(inputs: Inputs, index: Sequence[Mapping]) -> dict[str, dict]:
    """Make the draws of all patients, `PATIENTS_PER_BLOCK` to a file."""
    draws: dict[str, list[dict]] = defaultdict(list)
    for row in inputs.tables["phenotypes"]:
        draws[row["patient_id"]].append(
            {
                "day": row["day"],
                "status": row["status"],
                "call": row["phenotype"],
                "borderline": row["borderline"],
                "abc": rounded(row["abc"]),
                "low": rounded(row["abc_low"]),
                "high": rounded(row["abc_high"]),
                "f": rounded(row["ferritin_ng_ml"]),
                "f_low": rounded(row["ferritin_low"]),
                "f_high": rounded(row["ferritin_high"]),
                "p": rounded(row["probability"], 4),
                "reason": row["reason"],
                "tube": row["sample_id"],
            }
        )
    blocks: dict[str, dict] = defaultdict(dict)
    for record in index:
        blocks[record["block"]][record["id"]] = sorted(draws.get(record["id"], ()), key=lambda d: d["day"])
    return blocks
