"""Peaks of bead runs: made by hand, simulated with known truth, and the real FluoroSpheres."""

import numpy as np
import pytest

from hladr import beads
from hladr.beads import assign as beads_assign
from hladr.beads import density as beads_density
from hladr.beads import scatter as beads_scatter
from hladr.simulate import CYTOMETERS, LOTS, BeadRun, simulate_beads

LOT = (638.0, 6930.0, 31008.0, 67601.0)


def ladder(rng, values=LOT, n=500, cv=0.06, gain=0.5, noise=5.0):
    """PE and scatter of singlet beads without a simulator: normal peaks, normal scatter."""
    pe = np.concatenate([gain * v * (1 + cv * rng.standard_normal(n)) for v in values])
    pe += noise * rng.standard_normal(pe.size)
    forward = 20_000 * np.exp(0.05 * rng.standard_normal(pe.size))
    side = 9_000 * np.exp(0.08 * rng.standard_normal(pe.size))
    return pe, forward, side


def found_levels(peaks):
    return [level for level in peaks.assignment.level_of_peak if level is not None]


@pytest.mark.parametrize("gain", [0.01, 0.1, 1.0, 30.0])
def test_four_levels_at_any_gain(gain):
    rng = np.random.default_rng(3)
    pe, forward, side = ladder(rng, gain=gain, noise=gain * 20)
    peaks = beads.find(pe, forward, side, None, np.inf, LOT)
    assert found_levels(peaks) == [0, 1, 2, 3]
    for peak, value in zip(peaks.peaks, LOT, strict=True):
        # sampling error of 480 beads at CV 6 %: 0.3 %
        assert peak.pe_median == pytest.approx(gain * value, rel=0.015)


def test_debris_doublets_and_clumps_stay_out():
    rng = np.random.default_rng(5)
    pe, forward, side = ladder(rng)
    k = 600
    first, second = rng.integers(0, pe.size, (2, k))
    debris = 300 * np.exp(rng.standard_normal(k))
    pe2 = np.concatenate([pe, pe[first] + pe[second], debris])
    forward2 = np.concatenate([forward, forward[first] + forward[second], 3_000 * np.exp(0.5 * rng.standard_normal(k))])
    side2 = np.concatenate([side, side[first] + side[second], 2_000 * np.exp(0.7 * rng.standard_normal(k))])
    peaks = beads.find(pe2, forward2, side2, None, np.inf, LOT)
    assert found_levels(peaks) == [0, 1, 2, 3]
    assert peaks.singlets[: pe.size].mean() > 0.9
    assert peaks.singlets[pe.size :].mean() < 0.03
    assert peaks.clump_share == pytest.approx(k / pe2.size, rel=0.2)


def test_blank_is_told_from_the_levels():
    rng = np.random.default_rng(6)
    pe, forward, side = ladder(rng, values=(1500, 4400, 14500, 43800), noise=60)
    blank, forward0, side0 = ladder(rng, values=(0.0,), noise=60)
    arrays = [np.concatenate(pair) for pair in ((pe, blank), (forward, forward0), (side, side0))]
    peaks = beads.find(*arrays, None, np.inf, (1500.0, 4400.0, 14500.0, 43800.0), has_blank=True)
    assert peaks.assignment.blank == 0
    assert found_levels(peaks) == [0, 1, 2, 3]
    assert abs(peaks.peaks[0].pe_median) < 15


def test_a_level_at_the_limit_is_lost_by_name():
    rng = np.random.default_rng(7)
    pe, forward, side = ladder(rng, gain=1.0)
    limit = 50_000.0
    peaks = beads.find(np.minimum(pe, limit), forward, side, None, limit, LOT)
    assert peaks.assignment.lost_high == (3,)
    assert found_levels(peaks) == [0, 1, 2]
    assert peaks.pile_high > 400


def test_a_level_clipped_at_zero_is_lost_by_name():
    rng = np.random.default_rng(8)
    pe, forward, side = ladder(rng, gain=0.002, noise=0.4)
    peaks = beads.find(np.maximum(pe - 3.0, 0.0), forward, side, None, np.inf, LOT)
    assert 0 in peaks.assignment.lost_low
    assert peaks.pile_low > 300


def test_order_of_events_does_not_matter():
    rng = np.random.default_rng(9)
    pe, forward, side = ladder(rng)
    shuffle = rng.permutation(pe.size)
    one = beads.find(pe, forward, side, None, np.inf, LOT)
    other = beads.find(pe[shuffle], forward[shuffle], side[shuffle], None, np.inf, LOT)
    assert one.peaks == other.peaks
    assert one.assignment == other.assignment
    assert np.array_equal(one.singlets[shuffle], other.singlets)


def test_nothing_in_the_file():
    empty = np.zeros(0)
    peaks = beads.find(empty, empty, empty, None, np.inf, LOT)
    assert peaks.peaks == ()
    assert peaks.assignment is None


def test_windows_by_hand_are_taken_as_they_are():
    rng = np.random.default_rng(10)
    pe, forward, side = ladder(rng)
    windows = {0: (200.0, 450.0), 2: (12_000.0, 19_000.0), 3: (27_000.0, 41_000.0)}
    peaks = beads.find(pe, forward, side, None, np.inf, LOT, windows=windows)
    assert [(p.low, p.high) for p in peaks.peaks] == [windows[0], windows[2], windows[3]]
    assert found_levels(peaks) == [0, 2, 3]


@pytest.mark.parametrize("model", sorted(CYTOMETERS))
def test_every_simulated_cytometer(model):
    rng = np.random.default_rng(11)
    simulated = simulate_beads(BeadRun(n_events=6000, peak_cv=0.08), CYTOMETERS[model], rng)
    cytometer, events = simulated.cytometer, simulated.linear
    names = [c.name for c in cytometer.channels]

    def column(channel):
        return events[:, names.index(channel.name)]

    forward = cytometer.scatter_channel("forward", "A") or cytometer.scatter_channel("forward", "H")
    side = cytometer.scatter_channel("side", "A") or cytometer.scatter_channel("side", "H")
    pe = column(cytometer.channel_of("HLA-DR"))
    peaks = beads.find(pe, column(forward), column(side), None, np.inf, LOT)
    assert found_levels(peaks) == [0, 1, 2, 3]
    singles = simulated.levels > 0
    assert peaks.singlets[singles].mean() > 0.85
    for level, peak in enumerate(peaks.peaks, 1):
        assert peak.pe_median == pytest.approx(np.median(pe[simulated.levels == level]), rel=0.03)


def test_ten_bit_logarithmic_steps_do_not_make_the_peaks_jump():
    # 256 channels per decade: 0.9 % per step; the peak lies anywhere between two of them
    for shift in np.linspace(0, 0.009, 7):
        rng = np.random.default_rng(12)
        pe, forward, side = ladder(rng, n=4000, cv=0.04, gain=0.1 * np.exp(shift), noise=0.0)
        steps = 10 ** ((np.floor(256 * np.log10(np.maximum(pe, 1))) + 0.5) / 256)
        peaks = beads.find(steps, forward, side, None, np.inf, LOT)
        for peak, value in zip(peaks.peaks, LOT, strict=True):
            # four standard errors of 4,000 beads at CV 4 %
            assert peak.pe_median == pytest.approx(0.1 * np.exp(shift) * value, rel=0.003)


def test_equal_values_are_spread_over_their_step():
    # steps of 1: three events at 5 stand for 4.5 to 5.5, one sixth of a step from its ends and one third apart
    spread = beads_density.untie(np.array([4.0, 5.0, 5.0, 5.0, 6.0, 6.0]))
    assert spread == pytest.approx([4.0, 5 - 1 / 3, 5.0, 5 + 1 / 3, 5.75, 6.25])


def test_spreading_leaves_distinct_values_alone():
    values = np.sort(np.random.default_rng(13).normal(size=500))
    assert beads_density.untie(values) is values


def test_coarse_numbers_are_no_comb_of_peaks():
    rng = np.random.default_rng(16)
    pe, forward, side = ladder(rng, gain=0.02, noise=1.0, n=2000)
    peaks = beads.find(np.floor(pe), forward, side, None, np.inf, LOT)
    assert found_levels(peaks) == [0, 1, 2, 3]


def test_the_peak_statistic_is_the_median_of_its_window():
    rng = np.random.default_rng(14)
    pe, forward, side = ladder(rng, n=20_000)
    peaks = beads.find(pe, forward, side, None, np.inf, LOT)
    for peak in peaks.peaks:
        inside = pe[peaks.singlets & (pe >= peak.low) & (pe <= peak.high)]
        assert peak.pe_median == pytest.approx(np.median(inside), rel=2e-3)
        assert peak.pe_geometric_mean == pytest.approx(np.exp(np.log(inside).mean()), rel=1e-9)


def test_singlets_by_area_over_height():
    rng = np.random.default_rng(15)
    n = 3000
    forward = 20_000 * np.exp(0.05 * rng.standard_normal(n))
    height = 0.8 * forward * np.exp(0.02 * rng.standard_normal(n))
    height[:300] *= 0.8  # two beads one after the other: area of two, height of less
    side = 9_000 * np.exp(0.08 * rng.standard_normal(n))
    (cluster, *_) = beads_scatter.clusters(forward, side, height)
    assert cluster.mask[:300].mean() < 0.02
    assert cluster.mask[300:].mean() > 0.9


def assign(log_values, events=None, values=LOT, **options):
    x = np.log(log_values)
    return beads_assign.assign(list(x), events or [500] * len(x), values, **options)


def test_assignment_with_a_level_missing_at_either_end():
    pe = [v * 0.5 for v in LOT]
    assert assign(pe).level_of_peak == (0, 1, 2, 3)
    assert assign(pe[1:]).level_of_peak == (1, 2, 3)
    assert assign(pe[:3]).level_of_peak == (0, 1, 2)


def test_assignment_leaves_out_a_peak_of_doublets():
    made = assign([v * 0.5 for v in (638, 6930, 13_860, 31_008, 67_601)], [500, 500, 60, 500, 500])
    assert made.level_of_peak == (0, 1, None, 2, 3)


def test_assignment_names_levels_that_share_a_peak():
    made = assign([0.5 * 638, 0.5 * 6930, 0.5 * (31_008 * 67_601) ** 0.5], [500, 500, 1000])
    assert made.merged == (2, 3)


def test_evenly_spaced_levels_cannot_be_told_apart_when_one_is_missing():
    # four levels a factor of 4 apart, three peaks: the first three or the last three?
    made = assign([100, 400, 1600], values=(1000, 4000, 16_000, 64_000))
    assert made.margin < 1
    # a pile at the upper end says which
    told = assign([100, 400, 1600], values=(1000, 4000, 16_000, 64_000), pile_high=True)
    assert told.lost_high == (3,)
    assert told.margin > 4


def test_one_peak_is_no_ladder():
    assert assign([100.0]) is None


def test_lots_of_the_simulator_are_quantibrites_or_named_simulated():
    assert LOTS["quantibrite-pe", "96597"] == LOT
