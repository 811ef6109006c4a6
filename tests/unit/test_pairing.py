"""Tube against beads."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from hladr import pairing
from hladr.pairing import PESettings

BEADS = PESettings("PE-A", 500.0, 1.0, 0.0, 0.0, 262144.0, "FACSCanto II", "V1", "2024-01-10T09:00:00", "matrix")


def compare(tube, beads, zones=(None, None), **options):
    hours = pairing.hours_between(tube, beads, zones)
    return pairing.compare(tube, beads, hours=hours, window_hours=24, **options)


def codes(tube, beads=BEADS, **options):
    return [f.code for f in compare(tube, beads, **options)]


def test_equal_settings_pass():
    assert codes(BEADS) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"voltage": 501.0},
        {"gain": 2.0},
        {"decades": 4.0, "log_minimum": 1.0},
        {"range": 1024.0},
        {"detector": "PE-H"},
        {"detector": "FITC-A"},
    ],
)
def test_each_setting_counts(changed):
    assert codes(replace(BEADS, **changed)) == ["settings_mismatch"]


@pytest.mark.parametrize("changed", [{"cytometer": "LSR II"}, {"serial": "V2"}])
def test_the_cytometer_counts(changed):
    found = compare(replace(BEADS, **changed), BEADS)
    assert [f.code for f in found] == ["cytometer_mismatch"]
    # header text stays out of the sentence
    assert not any(word in found[0].sentence for word in ("LSR", "Canto", "V1", "V2"))


@pytest.mark.parametrize(
    "changed",
    [
        {"voltage": None},
        {"range": None},
        {"cytometer": None},
        {"serial": None},
        {"gain": None},  # left out: 1
        {"cytometer": "FACSCANTOII"},
        {"serial": " v1 "},
        {"voltage": 500.0000001},
        {"detector": "pe-a"},
        {"compensation": "not asked for"},
    ],
)
def test_what_one_file_does_not_state_is_no_mismatch(changed):
    assert codes(replace(BEADS, **changed)) == []


def test_a_matrix_that_the_tube_has_lost_is_seen_at_the_beads():
    """Found by fuzzing: one damaged letter in the name of $SPILLOVER left PE uncompensated, 10 % too high, and ok."""
    found = compare(replace(BEADS, compensation="none"), BEADS)
    assert [(f.code, f.status) for f in found] == [("compensation_missing", "review")]
    # beads carry PE alone: their PE is the same with and without a matrix
    assert codes(BEADS, replace(BEADS, compensation="none")) == []
    assert codes(replace(BEADS, compensation="none"), replace(BEADS, compensation="none")) == []


# A FACSCanto's matrix: share of each dye's light that is seen in PE, voltage, gain.
SPILL = {"FITC-A": [0.2, 450.0, 1.0], "PerCP-Cy5-5-A": [0.004, 480.0, 1.0], "APC-A": [0.0, 520.0, 1.0]}


def with_spill(*voltage_and_gain, **shares):
    changed = {name: list(row) for name, row in SPILL.items()}
    for short, share in shares.items():
        name = next(name for name in changed if name.startswith(short))
        changed[name] = [share, *(voltage_and_gain or changed[name][1:])]
    return replace(BEADS, spill=changed)


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        # found by an outsider: AB/C 38 %, 6 %, 7 % and 8 % too low, and ok
        ({"PerCP": 0.22, "FITC": 0.3}, "22 % of the signal of PerCP-Cy5-5-A off PE, theirs 0.4 %"),
        ({"PerCP": 0.05}, "5 % of the signal of PerCP-Cy5-5-A off PE, theirs 0.4 %"),
        ({"PerCP": 0.1}, "10 % of the signal of PerCP-Cy5-5-A off PE, theirs 0.4 %"),
        ({"APC": 0.05}, "5 % of the signal of APC-A off PE, theirs 0 %"),
        ({"FITC": 0.0}, "0 % of the signal of FITC-A off PE, theirs 20 %"),
        # a coefficient that is wrong by 5 % of itself, or by as much as two tunings of a matrix
        ({"FITC": 0.21}, None),
        ({"FITC": 0.19, "PerCP": 0.012, "APC": 0.01}, None),
        ({"PerCP": 0.034}, None),  # 0.03 is not more than 0.03
        ({"PerCP": 0.0341}, "3.41 % of the signal of PerCP-Cy5-5-A"),
    ],
)
def test_a_matrix_of_another_panel_is_seen_at_the_beads(shares, words):
    found = compare(with_spill(**shares), with_spill())
    assert [(f.code, f.status) for f in found] == ([("compensation_differs", "review")] if words else [])
    if words:
        assert words in found[0].sentence


def test_matrices_are_compared_between_equal_settings_only():
    assert codes(with_spill(520.0, 1.0, PerCP=0.1), with_spill()) == []  # another voltage of the CD14 detector
    assert codes(with_spill(480.0, 2.0, PerCP=0.1), with_spill()) == []
    assert codes(with_spill(480.0, None, PerCP=0.1), with_spill()) == ["compensation_differs"]  # left out: 1
    assert codes(with_spill(None, None, PerCP=0.1), with_spill()) == ["compensation_differs"]
    assert codes(replace(with_spill(PerCP=0.1), voltage=520.0), with_spill()) == ["settings_mismatch"]


def test_detectors_that_one_matrix_lacks_and_files_without_a_matrix_are_not_compared():
    few = replace(BEADS, spill={"APC-A": SPILL["APC-A"]})
    assert codes(with_spill(PerCP=0.3), few) == []
    for without in ("none", "identity"):
        assert codes(with_spill(PerCP=0.3), replace(BEADS, spill=None, compensation=without)) == []
    lost = replace(BEADS, spill=None, compensation="none")
    assert codes(lost, with_spill()) == ["compensation_missing"]
    assert codes(replace(BEADS, spill=None), with_spill()) == []  # the lab's own matrix counts


def test_a_gain_that_only_one_file_states_is_compared_with_one():
    assert codes(replace(BEADS, gain=2.0), replace(BEADS, gain=None)) == ["settings_mismatch"]


def test_the_sentence_shows_both_values():
    (found,) = compare(replace(BEADS, voltage=520.0), BEADS)
    assert "520" in found.sentence
    assert "500" in found.sentence


@pytest.mark.parametrize(
    ("tube_at", "expected"),
    [
        ("2024-01-11T09:00:00", []),  # exactly 24 hours is not further apart
        ("2024-01-11T09:00:01", ["bead_date_mismatch"]),
        ("2024-01-09T08:00:00", ["bead_date_mismatch"]),  # beads after the tube count too
        (None, []),
    ],
)
def test_time_between(tube_at, expected):
    assert codes(replace(BEADS, acquired_at=tube_at)) == expected


@pytest.mark.parametrize(
    ("tube_at", "beads_at", "words"),
    [
        # instants: 08:50 in universal time is 10:50 two hours ahead of it
        ("2024-03-04T08:50:00+00:00", "2024-03-04T10:50:00+02:00", None),
        ("2024-03-04T08:50:00+00:00", "2024-03-03T10:50:00+02:00", None),  # 24 hours
        ("2024-03-04T08:51:00+00:00", "2024-03-03T10:50:00+02:00", "24.02 hours apart"),
        ("2024-03-04T08:50:00+00:00", "2024-03-01T08:50:00+00:00", "72 hours apart"),
        # one offset: what the clocks show is compared
        ("2024-03-04T10:50:00+02:00", "2024-03-03T10:50:00", None),
        ("2024-03-04T10:50:00", "2024-03-03T08:50:00+02:00", "26 hours apart"),
        # one in universal time: the other is in any place, 12 hours behind it to 14 hours ahead
        ("2024-03-04T08:50:00", "2024-03-04T08:50:00+00:00", None),
        ("2024-03-05T22:50:00", "2024-03-04T08:50:00+00:00", None),  # 38 hours by the clocks: 24 at least
        ("2024-03-06T00:50:00", "2024-03-04T08:50:00+00:00", "at least 26 hours apart"),
        ("2024-03-04T08:50:00+00:00", "2024-03-06T00:50:00", "at least 26 hours apart"),
        ("2024-03-02T20:50:00", "2024-03-04T08:50:00+00:00", None),  # 36 hours before by the clocks: 24 at least
        ("2024-03-02T18:50:00", "2024-03-04T08:50:00+00:00", "at least 26 hours apart"),
    ],
)
def test_times_with_an_offset(tube_at, beads_at, words):
    found = compare(replace(BEADS, acquired_at=tube_at), replace(BEADS, acquired_at=beads_at))
    assert [f.code for f in found] == (["bead_date_mismatch"] if words else [])
    if words:
        assert found[0].sentence == f"beads and tube were acquired {words}, more than 24 hours"


@pytest.mark.parametrize(
    ("tube_at", "beads_at", "words"),
    [
        ("2024-03-04", "2024-03-04", None),
        ("2024-03-05", "2024-03-04", None),  # perhaps a second apart, over midnight
        ("2024-03-06", "2024-03-04", "more than 24 hours apart"),  # the whole of 5 March, and a moment of both others
        ("2024-03-07", "2024-03-04", "at least 48 hours apart, more than 24 hours"),
        ("2024-03-04", "2024-03-07", "at least 48 hours apart, more than 24 hours"),
        # beads of 4 March, 08:00: the first moment of 5 March is 16 hours later, that of 6 March 40
        ("2024-03-05", "2024-03-04T08:00:00", None),
        ("2024-03-06", "2024-03-04T08:00:00", "at least 40 hours apart, more than 24 hours"),
        ("2024-03-05T00:00:00", "2024-03-03", "more than 24 hours apart"),  # 3 March ends before its midnight
        ("2024-03-04T23:59:59", "2024-03-03", None),
        ("2024-03-05T06:00:00", "2024-03-03", "at least 30 hours apart, more than 24 hours"),
        ("2024-03-06", "2024-03-04T00:00:00+02:00", "at least 48 hours apart, more than 24 hours"),
        # universal time beside a local date: the day may begin 14 hours before it does in universal time
        ("2024-03-06", "2024-03-04T10:00:00+00:00", None),  # 38 - 14
        ("2024-03-06", "2024-03-04T08:00:00+00:00", "at least 26 hours apart, more than 24 hours"),  # 40 - 14
    ],
)
def test_a_date_alone(tube_at, beads_at, words):
    found = compare(replace(BEADS, acquired_at=tube_at), replace(BEADS, acquired_at=beads_at))
    assert [f.sentence for f in found] == ([f"beads and tube were acquired {words}"] if words else [])


def test_the_table_shows_the_bounds_of_what_is_not_stated():
    tube = replace(BEADS, acquired_at="2024-01-12T09:00:00+00:00")  # 48 hours by the clocks, 14 more or 12 less
    rows = {row.what: row for row in pairing.table(tube, BEADS, pairing.hours_between(tube, BEADS))}
    assert rows["hours from beads to tube"].tube == "36 to 62"


def test_a_named_exception_lets_the_pair_through_as_review():
    exceptions = [{"sample_id": "s1", "reason": "voltage typed wrongly by the workstation"}]
    tube = replace(BEADS, voltage=520.0, serial="V2")
    (found,) = compare(tube, BEADS, exceptions=exceptions, sample_id="s1", bead_id="b1")
    assert (found.code, found.status) == ("pairing_exception", "review")
    assert "typed wrongly" in found.sentence
    assert codes(tube, exceptions=exceptions, sample_id="s2") == ["cytometer_mismatch", "settings_mismatch"]
    both = [{"sample_id": "s1", "bead_id": "b2", "reason": "x"}]
    assert codes(tube, exceptions=both, sample_id="s1", bead_id="b1") == ["cytometer_mismatch", "settings_mismatch"]


def test_an_exception_does_not_excuse_the_time():
    tube = replace(BEADS, acquired_at="2024-01-20T09:00:00")
    exceptions = [{"bead_id": "b1", "reason": "x"}]
    assert codes(tube, exceptions=exceptions, bead_id="b1") == ["bead_date_mismatch"]


def test_the_table_keeps_both_values_and_says_what_is_not_stated():
    tube = replace(BEADS, serial=None, voltage=480.0)
    rows = {row.what: row for row in pairing.table(tube, BEADS, pairing.hours_between(tube, BEADS))}
    assert (rows["PE voltage"].tube, rows["PE voltage"].beads, rows["PE voltage"].agree) == (480.0, 500.0, False)
    assert rows["serial number"].agree is None
    assert rows["hours from beads to tube"].tube == 0


@pytest.mark.parametrize("beads_at", ["2024-02-29T10:59:00", "2024-02-29T10:59:59"])
def test_hours_are_not_rounded_onto_the_window(beads_at):
    (found,) = compare(replace(BEADS, acquired_at="2024-03-01T11:00:00"), replace(BEADS, acquired_at=beads_at))
    assert found.code == "bead_date_mismatch"
    assert "24 hours apart" not in found.sentence


@pytest.mark.parametrize(
    ("beads", "tube", "zones", "apart"),
    [
        # Athens' clocks went forward in the night to 31 March, and back in that to 27 October
        ("2024-03-30T10:05:00", "2024-03-31T10:40:00", ("Europe/Athens", "Europe/Athens"), False),
        ("2024-10-26T10:05:00", "2024-10-27T09:50:00", ("Europe/Athens", "Europe/Athens"), True),
        # 12:00 in Athens is 19:00 in Tokyo
        ("2024-01-10T12:00:00", "2024-01-11T10:00:00", ("Europe/Athens", "Asia/Tokyo"), True),
        ("2024-01-10T12:00:00", "2024-01-11T15:00:00", ("Asia/Tokyo", "Europe/Athens"), False),
        # a lab that states no zone: clocks that stand in one place
        ("2024-03-30T10:05:00", "2024-03-31T10:40:00", (None, None), True),
        ("2024-01-10T12:00:00", "2024-01-11T10:00:00", ("Europe/Athens", None), False),
        # an offset that the file states counts before the laboratory's zone
        ("2024-01-10T12:00:00+02:00", "2024-01-11T12:30:00+03:00", ("Asia/Tokyo", "Europe/Athens"), False),
    ],
)
def test_local_times_are_those_of_the_laboratories(beads, tube, zones, apart):
    tube_zone, bead_zone = (zone and ZoneInfo(zone) for zone in zones)
    found = compare(replace(BEADS, acquired_at=tube), replace(BEADS, acquired_at=beads), zones=(tube_zone, bead_zone))
    assert [f.code for f in found] == ["bead_date_mismatch"] * apart
