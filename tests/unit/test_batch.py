"""A worker that dies on one specimen costs that specimen, not the batch."""

import errno
import os
import signal
import time

import pytest

from hladr import batch
from hladr.batch import run_batch


def test_results_come_in_order_and_progress_counts(tmp_path):
    progress = tmp_path / "progress"
    assert run_batch(["a", "b", "c"], lambda i: f"line {i}", None, progress) == ["line 0", "line 1", "line 2"]
    assert progress.stat().st_size == 3
    assert run_batch([], None, None) == []


def test_a_killed_worker_costs_one_specimen(tmp_path):
    def work(position):
        if position == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return f"line {position}"

    lines = run_batch(["a", "b", "c"], work, lambda i, how: f"dead {i}: {how}")
    assert lines == ["line 0", "dead 1: the process was ended by SIGKILL", "line 2"]


def test_a_worker_that_dies_once_is_tried_again(tmp_path):
    mark = tmp_path / "died"

    def work(position):
        if position == 2 and not mark.exists():
            mark.touch()
            os._exit(3)
        return str(position)

    assert run_batch(["a", "b", "c", "d"], work, None) == ["0", "1", "2", "3"]


def test_a_specimen_that_takes_all_memory_costs_itself():
    def work(position):
        return str(len(bytearray(2_000_000_000 if position == 1 else 10)))

    lines = run_batch(["a", "b", "c"], work, lambda i, how: how, memory_mb=1000)
    assert lines == ["10", "it needs more memory than a job has", "10"]


def test_a_specimen_that_never_ends_costs_itself(monkeypatch):
    def work(position):
        if position == 0:
            time.sleep(60)
        return "line"

    monkeypatch.setattr(batch, "PATIENCE_SECONDS", 0.2)
    assert run_batch(["a", "b"], work, lambda i, how: how) == ["it took more than 0.2 s", "line"]


def test_a_specimen_that_nobody_foresaw_costs_itself(capfd):
    def work(position):
        return {0: "line 0", 2: "line 2"}[position]

    lines = run_batch(["a", "b", "c"], work, lambda i, how: f"dead {i}: {how}")
    assert lines == ["line 0", f"dead 1: {batch.UNFORESEEN}", "line 2"]
    said = capfd.readouterr().err
    assert said.startswith("b: KeyError at batch.py:")
    assert "test_batch.py" in said


def test_a_full_disk_ends_the_batch_and_costs_no_specimen_its_result():
    def work(position):
        if position == 1:
            raise OSError(errno.ENOSPC, "No space left on device", "/secret/path")
        return "line"

    with pytest.raises(OSError, match="the results of b cannot be written: No space left on device") as caught:
        run_batch(["a", "b", "c"], work, None)
    assert "secret" not in str(caught.value)


def test_the_log_says_where_but_not_what_a_header_said(capfd):
    def work(position):
        raise ValueError("could not convert string to float: 'MUELLER^ANNA'")

    run_batch(["a"], work, lambda i, how: how)
    assert "MUELLER" not in capfd.readouterr().err


def test_a_picture_that_cannot_be_drawn_costs_no_value(tmp_path, capsys):
    from hladr import specimens

    def draw(arrays, reading):
        raise ValueError("fcs/Name Surname.fcs")

    specimens._keep_picture(tmp_path / "S1.png", draw, None, None)
    assert not (tmp_path / "S1.png").exists()
    said = capsys.readouterr().err
    assert said.startswith("S1: no picture: ValueError at ")
    assert "Surname" not in said
    specimens._keep_picture(tmp_path / "S2.png", lambda arrays, reading: b"drawn", None, None)
    assert (tmp_path / "S2.png").read_bytes() == b"drawn"
