"""Running a study that something happens to, and what must hold afterwards."""

import csv
import io
import subprocess
import sys

from small_study import results_of

OPTIONS = ("--cores", "2", "--config", "run={batch_size: 4, pictures: false}")
OWN = ("results", "logs", ".snakemake", "audit.jsonl")


def run(folder, *options, prefix=(), **popen):
    """Call `hladr run` to its end; as root, `prefix` can take away the right to ignore permissions."""
    command = [*prefix, sys.executable, "-m", "hladr", "run", str(folder), *OPTIONS, *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **popen)


def rows_of(results):
    with io.StringIO(results["quantification.csv"].decode()) as handle:
        return {row["sample_id"]: row for row in csv.DictReader(handle)}


def fcs_of(folder, sample_id):
    (path,) = folder.glob(f"fcs/*/{sample_id}.fcs")
    return path


def intact(folder, expected):
    """Check that what is there is whole: every promised file is absent or as the undisturbed run wrote it."""
    for name, content in results_of(folder).items():
        assert content == expected[name], name
