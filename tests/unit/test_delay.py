"""Hours from venepuncture to acquisition, across time zones and changes of the clock."""

from datetime import date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

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
        # instants: 00:49 to 08:50 in universal time, whatever the laboratory's clock shows
        ("2024-03-04T00:49+00:00", "2024-03-04T08:50+00:00", "Europe/Athens", 8 + 1 / 60),
        ("2024-03-04T00:49+00:00", "2024-03-04T10:50+02:00", None, 8 + 1 / 60),
        # 02:49 in Athens is 00:49 in universal time
        ("2024-03-04T02:49", "2024-03-04T08:50+00:00", "Europe/Athens", 8 + 1 / 60),
        # no zone of the laboratory: an offset other than zero is that of the cytometer's clock
        ("2024-03-04T02:49", "2024-03-04T10:50+02:00", None, 8 + 1 / 60),
    ],
)
def test_hours(collected, acquired, timezone, hours):
    found = hours_from_draw(at(collected), at(acquired), timezone and ZoneInfo(timezone))
    assert found.low == found.high == pytest.approx(hours)


@pytest.mark.parametrize(
    ("collected", "acquired", "timezone", "low", "high"),
    [
        ("2024-03-01T08:00", "2024-03-04", "Europe/Athens", 64, 88),
        ("2024-03-01T08:00", "2024-03-04", None, 64, 88),
        ("2024-03-01T08:00+00:00", "2024-03-04", "Europe/Athens", 62, 86),  # 08:00 in London is 10:00 in Athens
        ("2024-03-30T20:00", "2024-03-31", "Europe/Athens", 4, 27),  # that Sunday had 23 hours
    ],
)
def test_hours_to_a_date(collected, acquired, timezone, low, high):
    found = hours_from_draw(at(collected), date.fromisoformat(acquired), timezone and ZoneInfo(timezone))
    assert (found.low, found.high) == (low, high)


def test_universal_time_and_a_place_that_nothing_states():
    # 08:00 local is 18:00 the day before in universal time furthest east (+14), 20:00 furthest west (-12)
    found = hours_from_draw(at("2024-03-04T08:00"), at("2024-03-04T20:00+00:00"), None)
    assert (found.low, found.high) == (0, 26)


def study(**lab):
    return SimpleNamespace(labs={"x": lab}, config={"quantify": {"max_hours_from_draw": 8}})


@pytest.mark.parametrize(
    ("acquired", "codes"),
    [
        ("2024-01-10T16:00", []),  # exactly 8 hours is not longer than 8
        ("2024-01-10T16:01", ["preanalytic_delay"]),
        ("2024-01-10T07:55", []),  # clocks may differ by minutes
        ("2024-01-10T07:30", ["clocks_disagree"]),
        ("2024-01-10", []),  # a date alone
        ("2024-01-11", ["preanalytic_delay"]),  # 16 hours to its first moment
        ("2024-01-09", ["clocks_disagree"]),  # its last moment is 8 hours before
        ("2024-01-11T04:00+00:00", []),  # in universal time: 8 to 34 hours, by where the laboratory is
        ("2024-01-11T04:01+00:00", ["preanalytic_delay"]),
        ("2024-01-09T17:46+00:00", []),  # 26 hours 14 minutes before to 14 minutes before
        ("2024-01-09T17:44+00:00", ["clocks_disagree"]),
        (None, []),
    ],
)
def test_findings(acquired, codes):
    tube = SimpleNamespace(collected_at=at("2024-01-10T08:00"), lab="x")
    assert [f.code for f in delay_findings(tube, acquired, study())] == codes


def test_the_sentence_claims_no_more_than_is_stated():
    tube = SimpleNamespace(collected_at=at("2024-01-10T08:00"), lab="x")
    (exact,) = delay_findings(tube, "2024-01-11T08:30:00", study())
    assert exact.sentence == "24.5 hours from venepuncture to acquisition, more than 8"
    (days,) = delay_findings(tube, "2024-01-13", study())  # 16 hours of 10 January, and 11 and 12 January
    assert days.sentence == "at least 64 hours from venepuncture to acquisition, more than 8"
    (least,) = delay_findings(tube, "2024-01-11T08:30:00+00:00", study())  # 24.5 less 12 where nobody says where
    assert least.sentence == "at least 12.5 hours from venepuncture to acquisition, more than 8"
    (before,) = delay_findings(tube, "2024-01-09T16:00:00+00:00", study())  # 16 before, and at most 14 later
    assert before.sentence == "by its times the tube was acquired at least 2.0 hours before it was drawn"


def test_no_time_of_draw_no_finding():
    assert delay_findings(SimpleNamespace(collected_at=None, lab="x"), "2024-01-10T16:00", study()) == []
