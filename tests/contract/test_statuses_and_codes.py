"""Every code of the contract, end to end: a specimen that has the problem, the status, a sentence, no other code."""

import csv
import re

import pytest
from contract_specimens import MAKERS

FILE_CODES = {"missing_file", "unreadable_fcs", "truncated_fcs", "channel_missing", "no_events"}


def rows(specimens, table: str) -> list[dict[str, str]]:
    with open(specimens.folder / "results" / f"{table}.csv", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def by_id(specimens, table: str, key: str) -> dict[str, dict[str, str]]:
    return {row[key]: row for row in rows(specimens, table)}


def wrong(found: dict, expected: dict) -> dict:
    """Return what differs: expected and found status and codes, and the sentence."""
    out = {}
    for name, (status, codes) in expected.items():
        row = found[name]
        got = set(row["flags"].split(";")) - {""}
        if (row["status"], got) != (status, codes):
            out[name] = (status, codes, row["status"], got, row["reason"])
    return out


def test_each_tube_has_the_status_and_the_codes_of_its_problem_and_no_other(specimens):
    assert not wrong(by_id(specimens, "quantification", "sample_id"), specimens.tubes_expected)


def test_each_bead_run_has_the_status_and_the_codes_of_its_problem(specimens):
    found = by_id(specimens, "calibrations", "bead_id")
    # a wrong run may break several limits at once, and jumps away from the good ones of its cytometer
    allowed = {"B-off": {"slope_out_of_range", "lot_suspect"}, "B-few": set(), "B-merged": {"recovery_out_of_range"}}
    expected = {}
    for name, (status, codes) in specimens.beads_expected.items():
        got = set(found[name]["flags"].split(";")) - {""}
        expected[name] = (status, codes | (got & (allowed.get(name, set()) | {"calibration_jump"})))
    assert not wrong(found, expected)


@pytest.mark.parametrize("table", ["quantification", "calibrations"])
def test_reason_is_one_plain_sentence_never_empty_unless_ok(specimens, table):
    for row in rows(specimens, table):
        assert bool(row["reason"]) == (row["status"] != "ok"), row
        assert bool(row["flags"]) == (row["status"] != "ok"), row
        if row["reason"]:
            assert row["reason"].endswith(".")
            assert not re.search(r"Error|Traceback|fcs/|\\", row["reason"]), row["reason"]


def test_one_row_per_row_of_the_table_in_the_same_order(specimens):
    assert [r["sample_id"] for r in rows(specimens, "quantification")] == [r["sample_id"] for r in specimens.samples]
    assert [r["bead_id"] for r in rows(specimens, "calibrations")] == [r["bead_id"] for r in specimens.beads]


def test_failed_means_that_abc_is_empty_and_review_that_there_is_a_value(specimens):
    for row in rows(specimens, "quantification"):
        assert bool(row["abc"]) == (row["status"] != "failed"), row


def test_where_the_file_could_be_gated_counts_and_pe_are_given_even_if_abc_fails(specimens):
    for row in rows(specimens, "quantification"):
        codes = set(row["flags"].split(";"))
        unreadable = codes & (FILE_CODES | {"corrupt_events"}) and row["status"] == "failed"
        if row["abc_source"] == "fcs" and not unreadable:
            assert row["n_events"], row
            assert row["n_monocytes"], row
            assert row["monocyte_percent"], row
            assert row["gate_source"] == "automatic"
            if "no_monocytes" not in codes:
                assert float(row["pe_median"]) > 0
                assert float(row["pe_geometric_mean"]) > 0


def test_a_reported_value_is_ok_without_interval_and_never_a_fallback(specimens):
    found = by_id(specimens, "quantification", "sample_id")
    reported = found["reported"]
    assert (reported["status"], reported["abc"], reported["abc_source"]) == ("ok", "4990.5", "reported")
    assert reported["abc_low"] == reported["abc_high"] == reported["n_events"] == reported["gate_source"] == ""
    assert found["absent"]["abc"] == found["empty"]["abc"] == ""
    call = by_id(specimens, "phenotypes", "patient_id")["P-reported"]
    assert (call["phenotype"], call["borderline"], call["probability"]) == ("SIP", "false", "")


@pytest.mark.parametrize("maker", MAKERS)
def test_abc_of_every_kind_of_cytometer_is_the_simulated_one(specimens, maker):
    row = by_id(specimens, "quantification", "sample_id")[maker]
    assert float(row["abc"]) == pytest.approx(12_000, rel=0.10)
    assert float(row["abc_low"]) < float(row["abc"]) < float(row["abc_high"])
    assert float(row["monocyte_percent"]) == pytest.approx(25, abs=3)


def test_an_isotype_tube_is_subtracted_and_not_called(specimens):
    found = by_id(specimens, "quantification", "sample_id")
    # both read the same scale: 12,000 antibodies less the 3,000 of the isotype tube
    assert float(found["by-qifi"]["abc"]) == pytest.approx(9000, rel=0.15)
    call = by_id(specimens, "phenotypes", "patient_id")["P-qifi"]
    assert call["sample_id"] == "by-qifi"


def test_a_control_is_quantified_and_never_called(specimens):
    assert by_id(specimens, "quantification", "sample_id")["control"]["abc"]
    patients = {row["patient_id"] for row in rows(specimens, "phenotypes")}
    assert "P-control" not in patients
    assert "P-control" not in {row["patient_id"] for row in rows(specimens, "reversal")}


def test_a_replaced_tube_is_left_out_and_replicates_are_combined_by_the_geometric_mean(specimens):
    tubes = by_id(specimens, "quantification", "sample_id")
    calls = by_id(specimens, "phenotypes", "patient_id")
    assert calls["P-replaced"]["abc"] == tubes["second"]["abc"]
    twins = [tubes["twin-a"], tubes["twin-b"]]
    a, b = (float(t["abc"]) for t in twins)
    assert float(calls["P-twins"]["abc"]) == pytest.approx((a * b) ** 0.5, rel=1e-6)
    assert float(calls["P-twins"]["abc_low"]) == min(float(t["abc_low"]) for t in twins)
    assert float(calls["P-twins"]["abc_high"]) == max(float(t["abc_high"]) for t in twins)


def test_a_fall_of_more_than_90_percent_is_flagged_until_confirmed(specimens):
    days = {row["day"]: row for row in rows(specimens, "phenotypes") if row["patient_id"] == "P-hook"}
    assert {day: row["flags"] for day, row in days.items()} == {"1": "", "2": "ferritin_implausible", "4": ""}
    assert days["2"]["status"] == "review"


def test_ids_are_text_to_the_last_zero(specimens):
    assert by_id(specimens, "quantification", "sample_id")["0012"]["patient_id"] == "0007"
    assert "0007" in by_id(specimens, "phenotypes", "patient_id")


def test_every_file_code_and_limit_is_among_the_specimens(specimens):
    shown = set().union(*(codes for _, codes in specimens.tubes_expected.values()))
    shown |= set().union(*(codes for _, codes in specimens.beads_expected.values()))
    contract = """not_beads
        missing_file unreadable_fcs truncated_fcs channel_missing no_events corrupt_events no_monocytes
        few_monocytes settings_mismatch cytometer_mismatch bead_date_mismatch preanalytic_delay calibration_missing
        calibration_failed calibration_review extrapolated saturated signal_drift replicates_disagree kit_no_abc
        kit_not_interchangeable peaks_missing peaks_merged lot_unknown recovery_out_of_range few_bead_events"""
    assert not set(contract.split()) - shown
