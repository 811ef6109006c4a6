"""The real Snakefile on the simulated demo study: what runs, what runs again, what comes out the same."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, hladr

CSV = ("quantification", "calibrations", "phenotypes", "reversal", "cohort", "sensitivity", "drift", "dictionary")
NAMED = ("report.html", "problems.xlsx", "results.duckdb", "provenance.json", "cohort.html")


def snakemake(study: Path, *options: str):
    """Call Snakemake as the contract writes it."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(study)]
    command += ["--configfile", str(study / "config.yaml"), "--cores", "2", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def planned(study: Path, *options: str) -> dict[str, int]:
    """Return the jobs that a run would do, by rule."""
    result = snakemake(study, "-n", "--quiet", "host", *options)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in (result.stdout + result.stderr).splitlines()]
    results = {"quantify", "call", "compare", "publish", "figures", "report", "export", "workbooks"}
    rules = {"calibrate", "gate", "provenance", *results}
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[0] in rules and words[1].isdigit()}


def tables(study: Path) -> dict[str, bytes]:
    return {name: (study / "results" / f"{name}.csv").read_bytes() for name in CSV}


def rows(study: Path, table: str) -> list[dict[str, str]]:
    with open(study / "results" / f"{table}.csv", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_everything_that_the_contract_names_is_there(finished_demo):
    results = finished_demo / "results"
    missing = [name for name in (*(f"{t}.csv" for t in CSV), *NAMED) if not (results / name).is_file()]
    assert not missing
    gated = {row["sample_id"] for row in rows(finished_demo, "quantification") if row["n_monocytes"]}
    assert {path.stem for path in (results / "gates").glob("*.xml")} >= gated
    assert (finished_demo / "audit.jsonl").is_file()


def test_a_second_run_does_nothing(demo_copy):
    before = tables(demo_copy)
    assert planned(demo_copy) == {}
    result = hladr("run", demo_copy, "--cores", 2)
    assert result.returncode == 0, result.stderr
    assert tables(demo_copy) == before
    assert len(result.stdout.strip().splitlines()) == 5


def test_plain_snakemake_gives_the_same_bytes_in_other_batches(finished_demo, tmp_path):
    study = tmp_path / "study"
    shutil.copytree(finished_demo, study, ignore=shutil.ignore_patterns("results", "logs", ".snakemake", "audit.jsonl"))
    result = snakemake(study, "--config", "run={batch_size: 7, pictures: false}")
    assert result.returncode == 0, result.stderr
    assert tables(study) == tables(finished_demo)


def test_a_late_file_runs_its_batch_and_what_follows(demo_copy):
    broken = next(row for row in rows(demo_copy, "quantification") if "truncated_fcs" in row["flags"])
    tubes = {row["sample_id"]: row for row in csv.DictReader((demo_copy / "samples.csv").open(encoding="utf-8-sig"))}
    donor = next(
        row["sample_id"]
        for row in rows(demo_copy, "quantification")
        if row["lab"] == broken["lab"] and row["status"] == "ok"
    )
    shutil.copyfile(demo_copy / tubes[donor]["fcs"], demo_copy / tubes[broken["sample_id"]]["fcs"])
    jobs = planned(demo_copy)
    assert jobs["gate"] == 1
    assert "calibrate" not in jobs
    assert {"quantify", "call", "report", "provenance"} <= set(jobs)
    assert hladr("run", demo_copy, "--cores", 2).returncode == 0
    repaired = {row["sample_id"]: row for row in rows(demo_copy, "quantification")}[broken["sample_id"]]
    assert "truncated_fcs" not in repaired["flags"]
    assert repaired["pe_median"]


@pytest.mark.parametrize(
    ("addition", "runs", "rests"),
    [
        ("study: another name\n", {"workbooks", "report", "compare"}, {"gate", "calibrate", "quantify", "call"}),
        ("reversal: {rule: methods-increment}\n", {"call", "compare"}, {"gate", "calibrate", "quantify", "publish"}),
        ("quantify: {review_monocytes: 900, min_monocytes: 90}\n", {"gate", "quantify"}, set()),
        ("quantify: {bead_window_hours: 30}\n", {"quantify"}, {"gate"}),
        ("cohort: {arms: [placebo, precision]}\n", {"compare"}, {"gate", "calibrate", "quantify", "call"}),
    ],
)
def test_a_setting_runs_what_depends_on_it_and_nothing_else(demo_copy, addition, runs, rests):
    import yaml

    path = demo_copy / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    for section, values in yaml.safe_load(addition).items():
        config[section] = {**config.get(section, {}), **values} if isinstance(values, dict) else values
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    jobs = set(planned(demo_copy))
    assert runs <= jobs
    assert not rests & jobs


def test_a_corrected_certificate_runs_beads_but_no_gate(demo_copy):
    path = demo_copy / "bead_lots.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join([*lines, lines[-1].replace(lines[-1].split(",")[1], "another-lot")]) + "\n")
    jobs = planned(demo_copy)
    assert "gate" not in jobs
    assert "quantify" in jobs


def test_an_interrupted_run_goes_on(demo_copy):
    before = tables(demo_copy)
    batch = sorted((demo_copy / "results" / "batches").glob("tubes_*"))[0]
    shutil.rmtree(batch)
    (demo_copy / "results" / "quantification.csv").unlink()
    assert hladr("run", demo_copy, "--cores", 2).returncode == 0
    assert tables(demo_copy) == before


@pytest.mark.parametrize("how", ["hladr", "snakemake"])
def test_wrong_tables_stop_before_the_first_job(demo_copy, how):
    path = demo_copy / "samples.csv"
    text = path.read_text(encoding="utf-8-sig")
    header, first, *others = text.splitlines()
    path.write_text("\n".join([header, first, first, *others]) + "\n", encoding="utf-8")
    shutil.rmtree(demo_copy / "results")
    result = hladr("run", demo_copy) if how == "hladr" else snakemake(demo_copy)
    assert result.returncode == 2, result.stdout + result.stderr
    line = next(line for line in (result.stdout + result.stderr).splitlines() if line.startswith("samples.csv"))
    assert "row 3" in line
    assert "sample_id" in line
    assert "Traceback" not in result.stderr
    assert not (demo_copy / "results").exists()


def test_two_runs_at_once_are_refused(demo_copy):
    import fcntl

    with open(demo_copy / "logs" / "run.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = hladr("run", demo_copy)
    assert result.returncode == 1
    assert result.stderr.strip() == "hladr run: another run is working on this study; wait until it has finished"


def test_the_workflow_passes_its_own_linter():
    command = [sys.executable, "-m", "snakemake", "--lint"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


def test_options_of_snakemake_pass_through(demo_copy):
    result = hladr("run", demo_copy, "--cores", 1, "-n")
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (
            ["--config", "baseline_dax=3"],
            2,
            "--config, column baseline_dax: found the unknown key 'baseline_dax', expected",
        ),
        (["--no-such-option"], 1, "hladr run: unrecognized arguments: --no-such-option"),
        (["no_such_target"], 1, "hladr run: the workflow did not finish"),
    ],
)
def test_what_snakemake_refuses_is_told_in_one_line(demo_copy, options, status, words):
    result = hladr("run", demo_copy, "--cores", 1, *options)
    assert result.returncode == status
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith(words)


@pytest.mark.parametrize("text", ["", "# contract: 1\n"])
def test_a_configuration_without_a_key_runs_with_the_defaults(demo_copy, text):
    (demo_copy / "config.yaml").write_text(text)
    result = hladr("run", demo_copy, "--cores", 1, "-n")
    assert result.returncode == 0, result.stderr


def test_a_study_without_rows_in_other_tables_is_valid(demo_copy):
    for name in ("beads.csv", "ferritin.csv", "bead_lots.csv"):
        path = demo_copy / name
        path.write_text(path.read_text(encoding="utf-8-sig").splitlines()[0] + "\n")
    path = demo_copy / "samples.csv"
    tubes = list(csv.DictReader(path.open(encoding="utf-8-sig")))[:2]
    with open(path, "w", newline="") as handle:
        writer = csv.DictWriter(handle, tubes[0])
        writer.writeheader()
        writer.writerows({**tube, "bead_id": "", "replaces": ""} for tube in tubes)
    for name in ("overrides", "releases.csv", "outcomes.csv"):
        target = demo_copy / name
        shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    result = hladr("run", demo_copy, "--cores", 2)
    assert result.returncode == 0, result.stdout + result.stderr
    found = rows(demo_copy, "quantification")
    assert [row["status"] for row in found] == ["failed", "failed"]
    assert all("calibration_missing" in row["flags"] and row["pe_median"] and not row["abc"] for row in found)
    gates = {path.name for path in (demo_copy / "results" / "gates").glob("*.xml")}
    assert gates <= {f"{tube['sample_id']}.xml" for tube in tubes}


def test_logs_and_results_never_name_the_study_folder(finished_demo):
    needle = os.fsencode(str(finished_demo))
    for folder in ("results", "logs"):
        for path in (finished_demo / folder).rglob("*"):
            if path.is_file():
                assert needle not in path.read_bytes(), path.name
