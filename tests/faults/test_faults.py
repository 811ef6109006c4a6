"""What can go wrong with files, disks and processes, on the real workflow: the rest is finished, nothing is lost."""

import contextlib
import csv
import fcntl
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, hladr, session_folder
from small_study import results_of, write_small_study

OPTIONS = ("--cores", "2", "--config", "run={batch_size: 4, pictures: false}")
UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("HLADR_FAULT_KILLS", "4"))  # 20 once, by hand

# Dies in the worker of a batch, and only there, when the file of a named tube is opened.
SITECUSTOMIZE = """
import builtins, multiprocessing, os, signal

real = builtins.open

def deadly(path, *arguments, **options):
    name = os.path.basename(str(path))
    if name in ("S13.fcs", "S14.fcs") and multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL if name == "S13.fcs" else signal.SIGSEGV)
    return real(path, *arguments, **options)

builtins.open = deadly
"""


def run(folder, *options, prefix=(), **popen):
    """Call `hladr run` to its end; as root, `prefix` can take away the right to ignore permissions."""
    command = [*prefix, sys.executable, "-m", "hladr", "run", str(folder), *OPTIONS, *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **popen)


def obeying_permissions():
    return UNPRIVILEGED if os.geteuid() == 0 else []


def rows_of(results):
    with io.StringIO(results["quantification.csv"].decode()) as handle:
        return {row["sample_id"]: row for row in csv.DictReader(handle)}


@pytest.fixture(scope="session")
def clean(tmp_path_factory):
    """Return an undamaged study of 16 tubes that ran once for all test processes, its results, and how long it took."""
    base = session_folder(tmp_path_factory)
    (base / "faults").mkdir(exist_ok=True)
    folder, done = base / "faults" / "study", base / "faults" / "seconds"
    with open(base / "faults" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            write_small_study(folder, tubes=16, events=6000)
            began = time.monotonic()
            result = run(folder)
            assert result.returncode == 0, result.stdout + result.stderr
            done.write_text(str(time.monotonic() - began))
    results = results_of(folder)
    assert sum(row["abc"] != "" for row in rows_of(results).values()) >= 12, "the simulated tubes are good enough"
    return folder, results, float(done.read_text())


@pytest.fixture
def study(clean, tmp_path):
    """Return the same study, not yet run."""
    ignored = shutil.ignore_patterns("results", "logs", ".snakemake", "audit.jsonl")
    return shutil.copytree(clean[0], tmp_path / "study", ignore=ignored)


def fcs_of(folder, sample_id):
    (path,) = folder.glob(f"fcs/*/{sample_id}.fcs")
    return path


def replace_by(make):
    """Remove the file and put something else in its place."""

    def damage(path):
        path.unlink()
        make(path)

    return damage


def sparse_tail(path):
    with open(path, "r+b") as handle:
        handle.truncate(60_000_000_000)


def damage_header(path):
    content = path.read_bytes()
    assert b"$PAR" in content
    path.write_bytes(content.replace(b"$PAR", b"$QAR", 1))


DAMAGE = {
    "S01": (Path.unlink, {"missing_file"}),
    "S02": (lambda path: path.write_bytes(b""), {"unreadable_fcs"}),
    "S03": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(5000)), {"unreadable_fcs"}),
    "S04": (lambda path: path.write_bytes(path.read_bytes()[:-30_000]), {"truncated_fcs"}),
    "S05": (damage_header, {"unreadable_fcs"}),
    "S06": (lambda path: path.chmod(0), {"unreadable_fcs"}),
    "S07": (replace_by(Path.mkdir), {"missing_file"}),
    "S08": (replace_by(os.mkfifo), {"missing_file"}),
    "S09": (replace_by(lambda path: path.symlink_to("nowhere.fcs")), {"missing_file"}),
    "S10": (replace_by(lambda path: path.symlink_to(path.name)), {"unreadable_fcs", "missing_file"}),
    "S11": (lambda path: path.write_bytes(b"FCS3.1" + bytes(200)), {"unreadable_fcs", "truncated_fcs"}),
    "S12": (replace_by(lambda path: (path.touch(), os.truncate(path, 60_000_000_000))), {"unreadable_fcs"}),
    "S13": (lambda path: None, {"worker_died"}),  # killed: see SITECUSTOMIZE
    "S14": (lambda path: None, {"worker_died"}),  # segmentation fault
}
WHOLE = ("S00", "S15")


def test_each_damaged_file_costs_its_own_row_and_a_repair_brings_it_back(study, clean, tmp_path):
    """One run with every kind of damage, one after the repair: the bytes of the undamaged study."""
    kept = shutil.copytree(study / "fcs", tmp_path / "kept")
    for sample_id, (damage, _) in DAMAGE.items():
        damage(fcs_of(study, sample_id))
    sparse_tail(fcs_of(study, "S15"))
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), str(ROOT), os.environ.get("PYTHONPATH")]))

    started = time.monotonic()
    result = run(study, prefix=obeying_permissions(), env={**os.environ, "PYTHONPATH": path})
    assert result.returncode == 0, result.stdout + result.stderr
    assert time.monotonic() - started < 120
    damaged, before = rows_of(results_of(study)), rows_of(clean[1])
    for sample_id, (_, expected) in DAMAGE.items():
        row = damaged[sample_id]
        assert row["status"] == "failed", sample_id
        assert set(row["flags"].split(";")) & expected, (sample_id, row["flags"])
        assert row["abc"] == ""
        assert len(row["reason"]) > 10
    for sample_id in WHOLE:
        assert damaged[sample_id]["abc"] == before[sample_id]["abc"], sample_id
    assert "Traceback" not in result.stdout + result.stderr
    for page in [study / "logs", study / "results"]:
        for file in page.rglob("*.log"):
            assert "nowhere.fcs" not in file.read_text(errors="replace")

    shutil.rmtree(study / "fcs")
    shutil.copytree(kept, study / "fcs")
    again = run(study)
    assert again.returncode == 0, again.stdout + again.stderr
    assert results_of(study) == clean[1]
    assert hladr("verify", study).returncode == 0


def test_bead_files_fail_like_tubes_and_cost_their_tubes_the_calibration(study):
    (beads,) = study.glob("fcs/*/beads/B0.fcs")
    beads.write_bytes(b"")
    table = study / "beads.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, "B2,lab0,,quantibrite-pe,96597", "B3,lab0,fcs/none.fcs,quantibrite-pe,7", ""]))
    result = run(study)
    assert result.returncode == 0, result.stdout + result.stderr
    with open(study / "results" / "calibrations.csv", newline="") as handle:
        status = {row["bead_id"]: (row["status"], row["flags"]) for row in csv.DictReader(handle)}
    assert status["B0"] == ("failed", "unreadable_fcs")
    assert status["B2"] == ("failed", "missing_file")
    assert status["B3"][0] == "failed"
    rows = rows_of(results_of(study))
    assert rows["S00"]["status"] == "failed"
    assert "calibration_failed" in rows["S00"]["flags"]
    assert rows["S00"]["pe_median"] != ""
    assert rows["S01"]["abc"] != ""


def test_a_file_that_changes_while_it_is_read(study, clean):
    """Somebody copies a file over and over during the run; once it rests, the next run is right."""
    path = fcs_of(study, "S02")
    content = path.read_bytes()
    resting = threading.Event()

    def restless():
        while not resting.is_set():
            for size in (0, len(content) // 2, len(content)):
                path.write_bytes(content[:size])
                time.sleep(0.003)

    writer = threading.Thread(target=restless)
    writer.start()
    try:
        result = run(study)
    finally:
        resting.set()
        writer.join()
    assert result.returncode == 0, result.stdout + result.stderr
    row, truth = rows_of(results_of(study))["S02"], rows_of(clean[1])["S02"]
    assert row["abc"] in ("", truth["abc"]), "half a file has no value"
    assert hladr("verify", study).stdout.startswith("tube S02")
    path.write_bytes(content)
    assert run(study).returncode == 0
    assert results_of(study) == clean[1]
    assert hladr("verify", study).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a disk of its own of 8 MB, and what enlarges it."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield place, lambda: subprocess.run(["mount", "-o", "remount,size=500m", place], check=True)
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk_stops_the_run_and_space_lets_it_go_on(small_disk, study, clean):
    place, enlarge = small_disk
    folder = shutil.copytree(study, place / "study")
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    with open(place / "ballast", "wb") as ballast:
        ballast.write(bytes(max(0, 8_000_000 - used - 150_000)))
    result = run(folder)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()
    intact(folder, clean[1])
    enlarge()
    again = run(folder)
    assert again.returncode == 0, again.stdout + again.stderr
    assert results_of(folder) == clean[1]
    assert hladr("verify", folder).returncode == 0


def test_a_read_only_study_is_refused_in_one_line(study):
    for path in [study, *study.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        result = run(study, prefix=obeying_permissions())
    finally:
        for path in [study, *study.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert "cannot be written to" in result.stderr


def intact(folder, expected):
    """Check that what is there is whole: every promised file is absent or as the undisturbed run wrote it."""
    for name, content in results_of(folder).items():
        assert content == expected[name], name


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


def kill(process, how):
    """Kill all of a run at once, as a power cut does; or only `hladr run`; or only Snakemake under it."""
    if how == "all":
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    elif how == "hladr":
        family = [psutil.Process(process.pid)]
    else:
        family = [child for child in psutil.Process(process.pid).children() if "snakemake" in child.cmdline()]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


def test_killed_runs_go_on_to_the_same_bytes_and_two_at_once_are_refused(study, clean):
    chance = random.Random(20)
    process = start(study)
    wait_until(lambda: busy(study))
    second = run(study)
    assert second.returncode == 1
    assert second.stderr.strip().splitlines() == [
        "hladr run: another run is working on this study; wait until it has finished"
    ]
    died = runs = 0
    while died < KILLS:
        if died % 2 == 0:  # every second kill falls into the jobs, the others anywhere
            wait_until(lambda run=process, known=runs: started(study) > known or run.poll() is not None)
        try:
            process.wait(timeout=chance.uniform(0.02, 0.7) * clean[2])
        except subprocess.TimeoutExpired:
            kill(process, chance.choice(["all", "all", "hladr", "snakemake"]))
            died += 1
            if died % 2:
                intact(study, clean[1])
        else:
            assert process.returncode == 0, process.communicate()[0]
            assert results_of(study) == clean[1]
            shutil.rmtree(study / "results")
        wait_until(lambda: not busy(study))
        runs = started(study)
        process = start(study)
    assert process.wait(timeout=300) == 0, process.communicate()[0]
    assert results_of(study) == clean[1]
    assert not list(study.rglob("*.part"))
    assert hladr("verify", study).stdout.startswith("The audit chain")
