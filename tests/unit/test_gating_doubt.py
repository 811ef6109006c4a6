"""What a gate's doubt does to PE: the statistics themselves."""

import numpy as np

from hladr.gating.doubt import Doubt, central, pe_doubt


def test_a_median_below_zero_is_a_median():
    values = np.array([-30.0, -5.0, 4.0, -20.0, 10.0])
    assert central(values, "median") == -5.0
    assert central(values, "geometric_mean") is None
    assert central(np.array([]), "median") is None


def test_the_geometric_mean_keeps_events_at_or_below_zero():
    # ln: 1 % of the median 100, 100, 10,000: the mean of 0, 4.605 and 9.210 is 4.605
    assert abs(central(np.array([-7.0, 100.0, 10_000.0]), "geometric_mean") - 100.0) < 1e-9


def test_values_below_zero_leave_a_stated_doubt():
    pe = {s: {"main": -5.0, "tight": -6.0, "wide": 2.0} for s in ("median", "geometric_mean")}
    assert pe_doubt(Doubt(0.0, 0.0), pe, 0.5)["median"].sd_ln == 0.1
