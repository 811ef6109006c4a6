"""What re-runs: appended rows leave batches alone; a digest changes with what a job reads, and with nothing else."""

import os
import re
from pathlib import Path

import pytest

from hladr import plan


def test_appended_rows_leave_earlier_batches_alone():
    before, after = plan.batches(list(range(95)), 40), plan.batches(list(range(96)), 40)
    assert [len(rows) for rows in after.values()] == [40, 40, 16]
    assert before["0000"] == after["0000"]
    assert before["0001"] == after["0001"]
    assert before["0002"] != after["0002"]
    assert plan.batches([], 40) == {}


def test_a_file_counts_by_size_and_time(tmp_path):
    path = tmp_path / "tube.fcs"
    assert plan.stamps(tmp_path, ["tube.fcs", None, ""]) == [None, None, None]
    path.write_bytes(b"FCS3.0")
    first = plan.file_stamp(path)
    assert first[0] == 6
    os.utime(path, ns=(first[1] + 1, first[1] + 1))
    assert plan.file_stamp(path) != first


def test_tables_count_by_content_not_by_time(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text("sample_id\n1\n")
    first = plan.content_digest(tmp_path, ["samples.csv"])
    os.utime(path, ns=(1, 1))
    assert plan.content_digest(tmp_path, ["samples.csv"]) == first
    path.write_text("sample_id\n2\n")
    assert plan.content_digest(tmp_path, ["samples.csv"]) != first
    assert plan.content_digest(tmp_path, ["releases.csv"]) != plan.content_digest(tmp_path, ["outcomes.csv"])


def test_the_code_digest_follows_imports_and_data(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kits.yaml").write_text("a: 1\n")
    (tmp_path / "top.py").write_text("def f():\n    from .low import g\n")
    (tmp_path / "low.py").write_text("from .paths import data_file\nK = data_file('kits.yaml')\n")
    (tmp_path / "paths.py").write_text("x = 1\n")
    (tmp_path / "other.py").write_text("y = 1\n")
    monkeypatch.setattr(plan, "PACKAGE", tmp_path)

    def digest():
        plan.code_digest.cache_clear()
        return plan.code_digest("top")

    first = digest()
    (tmp_path / "other.py").write_text("y = 2\n")
    assert digest() == first
    for name, text in (
        ("low.py", "from .paths import data_file\nK = data_file('kits.yaml') \n"),
        ("data/kits.yaml", "a: 2\n"),
    ):
        (tmp_path / name).write_text(text)
        changed = digest()
        assert changed != first
        first = changed
    plan.code_digest.cache_clear()


def test_glue_counts_without_what_it_imports(tmp_path, monkeypatch):
    (tmp_path / "top.py").write_text("x = 1\n")
    (tmp_path / "glue.py").write_text("from .other import y\n")
    (tmp_path / "other.py").write_text("y = 1\n")
    monkeypatch.setattr(plan, "PACKAGE", tmp_path)

    def digest():
        plan.code_digest.cache_clear()
        return plan.code_digest("top", alone="glue")

    first = digest()
    (tmp_path / "other.py").write_text("y = 2\n")
    assert digest() == first
    (tmp_path / "glue.py").write_text("from .other import y as z\n")
    assert digest() != first
    plan.code_digest.cache_clear()


def test_a_rule_that_reads_the_study_runs_again_when_reading_it_changes():
    workflow = Path(__file__).parents[2] / "workflow"
    rules = [rule for path in workflow.glob("rules/*.smk") for rule in path.read_text().split("\nrule ")]
    readers = {p.name for p in workflow.glob("scripts/*.py") if "load_study" in p.read_text()}
    codes = {
        script: re.search(r"code_digest\(\s*([^)]*)\)", rule).group(1)
        for rule in rules
        for script in readers
        if f"scripts/{script}" in rule
    }
    assert codes.keys() == readers
    assert {script for script, code in codes.items() if not code.startswith('"study"')} == set()


def test_gating_code_does_not_depend_on_the_calls():
    assert plan.code_digest("tube") != plan.code_digest("phenotype")
    with pytest.raises(ValueError, match="no module"):
        plan.code_digest("nonsense")


def test_select_keeps_the_shape_of_the_configuration():
    config = {"run": {"seed": 1, "batch_size": 40}, "gating": {"a": 1}}
    assert plan.select(config, "gating", "run.seed", "absent") == {"gating": {"a": 1}, "run": {"seed": 1}}


def test_a_job_asks_for_what_its_files_take_and_more_after_a_failure():
    assert plan.memory_mb([]) == 1000
    assert plan.memory_mb([2_000_000, 100_000_000]) == 2500
    assert plan.memory_mb([100_000_000], attempt=2) == 5000
    assert plan.memory_mb([10**15]) == 16_000, "an enormous file is refused unread; it does not block the queue"
    assert plan.runtime_minutes([]) == 15
    assert plan.runtime_minutes([2_000_000] * 600) == 45
    assert plan.runtime_minutes([2_000_000] * 600, attempt=3) == 135


def test_only_the_last_attempt_bounds_the_worker():
    assert [plan.worker_memory_mb(1000, attempt) for attempt in (1, 2, 3)] == [None, None, 750]
