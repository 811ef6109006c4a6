"""Every stored form gives the numbers that were written, and those that FlowKit sees where it can read the file."""

import numpy as np
import pytest
from fcs_builder import build, two_data_sets

from hladr import fcs

NAMES = ["FSC-A", "SSC-A", "PE-A", "Time"]
FLOATS = [[1000.5, 200.25, -3.75, 1.0], [52000.0, 81.5, 4.125, 2.0], [262143.0, 0.5, 1e-3, 3.0], [7.0, 8.0, 9.0, 4.0]]
INTEGERS = [[1000, 200, 3, 1], [52, 81, 4, 2], [1023, 5, 0, 3], [7, 8, 9, 4], [512, 1, 2, 5]]


def write(tmp_path, content):
    path = tmp_path / "tube.fcs"
    path.write_bytes(content)
    return path


def flowkit_events(path, **options):
    from flowkit import Sample

    return Sample(str(path), **options).get_events(source="raw")


@pytest.mark.parametrize("version", ["2.0", "3.0", "3.1", "3.2"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("datatype", ["F", "D"])
def test_floats(tmp_path, version, order, datatype):
    path = write(tmp_path, build(FLOATS, NAMES, version=version, order=order, datatype=datatype))
    read = fcs.read_acquisition(path)
    expected = np.array(FLOATS, {"F": np.float32, "D": np.float64}[datatype])
    assert read.events.dtype == expected.dtype
    np.testing.assert_array_equal(read.events, expected)
    np.testing.assert_array_equal(read.events, flowkit_events(path))
    assert read.notes == ("no_matrix",)
    assert (read.findings, read.damaged, read.n_events) == ((), None, 4)
    assert read.settings.version == version


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16, 24, 32, 40, 64])
def test_integers_of_whole_bytes(tmp_path, order, bits):
    rows = [[value % 256 for value in row] for row in INTEGERS] if bits == 8 else INTEGERS
    ranges = [2**bits if bits == 8 else 1024] * 4
    path = write(tmp_path, build(rows, NAMES, datatype="I", bits=[bits] * 4, order=order, ranges=ranges))
    np.testing.assert_array_equal(fcs.read_acquisition(path).events, rows)
    if bits in (8, 16, 32):
        np.testing.assert_array_equal(flowkit_events(path), rows)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [[10, 10, 10, 10], [12, 10, 7, 3], [16, 12, 4, 24]])
def test_integers_that_do_not_fill_bytes(tmp_path, order, bits):
    # known figures: 40,000 events are more than the decoder takes at once
    generator = np.random.default_rng(5)
    rows = np.column_stack([generator.integers(0, 2**b, 40_000) for b in bits])
    path = write(tmp_path, build(rows, NAMES, datatype="I", bits=bits, order=order, ranges=[2**b for b in bits]))
    np.testing.assert_array_equal(fcs.read_acquisition(path).events, rows)


def test_ten_bits_by_hand(tmp_path):
    # 1000, 200, 3, 1 of 10 bits each: 1111101000 0011001000 0000000011 0000000001
    content = build([[0] * 4], NAMES, datatype="I", bits=[10] * 4, order=">", data=bytes.fromhex("fa0c800c01"))
    np.testing.assert_array_equal(fcs.read_acquisition(write(tmp_path, content)).events, [[1000, 200, 3, 1]])


def test_twenty_four_bits_by_hand(tmp_path):
    data = bytes.fromhex("0003e8 0000c8 000003 000001")
    content = build([[0] * 4], NAMES, datatype="I", bits=[24] * 4, order=">", data=data)
    np.testing.assert_array_equal(fcs.read_acquisition(write(tmp_path, content)).events, [[1000, 200, 3, 1]])


@pytest.mark.parametrize("order", ["<", ">"])
def test_different_widths(tmp_path, order):
    bits = [16, 16, 32, 8]
    ranges = [1024, 1024, 2**32, 256]
    rows = [[1000, 200, 4_000_000_000, 1], [52, 81, 70_000, 2]]
    path = write(tmp_path, build(rows, NAMES, datatype="I", bits=bits, order=order, ranges=ranges))
    np.testing.assert_array_equal(fcs.read_acquisition(path).events, rows)
    np.testing.assert_array_equal(flowkit_events(path), rows)


def test_fcs_3_2_mixes_types(tmp_path):
    kinds, bits = ["I", "F", "D", "I"], [16, 32, 64, 32]
    rows = [[1000, 2.5, -3.125, 70_000], [52, 81.25, 1e-9, 70_001]]
    content = build(
        rows, NAMES, version="3.2", kinds=kinds, bits=bits, datatype="F", ranges=[1024, 262144, 262144, 2**32]
    )
    np.testing.assert_array_equal(fcs.read_acquisition(write(tmp_path, content)).events, rows)


LOG_NAMES = ["FSC-H", "FL1-H", "FL2-H"]


@pytest.mark.parametrize(
    ("scale", "minimum"), [("4,1", 1.0), ("4.0,1.0", 1.0), ("4,0", 1.0), (" 4.0, 0.1024", 0.1024), ("4,0,1,0", 1.0)]
)
def test_log_amplified_integers_are_expanded_once(tmp_path, scale, minimum):
    # FCS 3.1: 10^(decades * channel / range) * minimum; channel 512 of 1024 with four decades is 10^2, 768 is 10^3
    rows = [[100, 0, 512], [200, 256, 768], [300, 1023, 1]]
    path = write(tmp_path, build(rows, LOG_NAMES, datatype="I", scales={"FL1-H": scale, "FL2-H": scale}))
    read = fcs.read_acquisition(path)
    top = 10 ** (4 * 1023 / 1024)
    expected = [[100, minimum, 100 * minimum], [200, 10 * minimum, 1000 * minimum]]
    np.testing.assert_allclose(read.events[:2], expected, rtol=1e-12)
    assert read.events[2, 1] == pytest.approx(top * minimum)
    assert read.channels[1].decades == 4.0
    assert read.channels[1].log_minimum == minimum
    assert read.flowkit_preprocess
    if scale != "4,0,1,0":
        np.testing.assert_array_equal(read.events, flowkit_events(path))


@pytest.mark.parametrize("scale", ["4", "four,one", "-4,1", "4,1,2", "400,1"])
def test_an_amplification_that_cannot_be_understood_is_refused(tmp_path, scale):
    path = write(tmp_path, build(INTEGERS, NAMES, datatype="I", scales={"PE-A": scale}))
    with pytest.raises(fcs.SpecimenError) as problem:
        fcs.read_acquisition(path)
    assert problem.value.code == "unreadable_fcs"
    assert "amplified" in problem.value.sentence


def test_log_numbers_are_flowkits_to_the_last_bit(tmp_path):
    generator = np.random.default_rng(1)
    rows = generator.integers(0, 1024, (5000, 3))
    scales = {"FL1-H": "4,0", "FL2-H": "3.5,0.1"}
    path = write(tmp_path, build(rows, LOG_NAMES, datatype="I", scales=scales, gains={"FL2-H": 4.3}))
    np.testing.assert_array_equal(fcs.read_acquisition(path).events, flowkit_events(path))


def test_floats_that_say_log_are_left_alone(tmp_path):
    path = write(tmp_path, build(FLOATS, NAMES, scales={"PE-A": "4,0"}, gains={"SSC-A": 2.0}))
    read = fcs.read_acquisition(path)
    np.testing.assert_array_equal(read.events, np.array(FLOATS, np.float32))
    assert not read.flowkit_preprocess
    assert "already_linear" in read.notes
    np.testing.assert_array_equal(read.events, flowkit_events(path, preprocess=False))


def test_gain_and_time_step(tmp_path):
    gains = {"SSC-A": 2.0, "PE-A": 8.0, "Time": 0.01}  # the time channel's gain means nothing, as in FlowIO
    path = write(tmp_path, build(FLOATS, NAMES, gains=gains, keywords={"$TIMESTEP": "0.01"}))
    read = fcs.read_acquisition(path)
    stored = np.array(FLOATS, np.float32).astype(float)
    np.testing.assert_array_equal(read.events, stored / [1, 2, 8, 1] * [1, 1, 1, 0.01])
    np.testing.assert_array_equal(read.events, flowkit_events(path))
    assert read.events.dtype == np.float64
    assert [c.gain for c in read.channels] == [None, 2.0, 8.0, 0.01]


@pytest.mark.parametrize("gain", ["0", "1.0", "", "n/a"])
def test_no_gain(tmp_path, gain):
    path = write(tmp_path, build(FLOATS, NAMES, gains={"PE-A": gain}, escape=False))
    np.testing.assert_array_equal(fcs.read_acquisition(path).events, np.array(FLOATS, np.float32))


def test_a_gain_below_zero_is_refused(tmp_path):
    # found by fuzzing: -1 turned CD45 over, and PE of what was gated was 6 % off
    path = write(tmp_path, build(FLOATS, NAMES, gains={"SSC-A": -1}))
    with pytest.raises(fcs.SpecimenError, match="gain below zero") as problem:
        fcs.read_acquisition(path)
    assert problem.value.code == "unreadable_fcs"


@pytest.mark.parametrize("step", ["", " ", "xxxx"])
def test_a_time_step_that_is_not_a_number_changes_nothing(tmp_path, step):
    path = write(tmp_path, build(FLOATS, NAMES, keywords={"$TIMESTEP": step}))
    np.testing.assert_array_equal(fcs.read_acquisition(path).events, np.array(FLOATS, np.float32))


def test_bits_above_the_range_are_masked(tmp_path):
    # channel tags in the high bits, as Beckman writes them: bits 12 to 15 hold the channel's number in every event
    tagged = [[value + (column << 12) for column, value in enumerate(row)] for row in INTEGERS]
    path = write(tmp_path, build(tagged, NAMES, datatype="I"))
    read = fcs.read_acquisition(path)
    np.testing.assert_array_equal(read.events, INTEGERS)
    np.testing.assert_array_equal(read.events, flowkit_events(path))
    assert "high_bits_masked" in read.notes


def test_baseline_offset_bits_are_masked(tmp_path):
    # Navios: bit 15 set, bits 10 to 14 hold other data, different in each event
    rows = [[v | (0x8000 | (17 * i % 32) << 10 if i % 2 else 0) for v in row] for i, row in enumerate(INTEGERS)]
    read = fcs.read_acquisition(write(tmp_path, build(rows, NAMES, datatype="I")))
    np.testing.assert_array_equal(read.events, INTEGERS)


def test_a_range_that_is_no_power_of_two_masks_to_the_next(tmp_path):
    rows = [[999, 200, 3, 1], [1010, 5, 6, 2]]
    path = write(tmp_path, build(rows, NAMES, datatype="I", ranges=[1000] * 4))
    np.testing.assert_array_equal(fcs.read_acquisition(path).events, flowkit_events(path))


def test_a_range_below_the_data_is_refused(tmp_path):
    # 10 bit data that say 256: FlowIO would cut them to 8 bits and rescale PE, in silence
    generator = np.random.default_rng(2)
    rows = generator.integers(0, 1024, (500, 3))
    path = write(tmp_path, build(rows, LOG_NAMES, datatype="I", ranges=[1024, 1024, 256], scales={"FL2-H": "4,1"}))
    with pytest.raises(fcs.SpecimenError, match="range of 256 for FL2-H") as problem:
        fcs.read_acquisition(path)
    assert problem.value.code == "unreadable_fcs"


def test_a_range_far_above_log_data_is_refused(tmp_path):
    # 10 bit data, saturated at 1023, that say 65,536: every value would be expanded to nearly the minimum
    generator = np.random.default_rng(2)
    rows = np.minimum(generator.integers(0, 1100, (500, 3)), 1023)
    path = write(tmp_path, build(rows, LOG_NAMES, datatype="I", ranges=[1024, 65536, 65536], scales={"FL2-H": "4,1"}))
    with pytest.raises(fcs.SpecimenError, match="range of 65536 for FL2-H, but its data end at 1023"):
        fcs.read_acquisition(path)


def test_few_values_beyond_the_range_are_a_finding(tmp_path):
    generator = np.random.default_rng(2)
    rows = generator.integers(0, 1000, (1000, 4))
    rows[3, 2], rows[700, 1] = 5000, 1024
    read = fcs.read_acquisition(write(tmp_path, build(rows, NAMES, datatype="I")))
    assert np.flatnonzero(read.damaged).tolist() == [3, 700]
    assert [(f.code, f.status) for f in read.findings] == [("corrupt_events", "review")]
    assert "of 1000 events 2 exceed the range" in read.findings[0].sentence


def test_beckman_file_with_two_data_sets(tmp_path):
    old_names = ["FS Lin", "SS Lin", "FL2 Log", "FL2 Lin", "FL4 Log"]
    keywords = {
        "$CYT": "Cytomics FC 500",
        "$DATE": "11-Nov-09",
        "$BTIM": "17:15:58",
        "$ETIM": "17:16:45",
        "@CYTOMETERID": "AL24156",
        "$DFC1TO2": "0.0",
        "$DFC2TO4": "28.40",
        "$DFC4TO2": "1.50",
    }
    small = [[value % 1024 for value in [i, 2 * i, 3 * i, 4 * i, 5 * i]] for i in range(1, 51)]
    large = [[i * 1000, i * 2000, i * 3000, i * 500, i] for i in range(1, 51)]

    def first(nextdata):
        return build(
            small,
            old_names,
            version="2.0",
            datatype="I",
            nextdata=nextdata,
            scales={"FL2 Log": "4.0,0.1024"},
            stains={"FL2 Log": "HLA-DR PE", "FL2 Lin": "FL2 Lin", "FL4 Log": "CD14"},
            voltages={"FS Lin": 99, "FL2 Log": 250, "FL4 Log": 363},
            keywords=keywords,
        )

    names = ["FS", "SS", "FL2", "FL4", "TIME"]
    second = build(large, names, version="3.0", datatype="I", bits=[32] * 5, ranges=[1048576] * 4 + [1024])
    path = write(tmp_path, two_data_sets(first, second))
    read = fcs.read_acquisition(path)
    np.testing.assert_array_equal(read.events, large)
    assert [c.name for c in read.channels] == names
    assert [c.stain for c in read.channels] == ["", "", "HLA-DR PE", "CD14", ""]
    assert [c.voltage for c in read.channels] == [99.0, None, 250.0, 363.0, None]
    assert read.settings.cytometer == "Cytomics FC 500"
    assert read.settings.serial == "AL24156"
    assert read.settings.acquired_at.isoformat() == "2009-11-11T17:15:58"
    assert read.settings.duration_seconds == 47.0
    assert read.settings.version == "3.0"
    assert read.spill.detectors == ("FL2", "FL4")
    np.testing.assert_allclose(read.spill.matrix, [[1, 0.284], [0.015, 1]])
    assert "two_data_sets" in read.notes

    from flowkit import read_multi_dataset_fcs

    samples = read_multi_dataset_fcs(str(path))
    np.testing.assert_array_equal(read.events, samples[1].get_events(source="raw"))


def test_beckman_file_whose_next_data_is_wrong(tmp_path):
    # the FCS 3.0 half is found by its magic, also behind a megabyte of protocol
    old = [[i, i, i, i] for i in range(1, 51)]
    new = [[i * 1000, i * 2000, i * 3000, i] for i in range(1, 51)]
    for between in (0, 100, 2**20 - 300, 2**20 + 5):
        first = build(old, NAMES, version="2.0", datatype="I", nextdata=77, tail=b"x" * between)
        second = build(new, NAMES, version="3.0", datatype="I", bits=[32] * 4, ranges=[1048576] * 4)
        read = fcs.read_acquisition(write(tmp_path, first + second))
        np.testing.assert_array_equal(read.events, new)
        assert read.notes == ("two_data_sets", "next_data_invalid", "no_matrix")


def test_several_acquisitions_in_one_file_are_refused(tmp_path):
    def first(nextdata):
        return build(FLOATS, NAMES, nextdata=nextdata)

    path = write(tmp_path, two_data_sets(first, build(FLOATS, NAMES)))
    with pytest.raises(fcs.SpecimenError, match="2 acquisitions") as problem:
        fcs.read_acquisition(path)
    assert problem.value.code == "unreadable_fcs"


def test_a_next_data_set_that_is_not_there_is_noted(tmp_path):
    path = write(tmp_path, build(FLOATS, NAMES, nextdata=100))
    assert "next_data_invalid" in fcs.read_acquisition(path).notes


def test_a_beckman_file_cut_before_its_second_data_set_is_truncated(tmp_path):
    path = write(tmp_path, build(INTEGERS, NAMES, version="2.0", datatype="I", nextdata=123456))
    with pytest.raises(fcs.SpecimenError) as problem:
        fcs.read_acquisition(path)
    assert problem.value.code == "truncated_fcs"


def test_header_alone_says_the_same(tmp_path):
    path = write(tmp_path, build(FLOATS, NAMES, stains={"PE-A": "HLA-DR PE"}, voltages={"PE-A": 480}))
    whole, header = fcs.read_acquisition(path), fcs.read_header(path)
    assert header.channels == whole.channels
    assert header.settings == whole.settings
    assert header.n_events == whole.n_events == 4
    assert header.events.shape == (0, 4)
