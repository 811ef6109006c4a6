"""Exports: the same values as the CSV tables, with keys and meanings; text stays text in Excel."""

import csv
from pathlib import Path

import pytest

from hladr import exports
from hladr.exports import xlsx as exports_xlsx
from hladr.exports.sheets import Book
from hladr.flags import FLAGS
from hladr.tables import carried_through, columns, dictionary, write_table

TRAPS = ("=1+1", "001", "1001", "+49", "-x", "@SUM(A1)", "1e5", "2024-01-02")


@pytest.fixture
def results(tmp_path):
    tubes = [
        {
            "sample_id": f"S{k}",
            "patient_id": patient,
            "day": 1,
            "lab": "athens",
            "bead_id": "B1",
            "status": "ok",
            "n_events": 30000,
            "abc": 5123.456789,
            "abc_source": "fcs",
        }
        for k, patient in enumerate(TRAPS)
    ]
    tubes[1] |= {"status": "failed", "flags": "truncated_fcs", "reason": "The file ends early.", "abc": None}
    tubes[2] |= {"status": "review", "flags": "few_monocytes", "reason": "500 monocytes were found."}
    run = {"bead_id": "B1", "lab": "athens", "kit": "quantibrite-pe", "lot": "7", "status": "ok", "n_peaks": 4}
    draws = [{"patient_id": p, "day": 1, "sample_id": f"S{k}", "status": "ok"} for k, p in enumerate(TRAPS)]
    draws[3] |= {"status": "review", "flags": "ferritin_implausible", "reason": "It fell.", "borderline": True}
    draws[1] |= {"status": "failed", "flags": "truncated_fcs", "reason": "The file ends early."}
    write_table(tmp_path / "quantification.csv", "quantification", tubes)
    write_table(tmp_path / "calibrations.csv", "calibrations", [run])
    write_table(tmp_path / "phenotypes.csv", "phenotypes", draws)
    courses = [{"patient_id": p, "arm": "placebo", "evaluable": False} for p in TRAPS]
    write_table(tmp_path / "reversal.csv", "reversal", courses)
    return tmp_path


def test_tables_come_back_typed(results):
    rows = exports.read_tables(results)
    assert [row["patient_id"] for row in rows["quantification"]] == list(TRAPS)
    tube = rows["quantification"][0]
    assert (tube["day"], tube["abc"], tube["flags"], tube["abc_low"]) == (1, 5123.45679, None, None)
    assert rows["phenotypes"][3]["borderline"] is True
    assert "cohort" not in rows


ODD = ("true", "NA", "001", "1e5", "nan", "NULL", 'a "b", c', "two\nlines", " spaced ", "old\rnew", "ä")


def test_own_text_arrives_the_same_in_every_export(tmp_path):
    """A lone carriage return, as old Macs end lines, once broke the row, and every export with it."""
    import duckdb
    import pyarrow.parquet as pq

    names, extra = carried_through("reversal", [{"remark": text} for text in ODD])
    rows = [{"patient_id": f"P{k}", "evaluable": True} | more for k, more in enumerate(extra)]
    write_table(tmp_path / "reversal.csv", "reversal", rows, names)
    expected = [text.replace("\r", "\n") for text in ODD]
    assert [row["remark"] for row in exports.read_table(tmp_path / "reversal.csv", "reversal")] == expected
    exports.write_parquet(tmp_path / "parquet", tmp_path)
    assert pq.read_table(tmp_path / "parquet" / "reversal.parquet")["remark"].to_pylist() == expected
    exports.write_duckdb(tmp_path / "results.duckdb", tmp_path)
    with duckdb.connect(str(tmp_path / "results.duckdb")) as connection:
        assert [text for (text,) in connection.execute("SELECT remark FROM reversal").fetchall()] == expected


def test_a_table_without_rows_is_a_table_without_rows(tmp_path):
    import pyarrow.parquet as pq

    write_table(tmp_path / "reversal.csv", "reversal", [])
    exports.write_parquet(tmp_path / "parquet", tmp_path)
    table = pq.read_table(tmp_path / "parquet" / "reversal.parquet")
    assert table.num_rows == 0
    assert table.column_names == list(columns("reversal"))


def test_a_word_where_a_boolean_belongs_is_refused(tmp_path):
    path = tmp_path / "reversal.csv"
    path.write_text("patient_id,evaluable\nP1,yes\n", encoding="utf-8")
    with pytest.raises(ValueError, match="neither true nor false"):
        exports.read_table(path, "reversal")


def test_excel_shows_ids_as_text_and_never_computes(results):
    from openpyxl import load_workbook

    exports_xlsx.write_results_xlsx(results / "results.xlsx", exports.read_tables(results), "=HYPERLINK(1)")
    book = load_workbook(results / "results.xlsx")
    sheet = book["quantification"]
    found = {cell.value: cell for cell in sheet["B"][1:]}
    assert set(found) == set(TRAPS)
    assert {cell.data_type for cell in found.values()} == {"s"}
    assert {cell.number_format for cell in found.values()} == {"@"}
    assert all(found[text].quotePrefix for text in ("=1+1", "+49", "-x", "@SUM(A1)"))
    assert book["about"]["B1"].data_type == "s"
    assert sheet.freeze_panes == "B2"  # head and id stay in sight
    assert sheet.auto_filter.ref == f"A1:{sheet.cell(1, sheet.max_column).column_letter}{len(TRAPS) + 1}"


def test_wrapped_text_has_room_for_its_lines(tmp_path):
    from openpyxl import load_workbook

    rows = [{"what": "short", "why": "one two three four five six"}, {"what": "a word", "why": ""}]
    book = Book("study")
    book.sheet("problems", ["what", "why"], rows, widths={"what": 20, "why": 10}, wrap=True)
    book.save(tmp_path / "book.xlsx")
    sheet = load_workbook(tmp_path / "book.xlsx")["problems"]
    # "one two", "three four", "five six" at 15 points a line; a height that every line has is not written
    assert [sheet.row_dimensions[row].height for row in (2, 3)] == [45, None]


def test_a_column_has_one_number_of_digits(tmp_path):
    from openpyxl import load_workbook

    rows = [
        {"sample_id": "a", "abc": 3910.30568, "percent": 7.19161908, "voltage": 480.0, "value": 0.00123, "odd": None},
        {"sample_id": "b", "abc": 912.4, "percent": 12.5, "voltage": 510.0, "value": 1682.59965, "odd": 0.0},
    ]
    book = Book("study")
    book.sheet("tubes", list(rows[0]), rows)
    book.save(tmp_path / "book.xlsx")
    sheet = load_workbook(tmp_path / "book.xlsx")["tubes"]
    shown = [[cell.number_format for cell in sheet[column][1:]] for column in "BCDE"]
    assert shown == [["#,##0"] * 2, ["#,##0.00"] * 2, ["#,##0"] * 2, ["#,##0.0000", "#,##0"]]
    assert sheet["B2"].value == 3910.30568


def test_about_names_what_is_in_the_workbook(results):
    from openpyxl import load_workbook

    exports_xlsx.write_results_xlsx(results / "results.xlsx", exports.read_tables(results))
    book = load_workbook(results / "results.xlsx")
    about = {row[0].value: row[1].value for row in book["about"].iter_rows()}
    assert about["what this is"] == "The tables quantification, calibrations, phenotypes and reversal, a sheet each."
    assert book.sheetnames == ["about", "quantification", "calibrations", "phenotypes", "reversal", "dictionary"]


def test_the_treatment_arm_is_not_in_the_workbooks(results):
    from openpyxl import load_workbook

    tables = exports.read_tables(results)
    exports_xlsx.write_results_xlsx(results / "results.xlsx", tables)
    exports_xlsx.write_problems_xlsx(results / "problems.xlsx", tables)
    for name in ("results.xlsx", "problems.xlsx"):
        cells = [c.value for sheet in load_workbook(results / name) for row in sheet.iter_rows() for c in row]
        assert "placebo" not in cells
        assert "arm" not in cells


def test_problems_say_what_where_why_and_what_to_do(results):
    rows = exports_xlsx.problem_rows(exports.read_tables(results))
    assert [(r["status"], r["kind"], r["id"]) for r in rows] == [
        ("failed", "tube", "S1"),
        ("review", "tube", "S2"),
        ("review", "blood draw", f"{TRAPS[3]} day 1"),
    ]
    assert rows[0]["why"] == "The file ends early."
    assert rows[0]["what"] == FLAGS["truncated_fcs"].meaning
    assert rows[0]["what to do"] == FLAGS["truncated_fcs"].remedy
    assert rows[0]["answer of the laboratory"] is None


def waiting_for_ferritin(status="ok"):
    """Two tubes, the first replaced by the second; one draw without ferritin, one with a range, one that is called."""
    tubes = [
        {"sample_id": "A", "patient_id": "P1", "day": 1, "lab": "athens", "status": "failed", "flags": "no_events"},
        {"sample_id": "B", "patient_id": "P1", "day": 1, "lab": "athens", "status": status, "flags": None},
    ]
    draw = {"status": "ok", "flags": None, "ferritin_ng_ml": None, "ferritin_low": None, "ferritin_high": None}
    draws = [
        draw | {"patient_id": "P1", "day": 1, "phenotype": "indeterminate", "reason": "Indeterminate: no ferritin"},
        draw | {"patient_id": "P2", "day": 4, "phenotype": "indeterminate", "ferritin_low": 2e3, "reason": "a range"},
        draw | {"patient_id": "P3", "day": 1, "phenotype": "MALS", "ferritin_low": 7.5e3, "reason": "MALS"},
    ]  # fmt: skip
    return {"quantification": tubes, "calibrations": [], "phenotypes": draws}


def test_the_list_of_what_to_fix_has_missing_ferritin_and_ends_with_what_is_done():
    rows = exports_xlsx.problem_rows(waiting_for_ferritin(), {"A": "B"})
    assert [(row["status"], row["kind"], row["id"], row["what to do"]) for row in rows] == [
        ("no call", "blood draw", "P1 day 1", "Ask for the value, and enter it in ferritin.csv."),
        (
            "no call",
            "blood draw",
            "P2 day 4",
            "Ask the laboratory to dilute the sample and measure ferritin again.",
        ),
        ("replaced", "tube", "A", "Nothing: B replaces it."),
    ]
    assert rows[0]["why"] == "Indeterminate: no ferritin"
    # the laboratory to ask is that of the day's tube; P2 has none on day 4
    assert [row["lab"] for row in rows] == ["athens", None, "athens"]


def test_a_draw_takes_its_laboratory_from_the_tube_of_its_day():
    tables = waiting_for_ferritin()
    tables["quantification"] += [
        {"sample_id": "C", "patient_id": "P2", "day": 1, "lab": "bonn", "status": "ok", "flags": None},
        {"sample_id": "D", "patient_id": "P2", "day": 4, "lab": "jena", "status": "ok", "flags": None},
    ]
    tables["phenotypes"][1] |= {"status": "review", "flags": "ferritin_implausible"}
    labs = {(row["id"], row["status"]): row["lab"] for row in exports_xlsx.problem_rows(tables, {"A": "B"})}
    assert labs["P2 day 4", "no call"] == "jena"
    assert labs["P2 day 4", "review"] == "jena"


def test_missing_ferritin_alone_makes_no_workbook(tmp_path):
    """The contract has problems.xlsx where a status is not ok, and such a draw is; the report lists it."""
    tables = waiting_for_ferritin()
    del tables["quantification"][0]
    assert exports_xlsx.write_problems_xlsx(tmp_path / "problems.xlsx", tables) is False
    assert list(tmp_path.iterdir()) == []


def test_no_problems_no_workbook(results):
    path = results / "problems.xlsx"
    path.write_bytes(b"an old one")
    fine = {"quantification": [], "calibrations": [], "phenotypes": []}
    assert exports_xlsx.write_problems_xlsx(path, fine) is False
    assert not path.exists()


def test_workbooks_of_equal_tables_are_equal_bytes(results):
    tables = exports.read_tables(results)
    written = []
    for name in ("a.xlsx", "b.xlsx"):
        exports_xlsx.write_results_xlsx(results / name, tables, "study")
        written.append((results / name).read_bytes())
    assert written[0] == written[1]


def test_control_characters_do_not_stop_excel(results):
    from openpyxl import load_workbook

    tables = exports.read_tables(results)
    tables["quantification"][1]["reason"] = "bad \x01 sign"
    exports_xlsx.write_problems_xlsx(results / "problems.xlsx", tables)
    assert load_workbook(results / "problems.xlsx")["problems"]["H2"].value == "Bad  sign"


def test_dictionary_explains_every_column_and_code(results):
    exports.write_dictionary(results / "dictionary.csv", results)
    with open(results / "dictionary.csv", encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    named = {(row["table"], row["column"]) for row in rows}
    for path in results.glob("*.csv"):
        if path.stem != "dictionary":
            header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
            assert {(path.stem, column) for column in header} <= named
    assert {("flags", code) for code in FLAGS} <= named
    assert all(row["meaning"] for row in rows)


def test_duckdb_has_types_keys_and_comments(results):
    import duckdb

    exports.write_duckdb(results / "results.duckdb", results)
    with duckdb.connect(str(results / "results.duckdb"), read_only=True) as base:
        ids = [row[0] for row in base.execute("SELECT patient_id FROM quantification").fetchall()]
        kinds = dict(
            base.execute(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'quantification'"
            ).fetchall()
        )
        keys = base.execute(
            "SELECT table_name, constraint_type, constraint_column_names FROM duckdb_constraints() "
            "WHERE constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')"
        ).fetchall()
        comments = dict(
            base.execute("SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'reversal'").fetchall()
        )
        missing = base.execute("SELECT count(*) FROM quantification WHERE abc IS NULL").fetchone()
    assert ids == list(TRAPS)
    assert (kinds["patient_id"], kinds["day"], kinds["abc"]) == ("VARCHAR", "BIGINT", "DOUBLE")
    assert ("quantification", "PRIMARY KEY", ["sample_id"]) in keys
    assert ("phenotypes", "PRIMARY KEY", ["patient_id", "day"]) in keys
    assert ("quantification", "FOREIGN KEY", ["bead_id"]) in keys
    meaning = next(r["meaning"] for r in dictionary() if (r["table"], r["column"]) == ("reversal", "reversal"))
    assert comments["reversal"].startswith(meaning)
    assert missing == (1,)


def test_duckdb_takes_a_table_without_rows(tmp_path):
    import duckdb

    for name in ("quantification", "calibrations"):
        write_table(tmp_path / f"{name}.csv", name, [])
    exports.write_duckdb(tmp_path / "results.duckdb", tmp_path)
    with duckdb.connect(str(tmp_path / "results.duckdb"), read_only=True) as base:
        assert base.execute("SELECT count(*) FROM quantification").fetchone() == (0,)


def test_parquet_holds_the_same_values_with_their_meaning(results):
    import pyarrow.parquet as pq

    folder = results / "parquet"
    folder.mkdir()
    (folder / "cohort.parquet").write_bytes(b"of an earlier run with arms")
    exports.write_parquet(folder, results)
    read = pq.read_table(folder / "quantification.parquet")
    assert read.to_pylist() == exports.read_table(results / "quantification.csv", "quantification")
    assert read.schema.field("abc").metadata[b"unit"] == b"antibodies per cell"
    assert sorted(path.name for path in Path(folder).iterdir()) == [
        "calibrations.parquet",
        "phenotypes.parquet",
        "quantification.parquet",
        "reversal.parquet",
    ]


def test_cells_hold_what_the_tables_hold(tmp_path):
    from openpyxl import load_workbook
    from openpyxl.utils.escape import unescape

    texts = [
        "plain",
        "a\r\nb\rc\nd\te",
        "  spaces  ",
        "<&>\"'",
        "\u00b5 \u2265",
        "#N/A",
        "_x0041_",
        "<r><t>bold</t></r>",
        "true",
        "=1+1",
        "x" * 40_000,
        "\x0b",
    ]
    rows = [
        {"patient_id": text, "day": k, "status": "review", "borderline": k % 2 == 0, "abc": 4.0**k / 8}
        for k, text in enumerate(texts)
    ]
    book = Book("study")
    book.sheet("phenotypes", ["patient_id", "day", "status", "borderline", "abc", "reason"], rows)
    book.save(tmp_path / "book.xlsx")
    header, *read = load_workbook(tmp_path / "book.xlsx")["phenotypes"].iter_rows()
    assert [cell.value for cell in header] == ["patient_id", "day", "status", "borderline", "abc", "reason"]
    # Excel's own line ends; what XlsxWriter would take for its markup moves by a space; a cell holds 32,767 letters
    changed = {texts[1]: "a\nb\nc\nd\te", "<r><t>bold</t></r>": " <r><t>bold</t></r>", texts[-2]: "x" * 32_767}
    changed["\x0b"] = ""
    shown = [changed.get(text, text) for text in texts]
    # `_x005F_` is how a sheet writes the underscore of what looks like an escape; openpyxl leaves it as it is
    assert [cells[0].value and unescape(cells[0].value) for cells in read] == shown
    assert {cells[0].data_type for cells in read[:-1]} == {"s"}
    for row, cells in zip(rows, read, strict=True):
        values = [cell.value for cell in cells[1:]]
        assert values == [row["day"], "review", row["borderline"], row["abc"], None]
        assert cells[3].data_type == "b"
