# Reads the study once; holds no rule.
import os
import sys
from functools import cache
from pathlib import Path

from hladr import audit, plan
from hladr.arms import arms_of
from hladr.labs import matrix_path
from hladr.study import OPTIONAL_TABLES, REQUIRED_TABLES, StudyError, load_study
from hladr.study.types import superseded

# One thread per worker: multithreaded linear algebra changes last digits and fights the other jobs.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

# Snakemake imports pandas, where it is there, to see whether a parameter is a data frame. None of ours is, and that takes
# a sixth of a start: in this process there is none, as Snakemake allows. Jobs are other processes.
sys.modules.setdefault("pandas", None)

HERE = Path.cwd()
# Without a study (snakemake --lint) the defaults load alone and there is nothing to do.
STUDY = None
if (HERE / "config.yaml").exists() or (HERE / config["tables"]["samples"]).exists():
    try:
        STUDY = load_study(HERE, config)
    except StudyError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
else:
    print("No study in this folder: name one with --directory.", file=sys.stderr)

CONFIG = STUDY.config if STUDY else config
SIZE = CONFIG["run"]["batch_size"]
TUBES = plan.batches(STUDY.tubes if STUDY else (), SIZE)
BEADS = plan.batches(STUDY.bead_runs if STUDY else (), SIZE)
HAS_ARMS = bool(arms_of(STUDY)) if STUDY else False
REPLACED = superseded(STUDY.tubes) if STUDY else {}


def tube_rows(wildcards):
    """What the gates of a batch depend on: neither patient nor day nor beads."""
    overrides = STUDY.overrides
    return [
        {
            "sample_id": tube.sample_id,
            "fcs": tube.fcs,
            "lab": tube.lab,
            "override": (
                overrides[tube.sample_id].path if tube.sample_id in overrides else None
            ),
        }
        for tube in TUBES[wildcards.batch]
    ]


def tube_files(wildcards):
    rows = tube_rows(wildcards)
    names = [row["fcs"] for row in rows] + [row["override"] for row in rows]
    return plan.digest(plan.stamps(HERE, names + matrices(rows)))


def bead_rows(wildcards):
    """A bead run with the levels of its lot, none where the lot is unknown, and those of the kit's other lots."""
    rows = []
    for run in BEADS[wildcards.batch]:
        lots = {
            lot: [{"level": level.level, "value": level.value} for level in levels]
            for (kit, lot), levels in STUDY.lots.items()
            if kit == run.kit
        }
        row = {
            key: getattr(run, key) for key in ("bead_id", "lab", "fcs", "kit", "lot")
        }
        rows.append({**row, "levels": lots.pop(run.lot, []), "other_lots": lots})
    return rows


def bead_files(wildcards):
    return plan.digest(plan.stamps(HERE, [run.fcs for run in BEADS[wildcards.batch]]))


@cache
def sizes(of, batch):
    """Bytes of a batch's files, for estimates: Snakemake makes those of every waiting job anew when one has finished."""
    rows = {"tubes": TUBES, "beads": BEADS}[of][batch]
    stamps = plan.stamps(HERE, [row.fcs for row in rows])
    return [stamp[0] for stamp in stamps if stamp]


def memory_of_tubes(wildcards, attempt):
    return plan.memory_mb(sizes("tubes", wildcards.batch), attempt)


def memory_of_beads(wildcards, attempt):
    return plan.memory_mb(sizes("beads", wildcards.batch), attempt)


def minutes_of_tubes(wildcards, attempt):
    return plan.runtime_minutes(sizes("tubes", wildcards.batch), attempt)


def minutes_of_beads(wildcards, attempt):
    return plan.runtime_minutes(sizes("beads", wildcards.batch), attempt)


def which_attempt(wildcards, attempt):
    return attempt


def matrices(rows):
    paths = {matrix_path(STUDY.labs[row["lab"]]) for row in rows}
    return sorted(path for path in paths if path)


def labs_of_tubes(wildcards):
    return {tube.lab: STUDY.labs[tube.lab] for tube in TUBES[wildcards.batch]}


def labs_of_beads(wildcards):
    return {run.lab: STUDY.labs[run.lab] for run in BEADS[wildcards.batch]}


ALL_TABLES = (*REQUIRED_TABLES, "labs", *OPTIONAL_TABLES)


def tables(*names):
    """Digest the study's own tables by content."""
    return (
        plan.content_digest(HERE, [STUDY.files.get(name, name) for name in names])
        if STUDY
        else ""
    )


def page_sources():
    """Templates, styles and scripts of the report: code, too, though not Python."""
    folders = (plan.PACKAGE / "report" / name for name in ("templates", "static"))
    return sorted(
        path.relative_to(plan.PACKAGE).as_posix()
        for folder in folders
        for path in folder.iterdir()
    )


def settings(*keys):
    return plan.select(CONFIG, *keys)


CSV_TABLES = [
    f"results/{name}.csv"
    for name in (
        "quantification",
        "calibrations",
        "drift",
        "phenotypes",
        "reversal",
        "sensitivity",
    )
] + (["results/cohort.csv"] if HAS_ARMS else [])

PUBLISHED = "results/gates/.published"

# Every result is named, so that one that was deleted is made again; not problems.xlsx, which only some studies have.
TARGETS = (
    [
        *CSV_TABLES,
        *(["results/cohort.html"] if HAS_ARMS else []),
        "results/dictionary.csv",
        *(
            f"results/figures/{name}.png"
            for name in ("tubes", "antibodies", "beads", "calls")
        ),
        PUBLISHED,
        "results/parquet",
        "results/report.html",
        "results/results.duckdb",
        "results/results.xlsx",
        "results/provenance.json",
    ]
    if STUDY
    else []
)
