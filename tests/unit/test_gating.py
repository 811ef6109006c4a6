"""Gates: what they are, learning them on tubes with known truth and on the real graft-versus-host tubes."""

import json
import math

import flowkit
import numpy as np
import pytest
from gating_support import REAL, columns_of, config, f1, study_with, tube_of

from hladr.flags import SpecimenError
from hladr.gating import Axis, Gate, GateSet, Scale, apply, asinh_scale
from hladr.gating.learn import Columns, Signal, learn
from hladr.simulate import CYTOMETERS, BeadRun, simulate_beads
from hladr.tube import read_tube

SETTINGS = config()["gating"]


def learned_of(folder, tube):
    row, lab = study_with(tube, folder)
    columns, pe, values = columns_of(folder, row, lab)
    learned = learn(columns, SETTINGS)
    return learned, apply(learned.gates, lambda axis: values[axis.channel], len(pe)), pe


def test_the_asinh_scale_is_the_one_of_gatingml():
    # fasinh(x, T, M, A) = (asinh(x sinh(M ln 10) / T) + A ln 10) / ((M + A) ln 10), GatingML 2.0 section 6.5
    scale = Scale("asinh", t=1000.0, m=4.0, a=1.0)
    by_hand = (math.asinh(50 * math.sinh(4 * math.log(10)) / 1000) + math.log(10)) / (5 * math.log(10))
    assert scale.apply(np.array([50.0]))[0] == pytest.approx(by_hand, rel=1e-12)
    assert scale.apply(np.array([1000.0]))[0] == pytest.approx(1.0, rel=1e-12)
    values = np.linspace(-100, 1000, 50)
    theirs = flowkit.transforms.AsinhTransform(1000.0, 4.0, 1.0).apply(values)
    assert np.array_equal(scale.apply(values), theirs)


def test_the_cofactor_is_where_the_scale_turns_linear():
    scale = asinh_scale(262143.0, 150.0)
    assert scale.cofactor == pytest.approx(150, rel=1e-4)
    # one cofactor is asinh(1) = 0.8814 natural units
    assert scale.apply(np.array([scale.cofactor]))[0] / scale.unit == pytest.approx(0.881374, abs=1e-5)


def test_a_rectangle_holds_its_lower_bound_and_not_its_upper_one():
    gate = Gate("x", None, "rectangle", (Axis("A", False, Scale()),), bounds=((1.0, 3.0),))
    assert gate.contains([np.array([0.9, 1.0, 2.0, 3.0, np.nan])]).tolist() == [False, True, True, False, False]


def test_a_polygon_holds_what_lies_inside_it():
    axes = (Axis("A", False, Scale()), Axis("B", False, Scale()))
    gate = Gate("x", None, "polygon", axes, vertices=((0, 0), (4, 0), (0, 4)))
    x, y = np.array([1.0, 3.0, -1.0, np.nan, 1.9]), np.array([1.0, 3.0, 1.0, 1.0, 1.9])
    assert gate.contains([x, y]).tolist() == [True, False, False, False, True]


def test_a_child_holds_only_events_of_its_parent():
    low = Gate("low", None, "rectangle", (Axis("A", False, Scale()),), bounds=((None, 5.0),))
    even = Gate("high", "low", "rectangle", (Axis("B", False, Scale()),), bounds=((2.0, None),))
    values = {"A": np.array([1.0, 9.0, 3.0]), "B": np.array([1.0, 3.0, 3.0])}
    masks = apply(GateSet((low, even)), lambda axis: values[axis.channel], 3)
    assert masks["low"].tolist() == [True, False, True]
    assert masks["high"].tolist() == [False, False, True]


@pytest.mark.parametrize("model", ["canto", "navios", "calibur", "cytoflex"])
def test_monocytes_are_found_on_scales_that_differ_by_three_decades(model, tmp_path):
    tube = tube_of(model)
    learned, masks, pe = learned_of(tmp_path, tube)
    truth = tube.is_monocyte
    assert f1(masks["monocytes"], truth) > 0.95
    # gated and true monocytes agree in what counts
    assert np.median(pe[masks["monocytes"]]) == pytest.approx(np.median(pe[truth]), rel=0.02)
    assert learned.doubt.contamination + learned.doubt.loss < SETTINGS["uncertain_above"]


def test_a_panel_without_cd45_is_gated_on_cd14_and_scatter(tmp_path):
    tube = tube_of("fortessa", cd45=False)
    learned, masks, _ = learned_of(tmp_path, tube)
    assert f1(masks["monocytes"], tube.is_monocyte) > 0.95
    assert {axis.channel for gate in learned.gates.gates for axis in gate.axes} == {
        "FSC-A",
        "FSC-H",
        "SSC-A",
        "PerCP-Cy5-5-A",
    }


def test_septic_monocytes_with_little_cd14_are_found_among_neutrophils_with_some(tmp_path):
    # CD14 a sixth of healthy, neutrophils carry a fifth of that, a tenth of the cells are immature
    tube = tube_of(
        "canto",
        n_events=30_000,
        cd14_factor=1 / 6,
        neutrophil_cd14=0.2,
        immature_granulocyte_fraction=0.1,
        monocyte_fraction=0.03,
    )
    _, masks, _ = learned_of(tmp_path, tube)
    assert f1(masks["monocytes"], tube.is_monocyte) > 0.9


def test_doubt_grows_where_neutrophils_look_like_monocytes(tmp_path):
    easy, _, _ = learned_of(tmp_path / "a", tube_of("canto"))
    hard, _, _ = learned_of(
        tmp_path / "b",
        tube_of("canto", n_events=20_000, monocyte_fraction=0.01, neutrophil_cd14=0.33, toxic_granulation=0.8),
    )
    assert hard.doubt.separation < easy.doubt.separation - 0.1
    assert hard.doubt.uncertain(SETTINGS["uncertain_above"])
    assert not easy.doubt.uncertain(SETTINGS["uncertain_above"])


def test_gates_survive_json(tmp_path):
    learned, _, _ = learned_of(tmp_path, tube_of("canto"))
    assert GateSet.from_json(json.loads(json.dumps(learned.gates.to_json()))) == learned.gates
    names = [gate.name for gate in learned.gates.gates]
    assert names[:3] == ["limits", "singlets", "leukocytes"]
    assert names[-1] == "monocytes"


@pytest.mark.parametrize(
    "blood",
    [
        {"monocyte_fraction": 1e-9},
        {"debris_fraction": 0.97, "platelet_fraction": 0.0, "red_cell_fraction": 0.0, "dead_fraction": 0.0},
    ],
    ids=["no monocytes", "debris only"],
)
@pytest.mark.parametrize("model", ["canto", "calibur"])
def test_blood_without_monocytes_gives_no_gate_or_a_handful_of_events(model, blood, tmp_path):
    row, lab = study_with(tube_of(model, **blood), tmp_path)
    reading, _ = read_tube(tmp_path, row, lab, config())
    assert "no_monocytes" in [found.code for found in reading.findings]
    assert (reading.n_monocytes or 0) < config()["quantify"]["min_monocytes"]


@pytest.mark.parametrize("model", ["canto", "calibur", "navios"])
def test_beads_are_not_gated_as_blood(model, tmp_path):
    run = simulate_beads(BeadRun(), CYTOMETERS[model], np.random.default_rng(2))
    row, lab = study_with(run, tmp_path)
    columns, _, _ = columns_of(tmp_path, row, lab)
    with pytest.raises(SpecimenError) as caught:
        learn(columns, SETTINGS)
    assert caught.value.code == "no_monocytes"


@pytest.mark.parametrize(
    ("file", "low", "high", "dimmest"),
    [("gvhd_s10a01.fcs", 50, 200, 600), ("gvhd_s10a02.fcs", 110, 200, 600), ("gvhd_s10a03.fcs", 5, 60, 300)],
)
def test_monocytes_of_the_real_graft_versus_host_tubes(file, low, high, dimmest):
    # CD14 bright, CD45 bright, SSC between lymphocytes and the limit: about 60 stand apart in the first tube and 100
    # more lie between them and the others; about 135 in the second; 20 to 40 that form no cloud in the third (counted
    # on the plots)
    path = REAL / file
    if not path.is_file():
        pytest.skip("the real files of HLADR_REAL_DATA are not here")
    from hladr.fcs import read_acquisition

    events = read_acquisition(path).events.astype(float)
    names = [c.name for c in read_acquisition(path).channels]

    def signal(name, top):
        return Signal(events[:, names.index(name)], name, False, top)

    columns = Columns(signal("FSC-H", 1023), signal("SSC-H", 1023), signal("FL3-H", 1e4), signal("FL2-H", 1e4))
    learned = learn(columns, SETTINGS)
    masks = apply(learned.gates, lambda axis: events[:, names.index(axis.channel)], len(events))
    found = masks["monocytes"]
    assert low <= found.sum() <= high
    cd14, cd45, side = (np.median(events[found, names.index(n)]) for n in ("FL3-H", "FL2-H", "SSC-H"))
    assert cd14 > 25
    assert cd45 > dimmest
    assert 150 < side < 450


@pytest.mark.parametrize("seed", range(12))
def test_noise_of_any_kind_gives_a_gate_or_a_reason(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(250, 4000))
    kinds = [
        np.zeros(n),
        np.full(n, 262143.0),
        rng.normal(0, 100, n),
        rng.lognormal(8, 1, n),
        rng.integers(0, 1024, n).astype(float),
        -rng.lognormal(8, 1, n),
        np.where(rng.random(n) < 0.5, rng.lognormal(6, 0.2, n), rng.lognormal(10, 0.2, n)),
    ]
    chosen = [Signal(kinds[rng.integers(len(kinds))], name, False, 262143.0) for name in "FSCDH"]
    try:
        gates = learn(Columns(*chosen), SETTINGS).gates
    except SpecimenError as problem:
        reason = problem.code
    else:
        reason = gates.gates[-1].name
    assert reason in ("no_monocytes", "monocytes")
