"""Whatever happens to the bytes of a table: it is read, or refused with plain lines."""

import io
import random
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from study_support import FILES, write_study

from hladr.study import StudyError, load_study

NASTY = [
    *(b"\x00", b'"', b"'", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b",", b";", b"\t", b"=", b"<", b"%s%n", b"\\"),
    *(b"&x", b"*a", b": ", b"{", b"[", b"- ", b"!!python/name:os.system ", b"\xc3", b"\x81", b"9" * 400, b"1e999"),
    *(b".inf", "ı".encode(), b"../", b"#REF!", b"sep=;\n", b"\x1b[2J"),
]


def workbook() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for row in FILES["samples.csv"].splitlines():
        book.active.append([cell or None for cell in row.split(",")])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


WORKBOOK = workbook()


def damaged(raw: bytes, seed: int, cuts: int) -> bytes:
    random_ = random.Random(seed)
    data = bytearray(raw)
    for _ in range(cuts):
        i = random_.randrange(len(data) + 1)
        kind = random_.randrange(4)
        if kind == 0:
            data[i : i + random_.randrange(1, 20)] = b""
        elif kind == 1:
            data[i:i] = random_.choice(NASTY)
        elif kind == 2 and i < len(data):
            data[i] = random_.randrange(256)
        else:
            j = random_.randrange(len(data) + 1)
            data[i:i] = data[j : j + random_.randrange(40)]
    return bytes(data)


def check(name: str, raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        files = {name.replace(".", "_dot_"): raw}
        if name == "samples.xlsx":
            files["samples_dot_csv"] = None
        folder = write_study(Path(place), **files)
        problems = ()
        try:
            load_study(folder)
        except StudyError as error:
            problems = error.problems
        for line in map(str, problems):
            assert "found " in line
            assert "; remedy: " in line
            assert line.isprintable(), line


@settings(max_examples=300)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 2**32), st.integers(1, 6))
@example("samples.csv", 0, 1)
def test_damaged_text_is_read_or_refused(name, seed, cuts):
    check(name, damaged(FILES[name].encode(), seed, cuts))


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_a_damaged_workbook_is_read_or_refused(seed, cuts):
    check("samples.xlsx", damaged(WORKBOOK, seed, cuts))


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_damaged_xml_in_a_whole_workbook_is_read_or_refused(seed, cuts):
    """The archive is sound, so that the damage reaches the parsers of what is in it."""
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WORKBOOK)) as old, zipfile.ZipFile(stream, "w") as new:
        parts = old.infolist()
        victim = random.Random(seed).choice(parts).filename
        for part in parts:
            data = old.read(part)
            new.writestr(part.filename, damaged(data, seed, cuts) if part.filename == victim else data)
    check("samples.xlsx", stream.getvalue())
