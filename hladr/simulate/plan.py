"""A study folder from a plan: laboratories, bead runs, tubes, blood values, and the truth beside them."""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import yaml

from .beads import LOTS, BeadRun, SimulatedBeads, simulate_beads
from .blood import Blood, SimulatedTube, simulate_tube
from .cytometer import Cytometer
from .fcs_write import write_fcs

SOURCES = {
    "96597": "public lot of the maker",
    "SIM": "simulated lot, values made up",
}


@dataclass(frozen=True)
class Lab:
    """A central laboratory: its cytometer and its entry of labs.yaml."""

    name: str
    cytometer: Cytometer
    entry: Mapping[str, object]


@dataclass(frozen=True)
class BeadPlan:
    """A bead acquisition: what is in the tube (beads, or by mistake blood), and what the table says of it.

    A run with `same_as` has the file of that run.
    """

    bead_id: str
    lab: str
    acquired_at: datetime
    contents: BeadRun | Blood
    kit: str = "quantibrite-pe"
    lot: str = "96597"
    same_as: str = ""
    expected_status: str = "ok"
    expected_flag: str = ""


@dataclass(frozen=True)
class TubePlan:
    """A stained tube: its row of samples.csv, what is in it, and what is wrong with its file.

    `damage` is `truncated`, `missing` or empty; `pe_voltage_change` moves the PE photomultiplier away from the beads';
    `pe_gain` is the day's, the same as that of its beads. A tube with `same_as` has the file of that tube.
    """

    sample_id: str
    patient_id: str
    day: int
    lab: str
    blood: Blood | None
    acquired_at: datetime
    bead_id: str = ""
    arm: str = ""
    collected_at: str = ""
    abc_reported: float | None = None
    replaces: str = ""
    role: str = "patient"
    damage: str = ""
    pe_voltage_change: float = 0.0
    pe_gain: float = 1.0
    same_as: str = ""
    identity: bool = False
    expected_status: str = "ok"
    expected_flag: str = ""


@dataclass(frozen=True)
class StudyPlan:
    """Everything that a study folder holds.

    `ferritin`: rows (patient_id, day, text, unit, lab). `outcomes`: rows of outcomes.csv. `calls` and `courses`: rows
    of the truth.
    """

    name: str
    labs: Sequence[Lab]
    beads: Sequence[BeadPlan]
    tubes: Sequence[TubePlan]
    ferritin: Sequence[tuple]
    config: Mapping[str, object] = field(default_factory=dict)
    outcomes: Sequence[Mapping[str, object]] = ()
    calls: Sequence[Mapping[str, object]] = ()
    courses: Sequence[Mapping[str, object]] = ()


def write_plan(folder: str | Path, plan: StudyPlan, seed: int) -> Path:
    """Write a study folder with its files and its truth; the same plan and seed give the same bytes.

    Parameters
    ----------
    folder : path
        Made if it does not exist; files of the same names are replaced.
    plan : StudyPlan
        What to write.
    seed : int
        Of every acquisition, together with its position in the plan.

    Returns
    -------
    Path
        The folder.
    """
    folder = Path(folder)
    write_study_tables(folder, plan)
    labs = {lab.name: lab for lab in plan.labs}
    written: dict[str, Path] = {}
    for i, run in enumerate(plan.beads):
        if run.same_as:
            _link(written[run.same_as], folder / bead_path(run))
            continue
        rng = np.random.default_rng([seed, 1, i])
        cytometer = labs[run.lab].cytometer
        simulate = simulate_beads if isinstance(run.contents, BeadRun) else simulate_tube
        written[run.bead_id] = folder / bead_path(run)
        _write(written[run.bead_id], simulate(run.contents, cytometer, rng), run.acquired_at)
    for i, tube in enumerate(plan.tubes):
        if tube.blood is None or tube.damage == "missing":
            continue
        if tube.same_as:
            _link(written[tube.same_as], folder / tube_path(tube))
            continue
        written[tube.sample_id] = folder / tube_path(tube)
        write_tube(written[tube.sample_id], tube, labs[tube.lab].cytometer, np.random.default_rng([seed, 2, i]))
    return folder


def write_tube(path: Path, tube: TubePlan, cytometer: Cytometer, rng: np.random.Generator) -> None:
    """Simulate and write the file of one tube, its damage included."""
    pe = next(d for d in cytometer.detectors if d.marker == "HLA-DR")
    if tube.pe_voltage_change:
        cytometer = cytometer.at_voltage(pe.name, pe.voltage + tube.pe_voltage_change)
    if tube.pe_gain != 1:
        cytometer = cytometer.with_gains({pe.name: tube.pe_gain})
    _write(path, simulate_tube(tube.blood, cytometer, rng), tube.acquired_at, identity=tube.identity)
    if tube.damage == "truncated":
        whole = path.read_bytes()
        path.write_bytes(whole[: int(0.6 * len(whole))])


def _write(
    path: Path, simulated: SimulatedTube | SimulatedBeads, acquired_at: datetime, identity: bool = False
) -> None:
    # a file of an earlier study may be linked to others: it is replaced, not overwritten
    path.unlink(missing_ok=True)
    write_fcs(path, simulated, acquired_at, identity=identity)


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    os.link(source, target)


def tube_path(tube: TubePlan) -> str:
    """Return the path of a tube's file inside the study."""
    return f"fcs/{tube.lab}/{tube.sample_id}.fcs"


def bead_path(run: BeadPlan) -> str:
    """Return the path of a bead run's file inside the study."""
    return f"fcs/{run.lab}/beads/{run.bead_id}.fcs"


def write_study_tables(folder: Path, plan: StudyPlan) -> None:
    """Write every table, labs.yaml, config.yaml, the matrices, the truth, and the empty folders of the files."""
    for lab in plan.labs:
        (folder / "fcs" / lab.name / "beads").mkdir(parents=True, exist_ok=True)
    _yaml(folder / "config.yaml", {"contract": 1, "study": plan.name, **plan.config})
    _yaml(folder / "labs.yaml", {lab.name: complete_entry(folder, lab) for lab in plan.labs})
    samples = ["sample_id", "patient_id", "day", "lab", "fcs", "bead_id"]
    samples += ["abc_reported", "arm", "collected_at", "replaces", "role"]
    _table(
        folder / "samples.csv",
        samples,
        ({**vars(t), "fcs": tube_path(t) if t.blood is not None else ""} for t in plan.tubes),
    )
    _table(
        folder / "beads.csv",
        ["bead_id", "lab", "fcs", "kit", "lot"],
        ({**vars(run), "fcs": bead_path(run)} for run in plan.beads),
    )
    lots = dict.fromkeys((run.kit, run.lot) for run in plan.beads)
    _table(
        folder / "bead_lots.csv",
        ["kit", "lot", "level", "value", "source"],
        (
            {"kit": kit, "lot": lot, "level": level, "value": value, "source": SOURCES[lot.split("-")[0]]}
            for kit, lot in lots
            for level, value in enumerate(LOTS[kit, lot], 1)
        ),
    )
    names = ["patient_id", "day", "ferritin", "unit", "lab"]
    _table(folder / "ferritin.csv", names, (dict(zip(names, row, strict=True)) for row in plan.ferritin))
    if plan.outcomes:
        _table(folder / "outcomes.csv", list(plan.outcomes[0]), plan.outcomes)
    _truth(folder / "truth", plan)


def _truth(folder: Path, plan: StudyPlan) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tubes = ({**vars(t), "true_abc": t.blood.abc if t.blood is not None else t.abc_reported} for t in plan.tubes)
    names = ["sample_id", "patient_id", "day", "true_abc", "expected_status", "expected_flag"]
    _table(folder / "tubes.csv", names, tubes)
    beads = (vars(run) for run in plan.beads)
    _table(folder / "beads.csv", ["bead_id", "expected_status", "expected_flag"], beads)
    if plan.calls:
        _table(folder / "phenotypes.csv", list(plan.calls[0]), plan.calls)
    if plan.courses:
        _table(folder / "reversal.csv", list(plan.courses[0]), plan.courses)


def complete_entry(folder: Path, lab: Lab) -> dict[str, object]:
    """Complete a lab's entry: a matrix that is not in its files is written as a table."""
    entry = dict(lab.entry)
    where = lab.cytometer.compensation
    if where == "separate":
        entry["compensation"] = f"compensation/{lab.name}.csv"
        path = folder / entry["compensation"]
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(lab.cytometer.spill_names())
            writer.writerows([f"{x:.6g}" for x in row] for row in lab.cytometer.stated_spillover)
    elif where == "hardware":
        entry["compensation"] = "none"
    return entry


def _yaml(path: Path, content: Mapping[str, object]) -> None:
    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def _table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(_plain(row) for row in rows)


def _plain(row: Mapping[str, object]) -> dict[str, object]:
    return {
        key: "" if value is None else f"{value:.10g}" if isinstance(value, float) else value
        for key, value in row.items()
    }


def with_seeded_cytometer(cytometer: Cytometer, seed: int) -> Cytometer:
    """Give a lab's cytometer the small compensation error (2 %) that every real matrix has."""
    rng = np.random.default_rng([seed, 3, sum(cytometer.model.encode())])
    return cytometer.with_compensation_error(rng, 0.02)
