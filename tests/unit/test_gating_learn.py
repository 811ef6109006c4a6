"""Learning gates: what must hold on odd tubes."""

import numpy as np
import pytest

from hladr.gating.landmarks import make_grid
from hladr.gating.learn import leukocyte_threshold
from hladr.gating.mixture import bin_events


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.2])
def test_cd45_that_hardly_spreads_removes_nothing(spread):
    level = 2 + spread * np.linspace(0, 1, 500)
    assert leukocyte_threshold(level) <= level.min()


def test_the_cd45_threshold_lies_between_debris_and_leukocytes():
    rng = np.random.default_rng(1)
    level = np.concatenate([rng.normal(0.5, 0.4, 3000), rng.normal(5, 0.4, 20_000)])
    assert 1.5 < leukocyte_threshold(level) < 4


@pytest.mark.parametrize(("place", "fourth"), [((0, 0, 0), 1.5), ((9, 9, 9), 5.5), ((6, 6, 6), 5.5)])
def test_a_place_without_events_takes_the_fourth_axis_from_the_nearest(place, fourth):
    """Found by fuzzing: a seed further than two cells from every event had no mean, and the tube died of it."""
    points = np.array([[0.5, 0.5, 0.5, 1.5]] * 4 + [[9.5, 9.5, 9.5, 5.5]])
    cells = bin_events(list(points.T), np.ones(4))
    grid = make_grid(cells)
    flat = int(np.ravel_multi_index(place, grid.counts.shape))
    assert grid.position(flat) == pytest.approx([*(i + 0.5 for i in place), fourth])
