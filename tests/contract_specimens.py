"""One study with a specimen for nearly every sentence of the contract, and what the contract says of each."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import yaml

from hladr.simulate import CYTOMETERS, LOTS, BeadRun, Blood, Cytometer, simulate_beads, simulate_tube
from hladr.simulate.fcs_write import write_fcs

NOON = datetime(2026, 3, 3, 12, 0)
MAKERS = ("canto", "fortessa", "navios", "calibur", "cytoflex", "accuri", "attune", "cytek")
# What people type into headers and file names; the word is the header field's own.
WORDS = (
    *("$FIL", "$OP", "$SRC", "$SMNO", "$INST", "$CELLS", "$COM", "$EXP", "$PROJ", "$SYS", "$LAST_MODIFIER"),
    *("$ORIGINALITY", "$PLATENAME", "$PLATEID", "$WELLID", "GUID", "TUBE NAME", "EXPERIMENT NAME", "PATIENT NAME"),
    *("DATE OF BIRTH", "EXPORT USER NAME", "@SAMPLEID4"),
)
HEADER = {word: f"Qxsecret{i:02d}" for i, word in enumerate(WORDS)}
SECRETS = (*HEADER.values(), "Qxtubefile", "Qxbeadfile", "Qxfolder")
ARMS = ("Qxarmone", "Qxarmtwo")


@dataclass
class Specimens:
    """The study as it grows: rows of the tables, and the expected (status, codes) by id."""

    folder: Path
    labs: dict = field(default_factory=dict)
    samples: list = field(default_factory=list)
    beads: list = field(default_factory=list)
    ferritin: list = field(default_factory=list)
    lots: dict = field(default_factory=dict)
    tubes_expected: dict[str, tuple[str, set[str]]] = field(default_factory=dict)
    beads_expected: dict[str, tuple[str, set[str]]] = field(default_factory=dict)

    def random(self) -> np.random.Generator:
        return np.random.default_rng([20260303, len(self.samples), len(self.beads)])

    def lab(self, name: str, model: str, **entry: object) -> None:
        cytometer = CYTOMETERS[model]
        if cytometer.compensation == "hardware":
            entry["compensation"] = "none"
        elif cytometer.compensation == "separate":
            path = self.folder / "compensation" / f"{name}.csv"
            path.parent.mkdir(exist_ok=True)
            lines = [",".join(cytometer.spill_names())]
            lines += [",".join(f"{x:.6g}" for x in row) for row in cytometer.stated_spillover]
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            entry["compensation"] = f"compensation/{name}.csv"
        self.labs[name] = {"decimal": ".", **entry}

    def _write(self, path: Path, contents, model: str, at: datetime, header: dict, events: Callable | None) -> None:
        cytometer = CYTOMETERS[model]
        simulate = simulate_beads if isinstance(contents, BeadRun) else simulate_tube
        simulated = simulate(contents, cytometer, self.random())
        if events is not None:
            simulated = replace(simulated, events=events(simulated.events.copy(), simulated.cytometer))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_fcs(path, simulated, at, keywords={**HEADER, **header})

    def bead(
        self, bead_id, status="ok", codes="", *, run=None, model="canto", kit="quantibrite-pe", lot="96597",
        at=NOON - timedelta(hours=2), header=None, events=None, raw=None, stated_lot=None,
    ):  # fmt: skip
        path = f"fcs/Qxfolder/Qxbeadfile {bead_id}.fcs"
        if raw is None:
            run = run or BeadRun(values=LOTS[kit, lot], n_events=5000)
            self._write(self.folder / path, run, model, at, header or {}, events)
        elif raw != "absent":
            (self.folder / path).write_bytes(raw)
        lab = {"lab": model, "bead_id": bead_id, "fcs": path, "kit": kit, "lot": stated_lot or lot}
        self.beads.append(lab)
        self.lots[kit, lot] = LOTS[kit, lot]
        self.beads_expected[bead_id] = (status, set(codes.split()))

    def tube(
        self, sample_id, status="ok", codes="", *, blood=None, model="canto", lab=None, at=NOON, header=None,
        events=None, raw=None, ferritin="600", patient=None, day=1, **row,
    ):  # fmt: skip
        path = f"fcs/Qxfolder/Qxtubefile {sample_id}.fcs"
        if raw is None:
            self._write(self.folder / path, blood or tube_blood(), model, at, header or {}, events)
        elif raw not in ("absent", "no path"):
            (self.folder / path).write_bytes(raw)
        patient = patient or f"P-{sample_id}"
        given = {
            "sample_id": sample_id,
            "patient_id": patient,
            "day": day,
            "lab": lab or model,
            "fcs": "" if raw == "no path" else path,
            "bead_id": f"B-{model}",
            "arm": ARMS[sum(map(ord, patient)) % 2],
        }
        self.samples.append({**given, **row})
        self.tubes_expected[sample_id] = (status, set(codes.split()))
        if ferritin is not None:
            self.ferritin.append({"patient_id": patient, "day": day, "ferritin": ferritin, "unit": "ng/mL"})

    def write_tables(self) -> None:
        columns = ["sample_id", "patient_id", "day", "lab", "fcs", "bead_id", "abc_reported", "arm", "collected_at"]
        _table(self.folder / "samples.csv", [*columns, "replaces", "isotype_id", "role"], self.samples)
        _table(self.folder / "beads.csv", ["bead_id", "lab", "fcs", "kit", "lot"], self.beads)
        _table(self.folder / "ferritin.csv", ["patient_id", "day", "ferritin", "unit"], self.ferritin)
        lots = [
            {"kit": kit, "lot": lot, "level": level, "value": "" if value is None else value, "source": "certificate"}
            for (kit, lot), values in self.lots.items()
            for level, value in enumerate(values, 1)
        ]
        _table(self.folder / "bead_lots.csv", ["kit", "lot", "level", "value", "source"], lots)
        (self.folder / "labs.yaml").write_text(yaml.safe_dump(self.labs), encoding="utf-8")
        config = {"contract": 1, "study": "specimens", "run": {"pictures": False}}
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def _table(path: Path, columns: list[str], rows: list[dict]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def tube_blood(**changes: object) -> Blood:
    return Blood(**{"n_events": 6000, "abc": 12_000.0, "monocyte_fraction": 0.25, **changes})


def _set(rows: slice, value: float, channel: str | None = None) -> Callable:
    def change(events: np.ndarray, cytometer: Cytometer) -> np.ndarray:
        events[rows, slice(None) if channel is None else cytometer.index(channel)] = value
        return events

    return change


def _repeat(events: np.ndarray, cytometer: Cytometer) -> np.ndarray:
    events[3000:3030] = events[1000:1030]
    return events


def _cut_pe(limit: float) -> Callable:
    def change(events: np.ndarray, cytometer: Cytometer) -> np.ndarray:
        column = cytometer.index("PE-A")
        events[:, column] = np.minimum(events[:, column], limit)
        return events

    return change


def build(folder: Path) -> Specimens:
    """Write the study; nothing of it is measured here."""
    study = Specimens(folder)
    folder.mkdir(parents=True)
    for model in MAKERS:
        study.lab(model, model, timezone="Europe/Athens")
        study.bead(f"B-{model}", model=model)
        study.tube(model, model=model)
    whole = (folder / "fcs/Qxfolder/Qxtubefile canto.fcs").read_bytes()
    beads = (folder / "fcs/Qxfolder/Qxbeadfile B-canto.fcs").read_bytes()
    _files(study, whole)
    _monocytes_and_signals(study)
    _pairs(study, whole)
    _kits(study)
    _draws(study)
    _bead_runs(study, beads)
    study.write_tables()
    return study


def _files(study: Specimens, whole: bytes) -> None:
    tube = study.tube
    tube("absent", "failed", "missing_file", raw="absent", abc_reported="7000")
    tube("both-empty", "failed", "missing_file", raw="no path", bead_id="")
    tube("reported", raw="no path", bead_id="", abc_reported="4990.5")
    tube("empty", "failed", "unreadable_fcs", raw=b"", abc_reported="7000")
    tube("one-byte", "failed", "unreadable_fcs", raw=b"X")
    tube("zipped", "failed", "unreadable_fcs", raw=b"PK\x03\x04" + bytes(range(256)) * 40)
    tube("other-magic", "failed", "unreadable_fcs", raw=b"XCS3.0" + whole[6:])
    tube("no-numbers", "failed", "unreadable_fcs", raw=whole[:10] + b"x" * 48 + whole[58:])
    for name, size in (("in-header", 30), ("in-text", 400), ("in-half", len(whole) // 2), ("last", len(whole) - 1)):
        tube(f"cut-{name}", "failed", "truncated_fcs", raw=whole[:size])
    tube("no-cd14", "failed", "channel_missing", header={"$P5N": "Foo-A", "$P5S": "Foo"})
    tube("no-side", "failed", "channel_missing", header={"$P3N": "Foo-A"})
    tube("nothing", "failed", "no_events", events=lambda events, cytometer: events[:0])
    few, many = slice(1000, 1030), slice(1000, 1300)
    tube("nan-few", "review", "corrupt_events", events=_set(few, np.nan, "PE-A"))
    tube("nan-many", "failed", "corrupt_events", events=_set(many, np.nan, "PE-A"))
    tube("infinite", "review", "corrupt_events", events=_set(few, np.inf, "FSC-A"))
    tube("zero-few", "review", "corrupt_events", events=_set(few, 0))
    tube("zero-many", "failed", "corrupt_events", events=_set(many, 0))
    tube("repeated", "review", "corrupt_events", events=_repeat)


def _monocytes_and_signals(study: Specimens) -> None:
    tube = study.tube
    tube("monocytopenia", "failed", "no_monocytes", blood=tube_blood(monocyte_fraction=0.005))
    tube("scarce", "review", "few_monocytes", blood=tube_blood(monocyte_fraction=0.08))
    tube("dim", "review", "extrapolated", blood=tube_blood(abc=250.0))
    tube("bright", "review", "extrapolated", blood=tube_blood(abc=110_000.0))
    tube("at-limit", "review", "saturated", events=_cut_pe(7_500.0))
    tube("fading", "failed", "signal_drift", blood=tube_blood(drift={"PE": -0.5}))
    tube("sliding", "review", "signal_drift", blood=tube_blood(n_events=12_000, drift={"PE": 0.30}))
    tube("clogged", "review", "signal_drift", blood=tube_blood(n_events=12_000, clog=(0.4, 0.6, 0.6)))


def _pairs(study: Specimens, whole: bytes) -> None:
    tube = study.tube
    tube("voltage", "failed", "settings_mismatch", header={"$P4V": "510"})
    tube("gain", "failed", "settings_mismatch", header={"$P4G": "2.0"})
    tube("range", "failed", "settings_mismatch", header={"$P4R": "1048576"})
    tube("amplified", "failed", "settings_mismatch", header={"$P4E": "4,1"})
    tube("no-voltage", header={"$P4V": None})
    tube("other-name", "failed", "cytometer_mismatch", header={"$CYT": "LSRFortessa"})
    tube("other-serial", "failed", "cytometer_mismatch", header={"CYTNUM": "V1"})
    tube("nameless", header={"$CYT": None, "CYTNUM": None})
    tube("next-day", "review", "bead_date_mismatch", at=NOON + timedelta(hours=23))
    tube("same-day", at=NOON + timedelta(hours=21))
    tube("no-beads", "failed", "calibration_missing", raw=whole, bead_id="")
    # acquired at 12:00 in Athens, which is 10:00 UTC in March; eight hours before it is 04:00, or 02:00 UTC
    for name, at, codes in (
        ("local-in-time", "2026-03-03T04:30", ""),
        ("local-late", "2026-03-03T03:30", "preanalytic_delay"),
        ("utc-in-time", "2026-03-03T02:30:00Z", ""),
        ("utc-late", "2026-03-03T01:30:00Z", "preanalytic_delay"),
        ("zone-in-time", "2026-03-03T05:30:00+03:00", ""),
        ("zone-late", "2026-03-03T04:30:00+03:00", "preanalytic_delay"),
        ("exactly", "2026-03-03T04:00:00", ""),
    ):
        tube(name, "review" if codes else "ok", codes, raw=whole, collected_at=at)


def _kits(study: Specimens) -> None:
    tube, bead = study.tube, study.bead
    bead("B-qsc", kit="quantum-simply-cellular", lot="SIM-Q")
    bead("B-mesf", kit="quantum-mesf", lot="SIM-M")
    bead("B-mef", kit="mef", lot="SIM-F")
    bead("B-qifi", "review", "peaks_missing saturated", kit="qifikit", lot="SIM-K")
    tube("by-qsc", "review", "kit_not_interchangeable", bead_id="B-qsc")
    tube("by-mesf", "review", "kit_not_interchangeable", bead_id="B-mesf")
    tube("by-mef", "failed", "kit_no_abc", bead_id="B-mef")
    both = "kit_not_interchangeable calibration_review"
    tube("by-qifi", "review", both, bead_id="B-qifi", isotype_id="isotype", patient="P-qifi")
    isotype = tube_blood(abc=3000.0)
    tube("isotype", "review", both, blood=isotype, bead_id="B-qifi", role="isotype", patient="P-qifi", ferritin=None)


def _draws(study: Specimens) -> None:
    tube = study.tube
    tube("twin-a", "review", "replicates_disagree", blood=tube_blood(abc=7000.0), patient="P-twins")
    tube("twin-b", "review", "replicates_disagree", blood=tube_blood(abc=9500.0), patient="P-twins", ferritin=None)
    tube("first", blood=tube_blood(abc=3000.0), patient="P-replaced")
    tube("second", patient="P-replaced", replaces="first", ferritin=None)
    tube("control", role="control", ferritin=None, day=0)
    tube("0012", patient="0007")
    for day, text in ((1, "20000"), (2, "900"), (4, "15000")):
        tube(f"hook-{day}", raw="no path", bead_id="", abc_reported="9000", patient="P-hook", day=day, ferritin=text)


def _bead_runs(study: Specimens, whole: bytes) -> None:
    def bead(name, status, codes, **options):
        study.bead(name, status, codes, **options)

    def run(**changes):
        return BeadRun(n_events=5000, **changes)

    bead("B-absent", "failed", "missing_file", raw="absent")
    bead("B-empty", "failed", "unreadable_fcs", raw=b"")
    bead("B-cut", "failed", "truncated_fcs", raw=whole[:-1])
    bead("B-no-pe", "failed", "channel_missing", header={"$P4N": "Foo-A", "$P4S": ""})
    bead("B-nothing", "failed", "no_events", events=lambda events, cytometer: events[:0])
    bead("B-nan", "failed", "corrupt_events", events=_set(slice(1000, 1300), np.nan, "PE-A"))
    bead("B-no-lot", "failed", "lot_unknown", stated_lot="99999")
    bead("B-cells", "failed", "not_beads", run=tube_blood())
    bead("B-three", "review", "peaks_missing", run=run(missing=(4,)))
    bead("B-two", "failed", "peaks_missing", run=run(missing=(1, 2)))
    bead("B-merged", "failed", "peaks_merged", run=run(merged=(3, 4)))
    bead("B-few", "review", "few_bead_events", run=BeadRun(n_events=260))
    bead("B-off", "failed", "recovery_out_of_range", run=run(true_over_assigned=(1.0, 1.25, 0.85, 1.05)))
    study.tube("by-cut", "failed", "calibration_failed", bead_id="B-cut")
    study.tube("by-three", "review", "calibration_review", bead_id="B-three")
