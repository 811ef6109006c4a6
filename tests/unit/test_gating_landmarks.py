"""Which population is which: clouds drawn here, apart from the project's own simulator, with the truth in hand."""

import numpy as np
import pytest
from gating_support import config, f1

from hladr.flags import SpecimenError
from hladr.gating import apply
from hladr.gating.grid import make_grid
from hladr.gating.landmarks import Landmarks, peaks
from hladr.gating.learn import CELL, Columns, Signal, learn
from hladr.gating.mixture import Mixture, bin_events
from hladr.gating.monocytes import monocytes

TOP = 262_143.0
# events; medians of FSC, SSC, CD45, CD14 on a linear scale; the spreads of ln are the same for all, or some times that
NEUTROPHILS = (14_000, 90_000, 80_000, 6_000, 300)
LYMPHOCYTES = (3_600, 50_000, 18_000, 26_000, 30)
B_CELLS = (400, 50_000, 18_500, 24_000, 30)
MONOCYTES = (900, 85_000, 38_000, 14_000, 6_000)
EOSINOPHILS = (900, 88_000, 130_000, 7_500, 60)
SPREADS = (0.12, 0.2, 0.22, 0.4)


def tube(*populations, cd45=True, floor=None, top=TOP, seed=1):
    """Columns of these populations with detector noise on CD14, and the population of each event."""
    rng = np.random.default_rng(seed)
    values = np.concatenate(
        [np.log(p[1:5]) + rng.standard_normal((p[0], 4)) * np.multiply(SPREADS, *p[5:] or [1]) for p in populations]
    )
    values = np.minimum(np.exp(values), top)
    values[:, 3] += 40 * rng.standard_normal(len(values))
    if floor is not None:
        values[:, 3] = np.maximum(values[:, 3], floor)
    labels = np.repeat(np.arange(len(populations)), [p[0] for p in populations])
    signals = [Signal(values[:, i], name, i > 1, top) for i, name in enumerate(("FSC-A", "SSC-A", "CD45-A", "CD14-A"))]
    return Columns(signals[0], signals[1], signals[3], signals[2] if cd45 else None), labels


def gated(columns: Columns) -> np.ndarray:
    by_channel = {s.channel: s.values for s in (columns.forward, columns.side, columns.cd14, columns.cd45) if s}
    gates = learn(columns, config()["gating"]).gates
    return apply(gates, lambda axis: by_channel[axis.channel], len(columns.side.values))["monocytes"]


def of(population, **changed):
    """The population with other numbers, by place: events, forward, side, cd45, cd14."""
    names = ("events", "forward", "side", "cd45", "cd14")
    return tuple(changed.get(name, value) for name, value in zip(names, population, strict=True))


TUBES = {
    "plain": (NEUTROPHILS, LYMPHOCYTES, MONOCYTES),
    "neutrophils with CD14, eosinophils without": (
        of(NEUTROPHILS, cd14=1_500),
        LYMPHOCYTES,
        of(MONOCYTES, events=300),
        EOSINOPHILS,
    ),
    "no lymphocytes": (NEUTROPHILS, of(LYMPHOCYTES, events=40), MONOCYTES),
    "no granulocytes": (of(NEUTROPHILS, events=60), of(LYMPHOCYTES, events=9_000), of(MONOCYTES, events=3_000)),
    "a third of all are monocytes": (of(NEUTROPHILS, events=5_000), LYMPHOCYTES, of(MONOCYTES, events=4_500)),
    "hardly more SSC than lymphocytes": (
        of(NEUTROPHILS, side=40_000),
        of(LYMPHOCYTES, side=17_000),
        of(MONOCYTES, side=26_000),
    ),
    "CD45 of all alike": (of(NEUTROPHILS, cd45=20_000), LYMPHOCYTES, of(MONOCYTES, cd45=25_000)),
}


@pytest.mark.parametrize("name", TUBES)
def test_monocytes_are_found_whatever_else_is_there(name):
    columns, labels = tube(*TUBES[name])
    assert f1(gated(columns), labels == 2) > 0.97


def test_immature_granulocytes_do_not_take_the_monocytes_place():
    # few are immature, and the monocytes differ little from the neutrophils: a free component would go to them
    neutrophils, immature = of(NEUTROPHILS, cd14=1_500), of(NEUTROPHILS, events=1_500, cd45=4_600, cd14=1_000)
    monocytes = of(MONOCYTES, events=1_200, forward=78_000, side=52_000, cd45=6_800, cd14=4_600)
    columns, labels = tube(neutrophils, LYMPHOCYTES, monocytes, immature)
    assert f1(gated(columns), labels == 2) > 0.8  # they were refused, or half of them lost


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lymphocytes_without_cd45_are_a_peak_beside_cells_of_little_more_forward_scatter(seed):
    rng = np.random.default_rng(seed)
    clouds = (  # events; means and spreads of CD14, SSC, FSC in natural units: neutrophils, lymphocytes, monocytes
        (6_600, (0.5, 2.4, 5.25), (0.8, 0.24, 0.13)),
        (400, (0.1, 1.6, 4.57), (0.8, 0.18, 0.1)),
        (540, (4.9, 1.85, 5.03), (0.4, 0.2, 0.1)),
        (150, (2.2, 1.73, 4.9), (0.8, 0.2, 0.1)),
    )
    points = np.concatenate([mean + rng.standard_normal((n, 3)) * spreads for n, mean, spreads in clouds])
    found = peaks(make_grid(bin_events(list(points.T), np.full(3, CELL[0]))))
    assert any((np.abs(peak.position - (0.1, 1.6, 4.57)) < (0.5, 0.2, 0.12)).all() for peak in found)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_dead_cells_strewn_over_the_monocytes_stay_out(seed):
    dead = (2_000, 42_000, 38_000, 8_500, 2_600, 2.4)
    columns, labels = tube(of(NEUTROPHILS, cd14=1_000), LYMPHOCYTES, of(MONOCYTES, events=500), dead, seed=seed)
    mask = gated(columns)
    assert (mask & (labels == 3)).sum() < 0.1 * mask.sum()
    assert f1(mask, labels == 2) > 0.9


def test_the_dim_tail_of_the_monocytes_is_theirs():
    monocytes, tail = of(MONOCYTES, events=290), of(MONOCYTES, events=45, cd14=1_500)
    columns, labels = tube(NEUTROPHILS, LYMPHOCYTES, monocytes, tail, seed=2)
    assert (gated(columns) & (labels == 3)).sum() > 35


def test_b_cells_to_which_wrong_compensation_gives_cd14_stay_out():
    monocytes = of(MONOCYTES, events=500, side=26_500, forward=80_000, cd45=22_000)
    columns, labels = tube(NEUTROPHILS, LYMPHOCYTES, monocytes, of(B_CELLS, cd14=5_500))
    mask = gated(columns)
    assert f1(mask, labels == 2) > 0.95
    assert (mask & (labels == 3)).sum() < 0.05 * mask.sum()


def test_b_cells_from_which_wrong_compensation_takes_cd14_are_not_the_lymphocytes():
    columns, labels = tube(NEUTROPHILS, LYMPHOCYTES, MONOCYTES, B_CELLS)
    columns.cd14.values[labels == 3] -= 8_000
    assert f1(gated(columns), labels == 2) > 0.97


def test_a_floor_under_cd14_makes_no_second_population_of_the_negative_cells():
    columns, labels = tube(NEUTROPHILS, LYMPHOCYTES, MONOCYTES, floor=1.0)
    assert (columns.cd14.values == 1.0).mean() > 0.03  # the lymphocytes pile up
    assert f1(gated(columns), labels == 2) > 0.97


def test_a_cloud_of_doublets_is_never_the_monocytes():
    pairs = (1_500, 180_000, 160_000, 12_000, 600), (800, 140_000, 98_000, 32_000, 330)
    columns, _ = tube(of(NEUTROPHILS, events=8_000), LYMPHOCYTES, *pairs)
    with pytest.raises(SpecimenError) as caught:
        learn(columns, config()["gating"])
    assert caught.value.code == "no_monocytes"


def test_neutrophils_that_pile_up_at_the_limit_of_side_scatter_are_no_beads():
    columns, labels = tube(of(NEUTROPHILS, side=400_000, events=18_000), of(LYMPHOCYTES, events=1_000), MONOCYTES)
    assert (columns.side.values == TOP).mean() > 0.5
    assert f1(gated(columns), labels == 2) > 0.9


GROUPS = {
    # half of the monocytes with a third of the others' CD45, or a quarter of their CD14: no hill joins the two
    "two groups of CD45": of(MONOCYTES, cd45=4_800),
    "two groups of CD14": of(MONOCYTES, events=300, cd14=25_000),
}


@pytest.mark.parametrize("name", GROUPS)
def test_monocytes_in_two_groups_are_gated_both(name):
    columns, labels = tube(NEUTROPHILS, LYMPHOCYTES, MONOCYTES, GROUPS[name])
    assert f1(gated(columns), labels >= 2) > 0.97


def test_two_fifths_of_separated_blood_may_be_monocytes():
    # a few granulocytes, with more SSC and less CD45, say that the larger population is none
    granulocytes = of(NEUTROPHILS, events=400, side=95_000, cd45=4_000, cd14=800)
    monocytes = of(MONOCYTES, events=5_600, side=42_000, cd45=17_000, cd14=2_500)
    columns, labels = tube(granulocytes, of(LYMPHOCYTES, events=7_000), monocytes)
    assert f1(gated(columns), labels == 2) > 0.97


def test_dead_cells_that_take_up_cd14_are_no_monocytes():
    # two thirds of the monocytes' FSC, nearly their CD14, and strewn over SSC and CD45
    dead = (600, 56_000, 38_000, 8_500, 3_500, (1.5, 3.0, 2.0, 1.2))
    columns, labels = tube(NEUTROPHILS, LYMPHOCYTES, of(MONOCYTES, cd14=4_000), dead)
    found = gated(columns)
    assert f1(found, labels == 2) > 0.95
    assert found[labels == 3].mean() < 0.1


def test_eosinophils_of_a_tube_without_cd14_are_no_monocytes():
    """Their own light looks like a little CD14; they have more SSC than the neutrophils, which monocytes never have."""
    bare = [of(population, cd14=20) for population in (NEUTROPHILS, LYMPHOCYTES, MONOCYTES)]
    columns, labels = tube(*bare, of(EOSINOPHILS, side=160_000, cd45=11_000, cd14=700))
    assert gated(columns)[labels == 3].sum() < 50


@pytest.mark.parametrize("events", [2_000, 12_000, 20_000])
def test_debris_is_no_leukocyte_without_cd45(events):
    debris = (events, 14_000, 9_000, 900, 25, (1.8, 1.8, 1.0, 1.0))
    columns, labels = tube(NEUTROPHILS, LYMPHOCYTES, MONOCYTES, debris, cd45=False)
    learned = learn(columns, config()["gating"])
    by_channel = {s.channel: s.values for s in (columns.forward, columns.side, columns.cd14)}
    masks = apply(learned.gates, lambda axis: by_channel[axis.channel], len(labels))
    kept = [masks["leukocytes"][labels == k].mean() for k in range(4)]
    assert min(kept[:3]) > 0.97
    assert kept[3] < 0.05
    assert f1(masks["monocytes"], labels == 2) > 0.95


@pytest.mark.parametrize(("dim", "uncertain"), [(0, False), (90, False), (450, True)])
def test_a_group_of_monocytes_with_a_seventh_of_the_others_cd14_is_left_out_with_doubt(dim, uncertain):
    """A tenth of the monocytes is as dim in healthy blood, too (non-classical ones), and raises none."""
    group = [of(MONOCYTES, events=dim, cd14=850)] if dim else []
    columns, _ = tube(of(NEUTROPHILS, cd14=60), LYMPHOCYTES, MONOCYTES, *group)
    learned = learn(columns, config()["gating"])
    assert learned.doubt.uncertain(config()["gating"]["uncertain_above"]) == uncertain
    if uncertain:
        assert learned.doubt.loss == pytest.approx(450 / 1350, abs=0.1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("monocytes", [450, 1_300])
def test_two_populations_alone_are_lymphocytes_and_monocytes(monocytes, seed):
    """Granulocytes are not two hundred times as bright in CD14 as lymphocytes, with nothing brighter beside them."""
    lymphocytes = of(LYMPHOCYTES, events=3_000, side=15_000, cd45=50_000, cd14=100)
    others = (of(MONOCYTES, events=monocytes, forward=100_000, side=50_000, cd45=30_000, cd14=20_000), lymphocytes)
    columns, population = tube(*((*p, (0.6, 0.6, 1, 0.75)) for p in others), seed=seed)
    assert f1(gated(columns), population == 0) > 0.98


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("debris", [2_000, 9_000])
def test_debris_without_cd45_are_not_the_lymphocytes(debris, seed):
    """More lymphocytes than granulocytes; debris lies below them in scatter as they do below the granulocytes."""
    lymphocytes = of(LYMPHOCYTES, events=10_000, cd14=90)
    granulocytes = of(NEUTROPHILS, events=7_000, forward=79_000, side=108_000, cd14=920)
    monocytes = of(MONOCYTES, events=800, forward=79_000, side=45_000, cd14=6_600)
    spots = of(LYMPHOCYTES, events=debris, forward=23_500, side=5_800, cd14=20)
    columns, population = tube(lymphocytes, granulocytes, monocytes, spots, cd45=False, seed=seed)
    assert f1(gated(columns), population == 2) > 0.95


@pytest.mark.parametrize(("red", "cut"), [(60_000, 26_000), (120_000, 20_000)])
def test_red_cells_may_be_most_of_the_events_without_cd45(red, cut):
    """What lies before them, where the cytometer's threshold cuts off, is no valley between debris and leukocytes."""
    columns, labels = tube(NEUTROPHILS, LYMPHOCYTES, MONOCYTES, (red, 30_000, 6_000, 0.1, 20), cd45=False)
    seen = columns.forward.values > cut
    signals = [
        Signal(s.values[seen], s.channel, s.compensated, TOP) for s in (columns.forward, columns.side, columns.cd14)
    ]
    by_channel = {s.channel: s.values for s in signals}
    learned = learn(Columns(*signals), config()["gating"])
    masks = apply(learned.gates, lambda axis: by_channel[axis.channel], seen.sum())
    assert masks["leukocytes"][labels[seen] == 3].mean() < 0.05
    assert f1(masks["monocytes"], labels[seen] == 2) > 0.95


def test_granulocytes_with_cd14_are_no_monocytes_where_blasts_pass_for_lymphocytes():
    """Beside them lie cells that are brighter still, with less SSC."""
    blasts, lymphocytes, dim = (0.0, 2.2, 4.7, 2.65), (0.0, 1.75, 6.6, 2.35), (1.24, 3.5, 4.9, 2.95)
    means = np.array([blasts, (3.0, 3.5, 5.4, 2.8), (4.2, 2.65, 6.5, 2.75), dim, lymphocytes])
    shares = np.array([0.63, 0.24, 0.035, 0.02, 0.05])
    scatters = np.tile(np.diag(np.square([0.45, 0.25, 0.25, 0.1])), (5, 1, 1))
    mixture = Mixture(shares, means, scatters, 0.025, 1e-4, 12)
    marks = Landmarks(np.array(blasts), np.array(dim), (2.58, 3.05), (4.75, 5.08), 1.43)
    assert monocytes(mixture, marks, 50_000) == (2,)
