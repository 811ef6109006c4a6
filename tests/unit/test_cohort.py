"""Rows of cohort.csv on small studies counted by hand."""

import pytest
from calls_support import FakeStudy, blood, config, measurement

from hladr import cohort, stats
from hladr.cohort import report as cohort_report
from hladr.cohort import series as cohort_series
from hladr.cohort.empty import why_empty
from hladr.phenotype import call_draws
from hladr.reversal import judge
from hladr.study import Outcome, Tube
from hladr.tables import columns


def study(patients, outcomes=None, **cohort_settings):
    """Make a study from {patient: (arm, lab, baseline ferritin, {day: AB/C})}; ferritin of day 1 stays."""
    tubes, values, measured = [], [], []
    for patient, (arm, lab, ferritin, series) in patients.items():
        values += [blood(ferritin, day, patient) for day in series]
        for day, abc in series.items():
            name = f"{patient}-{day}"
            tubes.append(Tube(name, patient, day, lab, arm=arm))
            measured.append(measurement(name, abc, status="ok" if abc is not None else "failed"))
    made = FakeStudy(config(cohort=cohort_settings), tubes, values, outcomes)
    draws = call_draws(made, measured)
    return made, judge(made, draws), draws, measured


UP, DOWN = {1: 3000, 2: 9000, 4: 9000}, {1: 3000, 2: 3000, 4: 3000}
PATIENTS = {
    "A1": ("drug", "rome", "633", UP),
    "A2": ("drug", "rome", "633", DOWN),
    "A3": ("drug", "bonn", "633", {1: 3000, 2: 9000}),  # one follow-up draw: not evaluable, counts as not attained
    "A4": ("drug", "bonn", "633", {1: 6000, 2: 9000, 4: 9000}),  # unclassified: not counted
    "A5": ("drug", "bonn", "9000", UP),  # MALS; ferritin stays
    "B1": ("none", "rome", "633", DOWN),
    "B2": ("none", "bonn", "633", UP),
    "C1": ("third", "bonn", "633", UP),
    "D1": (None, "bonn", "633", UP),
}


def row_of(rows, endpoint, subgroup="all"):
    (row,) = [row for row in rows if row["endpoint"] == endpoint and row["subgroup"] == subgroup]
    return row


def test_reversal_rows_come_first_and_count_mals_and_sip():
    made, courses, draws, _ = study(PATIENTS)
    rows = cohort.rows(made, courses, draws)
    assert [(row["endpoint"], row["subgroup"]) for row in rows[:3]] == [
        ("reversal", "all"),
        ("reversal", "MALS"),
        ("reversal", "SIP"),
    ]
    counts = [[row[name] for name in ("arm_a", "events_a", "n_a", "arm_b", "events_b", "n_b")] for row in rows[:3]]
    assert counts == [
        ["drug", 1, 4, "none", 1, 2],
        ["drug", 0, 1, "none", 0, 0],
        ["drug", 1, 3, "none", 1, 2],
    ]
    assert all(set(row) <= set(columns("cohort")) for row in rows)


def test_configured_arms_decide_the_order():
    made, courses, draws, _ = study(PATIENTS, arms=["none", "third"])
    row = cohort.rows(made, courses, draws)[0]
    assert (row["arm_a"], row["n_a"], row["arm_b"], row["n_b"]) == ("none", 2, "third", 1)


def test_without_arms_there_are_no_rows():
    made, courses, draws, _ = study({"A1": (None, "rome", "633", UP)})
    assert cohort.rows(made, courses, draws) == []


def test_a_single_arm_leaves_the_comparison_empty():
    made, courses, draws, _ = study({"A1": ("drug", "rome", "633", UP)}, stratify_by_lab=True)
    for row in cohort.rows(made, courses, draws):
        assert row["arm_b"] == ""
        assert all(row.get(name) is None for name in ("n_b", "difference_percent", "odds_ratio", "p_value"))


def test_arms_may_come_from_outcomes_alone():
    outcomes = [Outcome("P1", "drug", (5,) * 15, None, None, None, None)]
    made = FakeStudy(config(), [], [blood("9000"), blood("5000", 2), blood("5000", 4)], outcomes)
    draws = call_draws(made, [])
    courses = judge(made, draws)
    assert [(course.arm, course.reversal) for course in courses] == [("drug", "attained")]
    assert row_of(cohort.rows(made, courses, draws), "reversal", "MALS")["events_a"] == 1


def test_stratified_by_lab():
    made, courses, draws, _ = study(PATIENTS, stratify_by_lab=True)
    row = row_of(cohort.rows(made, courses, draws), "reversal_stratified_by_lab")
    # rome: 1 of 2 against 0 of 1, bonn: 0 of 2 against 1 of 1: (1 x 1 / 3 + 0) / (0 + 2 x 1 / 3)
    assert row["odds_ratio"] == pytest.approx(0.5)


def test_deaths_stay_at_risk_or_compete():
    outcomes = [Outcome("A2", "drug", (None,) * 15, 10, None, None, None)]
    made, courses, _, _ = study(PATIENTS, outcomes)
    times = {time.patient_id: (time.day, time.event) for time in cohort.times_to_reversal(made, courses)}
    assert times == {"A1": (2, 1), "A2": (28, 0), "A3": (28, 0), "A5": (28, 0), "B1": (28, 0), "B2": (2, 1),
                     "C1": (2, 1), "D1": (2, 1)}  # fmt: skip
    made, courses, _, _ = study(PATIENTS, outcomes, deaths="competing")
    times = {time.patient_id: (time.day, time.event) for time in cohort.times_to_reversal(made, courses)}
    assert times["A2"] == (10, 2)


def test_clinical_endpoints_by_baseline_phenotype():
    outcomes = [
        Outcome("A1", "drug", (10,) + (5,) * 14, None, None, None, "resolved"),
        Outcome("A5", "drug", (10,) * 15, 20, None, None, "failure"),
        Outcome("B1", "none", (None,) * 15, 40, None, None, None),
        Outcome("E9", "none", (10,) * 15, None, None, None, "failure"),  # no draw: counts under all only
    ]
    made, courses, draws, _ = study(PATIENTS, outcomes)
    rows = cohort.rows(made, courses, draws)

    def counts(endpoint, subgroup):
        row = row_of(rows, endpoint, subgroup)
        return tuple(row[name] for name in ("events_a", "n_a", "events_b", "n_b"))

    assert counts("sofa_fall_day_9", "all") == (1, 2, 0, 1)  # B1 has no day 1
    assert counts("sofa_fall_day_9", "SIP") == (1, 1, 0, 0)
    assert counts("death_day_28", "all") == (1, 2, 0, 2)
    assert counts("death_day_90", "all") == (1, 2, 1, 2)
    assert counts("death_day_28", "MALS") == (1, 1, 0, 0)
    assert row_of(rows, "infection_day_15")["n_b"] == 1


def test_medians_and_quartiles_by_day():
    made, _, draws, _ = study(
        {f"A{k}": ("drug", "rome", text, {1: abc}) for k, (text, abc) in enumerate(
            [("100", 1000), ("200", 2000), ("300", 3000), (">16500", 4000), ("500", None)])}
    )  # fmt: skip
    rows = cohort_series.by_day(draws, {d.patient_id: "drug" for d in draws}, ["drug"])
    assert rows[0] == {"arm": "drug", "day": 1, "marker": "abc", "n_censored": 0, "n": 4, "median": 2500,
                       "quartile_1": 1750, "quartile_3": 3250}  # fmt: skip
    # sorted ferritin: 100, 200, 300, 500, >16500
    assert (rows[1]["n"], rows[1]["n_censored"], rows[1]["median"], rows[1]["quartile_1"]) == (5, 1, 300, 200)
    assert rows[1]["quartile_3"] == 500
    assert made.config["cohort"]


def test_a_quantile_that_a_range_leaves_open_is_open():
    _, _, draws, _ = study({"A1": ("drug", "rome", ">16500", {1: 1}), "A2": ("drug", "rome", "100", {1: 1})})
    row = cohort_series.by_day(draws, {"A1": "drug", "A2": "drug"}, ["drug"])[1]
    assert (row["median"], row["quartile_3"]) == (None, None)


def test_agreement_between_two_days():
    _, _, draws, _ = study(PATIENTS)
    found = cohort_series.agreement(draws, 1, 2)
    # day 1 to 2: A1, A3, B2, C1, D1 SIP to unclassified; A2, B1 stay SIP; A4 unclassified; A5 MALS
    assert (found["n"], found["n_same"]) == (9, 4)
    # kappa: observed 4/9; expected (MALS 1 x 1 + SIP 7 x 2 + unclassified 1 x 6) / 81 = 21/81
    assert found["kappa"] == pytest.approx((4 / 9 - 21 / 81) / (1 - 21 / 81))
    nothing = cohort_series.agreement([], 1, 2)
    assert (nothing["percent_same"], nothing["kappa"]) == (None, None)


def test_the_flow_counts_every_tube_once():
    tubes = [
        Tube("A", "P1", 1, "rome"),
        Tube("B", "P1", 1, "rome", replaces="A"),
        Tube("C", "P1", 2, "rome"),
        Tube("D", "QC", 1, "rome", role="control"),
        Tube("E", "P1", 1, "rome", role="isotype"),
    ]
    made = FakeStudy(config(), tubes, [blood("633")])
    measured = [measurement(tube.sample_id, 3000) for tube in tubes if tube.sample_id != "C"]
    measured.append(measurement("C", status="failed"))
    flow = cohort_series.flow(made, measured, call_draws(made, measured))
    assert flow["tubes"] == {"received": 5, "control": 1, "isotype": 1, "superseded": 1, "ok": 1, "review": 0,
                             "failed": 1}  # fmt: skip
    assert flow["draws"] == {"draws": 2, "MALS": 0, "SIP": 1, "unclassified": 0, "indeterminate": 1}


@pytest.mark.parametrize(
    "patients", [PATIENTS, {}, {"A1": ("drug", "rome", "633", UP)}, {"A1": (None, "rome", ">2000", {1: None})}]
)
def test_the_page_stands_alone_and_says_what_it_is(tmp_path, patients):
    made, courses, draws, measured = study(patients)
    target = tmp_path / "cohort.html"
    cohort_report.write(made, courses, draws, measured, target)
    page = target.read_text(encoding="utf-8")
    assert "For research use only, not for diagnostic use" in page
    assert "<script" not in page
    assert not [address for address in ('src="http', 'href="http', "url(http") if address in page]
    cohort_report.write(made, courses, draws, measured, target)
    assert target.read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("endpoint", "drug", "usual", "said"),
    [
        # an odds ratio is a d / (b c): with c = 0 there is none, with another cell of 0 no interval: 1/0
        ("reversal", (5, 5), (0, 4), "no ratio: all of drug, none of usual"),
        ("reversal", (1, 5), (0, 4), "no ratio: none of usual"),
        ("death_day_28", (0, 6), (2, 6), "no interval: none of drug"),
        ("death_day_28", (1, 6), (6, 6), "no interval: all of usual"),
        ("reversal", (1, 3), (1, 2), ""),
        ("reversal", (0, 1), (0, 0), "no ratio: no patients in usual"),
    ],
)
def test_an_empty_ratio_says_why(endpoint, drug, usual, said):
    row = {"endpoint": endpoint, "arm_a": "drug", "arm_b": "usual"} | stats.compare_proportions(*drug, *usual)
    assert why_empty(row) == said


def test_an_empty_hazard_ratio_and_states_apart_say_why():
    row = {"endpoint": "time_to_reversal", "arm_a": "drug", "arm_b": "usual", "n_a": 5, "n_b": 4}
    # that all of an arm reversed says when, so that only an arm without a reversal leaves nothing to compare
    assert why_empty(row | {"events_a": 5, "events_b": 0}) == "no ratio: none of usual"
    assert why_empty(row | {"events_a": 5, "events_b": 2, "hazard_ratio": 2.0, "hazard_ratio_low": 0.5}) == ""
    states = {"endpoint": "infection_day_15", "arm_a": "drug", "arm_b": "usual", "n_a": 2, "n_b": 1}
    assert why_empty(states) == "no ratio: the states of the arms do not overlap, or are all alike"
    assert why_empty(states | {"arm_b": "", "n_b": None}) == ""


def test_the_page_says_beside_an_empty_ratio_why(tmp_path):
    made, courses, draws, measured = study(PATIENTS)
    target = tmp_path / "cohort.html"
    cohort_report.write(made, courses, draws, measured, target)
    # MALS at baseline: one patient on the drug, who never reversed, and nobody in the arm that is called none
    assert "no ratio: no patients in none" in target.read_text(encoding="utf-8")


def test_the_page_names_what_it_leaves_out(tmp_path):
    outcomes = [Outcome("A1", "drug", (None,) * 15, None, None, 10, None)]
    made, courses, draws, measured = study(PATIENTS, outcomes)
    target = tmp_path / "cohort.html"
    cohort_report.write(made, courses, draws, measured, target)
    page = target.read_text(encoding="utf-8")
    assert "Not compared: third." in page
    assert "without SOFA of day 1: 1 patient." in page
    assert "Last seen alive before day 28, and counted as alive then: 1 patient." in page
