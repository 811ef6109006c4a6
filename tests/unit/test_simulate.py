"""The simulator against physics worked by hand, and its files against an independent reader."""

import csv
import struct
from collections import Counter
from dataclasses import replace
from datetime import datetime

import flowio
import numpy as np
import pytest

from hladr.simulate import (
    CYTOMETERS,
    LOTS,
    BeadRun,
    Blood,
    random_blood,
    random_cytometer,
    simulate_beads,
    simulate_tube,
)
from hladr.simulate.cells import composition
from hladr.simulate.demo import demo_plan
from hladr.simulate.detect import Particles, detect
from hladr.simulate.fcs_write import IDENTIFYING, fcs_bytes, write_fcs
from hladr.simulate.populations import CODES, NAMES
from hladr.simulate.study import lean, write_demo, write_study

CANTO = CYTOMETERS["canto"]
MODELS = sorted(CYTOMETERS)
WHEN = datetime(2024, 3, 4, 23, 59, 59)


def rng(seed=1):
    return np.random.default_rng(seed)


def quiet(cytometer):
    """Switch off every noise but that of the photons."""
    return replace(
        cytometer, flow_cv=0.0, height_cv=0.0, detectors=tuple(replace(d, noise_sd=0.0) for d in cytometer.detectors)
    )


def same_particles(n, molecules, joins=(), overlap=()):
    m = n + len(joins)
    return Particles(
        np.ones(m),
        np.ones(m),
        np.tile(np.array(molecules, float), (m, 1)),
        np.zeros(m),
        np.array(joins, int),
        np.array(overlap, float),
    )


# --- physics ---------------------------------------------------------------------------------------------------------


def test_photons_are_poisson():
    # 1,000 PE x 0.15 photoelectrons = 150; 0.6 units per PE = 4 units per photoelectron: mean 600, sd 4 sqrt(150) = 49
    events = detect(same_particles(40_000, (1000, 0, 0)), quiet(CANTO), np.arange(40_000.0), None, rng())
    pe = events[:, CANTO.index("PE-A")]
    assert pe.mean() == pytest.approx(600, rel=0.003)
    assert pe.std() == pytest.approx(48.99, rel=0.02)


def test_bright_photons_are_poisson_too():
    # 100,000 PE: 15,000 photoelectrons, relative sd 1 / sqrt(15,000) = 0.816 %
    events = detect(same_particles(20_000, (100_000, 0, 0)), quiet(CANTO), np.arange(20_000.0), None, rng())
    pe = events[:, CANTO.index("PE-A")]
    assert pe.std() / pe.mean() == pytest.approx(0.00816, rel=0.03)


@pytest.mark.parametrize("model", [m for m in MODELS if CYTOMETERS[m].compensation != "hardware"])
def test_a_dye_is_seen_in_the_other_detectors_as_the_matrix_says(model):
    cytometer = quiet(CYTOMETERS[model])
    events = detect(same_particles(20_000, (50_000, 0, 0)), cytometer, np.arange(20_000.0) / 1e4, None, rng())
    row = [d.marker for d in cytometer.detectors].index("HLA-DR")
    means = np.array([events[:, cytometer.index(name)].mean() for name in cytometer.spill_names()])
    assert means / means[row] == pytest.approx(np.array(cytometer.spillover[row]), rel=0.02, abs=1e-4)


def test_doublets_add_area_and_less_height():
    particles = same_particles(2000, (0, 0, 0), joins=range(1000), overlap=[0.0] * 500 + [0.5] * 500)
    cytometer = replace(quiet(CANTO), height_ratio=1.0)
    events = detect(particles, cytometer, np.arange(2000.0), None, rng())
    area, height = events[:, 0], events[:, 1]
    single = area[1000:].mean()
    assert area[:1000].mean() / single == pytest.approx(2, rel=0.005)
    assert height[:500].mean() / single == pytest.approx(1, rel=0.03)
    assert height[500:1000].mean() / single == pytest.approx(1.5, rel=0.03)


def test_a_ten_bit_log_amplifier_has_256_channels_per_decade():
    calibur = quiet(CYTOMETERS["calibur"])
    unit = calibur.detectors[1].units_per_molecule
    for value, channel in ((100.0, 512), (1000.0, 768), (30_000.0, 1023)):
        bright = replace(calibur, spillover=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))
        bright = replace(bright, stated_spillover=bright.spillover)
        events = detect(same_particles(2000, (value / unit, 0, 0)), bright, np.arange(2000.0) / 100, None, rng())
        found = events[:, calibur.index("FL2-H")]
        assert np.array_equal(found, np.round(found))
        assert np.median(found) == pytest.approx(channel, abs=2)


def test_voltage_moves_gain_by_the_power_law_and_spillover_with_it():
    moved = CANTO.at_voltage("PE", 528.0)  # 480 V x 1.1
    assert moved.detector("PE").units_per_molecule == pytest.approx(0.6 * 1.1**7)
    assert moved.detector("PE").voltage == 528.0
    # twice as bright a PE detector sees half as much of itself elsewhere, relative to its own signal
    assert moved.spillover[0][1] == pytest.approx(CANTO.spillover[0][1] / 1.1**7)
    with pytest.raises(ValueError, match="states no voltage"):
        CYTOMETERS["accuri"].at_voltage("FL2", 500.0)


def test_signals_span_three_decades_between_cytometers():
    units = [next(d.units_per_molecule for d in c.detectors if d.marker == "HLA-DR") for c in CYTOMETERS.values()]
    assert len(units) >= 6
    assert max(units) / min(units) > 900


# --- beads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_beads_lie_on_a_line_of_slope_one(model):
    beads = simulate_beads(BeadRun(), CYTOMETERS[model], rng(3))
    pe = beads.linear[:, beads.cytometer.index(beads.cytometer.channel_of("HLA-DR").name)]
    medians = [np.median(pe[beads.levels == level]) for level in (1, 2, 3, 4)]
    slope, _ = np.polyfit(np.log10(medians), np.log10(LOTS["quantibrite-pe", "96597"]), 1)
    assert slope == pytest.approx(1, abs=0.005)


def test_bead_and_cell_physics_are_the_same():
    tube = simulate_tube(Blood(n_events=200_000, abc=31_008.0), CANTO, rng(5))
    beads = simulate_beads(BeadRun(n_events=50_000), CANTO, rng(6))
    column = CANTO.index("PE-A")
    cells = np.median(tube.compensated[tube.is_monocyte, column])
    third = np.median(beads.linear[beads.levels == 3, column])
    assert cells / third == pytest.approx(1, rel=0.02)


def test_bead_faults():
    assert set(simulate_beads(BeadRun(missing=(1,)), CANTO, rng()).levels) == {-3, -2, -1, 2, 3, 4}
    merged = simulate_beads(BeadRun(merged=(2, 3)), CANTO, rng())
    # the geometric mean of 6,930 and 31,008 is 14,659
    for level in (2, 3):
        assert np.median(merged.true_pe[merged.levels == level]) == pytest.approx(14_659, rel=0.01)
    offset = simulate_beads(BeadRun(offset=300.0), CANTO, rng())
    assert np.median(offset.true_pe[offset.levels == 1]) == pytest.approx(938, rel=0.01)
    bright = simulate_beads(BeadRun(pe_gain=20.0), CANTO, rng())
    assert (bright.events[bright.levels == 4, CANTO.index("PE-A")] == 262_143).all()
    assert bright.cytometer.detector("PE").voltage == 480.0  # the header does not show it
    blank = simulate_beads(BeadRun(LOTS["quantum-mesf", "SIM-M"], background=40.0), CANTO, rng())
    assert np.median(blank.true_pe[blank.levels == 1]) == pytest.approx(40)


# --- blood -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fixed", [{}, {"abc": 900.0, "abc_skew": 0.3}, {"abc": 5000.0, "hladr_cd14_correlation": 0.35}]
)
def test_the_median_monocyte_carries_the_true_abc(fixed):
    tube = simulate_tube(Blood(n_events=400_000, **fixed), CANTO, rng(7))
    pe = tube.true_pe[tube.is_monocyte]
    # the median of n lognormal values of sd 0.5 has a standard error of 1.2533 x 0.5 / sqrt(n)
    assert np.log(np.median(pe) / tube.true_abc) == pytest.approx(0, abs=4 * 1.2533 * 0.5 / np.sqrt(len(pe)))
    assert tube.true_abc == tube.blood.abc


@pytest.mark.parametrize("model", MODELS)
def test_the_measured_median_is_the_true_one(model):
    tube = simulate_tube(Blood(n_events=100_000, abc=8000.0), CYTOMETERS[model], rng(8))
    channel = tube.cytometer.channel_of("HLA-DR")
    pe = np.median(tube.compensated[tube.is_monocyte, tube.cytometer.index(channel.name)])
    molecules = pe / tube.cytometer.detector(channel.source).units_per_molecule
    assert molecules == pytest.approx(np.median(tube.true_pe[tube.is_monocyte]), rel=0.012)


def test_composition_is_what_was_asked_for():
    blood = Blood(n_events=300_000, monocyte_fraction=0.02, debris_fraction=0.3, doublet_fraction=0.05)
    tube = simulate_tube(blood, CANTO, rng(9))
    shares = np.bincount(tube.labels, minlength=len(NAMES)) / len(tube.labels)
    # debris, platelets, red cells and dead cells are of all particles: 0.3 + 0.02 + 0.02 + 0.01
    assert shares[CODES["monocyte"]] == pytest.approx(0.02 * 0.65, abs=0.001)
    assert shares[CODES["debris"]] == pytest.approx(0.3, abs=0.004)
    assert tube.doublets.mean() == pytest.approx(0.05, abs=0.002)
    assert not (tube.is_monocyte & tube.doublets).any()
    with pytest.raises(ValueError, match="sum to more than 1"):
        composition(Blood(lymphocyte_fraction=1.1))


def test_septic_cd14():
    blood = Blood(n_events=200_000, cd14_factor=1 / 6, neutrophil_cd14=1 / 3, heavy_tail=0.0)
    tube = simulate_tube(blood, CANTO, rng(10))
    healthy = simulate_tube(Blood(n_events=200_000), CANTO, rng(10))
    column = CANTO.index("PerCP-Cy5-5-A")

    def cd14(t, name):
        return np.median(t.compensated[(t.labels == CODES[name]) & ~t.doublets, column])

    assert cd14(tube, "monocyte") / cd14(healthy, "monocyte") == pytest.approx(1 / 6, rel=0.1)
    assert cd14(tube, "neutrophil") / cd14(tube, "monocyte") == pytest.approx(1 / 3, rel=0.1)
    # healthy: monocytes 1 to 1.7 decades over neutrophils; CD45 of lymphocytes > monocytes > neutrophils
    assert 10 < cd14(healthy, "monocyte") / cd14(healthy, "neutrophil") < 50
    cd45 = healthy.compensated[:, CANTO.index("APC-A")]
    by_name = [np.median(cd45[healthy.labels == CODES[n]]) for n in ("t_cell", "monocyte", "neutrophil", "debris")]
    assert by_name == sorted(by_name, reverse=True)


def test_what_happens_during_the_acquisition():
    blood = Blood(n_events=100_000, drift={"PE": -0.5}, clog=(0.4, 0.5, 0.8), bead_carry_over=200)
    tube = simulate_tube(blood, CANTO, rng(11))
    assert (tube.labels[:200] == CODES["bead"]).all()
    assert not (tube.labels[200:] == CODES["bead"]).any()
    pe = tube.compensated[:, CANTO.index("PE-A")]
    first, last = (np.median(pe[part][tube.is_monocyte[part]]) for part in (slice(0, 20_000), slice(80_000, None)))
    assert last / first == pytest.approx(0.55 / 0.95, rel=0.05)  # means of the gain 1 - 0.5 x over the fifths
    time = tube.events[:, CANTO.index("Time")]
    assert (time[50_000] - time[40_000]) / (time[40_000] - time[30_000]) == pytest.approx(5, rel=0.1)  # 1 / (1 - 0.8)


def test_a_panel_without_cd45():
    tube = simulate_tube(Blood(n_events=500, cd45=False), CANTO, rng())
    assert tube.cytometer.channel_of("CD45") is None
    assert tube.events.shape == (500, 6)
    assert np.array(tube.cytometer.spillover).shape == (2, 2)


def test_random_patients_and_cytometers_are_usable():
    source = rng(12)
    neutrophils = []
    for _ in range(60):
        cytometer, blood = random_cytometer(source), random_blood(source, n_events=300)
        tube = simulate_tube(blood, cytometer, source)
        assert np.isfinite(tube.events).all()
        neutrophils.append(composition(blood)[CODES["neutrophil"]] / (1 - blood.debris_fraction))
    assert 0.55 < np.median(neutrophils) < 0.9
    assert random_blood(source, abc=1234.0).abc == 1234.0
    with pytest.raises(TypeError, match="no fields"):
        random_blood(source, abz=1)


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [m for m in MODELS if CYTOMETERS[m].bits != 24])
def test_flowio_reads_what_was_written(model, tmp_path):
    tube = simulate_tube(Blood(n_events=3000), CYTOMETERS[model], rng(2))
    path = write_fcs(tmp_path / "tube.fcs", tube, WHEN, identity=True)
    data = flowio.read_multiple_data_sets(str(path))[-1]
    assert np.array_equal(np.reshape(data.events, (-1, data.channel_count)), tube.events)
    names = [data.text[f"p{j}n"] for j in range(1, data.channel_count + 1)]
    assert names == [c.name for c in tube.cytometer.channels]
    assert data.text["op"] == IDENTIFYING["$OP"]
    if not tube.cytometer.bare_second_header:
        assert data.text["cyt"] == tube.cytometer.cyt
        assert data.text["btim"] == "23:59:59"
        assert data.text["etim"].startswith("00:00:0")  # a few seconds later is the next day


def test_twenty_four_bits():
    tube = simulate_tube(Blood(n_events=200), CYTOMETERS["cytek"], rng(2))
    raw = fcs_bytes(tube, WHEN)
    begin = int(raw[26:34])
    octets = np.frombuffer(raw[begin : begin + 200 * 8 * 3], np.uint8).reshape(200, 8, 3).astype(int)
    assert np.array_equal(octets @ [65536, 256, 1], tube.events)


def test_linear_gain_is_written_and_divided_out():
    tube = simulate_tube(Blood(n_events=200), CYTOMETERS["cytek"], rng(2))
    assert tube.cytometer.channels[0].gain == 2.0
    unclipped = tube.events[:, 0] < 2**24 - 1
    assert np.array_equal(tube.linear[unclipped, 0], tube.events[unclipped, 0] / 2)
    assert np.array_equal(tube.linear[:, 2], tube.events[:, 2])


@pytest.mark.parametrize("model", MODELS)
def test_hladr_reads_the_linear_values(model, tmp_path):
    from hladr.fcs import read_acquisition

    tube = simulate_tube(Blood(n_events=2000), CYTOMETERS[model], rng(4))
    found = read_acquisition(write_fcs(tmp_path / "tube.fcs", tube, WHEN, high_bits=tube.cytometer.two_data_sets))
    columns = [j for j, c in enumerate(tube.cytometer.channels) if c.source != "time"]
    assert found.events[:, columns] == pytest.approx(tube.linear[:, columns], rel=1e-6)
    assert found.settings.cytometer == tube.cytometer.cyt
    assert found.settings.acquired_at == WHEN
    volts = tube.cytometer.detector(tube.cytometer.channel_of("HLA-DR").source).voltage
    assert found.channels[tube.cytometer.index(tube.cytometer.channel_of("HLA-DR").name)].voltage == volts


def test_beckmans_first_data_set(tmp_path):
    tube = simulate_tube(Blood(n_events=2000), CYTOMETERS["fc500"], rng(2))
    path = write_fcs(tmp_path / "tube.lmd", tube, WHEN)
    first, second = flowio.read_multiple_data_sets(str(path))
    ten = np.reshape(first.events, (-1, first.channel_count))
    twenty = np.reshape(second.events, (-1, second.channel_count))
    assert np.array_equal(ten[:, 0], twenty[:, 0] // 1024)
    # four decades over 1,024 channels below 2 to the 20: 10 ** (-4) of it is channel 0
    column = tube.cytometer.index("FL2")
    assert 1048576 * 10 ** (4 * (ten[:, column].max() / 1024 - 1)) == pytest.approx(twenty[:, column].max(), rel=0.01)
    assert first.text["cyt"] == "Cytomics FC 500"
    assert "cyt" not in second.text
    words = path.read_bytes()[int(path.read_bytes()[26:34]) :]
    assert struct.unpack("<H", words[:2])[0] >> 10 == 1  # the parameter's number above the ten bits


def test_flowkit_compensates_to_the_same_values(tmp_path):
    import flowkit

    tube = simulate_tube(Blood(n_events=1000), CANTO, rng(2))
    sample = flowkit.Sample(str(write_fcs(tmp_path / "tube.fcs", tube)))
    sample.apply_compensation(sample.metadata["spill"])
    compensated = sample.get_events(source="comp")
    assert compensated[:, 3:6] == pytest.approx(tube.compensated[:, 3:6], rel=1e-3, abs=0.05)


def test_the_same_seed_gives_the_same_bytes():
    def written(seed):
        return fcs_bytes(simulate_tube(Blood(n_events=500), CYTOMETERS["navios"], rng(seed)), WHEN)

    assert written(1) == written(1)
    assert written(1) != written(2)


def test_keywords_can_be_replaced_and_removed(tmp_path):
    tube = simulate_tube(Blood(n_events=100), CANTO, rng())
    path = write_fcs(tmp_path / "a.fcs", tube, keywords={"$P4V": "500", "$CYT": None, "NOTE": "a\x0cb"})
    text = flowio.FlowData(str(path)).text
    assert text["p4v"] == "500"
    assert "cyt" not in text
    assert text["note"] == "a\x0cb"


# --- studies ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return write_demo(tmp_path_factory.mktemp("demo") / "study")


def rows(path):
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_demo_is_a_study_without_mistakes(demo):
    from hladr.study import load_study

    study = load_study(demo)
    assert len(study.labs) >= 3
    assert len({t.patient_id for t in study.tubes if t.role == "patient"}) >= 8
    assert len(study.lots) >= 2


def test_the_demo_shows_every_call_and_what_goes_wrong(demo):
    calls = Counter(row["expected_phenotype"] for row in rows(demo / "truth/phenotypes.csv"))
    assert set(calls) == {"MALS", "SIP", "unclassified", "indeterminate"}
    courses = rows(demo / "truth/reversal.csv")
    assert {row["expected_reversal"] for row in courses} == {"attained", "not_attained", "not_applicable"}
    assert {row["arm"] for row in courses} == {"precision", "placebo"}
    planted = {row["expected_flag"] for row in rows(demo / "truth/tubes.csv")}
    assert planted >= {"truncated_fcs", "missing_file", "settings_mismatch", "no_monocytes", "calibration_missing"}
    # near a limit the truth cannot decide what a measurement says
    for row in rows(demo / "truth/phenotypes.csv"):
        assert all(abs(float(row["true_abc"]) / limit - 1) > 0.1 for limit in (5000, 8000))


def test_the_demos_calls_follow_from_its_numbers():
    # the trial's rule on the numbers of the plan, where the ferritin is a plain number and nothing is planted
    plan = demo_plan()
    planted = {(t.patient_id, t.day) for t in plan.tubes if t.expected_status == "failed"}
    checked = 0
    for call in plan.calls:
        if (call["patient_id"], call["day"]) in planted - {("JEN-002", 4)}:
            continue
        text, unit = next((r[2], r[3]) for r in plan.ferritin if (r[0], r[1]) == (call["patient_id"], call["day"]))
        if not text[:1].isdigit():
            continue
        comma = call["patient_id"].startswith(("ATH", "LEU"))
        number = float(text.replace(".", "").replace(",", ".") if comma else text)
        number /= 2.247 if unit == "pmol/L" else 1
        expected = "MALS" if number > 4420 else "SIP" if call["true_abc"] < 5000 else "unclassified"
        assert call["expected_phenotype"] == expected, call
        checked += 1
    assert checked > 40


def test_the_demos_truncated_file_is_shorter_than_it_promises(demo):
    path = demo / "fcs/leuven/LEU-001-d2.fcs"
    raw = path.read_bytes()
    assert int(raw[34:42]) > len(raw)
    assert not (demo / "fcs/leuven/LEU-003-d4.fcs").exists()


def test_a_study_of_any_size_links_what_repeats(tmp_path):
    folder = write_study(tmp_path, 8, (1, 2), n_events=200, bead_events=200, distinct_patients=4)
    samples = rows(folder / "samples.csv")
    assert len(samples) == 16
    first, twin = (folder / row["fcs"] for row in samples if row["sample_id"] in ("P00001-d1", "P00005-d1"))
    assert first.stat().st_ino == twin.stat().st_ino
    assert len({(folder / row["fcs"]).stat().st_ino for row in samples}) == 8
    truth = {row["sample_id"]: row["true_abc"] for row in rows(folder / "truth/tubes.csv")}
    assert truth["P00001-d2"] == truth["P00005-d2"]
    known = {row["bead_id"] for row in rows(folder / "beads.csv")}
    assert {row["bead_id"] for row in samples} == known


@pytest.mark.parametrize("model", ["canto", "navios", "calibur", "cytoflex"])
def test_lean_cytometers_have_seven_channels(model):
    assert len(lean(CYTOMETERS[model]).channels) == 7
