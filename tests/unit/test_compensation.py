"""The matrix of a file or table, and FlowKit's numbers when it is applied."""

import numpy as np
import pytest
from fcs_builder import build

from hladr import fcs
from hladr.fcs import compensation
from hladr.flags import SpecimenError

NAMES = ["FSC-A", "SSC-A", "PE-A", "PerCP-A", "APC-A", "Time"]
MATRIX = "3,PE-A,PerCP-A,APC-A,1,0.2,0.01,0.005,1,0.1,0.002,0.05,1"
ROWS = [[1000, 200, 500, 800, 300, 1], [2000, 250, 50, 8, 3000, 2], [3000, 260, -20, 80.5, 0.25, 3]]


def read(tmp_path, keywords, names=NAMES, rows=ROWS, **options):
    path = tmp_path / "tube.fcs"
    path.write_bytes(build(rows, names, keywords=keywords, **options))
    return fcs.read_acquisition(path)


@pytest.mark.parametrize(
    ("own", "notes"), [(MATRIX, ()), ("none,of,this", ("identity_matrix",)), (None, ("identity_matrix",))]
)
def test_an_identity_gives_way_to_a_matrix_in_another_keyword(tmp_path, own, notes):
    identity = "3,PE-A,PerCP-A,APC-A,1,0,0,0,1,0,0,0,1"
    acquisition = read(tmp_path, {"$SPILLOVER": identity} | ({} if own is None else {"SPILL": own}))
    beside = [0.2, 0.01, 0.005, 0.1, 0.002, 0.05] if own == MATRIX else [0] * 6
    assert list(acquisition.spill.matrix[~np.eye(3, dtype=bool)]) == beside
    assert [n for n in acquisition.notes if "matrix" in n] == list(notes)


@pytest.mark.parametrize("key", ["$SPILLOVER", "SPILL", "$SPILL", "SPILLOVER", "spill"])
def test_from_keywords(tmp_path, key):
    spill = read(tmp_path, {key: MATRIX}).spill
    assert spill.detectors == ("PE-A", "PerCP-A", "APC-A")
    np.testing.assert_array_equal(spill.matrix, [[1, 0.2, 0.01], [0.005, 1, 0.1], [0.002, 0.05, 1]])


@pytest.mark.parametrize(
    "value",
    [
        "3, PE-A, PerCP-A, APC-A, 1, 0.2, 0.01, 0.005, 1, 0.1, 0.002, 0.05, 1",
        "3,3,4,5,1,0.2,0.01,0.005,1,0.1,0.002,0.05,1",  # Navios writes channel numbers
        "3,HLA-DR,PerCP-A,CD45,1,0.2,0.01,0.005,1,0.1,0.002,0.05,1",
        "3,PE-A,PerCP-A,APC-A,100,20,1,0.5,100,10,0.2,5,100",
    ],
)
def test_other_ways_to_write_it(tmp_path, value):
    spill = read(tmp_path, {"$SPILLOVER": value}, stains={"PE-A": "HLA-DR", "APC-A": "CD45"}).spill
    assert spill.detectors == ("PE-A", "PerCP-A", "APC-A")
    np.testing.assert_allclose(spill.matrix, [[1, 0.2, 0.01], [0.005, 1, 0.1], [0.002, 0.05, 1]])


SMALL = np.array([[1, 0.2, 0.01], [0.005, 1, 0.1], [0.002, 0.05, 1]])


def test_comp_of_fcs_3_0(tmp_path):
    def text(matrix):
        return ",".join([str(len(matrix)), *(f"{v:.12f}" for v in np.ravel(matrix))])

    whole = np.eye(6)
    whole[2:5, 2:5] = SMALL
    for matrix in (whole, SMALL, np.linalg.inv(whole)):  # all channels, the fluorescence ones, the inverse
        acquisition = read(tmp_path, {"$COMP": text(matrix)})
        spill, notes = compensation.choose(acquisition, {}, tmp_path)
        assert notes == ()
        chosen = [spill.detectors.index(n) for n in ("PE-A", "PerCP-A", "APC-A")]
        np.testing.assert_allclose(spill.matrix[np.ix_(chosen, chosen)], SMALL, atol=1e-9)
        # FlowKit refuses scatter and time in a matrix
        assert not {"FSC-A", "SSC-A", "Time"} & set(spill.detectors)


def test_a_cytometer_that_compensates_itself(tmp_path):
    acquisition = read(tmp_path, {"$DFC1TO2": "12.5"}, version="2.0")
    assert acquisition.spill is None
    assert "compensated_on_cytometer" in acquisition.notes


@pytest.mark.parametrize(
    ("value", "note"),
    [
        ("3,PE-A,PerCP-A,APC-A,1,0,0,0,1,0,0,0,1", "identity_matrix"),
        ("3,PE-A,PerCP-A,APC-A", "no_matrix"),  # MACSQuant: names without numbers
        ("0", "no_matrix"),
        (None, "no_matrix"),
    ],
)
def test_nothing_to_compensate(tmp_path, value, note):
    acquisition = read(tmp_path, {} if value is None else {"$SPILLOVER": value})
    assert note in acquisition.notes
    assert compensation.choose(acquisition, {}, tmp_path) == (None, (note,))


@pytest.mark.parametrize(
    "value",
    [
        "3,PE-A,PerCP-A,APC-A,1,0.2,0.01",
        "3,PE-A,PerCP-A,APC-A,1,0.2,0.01,0.005,1,0.1,0.002,0.05,one",
        "3,PE-A,PerCP-A,APC-A,1,0.2,0.01,0.005,1,0.1,0.002,nan,1",
        "three,PE-A",
        "2,PE-A,PE-A,1,0.1,0.1,1",
        "2,PE-A,APC-A,1,1,1,1",  # no inverse
        "2,PE-A,APC-A,0,1,1,0",
        "999999999,PE-A",
        "",
    ],
)
def test_a_matrix_that_cannot_be_used_is_refused_only_if_asked_for(tmp_path, value):
    acquisition = read(tmp_path, {"$SPILLOVER": value or ","})
    assert compensation.choose(acquisition, {"compensation": "none"}, tmp_path) == (None, ())
    with pytest.raises(SpecimenError, match="spillover matrix") as problem:
        compensation.choose(acquisition, {}, tmp_path)
    assert problem.value.code == "unreadable_fcs"


@pytest.mark.parametrize(
    ("pe", "percp"), [("Comp-PE-A", "Comp-PerCP-A"), ("PE-A-compensated", "PerCP-A"), ("<PE-A>", "<PerCP-A>")]
)
def test_channels_that_another_program_has_compensated(tmp_path, pe, percp):
    """Found by an outsider: the remedy, other names in labs.yaml, did not help."""
    acquisition = read(tmp_path, {"$SPILLOVER": MATRIX}, ["FSC-A", "SSC-A", pe, percp, "Comp-APC-A", "Time"])
    with pytest.raises(SpecimenError) as problem:
        compensation.choose(acquisition, {}, tmp_path)
    assert problem.value.code == "channel_missing"
    assert problem.value.sentence == (
        f"the file's channels are compensated already ({pe}, where its matrix says PE-A): "
        "write compensation: none in labs.yaml"
    )
    assert compensation.choose(acquisition, {"compensation": "none"}, tmp_path) == (None, ())


def test_a_compensated_copy_beside_its_detector_is_no_problem(tmp_path):
    names = ["FSC-A", "Comp-PE-A", "PE-A", "PerCP-A", "APC-A", "Time"]
    spill, _ = compensation.choose(read(tmp_path, {"$SPILLOVER": MATRIX}, names), {}, tmp_path)
    assert spill.detectors == ("PE-A", "PerCP-A", "APC-A")


def test_what_a_matrix_takes_off_one_detector(tmp_path):
    acquisition = read(tmp_path, {"$SPILLOVER": MATRIX}, voltages={"PerCP-A": 480}, gains={"APC-A": 2})
    taken = compensation.seen_in("PE-A", acquisition.channels, acquisition.spill)
    assert taken == {"PerCP-A": [0.005, 480.0, None], "APC-A": [0.002, None, 2.0]}
    assert compensation.seen_in("FSC-A", acquisition.channels, acquisition.spill) is None
    assert compensation.seen_in("PE-A", acquisition.channels, None) is None


def test_a_damaged_name_of_a_detector_is_not_kept(tmp_path):
    damaged = f"3,PE-A,{'N' * 5000},A\x0cB,1,0.2,0.01,0.005,1,0.1,0.002,0.05,1"
    acquisition = read(tmp_path, {"$SPILLOVER": damaged}, ["FSC-A", "SSC-A", "PE-A", "N" * 5000, "A\x0cB", "Time"])
    assert len(acquisition.spill.detectors) == 3
    assert compensation.seen_in("PE-A", acquisition.channels, acquisition.spill) == {}


def test_a_detector_that_the_file_does_not_have(tmp_path):
    needed = read(tmp_path, {"$SPILLOVER": "2,PE-A,PC7-A,1,0.1,0.1,1"})
    with pytest.raises(SpecimenError, match="PC7-A, which the file does not have") as problem:
        compensation.choose(needed, {}, tmp_path)
    assert problem.value.code == "channel_missing"
    lone = read(tmp_path, {"$SPILLOVER": "3,PE-A,PC7-A,APC-A,1,0,0.1,0,1,0,0.2,0,1"})
    spill, _ = compensation.choose(lone, {}, tmp_path)
    assert spill.detectors == ("PE-A", "APC-A")
    np.testing.assert_array_equal(spill.matrix, [[1, 0.1], [0.2, 1]])


def test_a_detector_that_the_file_has_twice(tmp_path):
    names = ["FSC-A", "SSC-A", "PE-A", "PE-A", "APC-A", "Time"]
    acquisition = read(tmp_path, {"$SPILLOVER": "2,PE-A,APC-A,1,0.1,0.1,1"}, names=names)
    with pytest.raises(SpecimenError, match="PE-A, which the file has twice"):
        compensation.choose(acquisition, {}, tmp_path)


def test_by_hand():
    # 1000 dye molecules' worth of PE seen as 1000 and 200, 500 of PerCP as 2.5 and 500
    spill = fcs.Spillover(("PE-A", "PerCP-A"), np.array([[1, 0.2], [0.005, 1]]))
    channels = [fcs.Channel(n, "", 0, 0, 0, None, None, 32) for n in ("FSC-A", "PerCP-A", "PE-A")]
    events = np.array([[7, 700, 1002.5]])
    np.testing.assert_allclose(compensation.apply(events, channels, spill), [[7, 500, 1000]], rtol=1e-12)
    np.testing.assert_allclose(compensation.apply(events, channels, spill, [2, 0]), [[1000, 7]], rtol=1e-12)
    np.testing.assert_array_equal(compensation.apply(events, channels, None, [1]), [[700]])
    np.testing.assert_array_equal(events, [[7, 700, 1002.5]])


@pytest.mark.parametrize("n", [3, 1000, 300_000])
def test_flowkits_numbers(tmp_path, n):
    from flowkit import Matrix, Sample

    generator = np.random.default_rng(9)
    rows = generator.normal(1000, 700, (n, 6)).astype(np.float32)
    acquisition = read(tmp_path, {"$SPILLOVER": MATRIX}, rows=rows, data=rows.tobytes())
    spill, _ = compensation.choose(acquisition, {}, tmp_path)
    ours = compensation.apply(acquisition.events, acquisition.channels, spill)
    sample = Sample(str(tmp_path / "tube.fcs"), subsample=10)
    theirs = Matrix(spill.matrix, list(spill.detectors)).apply(sample)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(
        compensation.apply(acquisition.events, acquisition.channels, spill, [3, 2]), theirs[:, [3, 2]]
    )


def test_events_that_are_no_numbers_stay_alone():
    spill = fcs.Spillover(("PE-A", "PerCP-A"), np.array([[1, 0.2], [0.005, 1]]))
    channels = [fcs.Channel(n, "", 0, 0, 0, None, None, 32) for n in ("PE-A", "PerCP-A")]
    out = compensation.apply(np.array([[1.0, 2.0], [np.nan, 2.0], [3.0, 4.0]], np.float32), channels, spill)
    assert np.isfinite(out).all(axis=1).tolist() == [True, False, True]


@pytest.mark.parametrize(
    "table",
    [
        "PE-A,PerCP-A\n1,0.2\n0.005,1\n",
        "﻿PE-A,PerCP-A\r\n1,0.2\r\n0.005,1\r\n\r\n",
        "PE-A;PerCP-A\n1;0,2\n0,005;1\n",
        "PE-A\tPerCP-A\n1\t0.2\n0.005\t1",
        ",PE-A,PerCP-A\nPE-A,1,0.2\nPerCP-A,0.005,1\n",
        "PE-A,PerCP-A\nPE-A,1,0.2\nPerCP-A,0.005,1\n",
        '"PE-A","PerCP-A"\n1.0,2e-1\n5e-3,1.0\n',
    ],
)
def test_matrix_table(tmp_path, table):
    (tmp_path / "matrix.csv").write_text(table, encoding="utf-8")
    acquisition = read(tmp_path, {})
    spill, notes = compensation.choose(acquisition, {"compensation": "matrix.csv"}, tmp_path)
    assert (spill.detectors, notes) == (("PE-A", "PerCP-A"), ())
    np.testing.assert_array_equal(spill.matrix, [[1, 0.2], [0.005, 1]])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "no rows"),
        ("PE-A,PerCP-A\n", "no rows"),
        ("PE-A,PerCP-A\n1,0.2\n", "2 columns and 1 rows"),
        ("PE-A,PerCP-A\n1,0.2\n0.005,1\n0,0\n", "2 columns and 3 rows"),
        ("PE-A,PerCP-A\n1,0.2\n0.005\n", "row 2 of the matrix has 1 numbers"),
        ("PE-A,PerCP-A\n1,0.2\n0.005,x\n", "holds 'x', which is not a number"),
        ("PE-A,PerCP-A\n1,0.2\n0.005,nan\n", "holds 'nan'"),
        ("PE-A,PE-A\n1,0.2\n0.005,1\n", "empty or a doubled detector"),
        ("PE-A,PerCP-A\n100,20\n0.5,100\n", "diagonal of the matrix is not 1"),
        ("PE-A,PerCP-A\n1,1\n1,1\n", "has no inverse"),
        (",PE-A,PerCP-A\nPerCP-A,1,0.2\nPE-A,0.005,1\n", "not in the order of its columns"),
    ],
)
def test_matrix_tables_that_are_wrong(tmp_path, table, words):
    path = tmp_path / "matrix.csv"
    path.write_text(table, encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        compensation.read_matrix_csv(path)


def test_matrix_tables_that_are_no_tables(tmp_path):
    path = tmp_path / "matrix.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ValueError, match="UTF-8"):
        compensation.read_matrix_csv(path)
    acquisition = read(tmp_path, {})
    for name in ("matrix.csv", "absent.csv", "."):
        with pytest.raises(SpecimenError, match="matrix of the lab cannot be read"):
            compensation.choose(acquisition, {"compensation": name}, tmp_path)
