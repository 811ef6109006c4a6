"""What a run adds to audit.jsonl: only what changed, with from and to."""

import json
import shutil

import pytest
from provenance_support import QUANTIFICATION, run, write_batches, write_quantification, write_study

from hladr import audit, provenance
from hladr.study import load_study


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path)


def kinds(events):
    return [event["event"] for event in events]


def only(events, kind):
    (found,) = [event for event in events if event["event"] == kind]
    return found


def test_the_first_run_records_inputs_settings_decisions_and_results(study):
    events = run(study)
    assert kinds(events) == [
        "run_started",
        "inputs_changed",
        "settings_changed",
        "software_changed",
        "override_applied",
        "results_added",
        "result_files_changed",
        "provenance_written",
        "run_finished",
    ]
    assert only(events, "inputs_changed")["added"]["tube S3"] == "missing"
    assert only(events, "results_added")["added"]["quantification S1"] == {"status": "ok", "abc": "5500.5"}
    override = only(events, "override_applied")
    assert (override["sample_id"], override["reviewer"], override["reason"], override["date"]) == (
        "S2",
        "KA",
        "debris in the gate",
        "2026-01-02",
    )
    assert set(only(events, "run_finished")["files"]) == {"batches/", "report.html", "report/"}


def test_a_run_that_changes_nothing_says_so_and_nothing_else(study):
    run(study)
    assert kinds(run(study)) == ["run_started", "run_finished"]


def test_a_deleted_results_folder_leaves_no_gap(study, tmp_path):
    run(study)
    shutil.copytree(study / "results", tmp_path / "kept")
    shutil.rmtree(study / "results")
    shutil.copytree(tmp_path / "kept", study / "results")
    (study / "results" / "audit_head.json").unlink()
    assert kinds(run(study)) == ["run_started", "run_finished"]


def test_changed_results_are_told_with_their_size(study):
    run(study)
    write_quantification(study, {**QUANTIFICATION, "S1": ("review", "6600.6"), "S2": ("failed", "")})
    events = run(study)
    one, two = [event for event in events if event["event"] == "result_changed"]
    assert one["what"] == "quantification S1"
    assert one["from"] == {"status": "ok", "abc": "5500.5"}
    assert one["to"] == {"status": "review", "abc": "6600.6"}
    assert one["abc_change_percent"] == "20"
    assert two["what"] == "quantification S2"
    assert "abc_change_percent" not in two
    assert set(only(events, "result_files_changed")["changed"]) == {"quantification.csv"}
    assert audit.state(audit.read(study))["values"]["quantification S1"]["abc"] == "6600.6"


def test_a_late_a_changed_and_a_removed_file_are_named_by_id(study):
    run(study)
    (study / "fcs" / "late.fcs").write_bytes(b"FCS3.0 late")
    (study / "fcs" / "two.fcs").unlink()
    write_batches(study)
    changed = only(run(study), "inputs_changed")["changed"]
    assert changed["tube S3"]["from"] == "missing"
    assert changed["tube S2"]["to"] == "missing"
    assert set(changed) == {"tube S2", "tube S3"}


def test_a_withdrawn_override_and_a_decision_on_a_tube(study):
    run(study)
    shutil.rmtree(study / "overrides")
    header = "sample_id,reviewer,decision,date\n"
    (study / "releases.csv").write_text(header + "S1,KA,hold,2026-01-03\nS1,KA,release,2026-01-04\n")
    events = run(study)
    assert only(events, "override_withdrawn")["reviewer"] == "KA"
    assert only(events, "release_recorded")["decision"] == "release"
    (study / "releases.csv").write_text(header)
    assert only(run(study), "release_withdrawn")["sample_id"] == "S1"


def test_changed_settings_are_named(study):
    run(study)
    (study / "config.yaml").write_text("contract: 1\nstudy: small\nquantify: {statistic: geometric_mean}\n")
    change = {"quantify.statistic": {"from": "median", "to": "geometric_mean"}}
    assert only(run(study), "settings_changed")["changed"] == change


def test_the_names_of_the_arms_are_not_logged_but_their_change_is(study):
    run(study)
    (study / "config.yaml").write_text("contract: 1\nstudy: small\ncohort: {arms: [precision, placebo]}\n")
    assert set(only(run(study), "settings_changed")["changed"]) == {"cohort.arms"}
    assert "placebo" not in (study / "audit.jsonl").read_text()


def test_a_job_that_is_killed_and_repeated_doubles_nothing(study):
    """Killed anywhere between its lines, the job goes on where the log ends."""
    run(study)
    whole = audit.state(audit.read(study))
    raw = (study / "audit.jsonl").read_bytes()
    for kept in range(0, len(raw), 509):
        (study / "results" / "audit_head.json").unlink(missing_ok=True)
        (study / "audit.jsonl").write_bytes(raw[:kept])
        loaded = load_study(study)
        provenance.write(loaded, study / "results", {"phenotype ferritin-first 1": "MALS where ferritin > 4420 ng/mL."})
        audit.record_run(loaded, study / "results")
        assert audit.check(study) is None
        assert {**audit.state(audit.read(study)), "other": whole["other"]} == whole


def test_an_edited_line_stops_no_run(study):
    run(study)
    lines = (study / "audit.jsonl").read_text().splitlines()
    entry = json.loads(lines[4])
    del entry["sample_id"]
    lines[4] = json.dumps(entry)
    (study / "audit.jsonl").write_text("\n".join([*lines, '{"n": 0}', "[]", ""]))
    assert "override_applied" in kinds(run(study))
    assert "line 5" in audit.check(study)


def test_a_failed_run_says_so(study):
    audit.record_start(study)
    audit.record_finish(study, succeeded=False)
    assert kinds(line.entry for line in audit.read(study)) == ["run_started", "run_failed"]
