"""Every real file is read with the numbers of an independent reader, or refused with the right code."""

import warnings
from pathlib import Path

import fcsparser
import numpy as np
import pytest

from hladr import fcs

PACKAGED = Path(fcsparser.__file__).parent / "tests" / "data" / "FlowCytometers"
MACS = "MiltenyiBiotec"

# file: how FlowIO has to be called to read it (None: it cannot), notes
OF_FCSPARSER = {
    "HTS_BD_LSR-II/HTS_BD_LSR_II_Mixed_Specimen_001_D6_D06.fcs": ({}, ()),
    "FACSCaliburHTS/Sample_Well_A02.fcs": ({}, ("no_matrix",)),
    "Fortessa/FCS_3.0_Fortessa_PBS_Specimen_001_A1_A01.fcs": ({}, ()),
    "cyflow_cube_8/cyflow_cube_8.fcs": ({}, ("no_matrix",)),
    f"{MACS}/FCS2.0/EY_2013-07-19_PBS_FCS_2.0_Custom_Without_Add_Well_A1.001.fcs": ({}, ("no_matrix",)),
    f"{MACS}/FCS3.0/FCS3.0_Custom_Compatible.fcs": ({}, ("no_matrix",)),
    f"{MACS}/FCS3.1/EY_2013-07-19_PBS_FCS_3.1_Custom_Add_Well_A1.001.fcs": (
        {"ignore_offset_error": True},
        ("data_end_off_by_one", "no_matrix"),
    ),
    f"{MACS}/FCS3.1/EY_2013-07-19_PBS_FCS_3.1_Custom_Without_Add_Well_A1.001.fcs": (
        {"ignore_offset_error": True},
        ("data_end_off_by_one", "no_matrix"),
    ),
    f"{MACS}/FCS3.1/EY_2013-07-19_PBS_FCS_3.1_Well_A1.001.fcs": (
        {"ignore_offset_error": True},
        ("data_end_off_by_one", "no_matrix"),
    ),
    f"{MACS}/FCS3.1/SG_2014-09-26_Duplicate_Names.fcs": (
        {"ignore_offset_error": True},
        ("data_end_off_by_one", "no_matrix"),
    ),
    "Cytek_xP5/Cytek_xP5.fcs": (None, ("no_matrix",)),
    "fake_large_fcs/fake_large_fcs.fcs": (None, ()),
}
REFUSED = {"corrupted/corrupted.fcs": "unreadable_fcs", "cytek-nl-2000/sample_header.fcs": "truncated_fcs"}

OF_US = {
    "accuri_c6.fcs": ({}, ()),
    "cytek_24bit.fcs": (None, ("no_matrix",)),
    "dako_beads_day1.fcs": ({}, ("identity_matrix",)),
    "gvhd_s10a01.fcs": ({}, ("no_matrix", "already_linear")),
    "gvhd_s10a02.fcs": ({}, ("no_matrix", "already_linear")),
    "gvhd_s10a03.fcs": ({}, ("no_matrix", "already_linear")),
    "one_event.fcs": ({"ignore_offset_error": True}, ("data_end_off_by_one", "no_matrix")),
    # FlowIO refuses $TIMESTEP that is not a number
    "offset_discrepancy.fcs": (None, ("offsets_disagree", "identity_matrix")),
}


def flowkit_events(path, options, preprocess):
    from flowkit import Sample

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Sample(str(path), preprocess=preprocess, **options).get_events(source="raw")


def check(path, options, notes):
    read = fcs.read_acquisition(path)
    assert read.notes == notes
    assert read.findings == ()
    assert read.n_events == len(read.events) == fcs.read_header(path).n_events
    assert read.events.shape[1] == len(read.channels)
    if options is not None:
        np.testing.assert_array_equal(read.events, flowkit_events(path, options, read.flowkit_preprocess))
    return read


def test_none_is_forgotten():
    there = {str(p.relative_to(PACKAGED)) for p in PACKAGED.rglob("*.fcs")}
    assert there == set(OF_FCSPARSER) | set(REFUSED)


@pytest.mark.parametrize("name", OF_FCSPARSER)
def test_files_that_fcsparser_installs(name):
    check(PACKAGED / name, *OF_FCSPARSER[name])


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_refused(name):
    for read in (fcs.read_acquisition, fcs.read_header):
        with pytest.raises(fcs.SpecimenError) as problem:
            read(PACKAGED / name)
        assert problem.value.code == REFUSED[name]


def test_fcsparser_reads_the_same_where_it_can():
    read_by_both = 0
    for name in OF_FCSPARSER:
        try:
            _, table = fcsparser.parse(str(PACKAGED / name), channel_naming="$PnN", dtype=None)
        except AttributeError:
            continue  # big-endian: fcsparser fails on them under numpy 2
        read = fcs.read_acquisition(PACKAGED / name)
        # fcsparser leaves time as stored
        kept = [i for i, c in enumerate(read.channels) if c.name.lower() != "time"]
        np.testing.assert_array_equal(read.events[:, kept], table.to_numpy()[:, kept])
        read_by_both += 1
    assert read_by_both == 7


def test_header_zero_and_offsets_in_text_is_the_same_file():
    # fake_large_fcs is the Fortessa file with its HEADER offsets blanked
    one, two = (
        PACKAGED / n for n in ("fake_large_fcs/fake_large_fcs.fcs", next(n for n in OF_FCSPARSER if "Fort" in n))
    )
    np.testing.assert_array_equal(fcs.read_acquisition(one).events, fcs.read_acquisition(two).events)


@pytest.mark.parametrize("name", OF_US)
def test_files_of_the_project_data(real_data, name):
    check(real_data / name, *OF_US[name])


def test_all_of_the_project_data(real_data):
    there = {p.name for p in real_data.iterdir() if p.suffix.lower() in (".fcs", ".lmd")}
    assert there == {*OF_US, "fc500_two_data_sets.lmd"}


def test_fc500_gives_its_fcs_3_data_set(real_data):
    from flowkit import read_multi_dataset_fcs

    read = fcs.read_acquisition(real_data / "fc500_two_data_sets.lmd")
    assert read.notes == ("two_data_sets", "high_bits_masked")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        second = read_multi_dataset_fcs(str(real_data / "fc500_two_data_sets.lmd"), ignore_offset_error=True)[1]
    np.testing.assert_array_equal(read.events, second.get_events(source="raw"))
    assert read.settings.acquired_at.isoformat() == "2009-11-11T17:15:58"
    assert (read.settings.cytometer, read.settings.serial) == ("Cytomics FC 500", "AL24156")
    assert [c.voltage for c in read.channels] == [99, 812, 273, 250, 363, None, None, None]
    # the 20 bit numbers are the 10 bit ones of the first data set times 1,024, for the uncompensated scatter
    assert (read.events[:, 0] // 1024 == _first_data_set_forward(real_data)).mean() > 0.95


def _first_data_set_forward(real_data):
    content = (real_data / "fc500_two_data_sets.lmd").read_bytes()
    return np.frombuffer(content, "<u2", 18110 * 8, 8192).reshape(-1, 8)[:, 0]


def test_cytek_24_bits_by_hand(real_data):
    content = (real_data / "cytek_24bit.fcs").read_bytes()
    cells = np.frombuffer(content, np.uint8, 23126 * 24, 4096).reshape(23126, 8, 3).astype(np.int64)
    stored = cells[:, :, 0] * 65536 + cells[:, :, 1] * 256 + cells[:, :, 2]
    read = fcs.read_acquisition(real_data / "cytek_24bit.fcs")
    np.testing.assert_array_equal(read.events[:, 1:3], stored[:, 1:3])  # linear, $PnG 1
    np.testing.assert_allclose(read.events[:, 3:], 10 ** (4 * stored[:, 3:] / 1024), rtol=1e-12)
    np.testing.assert_allclose(read.events[:, 0], stored[:, 0] * 0.001)


def test_offsets_that_disagree(real_data):
    # the file's two events, 25 channels of 16 bits and a time of 32, lie where TEXT says
    path = real_data / "offset_discrepancy.fcs"
    row = np.dtype([("channels", "<u2", 25), ("time", "<u4")])
    stored = np.frombuffer(path.read_bytes(), row, 2, 6081)
    read = fcs.read_acquisition(path)
    assert read.channels[2].name == "FSC LinH"
    np.testing.assert_allclose(read.events[:, 2], stored["channels"][:, 2] / 6.5536)
    np.testing.assert_allclose(read.events[:, 0], 10 ** (4.0 * stored["channels"][:, 0] / 65536))


def test_settings_of_real_files(real_data):
    beads = fcs.read_header(real_data / "dako_beads_day1.fcs")
    assert beads.settings.acquired_at.isoformat() == "2008-01-21T18:59:26"
    assert beads.settings.duration_seconds == 21
    assert (beads.settings.cytometer, beads.settings.serial) == ("LSRII", "1")
    assert {c.name: c.voltage for c in beads.channels}["PE-A"] == 555
    blood = fcs.read_header(real_data / "gvhd_s10a01.fcs")
    assert blood.settings.acquired_at.isoformat() == "2002-08-20T09:51:34"
    # $P4V is not stated: CellQuest's BD$WORD16
    assert {c.name: c.voltage for c in blood.channels}["FL2-H"] == 519
    accuri = fcs.read_header(real_data / "accuri_c6.fcs")
    assert accuri.settings.serial == "R660517590125"
    assert accuri.spill.detectors[:2] == ("FL1-A", "FL2-A")
    assert accuri.spill.matrix[0, 1] == 0.1203
    miltenyi = fcs.read_header(PACKAGED / MACS / "FCS3.1" / "SG_2014-09-26_Duplicate_Names.fcs")
    assert miltenyi.settings.cytometer == "MACSQuant VYB"
    assert miltenyi.settings.acquired_at.isoformat() == "2014-09-26T13:40:19"
