"""Jobs that a killed run left behind: they would write into the folders of the run that goes on in its place.

To be called by whoever holds the study's lock: then no run of this study is alive, and a job of it is left over.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

# How Snakemake starts a rule's script, and how its SLURM plugin marks its jobs.
_SCRIPT = os.sep.join((".snakemake", "scripts", ""))
_RULE_MARK = "rule_"
_SLURM_LOGS = Path(".snakemake", "slurm_logs")
_PATIENCE_SECONDS = 60


def end_leftovers(folder: str | Path) -> int:
    """End the jobs of this study that outlived their run, on this machine and in a SLURM queue, and wait for them.

    Parameters
    ----------
    folder : path
        The study folder.

    Returns
    -------
    int
        How many there were.
    """
    folder = Path(folder).resolve()
    return _end_processes(folder) + _cancel_slurm_jobs(folder)


def _end_processes(folder: Path) -> int:
    import psutil

    ended = []
    for process in psutil.process_iter():
        try:
            if any(_SCRIPT in word for word in process.cmdline()) and Path(process.cwd()) == folder:
                process.kill()
                ended.append(process)
        except (psutil.Error, OSError):
            continue
    psutil.wait_procs(ended, timeout=_PATIENCE_SECONDS)
    return len(ended)


def _cancel_slurm_jobs(folder: Path) -> int:
    # A queue is asked only where an earlier run of this study used one: a queue that is down answers slowly.
    if not (folder / _SLURM_LOGS).is_dir() or not (shutil.which("squeue") and shutil.which("scancel")):
        return 0
    jobs = _slurm_jobs(folder)
    if not jobs:
        return 0
    _call("scancel", *jobs)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _slurm_jobs(folder) and time.monotonic() < deadline:
        time.sleep(1)
    return len(jobs)


def _slurm_jobs(folder: Path) -> list[str]:
    """List the unfinished jobs of this user that work in the folder and that Snakemake submitted."""
    own = os.environ.get("SLURM_JOB_ID")
    jobs = []
    for line in _call("squeue", "--me", "--noheader", "--format=%i|%k|%Z").splitlines():
        number, comment, place = line.split("|", 2) if line.count("|") >= 2 else ("", "", "")
        if comment.startswith(_RULE_MARK) and Path(place) == folder and number != own:
            jobs.append(number)
    return jobs


def _call(*command: str) -> str:
    """Run a command of SLURM; where the queue does not answer there is nothing to be done about its jobs."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
