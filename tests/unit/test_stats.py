"""The statistics: degenerate cases, and values worked by hand or by another library (the trial's: tests/golden)."""

import csv
import io

import numpy as np
import pytest
from lifelines import AalenJohansenFitter, KaplanMeierFitter

from hladr import stats


def test_counts_are_one_row_of_the_cohort_table():
    text = stats.counts_text("46/131", " 26 / 145 ")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["events_a"], row["n_a"], row["events_b"], row["n_b"]) == ("46", "131", "26", "145")
    assert row["percent_a"] == "35.1145038"  # 46/131
    assert row["p_value"].startswith("0.001517")


@pytest.mark.parametrize("text", ["46", "46/", "a/b", "46/131/2", "-1/5", "4.5/10", ""])
def test_a_count_that_is_none_says_what_was_expected(text):
    with pytest.raises(ValueError, match="expected EVENTS/PATIENTS, such as 46/131"):
        stats.counts_row(text, "1/2")


def test_more_events_than_patients_are_refused():
    with pytest.raises(ValueError, match="found 6/5"):
        stats.counts_row("6/5", "1/2")


def test_a_zero_cell_leaves_the_odds_ratio_interval_empty():
    row = stats.compare_proportions(0, 5, 3, 5)
    assert row["odds_ratio"] == 0
    assert row.get("odds_ratio_low") is None
    assert row.get("odds_ratio_high") is None
    # Fisher by hand: the two tables as extreme, 2 x C(5,3)/C(10,3) = 2 x 10/120
    assert row["p_value"] == pytest.approx(1 / 6)
    row = stats.compare_proportions(5, 5, 3, 5)
    assert row.get("odds_ratio") is None  # infinite
    assert row["difference_percent"] == pytest.approx(40)


def test_zero_of_zero_is_missing_not_zero_percent():
    row = stats.compare_proportions(0, 0, 3, 5)
    assert row["percent_a"] is None
    assert row["percent_b"] == 60
    assert all(row.get(name) is None for name in ("difference_percent", "odds_ratio", "p_value"))


def test_newcombe_by_hand():
    """Newcombe 1998, Stat Med 17:873, Table II (a): 56/70 - 48/80, method 10: 0.0524 to 0.3339."""
    row = stats.compare_proportions(56, 70, 48, 80)
    assert row["difference_percent"] == pytest.approx(20)
    assert row["difference_low"] == pytest.approx(5.24, abs=0.005)
    assert row["difference_high"] == pytest.approx(33.39, abs=0.005)


def test_mantel_haenszel_by_hand():
    # two strata: (10 of 20, 5 of 20) and (6 of 10, 3 of 10)
    # sum ad/n = 10 x 15/40 + 6 x 7/20 = 3.75 + 2.1; sum bc/n = 10 x 5/40 + 4 x 3/20 = 1.25 + 0.6; ratio 5.85/1.85
    ratio = stats.mantel_haenszel([(10, 20, 5, 20), (6, 10, 3, 10)])
    assert ratio.value == pytest.approx(5.85 / 1.85)
    assert ratio.low < ratio.value < ratio.high


@pytest.mark.parametrize(
    "strata", [[], [(0, 0, 3, 5)], [(0, 3, 0, 3)], [(3, 3, 3, 3)], [(1, 1, 0, 1)], [(1, 1, 0, 1), (0, 2, 0, 2)]]
)
def test_degenerate_strata_leave_empty_cells(strata):
    ratio = stats.mantel_haenszel(strata)
    assert ratio.low is None
    assert ratio.high is None


@pytest.mark.parametrize(
    ("a", "b"), [([], []), ([0], []), ([0, 0], [0]), ([0, 0], [1, 1]), ([0, 1], [1, 2]), ([2], [1])]
)
def test_an_ordinal_model_without_a_maximum_is_empty(a, b):
    assert stats.proportional_odds(a, b) == stats.Ratio()


def test_a_proportional_odds_model_with_two_levels_is_the_crude_odds_ratio():
    # 30 of 50 against 20 of 50: (30 x 30) / (20 x 20)
    ratio = stats.proportional_odds([1] * 30 + [0] * 20, [1] * 20 + [0] * 30)
    assert ratio.value == pytest.approx(2.25, rel=1e-3)


def test_cox_on_one_day_is_the_ratio_of_shares():
    # all events on one day: Breslow's likelihood has its maximum at (4/10) / (2/10)
    ratio = stats.cox(
        [2] * 4 + [28] * 6 + [2] * 2 + [28] * 8, [1] * 4 + [0] * 6 + [1] * 2 + [0] * 8, [1] * 10 + [0] * 10
    )
    assert ratio.value == pytest.approx(2)


@pytest.mark.parametrize(
    ("days", "events", "in_a"),
    [
        ([], [], []),
        ([2], [1], [1]),
        ([2, 3], [1, 0], [1, 0]),
        ([2, 3], [0, 0], [1, 0]),
        ([2] * 9 + [3] * 9, [1] * 18, [1] * 9 + [0] * 9),  # everyone in A before everyone in B
    ],
)
def test_a_cox_model_without_a_maximum_is_empty(days, events, in_a):
    assert stats.cox(days, events, in_a) == stats.Ratio()


def test_curves_agree_with_lifelines():
    rng = np.random.default_rng(5)
    days = rng.choice([2, 4, 7, 15, 21, 28], 60)
    event = rng.integers(0, 3, 60)
    curve = stats.cumulative_reversal(days, event, competing=False)
    fitted = KaplanMeierFitter().fit(days, event == 1)
    assert curve.share == pytest.approx(1 - fitted.survival_function_at_times(curve.days).to_numpy())
    # lifelines breaks ties by a little noise, so its days have none here
    days = np.arange(60.0)
    curve = stats.cumulative_reversal(days, event, competing=True)
    fitted = AalenJohansenFitter(seed=1).fit(days, event, event_of_interest=1)
    assert curve.share[-1] == pytest.approx(fitted.cumulative_density_.to_numpy()[-1, 0])


def test_cumulative_incidence_by_hand():
    # 4 patients: reversal on day 2, death on day 3, reversal on day 4, none: 1/4, then 1/4 + 2/4 x 1/2
    curve = stats.cumulative_reversal([2, 3, 4, 28], [1, 2, 1, 0], competing=True)
    assert list(curve.days) == [2, 4]
    assert curve.share == pytest.approx([0.25, 0.5])
    curve = stats.cumulative_reversal([2, 3, 4, 28], [1, 2, 1, 0], competing=False)
    assert curve.share == pytest.approx([0.25, 1 - 0.75 * 0.5])


def test_a_curve_without_reversal_is_empty():
    assert len(stats.cumulative_reversal([28, 28], [0, 2], competing=True).days) == 0
    assert len(stats.cumulative_reversal([], [], competing=False).days) == 0
