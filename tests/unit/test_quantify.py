"""From readings and calibrations to the rows of quantification.csv: values worked by hand."""

import json
import math
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import pytest

from hladr.calibration import Calibration, Level
from hladr.calibration.lines import fit
from hladr.flags import finding
from hladr.pairing import PESettings
from hladr.quantify import Measurement, quantify
from hladr.study import Tube
from hladr.study.config import defaults, merge
from hladr.tables import columns
from hladr.tube import TubeReading

SETTINGS = PESettings("PE-A", 500.0, 1.0, 0.0, 0.0, 262144.0, "Canto", "V1", "2024-03-01T09:00:00", "matrix")
# value = 2 PE exactly, from 638 to 67,601
LOT = (638.0, 6930.0, 31_008.0, 67_601.0)
PE = tuple(v / 2 for v in LOT)


def calibration(findings=(), kit="quantibrite-pe", lines=None, **changed):
    line = fit(PE, LOT)
    levels = tuple(Level(k, v, pe, pe, 500, 6.0, used=True) for k, (v, pe) in enumerate(zip(LOT, PE, strict=True), 1))
    base = Calibration(
        "b1",
        "x",
        kit,
        "96597",
        tuple(findings),
        4,
        levels,
        lines or {"median": line, "geometric_mean": line},
        assignment_cv_percent=3.0,
        settings=SETTINGS,
    )
    return replace(base, **changed)


def reading(sample_id="s1", pe=3000.0, mean=None, findings=(), **changed):
    mean = pe if mean is None else mean
    statistics = {
        name: {"main": value, "tight": value * 1.01, "wide": value * 0.99}
        for name, value in (("median", pe), ("geometric_mean", mean))
    }
    base = TubeReading(
        sample_id,
        tuple(findings),
        20_000,
        15_000,
        1600,
        10.67,
        statistics,
        pe_sd_ln=0.5,
        gate_doubt={name: {"bias_ln": 0.0, "sd_ln": 0.02} for name in statistics},
        pe_channel={
            "detector": "PE-A",
            "voltage": 500.0,
            "gain": 1.0,
            "decades": 0.0,
            "log_minimum": 0.0,
            "range": 262144.0,
            "compensated": True,
            "compensation": "from_file",
        },
        cytometer="Canto",
        serial="V1",
        acquired_at="2024-03-01T11:00:00",
    )
    return replace(base, **changed)


def tube(sample_id="s1", **changed):
    usual = {"sample_id": sample_id, "patient_id": "P1", "day": 1, "lab": "x", "fcs": "a.fcs", "bead_id": "b1"}
    return Tube(**(usual | changed))


def study(tubes, labs=None, **config):
    return SimpleNamespace(tubes=tuple(tubes), labs=labs or {"x": {}}, config=merge(defaults(), config))


def measured(the_tube=None, the_reading=None, the_calibration=None, labs=None, **config):
    the_tube = the_tube or tube()
    the_calibration = the_calibration or calibration()
    (one,) = quantify(
        study([the_tube], labs, **config),
        {the_tube.sample_id: the_reading or reading()},
        {the_calibration.bead_id: the_calibration},
    )
    return one


def codes(measurement):
    return [f.code for f in measurement.findings]


def test_a_good_tube():
    one = measured()
    assert (one.status, one.row()["flags"], one.row()["reason"]) == ("ok", "", "")
    assert one.abc == pytest.approx(6000)
    assert (one.abc_tight, one.abc_wide) == (pytest.approx(6060), pytest.approx(5940))
    assert (one.abc_source, one.gate_source) == ("fcs", "automatic")
    assert set(one.row()) == set(columns("quantification"))


def test_a_matrix_of_another_panel_is_seen_in_what_the_batches_wrote():
    def spill(share):
        return {"PerCP-Cy5-5-A": [share, 480.0, 1.0]}

    beads = calibration(settings=replace(SETTINGS, spill=spill(0.004)))
    beads = Calibration.from_json(beads.to_json())
    for share, expected in ((0.22, ["compensation_differs"]), (0.004, [])):
        one = reading(pe_channel={**reading().pe_channel, "spill": spill(share)})
        one = measured(None, TubeReading.from_json(one.to_json()), beads)
        assert (codes(one), one.abc) == (expected, pytest.approx(6000))
    assert codes(measured(None, reading(), beads)) == []  # a reading of an earlier version does not say


def test_the_interval_by_hand():
    # an exact line adds nothing. ln sd: assignment 3 %, PE per antibody 2 %, gate 0.02, repeatability 3 %, and the
    # median of 1600 at sd 0.5: 0.5 x 1.2533 / 40

    one = measured()
    parts = (0.03, 0.02, 0.5 * 1.2533 / 40, 0.02, 0.03)
    half = 1.959964 * math.sqrt(sum(p * p for p in parts))
    assert math.log(one.abc_high / one.abc) == pytest.approx(half, rel=1e-3)
    assert math.log(one.abc / one.abc_low) == pytest.approx(half, rel=1e-3)
    assert one.parts_ln["sampling"] == pytest.approx(0.5 * 1.2533 / 40)


def test_the_line_brings_students_t():
    values = [v * f for v, f in zip(LOT, (1.03, 0.97, 1.02, 0.98), strict=True)]
    line = fit(PE, values)
    none = {
        "assignment_cv_percent": 0,
        "pe_per_antibody_cv_percent": 0,
        "sampling": False,
        "gate": False,
        "repeatability_cv_percent": 0,
    }
    one = measured(the_calibration=calibration(lines={"median": line}), quantify={"interval": none})
    # t with 2 degrees of freedom: 4.3027
    assert math.log(one.abc_high / one.abc) == pytest.approx(4.3027 * math.sqrt(line.variance_at(3000.0)), rel=1e-4)
    assert one.dof == pytest.approx(2)


def test_pe_per_antibody_divides_and_a_lab_overrides_it():
    assert measured(quantify={"pe_per_antibody": 1.2}).abc == pytest.approx(5000)
    assert measured(labs={"x": {"pe_per_antibody": 1.5}}, quantify={"pe_per_antibody": 1.2}).abc == pytest.approx(4000)


def test_geometric_mean_where_the_configuration_says_so():
    one = measured(the_reading=reading(pe=3000, mean=2900), quantify={"statistic": "geometric_mean"})
    assert one.abc == pytest.approx(5800)
    assert (one.pe_median, one.pe_geometric_mean) == (3000, 2900)
    # of a geometric mean the sampling error is smaller: sd / sqrt(n)
    assert one.parts_ln["sampling"] == pytest.approx(0.5 / 40)


def test_reported_value():
    one = measured(tube(fcs=None, bead_id=None, abc_reported=4321.0))
    assert (one.status, one.abc, one.abc_low, one.abc_high, one.abc_source) == ("ok", 4321.0, None, None, "reported")
    assert (one.n_events, one.gate_source) == (None, None)


def test_neither_file_nor_reported_value():
    one = measured(tube(fcs=None))
    assert (one.status, codes(one), one.abc) == ("failed", ["missing_file"], None)


def test_a_failed_file_does_not_fall_back_on_the_reported_value():
    broken = TubeReading("s1", (finding("truncated_fcs", "x"),))
    one = measured(tube(abc_reported=5000.0), broken)
    assert (one.status, one.abc, one.abc_source) == ("failed", None, "fcs")
    assert codes(one) == ["truncated_fcs"]


def test_no_bead_run_reports_pe():
    one = measured(tube(bead_id=None))
    assert (codes(one), one.abc, one.pe_median, one.n_monocytes) == (["calibration_missing"], None, 3000, 1600)


def test_a_failed_bead_run_fails_the_tube_and_keeps_pe():
    bad = calibration([finding("peaks_merged", "levels 2 and 3 lie in one peak", "failed")], lines={})
    one = measured(the_calibration=bad)
    assert (one.status, codes(one), one.abc, one.abc_low) == ("failed", ["calibration_failed"], None, None)
    assert one.pe_median == 3000
    assert "levels 2 and 3" in one.row()["reason"]


def test_a_doubtful_bead_run_is_inherited():
    one = measured(the_calibration=calibration([finding("bead_clumps", "40 % of the events are clumps of beads")]))
    assert (one.status, codes(one)) == ("review", ["calibration_review"])
    assert one.abc == pytest.approx(6000)


@pytest.mark.parametrize(
    ("pe", "flagged"),
    [(PE[0], False), (PE[0] * 0.999, True), (PE[3], False), (PE[3] * 1.001, True)],
)
def test_extrapolation(pe, flagged):
    assert ("extrapolated" in codes(measured(the_reading=reading(pe=pe)))) is flagged


@pytest.mark.parametrize(
    ("pe", "role", "said"), [(119.0, "patient", True), (40_000.0, "patient", False), (119.0, "isotype", False)]
)
def test_pe_below_the_beads_may_be_that_of_a_tube_without_the_antibody(pe, role, said):
    """238 molecules, where the dimmest bead has 638; an isotype tube is expected there."""
    (one,) = quantify(study([tube(role=role)]), {"s1": reading(pe=pe)}, {"b1": calibration()})
    assert "extrapolated" in codes(one)
    assert ("as it does in an isotype or unstained tube" in one.row()["reason"]) is said


@pytest.mark.parametrize(
    ("pe", "mean", "flagged"),
    [
        (2550, 2400, True),  # 5,100 and 4,800
        (2550, 2510, False),
        (2500, 2400, True),  # exactly 5,000 is not below it, 4,800 is
        (4100, 3900, True),  # 8,200 and 7,800
        (4000, 3900, False),  # exactly 8,000 is not above it
        (3000, 2600, False),
    ],
)
def test_statistic_sensitive(pe, mean, flagged):
    assert ("statistic_sensitive" in codes(measured(the_reading=reading(pe=pe, mean=mean)))) is flagged


def test_model_sensitive():
    # beads with 300 units of their own: the line and the offset model differ by 16 % at 5,000
    bent = fit([v + 300 for v in LOT], LOT)
    one = measured(the_reading=reading(pe=5500.0), the_calibration=calibration(lines={"median": bent}))
    assert one.abc < 5000 < one.models["bead_autofluorescence"]
    assert "model_sensitive" in codes(one)
    assert "model_sensitive" not in codes(measured())


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"voltage": 480.0}, "settings_mismatch"),
        ({"gain": 2.0}, "settings_mismatch"),
        ({"cytometer": "Aria"}, "cytometer_mismatch"),
        ({"acquired_at": "2024-02-27T09:00:00"}, "bead_date_mismatch"),
    ],
)
def test_pairing(changed, code):
    one = measured(the_calibration=calibration(settings=replace(SETTINGS, **changed)))
    assert codes(one) == [code]
    assert (one.abc is None) == (code != "bead_date_mismatch")
    # what was compared is kept, but header text is not
    shown = {row["what"]: row for row in one.pairing}
    assert (shown["cytometer"]["tube"], shown["serial number"]["beads"]) == (None, None)
    assert shown["PE voltage"]["tube"] == 500.0


def test_a_pairing_exception_keeps_the_value():
    other = calibration(settings=replace(SETTINGS, voltage=480.0))
    excused = [{"sample_id": "s1", "reason": "typed wrongly"}]
    one = measured(the_calibration=other, pairing_exceptions=excused)
    assert (one.status, codes(one)) == ("review", ["pairing_exception"])
    assert one.abc == pytest.approx(6000)


def test_delay():
    late = tube(collected_at=datetime(2024, 3, 1, 2, 30))
    assert codes(measured(late)) == ["preanalytic_delay"]


@pytest.mark.parametrize("kit", ["quantum-simply-cellular", "quantum-mesf"])
def test_other_kits_are_not_interchangeable(kit):
    one = measured(the_calibration=calibration(kit=kit), quantify={"pe_per_antibody": 1.2})
    assert codes(one) == ["kit_not_interchangeable"]
    # antibodies directly, or MESF per antibody's effective fluorochromes
    assert one.abc == pytest.approx(6000 if kit == "quantum-simply-cellular" else 5000)


def test_the_blank_bead_is_the_threshold_of_kits_that_have_one():
    levels = (Level(0, None, 2900.0, 2900.0, 500), *calibration().levels)
    for kit, expected in (("quantum-simply-cellular", "kit_not_interchangeable"), ("quantibrite-pe", None)):
        above = measured(the_reading=reading(pe=2901.0), the_calibration=calibration(kit=kit, levels=levels))
        assert codes(above) == ([expected] if expected else [])
        below = measured(the_reading=reading(pe=2899.0), the_calibration=calibration(kit=kit, levels=levels))
        # without AB/C there is none that could not be compared
        assert (codes(below), below.abc is None) == ((["below_background"], True) if expected else ([], False))


def test_mef_needs_a_stated_conversion():
    assert codes(measured(the_calibration=calibration(kit="mef"))) == ["kit_no_abc"]
    stated = {"mef": {"units_per_pe_molecule": 1.5}}
    one = measured(the_calibration=calibration(kit="mef"), kits=stated)
    assert (codes(one), one.abc) == (["kit_not_interchangeable"], pytest.approx(4000))


def with_isotype(isotype_pe, isotype_id="iso", **changed):
    tubes = [tube(isotype_id=isotype_id), tube("iso", role="isotype")]
    readings = {"s1": reading(), "iso": reading("iso", pe=isotype_pe, **changed)}
    return quantify(study(tubes), readings, {"b1": calibration(kit="qifikit")})


def test_qifikit_subtracts_the_isotype():
    one, iso = with_isotype(500.0)
    assert (one.abc, iso.abc) == (pytest.approx(6000 - 1000), pytest.approx(1000))
    assert one.abc_tight == pytest.approx(6060 - 1000)
    assert codes(one) == ["kit_not_interchangeable"]


def test_qifikit_without_a_usable_isotype_has_no_value():
    one, _ = with_isotype(500.0, findings=(finding("no_monocytes", "x"),))
    assert ("isotype_missing" in codes(one), one.abc) == (True, None)
    (alone,) = quantify(study([tube()]), {"s1": reading()}, {"b1": calibration(kit="qifikit")})
    assert ("isotype_missing" in codes(alone), alone.abc) == (True, None)


def test_an_isotype_no_brighter_than_the_blank_bead_is_subtracted():
    blank = Level(0, None, 600.0, 600.0, 500, 6.0)
    beads = calibration(kit="qifikit")
    beads = replace(beads, levels=(blank, *beads.levels))
    tubes = [tube(isotype_id="iso"), tube("iso", role="isotype")]
    one, iso = quantify(study(tubes), {"s1": reading(), "iso": reading("iso", pe=500.0)}, {"b1": beads})
    assert (one.abc, iso.abc) == (pytest.approx(6000 - 1000), pytest.approx(1000))
    # a stained tube below the blank still has no value
    dim, _ = quantify(study(tubes), {"s1": reading(pe=550.0), "iso": reading("iso", pe=500.0)}, {"b1": beads})
    assert ("below_background" in codes(dim), dim.abc) == (True, None)


def test_an_isotype_as_bright_as_the_tube_leaves_nothing():
    one, _ = with_isotype(3000.0)
    assert ("below_background" in codes(one), one.abc) == (True, None)


def test_pe_that_is_not_positive_has_no_value():
    empty = reading(pe=3000)
    empty = replace(empty, pe={"median": {"main": -5.0, "tight": None, "wide": None}, "geometric_mean": {"main": None}})
    one = measured(the_reading=empty)
    assert (one.status, codes(one), one.abc, one.pe_median) == ("failed", ["below_background"], None, -5.0)


def test_values_on_two_sides_of_a_limit_are_not_rounded_onto_it():
    (found,) = [
        f for f in measured(the_reading=reading(pe=2499.9, mean=2500.1)).findings if f.code == "statistic_sensitive"
    ]
    assert "the median gives 4,999.8 and the geometric mean 5,000.2 AB/C, on different sides of 5,000" in found.sentence


def draw(values, **changed):
    tubes = [tube(f"s{k}", **changed.get(f"s{k}", {})) for k in range(len(values))]
    readings = {t.sample_id: reading(t.sample_id, pe=value / 2) for t, value in zip(tubes, values, strict=True)}
    return [codes(m) for m in quantify(study(tubes), readings, {"b1": calibration()})]


def test_replicates():
    assert draw([5500, 6700]) == [["replicates_disagree"], ["replicates_disagree"]]
    assert draw([5500, 6600]) == [[], []]  # exactly 20 %
    assert draw([5500, 9000], s1={"replaces": "s0"}) == [[], []]
    assert draw([5500, 9000], s1={"day": 2}) == [[], []]
    assert draw([5500, 9000], s1={"role": "control"}) == [[], []]
    assert draw([5500, 9000], s1={"bead_id": None}) == [[], ["calibration_missing"]]


def test_rows_come_in_the_order_of_the_table():
    tubes = [tube("z"), tube("a", role="isotype"), tube("m")]
    readings = {t.sample_id: reading(t.sample_id) for t in tubes}
    made = quantify(study(tubes), readings, {"b1": calibration()})
    assert [m.sample_id for m in made] == ["z", "a", "m"]


def test_json_round_trip():
    one = measured()
    assert Measurement.from_json(one.to_json()) == one
    assert json.loads(one.to_json())["parts_ln"]["repeatability"] == pytest.approx(0.03, abs=1e-4)


def test_ten_thousand_tubes_take_a_moment():
    import time

    tubes = [tube(f"s{k}", patient_id=f"P{k}") for k in range(10_000)]
    readings = {t.sample_id: reading(t.sample_id) for t in tubes[:1]}
    readings = {t.sample_id: readings["s0"] for t in tubes}
    start = time.process_time()
    quantify(study(tubes), readings, {"b1": calibration()})
    assert time.process_time() - start < 6
