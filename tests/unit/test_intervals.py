"""The interval of AB/C: parts and how they combine, against hand-worked values and the domain's figures."""

import math

import pytest

from hladr.quantify import intervals

ALL = {
    "line": True,
    "assignment_cv_percent": None,
    "pe_per_antibody_cv_percent": 2,
    "sampling": True,
    "gate": True,
    "repeatability_cv_percent": 3,
}


def make(**changed):
    settings = ALL | changed.pop("settings", {})
    given = {
        "line_variance": 1e-4,
        "sd_ln": 0.5,
        "n": 1000,
        "statistic": "median",
        "gate": {"bias_ln": 0.0, "sd_ln": 0.02},
        "kit_cv_percent": 3.0,
        "settings": settings,
    }
    return intervals.parts(**(given | changed))


@pytest.mark.parametrize(
    ("statistic", "n", "percent"),
    [("median", 100, 13), ("median", 1000, 4), ("geometric_mean", 100, 10), ("geometric_mean", 1000, 3)],
)
def test_sampling_half_widths_are_those_of_the_field(statistic, n, percent):
    # half-width of the 95 % interval at sd_ln 0.5: 13 % and 4 % of a median, 10 % and 3 % of a geometric mean
    part = make(n=n, statistic=statistic)["sampling"]
    assert 100 * math.expm1(1.96 * part) == pytest.approx(percent, abs=0.6)


def test_every_part_can_be_left_out():
    nothing = {
        "line": False,
        "assignment_cv_percent": 0,
        "pe_per_antibody_cv_percent": 0,
        "sampling": False,
        "gate": False,
        "repeatability_cv_percent": 0,
    }
    assert set(make(settings=nothing).values()) == {0.0}
    assert intervals.half_width(make(settings=nothing), 2) == (0.0, math.inf)
    for name, part in make().items():
        assert part > 0, name


def test_line_alone_is_students_t():
    # t with 2 degrees of freedom at 97.5 %: 4.3027
    half, dof = intervals.half_width({"line": 0.01, "sampling": 0.0}, 2)
    assert half == pytest.approx(0.043027, rel=1e-4)
    assert dof == pytest.approx(2)


def test_normal_alone_is_196():
    half, dof = intervals.half_width({"line": 0.0, "sampling": 0.03, "gate": 0.04}, 2)
    assert half == pytest.approx(1.959964 * 0.05)
    assert dof == math.inf


def test_welch_satterthwaite_by_hand():
    # equal variances of line (dof 2) and the rest: effective dof 2 * 2² = 8, t = 2.3060
    half, dof = intervals.half_width({"line": 0.02, "sampling": 0.02}, 2)
    assert dof == pytest.approx(8)
    assert half == pytest.approx(2.3060 * 0.02 * math.sqrt(2), rel=1e-4)


def test_stated_assignment_replaces_the_kits():
    assert make(settings={"assignment_cv_percent": 10})["assignment"] == pytest.approx(0.0998, abs=2e-4)
    assert make()["assignment"] == pytest.approx(0.03, abs=2e-5)
