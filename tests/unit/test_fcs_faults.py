"""Files that are wrong: resolved and noted where the events are all there, refused with the right code otherwise."""

import gzip
import os
import time
import zipfile

import numpy as np
import pytest
from fcs_builder import build

from hladr import fcs
from hladr.fcs.decode import coherence

NAMES = ["FSC-A", "SSC-A", "PE-A", "Time"]


def rows_of(n, seed=3):
    generator = np.random.default_rng(seed)
    rows = generator.normal([60000, 20000, 500, 0], [9000, 4000, 100, 0], (n, 4))
    rows[:, 3] = np.arange(1, n + 1)
    return rows.astype(np.float32)


ROWS = rows_of(200)


def write(tmp_path, content):
    path = tmp_path / "tube.fcs"
    path.write_bytes(content)
    return path


def refused(path, code):
    for read in (fcs.read_acquisition, fcs.read_header):
        with pytest.raises(fcs.SpecimenError) as problem:
            read(path)
        assert problem.value.code == code
        assert problem.value.sentence
        assert str(path.name) not in problem.value.sentence
    return problem.value.sentence


def same(tmp_path, content, note, rows=ROWS):
    read = fcs.read_acquisition(write(tmp_path, content))
    np.testing.assert_array_equal(read.events, rows)
    assert set(read.notes) <= set(fcs.NOTES)
    assert set(read.notes) - {"no_matrix"} == ({note} if isinstance(note, str) and note else set(note))
    return read


@pytest.mark.parametrize("version", ["2.0", "3.0", "3.1"])
def test_end_given_as_the_byte_behind_the_last(tmp_path, version):
    same(tmp_path, build(ROWS, NAMES, version=version, end_shift=1), "data_end_off_by_one")


def test_end_given_one_byte_early(tmp_path):
    same(tmp_path, build(ROWS, NAMES, end_shift=-1), "data_end_off_by_one")


@pytest.mark.parametrize("shift", [1, -1])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_offsets_off_by_one(tmp_path, shift, order):
    def moved(begin, end):
        return begin + shift, end + shift

    content = build(ROWS, NAMES, order=order, header_data=moved, text_data=moved, pad_before_data=3, tail=b"0" * 8)
    same(tmp_path, content, "data_start_wrong")


def test_both_offsets_off_by_one_at_the_end_of_the_file(tmp_path):
    def moved(begin, end):
        return begin + 1, end + 1

    content = build(ROWS, NAMES, header_data=moved, text_data=moved)
    same(tmp_path, content, "data_start_wrong")
    # with right offsets the same sizes mean that the last byte is missing
    refused(write(tmp_path, build(ROWS, NAMES)[:-1]), "truncated_fcs")
    whole = np.random.default_rng(8).integers(0, 65536, (300, 4))
    content = build(whole, NAMES, datatype="I", ranges=[65536] * 4)
    refused(write(tmp_path, content[:-1]), "truncated_fcs")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("datatype", ["F", "D"])
def test_a_wrong_byte_order_is_not_mended_by_moving_the_start(tmp_path, datatype, order):
    # one byte beside the right place every value has its neighbour's exponent: sizes of a cytometer, but no cells
    wrong = {"<": "4,3,2,1", ">": "1,2,3,4"}[order]
    rows = ROWS - np.array([0, 0, 500, 0], np.float32)  # PE around zero, as a blank bead's
    content = build(rows, NAMES, datatype=datatype, order=order, byteord=wrong, pad_before_data=3, tail=b"0" * 8)
    assert "byte order" in refused(write(tmp_path, content), "unreadable_fcs")
    # with the right order both are the same events
    same(tmp_path, build(rows, NAMES, datatype=datatype, order=order, pad_before_data=3, tail=b"0" * 8), "", rows)


def test_a_wrong_byte_order_where_the_start_cannot_move(tmp_path):
    # the file ends with the events: there is no byte for a start that lies one byte further
    content = build(ROWS, NAMES, order=">", byteord="1,2,3,4")
    with pytest.raises(fcs.SpecimenError, match="are not numbers") as problem:
        fcs.read_acquisition(write(tmp_path, content))
    assert problem.value.code == "corrupt_events"


@pytest.mark.parametrize("order", ["<", ">"])
def test_coherence_of_the_first_two_bytes_by_hand(order):
    # 128 is 43 00 .., 256 is 43 80 .., 512 is 44 00 .., 1024 is 44 80 ..
    together = np.array([128, 128, 1024, 1024], f"{order}f4")  # 43 with 0, 44 with 1: 2 x 4 x ln 2, less 1
    apart = np.array([128, 256, 512, 1024], f"{order}f4")  # every pair once: 0, less 1
    assert coherence([together]) == pytest.approx(8 * np.log(2) - 1)
    assert coherence([apart]) == pytest.approx(-1)
    assert coherence([together, apart]) == pytest.approx(8 * np.log(2) - 2)
    assert coherence([np.full(4, 128, f"{order}f4"), np.arange(4, dtype=f"{order}u2")]) == 0


def test_header_wrong_and_text_right(tmp_path):
    same(tmp_path, build(ROWS, NAMES, header_data=lambda b, e: (b - 100, e)), "offsets_disagree")


def test_text_wrong_and_header_right(tmp_path):
    same(tmp_path, build(ROWS, NAMES, text_data=lambda b, e: (b + 4096, e + 9000)), "offsets_disagree")


def test_header_and_text_differ_and_both_are_long_enough(tmp_path):
    # the segment that HEADER points to lies within the file and has the right length, but holds no events
    content = build(
        ROWS,
        NAMES,
        version="2.0",
        text_data=lambda b, e: (b, e),
        header_data=lambda b, e: (b - 161, e - 161),
        tail=b"\0" * 99,
    )
    same(tmp_path, content, {"offsets_disagree", "data_start_wrong"})


def test_offsets_only_in_text(tmp_path):
    same(tmp_path, build(ROWS, NAMES, header_data=(0, 0)), "")


def test_offsets_only_in_header(tmp_path):
    same(tmp_path, build(ROWS, NAMES, text_data=(0, 0)), "")
    same(tmp_path, build(ROWS, NAMES, drop=()).replace(b"$BEGINDATA", b"$BEGINxATA"), "")


def test_blank_header_offsets(tmp_path):
    content = build(ROWS, NAMES)
    same(tmp_path, content[:26] + b" " * 32 + content[58:], "")


def test_no_offsets_at_all(tmp_path):
    path = write(tmp_path, build(ROWS, NAMES, header_data=(0, 0), text_data=(0, 0)))
    assert "where the events lie" in refused(path, "unreadable_fcs")


def test_end_that_makes_no_sense(tmp_path):
    same(tmp_path, build(ROWS, NAMES, header_data=lambda b, e: (b, 0), text_data=lambda b, e: (b, 0)), "data_end_wrong")


def test_padding_behind_the_events(tmp_path):
    content = build(ROWS, NAMES, data=ROWS.tobytes() + b"\0" * 1234, tot=200)
    same(tmp_path, content, "data_end_wrong")


@pytest.mark.parametrize("tot", [150, 0])
def test_more_events_than_tot_are_read(tmp_path, tot):
    same(tmp_path, build(ROWS, NAMES, tot=tot), "tot_disagrees")


@pytest.mark.parametrize("tot", [201, 250, 10**12])
def test_events_that_tot_promises_and_the_segment_lacks_are_missing(tmp_path, tot):
    refused(write(tmp_path, build(ROWS, NAMES, tot=tot)), "truncated_fcs")
    # what lies behind the segment are no events
    content = build(ROWS, NAMES, tot=tot) + b"\0" * 50_000
    refused(write(tmp_path, content), "truncated_fcs")


def test_missing_tot(tmp_path):
    same(tmp_path, build(ROWS, NAMES, version="2.0", drop=("$TOT",)), "")


@pytest.mark.parametrize("kept", [0.999, 0.9, 0.5, 0.2])
def test_truncated_data(tmp_path, kept):
    content = build(ROWS, NAMES)
    refused(write(tmp_path, content[: int(len(content) * kept)]), "truncated_fcs")


def test_every_length_of_a_short_file(tmp_path):
    # right magic: what is promised is missing; less than a magic: not an FCS file
    content = build(rows_of(1), NAMES)
    for length in range(len(content)):
        path = write(tmp_path, content[:length])
        with pytest.raises(fcs.SpecimenError) as problem:
            fcs.read_acquisition(path)
        assert problem.value.code == ("unreadable_fcs" if length < 6 else "truncated_fcs"), length


@pytest.mark.parametrize("magic", [b"FCX3.1", b"fcs3.1", b"FCS3,1", b"FCS4.0", b"FCS9.9", b"FCSabc", b"\0\0\0\0\0\0"])
@pytest.mark.parametrize("length", [6, 30, 58, 300, None])
def test_wrong_magic_at_any_length(tmp_path, magic, length):
    refused(write(tmp_path, (magic + build(ROWS, NAMES)[6:])[:length]), "unreadable_fcs")


def test_files_of_other_kinds(tmp_path):
    path = tmp_path / "tube.fcs"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tube.fcs", build(ROWS, NAMES))
    refused(path, "unreadable_fcs")
    for content in (
        gzip.compress(build(ROWS, NAMES)),
        b"",
        b"\n",
        b"FSC-A,PE-A\n1,2\n",
        b'<?xml version="1.0"?><Workspace/>',
        b"%PDF-1.7",
        np.random.default_rng(4).bytes(5000),
        b"FCS3.1" + b" " * 5000,
        b"FCS3.1" + np.random.default_rng(4).bytes(5000),
    ):
        refused(write(tmp_path, content), "unreadable_fcs")


def test_no_file_a_folder_a_pipe(tmp_path):
    refused(tmp_path / "absent.fcs", "missing_file")
    refused(tmp_path, "missing_file")
    pipe = tmp_path / "pipe.fcs"
    os.mkfifo(pipe)
    refused(pipe, "missing_file")
    write(tmp_path, b"x")
    refused(tmp_path / "tube.fcs" / "inside.fcs", "missing_file")


NOT_THERE = "there is no file where the table says"


@pytest.fixture
def two_capitals(tmp_path):
    """A folder on a disk that tells capital letters apart."""
    (tmp_path / "Athens").mkdir()
    (tmp_path / "Athens" / "Tube_1.FCS").write_bytes(build(ROWS, NAMES))
    if (tmp_path / "athens").exists():
        pytest.skip("this disk takes capital letters for small ones")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("Athens/tube_1.fcs", True),
        ("athens/Tube_1.FCS", True),
        ("ATHENS/TUBE_1.fcs", True),
        ("Athens/tube_2.fcs", False),
        ("Athens/tube-1.fcs", False),
        ("athens", False),  # a folder is no file
        ("Athens/Tube_1.FCS/tube.fcs", False),
        ("Bonn/Tube_1.FCS", False),
    ],
)
def test_a_path_that_is_wrong_in_its_capitals_only(two_capitals, path, told):
    sentence = refused(two_capitals / path, "missing_file")
    assert sentence.startswith(NOT_THERE)
    assert ("differs only in capital letters" in sentence) == told
    assert "thens" not in sentence
    assert "ube_1" not in sentence


@pytest.mark.parametrize(("path", "told"), [("Athens/Tube_1", True), ("athens/tube_1", True), ("Athens/Tube", False)])
def test_a_path_without_its_ending(two_capitals, path, told):
    sentence = refused(two_capitals / path, "missing_file")
    assert ("one of that name that ends in .fcs" in sentence) == told
    assert "ube_1" not in sentence


def test_a_dead_link_is_not_its_own_other_capitals_and_a_file_that_arrives_is_seen(two_capitals):
    wrong, folder = two_capitals / "Athens" / "tube_9.fcs", two_capitals / "Athens"
    wrong.symlink_to("nowhere.fcs")
    assert refused(wrong, "missing_file") == NOT_THERE
    (folder / "TUBE_9.fcs").write_bytes(b"")
    assert "capital letters" in refused(wrong, "missing_file")


def test_thousands_of_missing_files_list_their_folder_once(two_capitals, monkeypatch):
    listed, plain = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: listed.append(folder) or plain(folder))
    for i in range(100):
        refused(two_capitals / "Athens" / f"tube_{i}0.fcs", "missing_file")
    assert len(listed) == 1


@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_errors_of_the_machine_become_reasons(tmp_path, monkeypatch, error):
    path = write(tmp_path, build(ROWS, NAMES))

    def fail(*arguments, **options):
        raise error("/secret/path")

    monkeypatch.setattr("builtins.open", fail)
    assert "secret" not in refused(path, "unreadable_fcs")


@pytest.mark.parametrize("tot", [0, None])
def test_no_events(tmp_path, tot):
    drop = () if tot == 0 else ("$TOT",)
    refused(write(tmp_path, build([], NAMES, drop=drop)), "no_events")
    refused(write(tmp_path, build([], NAMES, drop=drop, header_data=(0, 0), text_data=(0, 0))), "no_events")


@pytest.mark.parametrize(
    ("keywords", "drop"),
    [
        ({"$PAR": "0"}, ()),
        ({"$PAR": "-4"}, ()),
        ({"$PAR": "four"}, ()),
        ({"$PAR": "999999999"}, ()),
        ({}, ("$PAR",)),
        ({"$DATATYPE": "A"}, ()),
        ({"$DATATYPE": "Q"}, ()),
        ({}, ("$DATATYPE",)),
        ({"$BYTEORD": "3,4,1,2"}, ()),
        ({}, ("$BYTEORD",)),
        ({"$MODE": "C"}, ()),
        ({"$MODE": "U"}, ()),
    ],
)
def test_headers_that_cannot_be_understood(tmp_path, keywords, drop):
    path = write(tmp_path, build(ROWS, NAMES, keywords=keywords, drop=drop))
    with pytest.raises(fcs.SpecimenError) as problem:
        fcs.read_acquisition(path)
    assert problem.value.code == "unreadable_fcs"


@pytest.mark.parametrize("bits", ["0", "65", "", "many"])
def test_widths_that_do_not_exist(tmp_path, bits):
    rows = [[1, 2, 3, 4]]
    path = write(tmp_path, build(rows, NAMES, datatype="I", keywords={"$P2B": bits}))
    refused(path, "unreadable_fcs")


def test_a_header_that_promises_the_world_costs_nothing(tmp_path):
    import tracemalloc

    huge = {"$TOT": "9" * 15, "$BEGINSTEXT": "100", "$ENDSTEXT": "9" * 12}
    path = write(
        tmp_path, build(ROWS, NAMES, keywords=huge, header_data=(9999999, 99999999), text_data=(900, 9999999999))
    )
    tracemalloc.start()
    begun = time.perf_counter()
    with pytest.raises(fcs.SpecimenError):
        fcs.read_acquisition(path)
    assert time.perf_counter() - begun < 1
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_values_that_are_no_numbers(tmp_path, value):
    rows = rows_of(1000)
    rows[500:505, 2] = value
    read = fcs.read_acquisition(write(tmp_path, build(rows, NAMES)))
    assert [(f.code, f.status) for f in read.findings] == [("corrupt_events", "review")]
    assert read.findings[0].sentence == "of 1000 events 5 are not numbers"
    assert np.flatnonzero(read.damaged).tolist() == [500, 501, 502, 503, 504]
    np.testing.assert_array_equal(read.events, rows)  # the file's events, all of them
    rows[500:510, 2] = value  # 1 % is too much
    with pytest.raises(fcs.SpecimenError, match="of 1000 events 10 are not numbers") as problem:
        fcs.read_acquisition(write(tmp_path, build(rows, NAMES)))
    assert problem.value.code == "corrupt_events"


@pytest.mark.parametrize(("lost", "failed"), [(9, False), (10, True), (500, True), (1000, True)])
def test_a_tail_of_zeros(tmp_path, lost, failed):
    rows = rows_of(1000)
    rows[-lost:] = 0
    path = write(tmp_path, build(rows, NAMES))
    if failed:
        with pytest.raises(fcs.SpecimenError, match="zero in every channel") as problem:
            fcs.read_acquisition(path)
        assert problem.value.code == "corrupt_events"
    else:
        read = fcs.read_acquisition(path)
        assert read.findings[0].status == "review"
        assert np.flatnonzero(read.damaged).tolist() == list(range(1000 - lost, 1000))


def test_a_hole_takes_the_events_that_it_cuts(tmp_path):
    rows = rows_of(5000)
    data = bytearray(rows.tobytes())
    data[16 * 700 + 8 : 16 * 720 + 4] = b"\0" * (16 * 20 - 4)
    read = fcs.read_acquisition(write(tmp_path, build(rows, NAMES, data=bytes(data))))
    assert np.flatnonzero(read.damaged).tolist() == list(range(700, 721))


@pytest.mark.parametrize("datatype", ["F", "I"])
@pytest.mark.parametrize(("size", "failed"), [(8, False), (25, False), (100, True), (2500, True)])
def test_a_block_written_twice(tmp_path, datatype, size, failed):
    # 10 bit integers repeat single events by chance: only blocks count
    generator = np.random.default_rng(6)
    rows = rows_of(5000) if datatype == "F" else np.clip(generator.normal(300, 8, (5000, 4)), 0, 1023).astype(int)
    rows[2500 : 2500 + size] = rows[1000 : 1000 + size] if size < 2500 else rows[:2500]
    path = write(tmp_path, build(rows, NAMES, datatype=datatype))
    if failed:
        with pytest.raises(fcs.SpecimenError, match="repeat an earlier block") as problem:
            fcs.read_acquisition(path)
        assert problem.value.code == "corrupt_events"
    else:
        read = fcs.read_acquisition(path)
        assert read.findings[0].sentence == f"of 5000 events {size} repeat an earlier block of events"
        assert np.flatnonzero(read.damaged).tolist() == list(range(2500, 2500 + size))


def test_coarse_data_repeat_by_chance(tmp_path):
    # two channels of 64 levels: nearly every event has an equal one, no block has
    rows = np.random.default_rng(7).integers(1, 65, (20_000, 2))
    read = fcs.read_acquisition(write(tmp_path, build(rows, ["FSC-H", "FL2-H"], datatype="I")))
    assert (read.findings, read.damaged) == ((), None)


def test_the_same_event_stuck(tmp_path):
    rows = rows_of(5000)
    rows[3000:3020] = rows[2999]
    read = fcs.read_acquisition(write(tmp_path, build(rows, NAMES)))
    assert np.flatnonzero(read.damaged).tolist() == list(range(3000, 3020))


def test_duplicate_names_are_noted(tmp_path):
    content = build(ROWS, ["FSC-A", "PE-A", "PE-A", "Time"])
    assert "duplicate_names" in fcs.read_acquisition(write(tmp_path, content)).notes


@pytest.mark.parametrize("stated", [2, 5, 8])
def test_a_header_that_describes_another_number_of_channels_is_refused(tmp_path, stated):
    # 200 rows of 4 values are also 400 of 2, 160 of 5 and 100 of 8: numbers, but no cells
    refused(write(tmp_path, build(ROWS, NAMES, keywords={"$PAR": str(stated)})), "unreadable_fcs")


def test_a_channel_without_a_name_keeps_its_place(tmp_path):
    read = fcs.read_acquisition(write(tmp_path, build(ROWS, NAMES, drop=("$P2N",))))
    assert [c.name for c in read.channels] == ["FSC-A", "P2", "PE-A", "Time"]
    np.testing.assert_array_equal(read.events, ROWS)


@pytest.mark.parametrize("delimiter", ["/", "|", "\\", "*", "\f", "\x1e", "!", "~", "^"])
@pytest.mark.parametrize("comment", ["plain", "with / | \\ * delimiters ~ ! ^ é", "Größe µm²"])
def test_any_delimiter_and_any_text(tmp_path, delimiter, comment):
    content = build(ROWS, NAMES, delimiter=delimiter, keywords={"$COM": comment, "AFTER": "x"})
    np.testing.assert_array_equal(fcs.read_acquisition(write(tmp_path, content)).events, ROWS)


def test_empty_values_that_double_the_delimiter(tmp_path):
    keywords = {"$SRC": "", "$COM": "", "$OP": ""}
    content = build(ROWS, NAMES, keywords=keywords, escape=False)
    np.testing.assert_array_equal(fcs.read_acquisition(write(tmp_path, content)).events, ROWS)


def test_text_end_before_the_last_keywords(tmp_path):
    content = build(ROWS, NAMES)
    end = int(content[18:26]) - 200
    content = content[:18] + f"{end:>8d}".encode() + content[26:]
    read = fcs.read_acquisition(write(tmp_path, content))
    np.testing.assert_array_equal(read.events, ROWS)
    assert "text_end_wrong" in read.notes


def test_supplemental_text_is_read(tmp_path):
    tail = b"/$P3S/HLA-DR PE/$P3V/480/$PAR/99/"
    begin = len(build(ROWS, NAMES))
    keywords = {"$BEGINSTEXT": str(begin).rjust(8, "0"), "$ENDSTEXT": str(begin + len(tail) - 1).rjust(8, "0")}
    shift = len(build(ROWS, NAMES, keywords=keywords)) - begin
    keywords = {k: str(int(v) + shift).rjust(8, "0") for k, v in keywords.items()}
    read = fcs.read_acquisition(write(tmp_path, build(ROWS, NAMES, keywords=keywords, tail=tail)))
    assert (read.channels[2].stain, read.channels[2].voltage) == ("HLA-DR PE", 480.0)
    assert len(read.channels) == 4


def test_flowio_refuses_and_fcsparser_reads(tmp_path, monkeypatch):
    import flowio

    asked = []

    def refuse(*arguments, **options):
        asked.append("flowio")
        raise KeyError("endstext")

    monkeypatch.setattr(flowio, "FlowData", refuse)
    path = write(tmp_path, build(ROWS, NAMES))
    from hladr.fcs import libraries as fcs_libraries

    seen = fcs_libraries._fcsparser_table

    def note(*arguments):
        asked.append("fcsparser")
        return seen(*arguments)

    monkeypatch.setattr(fcs_libraries, "_fcsparser_table", note)
    np.testing.assert_array_equal(fcs.read_acquisition(path).events, ROWS)
    assert asked == ["flowio", "fcsparser"]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("datatype", ["F", "D", "I"])
def test_our_own_decoding_is_the_libraries(tmp_path, monkeypatch, order, datatype):
    rows = ROWS if datatype != "I" else np.random.default_rng(8).integers(0, 65536, (300, 4))
    content = build(rows, NAMES, order=order, datatype=datatype, ranges=[65536] * 4)
    by_library = fcs.read_acquisition(write(tmp_path, content)).events
    monkeypatch.setattr("hladr.fcs.library_table", lambda handle, layout: None)
    np.testing.assert_array_equal(fcs.read_acquisition(tmp_path / "tube.fcs").events, by_library)
