"""Write the report of a synthetic study and print sizes and times: `python benchmarks/report.py [--tubes N] [--quick]`.

The values are made up in the shapes of a real run; a few gate pictures of simulated tubes stand for all of them.
"""

import argparse
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import yaml

from hladr import paths
from hladr.calibration import Calibration, Level
from hladr.calibration.lines import fit
from hladr.flags import finding
from hladr.pairing import PESettings
from hladr.phenotype import call_draws
from hladr.quantify import quantify
from hladr.reversal import judge
from hladr.study import BeadRun, FerritinValue, Override, Release, Tube
from hladr.tables import write_table
from hladr.tube import TubeReading

LABS = ("athens", "jena", "lyon")
REVIEWED = "S00013"  # its gate was drawn by a reviewer, and its file was odd
VALUES = (638.0, 6930.0, 31008.0, 67601.0)
DAYS = (1, 2, 4, 7, 15, 21, 28)


def synthetic_study(n_tubes: int, seed: int = 1, patient: str = "P{:04d}") -> SimpleNamespace:
    """Make a study of made-up patients with all phenotypes; `patient` formats their ids."""
    from hladr.ferritin import Interval

    rng = np.random.default_rng(seed)
    config = yaml.safe_load((paths.pipeline_root() / "config" / "config.yaml").read_text(encoding="utf-8"))
    config["study"] = "Synthetic study"
    tubes, ferritin, runs, truth = [], [], {}, {}
    for k in range(n_tubes):
        person, visit = divmod(k, len(DAYS))
        name, lab, day = patient.format(person), LABS[person % 3], DAYS[visit]
        bead = f"B-{lab}-{person // 9:03d}"
        runs.setdefault(bead, BeadRun(bead, lab, f"fcs/{bead}.fcs", "quantibrite-pe", "96597"))
        collected = datetime(2026, 1, 5, 9) + timedelta(days=person // 9 * 7)
        arm = ("precision", "placebo")[person % 2]
        tubes.append(
            Tube(f"S{k:05d}", name, day, lab, f"fcs/S{k:05d}.fcs", bead, None, arm, collected, None, None, "patient", k)
        )
        severe = person % 5 == 0
        level = (9000 if severe else 700) * np.exp(0.5 * rng.standard_normal() - 0.08 * visit)
        interval = Interval(2000.0, None) if k % 41 == 7 else Interval.exact(round(float(level), 1))
        ferritin.append(FerritinValue(name, day, interval, lab))
        truth[f"S{k:05d}"] = float(np.exp(rng.normal(np.log(4200 + 900 * visit), 0.45)))
    return SimpleNamespace(
        config=config,
        labs={lab: {"preparation": "lyse-wash" if lab != "lyon" else "lyse-no-wash"} for lab in LABS},
        tubes=tuple(tubes),
        bead_runs=tuple(runs.values()),
        lots={},
        ferritin=tuple(ferritin),
        overrides={REVIEWED: Override(f"overrides/{REVIEWED}.xml", "C. Seer", "it cuts dim cells", date(2026, 2, 1))}
        if n_tubes > int(REVIEWED[1:])
        else {},
        releases=tuple(Release(f"S{k:05d}", "AB", ("hold", "release")[k % 2], date(2026, 2, 1)) for k in (3, 8)),
        outcomes=None,
        arms={tube.patient_id: tube.arm for tube in tubes},
        truth=truth,
    )


def reading(name: str, abc: float, rng: np.random.Generator) -> TubeReading:
    """Make up the reading of a tube."""
    k = int(name[1:])
    if k % 53 == 5:
        return TubeReading(name, (finding("truncated_fcs", "the file ends before its data: 3 of 9 MB are missing"),))
    n = 60 if k % 37 == 3 else int(rng.lognormal(7.5, 0.6))
    pe = abc / 1.7
    reviewed = {
        "notes": ("two_data_sets", "tot_disagrees"),
        "gate_source": "override",
        "automatic": {"n_monocytes": 1300, "pe": {"median": {"main": pe * 1.25}}},
    }
    values = np.arcsinh(np.exp(rng.normal(np.log(pe), 0.5, n)) / 131.0)
    edges = np.linspace(-2.0, 8.5, 65)
    found = []
    if n < 100:
        found.append(finding("no_monocytes", f"{n} monocytes were found, at least 100 are needed"))
    elif n < 1000:
        found.append(finding("few_monocytes", f"{n} monocytes were found, fewer than 1,000"))
    if k % 29 == 11:
        words = "about 9 % of the gated events may not be monocytes, and about 6 % of the monocytes may lie outside"
        found.append(finding("gate_uncertain", words))
    spread = {"main": pe, "tight": pe * 1.02, "wide": pe * 0.985}
    voltage = 480.0 if k % 47 == 9 else 450.0
    return TubeReading(
        name,
        tuple(found),
        30000,
        26000,
        n,
        100 * n / 26000,
        {"median": spread, "geometric_mean": {s: 0.97 * v for s, v in spread.items()}},
        n - 20,
        n + 25,
        0.5,
        {s: {"bias_ln": 0.0, "sd_ln": 0.03} for s in ("median", "geometric_mean")},
        0.02 + 0.07 * (k % 29 == 11),
        0.03,
        0.95,
        {"margin": 0.001, "doublets": 0.02, "unstable_time": 0.0, "saturated": 0.0, "pe_not_positive": 0.0},
        pe,
        pe * 1.03,
        {"edges": edges.tolist(), "counts": np.histogram(values, edges)[0].tolist(), "cofactor": 131.0},
        {"detector": "PE-A", "voltage": voltage, "gain": 1.0, "decades": 0.0, "log_minimum": 0.0, "range": 262144}
        | {"compensated": True, "compensation": "from_file"},
        "BD FACSCanto II",
        "V1",
        (datetime(2026, 1, 5, 14) + timedelta(days=k // 63 * 7)).isoformat(),
        **(reviewed if name == REVIEWED else {}),
    )


def calibration(run: BeadRun, place: int, rng: np.random.Generator) -> Calibration:
    """Make up a bead run."""
    pes = [v / 1.7 * float(np.exp(0.012 * rng.standard_normal())) for v in VALUES]
    line = fit(pes, VALUES)
    found = (finding("peaks_missing", "3 of 4 levels were found", "failed"),) if place % 17 == 4 else ()
    levels = tuple(
        Level(k + 1, v, pe, pe, 2200, 6.0, (pe * 0.8, pe * 1.25), True, "", r, r)
        for k, (v, pe, r) in enumerate(zip(VALUES, pes, line.recoveries, strict=True))
    )
    settings = PESettings(
        "PE-A", 450.0, 1.0, 0.0, 0.0, 262144.0, "BD FACSCanto II", "V1", "2026-01-05T08:00:00", "matrix"
    )
    lines = {"median": line, "geometric_mean": line}
    named = (run.bead_id, run.lab, run.kit, run.lot)
    return Calibration(*named, found, 4, levels, lines, assignment_cv_percent=3.0, settings=settings)


def write_results(study, results: Path, seed: int = 1, pictures: list[bytes] | None = None) -> None:
    """Write what the jobs before the report write."""
    from hladr.drift import series
    from hladr.plan import batch_folders

    # a generator of its own for each, so that an appended tube changes no other
    own = np.random.default_rng
    readings = {t.sample_id: reading(t.sample_id, study.truth[t.sample_id], own([seed, t.row])) for t in study.tubes}
    calibrations = {run.bead_id: calibration(run, k, own([seed, 0, k])) for k, run in enumerate(study.bead_runs)}
    measurements = quantify(study, readings, calibrations)
    draws = call_draws(study, measurements)
    (results / "batches").mkdir(parents=True, exist_ok=True)
    write_table(results / "quantification.csv", "quantification", (m.row() for m in measurements))
    write_table(results / "calibrations.csv", "calibrations", (c.row() for c in calibrations.values()))
    write_table(results / "phenotypes.csv", "phenotypes", (d.row() for d in draws))
    write_table(results / "reversal.csv", "reversal", (c.row() for c in judge(study, draws)))
    write_table(results / "drift.csv", "drift", series(list(calibrations.values()), study))
    size = study.config["run"]["batch_size"]
    folders = batch_folders(study, results)
    for kind, rows, lines, name in (
        ("tubes", study.tubes, [r.to_json() for r in readings.values()], "readings.jsonl"),
        ("beads", study.bead_runs, [c.to_json() for c in calibrations.values()], "calibrations.jsonl"),
    ):
        for k, folder in enumerate(folders[kind]):
            (folder / "pictures").mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("".join(x + "\n" for x in lines[k * size : (k + 1) * size]), encoding="utf-8")
            for row in rows[k * size : (k + 1) * size] if name == "readings.jsonl" and pictures else ():
                if readings[row.sample_id].n_events:
                    picture = pictures[int(row.sample_id[1:]) % len(pictures)]
                    (folder / "pictures" / f"{row.sample_id}.png").write_bytes(picture)
    text = "".join(m.to_json() + "\n" for m in measurements)
    (results / "batches" / "measurements.jsonl").write_text(text, encoding="utf-8")
    (results / "gates").mkdir(exist_ok=True)


def noise_picture(seed: int) -> bytes:
    """Draw four panels of made-up events: as large as a real gate picture, without gating a tube."""
    from hladr.gating import asinh_scale
    from hladr.plots import axes, panels

    rng, scale = np.random.default_rng(seed), asinh_scale(262144.0, 150.0)
    x = scale.apply(np.concatenate([rng.lognormal(6.3, 0.8, 26000), rng.lognormal(10, 0.5, 2000)]))
    y = scale.apply(np.concatenate([rng.lognormal(11.3, 0.45, 26000), rng.lognormal(10.6, 0.3, 2000)]))
    axis = axes.decade_axis("CD14 (PerCP-Cy5-5-A)", scale, -0.05, 1.0)
    corners = np.array([[0.7, 0.75], [0.97, 0.75], [0.97, 0.92], [0.7, 0.92]])
    panel = panels.PlotPanel(
        "Monocytes",
        "6.5 % of leukocytes, 2,013 events",
        x,
        y,
        axis,
        axis,
        (panels.Outline(corners),),
        np.arange(28000) >= 26000,
    )
    return panels.draw_panels([panel] * 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tubes", type=int, default=1000)
    parser.add_argument("--folder", default="", help="keep results/ in this folder")
    parser.add_argument("--quick", action="store_true", help="100 tubes")
    options = parser.parse_args()
    n_tubes = 100 if options.quick else options.tubes
    with tempfile.TemporaryDirectory() as temporary:
        results = Path(options.folder or temporary) / "results"
        study = synthetic_study(n_tubes)
        write_results(study, results, pictures=[noise_picture(seed) for seed in range(4)])
        from hladr.results import write_report

        for words in ("first time", "again, nothing changed"):
            start = time.perf_counter()
            write_report(study, results)
            seconds = time.perf_counter() - start
            print(f"{words}: {seconds:.1f} s, {n_tubes / seconds:.0f} tubes/s")
        files = [path for path in (results / "report").rglob("*") if path.is_file()]
        print(f"report.html: {(results / 'report.html').stat().st_size / 1e6:.2f} MB")
        print(f"folder: {sum(path.stat().st_size for path in files) / 1e6:.1f} MB in {len(files)} files")


if __name__ == "__main__":
    main()
