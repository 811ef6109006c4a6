"""What must hold for any bead run: gain moves the peaks and nothing else, the order of events does not matter."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hladr import beads
from hladr.calibration.lines import fit
from hladr.drift import westgard
from hladr.pairing import PESettings, compare, hours_between
from hladr.quantify import intervals

LOT = (638.0, 6930.0, 31_008.0, 67_601.0)


def ladder(seed, cv):
    rng = np.random.default_rng(seed)
    pe = np.concatenate([v * np.exp(cv * rng.standard_normal(300)) for v in LOT])
    return pe, 2e4 * np.exp(0.05 * rng.standard_normal(pe.size)), 9e3 * np.exp(0.08 * rng.standard_normal(pe.size))


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.03, 0.15), st.floats(-3, 3))
def test_gain_moves_the_peaks_and_nothing_else(seed, cv, log_gain):
    pe, forward, side = ladder(seed, cv)
    gain = 10**log_gain
    one = beads.find(pe, forward, side, None, np.inf, LOT)
    other = beads.find(gain * pe, forward, side, None, np.inf, LOT)
    assert one.assignment.level_of_peak == other.assignment.level_of_peak == (0, 1, 2, 3)
    for a, b in zip(one.peaks, other.peaks, strict=True):
        assert abs(b.pe_median / (gain * a.pe_median) - 1) < 0.005


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_order_of_events_does_not_matter(seed, random):
    pe, forward, side = ladder(seed, 0.08)
    order = list(range(pe.size))
    random.shuffle(order)
    one = beads.find(pe, forward, side, None, np.inf, LOT)
    other = beads.find(pe[order], forward[order], side[order], None, np.inf, LOT)
    assert one.peaks == other.peaks


@given(st.lists(st.floats(0.5, 2), min_size=4, max_size=8), st.floats(0.01, 100))
def test_a_line_recovers_exactly_what_lies_on_it_and_scales_with_the_values(factors, scale):
    pe = [10.0 * 7**k for k in range(len(factors))]
    values = [p * f for p, f in zip(pe, factors, strict=True)]
    line, scaled = fit(pe, values), fit(pe, [v * scale for v in values])
    assert abs(scaled.slope - line.slope) < 1e-9
    assert np.allclose(scaled.recoveries, line.recoveries)
    assert np.isclose(scaled.read(123.0), scale * line.read(123.0))
    # the mean of ln recovery is zero for least squares with an intercept
    assert abs(np.mean(np.log(line.recoveries))) < 1e-9


@given(st.floats(1e-4, 0.3), st.floats(0, 0.3), st.integers(1, 6))
def test_more_doubt_never_narrows_the_interval_below_the_normal_one(line, other, dof):
    half, _ = intervals.half_width({"line": line, "other": other}, dof)
    assert half >= 1.959 * np.hypot(line, other)
    wide, _ = intervals.half_width({"line": line, "other": other + 0.1}, 10**7)
    narrow, _ = intervals.half_width({"line": line, "other": other}, 10**7)
    assert wide > narrow


numbers = st.one_of(st.none(), st.floats(1, 1000))
words = st.one_of(st.none(), st.sampled_from(["A", "B 2", "b2"]))
sets = st.builds(
    PESettings,
    detector=st.sampled_from(["PE-A", "PE-H"]),
    voltage=numbers,
    gain=numbers,
    decades=st.sampled_from([0.0, 4.0]),
    log_minimum=st.sampled_from([0.0, 1.0]),
    range=numbers,
    cytometer=words,
    serial=words,
    acquired_at=st.one_of(st.none(), st.just("2024-03-01T09:00:00")),
    compensation=st.just("none"),
)


@given(sets, sets)
def test_pairing_is_symmetric_and_nothing_differs_from_itself(one, other):
    def codes(tube, beads):
        return [f.code for f in compare(tube, beads, hours=hours_between(tube, beads), window_hours=24)]

    assert codes(one, one) == []
    assert codes(one, other) == codes(other, one)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=15))
def test_westgard_is_symmetric_about_the_mean(scores):
    assert westgard(scores) == westgard([-z for z in scores])
