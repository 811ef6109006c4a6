"""Figures: what they show, and that the arm stays out of technicians' pages."""

import re

import numpy as np
from calls_support import blood, config, draws, tube

from hladr.cohort.series import by_day
from hladr.plots import cohort as plots_cohort
from hladr.plots import plane as plots_plane
from hladr.plots.style import ARM_COLORS, ARM_LINES, ARM_MARKERS, CALLS, png_of, svg_of
from hladr.reversal import judge_draws
from hladr.rules import phenotype_limits, reversal_settings
from hladr.stats import Curve

LIMITS, SETTINGS = phenotype_limits(config()), reversal_settings(config())


def patient(ferritin, abc):
    tubes = [tube(f"S{day}", day=day, abc=value, low=value * 0.9, high=value * 1.1) for day, value in abc.items()]
    made = draws(tubes, [blood(text, day) for day, text in ferritin.items()])
    return made, judge_draws(made, SETTINGS, {"P1": "precision"})[0]


def texts(figure) -> str:
    svg_of(figure)
    return " ".join(found.get_text() for found in figure.findobj(lambda artist: hasattr(artist, "get_text")))


def test_a_figure_is_the_same_bytes_each_time():
    made, _ = patient({1: "633", 2: "700", 4: "600"}, {1: 3000, 2: 9000, 4: 9500})
    first, second = (svg_of(plots_plane.plane(made, LIMITS)) for _ in range(2))
    assert first == second
    assert not re.search(r"<dc:date>|Matplotlib v", first)
    assert png_of(plots_plane.plane(made, LIMITS), 50).startswith(b"\x89PNG")


def test_numbers_at_risk_stand_below_the_curve():
    curves = {
        "precision": Curve(np.array([2.0, 4.0]), np.array([0.25, 0.5])),
        "placebo": Curve(np.array([]), np.array([])),
    }
    at_risk = {"precision": [59, 27], "placebo": [66, 57]}
    shown = texts(plots_cohort.kaplan_meier(curves, at_risk, [1, 4], 1, 28, "patients with reversal, %"))
    assert all(word in shown for word in ("59", "27", "66", "57", "precision", "placebo", "patients at risk"))


def test_cohort_figures_hold_without_patients_or_with_many():
    made, judged = patient({1: "633", 2: "700", 4: "600"}, {1: 3000, 2: 9000, 4: 9500})
    for courses, arms in (([], []), ([], ["a", "b"]), ([judged] * 70, ["precision", "placebo"])):
        svg_of(plots_cohort.swimmer(courses, arms, 28))
    assert "10 more not shown" in texts(plots_cohort.swimmer([judged] * 70, ["precision"], 28))
    svg_of(plots_cohort.spaghetti([], {}, [], [], LIMITS))
    svg_of(plots_cohort.spaghetti(made, {"P1": "precision"}, ["precision"], [], LIMITS))
    svg_of(plots_plane.plane([], LIMITS))


def test_calls_and_arms_are_told_apart_without_colour():
    assert len({marker for marker, _ in CALLS.values()}) == len(CALLS)
    assert len(set(map(str, ARM_LINES))) == len(set(ARM_MARKERS)) == 2

    def luminance(color):  # Rec. 709
        red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert abs(luminance(ARM_COLORS[0]) - luminance(ARM_COLORS[1])) > 50


def test_medians_need_three_patients_and_days_of_draw_are_the_ticks():
    made = []
    for k in range(3):
        days = {1: 3000 + k, 4: 9000 + k} if k else {1: 3000, 4: 9000, 15: 9500}
        tubes = [
            tube(f"S{k}-{day}", patient_id=f"P{k}", day=day, abc=value, low=value, high=value)
            for day, value in days.items()
        ]
        made += draws(tubes, [])
    arms = {f"P{k}": "precision" for k in range(3)}
    summary = by_day(made, arms, ["precision"])
    figure = plots_cohort.spaghetti(made, arms, ["precision"], summary, LIMITS)
    abc = figure.axes[0]
    thick = [line for line in abc.lines if line.get_linewidth() == 2.4]
    assert [list(line.get_xdata()) for line in thick] == [[1, 4]]
    assert list(abc.get_xticks()) == [1, 4, 15]
