"""Figures for Snakemake's report: the numbers they show are the tables', and they stay blind to the arm."""

import pytest

from hladr.plots import study as plots_study

CONFIG = {"phenotype": {"hladr_sip_below_abc": 5000}, "reversal": {"hladr_abc": 8000}}
TUBES = [
    {"lab": "graz", "status": "ok", "abc": 4000.0},
    {"lab": "graz", "status": "failed", "abc": None},
    {"lab": "athens", "status": "ok", "abc": 9000.0},
    {"lab": "athens", "status": "ok", "abc": 7000.0},
    {"lab": "athens", "status": "review", "abc": 8000.0},
]
DRAWS = [{"day": 1, "phenotype": "SIP"}, {"day": 1, "phenotype": "SIP"}, {"day": 4, "phenotype": "MALS"}]
RUNS = [{"lab": "graz", "status": "failed", "slope": 0.8, "max_recovery_error_percent": 12.0}]


def tables(tubes=TUBES, draws=DRAWS, runs=RUNS):
    return {"quantification": tubes, "phenotypes": draws, "calibrations": runs}


def bars(axes, label):
    container = next(c for c in axes.containers if c.get_label() == label)
    return [max(p.get_width(), 0) if p.get_height() == 0.8 else p.get_height() for p in container.patches]


def test_status_bars_count_tubes():
    axes = plots_study.figures(tables(), CONFIG)["tubes"].axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["athens", "graz"]
    assert [bars(axes, status) for status in ("ok", "review", "failed")] == [[2, 1], [1, 0], [0, 1]]


def test_call_bars_count_draws_by_day():
    axes = plots_study.figures(tables(), CONFIG)["calls"].axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "4"]
    heights = {c.get_label(): [p.get_height() for p in c.patches] for c in axes.containers}
    assert heights["SIP"] == [2, 0]
    assert heights["MALS"] == [0, 1]


def test_antibodies_show_every_value_and_the_median():
    axes = plots_study.figures(tables(), CONFIG)["antibodies"].axes[0]
    shown = sorted(y for line in axes.lines if line.get_marker() == "o" for y in line.get_ydata())
    assert shown == [4000, 7000, 8000, 9000]
    medians = sorted(segment[0][1] for c in axes.collections for segment in c.get_segments())
    assert medians == [4000, 8000]


def test_a_control_is_no_patient_of_its_laboratory():
    tubes = [row | {"sample_id": f"s{k}"} for k, row in enumerate(TUBES)]
    axes = plots_study.figures(tables(tubes), CONFIG, {"s0", "s2", "s4"})["antibodies"].axes[0]
    shown = sorted(y for line in axes.lines if line.get_marker() == "o" for y in line.get_ydata())
    assert shown == [4000, 8000, 9000]


def test_each_figure_has_a_title_and_says_what_it_leaves_out():
    lineless = {"lab": "graz", "status": "failed", "slope": None, "max_recovery_error_percent": None}
    made = plots_study.figures(tables(runs=[*RUNS, lineless]), CONFIG)
    assert all(figure.get_suptitle() for figure in made.values())
    assert made["beads"].axes[0].get_title(loc="left") == "1 bead run has no line and is not shown"
    assert not plots_study.figures(tables(), CONFIG)["beads"].axes[0].get_title(loc="left")


@pytest.mark.parametrize("name", ["tubes", "calls", "antibodies", "beads"])
def test_an_empty_study_gives_empty_axes(name):
    from hladr.plots.style import png_of

    figure = plots_study.figures(tables([], [], []), CONFIG)[name]
    assert png_of(figure, 50).startswith(b"\x89PNG")
