"""What all tests share: hypothesis that repeats itself, the real files, and one finished demo."""

import fcntl
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci")

ROOT = Path(__file__).resolve().parents[1]


def hladr(*arguments, **options):
    """Run the command line as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "hladr", *map(str, arguments)], capture_output=True, text=True, timeout=600, **options
    )


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real acquisitions; they are not part of the project."""
    folder = Path(os.environ.get("HLADR_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the real acquisitions are not on this machine (HLADR_REAL_DATA names their folder)")
    return folder


def session_folder(tmp_path_factory) -> Path:
    """Return a folder of this session alone, the same one in all test processes."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def finished_demo(tmp_path_factory) -> Path:
    """Return a demo that has run once, shared by all test processes; not to be changed."""
    base = session_folder(tmp_path_factory)
    folder, done = base / "demo", base / "demo.done"
    with open(base / "demo.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            result = hladr("demo", folder, "--cores", 2)
            assert result.returncode == 0, result.stdout + result.stderr
            done.write_text(result.stdout)
    return folder


@pytest.fixture
def demo_copy(finished_demo, tmp_path) -> Path:
    """Return a copy of the finished demo, with its times, free to be changed."""
    return shutil.copytree(finished_demo, tmp_path / "study", copy_function=shutil.copy2)


@pytest.fixture(scope="session")
def specimens(tmp_path_factory):
    """Return the study of `contract_specimens` after one run, shared by all test processes; not to be changed."""
    from contract_specimens import build

    base = session_folder(tmp_path_factory)
    folder, done = base / "specimens", base / "specimens.pickle"
    with open(base / "specimens.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            study = build(folder)
            result = hladr("run", folder, "--cores", 2)
            assert result.returncode == 0, result.stdout + result.stderr
            (folder / "said.txt").write_text(result.stdout + result.stderr, encoding="utf-8")
            done.write_bytes(pickle.dumps(study))
    return pickle.loads(done.read_bytes())


@pytest.fixture(scope="session")
def undamaged(tmp_path_factory):
    """Return an undamaged study of 16 tubes that ran once for all test processes, its results, and how long it took."""
    from fault_support import rows_of, run
    from small_study import results_of, write_small_study

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
def fresh(undamaged, tmp_path):
    """Return a copy of the undamaged study, not yet run."""
    from fault_support import OWN

    ignored = shutil.ignore_patterns(*OWN)
    return shutil.copytree(undamaged[0], tmp_path / "study", ignore=ignored)
