"""How the results are written: tables, formats, dictionary, exports; and what is never in them."""

import csv
import json
import re
import struct
import zipfile
import zlib

import duckdb
import openpyxl
import pyarrow.parquet
import pytest
from contract_specimens import ARMS, SECRETS

COLUMNS = {
    "quantification": """sample_id patient_id day lab bead_id status flags reason n_events n_monocytes monocyte_percent
        pe_median pe_geometric_mean abc abc_low abc_high abc_tight abc_wide abc_source gate_source""",
    "calibrations": """bead_id lab kit lot status flags reason n_peaks slope intercept r_squared
        max_recovery_error_percent pe_voltage""",
    "phenotypes": """patient_id day sample_id status flags ferritin_ng_ml ferritin_low ferritin_high abc abc_low
        abc_high phenotype probability borderline reason""",
    "reversal": "patient_id arm baseline_phenotype n_follow_up evaluable reversal reversal_day rule reason",
    "cohort": """endpoint subgroup arm_a events_a n_a percent_a arm_b events_b n_b percent_b difference_percent
        difference_low difference_high odds_ratio odds_ratio_low odds_ratio_high p_value method""",
}
TABLES = (*COLUMNS, "sensitivity", "drift", "dictionary")


def read(results, name):
    with open(results / f"{name}.csv", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def results(specimens):
    return specimens.folder / "results"


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_begins_with_the_columns_of_the_contract(results, name):
    columns = COLUMNS[name].split()
    with open(results / f"{name}.csv", encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle))
    # reason of phenotypes and reversal are listed elsewhere in the contract's sentence: names count, then the order
    assert set(columns) <= set(header)
    assert header[: len(columns)] == columns or set(header[: len(columns)]) == set(columns)


def test_csv_is_utf8_with_commas_dots_and_true_false_and_no_exponents(results):
    for name in TABLES:
        raw = (results / f"{name}.csv").read_bytes()
        raw.decode("utf-8")
        assert not raw.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in raw
        if name == "dictionary":
            continue
        for row in read(results, name):
            assert None not in row
            for column, value in row.items():
                assert not re.fullmatch(r"[-+]?[\d.]+[eE][-+]?\d+", value), (name, column, value)
                assert value not in ("True", "False", "nan", "NaN", "None", "inf", "-inf", "NA"), (name, column)


def test_measured_values_have_six_significant_digits(results):
    for row in read(results, "quantification"):
        for column in ("pe_median", "pe_geometric_mean", "abc", "abc_low", "abc_high", "monocyte_percent"):
            digits = row[column].replace(".", "").lstrip("0")
            if row[column] and row["abc_source"] == "fcs" and "." in row[column]:
                assert len(digits) >= 6 or float(row[column]) * 4 % 1 == 0, (row["sample_id"], column, row[column])


def test_the_dictionary_has_every_column_of_every_table_and_every_code(results):
    known = {(row["table"], row["column"]) for row in read(results, "dictionary")}
    for path in results.glob("*.csv"):
        with open(path, encoding="utf-8", newline="") as handle:
            header = next(csv.reader(handle))
        assert not {(path.stem, column) for column in header} - known
    codes = {code for name in ("quantification", "calibrations", "phenotypes") for row in read(results, name)
             for code in row["flags"].split(";")}  # fmt: skip
    assert not {("flags", code) for code in codes - {""}} - known


def test_the_database_has_the_csv_tables_one_each(results):
    with duckdb.connect(str(results / "results.duckdb"), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("show tables").fetchall()}
        assert tables == {path.stem for path in results.glob("*.csv")}
        for name in tables - {"dictionary"}:
            count = connection.execute(f'select count(*) from "{name}"').fetchone()[0]
            assert count == len(read(results, name)), name
        low = connection.execute("select count(*) from quantification where abc < 5000").fetchone()[0]
    assert low == sum(1 for row in read(results, "quantification") if row["abc"] and float(row["abc"]) < 5000)


def test_problems_xlsx_names_every_tube_and_bead_run_that_is_not_ok(results):
    sheet = openpyxl.load_workbook(results / "problems.xlsx").worksheets[0]
    named = {str(cell.value) for row in sheet.iter_rows() for cell in row}
    for name, key in (("quantification", "sample_id"), ("calibrations", "bead_id")):
        assert {row[key] for row in read(results, name) if row["status"] != "ok"} <= named


def test_the_first_rows_of_the_cohort_are_reversal_of_all_mals_and_sip(results):
    first = read(results, "cohort")[:3]
    assert [(row["endpoint"], row["subgroup"]) for row in first] == [
        ("reversal", "all"), ("reversal", "MALS"), ("reversal", "SIP")
    ]  # fmt: skip
    baseline = {row["patient_id"]: row for row in read(results, "reversal")}
    counted = [row for row in baseline.values() if row["baseline_phenotype"] in ("MALS", "SIP")]
    assert int(first[0]["n_a"]) + int(first[0]["n_b"]) == len(counted)
    assert [first[0]["arm_a"], first[0]["arm_b"]] != ["", ""]


def test_provenance_holds_checksums_versions_configuration_and_rule_texts(results):
    text = (results / "provenance.json").read_text(encoding="utf-8")
    content = json.loads(text)
    assert content
    for word in ("table2-sustained", "4420", "flowkit", "numpy", "snakemake", "samples.csv"):
        assert word.casefold() in text.casefold(), word


def contents(path):
    """Yield a file's bytes and what is packed in it: workbooks, picture comments, columnar tables, the database."""
    raw = path.read_bytes()
    yield raw
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if path.suffix == ".png":
        at = 8
        while at < len(raw):
            size, kind = struct.unpack(">I4s", raw[at : at + 8])
            if kind == b"zTXt":
                yield zlib.decompress(raw[at + 8 : at + 8 + size].split(b"\0", 1)[1][1:])
            at += 12 + size
    if path.suffix == ".parquet":
        yield repr(pyarrow.parquet.read_table(path).to_pydict()).encode()
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            for (name,) in connection.execute("show tables").fetchall():
                yield repr(connection.execute(f'select * from "{name}"').fetchall()).encode()


def holding(files, words):
    wanted = [word.lower().encode() for word in words]
    return {
        path.name: word
        for path in files
        for part in contents(path)
        for word in wanted
        if word in part.lower() or word in path.name.lower().encode()
    }


def test_no_result_log_or_message_holds_header_text_a_file_name_or_the_studys_place(specimens):
    folder = specimens.folder
    files = [path for place in ("results", "logs") for path in (folder / place).rglob("*") if path.is_file()]
    assert len(files) > 50
    # the last line of a run tells the user where the report is: there, and only there, the folder is named
    assert not holding([*files, folder / "audit.jsonl"], [*SECRETS, str(folder)])
    assert not holding([folder / "said.txt"], SECRETS)


def test_the_arm_is_in_reversal_cohort_and_sensitivity_only(specimens):
    results = specimens.folder / "results"
    named = set(holding([path for path in results.rglob("*") if path.is_file()], ARMS))
    tables = ("reversal", "cohort", "sensitivity")
    allowed = {f"{name}.{kind}" for name in tables for kind in ("csv", "parquet", "html")} | {"results.duckdb"}
    assert {"reversal.csv", "cohort.csv"} <= named
    assert named <= allowed
