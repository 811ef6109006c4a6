"""What can go wrong with files, disks and processes, on the real workflow: the rest is finished, nothing is lost."""

import csv
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT, hladr
from fault_support import fcs_of, intact, rows_of, run
from small_study import results_of

UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
pytestmark = pytest.mark.slow

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


def obeying_permissions():
    return UNPRIVILEGED if os.geteuid() == 0 else []


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


def test_each_damaged_file_costs_its_own_row_and_a_repair_brings_it_back(fresh, undamaged, tmp_path):
    """One run with every kind of damage, one after the repair: the bytes of the undamaged study."""
    kept = shutil.copytree(fresh / "fcs", tmp_path / "kept")
    for sample_id, (damage, _) in DAMAGE.items():
        damage(fcs_of(fresh, sample_id))
    sparse_tail(fcs_of(fresh, "S15"))
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), str(ROOT), os.environ.get("PYTHONPATH")]))

    started = time.monotonic()
    result = run(fresh, prefix=obeying_permissions(), env={**os.environ, "PYTHONPATH": path})
    assert result.returncode == 0, result.stdout + result.stderr
    assert time.monotonic() - started < 120
    damaged, before = rows_of(results_of(fresh)), rows_of(undamaged[1])
    for sample_id, (_, expected) in DAMAGE.items():
        row = damaged[sample_id]
        assert row["status"] == "failed", sample_id
        assert set(row["flags"].split(";")) & expected, (sample_id, row["flags"])
        assert row["abc"] == ""
        assert len(row["reason"]) > 10
    for sample_id in WHOLE:
        assert damaged[sample_id]["abc"] == before[sample_id]["abc"], sample_id
    assert "Traceback" not in result.stdout + result.stderr
    for page in [fresh / "logs", fresh / "results"]:
        for file in page.rglob("*.log"):
            assert "nowhere.fcs" not in file.read_text(errors="replace")

    shutil.rmtree(fresh / "fcs")
    shutil.copytree(kept, fresh / "fcs")
    again = run(fresh)
    assert again.returncode == 0, again.stdout + again.stderr
    assert results_of(fresh) == undamaged[1]
    assert hladr("verify", fresh).returncode == 0


def test_bead_files_fail_like_tubes_and_cost_their_tubes_the_calibration(fresh):
    (beads,) = fresh.glob("fcs/*/beads/B0.fcs")
    beads.write_bytes(b"")
    table = fresh / "beads.csv"
    lines = table.read_text().splitlines()
    shutil.copyfile(fcs_of(fresh, "S03"), fcs_of(fresh, "S05"))  # one file under two names is two equal tubes
    table.write_text("\n".join([*lines, "B2,lab0,,quantibrite-pe,96597", "B3,lab0,fcs/none.fcs,quantibrite-pe,7", ""]))
    result = run(fresh)
    assert result.returncode == 0, result.stdout + result.stderr
    with open(fresh / "results" / "calibrations.csv", newline="") as handle:
        status = {row["bead_id"]: (row["status"], row["flags"]) for row in csv.DictReader(handle)}
    assert status["B0"] == ("failed", "unreadable_fcs")
    assert status["B2"] == ("failed", "missing_file")
    assert status["B3"][0] == "failed"
    rows = rows_of(results_of(fresh))
    assert rows["S00"]["status"] == "failed"
    assert "calibration_failed" in rows["S00"]["flags"]
    assert rows["S00"]["pe_median"] != ""
    assert rows["S01"]["abc"] != ""
    measured = ("n_events", "n_monocytes", "pe_median", "abc", "abc_low", "abc_high", "status")
    assert [rows["S05"][name] for name in measured] == [rows["S03"][name] for name in measured]


def test_a_file_that_changes_while_it_is_read(fresh, undamaged):
    """Somebody copies a file over and over during the run; once it rests, the next run is right."""
    path = fcs_of(fresh, "S02")
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
        result = run(fresh)
    finally:
        resting.set()
        writer.join()
    assert result.returncode == 0, result.stdout + result.stderr
    row, truth = rows_of(results_of(fresh))["S02"], rows_of(undamaged[1])["S02"]
    assert row["abc"] in ("", truth["abc"]), "half a file has no value"
    assert hladr("verify", fresh).stdout.startswith("tube S02")
    path.write_bytes(content)
    assert run(fresh).returncode == 0
    assert results_of(fresh) == undamaged[1]
    assert hladr("verify", fresh).returncode == 0


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


def test_a_full_disk_stops_the_run_and_space_lets_it_go_on(small_disk, fresh, undamaged):
    place, enlarge = small_disk
    folder = shutil.copytree(fresh, place / "study")
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    with open(place / "ballast", "wb") as ballast:
        ballast.write(bytes(max(0, 8_000_000 - used - 150_000)))
    result = run(folder)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()
    intact(folder, undamaged[1])
    enlarge()
    again = run(folder)
    assert again.returncode == 0, again.stdout + again.stderr
    assert results_of(folder) == undamaged[1]
    assert hladr("verify", folder).returncode == 0


def test_files_that_may_not_grow_stop_the_run_and_it_goes_on_later(fresh, undamaged):
    """As a full disk, also where nobody may mount one: no file of the run may be larger than 60 kB."""
    result = run(fresh, prefix=["prlimit", "--fsize=60000"])
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()
    intact(fresh, undamaged[1])
    again = run(fresh)
    assert again.returncode == 0, again.stdout + again.stderr
    assert results_of(fresh) == undamaged[1]
    assert hladr("verify", fresh).returncode == 0


def test_a_read_only_study_is_refused_in_one_line(fresh):
    for path in [fresh, *fresh.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        result = run(fresh, prefix=obeying_permissions())
    finally:
        for path in [fresh, *fresh.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert "cannot be written to" in result.stderr
