"""Clinical endpoints: the trial's rules for death, discharge and loss, worked by hand."""

import pytest

from hladr.cohort.outcomes import dead_by, infection_ranks, lost_before, sofa_fall, sofa_series
from hladr.study import Outcome


def outcome(sofa, death=None, discharge=None, last_seen=None, infection=None):
    scores = tuple(sofa) + (None,) * (15 - len(sofa))
    return Outcome("P1", "a", scores, death, discharge, last_seen, infection)


def test_from_the_day_of_death_every_value_is_24():
    series = sofa_series(outcome([8, 9, 10, 11], death=4), 1)
    assert series == [8, 9, 10] + [24] * 12


def test_a_death_after_day_9_counts_too():
    series = sofa_series(outcome([8] * 15, death=12), 1)
    assert series == [8] * 11 + [24] * 4


def test_after_discharge_the_last_value_is_carried_forward():
    assert sofa_series(outcome([8, 6, 4, None, None], discharge=3), 1) == [8, 6] + [4] * 13
    assert sofa_series(outcome([8, 6, 4, 9, 9], discharge=3), 1) == [8, 6] + [4] * 13


def test_after_loss_the_last_value_is_carried_forward():
    assert sofa_series(outcome([8, 6, 4, None], last_seen=3), 1) == [8, 6] + [4] * 13


def test_a_gap_takes_the_value_before_it():
    assert sofa_series(outcome([8, None, 6]), 1)[:4] == [8, 8, 6, 6]


def test_death_after_discharge_is_24_from_that_day():
    assert sofa_series(outcome([8, 4], discharge=2, death=10), 1) == [8] + [4] * 8 + [24] * 6


def test_with_baseline_day_0_study_day_3_is_sofa_day_4():
    assert sofa_series(outcome([8, 9, 10, 11], death=3), 0) == [8, 9, 10] + [24] * 12


@pytest.mark.parametrize(
    ("sofa", "last_day", "expected"),
    [
        ([10] + [8.6] * 14, 9, True),  # a fall of exactly 1.4
        ([10] + [8.61] * 14, 9, False),
        ([10] + [9] * 8 + [6] * 6, 9, False),  # a fall of 1
        ([10] + [9] * 8 + [6] * 6, 15, True),  # (72 + 36) / 14 = 7.714
        ([10, 8], 9, True),  # carried forward
        ([10], 9, False),
        ([None, 5, 5], 9, None),
    ],
)
def test_a_fall_of_at_least_1_4(sofa, last_day, expected):
    assert sofa_fall(outcome(sofa), 1, last_day) is expected


def test_death_spoils_the_fall():
    # days 2 to 8 at 4, 24 on day 9: (7 x 4 + 24) / 8 = 6.5, a fall of 3.5; dead from day 7: (5 x 4 + 3 x 24) / 8 = 11.5
    assert sofa_fall(outcome([10] + [4] * 14, death=9), 1, 9) is True
    assert sofa_fall(outcome([10] + [4] * 14, death=7), 1, 9) is False


def test_death_days_are_inclusive_and_the_lost_count_as_alive():
    assert dead_by(outcome([8], death=28), 28)
    assert not dead_by(outcome([8], death=29), 28)
    assert not dead_by(outcome([8], last_seen=10), 28)
    assert lost_before(outcome([8], last_seen=10), 28)
    assert not lost_before(outcome([8], last_seen=10, death=20), 28)


def test_infection_states_are_ranked_from_best_to_worst():
    states = ["resolved", "intermediate", "failure", "superinfection", None]
    assert infection_ranks([outcome([8], infection=state) for state in states]) == [0, 1, 2, 3]
