"""What-if rows: worked by hand on three patients."""

from calls_support import FakeStudy, blood, config, course, draw, measurement

from hladr import sensitivity
from hladr.rules import reversal_settings
from hladr.sensitivity import ferritin_turns_at, hladr_turns_at, reversal_turns_at
from hladr.study import Tube
from hladr.tables import columns


def measured(sample_id, abc, tight=None, wide=None, **models):
    return measurement(sample_id, abc, abc_tight=tight, abc_wide=wide, models=models)


def rows():
    """P1: SIP by the median, unclassified by the geometric mean; P2: MALS; P3: a reported value."""
    tubes = [Tube("A", "P1", 1, "rome"), Tube("B", "P1", 2, "rome"), Tube("C", "P1", 4, "rome"),
             Tube("D", "P3", 1, "rome", abc_reported=3000.0)]  # fmt: skip
    values = [blood("633"), blood("9000", 1, "P2"), blood("7000", 2, "P2"), blood("633", 1, "P3")]
    made = [
        measured("A", 4900.0, tight=4950.0, wide=4800.0, geometric_mean=5100.0, slope_one=4890.0),
        measured("B", 9000.0, tight=9100.0, wide=8900.0, geometric_mean=9200.0, slope_one=9050.0),
        measured("C", 8100.0, tight=8200.0, wide=7900.0, geometric_mean=8300.0, slope_one=7990.0),
        measured("D", 3000.0),
    ]
    return sensitivity.rows(FakeStudy(config(), tubes, values), made)


def by_scenario(patient):
    return {row["scenario"]: row for row in rows() if row["patient_id"] == patient}


def test_scenarios_of_a_patient_in_their_order():
    assert list(by_scenario("P1")) == [
        "as configured",
        "statistic: geometric_mean",
        "gate: tight",
        "gate: wide",
        "bead line: slope_one",
        "rule: methods-increment",
        "rule: sap-day15",
    ]
    assert set(rows()[0]) <= set(columns("sensitivity"))


def test_the_other_statistic_changes_the_call():
    found = by_scenario("P1")
    assert (found["as configured"]["baseline_phenotype"], found["as configured"]["reversal"]) == ("SIP", "attained")
    other = found["statistic: geometric_mean"]
    assert (other["baseline_phenotype"], other["baseline_changes"], other["days_changed"]) == (
        "unclassified",
        True,
        "1",
    )
    assert (other["reversal"], other["reversal_changes"]) == ("not_applicable", True)


def test_wide_gate_bead_line_and_rule_change_the_verdict():
    found = by_scenario("P1")
    assert found["gate: tight"]["reversal_changes"] is False
    assert found["gate: wide"]["reversal"] == "not_attained"  # 7,900 on day 4
    assert found["bead line: slope_one"]["reversal"] == "not_attained"  # 7,990
    assert found["rule: methods-increment"]["reversal"] == "not_attained"  # 9,000 - 4,900
    assert found["rule: methods-increment"]["rule"] == "methods-increment"
    assert found["gate: wide"]["n_values"] == 3


def test_a_reported_value_stays_and_is_counted_out():
    found = by_scenario("P3")
    assert [row["n_values"] for row in found.values()][:5] == [1, 0, 0, 0, 0]
    assert {row["baseline_phenotype"] for row in found.values()} == {"SIP"}


def test_limits_that_turn_a_call():
    assert (hladr_turns_at(draw("633", 4900.0)), ferritin_turns_at(draw("633", 4900.0))) == (4900, 633)
    assert (hladr_turns_at(draw("9000", 4900.0)), ferritin_turns_at(draw("9000", 4900.0))) == (None, 9000)
    assert ferritin_turns_at(draw(">7500")) == 7500
    assert (hladr_turns_at(draw(">2000", 4900.0)), ferritin_turns_at(draw(">2000", 4900.0))) == (None, None)
    assert hladr_turns_at(None) is None


def turns(judged):
    return reversal_turns_at(judged, reversal_settings(config(), judged.rule))


def test_limits_that_turn_a_verdict():
    sip = {"ferritin": {1: "633"}, "abc": {1: 3000, 2: 12000, 4: 9000}}
    assert turns(course(**sip)) == (9000, "AB/C")  # with a limit below 9000 attained, from 9000 on not
    assert turns(course(**sip, rule="methods-increment")) == (9000, "AB/C over baseline")
    assert turns(course(**sip, rule="sap-day15")) == (None, "")
    assert turns(course(ferritin={1: "9000", 2: "3000", 4: "6300"})) == (70, "% of baseline")
    assert turns(course(ferritin={1: "9000", 2: "3000", 4: ">2000"})) == (None, "")
    assert turns(course(ferritin={1: "9000", 2: "3600", 4: "6300"}, rule="methods-increment"))[0] == 40
    assert turns(course(ferritin={1: "9000", 15: "6300"}, rule="sap-day15"))[0] == 70
    ferritin_too_high = {"ferritin": {1: "633", 15: "5000"}, "abc": {1: 3000, 15: 9000}}
    assert turns(course(**ferritin_too_high, rule="sap-day15")) == (None, "")


def test_a_limit_beside_the_turning_point_does_turn_the_verdict():
    sip = {"ferritin": {1: "633"}, "abc": {1: 3000, 2: 12000, 4: 9000}}
    assert course(**sip, hladr_abc=8999).reversal == "attained"
    assert course(**sip, hladr_abc=9000).reversal == "not_attained"
    mals = {1: "9000", 2: "3000", 4: "6300"}
    assert course(ferritin=mals, ferritin_decrease_at_least=0.30).reversal == "attained"
    assert course(ferritin=mals, ferritin_decrease_at_least=0.31).reversal == "not_attained"
