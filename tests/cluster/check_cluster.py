"""The workflow on a SLURM cluster of this one machine: the same bytes as locally, also after what happens at night.

Run by `make test-cluster`, which starts the cluster (slurm.sh) and ends it; needs root and Debian.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT, hladr
from small_study import results_of, write_small_study

PROFILE = ROOT / "workflow" / "profiles" / "slurm"
BATCHES = {"tubes": 4, "batch_size": 2}
OPTIONS = [
    *("--profile", PROFILE, "--slurm-no-account", "--slurm-status-command", "squeue", "--latency-wait", "10"),
    *("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"),
]
SMALL_BATCHES = ("--config", "run={batch_size: 2, pictures: false}")


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """Return a study that ran on this machine without SLURM, and its results."""
    folder = write_small_study(tmp_path_factory.mktemp("local") / "study", **BATCHES)
    result = hladr("run", folder, "--cores", "2", "--config", "run={pictures: false}")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder, results_of(folder)


@pytest.fixture
def study(local, tmp_path):
    """Return the same study, not yet run; its jobs are ended afterwards."""
    ignored = shutil.ignore_patterns("results", "logs", ".snakemake", "audit.jsonl")
    folder = shutil.copytree(local[0], tmp_path / "study", ignore=ignored)
    yield folder
    for number, _ in jobs_of(folder):
        subprocess.run(["scancel", number], check=False)


def jobs_of(folder, rule=""):
    """List the unfinished jobs of the study: number and state."""
    command = ["squeue", "--me", "--noheader", "--format=%i|%k|%T|%Z"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split("|", 3) for line in lines]
    return [(row[0], row[2]) for row in rows if row[3] == str(folder.resolve()) and row[1].startswith(f"rule_{rule}")]


def start(folder, *options):
    command = [sys.executable, "-m", "hladr", "run", str(folder), *map(str, (*OPTIONS, *options))]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def wait_for(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("this did not happen in time")


def finish(run):
    output = run.communicate(timeout=300)[0]
    assert run.returncode == 0, output
    return output


def log_of(folder):
    return (folder / "logs" / "snakemake.log").read_text()


def test_the_same_bytes_as_locally(study, local):
    """With the batches that the profile sets: all tubes in one."""
    finish(start(study))
    assert (study / "results" / "batches" / "tubes_0000").is_dir()
    assert not (study / "results" / "batches" / "tubes_0001").exists()
    assert results_of(study) == local[1]
    assert len(local[1]) >= 8
    assert hladr("verify", study).returncode == 0


def test_a_killed_controller_is_followed_by_the_next_run(study, local):
    """Its jobs stay in the queue; the next run ends them before it sends its own."""
    run = start(study, *SMALL_BATCHES)
    wait_for(lambda: jobs_of(study, "gate"))
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    left = [number for number, _ in jobs_of(study)]
    assert left, "nothing was left in the queue: the test proves nothing"
    again = start(study, *SMALL_BATCHES)
    wait_for(lambda: not set(left) & {number for number, _ in jobs_of(study)})
    finish(again)
    assert results_of(study) == local[1]
    assert hladr("verify", study).returncode == 0


def test_a_cancelled_job_and_batches_out_of_memory_are_done_again(study, local):
    """The first attempt of the tubes gets 30 MB, less than Python and numpy take; the queue kills it."""
    run = start(study, *SMALL_BATCHES, "--set-resources", "gate:mem_mb=30 if attempt == 1 else 2000")
    number, _ = wait_for(lambda: jobs_of(study, "calibrate"))[0]
    subprocess.run(["scancel", number], check=True)
    finish(run)
    log = log_of(study)
    assert f"SLURM-job '{number}' failed, SLURM status is: 'CANCELLED'" in log
    assert log.count("Trying to restart job") >= 3
    assert results_of(study) == local[1]
