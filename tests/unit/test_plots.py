"""Pictures: ticks where the scale puts them, boundaries where the gates are, small, whatever the order of events."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from hladr import tube
from hladr.gating import asinh_scale
from hladr.plots import axes as plots_axes
from hladr.plots import beads as plots_beads
from hladr.plots import ink as plots_ink
from hladr.plots import panels as plots_panels
from hladr.plots import planes as plots_planes
from hladr.plots import png as plots_png
from hladr.plots import reviewed as plots_reviewed
from hladr.plots import tube as plots_tube
from hladr.study import load_study

SCALE = asinh_scale(262144.0, 150.0)


def position(value):
    """Place a value by the formula of GatingML 2.0, section 6.3 (fasinh), written out here."""
    t, m, a = SCALE.t, SCALE.m, SCALE.a
    return (math.asinh(value * math.sinh(m * math.log(10)) / t) + a * math.log(10)) / ((m + a) * math.log(10))


def test_ticks_stand_at_their_decades():
    axis = plots_axes.decade_axis("CD14", SCALE, -0.1, 1.02)
    named = {words: place for place, words in axis.major}
    assert {"0", "10³", "10⁴", "10⁵"} <= set(named)
    for words, value in (("0", 0.0), ("10³", 1e3), ("10⁴", 1e4), ("10⁵", 1e5)):
        assert named[words] == pytest.approx(position(value), abs=1e-9)
    assert any(place == pytest.approx(position(2e4), abs=1e-9) for place in axis.minor)
    assert all(-0.1 <= place <= 1.02 for place in (*named.values(), *axis.minor))


def test_linear_ticks_are_round_and_few():
    axis = plots_axes.linear_axis("FSC", 0.0, 262144.0)
    assert [words for _, words in axis.major] == ["0", "100k", "200k"]
    assert len(plots_axes.linear_axis("time", 0, 100).major) == 5


def test_density_counts_every_event_once():
    axis = plots_axes.linear_axis("x", 0.0, 10.0)
    # the last two lie off the axes and are counted at the edge; a value that is not a number, too
    x = np.array([0.05, 5.0, 5.0, 9.99, -3.0, np.nan])
    y = np.array([0.05, 5.0, 5.0, 9.99, 50.0, 5.0])
    chosen = np.array([False, True, False, False, False, False])
    every, some = plots_panels.density(plots_panels.PlotPanel("", "", x, y, axis, axis, (), chosen), (10, 10))
    assert (every.sum(), some.sum()) == (6, 1)
    assert (every[0, 0], every[5, 5], every[9, 9], every[9, 0], every[5, 0]) == (1, 2, 1, 1, 1)


def pixels(picture):
    with Image.open(io.BytesIO(picture)) as image:
        assert image.mode == "P"
        return np.asarray(image.convert("RGB")).astype(int)


def test_a_boundary_is_drawn_at_its_vertices():
    axis = plots_axes.linear_axis("x", 0.0, 100.0)
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


def test_words_stand_where_they_are_put_and_are_cut_at_the_edge():
    ground = plots_ink.paper(200, 60)
    plots_ink.write(ground, "HHH", 100, 20, 10, across=0.5)
    rows, columns = np.nonzero(ground)
    # capitals stand on their base line, 20 pixels above the lower edge, and centred
    assert len(ground) - 1 - rows.max() == 20
    assert (columns.min() + columns.max() + 1) / 2 == pytest.approx(100, abs=1)
    # DejaVu Sans: a capital is 0.73 of its size, 10 points are 20.8 pixels
    assert rows.max() - rows.min() + 1 == pytest.approx(0.73 * 20.8, abs=1)
    upright = plots_ink.paper(60, 200)
    plots_ink.write(upright, "HHH", 40, 100, 10, across=0.5, upright=True)
    rows, columns = np.nonzero(upright)
    assert columns.max() == 39
    assert (rows.min() + rows.max() + 1) / 2 == pytest.approx(100, abs=1)
    for x, y in ((-10, -5), (190, 55), (400, 400), (-400, -400)):
        plots_ink.write(ground, "HHH", x, y, 10)
    assert ground.shape == (60, 200)


def test_a_line_has_its_colour_and_a_dash_its_gaps():
    for dash, least, most in (("-", 190, 200), ("--", 110, 145), (":", 45, 80)):
        ground = plots_ink.paper(200, 40)
        plots_ink.draw_lines(ground, [plots_ink.Line(np.array([(0.0, 20.0), (200.0, 20.0)]), plots_png.INK, 1.5, dash)])
        dark = ground == plots_ink._tone(plots_png.INK)
        assert least <= dark.any(axis=0).sum() <= most, dash
        assert {*np.nonzero(dark)[0]} <= {18, 19, 20, 21}


def test_logarithmic_axes_name_decades_or_the_steps_within_one():
    wide = plots_axes.log_axis("PE", 50.0, 20_000.0)
    assert [(words, place) for place, words in wide.major] == [("10²", 2.0), ("10³", 3.0), ("10⁴", 4.0)]
    narrow = plots_axes.log_axis("FSC", 15_000.0, 300_000.0)
    assert [words for _, words in narrow.major] == ["20k", "50k", "100k", "200k"]
    assert narrow.major[0][0] == pytest.approx(math.log10(20_000))


@pytest.fixture(scope="module")
def bead_run(finished_demo):
    """Calibrate one bead run of the demo: the calibration and the arrays behind its picture."""
    from hladr.calibration import calibrate

    study = load_study(finished_demo)
    one = study.bead_runs[0]
    levels = study.lots[(one.kit, one.lot)]
    return calibrate(finished_demo / one.fcs, one, levels, study.labs[one.lab], study.config, {})


def test_a_bead_picture_shows_each_level_where_it_lies(bead_run):
    calibration, arrays = bead_run
    scatter, peaks = plots_beads.panels_of(arrays, calibration)
    assert int(scatter.chosen.sum()) == int(arrays.peaks.singlets.sum())
    assert [words.text for words in peaks.words][1::2] == ["638", "6,930", "31,008", "67,601"]
    # each stands over its own peak, whose PE the axis tells by its tick at 1,000
    steps = peaks.outlines[-1].vertices
    cofactor = 1000 / math.sinh(next(place for place, words in peaks.x_axis.major if words == "10³"))
    for words, level in zip(peaks.words[::2], calibration.levels, strict=True):
        near = np.abs(steps[:, 0] - words.x) < 0.3
        tallest = steps[near][steps[near][:, 1].argmax(), 0]
        assert cofactor * math.sinh(tallest) == pytest.approx(level.pe_median, rel=0.1)
    picture = plots_beads.draw_beads(arrays, calibration)
    assert len(picture) <= 25_000
    assert picture == plots_beads.draw_beads(arrays, calibration)


def test_a_failed_bead_run_has_a_picture(bead_run):
    from dataclasses import replace

    calibration, arrays = bead_run
    empty = replace(calibration, levels=(), lines={}, n_peaks=None)
    assert plots_beads.panels_of(arrays, empty)[1].note == "0 of 0 levels found"
    assert plots_beads.draw_beads(arrays, empty).startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def gated(finished_demo):
    """Gate one tube of the demo: the reading and the arrays behind its picture."""
    study = load_study(finished_demo)
    one = study.tubes[0]
    row = {"sample_id": one.sample_id, "fcs": one.fcs, "lab": one.lab, "override": None}
    return tube.read_tube(finished_demo, row, study.labs[one.lab], study.config)


def test_a_tube_picture_is_small_and_wide_enough_to_be_sharp(gated):
    reading, arrays = gated
    picture = plots_tube.draw_tube(arrays, reading)
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
        scaled={axis: values[order] for axis, values in arrays.scaled.items()},
    )
    assert plots_tube.draw_tube(shuffled, reading) == plots_tube.draw_tube(arrays, reading)


def test_columns_that_gating_has_scaled_change_no_picture(gated):
    from dataclasses import replace

    reading, arrays = gated
    assert len(arrays.scaled) == 4
    assert plots_tube.draw_tube(replace(arrays, scaled={}), reading) == plots_tube.draw_tube(arrays, reading)


def test_monocytes_are_orange_where_they_lie(gated):
    reading, arrays = gated
    image = pixels(plots_tube.draw_tube(arrays, reading))
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
        return replace(reading, gate_source="override"), replace(arrays, masks=masks, override_gates=(gate,), **kept)

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
    assert not blue(plots_tube.draw_tube(arrays, reading)).any()
    new_reading, new_arrays = overridden(gate)
    picture = plots_tube.draw_tube(new_arrays, new_reading)
    image = pixels(picture)
    assert image.shape[1] == pixels(plots_tube.draw_tube(arrays, reading)).shape[1] + plots_png.CELL_WIDTH
    columns = np.nonzero(blue(picture))[1]
    panel = image.shape[1] // plots_png.CELL_WIDTH - 2
    assert set(columns // plots_png.CELL_WIDTH) == {panel}
    gates = {g.name: g for g in arrays.gates.gates}
    automatic, reviewers = plots_reviewed.side_by_side(new_arrays, gates["monocytes"])
    # both on the same axes, each with its own events and its own share
    assert (automatic.x_axis, automatic.y_axis) == (reviewers.x_axis, reviewers.y_axis)
    leukocytes = arrays.masks["leukocytes"]
    for shown, mask, word in (
        (automatic, arrays.masks["monocytes"], "not counted"),
        (reviewers, arrays.masks["monocytes_wide"], "counts"),
    ):
        n = int(mask.sum())
        assert int(shown.chosen.sum()) == n
        assert shown.note == f"{word}: {n:,} events, {100 * n / leukocytes.sum():.1f} %"
    assert automatic.chosen.sum() < reviewers.chosen.sum()
    # its left edge stands at the lowest CD14, on the scale of the automatic gate
    scale, limits = gates["monocytes"].axes[0].scale, reviewers.x_axis.limits
    share = (float(scale.apply(np.array([low[1]]))[0]) - limits[0]) / (limits[1] - limits[0])
    edge = panel * plots_png.CELL_WIDTH + plots_png.LEFT + share * plots_png.SIDE
    assert columns.min() == pytest.approx(edge, abs=4)


def test_the_parents_of_a_reviewers_gate_are_blue_in_their_own_panels(gated, overridden):
    from dataclasses import replace

    _, arrays = gated
    gates = {gate.name: gate for gate in arrays.gates.gates}
    # the automatic gates with one of the parents moved: all that the reviewer changed
    moved = gates["monocytes_cd14_cd45"]
    moved = replace(moved, vertices=tuple((x + 0.1, y) for x, y in moved.vertices))
    new_reading, new_arrays = overridden(gates["monocytes"])
    new_arrays = replace(new_arrays, override_gates=(gates["monocytes"], moved))
    panels = set(np.nonzero(blue(plots_tube.draw_tube(new_arrays, new_reading)))[1] // plots_png.CELL_WIDTH)
    assert panels == {2, 4}  # CD14 x CD45, and the reviewer's own gate


def test_a_reviewers_gate_on_other_axes_gets_a_panel_of_its_own(gated, overridden):
    from hladr.gating import Axis, Gate, Scale

    reading, arrays = gated
    axes = tuple(Axis(arrays.axes[n].channel, arrays.axes[n].compensated, Scale()) for n in ("forward", "side"))
    gate = Gate("monocytes", None, "polygon", axes, vertices=((1e4, 1e4), (2e5, 1e4), (2e5, 1e5)))
    new_reading, new_arrays = overridden(gate)
    wider = pixels(plots_tube.draw_tube(new_arrays, new_reading)).shape[1]
    assert wider == pixels(plots_tube.draw_tube(arrays, reading)).shape[1] + plots_png.CELL_WIDTH
    panel = plots_reviewed.side_by_side(new_arrays, next(g for g in arrays.gates.gates if g.name == "monocytes"))[1]
    assert [axis.label.split()[0] for axis in (panel.x_axis, panel.y_axis)] == ["FSC", "SSC"]


def test_an_override_where_no_gate_was_found_is_drawn(overridden):
    from hladr.gating import GateSet, Scale

    new_reading, new_arrays = overridden(None, gates=GateSet(()))
    from dataclasses import replace

    axes = {name: replace(axis, scale=Scale()) for name, axis in new_arrays.axes.items() if name != "hladr"}
    axes["hladr"] = new_arrays.axes["hladr"]
    bare = replace(new_arrays, axes=axes, masks={"monocytes": new_arrays.masks["monocytes"]})
    assert pixels(plots_tube.draw_tube(bare, new_reading)).shape[1] == 3 * plots_png.CELL_WIDTH


@pytest.mark.parametrize(("corner", "fits"), [(1.2, True), (9.0, False), (-8.0, False)])
def test_a_corner_far_from_all_events_does_not_stretch_an_axis(corner, fits):
    scale = asinh_scale(262_144.0, 1000.0)
    events = scale.apply(np.linspace(500.0, 200_000.0, 2000))
    low, high = plots_planes._axis("CD14", scale, events, [0.5, corner]).limits
    assert (low <= corner <= high) == fits
    assert low < events[10]
    assert events[-10] < high
    assert high - low < 3
