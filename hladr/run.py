"""Running the workflow on a study: one run at a time, with progress, ending in five lines."""

import csv
import errno
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .leftovers import end_leftovers
from .paths import pipeline_root
from .plan import file_stamp
from .rules import PHENOTYPES
from .study import Study, StudyError, load_study
from .study.problems import Collector
from .study.yaml import read_yaml

# With these, Snakemake's own words are the answer that the user asked for.
_ASKING = frozenset(
    """-n --dry-run --dryrun --lint --dag --rulegraph --filegraph --summary -D --detailed-summary -l --list --list-rules
    --list-target-rules --lt --unlock --report -h --help -v --version""".split()  # noqa: SIM905
)
# What Snakemake says of the machine and its user stays out of the study's logs.
_PERSONAL = re.compile(r"\s*(host|user|command|snakefile|(base|run|working) directory|config file\S*)\b", re.IGNORECASE)
_PROGRESS_SECONDS = 0.5
_ELSEWHERE = ("--profile", "--workflow-profile", "--executor", "-e")


def run_study(folder: Path, cores: int | None, options: Sequence[str] = ()) -> int:
    """Run the workflow on a study folder.

    Parameters
    ----------
    folder : path
        The study.
    cores : int or None
        None: all of the machine.
    options : sequence of str
        Further options of Snakemake.

    Returns
    -------
    int
        0 when every rule finished, 2 for problems in tables or configuration, 1 otherwise.
    """
    try:
        study = load_study(folder)
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    command = snakemake_command(folder, cores, options)
    if any(option.split("=")[0] in _ASKING for option in options):
        return _status(subprocess.call(command, env=_environment(options)))
    logs = folder / "logs"
    try:
        logs.mkdir(exist_ok=True)
        lock = open(logs / "run.lock", "w", encoding="utf-8")  # noqa: SIM115
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        print(f"hladr run: the study folder cannot be written to: {error.strerror}", file=sys.stderr)
        return 1
    with lock:
        if not _locked(lock):
            print("hladr run: another run is working on this study; wait until it has finished", file=sys.stderr)
            return 1
        end_leftovers(folder)
        for stale in logs.glob("gate/*.progress"):
            stale.unlink()
        status = _status(_watch(command, _environment(options), study, logs, lock))
    if status == 2:
        return _refused(logs / "snakemake.log")
    if status:
        print("hladr run: the workflow did not finish; logs/snakemake.log says where it stopped", file=sys.stderr)
    else:
        print("\n".join(summary(folder)))
    return status


def snakemake_command(folder: Path, cores: int | None, options: Sequence[str]) -> list[str]:
    """Build the command line: what a user would type, and going on after an interruption."""
    command = [sys.executable, "-m", "snakemake", "-s", str(pipeline_root() / "Snakefile"), "--directory", str(folder)]
    settings = read_yaml(folder / "config.yaml", "config.yaml", Collector())
    if settings and settings[0]:  # Snakemake refuses a file that says nothing, or comments alone
        command += ["--configfile", str(folder / "config.yaml")]
    if cores or not {*_ELSEWHERE, "-j", "--jobs", "-c"}.intersection(option.split("=")[0] for option in options):
        command += ["--cores", str(cores or os.cpu_count() or 1)]
    # Our own lock guards the study: after a kill, Snakemake's would have to be removed by hand.
    # No job has much to choose from: solving an integer program for each choice takes longer than it can win.
    return [*command, "--nolock", "--rerun-incomplete", "--keep-going", "--scheduler", "greedy", *options]


def _environment(options: Sequence[str]) -> dict[str, str]:
    """Return the environment of Snakemake; a run on this machine alone does not look for a SLURM controller.

    Snakemake loads its SLURM plugin for every run, and that asks the controller: ten seconds of waiting where SLURM is
    installed and does not run.
    """
    environment = dict(os.environ)
    cluster = {*_ELSEWHERE}.intersection(option.split("=")[0] for option in options)
    if not cluster and "SNAKEMAKE_PROFILE" not in environment:
        environment.setdefault("SLURM_CONF", os.devnull)
    return environment


def _status(code: int) -> int:
    return code if code in (0, 2) else 1


def _refused(log: Path) -> int:
    """Say why Snakemake ended before the first job: problems of `--config`, one line each, or an unknown option."""
    lines = log.read_text(encoding="utf-8").splitlines()
    option = re.match(r"\S+: error: (.*)", lines[-1]) if lines else None
    print(f"hladr run: {option[1]}" if option else "\n".join(lines), file=sys.stderr)
    return 1 if option else 2


def _locked(handle) -> bool:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class _Reader(threading.Thread):
    """Copies Snakemake's words into logs/snakemake.log, without machine and paths, and notes which batches started."""

    def __init__(self, stream, log: Path, folder: Path):
        super().__init__(daemon=True)
        self.stream, self.log = stream, log
        self.folder = str(folder.resolve())
        self.gate_jobs: int | None = None
        self.started: set[str] = set()
        self.start()

    def run(self) -> None:
        with open(self.log, "w", encoding="utf-8", buffering=1) as log:
            for line in self.stream:
                if _PERSONAL.match(line):
                    continue
                log.write(line.replace(self.folder, "STUDY"))
                if match := re.match(r"gate\s+(\d+)\s*$", line):
                    self.gate_jobs = int(match[1])
                elif match := re.match(r"Job \d+: Tubes, batch (\d+)", line):
                    self.started.add(match[1])


def _watch(command: list[str], environment: dict[str, str], study: Study, logs: Path, lock) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    environment = {**environment, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    # Snakemake holds the lock too: where this process is killed alone, no second run starts before the first has ended.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        pass_fds=(lock.fileno(),),
    )
    reader = _Reader(process.stdout, logs / "snakemake.log", Path(study.folder))
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    size, total = study.config["run"]["batch_size"], len(study.tubes)
    try:
        # in a log there is no bar, and no empty line in its place
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("tubes", total=None)
            while reader.is_alive():  # until Snakemake has said its last word
                reader.join(_PROGRESS_SECONDS)
                if reader.gate_jobs is None:
                    continue
                # a batch that starts anew takes its file away: then there is no stamp
                done = sum((file_stamp(path) or (0, 0))[0] for path in logs.glob("gate/*.progress"))
                expected = _expected(reader, size, total)
                # the bar is full long before a large study's tables and report are written
                what = "tubes" if done < expected else "tubes done; writing tables and report"
                progress.update(task, description=what, completed=done, total=expected)
    except KeyboardInterrupt:
        process.wait()
        raise
    return process.wait()


def _expected(reader: _Reader, size: int, total: int) -> int:
    """Estimate the tubes of this run: exact once all its batches have started."""
    started = sum(min(size, total - int(batch) * size) for batch in tuple(reader.started))
    return min(total, started + max(0, (reader.gate_jobs or 0) - len(reader.started)) * size)


def summary(folder: Path) -> list[str]:
    """Say in five lines what a run found: tubes, calls, reversals, the report, what to look at first."""
    results = folder / "results"
    tubes, draws, patients = (_read(results / f"{name}.csv") for name in ("quantification", "phenotypes", "reversal"))
    status = Counter(row["status"] for row in tubes)
    calls = Counter(row["phenotype"] for row in draws)
    reversal = Counter(row["reversal"] for row in patients)
    return [
        f"Tubes: {status['ok']} ok, {status['review']} review, {status['failed']} failed",
        "Calls: " + ", ".join(f"{calls[call]} {call}" for call in PHENOTYPES),
        f"Reversal: {reversal['attained']} attained, {reversal['not_attained']} not attained, "
        f"{reversal['not_applicable']} not applicable",
        f"Report: {results / 'report.html'}",
        f"Look first at: {_first(tubes, _read(results / 'calibrations.csv'), draws)}",
    ]


def _first(tubes: list[dict[str, str]], beads: list[dict[str, str]], draws: list[dict[str, str]]) -> str:
    """Name the worst: a failed bead run spoils all tubes that name it, then failed tubes, then doubtful ones.

    As in the report, tubes whose draw has no call come before those whose draw has one all the same.
    """
    named = {row["bead_id"] for row in tubes}
    beads = [row for row in beads if row["bead_id"] in named]
    uncalled = {(row["patient_id"], row["day"]) for row in draws if row["phenotype"] == "indeterminate"}
    tubes = sorted(tubes, key=lambda row: (row["patient_id"], row["day"]) not in uncalled)
    for rows, key, what in ((beads, "bead_id", "bead run"), (tubes, "sample_id", "tube")):
        for row in rows:
            if row["status"] == "failed":
                return f"{what} {row[key]} (failed): {row['reason']}"
    for row in tubes:
        if row["status"] == "review":
            return f"tube {row['sample_id']} (review): {row['reason']}"
    if uncalled:
        have = "draw has" if len(uncalled) == 1 else "draws have"
        return f"the report: all tubes are ok, and {len(uncalled)} {have} no call"
    return "nothing, all tubes are ok"


def _read(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
