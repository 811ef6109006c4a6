"""Calls of single draws: one test per sentence of the contract's section "Rules of the calls".

Expected values are the contract's own words, or worked by hand as the comments say.
"""

import math

import pytest
from calls_support import FakeStudy, blood, config, draw, draws, measurement, tube

from hladr.ferritin import Interval
from hladr.phenotype import call, call_draws
from hladr.rules import PhenotypeLimits

LIMITS = PhenotypeLimits(4420, 5000)


# Ferritin is an interval; a rule holds only where it holds for the whole interval.


@pytest.mark.parametrize(
    ("texts", "phenotype"),
    [
        (["600", "700"], "SIP"),  # the contract's example: decidable
        (["600", "6000"], "indeterminate"),  # the contract's example: not
        (["5000", "6000"], "MALS"),
        ([">2000", "633"], "indeterminate"),  # 633 is outside: the interval from 633 upwards holds both
        ([">2000", "3000"], "SIP"),  # 3000 lies inside >2000 and replaces it
        (["<700", "633"], "SIP"),
        ([">4420", "4420"], "indeterminate"),  # 4420 is not inside >4420
        ([">=4420", "4420"], "SIP"),  # but it is inside >=4420
        (["633", "633"], "SIP"),  # delivered twice
        (["NA", "633"], "SIP"),
    ],
)
def test_several_ferritin_values_of_one_draw(texts, phenotype):
    assert draw(texts, abc=3000).phenotype == phenotype


# MALS where ferritin > 4420 (exactly 4420 is not), whatever HLA-DR is, HLA-DR missing included.


@pytest.mark.parametrize("abc", [None, 100.0, 4999.0, 5000.0, 40000.0])
def test_ferritin_decides_first(abc):
    assert draw("4421", abc=abc).phenotype == "MALS"


@pytest.mark.parametrize(
    ("text", "unit", "phenotype"),
    [
        ("4420", "ng/mL", "SIP"),
        ("4420.1", "ng/mL", "MALS"),
        ("4419.9", "ng/mL", "SIP"),
        ("4420", "ug/L", "SIP"),
        ("9931.74", "pmol/L", "SIP"),  # 4420 x 2.247, the limit itself whatever the division leaves over
        ("9932", "pmol/L", "MALS"),  # 4420.1 ng/mL
        ("9931", "pmol/L", "SIP"),
        (">4420", "ng/mL", "MALS"),
        (">=4420", "ng/mL", "indeterminate"),
        (">=4421", "ng/mL", "MALS"),
        ("<4420", "ng/mL", "SIP"),
        ("<=4420", "ng/mL", "SIP"),
        ("<4421", "ng/mL", "indeterminate"),
        (">2000", "ng/mL", "indeterminate"),
        (">7500", "ng/mL", "MALS"),
        ("<8", "ng/mL", "SIP"),
    ],
)
def test_the_ferritin_limit(text, unit, phenotype):
    assert draw(text, abc=3000, unit=unit).phenotype == phenotype


@pytest.mark.parametrize(
    ("ferritin", "phenotype"),
    [
        (4420 * (1 + 1e-10), "SIP"),  # a difference below a relative 1e-9 counts as equal
        (4420 * (1 + 1e-8), "MALS"),
    ],
)
def test_differences_below_a_relative_1e_9_of_4420_are_none(ferritin, phenotype):
    assert call(Interval.exact(ferritin), 3000, LIMITS) == phenotype


# SIP where ferritin <= 4420 and AB/C < 5000 (exactly 5000 is not). Unclassified where AB/C >= 5000.


@pytest.mark.parametrize(
    ("abc", "phenotype"),
    [
        (4999.0, "SIP"),
        (4999.9999, "SIP"),  # unrounded
        (5000.0, "unclassified"),
        (5000.0001, "unclassified"),
        (5000 * (1 - 1e-10), "unclassified"),  # below a relative 1e-9: equal to 5000
        (5000 * (1 - 1e-8), "SIP"),
        (0.0, "SIP"),
    ],
)
def test_the_hladr_limit(abc, phenotype):
    assert draw("633", abc=abc).phenotype == phenotype


def test_limits_come_from_the_configuration():
    tubes, values = [tube("S1", abc=5500)], [blood("633")]
    made = draws(tubes, values, phenotype={"hladr_sip_below_abc": 6000})
    assert made[0].phenotype == "SIP"
    made = draws(tubes, values, phenotype={"ferritin_mals_above_ng_ml": 500})
    assert made[0].phenotype == "MALS"


# The interval of AB/C never changes a call.


@pytest.mark.parametrize(("low", "high"), [(None, None), (4000, 6000), (100, 90000), (4998, 4999.5)])
def test_the_interval_never_changes_a_call(low, high):
    assert draw("633", abc=4999.0, low=low, high=high).phenotype == "SIP"


def test_review_tubes_count_like_ok_ones():
    made = draws([tube("S1", abc=4000, code="few_monocytes")], [blood("633")])
    assert (made[0].phenotype, made[0].status) == ("SIP", "review")
    assert made[0].row()["flags"] == "few_monocytes"


# Indeterminate otherwise.


def test_ferritin_missing_is_indeterminate():
    assert draw(["haemolysed"], abc=3000).phenotype == "indeterminate"
    assert draw(None, abc=3000).phenotype == "indeterminate"


def test_hladr_missing_or_failed_is_indeterminate_below_the_ferritin_limit():
    assert draw("633").phenotype == "indeterminate"
    failed = draws([tube("S1", code="no_monocytes")], [blood("633")])[0]
    assert (failed.phenotype, failed.status) == ("indeterminate", "failed")
    assert failed.row()["flags"] == "no_monocytes"
    assert failed.row()["sample_id"] == "S1"


def test_a_failed_tube_does_not_stain_a_call_that_ferritin_decides():
    made = draws([tube("S1", code="no_monocytes")], [blood("9000")])[0]
    assert (made.phenotype, made.status, made.row()["flags"]) == ("MALS", "ok", "")
    assert "HLA-DR failed" in made.reason


# borderline: ferritin <= 4420 throughout and abc_low <= 5000 <= abc_high.


@pytest.mark.parametrize(
    ("ferritin", "abc", "low", "high", "borderline"),
    [
        ("633", 4800.0, 4600.0, 5000.0, True),
        ("633", 5200.0, 5000.0, 5400.0, True),
        ("633", 4800.0, 4600.0, 4999.0, False),
        ("633", 5200.0, 5001.0, 5400.0, False),
        ("633", 4900.0, None, None, False),  # a reported value has no interval
        ("4420", 4900.0, 4600.0, 5200.0, True),
        ("9000", 4900.0, 4600.0, 5200.0, False),  # ferritin decides
        (">2000", 4900.0, 4600.0, 5200.0, False),
        (None, 4900.0, 4600.0, 5200.0, False),
    ],
)
def test_borderline(ferritin, abc, low, high, borderline):
    assert draw(ferritin, abc, low, high).borderline is borderline


# probability: 1 for MALS; for SIP and unclassified from a normal distribution of ln AB/C with sd ln(high / low) / 3.92.


def test_probability_at_the_limit_is_one_half():
    assert draw("633", 5000.0, 4500.0, 5500.0).probability == pytest.approx(0.5)


def test_probability_by_hand():
    # sd = ln(5500/4500)/3.92 = 0.2006707/3.92 = 0.0511915; z = ln(5000/4800)/sd = 0.0408220/0.0511915 = 0.797437
    # Phi(0.797437) = 0.787402 (table of the normal distribution: Phi(0.79) = 0.7852, Phi(0.80) = 0.7881)
    assert draw("633", 4800.0, 4500.0, 5500.0).probability == pytest.approx(0.7874, abs=1e-4)
    # unclassified: z = ln(5200/5000)/sd = 0.0392207/0.0511915 = 0.766157; Phi = 0.77821
    assert draw("633", 5200.0, 4500.0, 5500.0).probability == pytest.approx(0.7782, abs=1e-4)


def test_probability_of_mals_is_one_with_or_without_hladr():
    assert draw("9000").probability == 1
    assert draw("9000", 4900.0, 4000.0, 6000.0).probability == 1


def test_probability_is_empty_for_indeterminate_or_without_an_interval():
    assert draw(None, 4900.0, 4000.0, 6000.0).probability is None
    assert draw("633", 4900.0).probability is None


def test_probability_of_a_point_is_certain():
    assert draw("633", 4900.0, 4900.0, 4900.0).probability == 1


# Several tubes of one draw.


def test_replicates_are_combined_by_the_geometric_mean_with_lowest_low_and_highest_high():
    made = draws([tube("A", abc=4000, low=3800, high=4300), tube("B", abc=4500, low=4200, high=4700)], [blood("633")])[
        0
    ]
    assert made.abc == pytest.approx(math.sqrt(4000 * 4500))
    assert (made.hladr.low, made.hladr.high) == (3800, 4700)
    assert made.row()["sample_id"] == "A;B"
    assert made.status == "ok"


def test_a_replaced_tube_is_left_out_and_leaves_a_trace():
    made = draws([tube("A", abc=9000), tube("B", abc=4000, replaces="A")], [blood("633")])[0]
    assert (made.abc, made.phenotype, made.row()["sample_id"]) == (4000, "SIP", "B")
    assert "A is replaced by B" in made.reason


def test_a_replaced_tube_stays_out_even_where_its_successor_failed():
    made = draws([tube("A", abc=9000), tube("B", code="no_events", replaces="A")], [blood("633")])[0]
    assert (made.abc, made.phenotype, made.status) == (None, "indeterminate", "failed")


def test_a_chain_of_replacements_leaves_the_last_tube():
    tubes = [tube("A", abc=9000), tube("B", abc=7000, replaces="A"), tube("C", abc=4000, replaces="B")]
    assert draws(tubes, [blood("633")])[0].abc == 4000


def test_failed_tubes_are_left_out_of_the_replicates():
    made = draws([tube("A", code="no_monocytes"), tube("B", abc=4000)], [blood("633")])[0]
    assert (made.abc, made.status, made.row()["sample_id"], made.row()["flags"]) == (4000, "ok", "B", "")
    assert "A failed and is left out" in made.reason


def test_replicates_that_disagree_are_to_review():
    pair = [tube("A", abc=4000, code="replicates_disagree"), tube("B", abc=4900, code="replicates_disagree")]
    made = draws(pair, [blood("633")])[0]
    assert (made.status, made.row()["flags"]) == ("review", "replicates_disagree")


def test_a_reported_value_counts_in_the_mean_and_has_no_part_in_the_interval():
    """The contract: lowest low and highest high, and a reported value has neither (abc_low, abc_high empty)."""
    made = draws([tube("A", abc=4000, low=3800, high=4200), tube("B", abc=4410)], [blood("633")])[0]
    assert made.abc == pytest.approx(4200)  # the square root of 4000 x 4410 = 17,640,000
    assert (made.hladr.low, made.hladr.high) == (3800, 4200)
    assert "B has no interval and counts in the mean alone" in made.reason
    three = [tube("A", abc=5000, low=4700, high=5200), tube("B", abc=9000), tube("C", abc=5100, low=4900, high=5400)]
    assert draws(three, [blood("633")])[0].row()["abc_low"] == 4700
    assert draws(three, [blood("633")])[0].row()["abc_high"] == 5400
    alone = draws([tube("A", abc=4000), tube("B", abc=4410)], [blood("633")])[0]
    assert (alone.hladr.low, alone.hladr.high) == (None, None)
    assert "no interval" not in alone.reason


# controls and isotypes are never called


@pytest.mark.parametrize("role", ["control", "isotype"])
def test_controls_and_isotypes_are_never_called(role):
    assert draws([tube("A", abc=4000, role=role)]) == []


def test_ferritin_under_a_controls_name_calls_nothing():
    control = tube("A", abc=4000, role="control")
    assert draws([control], [blood("9000")]) == []
    assert draws([control, tube("B", abc=400, role="isotype")], [blood("9000")]) == []


def test_an_isotype_tube_does_not_join_the_replicates():
    made = draws([tube("A", abc=4000), tube("I", abc=90, role="isotype")], [blood("633")])[0]
    assert (made.abc, made.row()["sample_id"]) == (4000, "A")


# Tubes and ferritin pair on patient and exact day.


def test_tubes_and_ferritin_pair_on_patient_and_exact_day():
    made = draws([tube("A", day=1, abc=4000)], [blood("633", day=2), blood("633", day=1, patient_id="P2")])
    assert [(d.patient_id, d.day, d.phenotype) for d in made] == [
        ("P1", 1, "indeterminate"),
        ("P1", 2, "indeterminate"),
        ("P2", 1, "indeterminate"),
    ]


def test_a_patient_with_ferritin_only_has_a_row():
    made = draws([], [blood("9000", day=3)])
    assert [(d.day, d.phenotype, d.status, d.row()["sample_id"]) for d in made] == [(3, "MALS", "ok", "")]


def test_a_missing_value_alone_makes_no_row():
    assert draws([], [blood("NA")]) == []


def test_censored_ends_are_empty_in_the_row():
    row = draw(">7500").row()
    assert (row["ferritin_ng_ml"], row["ferritin_low"], row["ferritin_high"]) == (None, 7500, None)
    row = draw("<8", 3000).row()
    assert (row["ferritin_ng_ml"], row["ferritin_low"], row["ferritin_high"]) == (None, None, 8)
    row = draw("633", 3000).row()
    assert (row["ferritin_ng_ml"], row["ferritin_low"], row["ferritin_high"]) == (633, 633, 633)


# ferritin_implausible


@pytest.mark.parametrize(
    ("series", "flagged"),
    [
        ({1: "9000", 2: "900"}, []),  # a fall by exactly 90 %
        ({1: "9000", 2: "899"}, [2]),
        ({1: "9000", 2: "899", 4: "4499"}, []),  # confirmed by the next draw, below half of 9000
        ({1: "9000", 2: "899", 4: "4500"}, [2]),  # exactly half is not below half
        ({1: "9000", 2: ["899", "850"]}, []),  # confirmed by a second value of the same day
        ({1: "9000", 2: ["899", "<5000"]}, [2]),  # which need not lie below 4500: no confirmation
        ({1: "9000", 2: ["899", "6000"]}, []),  # the day's interval does not certainly fall by 90 %
        ({1: "9000", 2: "899", 4: ">2000"}, [2]),  # may lie above half
        ({1: ">7500", 2: "749"}, [2]),  # from above 7500 to 749: more than 90 % in any case
        ({1: ">7500", 2: "760"}, []),  # perhaps less than 90 %
        ({1: "<8", 2: "1"}, []),
        ({1: "9000", 4: "<8"}, [4]),
        ({1: "9000", 2: "NA", 4: "500"}, [4]),  # the previous draw with a value is day 1
        ({1: "600", 2: "9000", 4: "500"}, [4]),
    ],
)
def test_a_fall_by_more_than_90_percent_is_to_review_until_it_is_confirmed(series, flagged):
    values = [
        blood(text, day=day) for day, texts in series.items() for text in ([texts] if isinstance(texts, str) else texts)
    ]
    made = draws([], values)
    assert [d.day for d in made if "ferritin_implausible" in d.row()["flags"]] == flagged
    assert all(d.status == ("review" if d.day in flagged else "ok") for d in made)


# reasons and rows


def test_the_reason_reads_like_a_sentence_with_its_numbers():
    assert draw("633", 3043, 2900, 3190).reason == (
        "SIP: ferritin 633 ng/mL (not above 4,420) and 3,043 AB/C (2,900 to 3,190; below 5,000)"
    )


def test_the_reason_does_not_round_a_number_onto_its_limit():
    assert "4,999.7 AB/C (below 5,000)" in draw("633", 4999.7).reason
    assert "ferritin 4,420.04 ng/mL (above 4,420)" in draw("4420.04").reason


def test_ferritin_is_written_like_the_antibodies_beside_it():
    assert draw("12345.6", 12345.6).reason == ("MALS: ferritin 12,345.6 ng/mL (above 4,420) decides; 12,346 AB/C")
    assert "ferritin above 7,500 ng/mL (above 4,420)" in draw(">7500").reason
    assert "ferritin 600 to 6,000 ng/mL may lie on either side of 4,420" in draw(["600", "6000"], 4000).reason


def test_every_row_carries_rule_and_reason():
    for made in (draw("633", 3000), draw("9000"), draw(None, 3000), draw(">2000", 3000)):
        assert made.row()["rule"] == "ferritin-first (version 1)"
        assert made.row()["reason"]


def test_rows_of_a_study_are_sorted_by_patient_and_day_and_join_measurements_with_their_tubes():
    tubes = [tube("S3", "P2", 4), tube("S1", "P10", 1), tube("S2", "P2", 1)]
    study = FakeStudy(config(), tubes, [blood("633", 1, "P10"), blood("633", 4, "P2")])
    made = call_draws(study, [measurement("S1", 4000), measurement("S2", 6000), measurement("S3", 6000)])
    assert [(d.patient_id, d.day, d.phenotype) for d in made] == [
        ("P10", 1, "SIP"),
        ("P2", 1, "indeterminate"),
        ("P2", 4, "unclassified"),
    ]
