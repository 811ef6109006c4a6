"""Bead runs from file to `Calibration`."""

import json
from datetime import datetime

import numpy as np
import pytest

from hladr.calibration import Calibration, calibrate, failed_calibration
from hladr.fcs import Channel, largest_value
from hladr.flags import finding
from hladr.simulate import CYTOMETERS, LOTS, BeadRun, simulate_beads
from hladr.simulate.fcs_write import write_fcs
from hladr.study import BeadRun as StudyBeadRun
from hladr.study import Level
from hladr.study.config import defaults, merge

LOT = LOTS["quantibrite-pe", "96597"]
WHEN = datetime(2024, 3, 1, 9, 30)
LABS = {"canto": "PE-A", "calibur": "FL2-H", "navios": "FL2 INT", "cytoflex": "PE-A", "fortessa": "PE-A"}


def rows(values):
    return [Level(k, value) for k, value in enumerate(values, 1)]


def calibrated(tmp_path, run=None, model="canto", values=LOT, config=None, seed=1, kit="quantibrite-pe", **options):
    path = tmp_path / "beads.fcs"
    write_fcs(path, simulate_beads(run or BeadRun(), CYTOMETERS[model], np.random.default_rng(seed)), WHEN)
    row = StudyBeadRun("b1", "x", None, kit, "96597")
    lab = {"markers": {"HLA-DR": LABS[model]}}
    return calibrate(path, row, rows(values), lab, config or defaults(), **options)[0]


def codes(calibration):
    return {f.code: f.status for f in calibration.findings}


@pytest.mark.parametrize("model", sorted(LABS))
def test_a_clean_run_reads_the_truth(tmp_path, model):
    made = calibrated(tmp_path, model=model)
    assert (made.status, made.n_peaks) == ("ok", 4)
    detector = next(d for d in CYTOMETERS[model].detectors if d.marker == "HLA-DR")
    channel = CYTOMETERS[model].channel_of("HLA-DR")
    for abc in (2000, 5000, 8000, 30_000):
        pe = abc * detector.units_per_molecule
        if channel.decades:  # the file cuts to whole channels
            pe *= 10 ** (-0.5 * channel.decades / channel.range)
        assert made.line.read(pe) == pytest.approx(abc, rel=0.02)
    assert made.slope == pytest.approx(1, abs=0.01)
    assert made.r_squared > 0.999
    assert made.acquired_at == WHEN.isoformat()


def test_the_row_is_the_contracts(tmp_path):
    made = calibrated(tmp_path)
    row = made.row()
    assert row["pe_voltage"] == 480
    assert (row["status"], row["flags"], row["reason"], row["n_peaks"]) == ("ok", "", "", 4)
    # recomputed from the levels as a spreadsheet would
    x = np.log10([level.pe_median for level in made.levels])
    y = np.log10(LOT)
    slope, intercept = np.polyfit(x, y, 1)
    assert (row["slope"], row["intercept"]) == (pytest.approx(slope), pytest.approx(intercept))
    worst = np.abs(10 ** (intercept + slope * x - y) - 1).max()
    assert row["max_recovery_error_percent"] == pytest.approx(100 * worst)


def test_json_round_trip(tmp_path):
    made = calibrated(tmp_path)
    again = Calibration.from_json(made.to_json())
    assert again == made
    assert json.loads(made.to_json())["lines"]["median"]["slope"] == made.slope


def test_both_statistics_are_there_and_the_configuration_chooses(tmp_path):
    config = merge(defaults(), {"quantify": {"statistic": "geometric_mean"}})
    by_mean, by_median = calibrated(tmp_path, config=config), calibrated(tmp_path)
    assert by_mean.lines == by_median.lines
    assert by_mean.slope == by_median.lines["geometric_mean"].slope
    assert by_mean.slope != by_median.slope


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (BeadRun(missing=(1,)), {"peaks_missing": "review"}),
        (BeadRun(missing=(4,)), {"peaks_missing": "review"}),
        (BeadRun(missing=(1, 4)), {"peaks_missing": "failed"}),
        (BeadRun(merged=(2, 3)), {"peaks_merged": "failed"}),
        (BeadRun(offset=300.0), {"offset_suspected": "review"}),
        (BeadRun(drift=0.15), {"signal_drift": "review"}),
        (BeadRun(clump_fraction=0.45), {"bead_clumps": "review"}),
        (BeadRun(n_events=60), {"few_bead_events": "failed"}),
        (BeadRun(n_events=300), {"few_bead_events": "review"}),
        (BeadRun(pe_gain=8.0), {"peaks_missing": "review", "saturated": "review"}),
    ],
)
def test_faults_have_their_code(tmp_path, run, expected):
    found = codes(calibrated(tmp_path, run))
    assert expected.items() <= found.items()


def test_a_level_off_the_scale_is_named(tmp_path):
    made = calibrated(tmp_path, BeadRun(pe_gain=8.0))
    assert "level 4 (67,601)" in made.row()["reason"]
    assert not made.levels[3].used
    assert [level.used for level in made.levels[:3]] == [True] * 3


def test_cells_instead_of_beads(tmp_path):
    from hladr.simulate import Blood, simulate_tube

    path = tmp_path / "tube.fcs"
    write_fcs(path, simulate_tube(Blood(n_events=15_000), CYTOMETERS["canto"], np.random.default_rng(2)), WHEN)
    row = StudyBeadRun("b1", "x", None, "quantibrite-pe", "96597")
    made, _ = calibrate(path, row, rows(LOT), {"markers": {"HLA-DR": "PE-A"}}, defaults())
    assert codes(made)["not_beads"] == "failed"
    # no line through what are no levels
    assert (made.line, made.n_peaks, made.row()["slope"]) == (None, 0, None)


def test_wrong_lot_is_named(tmp_path):
    others = {"96597": rows(LOT), "SIM-A": rows(LOTS["quantibrite-pe", "SIM-A"])}
    run = BeadRun(values=LOTS["quantibrite-pe", "SIM-A"])
    made = calibrated(tmp_path, run, other_lots=others)
    assert codes(made)["lot_suspect"] == "review"
    assert "the values of lot SIM-A fit these beads better than those of lot 96597" in made.row()["reason"]
    # the right lot is not suspected
    assert codes(calibrated(tmp_path, other_lots=others)) == {}


def test_transposed_values_are_named(tmp_path):
    made = calibrated(tmp_path, values=(638.0, 31_008.0, 6930.0, 67_601.0))
    assert codes(made)["levels_transposed"] == "failed"
    assert "levels 2 and 3" in made.row()["reason"]


def test_a_typing_error_in_one_value_is_named_by_the_others(tmp_path):
    made = calibrated(tmp_path, values=(638.0, 6390.0, 31_008.0, 67_601.0))
    assert codes(made).get("recovery_out_of_range") in ("review", "failed")
    assert "level 2 (6,390)" in made.row()["reason"]


def test_unknown_lot_still_shows_its_peaks(tmp_path):
    made = calibrated(tmp_path, values=())
    assert codes(made) == {"lot_unknown": "failed"}
    assert made.line is None
    assert made.row()["slope"] is None


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"slope_fine": [1.02, 1.05], "slope_review": [0.9, 1.1]}, {"slope_out_of_range": "review"}),
        ({"slope_fine": [1.03, 1.05], "slope_review": [1.02, 1.1]}, {"slope_out_of_range": "failed"}),
        ({"recovery_fine_percent": 0.001}, {"recovery_out_of_range": "review"}),
        ({"recovery_fine_percent": 0.001, "recovery_review_percent": 0.002}, {"recovery_out_of_range": "failed"}),
        ({"min_events_fine": 5000}, {"few_bead_events": "review"}),
    ],
)
def test_limits_belong_to_the_kit(tmp_path, limits, expected):
    config = merge(defaults(), {"kits": {"quantibrite-pe": {"limits": limits}}})
    assert codes(calibrated(tmp_path, config=config)) == expected


def test_windows_by_hand_are_used_and_recorded(tmp_path):
    windows = {"b1": {"1": [250, 550], "2": [3200, 5200], "3": [15_000, 22_500], "4": [33_000, 49_000]}}
    made = calibrated(tmp_path, config=merge(defaults(), {"beads": {"windows": windows}}))
    assert codes(made) == {"window_by_hand": "review"}
    assert made.levels[1].window == (3200, 5200)
    assert made.slope == pytest.approx(1, abs=0.02)
    # a window without a bead says so
    empty = windows["b1"] | {"2": [1000, 1010]}
    made = calibrated(tmp_path, config=merge(defaults(), {"beads": {"windows": {"b1": empty}}}))
    assert codes(made) == {"window_by_hand": "review", "peaks_missing": "review"}
    assert "level 2 (6,930) is without a bead in its window" in made.findings[1].sentence
    # another run is not touched
    other = {"b2": windows["b1"]}
    assert codes(calibrated(tmp_path, config=merge(defaults(), {"beads": {"windows": other}}))) == {}


@pytest.mark.parametrize(
    ("bytes_of", "code"),
    [
        (lambda data: data[: len(data) // 2], "truncated_fcs"),
        (lambda data: b"", "unreadable_fcs"),
        (lambda data: b"RTF" + data, "unreadable_fcs"),
    ],
)
def test_file_problems(tmp_path, bytes_of, code):
    path = tmp_path / "beads.fcs"
    write_fcs(path, simulate_beads(BeadRun(n_events=500), CYTOMETERS["canto"], np.random.default_rng(1)), WHEN)
    path.write_bytes(bytes_of(path.read_bytes()))
    row = StudyBeadRun("b1", "x", None, "quantibrite-pe", "96597")
    made, arrays = calibrate(path, row, rows(LOT), {}, defaults())
    assert codes(made) == {code: "failed"}
    assert arrays is None
    assert Calibration.from_json(made.to_json()) == made


def test_no_file(tmp_path):
    row = StudyBeadRun("b1", "x", None, "quantibrite-pe", "96597")
    for path in (None, tmp_path / "absent.fcs"):
        assert codes(calibrate(path, row, rows(LOT), {}, defaults())[0]) == {"missing_file": "failed"}
    assert codes(failed_calibration(row, defaults(), finding("worker_died", "x"))) == {"worker_died": "failed"}


def test_real_fluorospheres(real_data):
    # the kit's sheet: blank; 1,500; 4,400; 14,500; 43,800; 131,200 MEF of PE; slope near 1.04, residuals up to 6 %
    values = (None, 1500.0, 4400.0, 14_500.0, 43_800.0, 131_200.0)
    row = StudyBeadRun("day1", "x", None, "mef", "day1")
    made, arrays = calibrate(
        real_data / "dako_beads_day1.fcs", row, rows(values), {"markers": {"HLA-DR": "PE-A"}}, defaults()
    )
    assert made.n_peaks == 6
    assert made.levels[0].left_out_because == "blank"
    assert made.slope == pytest.approx(1.04, abs=0.02)
    assert made.max_recovery_error_percent < 6
    assert made.status == "ok"
    # beads, not debris: nearly all singlets lie in a peak
    assert made.shares["in_peaks"] > 0.95
    assert arrays.peaks.singlets.sum() == made.n_singlets
    # without a row for the blank in the table the five levels are the same
    without, _ = calibrate(
        real_data / "dako_beads_day1.fcs", row, rows(values)[1:], {"markers": {"HLA-DR": "PE-A"}}, defaults()
    )
    assert (without.slope, without.n_peaks) == (made.slope, 5)


@pytest.mark.parametrize("name", ["gvhd_s10a01.fcs", "gvhd_s10a02.fcs", "gvhd_s10a03.fcs"])
def test_real_cells_are_not_beads(real_data, name):
    row = StudyBeadRun("b1", "x", None, "quantibrite-pe", "96597")
    made, _ = calibrate(real_data / name, row, rows(LOT), {"markers": {"HLA-DR": "FL2-H"}}, defaults())
    assert codes(made)["not_beads"] == "failed"


@pytest.mark.parametrize(
    ("channel", "limit"),
    [
        (Channel("PE-A", "", 262144, 0, 0, None, 500, 32), 262143),
        (Channel("PE-A", "", 1024, 0, 0, 2.0, 500, 16), 511.5),
        (Channel("FL2-H", "", 1024, 4, 1, None, 500, 10), 10 ** (4 * 1023 / 1024)),
        (Channel("PE-A", "", 0, 0, 0, None, 500, 32), np.inf),
    ],
)
def test_upper_limit_of_the_detector(channel, limit):
    assert largest_value(channel, np.array([1.0, 2.0])) == pytest.approx(limit)


def test_a_gain_that_was_not_applied_moves_no_limit():
    channel = Channel("PE-A", "", 1024, 0, 0, 2.0, 500, 16)
    assert largest_value(channel, np.array([1.0, 2.0]), gain_applied=False) == 1023


def test_data_beyond_their_own_range_have_no_known_limit():
    # floats that were expanded before they were written keep $PnR in channels
    assert largest_value(Channel("FL2-H", "", 1024, 0, 0, None, None, 32), np.array([5.0, 9000.0])) == np.inf


def test_a_level_that_reaches_below_zero_has_no_geometric_mean(tmp_path):
    # the dimmest level sinks into the noise: its median is there, its geometric mean is not
    run = BeadRun(pe_gain=0.008)
    by_median = calibrated(tmp_path, run)
    assert by_median.levels[0].used
    assert by_median.levels[0].pe_geometric_mean is None
    by_mean = calibrated(tmp_path, run, config=merge(defaults(), {"quantify": {"statistic": "geometric_mean"}}))
    assert not by_mean.levels[0].used
    assert codes(by_mean)["peaks_missing"] == "review"
    assert "level 1 (638) is partly at or below zero PE" in by_mean.row()["reason"]
    assert by_mean.line is not None
