"""The line through bead levels: against a hand-worked example, numpy's covariance and published figures."""

import math

import numpy as np
import pytest

from hladr.calibration.lines import fit

LOT_96597 = (638.0, 6930.0, 31008.0, 67601.0)


@pytest.mark.parametrize("pe", [(319.0, 3465.0), (317.3, 3511.9), (1234.5, 98765.4)])
def test_two_levels_have_no_error_not_even_that_of_rounding(pe):
    assert fit(pe, LOT_96597[:2]).max_recovery_error_percent == 0


def test_small_errors_that_are_more_than_rounding_stay():
    line = fit((100.0, 1000.0, 10_000.0), (100.0, 1000.0 * (1 + 3e-10), 10_000.0))
    # the line takes up a third of it; in percent
    assert line.max_recovery_error_percent == pytest.approx(2e-8, rel=0.01)


def test_exact_power_law_is_found_back():
    pe = np.array([10.0, 100.0, 1000.0])
    line = fit(pe, 5 * pe**1.02)
    assert line.slope == pytest.approx(1.02)
    assert line.intercept == pytest.approx(math.log10(5))
    assert line.r_squared == pytest.approx(1)
    assert line.max_recovery_error_percent == 0
    assert line.read(50.0) == pytest.approx(5 * 50**1.02)


def test_line_of_three_levels_by_hand():
    # log10 PE 0, 1, 2; log10 value 1.0, 2.1, 2.9: slope (2.9 - 1.0) / 2 = 0.95, mean 2.0, intercept 2.0 - 0.95 = 1.05
    line = fit([1, 10, 100], [10**1.0, 10**2.1, 10**2.9])
    assert (line.slope, line.intercept) == (pytest.approx(0.95), pytest.approx(1.05))
    # residuals -0.05, 0.1, -0.05: sse 0.015, one degree of freedom
    assert (line.covariance[1][1], line.dof) == (pytest.approx(0.015 / 2), 1)  # variance of the slope: sse / dof / sxx
    # recovery = 10^(-residual): the middle level reads 10^-0.1 of its value, 20.6 % too low
    assert line.recoveries == pytest.approx([10**0.05, 10**-0.1, 10**0.05])
    assert line.max_recovery_error_percent == pytest.approx(100 * (1 - 10**-0.1))
    # the other two alone: slope 0.95, at the middle 1.95 instead of 2.1
    assert line.recoveries_left_out[1] == pytest.approx(10**-0.15)
    # variance of the mean response at the centre: sse / dof / n
    assert line.variance_at(10.0) == pytest.approx(math.log(10) ** 2 * 0.015 / 3)


def test_covariance_is_numpys():
    rng = np.random.default_rng(4)
    pe = 10 ** rng.uniform(1, 5, 6)
    values = 3 * pe * np.exp(0.05 * rng.standard_normal(6))
    line = fit(pe, values)
    (slope, intercept), covariance = np.polyfit(np.log10(pe), np.log10(values), 1, cov=True)
    assert (line.slope, line.intercept) == (pytest.approx(slope), pytest.approx(intercept))
    assert np.array(line.covariance) == pytest.approx(covariance[::-1, ::-1])


def test_300_pe_on_every_bead_is_the_published_trap():
    # 300 added to every event: R² stays at 0.998, the slope moves to 1.10, a true 5,000 reads 4,400
    line = fit(np.array(LOT_96597) + 300, LOT_96597)
    assert line.r_squared == pytest.approx(0.998, abs=1e-3)
    assert line.slope == pytest.approx(1.10, abs=0.015)
    assert line.read(5300) == pytest.approx(4400, abs=60)
    # the offset model sees it: 300 units, and then one PE is one molecule
    assert line.offset[1] == pytest.approx(300, rel=1e-3)
    assert line.read(5000.0, "by_offset") == pytest.approx(5000, rel=1e-3)
    assert line.offset_rms < 1e-4 < line.line_rms


def test_slope_one_model_is_the_mean_factor():
    line = fit([100, 1000, 10000], [210, 2000, 19000])
    assert line.read(500.0, "by_slope_one") == pytest.approx(500 * (2.1 * 2.0 * 1.9) ** (1 / 3))


def test_two_levels_give_a_line_without_uncertainty():
    line = fit([10, 100], [20, 200])
    assert (line.dof, line.covariance, line.variance_at(50.0)) == (0, None, None)


def test_one_level_gives_no_line():
    with pytest.raises(ValueError, match="two levels"):
        fit([10], [20])


def test_pe_at_or_below_zero_has_no_value():
    line = fit([1, 10, 100], [2, 20, 200])
    assert (line.read(0.0), line.read(-5.0)) == (None, None)
