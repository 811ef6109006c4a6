"""The demo against its own truth, which the simulator wrote before anything was measured."""

import csv
from pathlib import Path

import pytest


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def by(table: list[dict[str, str]], *keys: str) -> dict:
    return {tuple(row[key] for key in keys): row for row in table}


def test_abc_of_every_good_tube_lies_within_ten_percent_of_the_truth(finished_demo):
    found = by(rows(finished_demo / "results" / "quantification.csv"), "sample_id")
    truth = [row for row in rows(finished_demo / "truth" / "tubes.csv") if row["expected_status"] != "failed"]
    assert len(truth) > 40
    far = {}
    for row in truth:
        measured = found[(row["sample_id"],)]
        assert measured["abc"], f"{row['sample_id']}: {measured['reason']}"
        error = float(measured["abc"]) / float(row["true_abc"]) - 1
        if abs(error) > 0.10:
            far[row["sample_id"]] = error
    assert not far


def test_every_planted_problem_has_its_code_and_no_other_tube_fails(finished_demo):
    found = by(rows(finished_demo / "results" / "quantification.csv"), "sample_id")
    wrong = {}
    for row in rows(finished_demo / "truth" / "tubes.csv"):
        measured = found[(row["sample_id"],)]
        codes = measured["flags"].split(";")
        if measured["status"] != row["expected_status"] or (row["expected_flag"] and row["expected_flag"] not in codes):
            wrong[row["sample_id"]] = (row["expected_status"], row["expected_flag"], measured["status"], codes)
    assert not wrong


def test_every_bead_run_has_the_status_of_the_truth(finished_demo):
    found = by(rows(finished_demo / "results" / "calibrations.csv"), "bead_id")
    truth = rows(finished_demo / "truth" / "beads.csv")
    assert {row["bead_id"]: found[(row["bead_id"],)]["status"] for row in truth} == {
        row["bead_id"]: row["expected_status"] for row in truth
    }
    for row in truth:
        if row["expected_flag"]:
            assert row["expected_flag"] in found[(row["bead_id"],)]["flags"].split(";")


def test_every_call_away_from_a_limit_is_the_truths(finished_demo):
    found = by(rows(finished_demo / "results" / "phenotypes.csv"), "patient_id", "day")
    wrong, checked = {}, 0
    for row in rows(finished_demo / "truth" / "phenotypes.csv"):
        abc = float(row["true_abc"]) if row["true_abc"] else None
        if abc and 4500 <= abc <= 5500 and row["expected_phenotype"] in ("SIP", "unclassified"):
            continue
        checked += 1
        key = (row["patient_id"], row["day"])
        if found[key]["phenotype"] != row["expected_phenotype"]:
            wrong[key] = (row["expected_phenotype"], found[key]["reason"])
    assert checked > 40
    assert not wrong


def test_every_course_is_the_truths(finished_demo):
    found = by(rows(finished_demo / "results" / "reversal.csv"), "patient_id")
    truth = rows(finished_demo / "truth" / "reversal.csv")
    assert {row["expected_reversal"] for row in truth} == {"attained", "not_attained", "not_applicable"}
    for row in truth:
        course = found[(row["patient_id"],)]
        assert (course["reversal"], course["reversal_day"]) == (row["expected_reversal"], row["expected_reversal_day"])


def test_the_demo_shows_every_phenotype_three_labs_and_two_lots(finished_demo):
    phenotypes = {row["phenotype"] for row in rows(finished_demo / "results" / "phenotypes.csv")}
    assert phenotypes == {"MALS", "SIP", "unclassified", "indeterminate"}
    calibrations = rows(finished_demo / "results" / "calibrations.csv")
    assert len({row["lab"] for row in calibrations}) >= 3
    assert len({row["lot"] for row in calibrations}) >= 2
    assert len({row["arm"] for row in rows(finished_demo / "results" / "reversal.csv")}) == 2


@pytest.mark.parametrize("table", ["quantification", "calibrations"])
def test_every_status_that_is_not_ok_has_a_reason(finished_demo, table):
    for row in rows(finished_demo / "results" / f"{table}.csv"):
        assert bool(row["reason"]) == (row["status"] != "ok")
        assert bool(row["flags"]) == (row["status"] != "ok")
