"""Learning gates: what must hold on odd tubes."""

import numpy as np
import pytest

from hladr.gating.grid import make_grid
from hladr.gating.leukocytes import leukocyte_threshold
from hladr.gating.mixture import Mixture, bin_events, fit, moments


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.2])
def test_cd45_that_hardly_spreads_removes_nothing(spread):
    level = 2 + spread * np.linspace(0, 1, 500)
    assert leukocyte_threshold(level, cd45=True) <= level.min()


def test_the_cd45_threshold_lies_between_debris_and_leukocytes():
    rng = np.random.default_rng(1)
    level = np.concatenate([rng.normal(0.5, 0.4, 3000), rng.normal(5, 0.4, 20_000)])
    assert 1.5 < leukocyte_threshold(level, cd45=True) < 4


@pytest.mark.parametrize(("place", "fourth"), [((0, 0, 0), 1.5), ((9, 9, 9), 5.5), ((6, 6, 6), 5.5)])
def test_a_place_without_events_takes_the_fourth_axis_from_the_nearest(place, fourth):
    """Found by fuzzing: a seed further than two cells from every event had no mean, and the tube died of it."""
    points = np.array([[0.5, 0.5, 0.5, 1.5]] * 4 + [[9.5, 9.5, 9.5, 5.5]])
    cells = bin_events(list(points.T), np.ones(4))
    grid = make_grid(cells)
    flat = int(np.ravel_multi_index(place, grid.counts.shape))
    assert grid.position(flat) == pytest.approx([*(i + 0.5 for i in place), fourth])


def test_a_part_of_the_grid_is_smoothed_as_the_whole_is():
    rng = np.random.default_rng(4)
    grid = make_grid(bin_events(list(rng.normal(size=(4, 4000))), np.full(4, 0.15)))
    middle, reach = np.array([0.4, -0.2, 0.3]), (0.9, 0.5, 0.4)
    part = grid.near(middle, reach)
    assert part.counts.size < grid.counts.size / 2
    for flat in np.flatnonzero(part.counts):
        place = part.position(int(flat))
        if (np.abs(place[:3] - middle) < reach).all():
            whole = tuple(np.rint((place[:3] - grid.cells.origin[:3]) / 0.15 - 0.5).astype(int))
            assert part.smoothed.flat[flat] == pytest.approx(grid.smoothed[whole], rel=1e-12)
            assert grid.position(int(np.ravel_multi_index(whole, grid.counts.shape))) == pytest.approx(place)


def test_a_component_without_thickness_gets_some():
    """Log data of few bits can put all cells of a population on one plane."""
    rng = np.random.default_rng(5)
    flat = np.append(rng.normal(size=(3, 3000)), np.zeros((1, 3000)), axis=0)
    start = Mixture(np.array([0.97]), np.zeros((1, 4)), np.eye(4)[None], 0.03, 1e-4, 12)
    fitted, _ = fit(moments(bin_events(list(flat), np.full(4, 0.15))), start, prior_scatter=np.eye(4) * 0.04)
    spread = np.linalg.eigvalsh(fitted.scatters[0])
    assert 0 < spread[0] < 0.04 < 0.6 < spread[1]
