"""Damaged tables, configurations and workbooks: read and carried to the calls, or refused in plain lines."""

import io
import random
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from hladr import cohort, plan, results, sensitivity
from hladr.phenotype import call_draws
from hladr.quantify import quantify
from hladr.reversal import judge
from hladr.simulate.demo import demo_plan
from hladr.simulate.plan import write_study_tables
from hladr.study import StudyError, load_study
from hladr.study.types import superseded

from .specimens import Outcome, Specimens

SHARE_OF_WHOLE = 0.02  # cases that go on to every table, the spreadsheets and the report
BYTES = [
    *(b"\x00", b'"', b"'", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b",", b";", b"\t", b"=", b"<", b"%s%n", b"\\"),
    *(b"&x", b"*a", b": ", b"{", b"[", b"- ", b"!!python/name:os.system ", b"\xc3", b"\x81", b"9" * 400, b"1e999"),
    *(b".inf", "\u0131".encode(), b"../", b"#REF!", b"sep=;\n", b"\x1b[2J", b"&a [*a,*a]", b"<<: ", b"? ", b"|\n"),
    b"\xc2\x85",
]
CELLS = (
    *("", " ", "=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+1", "-1", "\t=1", "<script>alert(1)</script>", "1e400"),
    *(
        "NaN",
        "-inf",
        "9" * 400,
        "1.234,5",
        "1,234.5",
        "4.420",
        "\u0663",
        "\uff11",
        "2024-02-30",
        "2024-03-01T08:30+99:00",
    ),
    *("#N/A", "true", "../../etc/passwd", "/etc/passwd", "fcs/../../x", "C:\\x", "a\nb", 'a"b', "\u00e9" * 300),
    *("\u200b", "\u202e", "\x07", "1001.0", "con", ".", "..", "%00", "{}", "${HOME}", "__class__", "0", "-0", "1e-320"),
    *("0x1F", "1_000", "\u00bd", ">", "<8", ">=>8"),
)
YAML = (
    "a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n"
    "d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e]\n",
    "study: !!python/object/apply:os.system ['true']\n",
    "[" * 3000,
    "? " * 3000,
    "study: *nobody\n",
    "<<: {contract: 1}\n",
    "contract: 1\ncontract: 2\n",
    "quantify: {min_monocytes: .nan}\n",
    "quantify: {min_monocytes: 1e400}\n",
    "baseline_day: 0o7\n",
    "baseline_day: 190:20:30\n",
    "study: 2001-01-01\n",
    "run: {batch_size: 0}\n",
    "tables: {samples: ../samples.csv}\n",
    "tables: {samples: /etc/passwd}\n",
)


def bytes_damaged(text: bytes, rng: random.Random) -> bytes:
    data = bytearray(text)
    for _ in range(rng.randrange(1, 7)):
        i = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            data[i : i + rng.randrange(1, 20)] = b""
        elif kind == 1:
            data[i:i] = rng.choice(BYTES)
        elif kind == 2 and i < len(data):
            data[i] = rng.randrange(256)
        else:
            j = rng.randrange(len(data) + 1)
            data[i:i] = data[j : j + rng.randrange(40)]
    return bytes(data)


def cell_replaced(text: bytes, rng: random.Random) -> bytes:
    rows = [line.split(",") for line in text.decode().split("\n")]
    for _ in range(rng.randrange(1, 4)):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice(CELLS)
    return "\n".join(",".join(row) for row in rows).encode()


def rows_changed(text: bytes, rng: random.Random) -> bytes:
    """Double, drop, move rows; drop or double a column."""
    rows = [line.split(",") for line in text.decode().split("\n")]
    kind = rng.randrange(5)
    at = rng.randrange(len(rows))
    if kind == 0:
        rows.insert(rng.randrange(len(rows)), list(rows[at]))
    elif kind == 1:
        del rows[at]
    elif kind == 2:
        rng.shuffle(rows)
    else:
        column = rng.randrange(max(len(rows[0]), 1))
        for row in rows:
            if column < len(row):
                row[column : column + 1] = [] if kind == 3 else [row[column]] * 2
    return "\n".join(",".join(row) for row in rows).encode()


def resaved(text: bytes, rng: random.Random) -> bytes:
    """Save it as another program would; the meaning stays, and so must what is read."""
    words = text.decode()
    if rng.random() < 0.4 and ";" not in words and '"' not in words:
        words = words.replace(",", rng.choice([";", "\t"]))
    words = words.replace("\n", rng.choice(["\n", "\r\n"]))
    return words.encode(rng.choice(["utf-8", "utf-8-sig", "utf-16"]))


def yaml_replaced(text: bytes, rng: random.Random) -> bytes:
    extra = rng.choice(YAML).encode()
    return extra if rng.random() < 0.5 else text + b"\n" + extra


MUTATIONS = (bytes_damaged, cell_replaced, rows_changed, resaved)
YAML_MUTATIONS = (bytes_damaged, bytes_damaged, yaml_replaced)


class Tables:
    """The tables of the demo, and a measurement for whatever tube they name."""

    def __init__(self, folder: Path, specimens: Specimens):
        self.folder = folder
        folder.mkdir()
        write_study_tables(folder, demo_plan(1))
        self.whole = load_study(folder)
        self.files = {path: (folder / path).read_bytes() for path in self.whole.files.values() if path}
        self.files = {path: raw for path, raw in self.files.items() if len(raw) > 20}
        self.reading = specimens.readings["T-canto"]
        self.calibration = specimens.calibrations["B-canto"]
        self._carry_on(self.whole, everything=True)  # the imports, once

    def text(self, rng: np.random.Generator) -> Outcome:
        """Damage one table or configuration."""
        chance = random.Random(int(rng.integers(2**60)))
        path = chance.choice(sorted(self.files))
        pool = YAML_MUTATIONS if path.endswith(".yaml") else MUTATIONS
        mutate = chance.choice(pool)
        return self._judged(path, path, mutate(self.files[path], chance), mutate, chance)

    def workbook(self, rng: np.random.Generator) -> Outcome:
        """Damage a table saved as a workbook: its cells, the XML in it, or the archive."""
        chance = random.Random(int(rng.integers(2**60)))
        path = chance.choice(sorted(p for p in self.files if p.endswith(".csv")))
        mutate = chance.choice((workbook_cells, workbook_part, workbook_archive, workbook_resaved))
        return self._judged(
            path, Path(path).with_suffix(".xlsx").name, mutate(self.files[path], chance), mutate, chance
        )

    def _judged(self, path: str, name: str, raw: bytes, mutate, chance) -> Outcome:
        (self.folder / path).unlink()
        (self.folder / name).write_bytes(raw)
        try:
            study = load_study(self.folder)
        except StudyError as error:
            lines = [str(problem) for problem in error.problems]
            odd = [x for x in lines if "found " not in x or "; remedy: " not in x or not x.isprintable()]
            odd += [line for line in lines if str(self.folder) in line]
            if mutate in (resaved, workbook_resaved):
                odd = lines
            find = f"refused in odd words: {odd[0][:300]!r}" if odd else None
            return Outcome(path, (mutate.__name__,), "refused", None, find)
        else:
            same = mutate not in (resaved, workbook_resaved) or _values(study) == _values(self.whole)
            self._carry_on(study, chance.random() < SHARE_OF_WHOLE)
            return Outcome(path, (mutate.__name__,), "read", None, None if same else "read with other values")
        finally:
            (self.folder / name).unlink()
            (self.folder / path).write_bytes(self.files[path])

    def _carry_on(self, study, everything: bool) -> None:
        """Do the later jobs, as if every file had been read: an exception here would end a run."""
        readings = {t.sample_id: replace(self.reading, sample_id=t.sample_id) for t in study.tubes}
        calibrations = {b.bead_id: replace(self.calibration, bead_id=b.bead_id, kit=b.kit) for b in study.bead_runs}
        measurements = quantify(study, readings, calibrations)
        draws = call_draws(study, measurements)
        courses = judge(study, draws)
        sensitivity.rows(study, measurements)
        if any(t.arm for t in study.tubes):
            cohort.rows(study, courses, draws)
        if everything:
            self._jobs(study, readings, calibrations)

    def _jobs(self, study, readings, calibrations) -> None:
        out = self.folder / "results"
        shutil.rmtree(out, ignore_errors=True)
        folders = plan.batch_folders(study, out)
        for kind, values, name in (
            ("tubes", readings, "readings.jsonl"),
            ("beads", calibrations, "calibrations.jsonl"),
        ):
            for folder in folders[kind]:
                (folder / "gates").mkdir(parents=True)
                (folder / "pictures").mkdir()
            lines = [value.to_json() + "\n" for value in values.values()]
            size = study.config["run"]["batch_size"]
            for i, folder in enumerate(folders[kind]):
                (folder / name).write_text("".join(lines[i * size : (i + 1) * size]))
        try:
            results.write_quantification(study, out)
            results.write_calls(study, out)
            if any(t.arm for t in study.tubes):
                results.write_cohort(study, out)
            results.write_report(study, out)
            results.write_exports(any(t.arm for t in study.tubes), out)
            results.write_workbooks(str(study.config["study"]), superseded(study.tubes), out)
        finally:
            shutil.rmtree(out, ignore_errors=True)


def _values(study) -> tuple:
    return study.tubes, study.bead_runs, study.lots, study.ferritin, study.outcomes, study.labs, study.config["study"]


def _workbook(rows: list[list]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append([cell if cell != "" else None for cell in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _rows(text: bytes) -> list[list]:
    import csv

    return [row for row in csv.reader(io.StringIO(text.decode())) if row]


def workbook_resaved(text: bytes, rng: random.Random) -> bytes:
    """Save it as a workbook, all cells text."""
    return _workbook(_rows(text))


def workbook_cells(text: bytes, rng: random.Random) -> bytes:
    """Other types in the cells: numbers, dates, formulas, errors, truth values."""
    import datetime

    rows = _rows(text)
    values = (1001.0, 4.42, True, datetime.datetime(2024, 3, 1, 8, 30), datetime.time(8, 30), 1e300, 2**53 + 1, -1)
    for _ in range(rng.randrange(1, 6)):
        row = rng.choice(rows)
        printable = [cell for cell in CELLS if "\x07" not in cell]
        row[rng.randrange(len(row))] = rng.choice(values if rng.random() < 0.5 else printable)
    return _workbook(rows)


def workbook_part(text: bytes, rng: random.Random) -> bytes:
    """Damage one part of a sound archive, so that it reaches the parser; or add a hostile one."""
    stream = io.BytesIO()
    original = io.BytesIO(_workbook(_rows(text)))
    with zipfile.ZipFile(original) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        parts = old.infolist()
        victim = rng.choice(parts).filename
        for part in parts:
            data = old.read(part)
            new.writestr(part.filename, bytes_damaged(data, rng) if part.filename == victim else data)
        if rng.random() < 0.2:
            bombs = (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', bytes(50_000_000), b"<a>" * 100_000)
            new.writestr(rng.choice(["xl/sharedStrings.xml", "xl/x.xml", "../../x"]), rng.choice(bombs))
    return stream.getvalue()


def workbook_archive(text: bytes, rng: random.Random) -> bytes:
    return bytes_damaged(_workbook(_rows(text)), rng)
