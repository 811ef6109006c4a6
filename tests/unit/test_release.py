"""What may be released: by status, and by what a reviewer decided."""

from datetime import date

import pytest

from hladr import release
from hladr.study.types import Release


def said(decision):
    return Release("s1", "AB", decision, date(2026, 1, 1))


@pytest.mark.parametrize(
    ("status", "decision", "replaced", "state"),
    [
        ("ok", None, False, "may"),
        ("review", None, False, "look"),
        ("failed", None, False, "no"),
        ("review", "release", False, "released"),
        ("ok", "hold", False, "held"),
        ("failed", "release", False, "no"),  # there is no value
        ("failed", "hold", False, "held"),
        ("ok", "release", True, "superseded"),
    ],
)
def test_a_tube(status, decision, replaced, state):
    assert release.of_tube({"status": status}, said(decision) if decision else None, replaced) == state


@pytest.mark.parametrize(("decision", "state"), [(None, "control"), ("release", "control"), ("hold", "held")])
def test_a_control_is_never_released(decision, state):
    said_of_it = said(decision) if decision else None
    assert release.of_tube({"status": "ok"}, said_of_it, False, is_patient=False) == state


@pytest.mark.parametrize(
    ("draw", "tubes", "state"),
    [
        ({"phenotype": "indeterminate"}, [], "no"),
        ({}, [("s1", "", "may")], "may"),
        ({}, [("s1", "", "may"), ("s2", "", "held")], "held"),
        ({"status": "review", "flags": "few_monocytes"}, [("s1", "few_monocytes", "look")], "look"),
        # the reviewer released the tube, and its flag is all that was doubtful
        ({"status": "review", "flags": "few_monocytes"}, [("s1", "few_monocytes", "released")], "may"),
        # the draw's own doubt is not decided by releasing a tube
        ({"status": "review", "flags": "saturated;ferritin_implausible"}, [("s1", "saturated", "released")], "look"),
        ({"status": "review", "flags": "saturated", "sample_id": ""}, [("s1", "saturated", "released")], "look"),
    ],
)
def test_a_draw(draw, tubes, state):
    usual = {"phenotype": "SIP", "status": "ok", "flags": "", "sample_id": "s1;s2"}
    assert release.of_draw(usual | draw, tubes) == state
