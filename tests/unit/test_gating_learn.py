"""Learning gates: what must hold on odd tubes."""

import numpy as np
import pytest

from hladr.gating.learn import leukocyte_threshold


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.2])
def test_cd45_that_hardly_spreads_removes_nothing(spread):
    level = 2 + spread * np.linspace(0, 1, 500)
    assert leukocyte_threshold(level) <= level.min()


def test_the_cd45_threshold_lies_between_debris_and_leukocytes():
    rng = np.random.default_rng(1)
    level = np.concatenate([rng.normal(0.5, 0.4, 3000), rng.normal(5, 0.4, 20_000)])
    assert 1.5 < leukocyte_threshold(level) < 4
