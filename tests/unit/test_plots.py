"""Pictures: ticks where the scale puts them, boundaries where the gates are, small, whatever the order of events."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from hladr import plots, tube
from hladr.gating import asinh_scale
from hladr.plots import panels as plots_panels
from hladr.plots import png as plots_png
from hladr.study import load_study

SCALE = asinh_scale(262144.0, 150.0)


def position(value):
    """Place a value by the formula of GatingML 2.0, section 6.3 (fasinh), written out here."""
    t, m, a = SCALE.t, SCALE.m, SCALE.a
    return (math.asinh(value * math.sinh(m * math.log(10)) / t) + a * math.log(10)) / ((m + a) * math.log(10))


def test_ticks_stand_at_their_decades():
    axis = plots_panels.decade_axis("CD14", SCALE, -0.1, 1.02)
    named = {words: place for place, words in axis.major}
    assert {"0", "10³", "10⁴", "10⁵"} <= set(named)
    for words, value in (("0", 0.0), ("10³", 1e3), ("10⁴", 1e4), ("10⁵", 1e5)):
        assert named[words] == pytest.approx(position(value), abs=1e-9)
    assert any(place == pytest.approx(position(2e4), abs=1e-9) for place in axis.minor)
    assert all(-0.1 <= place <= 1.02 for place in (*named.values(), *axis.minor))


def test_linear_ticks_are_round_and_few():
    axis = plots_panels.linear_axis("FSC", 0.0, 262144.0)
    assert [words for _, words in axis.major] == ["0", "100k", "200k"]
    assert len(plots_panels.linear_axis("time", 0, 100).major) == 5


def test_density_counts_every_event_once():
    axis = plots_panels.linear_axis("x", 0.0, 10.0)
    # the last two lie off the axes and are counted at the edge; a value that is not a number, too
    x = np.array([0.05, 5.0, 5.0, 9.99, -3.0, np.nan])
    y = np.array([0.05, 5.0, 5.0, 9.99, 50.0, 5.0])
    chosen = np.array([False, True, False, False, False, False])
    every, some = plots_panels.density(plots_panels.PlotPanel("", "", x, y, axis, axis, (), chosen), bins=10)
    assert (every.sum(), some.sum()) == (6, 1)
    assert (every[0, 0], every[5, 5], every[9, 9], every[9, 0], every[5, 0]) == (1, 2, 1, 1, 1)


def pixels(picture):
    with Image.open(io.BytesIO(picture)) as image:
        assert image.mode == "P"
        return np.asarray(image.convert("RGB")).astype(int)


def test_a_boundary_is_drawn_at_its_vertices():
    axis = plots_panels.linear_axis("x", 0.0, 100.0)
    corners = np.array([[20.0, 30.0], [80.0, 30.0], [80.0, 70.0], [20.0, 70.0]])
    empty = np.empty(0)
    panel = plots_panels.PlotPanel("t", "n", empty, empty, axis, axis, (plots_panels.Outline(corners, plots_png.INK),))
    image = pixels(plots_panels.draw_panels([panel]))
    side, left, bottom = plots_png.SIDE, plots_png.LEFT, plots_png.BOTTOM

    def dark(x, y):
        column, row = left + x / 100 * side, image.shape[0] - 1 - (bottom + y / 100 * side)
        around = image[round(row) - 2 : round(row) + 3, round(column) - 2 : round(column) + 3]
        return around.sum(axis=2).min() < 200

    assert all(dark(x, y) for x, y in corners)
    assert all(dark(x, y) for x, y in ((50, 30), (80, 50), (50, 70), (20, 50)))
    assert not any(dark(x, y) for x, y in ((50, 50), (10, 10), (90, 50), (50, 80)))


@pytest.fixture(scope="module")
def gated(finished_demo):
    """Gate one tube of the demo: the reading and the arrays behind its picture."""
    study = load_study(finished_demo)
    one = study.tubes[0]
    row = {"sample_id": one.sample_id, "fcs": one.fcs, "lab": one.lab, "override": None}
    return tube.read_tube(finished_demo, row, study.labs[one.lab], study.config)


def test_a_tube_picture_is_small_and_wide_enough_to_be_sharp(gated):
    reading, arrays = gated
    picture = plots.draw_tube(arrays, reading)
    assert len(picture) <= 46_000
    image = pixels(picture)
    assert image.shape[1] % plots_png.CELL_WIDTH == 0
    assert image.shape[1] >= 2000


def test_the_order_of_events_does_not_change_the_picture(gated):
    from dataclasses import replace

    reading, arrays = gated
    order = np.random.default_rng(1).permutation(len(arrays.masks["monocytes"]))
    shuffled = replace(
        arrays,
        values={name: values[order] for name, values in arrays.values.items()},
        masks={name: mask[order] for name, mask in arrays.masks.items()},
    )
    assert plots.draw_tube(shuffled, reading) == plots.draw_tube(arrays, reading)


def test_monocytes_are_orange_where_they_lie(gated):
    reading, arrays = gated
    image = pixels(plots.draw_tube(arrays, reading))
    panel = image.shape[1] // plots_png.CELL_WIDTH - 2  # the last but one: CD14 against SSC
    part = image[:, panel * plots_png.CELL_WIDTH : (panel + 1) * plots_png.CELL_WIDTH]
    orange = (part[..., 0] - part[..., 2]) > 90
    assert orange.sum() > 500
    columns = np.flatnonzero(orange.any(axis=0)) - plots_png.LEFT
    # CD14+ cells lie in the right half of their axis
    assert columns.mean() > 0.5 * plots_png.SIDE


def blue(picture):
    image = pixels(picture)
    return ((image[..., 2] - image[..., 0]) > 120) & ((image[..., 1] - image[..., 0]) > 60)


@pytest.fixture
def overridden(gated):
    from dataclasses import replace

    reading, arrays = gated

    def make(gate, **kept):
        masks = arrays.masks | {"monocytes": arrays.masks["monocytes_wide"]}
        return replace(reading, gate_source="override"), replace(arrays, masks=masks, override_gate=gate, **kept)

    return make


def test_a_reviewers_gate_is_blue_beside_the_automatic_one(gated, overridden):
    from hladr.gating import Axis, Gate, Scale

    reading, arrays = gated
    channels = [arrays.axes[name] for name in ("side", "cd14")]
    # drawn the other way round and on linear axes: it has to be carried over to the picture's scales
    axes = tuple(Axis(axis.channel, axis.compensated, Scale()) for axis in channels)
    side, cd14 = (arrays.values[name][arrays.masks["monocytes"]] for name in ("side", "cd14"))
    low, high = (np.percentile(side, 1), np.percentile(cd14, 1)), (np.percentile(side, 99), np.percentile(cd14, 99))
    gate = Gate("monocytes", None, "rectangle", axes, bounds=((low[0], high[0]), (low[1], None)))
    assert not blue(plots.draw_tube(arrays, reading)).any()
    new_reading, new_arrays = overridden(gate)
    picture = plots.draw_tube(new_arrays, new_reading)
    assert pixels(picture).shape == pixels(plots.draw_tube(arrays, reading)).shape
    columns = np.nonzero(blue(picture))[1]
    panel = pixels(picture).shape[1] // plots_png.CELL_WIDTH - 2
    assert set(columns // plots_png.CELL_WIDTH) == {panel}
    # its left edge stands at the lowest CD14, on the scale of the automatic gate
    shown = plots._monocytes(new_arrays, {g.name: g for g in arrays.gates.gates}, new_reading).x_axis.limits
    scale = next(g for g in arrays.gates.gates if g.name == "monocytes").axes[0].scale
    share = (float(scale.apply(np.array([low[1]]))[0]) - shown[0]) / (shown[1] - shown[0])
    edge = panel * plots_png.CELL_WIDTH + plots_png.LEFT + share * plots_png.SIDE
    assert columns.min() == pytest.approx(edge, abs=4)


def test_a_reviewers_gate_on_other_axes_gets_a_panel_of_its_own(gated, overridden):
    from hladr.gating import Axis, Gate, Scale

    reading, arrays = gated
    axes = tuple(Axis(arrays.axes[n].channel, arrays.axes[n].compensated, Scale()) for n in ("forward", "side"))
    gate = Gate("monocytes", None, "polygon", axes, vertices=((1e4, 1e4), (2e5, 1e4), (2e5, 1e5)))
    new_reading, new_arrays = overridden(gate)
    wider = pixels(plots.draw_tube(new_arrays, new_reading)).shape[1]
    assert wider == pixels(plots.draw_tube(arrays, reading)).shape[1] + plots_png.CELL_WIDTH


def test_an_override_where_no_gate_was_found_is_drawn(overridden):
    from hladr.gating import GateSet, Scale

    new_reading, new_arrays = overridden(None, gates=GateSet(()))
    from dataclasses import replace

    axes = {name: replace(axis, scale=Scale()) for name, axis in new_arrays.axes.items() if name != "hladr"}
    axes["hladr"] = new_arrays.axes["hladr"]
    bare = replace(new_arrays, axes=axes, masks={"monocytes": new_arrays.masks["monocytes"]})
    assert pixels(plots.draw_tube(bare, new_reading)).shape[1] == 3 * plots_png.CELL_WIDTH
