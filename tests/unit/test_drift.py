"""Bead runs over time: Westgard's rules on hand-made scores, series and jumps."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from hladr.calibration import Calibration, Level
from hladr.calibration.lines import fit
from hladr.drift import QUANTITIES, series, with_jumps
from hladr.flags import finding
from hladr.pairing import PESettings
from hladr.study.config import defaults, merge
from hladr.tables import columns
from hladr.westgard import westgard

LOT = (638.0, 6930.0, 31_008.0, 67_601.0)


def run(k, gain=1.0, findings=(), lab="x", lot="A", voltage=500.0, cytometer="Canto"):
    pe = [v * gain / 2 for v in LOT]
    levels = tuple(Level(n, v, p, p, 500, 6.0, used=True) for n, (v, p) in enumerate(zip(LOT, pe, strict=True), 1))
    at = None if k is None else f"2024-03-{k + 1:02d}T09:00:00"
    settings = PESettings("PE-A", voltage, 1.0, 0.0, 0.0, 262144.0, cytometer, "V1", at, "none")
    lines = {"median": fit(pe, LOT)}
    return Calibration(f"{lab}{k}", lab, "quantibrite-pe", lot, tuple(findings), 4, levels, lines, settings=settings)


def study(**config):
    return SimpleNamespace(config=merge(defaults(), {"drift": config}))


def rows_of(rows, quantity):
    return [row for row in rows if row["quantity"] == quantity]


@pytest.mark.parametrize(
    ("scores", "rules"),
    [
        ([0.5], []),
        ([2.9], []),
        ([3.1], ["1-3s"]),
        ([-3.1], ["1-3s"]),
        ([2.1, 2.1], ["2-2s"]),
        ([-2.1, -2.1], ["2-2s"]),
        ([2.1, -2.1], ["R-4s"]),
        ([2.1, 0, 2.1], []),
        ([1.1] * 3, []),
        ([1.1] * 4, ["4-1s"]),
        ([1.1, 1.1, -1.1, 1.1], []),
        ([0.1] * 9, []),
        ([0.1] * 10, ["10-x"]),
        ([-0.1] * 10, ["10-x"]),
        ([0.1] * 9 + [3.5], ["1-3s", "10-x"]),
    ],
)
def test_westgard(scores, rules):
    assert westgard(scores) == rules


def test_series_have_the_dictionarys_columns_and_limits_from_the_first_runs():
    runs = [run(k, gain=1 + 0.01 * (-1) ** k) for k in range(25)]
    rows = series(runs, study())
    assert all(set(row) == set(columns("drift")) for row in rows)
    assert {row["quantity"] for row in rows} == set(QUANTITIES)
    values = rows_of(rows, "log10_pe_brightest")
    assert len(values) == 25
    assert values[0]["limits_from"] == "first 20 runs"
    first = [row["value"] for row in values[:20]]
    mean = sum(first) / 20
    sd = (sum((v - mean) ** 2 for v in first) / 19) ** 0.5
    assert (values[24]["mean"], values[24]["sd"]) == (pytest.approx(mean), pytest.approx(sd))
    assert values[24]["z"] == pytest.approx((values[24]["value"] - mean) / sd)


def test_value_at_the_common_pe():
    (row,) = rows_of(series([run(0)], study(common_pe=1000)), "value_at_common_pe")
    assert row["value"] == pytest.approx(2000)


def test_few_runs_have_no_limits():
    rows = rows_of(series([run(k) for k in range(4)], study()), "slope")
    assert [(row["mean"], row["z"], row["rules"]) for row in rows] == [(None, None, "")] * 4


def test_limits_of_the_configuration():
    own = [{"lab": "x", "lot": "A", "quantity": "log10_pe_brightest", "mean": 4.5, "sd": 0.001}]
    (row,) = rows_of(series([run(0)], study(limits=own)), "log10_pe_brightest")
    assert (row["limits_from"], row["mean"], row["rules"]) == ("configuration", 4.5, "1-3s")


def test_stated_limits_outlast_a_new_lot():
    own = [{"lab": "x", "lot": "A", "quantity": "value_at_common_pe", "mean": 2000.0, "sd": 20.0}]
    runs = [*(run(k) for k in range(3)), run(3, lot="B")]
    rows = rows_of(series(runs, study(limits=own)), "value_at_common_pe")
    assert [(row["lot"], row["limits_from"], row["mean"], row["sd"]) for row in rows] == [
        *[("A", "configuration", 2000.0, 20.0)] * 3,
        ("B", "configuration", 2000.0, 20.0),
    ]


def test_another_gain_is_another_series_and_is_named():
    def doubled(k):
        """The laboratory doubles the gain of PE: each bead reads twice the PE, as it should."""
        calibration = run(k, gain=2.0)
        return replace(calibration, settings=replace(calibration.settings, gain=2.0))

    rows = rows_of(series([*(run(k) for k in range(6)), *(doubled(k) for k in range(6, 12))], study()), "intercept")
    assert [row["change"] for row in rows] == [""] * 6 + ["scale"] + [""] * 5
    assert {row["rules"] for row in rows} == {""}
    assert len({row["mean"] for row in rows[:6]}) == len({row["mean"] for row in rows[6:]}) == 1
    assert rows[0]["mean"] != rows[6]["mean"]


def test_order_is_time_and_a_failed_run_breaks_no_rule():
    runs = [run(2), run(0), run(1, gain=2.0, findings=[finding("not_beads", "x")])]
    rows = rows_of(series(runs, study()), "slope")
    assert [row["bead_id"] for row in rows] == ["x0", "x1", "x2"]
    assert [row["accepted"] for row in rows] == [True, False, True]
    assert rows[1]["rules"] == ""


def test_changes_of_lot_and_voltage_are_named_and_cytometers_numbered():
    runs = [run(0), run(1, lot="B"), run(2, lot="B", voltage=520.0), run(3, cytometer="Aria")]
    rows = {row["bead_id"]: row for row in rows_of(series(runs, study()), "slope")}
    assert [rows[f"x{k}"]["change"] for k in range(4)] == ["", "lot", "voltage", ""]
    assert [rows[f"x{k}"]["cytometer"] for k in range(4)] == [1, 1, 1, 2]


def test_a_jump_is_flagged_and_a_lasting_one_becomes_the_usual_state():
    gains = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.2, *[1.2, 1.21, 1.19, 1.2], 1.2, 1.2]
    runs = {f"x{k}": run(k, gain=g) for k, g in enumerate(gains)}
    out = with_jumps(runs, study())
    jumps = [k for k in range(len(gains)) if out[f"x{k}"].findings]
    assert jumps == [6, 7, 8, 9, 10]
    assert out["x6"].status == "review"
    assert out["x6"].findings[0].code == "calibration_jump"
    # a gain of 1.2 means 17 % fewer molecules per PE
    assert "17 % less" in out["x6"].findings[0].sentence


def limits_and_scores(gains, **config):
    """Return where limits are from, mean and sd, and z by run, of what one PE means; 2,000 molecules at a gain of 1."""
    runs = {f"x{k}": run(k, gain=g) for k, g in enumerate(gains)}
    rows = rows_of(series(list(with_jumps(runs, study(**config)).values()), study(**config)), "value_at_common_pe")
    return rows[0]["limits_from"], (rows[0]["mean"], rows[0]["sd"]), [row["z"] for row in rows]


STEADY = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99]  # 2,000 / gain: mean 2,000.1, sd 17.89 by hand; with two more at 1: 15.12


def test_runs_that_jumped_do_not_widen_the_limits_that_show_them():
    """One PE means 62 % and 42 % less in two of ten runs: with them the sd was 449 and no z beyond 3."""
    source, limits, z = limits_and_scores([*STEADY, 1 / 0.38, 1 / 0.58, 1.0, 1.0])
    assert source == "first 8 runs"
    assert limits == pytest.approx((2000.1, 15.12), rel=0.001)
    assert z[6] == pytest.approx((760 - 2000.1) / 15.1, rel=0.01)
    assert z[7] == pytest.approx((1160 - 2000.1) / 15.1, rel=0.01)
    assert max(abs(value) for k, value in enumerate(z) if k not in (6, 7)) < 2


def test_a_lasting_jump_leaves_the_limits_to_the_runs_before_it():
    """Five flagged runs, then the new state is usual and flagged no more; it does not enter the limits of the old."""
    source, limits, z = limits_and_scores([*STEADY, *[1.2] * 5, 1.21, 1.19, 1.2])
    assert source == "first 6 runs"
    assert limits == pytest.approx((2000.1, 17.89), rel=0.001)
    assert all(value < -15 for value in z[6:])


def test_a_lot_that_is_new_after_a_lasting_jump_has_limits_of_its_own():
    old = [run(k, gain=g) for k, g in enumerate(STEADY)]
    new = [run(k, gain=1.2 + 0.01 * (-1) ** k, lot="B") for k in range(6, 20)]
    flagged = with_jumps({c.bead_id: c for c in [*old, *new]}, study())
    jumps = [c.bead_id for c in flagged.values() if c.findings]
    assert jumps == [f"x{k}" for k in range(6, 11)]
    rows = {row["bead_id"]: row for row in rows_of(series(list(flagged.values()), study()), "log10_pe_brightest")}
    assert (rows["x0"]["limits_from"], rows["x19"]["limits_from"]) == ("first 6 runs", "first 9 runs")
    assert rows["x19"]["mean"] == pytest.approx(math.log10(67_601 * 1.2 / 2), abs=0.001)


def test_a_new_lot_does_not_hide_a_jump_but_a_new_voltage_is_another_series():
    usual = {f"x{k}": run(k, gain=1 + 0.005 * (-1) ** k) for k in range(8)}
    wrong_lot = with_jumps(usual | {"x8": run(8, gain=1.1, lot="B")}, study())["x8"]
    assert [f.code for f in wrong_lot.findings] == ["calibration_jump"]
    other_voltage = with_jumps(usual | {"x8": run(8, gain=1.5, voltage=530.0)}, study())["x8"]
    assert other_voltage.findings == ()
    # the same cytometer with another range, gain or amplifier: its numbers are another scale
    for other in ({"range": 65536.0}, {"gain": 4.0}, {"decades": 4.0, "log_minimum": 1.0}):
        last = run(8, gain=0.25)
        scaled = replace(last, settings=replace(last.settings, **other))
        assert with_jumps(usual | {"x8": scaled}, study())["x8"].findings == ()


def test_small_or_early_jumps_are_not_flagged():
    runs = {f"x{k}": run(k, gain=1.0) for k in range(8)} | {"x8": run(8, gain=1.04)}
    assert not any(c.findings for c in with_jumps(runs, study()).values())
    early = {f"x{k}": run(k, gain=1.0) for k in range(4)} | {"x4": run(4, gain=1.5)}
    assert not any(c.findings for c in with_jumps(early, study()).values())


def test_runs_without_a_line_or_a_time_are_left_alone():
    blind = replace(run(None), lines={})
    assert series([blind], study()) == []
    assert with_jumps({"a": run(None)}, study()) == {"a": run(None)}


def test_runs_are_ordered_by_instants_where_offsets_are_stated():
    # 08:50 in universal time is 10:50 two hours ahead of it, so it is the later run; a date alone begins its day
    times = {"a": "2024-03-04T08:50:00+00:00", "b": "2024-03-04T10:30:00+02:00", "c": None, "d": "2024-03-03T23:59:00"}
    times["e"] = "2024-03-04"
    made = run(1)
    runs = [replace(made, bead_id=k, settings=replace(made.settings, acquired_at=v)) for k, v in times.items()]
    slopes = rows_of(series(runs, study()), "slope")
    assert [row["bead_id"] for row in slopes] == ["d", "e", "b", "a", "c"]
