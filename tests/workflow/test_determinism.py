"""The same bytes whatever the machine does: cores, batches, threads, hash seed, and the order and age of the files."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import hladr

OWN = ("results", "logs", ".snakemake", "audit.jsonl")


def laid_down_again(source: Path, target: Path) -> Path:
    """Copy a study's own files in reverse order, so that the disk lists them otherwise, and with today's times."""
    files = [p for p in source.rglob("*") if p.is_file() and p.relative_to(source).parts[0] not in OWN]
    for path in sorted(files, reverse=True):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return target


def promised(study: Path) -> dict[str, bytes]:
    """Read what must be the same: every CSV table, and every gate."""
    results = study / "results"
    return {
        p.relative_to(results).as_posix(): p.read_bytes() for p in (*results.glob("*.csv"), *results.glob("gates/*"))
    }


@pytest.mark.slow
def test_one_core_and_other_batches_give_the_same_bytes(finished_demo, tmp_path):
    study = laid_down_again(finished_demo, tmp_path / "study")
    surroundings = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    result = hladr("run", study, "--cores", 1, "--config", "run={batch_size: 13, pictures: false}", env=surroundings)
    assert result.returncode == 0, result.stdout + result.stderr
    before, after = promised(finished_demo), promised(study)
    assert sorted(after) == sorted(before)
    assert [name for name in before if before[name] != after[name]] == []
