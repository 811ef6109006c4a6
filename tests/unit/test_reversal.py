"""Courses of patients: one test per sentence of the contract's section "Rules of reversal", for all three rules.

Expected values are the contract's own words, or worked by hand as the comments say.
"""

import pytest
from calls_support import blood, config, course, draws, tube

from hladr.reversal import judge_draws
from hladr.reversal.rules import states_over_time
from hladr.rules import in_force, reversal_settings, texts

RULES = ["table2-sustained", "methods-increment", "sap-day15"]


def verdict(judged):
    return judged.reversal, judged.reversal_day, judged.evaluable


# Baseline is the draw of baseline_day; follow-up draws have baseline_day < day <= horizon_day.


@pytest.mark.parametrize("rule", RULES)
def test_no_baseline_draw_is_indeterminate_and_not_applicable(rule):
    judged = course(ferritin={2: "9000", 4: "500", 15: "500"}, rule=rule)
    assert judged.baseline_phenotype == "indeterminate"
    assert verdict(judged) == ("not_applicable", None, False)
    assert judged.reason == "Not applicable: there is no draw of the baseline day, day 1"


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("ferritin", "abc", "phenotype"),
    [
        ({1: "633"}, {1: 9000, 2: 9000, 15: 20000}, "unclassified"),
        ({}, {1: 3000, 2: 9000, 15: 20000}, "indeterminate"),
        ({1: ">2000"}, {1: 3000, 2: 9000, 15: 20000}, "indeterminate"),
        ({1: "633"}, {1: None, 2: 9000, 15: 20000}, "indeterminate"),  # the tube failed
    ],
)
def test_an_unclassified_or_indeterminate_baseline_is_not_applicable(rule, ferritin, abc, phenotype):
    judged = course(ferritin=ferritin, abc=abc, rule=rule)
    assert judged.baseline_phenotype == phenotype
    assert verdict(judged) == ("not_applicable", None, False)


def test_the_baseline_day_is_configured_and_draws_before_it_do_not_follow_it():
    judged = course(
        ferritin={-1: "100", 0: "9000", 1: "8000", 2: "500"}, baseline_day=0, ferritin_decrease_at_least=0.1
    )
    assert (judged.baseline_phenotype, judged.n_follow_up) == ("MALS", 2)


def test_the_horizon_is_inclusive():
    falls = {1: "9000", 2: "8000", 28: "5000"}
    assert verdict(course(ferritin=falls)) == ("attained", 28, True)
    assert verdict(course(ferritin=falls, horizon_day=27)) == ("not_attained", None, False)
    # day 29 lies behind the horizon and says nothing
    assert verdict(course(ferritin={1: "9000", 2: "5000", 28: "5000", 29: "20000"})) == ("attained", 2, True)


# The baseline call fixes the marker: MALS is followed by ferritin only, SIP by AB/C only.


@pytest.mark.parametrize("rule", RULES)
def test_mals_is_followed_by_ferritin_only(rule):
    judged = course(ferritin={1: "9000", 15: "5000"}, abc={1: 2000, 2: 9000, 4: 20000, 15: 2000}, rule=rule)
    assert judged.n_follow_up == 1
    judged = course(ferritin={1: "9000", 4: "5000", 15: "5000"}, abc={1: 2000, 15: 2000}, rule=rule)
    assert judged.reversal == "attained"


@pytest.mark.parametrize("rule", ["table2-sustained", "methods-increment"])
def test_sip_is_followed_by_hladr_only(rule):
    judged = course(ferritin={1: "633", 2: "9000", 4: "9000"}, abc={1: 2000, 2: 12000, 4: 12000}, rule=rule)
    assert (judged.n_follow_up, judged.reversal, judged.reversal_day) == (2, "attained", 2)


# n_follow_up counts the follow-up days on which that marker is present and not failed, undecidable ones included.


def test_n_follow_up_counts_days_with_the_marker():
    judged = course(
        ferritin={1: "9000", 2: "NA", 4: ">2000", 7: ["600", "6000"], 15: ["500", "510"], 29: "500"}, abc={21: 5000}
    )
    assert [point.day for point in judged.points] == [4, 7, 15]
    judged = course(ferritin={1: "633", 2: "700"}, abc={1: 3000, 4: None, 7: 9000})
    assert judged.n_follow_up == 1


# table2-sustained, MALS: ferritin <= 85 % of baseline.


@pytest.mark.parametrize(
    ("follow_up", "reversal"),
    [
        ("7650", "attained"),  # exactly 85 % of 9000
        ("7650.1", "not_attained"),
        ("7649.9", "attained"),
        ("<7650", "attained"),
        ("<7651", "not_attained"),  # cannot be decided
        (">7650", "not_attained"),
    ],
)
@pytest.mark.parametrize("rule", RULES)
def test_the_85_percent_limit(rule, follow_up, reversal):
    assert course(ferritin={1: "9000", 4: "9000", 15: follow_up}, rule=rule).reversal == reversal


def test_differences_below_a_relative_1e_9_of_85_percent_are_none():
    # 0.85 x 5123.4 = 4354.89; the product and the number differ in the last bit at most
    assert course(ferritin={1: "5123.4", 2: "4354.89", 4: "4354.89"}).reversal == "attained"


# table2-sustained, SIP: AB/C > 8000.


@pytest.mark.parametrize(
    ("last", "reversal"),
    [(8000.0, "not_attained"), (8000.1, "attained"), (7999.9, "not_attained"), (8000 * (1 + 1e-10), "not_attained")],
)
def test_the_8000_limit(last, reversal):
    assert course(ferritin={1: "633"}, abc={1: 3000, 2: 3000, 15: last}).reversal == reversal
    sap = course(ferritin={1: "633", 15: "633"}, abc={1: 3000, 15: last}, rule="sap-day15")
    assert sap.reversal == reversal


# The condition holds from some draw on at every later follow-up draw; reversal_day is the first day of that run.


@pytest.mark.parametrize(
    ("abc", "day"),
    [
        ({2: 9000, 4: 9000, 7: 9000}, 2),
        ({2: 9000, 4: 7000, 7: 9000}, 7),  # lost and won again
        ({2: 9000, 4: 9000, 7: 7000}, None),  # lost at the end
        ({2: 3000, 4: 7000, 7: 9000}, 7),  # the last draw alone
        ({2: 7000, 4: 9000, 7: 9000, 28: 8000}, None),
        ({2: 7000, 4: 9000, 28: 8001}, 4),
    ],
)
def test_the_condition_is_sustained_up_to_the_horizon(abc, day):
    judged = course(ferritin={1: "633"}, abc={1: 3000, **abc})
    assert verdict(judged) == ("attained" if day else "not_attained", day, True)


# A draw whose value is missing or failed is left out; one that cannot be decided does not hold.


def test_a_missing_or_failed_value_is_left_out():
    judged = course(ferritin={1: "633"}, abc={1: 3000, 2: 9000, 4: None, 7: 9000})
    assert verdict(judged) == ("attained", 2, True)
    judged = course(ferritin={1: "9000", 2: "5000", 4: "haemolysed", 7: "5000"}, abc={1: 1000, 4: 900})
    assert verdict(judged) == ("attained", 2, True)


def test_a_draw_that_cannot_be_decided_does_not_hold():
    assert verdict(course(ferritin={1: "9000", 2: "5000", 4: ">2000"})) == ("not_attained", None, True)
    assert verdict(course(ferritin={1: "9000", 2: ">2000", 4: "5000"})) == ("attained", 4, True)
    # two conflicting values of one day: 5000 would hold, 9000 would not
    assert verdict(course(ferritin={1: "9000", 2: "5000", 4: ["5000", "9000"]})) == ("not_attained", None, True)


# Censored baseline: the follow-up's upper end is at most 85 % of the baseline's lower end.


@pytest.mark.parametrize(
    ("baseline", "follow_up", "reversal"),
    [
        (">7500", "6375", "attained"),  # 85 % of 7500
        (">7500", "6376", "not_attained"),
        (">7500", ">5000", "not_attained"),
        (">=7500", "<6375", "attained"),
        (["5000", "10000"], "4250", "attained"),  # 85 % of 5000
        (["5000", "10000"], "4251", "not_attained"),
        ("9000", ["5000", "7650"], "attained"),
        ("9000", ["5000", "7651"], "not_attained"),
    ],
)
@pytest.mark.parametrize("rule", RULES)
def test_a_censored_baseline_counts_with_its_lower_end(rule, baseline, follow_up, reversal):
    series = {1: baseline, 7: follow_up, 15: follow_up}
    assert course(ferritin=series, rule=rule).reversal == reversal


# evaluable: n_follow_up >= min_follow_up_draws; where not, not_attained.


def test_fewer_draws_than_the_minimum_are_not_evaluable_and_not_attained():
    assert verdict(course(ferritin={1: "9000", 2: "500"}, abc={4: 9000})) == ("not_attained", None, False)
    assert verdict(course(ferritin={1: "9000", 2: "1000", 4: "500"})) == ("attained", 2, True)
    assert verdict(course(ferritin={1: "9000", 2: "5000"}, min_follow_up_draws=1)) == ("attained", 2, True)
    three = course(ferritin={1: "9000", 2: "5000", 4: "5000"}, min_follow_up_draws=3)
    assert verdict(three) == ("not_attained", None, False)
    assert "2 follow-up draws with ferritin up to day 28, where 3 are needed" in three.reason


# A fall flagged ferritin_implausible holds only once confirmed.


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ({2: "5000", 4: "300"}, ("not_attained", None, True)),  # 5000 to 300, nothing follows
        ({2: "5000", 4: "300", 7: "350"}, ("attained", 2, True)),
        ({2: "5000", 4: ["300", "320"]}, ("attained", 2, True)),  # a second value of the same day
        ({2: "300", 4: "4600"}, ("attained", 4, True)),  # 4600 is not below 4500: day 2 stays in doubt
        ({2: "300", 4: "4400"}, ("attained", 2, True)),  # below half of 9000
        ({2: "5000", 28: "300", 35: "300"}, ("attained", 2, True)),  # behind the horizon the next draw confirms too
        ({2: "5000", 28: "300", 35: "2500"}, ("not_attained", None, True)),  # 2500 is half of 5000, not below it
        ({2: "5000", 28: "300", 35: ">2000", 42: "300"}, ("not_attained", None, True)),  # only the next draw confirms
        ({2: "8000", 4: "NA", 7: "300", 15: "290"}, ("attained", 7, True)),
    ],
)
def test_an_implausible_fall_holds_only_once_confirmed(series, expected):
    assert verdict(course(ferritin={1: "9000", **series})) == expected


def test_phenotypes_and_reversal_agree_which_fall_is_confirmed():
    # 9000 is less than 10 % of 100000, and 8000 on day 29, the next draw, lies below half of it
    for late, flagged, condition in (("8000", [], "holds"), ("60000", [2], "unconfirmed")):
        blood_values = [blood(text, day=day) for day, text in {1: "100000", 2: "9000", 29: late}.items()]
        made = draws([], blood_values)
        assert [d.day for d in made if "ferritin_implausible" in d.row()["flags"]] == flagged
        (judged,) = judge_draws(made, reversal_settings(config(), "methods-increment"), {})
        assert [(point.day, point.condition) for point in judged.points] == [(2, condition)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("methods-increment", ("not_attained", None, True)), ("sap-day15", ("not_attained", None, True))],
)
def test_an_implausible_fall_holds_under_no_rule(rule, expected):
    assert verdict(course(ferritin={1: "9000", 15: "300"}, rule=rule)) == expected
    assert course(ferritin={1: "9000", 15: "300", 21: "300"}, rule=rule).reversal == "attained"


# methods-increment


@pytest.mark.parametrize(
    ("abc", "expected"),
    [
        ({2: 11000}, ("not_attained", None, True)),  # by exactly 8000
        ({2: 11000.1}, ("attained", 2, True)),  # one draw is enough
        ({2: 9000, 4: 12000, 7: 3000}, ("attained", 4, True)),  # no sustaining
        ({2: 9000, 29: 12000}, ("not_attained", None, True)),  # behind the horizon
        ({2: None}, ("not_attained", None, False)),
        ({}, ("not_attained", None, False)),
    ],
)
def test_methods_increment_sip(abc, expected):
    assert verdict(course(ferritin={1: "633"}, abc={1: 3000, **abc}, rule="methods-increment")) == expected


def test_methods_increment_mals_at_any_draw():
    judged = course(ferritin={1: "9000", 2: "8000", 4: "7000", 7: "20000"}, rule="methods-increment")
    assert verdict(judged) == ("attained", 4, True)
    assert verdict(course(ferritin={1: "9000", 2: "7650"}, rule="methods-increment")) == ("attained", 2, True)


# sap-day15: at the draw of study day 15


@pytest.mark.parametrize(
    ("ferritin", "abc", "expected"),
    [
        ({15: "633"}, {15: 9000}, ("attained", 15, True)),
        ({15: "4420"}, {15: 9000}, ("not_attained", None, True)),  # ferritin is not below 4420
        ({15: "4419.9"}, {15: 9000}, ("attained", 15, True)),
        ({15: "<4420"}, {15: 9000}, ("attained", 15, True)),
        ({15: "<=4420"}, {15: 9000}, ("not_attained", None, False)),  # 4420 itself is possible
        ({15: ">=4420"}, {15: 9000}, ("not_attained", None, True)),
        ({15: ">2000"}, {15: 9000}, ("not_attained", None, False)),  # not usable
        ({}, {15: 9000}, ("not_attained", None, False)),
        ({15: "633"}, {15: None}, ("not_attained", None, False)),
        ({15: "633"}, {15: 3000}, ("not_attained", None, True)),
        ({14: "633", 16: "633"}, {14: 9000, 16: 9000}, ("not_attained", None, False)),  # the exact day
        ({15: "633", 21: "9000"}, {15: 9000, 21: 3000}, ("attained", 15, True)),  # later draws do not matter
    ],
)
def test_sap_day15_sip(ferritin, abc, expected):
    judged = course(ferritin={1: "633", **ferritin}, abc={1: 3000, **abc}, rule="sap-day15")
    assert verdict(judged) == expected


@pytest.mark.parametrize(
    ("day15", "expected"),
    [
        ("7650", ("attained", 15, True)),
        ("7651", ("not_attained", None, True)),
        (">2000", ("not_attained", None, False)),
        ("NA", ("not_attained", None, False)),
    ],
)
def test_sap_day15_mals(day15, expected):
    assert verdict(course(ferritin={1: "9000", 15: day15}, rule="sap-day15")) == expected


def test_sap_day15_behind_the_horizon_is_not_evaluable():
    judged = course(ferritin={1: "9000", 15: "5000"}, rule="sap-day15", horizon_day=14)
    assert verdict(judged) == ("not_attained", None, False)


# states over time


def test_states_over_time():
    holds = [False, True, True, False, True, False, False]
    assert states_over_time(holds) == [
        "not reversed",
        "reversed",
        "confirmed",
        "lost again",
        "reversed",
        "lost again",
        "lost again",
    ]


def test_states_are_written_by_day():
    judged = course(ferritin={1: "633"}, abc={1: 3000, 2: 9000, 4: 9000, 7: 3000})
    assert judged.row()["states"] == "2: reversed;4: confirmed;7: lost again"


# rows and reasons


def test_reasons_carry_the_numbers():
    judged = course(ferritin={1: "9000", 2: "8000", 4: "6000", 7: "5000"})
    assert judged.reason == (
        "Attained on day 4: from ferritin 9,000 ng/mL on day 1 (MALS) to ferritin 6,000 ng/mL, "
        "at most 7,650 ng/mL (85 % of baseline), and at every later draw up to day 28 (day 7)"
    )
    judged = course(ferritin={1: "633"}, abc={1: 3043, 2: 9000, 4: 7900})
    assert judged.reason == (
        "Not attained: 3,043 AB/C on day 1 (SIP); the last draw, day 4, with 7,900 AB/C is not above 8,000 AB/C; "
        "it was reached on day 2 and lost again"
    )


def test_a_baseline_beside_its_limit_is_not_rounded_onto_it():
    assert "from" not in (one := course(ferritin={1: "4420.04", 2: "4400", 4: "4400"}).reason)
    assert one.startswith("Not attained: ferritin 4,420.04 ng/mL on day 1 (MALS)")
    two = course(ferritin={1: "633"}, abc={1: 4999.9, 2: 6000, 4: 6000}).reason
    assert two.startswith("Not attained: 4,999.9 AB/C on day 1 (SIP)")


def test_one_row_per_patient_in_order_with_arm_and_rule():
    settings = reversal_settings(config())
    made = draws([tube("B", "P2", abc=3000), tube("A", "P10", abc=3000), tube("C", "P2", 2, abc=3000)])
    courses = judge_draws(reversed(made), settings, {"P2": "placebo"})
    assert [(c.patient_id, c.arm, c.rule) for c in courses] == [
        ("P10", "", "table2-sustained"),
        ("P2", "placebo", "table2-sustained"),
    ]


def test_an_unknown_rule_names_the_known_ones():
    with pytest.raises(ValueError, match="expected one of table2-sustained, methods-increment, sap-day15"):
        reversal_settings(config(), "table3")


def test_rule_texts_carry_the_limits_of_the_study():
    rows = {row["name"]: row for row in texts(config())}
    assert set(rows) == {"ferritin-first", *RULES}
    assert "above 4,420 ng/mL" in rows["ferritin-first"]["text"]
    assert "at most 85 % of baseline" in rows["table2-sustained"]["text"]
    assert "more than 8,000 AB/C" in rows["table2-sustained"]["text"]
    assert [row["name"] for row in in_force(config())] == ["ferritin-first", "table2-sustained"]
