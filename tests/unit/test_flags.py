"""Codes: how findings combine to status, flags and reason."""

import pytest

from hladr.flags import FLAGS, Finding, codes_of, finding, reason_of, status_of

# The codes that the contract fixes, with the statuses that it allows.
CONTRACT = {
    "missing_file": "failed", "unreadable_fcs": "failed", "truncated_fcs": "failed", "channel_missing": "failed",
    "no_events": "failed", "corrupt_events": "failed or review", "no_monocytes": "failed", "few_monocytes": "review",
    "settings_mismatch": "failed", "cytometer_mismatch": "failed", "bead_date_mismatch": "review",
    "preanalytic_delay": "review", "calibration_missing": "failed", "calibration_failed": "failed",
    "calibration_review": "review", "extrapolated": "review", "saturated": "review", "signal_drift": "failed or review",
    "gate_uncertain": "review", "statistic_sensitive": "review", "model_sensitive": "review",
    "replicates_disagree": "review", "kit_no_abc": "failed", "kit_not_interchangeable": "review",
    "ferritin_implausible": "review", "lot_unknown": "failed",
}  # fmt: skip


@pytest.mark.parametrize(("code", "status"), CONTRACT.items())
def test_a_code_sets_the_status_of_the_contract(code, status):
    assert FLAGS[code].status == status


def test_every_code_says_what_it_means_and_what_to_do():
    assert all(flag.meaning.endswith(".") and flag.remedy.endswith(".") for flag in FLAGS.values())


@pytest.mark.parametrize(
    ("code", "causes"),
    [
        ("no_monocytes", ("right tube", "CD14", "bead", "isotype", "gate", "acquire more", "new draw")),
        ("peaks_missing", ("more bead events", "PE voltage", "bead_lots.csv", "certificate")),
        ("peaks_merged", ("Vortex", "lasers", "bead_lots.csv", "certificate")),
        ("calibration_jump", ("lot on the vial", "expired", "faded", "alignment", "lasers")),
    ],
)
def test_a_remedy_names_each_usual_cause_in_the_order_in_which_to_look(code, causes):
    places = [FLAGS[code].remedy.find(cause) for cause in causes]
    assert min(places) >= 0
    assert places == sorted(places)


def test_no_monocytes_fits_a_tube_without_any():
    assert FLAGS["no_monocytes"].meaning == "No monocytes, or fewer than the minimum, were found."


def test_failed_beats_review_and_comes_first():
    findings = [
        finding("few_monocytes", "only 412 monocytes"),
        finding("settings_mismatch", "PE voltage 450 V, beads 480 V"),
        finding("few_monocytes", "only 412 monocytes"),
    ]
    assert status_of(findings) == "failed"
    assert codes_of(findings) == "settings_mismatch;few_monocytes"
    assert reason_of(findings) == "PE voltage 450 V, beads 480 V; only 412 monocytes."
    assert (status_of([]), codes_of([]), reason_of([])) == ("ok", "", "")


def test_a_code_cannot_take_a_status_that_it_does_not_have():
    assert finding("signal_drift", "x", "review") == Finding("signal_drift", "x", "review")
    with pytest.raises(ValueError, match="few_monocytes"):
        finding("few_monocytes", "x", "failed")
    with pytest.raises(ValueError, match="signal_drift"):
        finding("signal_drift", "which of the two?")
