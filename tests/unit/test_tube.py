"""One tube from its file to a reading: counts, PE, flags, and every way in which a file can be wrong."""

import copy
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from gating_support import config, f1, lab_of, study_with, tube_of

from hladr.cytometers import veiled
from hladr.flags import status_of
from hladr.gating.leukocytes import is_dark
from hladr.simulate import CYTOMETERS, Blood, simulate_tube
from hladr.simulate.fcs_write import write_fcs
from hladr.specimens import gate_batch
from hladr.tube import TubeReading, read_tube


def read(folder, tube, settings=None, **changes):
    row, lab = study_with(tube, folder)
    return read_tube(folder, {**row, **changes.pop("row", {})}, {**lab, **changes}, settings or config())


def codes(reading, status=None):
    return [f.code for f in reading.findings if status is None or f.status == status]


def changed(section, **values):
    settings = copy.deepcopy(config())
    settings[section] |= values
    return settings


def test_a_good_tube_gives_the_pe_of_its_monocytes(tmp_path):
    tube = tube_of("canto", n_events=30_000)
    reading, arrays = read(tmp_path, tube)
    pe = tube.compensated[:, tube.cytometer.index("PE-A")]
    truth, names = tube.is_monocyte, tube.cytometer.spill_names()
    assert reading.findings == ()
    assert reading.n_events == 30_000
    assert reading.n_monocytes == arrays.masks["monocytes"].sum() == pytest.approx(truth.sum(), rel=0.03)
    assert reading.pe["median"]["main"] == pytest.approx(np.median(pe[truth]), rel=0.02)
    assert reading.pe["geometric_mean"]["main"] == pytest.approx(np.exp(np.log(pe[truth]).mean()), rel=0.03)
    # sd of ln PE: 0.5 between the simulated cells, photon noise on top
    assert reading.pe_sd_ln == pytest.approx(0.5, abs=0.08)
    assert reading.n_tight < reading.n_monocytes < reading.n_wide + 1
    assert 0 < reading.gate_doubt["median"]["sd_ln"] < 0.05
    assert reading.pe_channel["detector"] == "PE-A"
    assert reading.pe_channel["voltage"] == 480
    assert reading.pe_channel["compensated"] is True
    assert reading.pe_channel["spill"]["PerCP-Cy5-5-A"][0] == pytest.approx(
        tube.cytometer.stated_spillover[names.index("PerCP-Cy5-5-A")][names.index("PE-A")], abs=1e-4
    )
    assert reading.cytometer == veiled("FACSCanto II")
    assert reading.acquired_at == "2024-03-04T10:30:00"
    assert sum(reading.pe_histogram["counts"]) == pytest.approx(reading.n_monocytes, abs=3)


@pytest.mark.parametrize(
    ("filled", "by"),
    [("PE", "CD14"), ("CD14", "PE"), ("CD14", "CD45"), ("FITC", "PE"), ("PE", "FSC"), ("PE", "SSC-H")],
)
def test_a_channel_that_holds_anothers_values_is_refused(tmp_path, filled, by):
    """Found by fuzzing: PE filled with another channel gave six times the AB/C, FITC with PE half of it, and ok."""
    tube = simulate_tube(Blood(n_events=8000), CYTOMETERS["fortessa"], np.random.default_rng(3))
    names = {"PE": "PE-A", "CD14": "PerCP-Cy5-5-A", "CD45": "V500-A", "FITC": "FITC-A", "FSC": "FSC-H"}
    tube.events[:, tube.cytometer.index(names[filled])] = tube.events[:, tube.cytometer.index(names.get(by, by))]
    reading, arrays = read(tmp_path, tube)
    assert codes(reading) == ["corrupt_events"]
    assert "hold the same values in every event" in reading.findings[0].sentence
    assert reading.pe == {}
    assert arrays is None


@pytest.mark.parametrize(("height", "area"), [("SSC-H", "SSC-A"), ("FSC-H", "FSC-A")])
def test_a_height_may_repeat_its_area(tmp_path, height, area):
    tube = simulate_tube(Blood(n_events=8000), CYTOMETERS["fortessa"], np.random.default_rng(3))
    index = tube.cytometer.index
    tube.events[:, index(height)] = tube.events[:, index(area)]
    reading, _ = read(tmp_path, tube)
    assert codes(reading) == ["few_monocytes"]


@pytest.mark.parametrize(("value", "expected"), [(310.0, ["corrupt_events"]), (0.0, [])])
def test_a_stuck_detector_of_the_matrix_is_refused_and_one_that_is_off_is_not(tmp_path, value, expected):
    """Found by fuzzing: FITC stuck at one value moved PE by 10 %, through the matrix, and ok."""
    tube = simulate_tube(Blood(n_events=20_000), CYTOMETERS["fortessa"], np.random.default_rng(3))
    tube.events[:, tube.cytometer.index("FITC-A")] = value
    reading, _ = read(tmp_path, tube)
    assert codes(reading) == expected


def test_a_reading_survives_json(tmp_path):
    reading, _ = read(tmp_path, tube_of("calibur", n_events=8000, monocyte_fraction=0.02))
    text = reading.to_json()
    assert "\n" not in text
    assert json.loads(text)["sample_id"] == "S1"
    assert TubeReading.from_json(text) == reading


def test_the_same_file_gives_the_same_reading(tmp_path):
    tube = tube_of("navios", n_events=6000)
    assert read(tmp_path, tube)[0] == read(tmp_path, tube)[0]


def test_damage_of_a_file_is_a_finding(tmp_path):
    row, lab = study_with(tube_of("canto", n_events=3000), tmp_path)
    whole = (tmp_path / "tube.fcs").read_bytes()
    for content, code in (
        (b"", "unreadable_fcs"),
        (b"PK\x03\x04 zip", "unreadable_fcs"),
        (whole[:-5000], "truncated_fcs"),
    ):
        (tmp_path / "bad.fcs").write_bytes(content)
        reading, arrays = read_tube(tmp_path, {**row, "fcs": "bad.fcs"}, lab, config())
        assert codes(reading) == [code]
        assert status_of(reading.findings) == "failed"
        assert arrays is None
    reading, _ = read_tube(tmp_path, {**row, "fcs": "absent.fcs"}, lab, config())
    assert codes(reading) == ["missing_file"]
    reading, _ = read_tube(tmp_path, {**row, "fcs": None}, lab, config())
    assert codes(reading) == ["missing_file"]


def test_a_marker_that_the_file_lacks_is_a_finding_and_what_is_known_stays(tmp_path):
    tube = tube_of("canto", n_events=3000)
    row, lab = study_with(tube, tmp_path)
    reading, _ = read_tube(tmp_path, row, {**lab, "markers": {**lab["markers"], "CD14": "BV421-A"}}, config())
    assert codes(reading) == ["channel_missing"]
    assert reading.n_events == 3000
    assert reading.cytometer == veiled("FACSCanto II")


def test_too_few_monocytes_fail_with_counts_and_pe(tmp_path):
    reading, _ = read(tmp_path, tube_of("canto", n_events=3000, monocyte_fraction=0.03))
    assert codes(reading, "failed") == ["no_monocytes"]
    assert 30 < reading.n_monocytes < 100
    assert reading.pe["median"]["main"] > 0


def test_few_monocytes_are_reviewed(tmp_path):
    reading, _ = read(tmp_path, tube_of("canto", n_events=8000))
    assert codes(reading) == ["few_monocytes"]
    assert f"{reading.n_monocytes} monocytes" in reading.findings[0].sentence


def test_pe_that_drifts_by_half_fails(tmp_path):
    reading, _ = read(tmp_path, tube_of("canto", n_events=30_000, drift={"PE": 0.6}))
    assert codes(reading, "failed") == ["signal_drift"]
    # a rise to 1.6 over the acquisition: medians of the outer fifths at 1.06 and 1.54
    assert reading.pe_last_fifth / reading.pe_first_fifth == pytest.approx(1.54 / 1.06, rel=0.08)


def test_pe_that_drifts_by_a_fifth_is_reviewed(tmp_path):
    reading, _ = read(tmp_path, tube_of("canto", n_events=60_000, drift={"PE": 0.26}))
    assert codes(reading) == ["signal_drift"]
    assert status_of(reading.findings) == "review"


def test_pe_that_rises_and_falls_back_is_reviewed(tmp_path):
    tube = tube_of("canto", n_events=30_000)
    pe, time = (tube.cytometer.index(name) for name in ("PE-A", "Time"))
    middle = np.argsort(tube.events[:, time], kind="stable")[12_000:18_000]
    events = tube.events.copy()
    events[middle, pe] *= 1.8
    reading, _ = read(tmp_path, replace(tube, events=events))
    assert codes(reading, "review") == ["signal_drift"]
    assert "in the third fifth of the acquisition" in reading.findings[0].sentence


def test_cd14_that_fades_is_reviewed(tmp_path):
    reading, _ = read(tmp_path, tube_of("canto", n_events=30_000, drift={"PerCP-Cy5.5": -0.6}))
    assert codes(reading, "review") == ["signal_drift"]
    assert "the monocytes' CD14 differs" in reading.findings[0].sentence


def test_a_clog_is_reviewed_and_removed_only_where_that_is_configured(tmp_path):
    tube = tube_of("canto", n_events=30_000, clog=(0.7, 0.9, 0.6))
    kept, _ = read(tmp_path, tube)
    # the rate and all signals, and so the monocytes' PE, fall where it clogs
    assert set(codes(kept, "review")) == {"signal_drift"}
    assert kept.shares["unstable_time"] == pytest.approx(0.2, abs=0.03)
    removed, arrays = read(tmp_path, tube, changed("quality", remove_unstable_time=True))
    assert "unstable_time_removed" in removed.notes
    assert arrays.gates.gates[0].name == "time"
    # the longest stable stretch is the first 70 %
    assert arrays.masks["time"].sum() == pytest.approx(21_000, rel=0.03)
    assert removed.n_monocytes == pytest.approx(0.7 * kept.n_monocytes, rel=0.1)


def test_a_clog_that_hardly_an_event_passes_is_reviewed(tmp_path):
    # 1.2 % of the events at 6 % of the rate: they take 0.012 / 0.06 / (0.988 + 0.012 / 0.06) = 17 % of the time
    reading, _ = read(tmp_path, tube_of("canto", n_events=30_000, clog=(0.5, 0.512, 0.94)))
    assert "the event rate was unusual in" in ", ".join(f.sentence for f in reading.findings)
    assert (set(codes(reading)), status_of(reading.findings)) == ({"signal_drift"}, "review")


def test_beads_of_the_run_before_are_noticed(tmp_path):
    reading, _ = read(tmp_path, tube_of("canto", n_events=30_000, bead_carry_over=300))
    assert codes(reading) == ["signal_drift"]
    assert "carried over" in reading.findings[0].sentence


def test_saturated_pe_is_reviewed(tmp_path):
    cytometer = CYTOMETERS["canto"].with_gains({"PE": 12.0})
    blood = Blood(n_events=20_000, monocyte_fraction=0.06, abc=30_000.0)
    tube = simulate_tube(blood, cytometer, np.random.default_rng(5))
    reading, _ = read(tmp_path, tube)
    limit = (tube.linear[:, cytometer.index("PE-A")] >= 262143) & tube.is_monocyte
    assert "saturated" in codes(reading, "review")
    assert reading.shares["saturated"] == pytest.approx(limit.sum() / tube.is_monocyte.sum(), abs=0.02)


@pytest.mark.parametrize(("share", "bound"), [(0.4, False), (0.6, True)])
def test_a_median_at_the_limit_is_called_a_lower_bound(tmp_path, share, bound):
    """The detector ends where 40 % or 60 % of the monocytes begin: their median is a value, or the detector's end."""
    tube = tube_of("canto", n_events=20_000)
    place = tube.cytometer.index("PE-A")
    end = np.quantile(tube.events[tube.is_monocyte, place], 1 - share)
    events = tube.events.copy()
    events[:, place] = np.minimum(events[:, place], end)
    reading, _ = read(tmp_path, replace(tube, events=events))
    (said,) = [f.sentence for f in reading.findings if f.code == "saturated"]
    assert said.endswith(", more than half of them: PE and AB/C are lower bounds") is bound
    assert codes(reading, "failed") == []


def test_a_few_monocytes_in_the_last_log_channel_are_at_the_limit(tmp_path):
    """Channel 1023 of 1,024 is 10^(4 x 1023 / 1024), 9,910.5: below 10^4, and nothing can lie above it.

    Measured against 10^4, only a pile of events showed the limit: these eight of 20,000 are none.
    """
    tube = tube_of("calibur", n_events=20_000)
    place, monocytes = tube.cytometer.index("FL2-H"), np.flatnonzero(tube.is_monocyte)
    events = tube.events.copy()
    events[:, place] = np.minimum(events[:, place], 1022)
    events[monocytes[:8], place] = 1023
    reading, arrays = read(tmp_path, replace(tube, events=events))
    at_limit = arrays.masks["monocytes"][monocytes[:8]].sum()
    assert at_limit >= 6
    assert reading.shares["saturated"] == at_limit / reading.n_monocytes


def test_saturated_monocytes_stay_in_the_gate(tmp_path):
    cytometer = CYTOMETERS["canto"].with_gains({"PE": 12.0})
    blood = Blood(n_events=20_000, monocyte_fraction=0.06, abc=30_000.0)
    tube = simulate_tube(blood, cytometer, np.random.default_rng(5))
    _, arrays = read(tmp_path, tube)
    limit = (tube.linear[:, cytometer.index("PE-A")] >= 262143) & tube.is_monocyte
    assert (arrays.masks["monocytes"] & limit).sum() > 0.9 * limit.sum()


@pytest.mark.parametrize("n", [1, 2, 150])
def test_tiny_files_fail_without_a_crash(n, tmp_path):
    tube = tube_of("canto", n_events=3000)
    events = tube.events[:n]
    small = replace(tube, events=events, labels=tube.labels[:n], partners=tube.partners[:n], true_pe=tube.true_pe[:n])
    write_fcs(tmp_path / "tube.fcs", small)
    reading, _ = read_tube(tmp_path, {"sample_id": "S1", "fcs": "tube.fcs"}, lab_of(tube, tmp_path), config())
    assert codes(reading, "failed") == ["no_monocytes"]
    assert reading.n_events == n


def test_sentences_hold_no_path_and_no_header_text(tmp_path):
    row, lab = study_with(tube_of("canto", n_events=3000), tmp_path)
    write_fcs(tmp_path / "tube.fcs", tube_of("canto", n_events=3000), identity=True)
    reading, _ = read_tube(tmp_path, row, lab, config())
    text = reading.to_json()
    for word in ("Papadopoulou", "PAPADOPOULOU", "Georgiou", "14035712345", str(tmp_path), "tube.fcs"):
        assert word not in text


@pytest.mark.parametrize(
    ("error", "reason"), [(KeyError, "not foreseen"), (MemoryError, "it needs more memory than a job has")]
)
def test_a_mistake_of_ours_or_want_of_memory_costs_one_tube_and_says_so(tmp_path, monkeypatch, capfd, error, reason):
    def broken(*arguments):
        raise error(str(tmp_path))

    monkeypatch.setattr("hladr.tube.learn", broken)
    row, lab = study_with(tube_of("canto", n_events=3000), tmp_path)
    rows = [row | {"lab": "x", "override": None}, row | {"sample_id": "S2", "fcs": None, "lab": "x", "override": None}]
    gate_batch(rows, {"x": lab}, changed("run", pictures=False), tmp_path, tmp_path / "out")
    lines = (tmp_path / "out" / "readings.jsonl").read_text().splitlines()
    one, two = map(TubeReading.from_json, lines)
    assert (codes(one, "failed"), codes(two, "failed")) == (["worker_died"], ["missing_file"])
    assert reason in one.findings[0].sentence
    assert str(tmp_path) not in capfd.readouterr().err + lines[0]


def test_cd45_that_was_not_stained_does_not_cut_the_leukocytes(tmp_path):
    """Its detector's noise has a valley somewhere, and half of the monocytes lay beyond it, without a word."""
    tube = tube_of("canto", n_events=30_000)
    events = tube.events.copy()
    at = tube.cytometer.index("APC-A")
    events[:, at] = np.random.default_rng(3).normal(20.0, 60.0, len(events))
    reading, arrays = read(tmp_path, replace(tube, events=events))
    assert codes(reading) == ["gate_uncertain"]
    assert "CD45 is little more than noise" in reading.findings[0].sentence
    assert f1(arrays.masks["monocytes"], tube.is_monocyte) > 0.95
    assert "cd45" not in arrays.values  # the picture would show gates of forward scatter on it


@pytest.mark.parametrize(
    ("stained", "negatives", "dark"),
    [(0, 0.99, True), (0.1, 0.0, False), (0.02, 0.98, False), (1.0, 0.0, False)],
)
def test_cd45_is_dark_where_no_cells_are_bright(stained, negatives, dark):
    """Red cells without CD45 may be nearly all: leukocytes among them are a hundred times their noise."""
    rng = np.random.default_rng(1)
    bright = np.exp(rng.normal(math.log(8000), 0.4, int(20_000 * stained)))
    assert is_dark(np.append(bright, rng.normal(10, 80, int(20_000 * negatives)))) == dark
