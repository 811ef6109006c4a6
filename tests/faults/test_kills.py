"""Runs that are killed at any moment go on to the same bytes; two runs at once are refused."""

import contextlib
import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from conftest import hladr
from fault_support import OPTIONS, intact, run
from small_study import results_of

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("HLADR_FAULT_KILLS", "4"))  # twenty: make test-kills


def start(folder):
    command = [sys.executable, "-m", "hladr", "run", str(folder), *OPTIONS]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def busy(folder):
    """Say whether a run holds the study's lock."""
    with contextlib.suppress(FileNotFoundError), open(folder / "logs" / "run.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def started(folder):
    """Count the runs that came as far as their jobs."""
    with contextlib.suppress(FileNotFoundError):
        return (folder / "audit.jsonl").read_text().count('"run_started"')
    return 0


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.02)


def kill(process, how, chance):
    """Kill all of a run at once, as a power cut does; or only `hladr run`; only Snakemake; one process of a job.

    A run that lost a job goes on with the others, and ends with the exit status 1, or 0 where the job could go on.
    """
    everything = psutil.Process(process.pid).children(recursive=True)
    jobs = [child for child in everything if _in_a_job(child)]
    if how == "job" and jobs:
        family = [chance.choice(jobs)]
    elif how in ("all", "job"):
        family = [*everything, psutil.Process(process.pid)]
    elif how == "hladr":
        family = [psutil.Process(process.pid)]
    else:
        family = [child for child in psutil.Process(process.pid).children() if "snakemake" in child.cmdline()]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.send_signal(signal.SIGKILL)
    output = process.communicate(timeout=300)[0]
    assert process.returncode in (0, 1, -signal.SIGKILL), output


def _in_a_job(process):
    with contextlib.suppress(psutil.Error):
        return any(f".snakemake{os.sep}scripts" in word for word in process.cmdline())
    return False


def test_killed_runs_go_on_to_the_same_bytes_and_two_at_once_are_refused(fresh, undamaged):
    chance = random.Random(20)
    process = start(fresh)
    wait_until(lambda: busy(fresh))
    second = run(fresh)
    assert second.returncode == 1
    assert second.stderr.strip().splitlines() == [
        "hladr run: another run is working on this study; wait until it has finished"
    ]
    died = runs = 0
    while died < KILLS:
        if died % 2 == 0:  # every second kill falls into the jobs, the others anywhere
            wait_until(lambda run=process, known=runs: started(fresh) > known or run.poll() is not None)
        try:
            process.wait(timeout=chance.uniform(0.02, 0.7) * undamaged[2])
        except subprocess.TimeoutExpired:
            kill(process, chance.choice(["all", "all", "hladr", "snakemake", "job"]), chance)
            died += 1
            if died % 2:
                intact(fresh, undamaged[1])
        else:
            assert process.returncode == 0, process.communicate()[0]
            assert results_of(fresh) == undamaged[1]
            shutil.rmtree(fresh / "results")
        wait_until(lambda: not busy(fresh))
        runs = started(fresh)
        process = start(fresh)
    assert process.wait(timeout=300) == 0, process.communicate()[0]
    assert results_of(fresh) == undamaged[1]
    assert not list(fresh.rglob("*.part"))
    assert hladr("verify", fresh).stdout.startswith("The audit chain")
