"""Which tube endangers a decision: hand-worked chances, and the limits that the rules make decisive."""

import math

import pytest

from hladr.report import risk

CONFIG = {
    "baseline_day": 1,
    "phenotype": {"hladr_sip_below_abc": 5000},
    "reversal": {"hladr_abc": 8000, "horizon_day": 28, "rule": "table2-sustained"},
}


def row(abc=None, low=None, high=None):
    return {"abc": abc, "abc_low": low, "abc_high": high}


def test_chance_is_the_normal_tail_beyond_the_limit():
    # one standard deviation away: 15.8655 % of a normal distribution lie beyond (any table of it)
    assert risk.chance_of_other_side(5000 * math.exp(0.1), 5000, 0.1) == pytest.approx(0.158655, abs=1e-6)
    assert risk.chance_of_other_side(5000 * math.exp(-0.1), 5000, 0.1) == pytest.approx(0.158655, abs=1e-6)
    assert risk.chance_of_other_side(5000, 5000, 0.1) == pytest.approx(0.5)


def test_a_far_alternative_counts_as_two_standard_deviations():
    # interval of +-1.96 sd with sd 0.03, an alternative 0.08 away: hypot(0.03, 0.04) = 0.05
    half = 1.96 * 0.03
    spread = risk.sd_ln(6000 * math.exp(-half), 6000 * math.exp(half), 6000, [6000 * math.exp(0.08), None, 6001])
    assert spread == pytest.approx(0.05)
    assert risk.sd_ln(None, None, 6000, []) is None


@pytest.mark.parametrize(
    ("phenotype", "baseline", "day", "limits"),
    [
        ("SIP", "SIP", 1, [5000]),
        ("unclassified", "unclassified", 4, [5000]),
        ("unclassified", "SIP", 4, [5000, 8000]),
        ("indeterminate", "SIP", 4, [8000]),  # ferritin is missing; reversal after SIP asks for AB/C alone
        ("MALS", "MALS", 1, []),  # ferritin decides, whatever HLA-DR is
        ("SIP", "SIP", 29, [5000]),  # beyond the horizon nothing can reverse
    ],
)
def test_limits_that_decide(phenotype, baseline, day, limits):
    draw, course = {"phenotype": phenotype, "day": day}, {"baseline_phenotype": baseline}
    assert risk.limits_that_decide(draw, course, CONFIG, None) == limits


def test_an_increase_is_counted_from_the_baseline():
    config = CONFIG | {"reversal": CONFIG["reversal"] | {"rule": "methods-increment"}}
    draw, course = {"phenotype": "unclassified", "day": 4}, {"baseline_phenotype": "SIP"}
    assert risk.limits_that_decide(draw, course, config, 3000.0) == [5000, 11000]


def test_sap_day15_looks_at_day_15_alone():
    config = CONFIG | {"reversal": CONFIG["reversal"] | {"rule": "sap-day15"}}
    course = {"baseline_phenotype": "SIP"}
    days = {day: risk.limits_that_decide({"phenotype": "SIP", "day": day}, course, config, None) for day in (4, 15)}
    assert days == {4: [5000], 15: [5000, 8000]}


def test_controls_have_no_limit():
    assert risk.limits_that_decide(None, None, CONFIG, None) == []
    assert risk.of_tube(row(6000, 5500, 6500), [], [], None).group == risk.NO_LIMIT


def test_failed_tubes_rank_by_what_hangs_on_them():
    assert risk.of_tube(row(), [], [], "indeterminate").group == risk.NO_CALL
    assert risk.of_tube(row(), [], [8000], "unclassified").group == risk.NO_CALL
    assert risk.of_tube(row(), [], [], "MALS").group == risk.NO_VALUE


def test_the_nearer_limit_is_named_with_its_side():
    found = risk.of_tube(row(7800, 7300, 8334), [], [5000, 8000], "unclassified")
    assert (found.group, found.limit) == (risk.BY_CHANCE, 8000)
    assert found.distance_percent == pytest.approx(-2.5)
    assert 0.1 < found.chance < 0.5


def test_a_reported_value_without_interval_still_says_how_far_it_is():
    found = risk.of_tube(row(5500), [], [5000, 8000], "unclassified")
    assert (found.chance, found.limit) == (None, 5000)
    assert found.distance_percent == pytest.approx(10)
