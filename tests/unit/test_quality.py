"""Detector limits, singlets, and what happens over time, on numbers whose answer is known."""

import numpy as np
import pytest

from hladr.quality import share, singlet_corners, singlet_ridge, upper_limit
from hladr.quality.time import Change, fifths, odd_fifth, stability


def test_a_limit_is_the_top_of_the_channel_or_a_value_that_repeats():
    ramp = np.arange(1000.0)
    assert upper_limit(np.append(ramp, 1023.0), 1023) == 1023
    assert upper_limit(ramp, 1e6) is None
    assert upper_limit(np.append(ramp, [5000.0] * 20), 1e6) == 5000
    assert upper_limit(np.append(ramp, np.nan), 1e6) is None
    assert upper_limit(np.array([]), 1e6) is None


def test_the_share_of_nothing_is_missing():
    assert share(0, 0) is None
    assert share(1, 4) == 0.25


def test_singlets_are_told_from_doublets():
    rng = np.random.default_rng(1)
    height = np.exp(rng.normal(10, 0.4, 20_000))
    area = 1.25 * height * np.exp(0.03 * rng.standard_normal(20_000))
    doublets = rng.random(20_000) < 0.08
    area[doublets] *= rng.uniform(1.3, 1.9, doublets.sum())
    ridge = singlet_ridge(area, height)
    assert np.exp(ridge.level) == pytest.approx(1.25, rel=0.01)
    assert ridge.sd == pytest.approx(0.03, rel=0.25)
    assert abs(ridge.slope) < 0.01
    corners = np.array(singlet_corners(ridge, height.min(), height.max(), 4.5))
    # upper edge: 4.5 sd above the ridge, so that one singlet in 100,000 is lost and a doublet of 1.3 is out
    upper = corners[: len(corners) // 2]
    assert np.allclose(upper[:, 0] / upper[:, 1], 1.25 * np.exp(4.5 * ridge.sd), rtol=0.03)


def test_too_few_events_have_no_ridge():
    assert singlet_ridge(np.ones(50), np.ones(50)) is None


@pytest.fixture
def steady():
    rng = np.random.default_rng(2)
    n = 40_000
    time = np.cumsum(rng.standard_exponential(n))
    return time, rng.random(n) < 0.8, rng.lognormal(8, 0.3, n)


def test_a_steady_acquisition_is_stable(steady):
    time, leukocytes, signal = steady
    found = stability(time, leukocytes, {"side scatter": signal}, 0.15, 2.0)
    assert found.unstable_share == 0
    assert found.reasons == ()
    assert found.stable_stretch == (time[0], np.nextafter(time[-1], np.inf))


def test_a_clog_is_found_where_it_is(steady):
    time, leukocytes, signal = steady
    gaps = np.diff(time, prepend=0)
    gaps[16_000:20_000] *= 5
    found = stability(np.cumsum(gaps), leukocytes, {"side scatter": signal}, 0.15, 2.0)
    assert found.unstable_share == pytest.approx(0.10, abs=0.011)
    assert "event rate" in found.reasons[0]
    # a tenth of the events took five times as long: 5 / (9 + 5) of the time
    assert found.odd_rate_time == pytest.approx(5 / 14, abs=0.03)
    # the longest stable stretch is what follows: 20,000 of 40,000 events
    low, high = found.stable_stretch
    inside = (np.cumsum(gaps) >= low) & (np.cumsum(gaps) < high)
    assert inside.sum() == pytest.approx(20_000, abs=500)
    assert inside[-1]


def test_a_signal_that_jumps_is_named(steady):
    time, leukocytes, signal = steady
    signal = signal.copy()
    signal[30_000:] *= 1.4
    found = stability(time, leukocytes, {"side scatter": signal}, 0.15, 2.0)
    assert any("side scatter" in reason for reason in found.reasons)
    assert found.unstable_share == pytest.approx(0.25, abs=0.02)


def test_something_else_at_the_start_is_carry_over(steady):
    time, leukocytes, signal = steady
    leukocytes = leukocytes.copy()
    leukocytes[:300] = False
    found = stability(time, leukocytes, {"side scatter": signal}, 0.15, 2.0)
    assert found.carry_over
    assert found.unstable_share < 0.02


def test_events_are_put_in_the_order_of_time(steady):
    time, leukocytes, signal = steady
    signal = signal * np.linspace(1, 1.5, len(signal))
    order = np.random.default_rng(3).permutation(len(time))
    first = fifths(time, signal, leukocytes)
    mixed = fifths(time[order], signal[order], leukocytes[order])
    assert mixed == first
    # the middles of the first and last fifth lie at 0.1 and 0.9 of the rise
    assert first.relative == pytest.approx(1.45 / 1.05 - 1, rel=0.05)
    assert first.status(0.15, 0.30) == "failed"


@pytest.mark.parametrize("monocytes", [120, 200, 300, 400])
@pytest.mark.parametrize("second", [0.0, 1.2])
def test_a_steady_tube_with_few_monocytes_does_not_fail_by_chance(monocytes, second):
    """Of one population, and of two whose PE is 3.3 times apart: the median between them moves easily."""
    rng = np.random.default_rng(4)
    inside = np.ones(monocytes, dtype=bool)
    spread = 0.3 if second else 0.5
    found = []
    for _ in range(1000):
        values = rng.lognormal(8, spread, monocytes) * np.exp(second * (rng.random(monocytes) < 0.5))
        found.append(fifths(None, values, inside).status(0.15, 0.30))
    assert found.count("failed") <= 5
    assert found.count("review") <= 15


@pytest.mark.parametrize(
    ("last", "errors", "status"),
    [
        (1310, 3.01, "failed"),
        (690, 3.01, "failed"),
        (1310, 2.99, "review"),
        (690, 2.51, "review"),
        (1310, 2.49, None),
        (1290, 3.01, "review"),
        (1290, 2.99, None),
        (1140, 9.0, None),
    ],
)
def test_a_large_change_with_less_evidence_than_a_refusal_needs_is_for_review(last, errors, status):
    assert Change(1000.0, float(last), errors).status(0.15, 0.30) == status


@pytest.mark.parametrize(("monocytes", "share"), [(300, 0.95), (1000, 0.99)])
def test_pe_that_rises_by_more_than_30_percent_fails_also_where_monocytes_are_few(monocytes, share):
    rng = np.random.default_rng(5)
    # 60 % from the middle of the first fifth to the middle of the last one
    rise = 1.6 ** np.linspace(-0.125, 1.125, monocytes)
    inside = np.ones(monocytes, dtype=bool)
    tubes = [fifths(None, rng.lognormal(8, 0.45, monocytes) * rise, inside) for _ in range(200)]
    assert sum(t.status(0.15, 0.30) == "failed" for t in tubes) >= share * 200
    # of those whose medians differ by more than 30 %, hardly one is excused as chance
    beyond = [t for t in tubes if abs(t.relative) > 0.30]
    assert sum(t.status(0.15, 0.30) == "failed" for t in beyond) >= 0.98 * len(beyond)


def test_the_change_is_that_of_the_rank_sum_test_of_scipy():
    from scipy.stats import mannwhitneyu, norm

    rng = np.random.default_rng(5)
    values = rng.lognormal(8, 0.5, 1000) * np.linspace(1, 1.1, 1000)
    change = fifths(None, values, np.ones(1000, dtype=bool))
    other = mannwhitneyu(values[:200], values[-200:], use_continuity=False, method="asymptotic")
    assert 2 * norm.sf(change.errors) == pytest.approx(other.pvalue, rel=1e-9)


def test_a_short_file_says_nothing():
    assert stability(None, np.ones(500, dtype=bool), {}, 0.15, 2.0) is None
    assert fifths(None, np.ones(40), np.ones(40, dtype=bool)) is None
    # a signal of one value is steady, which is something
    assert fifths(None, np.ones(400), np.ones(400, dtype=bool)).relative == 0


def test_a_signal_that_falls_to_nothing_or_rises_from_it_is_drift():
    rng = np.random.default_rng(6)
    full, none = rng.normal(1000, 100, 500), rng.normal(-5, 10, 500)
    inside = np.ones(1000, dtype=bool)
    fallen, risen = (fifths(None, np.concatenate(parts), inside) for parts in ((full, none), (none, full)))
    assert (fallen.status(0.15, 0.30), risen.status(0.15, 0.30)) == ("failed", "failed")
    assert fallen.relative < -1
    assert risen.relative == np.inf
    assert fifths(None, np.concatenate([none, none]), inside) is None


def test_what_changes_and_comes_back_shows_in_its_fifth():
    rng = np.random.default_rng(7)
    values = rng.lognormal(7, 0.5, 2000)
    inside = np.ones(2000, dtype=bool)
    assert odd_fifth(None, values, inside, 0.15) is None
    values[800:1200] *= 1.8
    which, change = odd_fifth(None, values, inside, 0.15)
    assert which == 2
    assert change.relative == pytest.approx(0.8, abs=0.15)
    # first and last fifth are alike, and see nothing
    assert fifths(None, values, inside).status(0.15, 0.30) is None
    # too few events to tell
    assert odd_fifth(None, values[::40], inside[::40], 0.15) is None


def test_steady_tubes_seldom_differ_in_a_fifth_by_chance():
    rng = np.random.default_rng(8)
    inside = np.ones(400, dtype=bool)
    assert sum(odd_fifth(None, rng.lognormal(8, 0.5, 400), inside, 0.0) is not None for _ in range(400)) <= 1
