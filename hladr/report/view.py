"""The data blocks of the report, joined from the result tables and the values behind them; it decides nothing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from .. import release
from ..study.types import Study, superseded
from . import risk as risks

TUBES_PER_BLOCK = 20
PATIENTS_PER_BLOCK = 50
WHY_LETTERS = 90  # of a reason in the list of tubes; its whole is on the page of the tube
TUBE_COLUMNS = (
    "id",
    "patient",
    "day",
    "lab",
    "role",
    "status",
    "flags",
    "why",
    "abc",
    "low",
    "high",
    "n_mono",
    "pct",
    "acquired",
    "bead",
    "call",
    "borderline",
    "risk",
    "limit",
    "distance",
    "rank",
    "release",
    "gate",
    "reported",
    "doubt",
    "by",
    "block",
    "picture",
)


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
    digests : mapping of str to mapping
        `tubes` and `beads`, by id what `provenance.kept_digests` knows of the files as they were read.
    """

    study: Study
    tables: Mapping[str, Sequence[Mapping]]
    readings: Mapping
    calibrations: Mapping
    measurements: Mapping
    pictures: Mapping
    bead_pictures: Mapping
    gates: frozenset
    digests: Mapping

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
    said, replaced = decisions(inputs), superseded(inputs.study.tubes)
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
                "why": shortened(row["reason"] or ""),
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
                "release": release.of_tube(row, said.get(name), name in replaced, is_patient),
                "gate": row["gate_source"],
                "reported": row["abc_source"] == "reported",
                "doubt": rounded(gate_doubt_percent(reading), 3),
                "by": replaced.get(name),
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


def gate_doubt_percent(reading) -> float | None:
    """Add up what an automatic gate is expected to hold wrongly and to miss, in percent; a reviewer's gate has none."""
    if reading is None or reading.gate_source != "automatic" or reading.contamination is None or reading.loss is None:
        return None
    return 100 * (reading.contamination + reading.loss)


def rounded(value: float | None, digits: int = 9) -> float | None:
    """Keep so many significant digits: pages need no more, and are a third smaller."""
    return None if value is None else float(f"{value:.{digits}g}")


def shortened(words: str, most: int = WHY_LETTERS) -> str:
    """Cut a sentence between two words; what is short enough stays whole, without its full stop."""
    words = words.strip().removesuffix(".")
    words = words[:1].upper() + words[1:]
    if len(words) <= most:
        return words
    return words[:most].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def table(records: Sequence[Mapping], columns: Sequence[str]) -> dict:
    """Write records as columns and rows, which is half the size."""
    return {"columns": list(columns), "rows": [[record[name] for name in columns] for record in records]}


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
