"""Hours from venepuncture to acquisition, across time zones and changes of the clock."""

from datetime import datetime
from types import SimpleNamespace

import pytest

from hladr.quantify.delay import delay_findings, hours_from_draw


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("collected", "acquired", "timezone", "hours"),
    [
        ("2024-01-10T08:00", "2024-01-10T15:00", "Europe/Athens", 7),
        # 08:00 in London is 10:00 in Athens
        ("2024-01-10T08:00+00:00", "2024-01-10T15:00", "Europe/Athens", 5),
        # the clocks went from 03:00 to 04:00 in Athens that night
        ("2024-03-30T23:00", "2024-03-31T08:00", "Europe/Athens", 8),
        ("2024-03-30T23:00", "2024-03-31T08:00", None, 9),
        # without a zone the offset of the draw is taken as the laboratory's
        ("2024-01-10T08:00+02:00", "2024-01-10T15:00", None, 7),
    ],
)
def test_hours(collected, acquired, timezone, hours):
    assert hours_from_draw(at(collected), at(acquired), timezone) == pytest.approx(hours)


def study(**lab):
    return SimpleNamespace(labs={"x": lab}, config={"quantify": {"max_hours_from_draw": 8}})


@pytest.mark.parametrize(
    ("acquired", "codes"),
    [
        ("2024-01-10T16:00", []),  # exactly 8 hours is not longer than 8
        ("2024-01-10T16:01", ["preanalytic_delay"]),
        ("2024-01-10T07:55", []),  # clocks may differ by minutes
        ("2024-01-10T07:30", ["clocks_disagree"]),
        (None, []),
    ],
)
def test_findings(acquired, codes):
    tube = SimpleNamespace(collected_at=at("2024-01-10T08:00"), lab="x")
    assert [f.code for f in delay_findings(tube, acquired, study())] == codes


def test_no_time_of_draw_no_finding():
    assert delay_findings(SimpleNamespace(collected_at=None, lab="x"), "2024-01-10T16:00", study()) == []
