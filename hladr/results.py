"""The later jobs of the workflow: read what earlier jobs wrote, call the library, write the tables and pages.

One function per job, from a study, or the little of it that the job needs, and its `results` folder. Nothing is
computed here.
"""

import filecmp
import gc
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import plan
from .atomic import replacing, write_text
from .tables import carried_through, write_table

COHORT_FILES = ("cohort.csv", "cohort.html")


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for cycles among a job's millions of small values: up to half of its time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@_no_collection()
def write_quantification(study, results: Path) -> None:
    """Join tubes and bead runs: quantification.csv, calibrations.csv, drift.csv and the measurements behind them."""
    from . import drift
    from .quantify import quantify

    readings, calibrations = read_readings(study, results), read_calibrations(study, results)
    measurements = quantify(study, readings, calibrations)
    in_order = [calibrations[run.bead_id] for run in study.bead_runs]
    _write_with_own(results, "quantification", measurements, study.tubes)
    _write_with_own(results, "calibrations", in_order, study.bead_runs)
    write_table(results / "drift.csv", "drift", drift.series(in_order, study))
    write_text(results / "batches" / "measurements.jsonl", "".join(m.to_json() + "\n" for m in measurements))


def _write_with_own(results: Path, table: str, found: Sequence, of: Sequence) -> None:
    """Write a table with the further columns that the study's own table has."""
    extra, own = carried_through(table, [row.extra for row in of])
    rows = ({**value.row(), **more} for value, more in zip(found, own, strict=True))
    write_table(results / f"{table}.csv", table, rows, extra)


@_no_collection()
def write_calls(study, results: Path) -> None:
    """Call every draw and judge every patient: phenotypes.csv, reversal.csv, sensitivity.csv."""
    from . import sensitivity
    from .phenotype import call_draws
    from .reversal import judge

    measurements = read_measurements(results)
    draws = call_draws(study, measurements)
    courses = judge(study, draws)
    write_table(results / "phenotypes.csv", "phenotypes", (d.row() for d in draws))
    write_table(results / "reversal.csv", "reversal", (c.row() for c in courses))
    write_table(results / "sensitivity.csv", "sensitivity", sensitivity.rows(study, measurements))


@_no_collection()
def write_cohort(study, results: Path) -> None:
    """Compare the arms: cohort.csv, cohort.html."""
    from . import cohort
    from .cohort import report
    from .phenotype import call_draws
    from .reversal import judge

    measurements = read_measurements(results)
    draws = call_draws(study, measurements)
    courses = judge(study, draws)
    write_table(results / "cohort.csv", "cohort", cohort.rows(study, courses, draws))
    report.write(study, courses, draws, measurements, results / "cohort.html")


def publish_gates(tubes: Sequence[Path], beads: Sequence[Path], results: Path) -> None:
    """Gather the GatingML files of the batches of tubes into results/gates, without those of tubes that have gone.

    Folders of batches that the study no longer has are removed.
    """
    current = {*tubes, *beads}
    for folder in (results / "batches").glob("*_*/"):
        if folder not in current:
            shutil.rmtree(folder)
    target = results / "gates"
    target.mkdir(exist_ok=True)
    wanted = {
        path.relative_to(folder): path
        for folder in (batch / "gates" for batch in tubes)
        for path in sorted(folder.rglob("*.xml"))
    }
    for old in target.rglob("*.xml"):
        if old.relative_to(target) not in wanted:
            old.unlink()
    for name, source in wanted.items():
        if not _same(source, target / name):
            (target / name).parent.mkdir(exist_ok=True)
            with replacing(target / name) as temporary:
                shutil.copyfile(source, temporary)


@_no_collection()
def write_report(study, results: Path) -> None:
    """Write report.html with its folder."""
    from .report.build import write_report as build

    build(read_report(study, results), results)


@_no_collection()
def write_exports(has_arms: bool, results: Path) -> None:
    """Write the tables once more, for DuckDB and Parquet, and the dictionary."""
    from . import exports

    # A comparison whose arms have gone from the tables is no result of this study any more.
    if not has_arms:
        for name in COHORT_FILES:
            (results / name).unlink(missing_ok=True)
    exports.write_dictionary(results / "dictionary.csv", results)
    exports.write_duckdb(results / "results.duckdb", results)
    exports.write_parquet(results / "parquet", results)


@_no_collection()
def write_workbooks(name: str, replaced: Mapping[str, str], results: Path) -> None:
    """Write the tables without the arms for Excel, and the list of problems, with the study's name on each page.

    `replaced` names for each tube that another one replaces the other (`study.types.superseded`).
    """
    from .exports import read_table, xlsx

    (results / "problems.xlsx").unlink(missing_ok=True)  # no rule names it: a job that fails must not leave an old one
    tables = {table: read_table(results / f"{table}.csv", table) for table in xlsx.SHEETS}
    xlsx.write_results_xlsx(results / "results.xlsx", tables, name)
    xlsx.write_problems_xlsx(results / "problems.xlsx", tables, name, replaced)


@_no_collection()
def write_provenance(study, results: Path) -> None:
    """Write provenance.json, and add to audit.jsonl what changed since the last run."""
    from . import audit, provenance, rules

    texts = {f"{rule['kind']} {rule['name']} {rule['version']}": rule["text"] for rule in rules.texts(study.config)}
    provenance.write(study, results, texts, provenance.kept_digests(study, results))
    audit.record_run(study, results)


def read_readings(study, results: Path) -> dict:
    """Read the readings of all batches by sample_id."""
    from .tube import TubeReading

    lines = (line for batch in plan.batch_folders(study, results)["tubes"] for line in _lines(batch / "readings.jsonl"))
    return {reading.sample_id: reading for reading in map(TubeReading.from_json, lines)}


def read_calibrations(study, results: Path) -> dict:
    """Read the calibrations of all batches by bead_id."""
    from .calibration import Calibration
    from .drift import with_jumps

    lines = (
        line for batch in plan.batch_folders(study, results)["beads"] for line in _lines(batch / "calibrations.jsonl")
    )
    return with_jumps({calibration.bead_id: calibration for calibration in map(Calibration.from_json, lines)}, study)


def read_measurements(results: Path) -> list:
    """Read the measurements in the order of samples.csv."""
    from .quantify import Measurement

    return [Measurement.from_json(line) for line in _lines(results / "batches" / "measurements.jsonl")]


def read_report(study, results: Path):
    """Read what the report is made of: the tables, so that it can say nothing else, and what lies behind them.

    Returns
    -------
    report.view.Inputs
    """
    from .exports import read_table
    from .provenance import kept_digests
    from .report.view import Inputs

    names = ("quantification", "calibrations", "phenotypes", "reversal", "drift")
    tables = {name: read_table(results / f"{name}.csv", name) for name in names if (results / f"{name}.csv").is_file()}
    known = {tube.sample_id for tube in study.tubes}
    pictures, of_beads = (
        {path.stem: path for batch in folders for path in sorted(batch.glob("pictures/*.png"))}
        for folders in plan.batch_folders(study, results).values()
    )
    return Inputs(
        study=study,
        tables=tables,
        readings=read_readings(study, results),
        calibrations=read_calibrations(study, results),
        measurements={m.sample_id: m for m in read_measurements(results)},
        pictures={name: path for name, path in pictures.items() if name in known},
        bead_pictures={r.bead_id: of_beads[r.file_stem] for r in study.bead_runs if r.file_stem in of_beads},
        gates=frozenset(path.stem for path in (results / "gates").glob("*.xml")),
        digests=kept_digests(study, results),
    )


def _lines(path: Path) -> Iterator[str]:
    with open(path, encoding="utf-8") as handle:
        yield from handle


def _same(source: Path, target: Path) -> bool:
    return target.is_file() and filecmp.cmp(source, target, shallow=False)
