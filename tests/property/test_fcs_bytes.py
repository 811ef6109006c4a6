"""Any form that can be written is read back; any bytes are read or refused, never anything else."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hladr import fcs

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from fcs_builder import build

NAMES = ["FSC-A", "SSC-A", "PE-A", "Time"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fcs") / "tube.fcs"


@settings(max_examples=150)
@given(data=st.data())
def test_what_is_written_is_read(path, data):
    d = data.draw(st.integers(1, 6))
    n = data.draw(st.integers(1, 40))
    bits = data.draw(st.lists(st.integers(2, 34), min_size=d, max_size=d))
    if data.draw(st.booleans()):
        bits = [8 * (1 + b % 4) for b in bits]
    order = data.draw(st.sampled_from("<>"))
    rows = [[data.draw(st.integers(0, 2**b - 1)) for b in bits] for _ in range(n)]
    for i, row in enumerate(rows):  # no two alike, none of them zero
        row[0] = row[0] // 2 * 2 + i % 2 or 1
    names = [f"P{i}" for i in range(d)]
    path.write_bytes(build(rows, names, datatype="I", bits=bits, order=order, ranges=[2**b for b in bits]))
    if repeats(rows):
        with pytest.raises(fcs.SpecimenError, match="repeat"):
            fcs.read_acquisition(path)
        return
    np.testing.assert_array_equal(fcs.read_acquisition(path).events, np.array(rows, dtype=float))


def repeats(rows):
    """Tell whether eight events in a row equal the eight that lie some distance before them."""
    n = len(rows)
    return any(
        all(rows[start + i] == rows[start + i - lag] for i in range(8))
        for lag in range(1, n)
        for start in range(lag, n - 7)
    )


GENERATOR = np.random.default_rng(12)
SEEDS = [
    build(GENERATOR.normal(1000, 99, (60, 4)).astype(np.float32), NAMES, order=">", keywords={"$TIMESTEP": "0.01"}),
    build(GENERATOR.integers(1, 1024, (60, 4)), NAMES, version="2.0", datatype="I", scales={"PE-A": "4,0"}),
    build(GENERATOR.integers(1, 1024, (60, 4)), NAMES, datatype="I", bits=[24] * 4, delimiter="|"),
]
PIECES = [
    b"0",
    b"9",
    b"-",
    b" ",
    b"\0",
    b"\xff",
    b"/",
    b"//",
    b"99999999",
    b"1e9",
    b"nan",
    b",",
    b"$PAR",
    b"FCS3.0    ",
    b"",
]


@settings(max_examples=400)
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.sampled_from(PIECES)), min_size=1, max_size=4),
    cut=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_any_damage_is_read_or_refused(path, seed, edits, cut):
    content = bytearray(seed)
    for where, length, piece in edits:
        at = int(where**2 * len(content))  # the header and the keywords more often than the events
        content[at : at + length] = piece
    path.write_bytes(content[: int(cut * len(content))])
    for read in (fcs.read_header, fcs.read_acquisition):
        try:
            acquisition = read(path)
        except fcs.SpecimenError as problem:
            said = problem.sentence.split()
        else:
            said = ["read"] * 4
            assert acquisition.n_events > 0
            assert acquisition.events.shape[1] == len(acquisition.channels)
        assert len(said) > 3


@settings(max_examples=100)
@given(
    content=st.binary(max_size=400),
    magic=st.sampled_from([b"", b"FCS3.1    ", b"FCS2.0    " + b"      58     200" * 3]),
)
def test_any_bytes_are_refused(path, content, magic):
    path.write_bytes(magic + content)
    with pytest.raises(fcs.SpecimenError) as problem:
        fcs.read_acquisition(path)
    assert problem.value.code in ("unreadable_fcs", "truncated_fcs")
