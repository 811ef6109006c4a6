"""Every kind of mistake in tables and configuration: one line with file, row, column, what was found and what to do."""

# ruff: noqa: E501  (one case, one line)

import io
import re
import zipfile
from datetime import date

import pytest
from study_support import FILES, write_study

from hladr.cli import main
from hladr.study import StudyError, load_study
from hladr.study.config import defaults

OVERRIDES = "overrides/overrides.csv"
ROW = "sample_id,reviewer,reason,date\n"


def lines_of(folder) -> list[str]:
    with pytest.raises(StudyError) as caught:
        load_study(folder)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems), "one line per problem"
    for line in lines:
        assert re.search(r": found .+, expected .+; remedy: .+", line), line
    return lines


def expect(folder, *parts: str) -> None:
    """Exactly one problem, whose line has all parts."""
    lines = lines_of(folder)
    assert len(lines) == 1, "\n".join(lines)
    for part in parts:
        assert part in lines[0], f"{part!r} is not in: {lines[0]}"


def expect_among(folder, *parts: str) -> None:
    """One problem has all the parts; others may follow from it."""
    lines = lines_of(folder)
    assert any(all(part in line for part in parts) for line in lines), f"{parts} in none of:\n" + "\n".join(lines)


# (file, text of the good study, wrong text, where the line points, what was found, expected or remedy)
CHANGED = [
    # columns
    ("samples.csv", "sample_id,patient_id,day,", "sample_id,patient_id,visit,", "row 1, column day", "no such column", "add the column"),
    ("samples.csv", "sample_id,", "Sample ID,", "row 1, column sample_id", "'Sample ID'", "write 'sample_id'"),
    ("samples.csv", ",arm,", ",Arm,", "row 1, column arm", "'Arm'", "write 'arm' in the header"),
    ("samples.csv", ",arm,", ",fcs,", "row 1, column fcs", "a second time", "rename or remove one"),
    ("samples.csv", "bead_id,", "bead_idd,", "row 1, column bead_id", "rename the column 'bead_idd'"),
    ("beads.csv", "kit,lot", "kit", "row 1, column lot", "no such column", "add the column"),
    ("ferritin.csv", ",unit,", ",einheit,", "row 1, column unit", "no such column", "ng/mL"),
    ("samples.csv", ",arm,", ",,", "row 1, column H", "cells without a column name", "name the column"),
    ("ferritin.csv", 'P1,2,"5230,5",ng/mL,athens', "P1,2,5230,5,ng/mL,athens", "row 3", "column F", "quotation marks"),
    # ids
    ("samples.csv", "s2b,P1", "s1,P1", "row 4, column sample_id", "'s1' a second time (first in row 2)", "rename"),
    ("samples.csv", "s2b,P1", "S1,P1", "row 4, column sample_id", "'S1'", "capital letters", "rename it"),
    ("beads.csv", "b2,bonn", "b1,bonn", "row 3, column bead_id", "'b1' a second time", "rename"),
    ("samples.csv", "s1,P1", ",P1", "row 2, column sample_id", "an empty cell", "fill the cell"),
    ("samples.csv", "s1,P1", "s 1,P1", "row 2, column sample_id", "'s 1'", "rename the tube"),
    ("samples.csv", "s1,P1", "../s1,P1", "row 2, column sample_id", "'../s1'", "rename the tube"),
    ("samples.csv", "s1,P1", ".s1,P1", "row 2, column sample_id", "'.s1'", "rename the tube"),
    ("samples.csv", "s1,P1", "s1,", "row 2, column patient_id", "an empty cell", "fill the cell"),
    ("samples.csv", "s1,P1", "s1,=1+1", "row 2, column patient_id", "'=1+1'", "begin it with a letter or a digit"),
    ("samples.csv", "s1,P1", "s1,@SUM(A1)", "row 2, column patient_id", "'@SUM(A1)'", "begin it with a letter"),
    ("samples.csv", "s1,P1", "s1,#REF!", "row 2, column patient_id", "'#REF!'", "correct the formula"),
    ("samples.csv", "s1,P1", "s1,P\x1b[31m1", "row 2, column patient_id", r"'P\x1b[31m1'", "type the text again"),
    ("samples.csv", "s1,P1", "s1," + "P" * 101, "row 2, column patient_id", "at most 100 characters", "shorten it"),
    # types and words
    ("samples.csv", "P1,1,athens", "P1,two,athens", "row 2, column day", "'two'", "a whole number", "digits only"),
    ("samples.csv", "P1,1,athens", "P1,1.5,athens", "row 2, column day", "'1.5'", "a whole number"),
    ("samples.csv", "P1,1,athens", "P1,,athens", "row 2, column day", "an empty cell", "fill the cell"),
    ("samples.csv", "P1,1,athens", "P1,45352,athens", "row 2, column day", "'45352'", "study day of the draw"),
    ("samples.csv", "4120.5", '"4120,5"', "row 5, column abc_reported", "'4120,5'", "a number", "decimal point"),
    ("samples.csv", "4120.5", "-4120", "row 5, column abc_reported", "'-4120'", "above 0", "an empty cell"),
    ("samples.csv", "4120.5", "about 4000", "row 5, column abc_reported", "'about 4000'", "write digits"),
    ("samples.csv", "4120.5", "nan", "row 5, column abc_reported", "'nan'", "write digits"),
    ("samples.csv", "4120.5", "4.1e3", "row 5, column abc_reported", "'4.1e3'", "write digits"),
    ("samples.csv", "q1i,patient", "q1i,pateint", "row 6, column role", "'pateint'", "did you mean 'patient'?"),
    ("samples.csv", "2024-03-01T08:30", "01.03.2024 08:30", "row 2, column collected_at", "ISO 8601", "leave it empty"),
    ("samples.csv", "2024-03-01T08:30", "2024-03-01", "row 2, column collected_at", "a date and time", "leave it empty"),
    ("samples.csv", "2024-03-01T08:30", "2024-13-01T08:30", "row 2, column collected_at", "'2024-13-01T08:30'"),
    ("beads.csv", "qifikit", "QIFI-kit", "row 3, column kit", "'QIFI-kit'", "did you mean 'qifikit'?"),
    ("beads.csv", "qifikit", "", "row 3, column kit", "an empty cell", "fill the cell"),
    ("bead_lots.csv", "96597,1,638", "96597,one,638", "row 2, column level", "'one'", "a whole number"),
    ("bead_lots.csv", "96597,1,638", "96597,0,638", "row 2, column level", "'0'", "from 1"),
    ("bead_lots.csv", "6930", '"6,930"', "row 3, column value", "'6,930'", "no thousands sign"),
    ("bead_lots.csv", "638", "0", "row 2, column value", "'0'", "above 0"),
    ("bead_lots.csv", "96597,2,", "96597,1,", "row 3, column level", "level 1 of lot '96597' a second time", "certificate"),
    ("bead_lots.csv", "qifikit,20050,1", "quifikit,20050,1", "row 4, column kit", "did you mean 'qifikit'?"),
    # references
    ("samples.csv", "1,athens,", "1,Athens,", "row 2, column lab", "'Athens'", "did you mean 'athens'?"),
    ("samples.csv", "1,athens,", "1,,", "row 2, column lab", "an empty cell", "fill the cell, or remove the row if it is"),
    ("beads.csv", "b2,bonn", "b2,lyon", "row 3, column lab", "'lyon'", "add the lab to labs.yaml"),
    ("ferritin.csv", "ng/mL,athens", "ng/mL,athen", "row 3, column lab", "'athen'", "did you mean 'athens'?"),
    ("samples.csv", "fcs/s1.fcs,b1", "fcs/s1.fcs,b7", "row 2, column bead_id", "'b7'", "a bead_id of beads.csv"),
    ("samples.csv", ",s2,,", ",s9,,", "row 4, column replaces", "'s9'", "a sample_id of this table"),
    ("samples.csv", ",s2,,", ",s1,,", "row 4, column replaces", "'s1'", "same patient and day"),
    ("samples.csv", ",s2,,", ",s2b,,", "row 4, column replaces", "'s2b'", "does not itself replace this one"),
    ("samples.csv", "q1i,patient", "q9,patient", "row 6, column isotype_id", "'q9'", "a sample_id of this table"),
    ("samples.csv", "q1i,patient", "s1,patient", "row 6, column isotype_id", "'s1'", "write isotype in the column role"),
    ("samples.csv", "q1i,P3", "q1i,P4", "row 6, column isotype_id", "an isotype tube of the same patient"),
    ("samples.csv", "precision,,,,", "placebo,,,,", "row 3, column arm", "'placebo'", "one arm per patient"),
    # paths
    ("samples.csv", "fcs/s1.fcs", "../s1.fcs", "row 2, column fcs", "'../s1.fcs'", "copy the file into the study folder"),
    ("samples.csv", "fcs/s1.fcs", "/data/s1.fcs", "row 2, column fcs", "a path inside the study folder"),
    ("samples.csv", "fcs/s1.fcs", r"C:\data\s1.fcs", "row 2, column fcs", r"found 'C:\data\s1.fcs'", "a path inside the study folder"),
    ("samples.csv", "fcs/s1.fcs", r"\\server\s1.fcs", "row 2, column fcs", r"found '\\server\s1.fcs'", "a path inside the study folder"),
    ("samples.csv", "fcs/s1.fcs", r"fcs\..\..\s1.fcs", "row 2, column fcs", "a path inside the study folder"),
    ("beads.csv", "fcs/b1.fcs", "fcs/../../b1.fcs", "row 2, column fcs", "a path inside the study folder"),
    # ferritin
    ("ferritin.csv", "633.5", "4.420", "row 4, column ferritin", "'4.420'", "declare the lab's decimal sign in labs.yaml"),
    ("ferritin.csv", "633.5", "4.420", "'4.420', which is 4.42 with a decimal point and 4420 with a decimal comma", "lab bonn declares no decimal sign"),
    ("ferritin.csv", "633.5", '"4,420"', "'4,420', which is 4420 with a decimal point and 4.42 with a decimal comma", "below bonn"),
    ("ferritin.csv", "633.5", "> 4.420", "row 4, column ferritin", "'> 4.420', which is 4.42 with", "declare the lab's decimal sign"),
    ("ferritin.csv", '"5230,5"', "5230.5", "row 3, column ferritin", "'5230.5'", "a decimal comma, as lab athens declares (decimal: ',' in labs.yaml)", "correct decimal in labs.yaml if athens writes a decimal point"),
    ("ferritin.csv", "633.5", "high", "row 4, column ferritin", "'high'", "leave the cell empty, or add it to missing_words of lab bonn in labs.yaml"),
    ("ferritin.csv", "633.5", "haemolised", "row 4, column ferritin", "missing_words of lab bonn in labs.yaml", "or did you mean 'haemolysed'?"),
    ("ferritin.csv", '"5230,5"', "cloted", "row 3, column ferritin", "missing_words of lab athens", "or did you mean 'clotted'?"),
    ("ferritin.csv", "633.5", "--", "row 4, column ferritin", "'--'", "missing_words of lab bonn"),
    ("ferritin.csv", "P9,1,NA", "P9,1,hemolyzed", "row 5, column ferritin", "remedy: did you mean 'haemolysed'?"),
    ("ferritin.csv", "633.5", "600-700", "row 4, column ferritin", "'600-700'", "write one number", "config/README.md"),
    ("ferritin.csv", "633.5", "-5", "row 4, column ferritin", "'-5'", "above 0"),
    ("ferritin.csv", "633.5", "<0", "row 4, column ferritin", "'<0'", "above 0"),
    ("ferritin.csv", "633.5", "1.65E+04", "row 4, column ferritin", "'1.65E+04'", "not an exponent"),
    ("ferritin.csv", "633.5", "inf", "row 4, column ferritin", "'inf'", "a number such as 633"),
    ("ferritin.csv", "633.5", "633.5 ng/mL", "row 4, column ferritin", "'633.5 ng/mL'"),
    ("ferritin.csv", "ug/L", "mg/L", "row 4, column unit", "'mg/L'", "ng/mL, ug/L, µg/L, pmol/L", "convert the value"),
    ("ferritin.csv", "ug/L", "", "row 4, column unit", "an empty cell", "write the unit"),
    ("ferritin.csv", "P2,1,", "P2,d1,", "row 4, column day", "'d1'", "a whole number"),
    # labs.yaml
    ("labs.yaml", "  decimal", "  decimals", "row 4, key athens.decimals", "unknown key", "did you mean 'decimal'?"),
    ("labs.yaml", "','", "';'", "row 4, key athens.decimal", "';'", "'.' or ','"),
    ("labs.yaml", "Europe/Berlin", "Germany/Bonn", "row 8, key bonn.timezone", "'Germany/Bonn'", "Europe/Athens"),
    ("labs.yaml", "CD14:", "CD-14:", "row 2, key athens.markers.CD-14", "unknown key", "did you mean 'CD14'?"),
    ("labs.yaml", "CD14: PerCP-Cy5-5-A", "CD14: PE-A", "row 2, key athens.markers.CD14", "'PE-A'", "correct it or HLA-DR"),
    ("labs.yaml", "CD14: PerCP-Cy5-5-A", "CD14: 3", "row 2, key athens.markers.CD14", "'3'", "quotation marks"),
    *(
        ("labs.yaml", "CD45: APC-A", f"CD45: {word}", "row 2, key athens.markers.CD45", f"'{found}'", "write CD45: none")
        for word, found in (
            ("no", "no"), ("No", "No"), ("false", "false"), ("FALSE", "false"), ("'false'", "false"), ("'-'", "-"),
            ("--", "--"), ("n/a", "n/a"), ("N.A.", "N.A."), ("absent", "absent"), ("not used", "not used"),
        )
    ),
    ("labs.yaml", "bonn:\n", "bonn: yes\nlyon:\n", "key bonn", "'yes'", "keys of its own"),
    ("labs.yaml", "bonn:\n", "bonn:\n  preparation: washed\n", "row 8, key bonn.preparation", "'washed'", "lyse-no-wash"),
    ("labs.yaml", "bonn:\n", "bonn:\n  pe_per_antibody: 0\n", "row 8, key bonn.pe_per_antibody", "more than 0"),
    ("labs.yaml", "bonn:\n", "bonn:\n  compensation: fcs/m.csv\n", "row 8, key bonn.compensation", "no such file"),
    ("labs.yaml", "bonn:\n", "bonn:\n  compensation: ../m.csv\n", "row 8, key bonn.compensation", "inside the study folder"),
    ("labs.yaml", "bonn:\n", "athens:\n", "row 7, key athens", "the key a second time (first in row 1)", "keep one"),
    ("labs.yaml", "  timezone: Europe/Berlin", "\ttimezone: Europe/Berlin", "labs.yaml, row 8", "no tabs"),
    ("labs.yaml", "Europe/Berlin", "!!python/object/apply:os.system ['id']", "row 8, key bonn.timezone", "a plain value"),
    ("labs.yaml", "Europe/Berlin", "*zone", "labs.yaml, row 8", "'timezone: *zone'", "key: value"),
    # config.yaml
    ("config.yaml", "study: small", "studdy: small", "row 2, key studdy", "unknown key", "did you mean 'study'?"),
    ("config.yaml", "study:", "quantify: {statistics: median}\nstudy:", "row 2, key quantify.statistics", "'statistic'?"),
    ("config.yaml", "study:", "quantify: {statistic: mean}\nstudy:", "row 2, key quantify.statistic", "geometric_mean"),
    ("config.yaml", "study:", "quantify: {min_monocytes: 0}\nstudy:", "key quantify.min_monocytes", "at least 1"),
    ("config.yaml", "study:", "quantify: {min_monocytes: ten}\nstudy:", "key quantify.min_monocytes", "whole number"),
    ("config.yaml", "study:", "reversal: {rule: table2}\nstudy:", "key reversal.rule", "did you mean 'table2-sustained'?"),
    ("config.yaml", "study:", "reversal: {horizon_day: 1}\nstudy:", "key reversal.horizon_day", "after baseline_day (1)"),
    ("config.yaml", "study:", "reversal: 15\nstudy:", "row 2, key reversal", "keys of its own"),
    ("config.yaml", "study:", "baseline_day: one\nstudy:", "row 2, key baseline_day", "'one'", "a whole number"),
    ("config.yaml", "contract: 1", "contract: 2", "row 1, key contract", "'2'", "expected 1"),
    ("config.yaml", "study:", "run: {pictures: 1}\nstudy:", "row 2, key run.pictures", "true or false"),
    ("config.yaml", "study:", "kits: {quantibrite: {}}\nstudy:", "row 2, key kits.quantibrite", "'quantibrite-pe'?"),
    ("config.yaml", "study:", "tables: {samples: ../samples.csv}\nstudy:", "row 2, key tables.samples", "inside the study"),
    ("config.yaml", "study:", "tables: {beads: other.csv}\nstudy:", "other.csv: found no such file"),
    ("config.yaml", "study:", "tables: {beads: ~$beads.ods}\nstudy:", "~$beads.ods", "a .csv, .tsv or .xlsx table"),
    ("config.yaml", "precision, placebo", "Precision, placebo", "row 4, key cohort.arms", "'Precision'", "'precision'?"),
    ("config.yaml", "precision, placebo", "a, b, c", "row 4, key cohort.arms", "3 entries", "at most 2"),
    ("config.yaml", "study: small", "study small", "config.yaml, row", "key: value"),
    ("config.yaml", "study:", "pairing_exceptions: [{sample_id: s1}]\nstudy:", "key pairing_exceptions.0", "no reason"),
    ("config.yaml", "study:", "pairing_exceptions: [{sample_id: s9, reason: x}]\nstudy:", "row 2, key pairing_exceptions.0.sample_id", "'s9'"),
    ("config.yaml", "study:", "beads: {windows: {b9: {1: [1, 2], 2: [3, 4]}}}\nstudy:", "key beads.windows.b9", "a bead_id of beads.csv"),
    ("config.yaml", "study:", "beads: {windows: {b1: {1: [1, 2], 9: [3, 4]}}}\nstudy:", "key beads.windows.b1.9", "a level of the lot: 1, 2;"),
    ("config.yaml", "study:", "beads: {windows: {b1: {1: [2, 1], 2: [3, 4]}}}\nstudy:", "key beads.windows.b1.1", "the lower one first"),
]  # fmt: skip


@pytest.mark.parametrize("case", CHANGED, ids=lambda case: f"{case[0]}: {case[2][:40].strip()!r} {case[3]}")
def test_a_wrong_cell_or_key_is_named_with_row_column_and_remedy(tmp_path, case, capsys):
    file, old, new, *parts = case
    folder = write_study(tmp_path, (file, old, new))
    expect_among(folder, "" if file == "config.yaml" else f"{file}, ", *parts)
    assert main(["check", str(folder)]) == 2
    assert set(lines_of(folder)) <= set(capsys.readouterr().out.splitlines())


# whole files
@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_of_a_study_is_named(tmp_path, name):
    expect_among(
        write_study(tmp_path, **{name.replace(".", "_dot_"): None}), f"{name}: found no such file", "hladr init"
    )


@pytest.mark.parametrize("name", ["samples", "beads", "bead_lots", "ferritin"])
def test_an_empty_table_has_no_header(tmp_path, name):
    expect_among(
        write_study(tmp_path, **{f"{name}_dot_csv": ""}), f"{name}.csv, row 1: found an empty table", "hladr init"
    )


def test_a_samples_table_without_rows_is_a_mistake(tmp_path):
    folder = write_study(tmp_path, samples_dot_csv=FILES["samples.csv"].splitlines()[0] + "\n")
    expect(folder, "samples.csv, column sample_id: found no rows", "add the tubes")


def test_an_open_quotation_mark_is_named_with_its_row(tmp_path):
    folder = write_study(tmp_path, ("ferritin.csv", "P2,1,633.5", 'P2,1,"633.5'))
    expect(folder, "ferritin.csv, row 4: found a quotation mark that is not closed", "correct the quotation marks")


@pytest.mark.parametrize(
    ("above", "separator", "row"),
    [("Samples of March\n", ",", 2), ("Samples of March;;\n\nAthens;;\n", ";", 4), ("tube,patient,visit\n", ",", 2)],
)
def test_rows_above_the_column_names_are_one_mistake(tmp_path, above, separator, row):
    text = FILES["samples.csv"].replace(",", separator)
    folder = write_study(tmp_path, samples_dot_csv=above + text)
    expect(folder, "samples.csv, row 1: found other words above", f"which are in row {row}", "remove the rows above")


def test_without_ids_nothing_is_said_of_references_to_them(tmp_path):
    expect(write_study(tmp_path, ("samples.csv", "sample_id,", "Sample ID,")), "write 'sample_id' in the header")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    expect_among(
        write_study(tmp_path, samples_dot_csv=b"PK\x03\x04\x00\x00"), "samples.csv: found bytes that are not text"
    )


def test_two_files_for_one_table_are_a_mistake_unless_the_configuration_chooses(tmp_path):
    folder = write_study(tmp_path, samples_dot_tsv=FILES["samples.csv"].replace(",", "\t"))
    expect(folder, "samples.csv and samples.tsv", "one file for this table", "tables: samples")
    (folder / "config.yaml").write_text("tables: {samples: samples.tsv}\n")
    assert load_study(folder).files["samples"] == "samples.tsv"


# nine lines that stand for a thousand million values
BOMB = "a0: &a0 [1]\n" + "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]\n" for k in range(1, 10))


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ("references that stand for over 20,000 values", BOMB),
        ("a reference that holds itself", "a: &a\n  b: *a\n"),
        ("b: *nobody", "a: 1\nb: *nobody\n"),
        ("very deep nesting", "a: " + "[" * 30 + "]" * 30 + "\n"),
        ("---", "a: 1\n---\nb: 2\n"),
        ("no keys", "- a\n- b\n"),
        ("letters that are not UTF-8", "study: Zürich".encode("cp1252")),
    ],
    ids=["bomb", "circle", "no anchor", "nesting", "two documents", "list", "bytes"],
)
def test_yaml_that_is_more_than_settings_is_refused(tmp_path, found, text):
    expect_among(write_study(tmp_path, config_dot_yaml=text), "config.yaml", found, "remedy")


@pytest.mark.parametrize("text", ["", "# contract: 1\n", "---\n", "quantify:\n  # statistic: median\n"])
def test_a_configuration_that_changes_no_default_is_valid(tmp_path, text):
    assert load_study(write_study(tmp_path, config_dot_yaml=text)).config == defaults()


# overrides, releases, outcomes
OPTIONAL = [
    ({OVERRIDES: ROW + "s1,Weber,debris,2024-03-01\n"}, "row 2, column sample_id", "no file overrides/s1.xml", "add the file"),
    ({"overrides/s1.xml": "<x/>"}, OVERRIDES, "no row for the file overrides/s1.xml", "add the row or remove the file"),
    ({OVERRIDES: ROW, "overrides/s1.xml": "<x/>"}, OVERRIDES, "no row for the file overrides/s1.xml"),
    ({OVERRIDES: ROW + "s9,Weber,debris,2024-03-01\n"}, "row 2, column sample_id", "'s9'", "a sample_id of samples.csv"),
    ({OVERRIDES: ROW + "s1,Weber,,2024-03-01\n", "overrides/s1.xml": "<x/>"}, "row 2, column reason", "an empty cell"),
    ({OVERRIDES: ROW + "s1,,debris,2024-03-01\n", "overrides/s1.xml": "<x/>"}, "row 2, column reviewer", "an empty cell"),
    ({OVERRIDES: ROW + "s1,Weber,debris,1.3.2024\n", "overrides/s1.xml": "<x/>"}, "row 2, column date", "'1.3.2024'"),
    ({OVERRIDES: ROW + 2 * "s1,Weber,x,2024-03-01\n", "overrides/s1.xml": "<x/>"}, "row 3, column sample_id", "second time"),
    ({"releases.csv": "sample_id,reviewer,decision,date\ns1,W,accept,2024-03-01\n"}, "row 2, column decision", "release or hold"),
    ({"releases.csv": "sample_id,reviewer,decision,date\ns9,W,hold,2024-03-01\n"}, "row 2, column sample_id", "'s9'"),
    ({"releases.csv": "sample_id,reviewer,date\n"}, "row 1, column decision", "no such column"),
    ({"outcomes.csv": "patient_id,sofa_d1\nP1,25\n"}, "row 2, column sofa_d1", "'25'", "from 0 to 24"),
    ({"outcomes.csv": "patient_id,death_day\nP1,alive\n"}, "row 2, column death_day", "'alive'", "a whole number"),
    ({"outcomes.csv": "patient_id,infection_d15\nP1,cured\n"}, "row 2, column infection_d15", "superinfection"),
    ({"outcomes.csv": "patient_id\nP1\nP1\n"}, "row 3, column patient_id", "a second time (first in row 2)"),
    ({"outcomes.csv": "patient_id,arm\nP1,placebo\n"}, "outcomes.csv, row 2, column arm", "row 2 of samples.csv"),
]  # fmt: skip


@pytest.mark.parametrize("case", OPTIONAL, ids=lambda case: f"{case[1]} {case[2]}")
def test_mistakes_of_the_optional_tables(tmp_path, case):
    files, *parts = case
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    expect_among(write_study(tmp_path), *parts)


def test_tubes_that_replace_each_other_are_a_circle(tmp_path):
    folder = write_study(
        tmp_path, ("samples.csv", "s2,P1,2,athens,fcs/s2.fcs,b1,,precision,,", "s2,P1,2,athens,,,1,,,s2b")
    )
    lines = lines_of(folder)
    assert [line.split(":")[0] for line in lines] == [
        "samples.csv, row 3, column replaces",
        "samples.csv, row 4, column replaces",
    ]


def test_a_link_out_of_the_study_is_a_path_out_of_it(tmp_path):
    study = write_study(tmp_path / "study", fcs__other_dot_fcs="x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b1.fcs").write_text("x")
    (study / "fcs" / "s1.fcs").symlink_to(tmp_path / "elsewhere" / "b1.fcs")
    (study / "fcs" / "s2.fcs").symlink_to("other.fcs")
    expect(study, "samples.csv, row 2, column fcs: found 'fcs/s1.fcs', a link out of the study", "link it hard")
    (study / "fcs" / "s1.fcs").unlink()
    (study / "fcs" / "other.fcs").rename(study / "other.fcs")
    (study / "fcs" / "s2.fcs").unlink()
    (study / "fcs").rmdir()
    (study / "fcs").symlink_to(tmp_path / "elsewhere")
    assert len(lines_of(study)) == 8, "six tubes and two bead runs lie behind the link"


def test_a_compensation_matrix_that_is_none_is_named(tmp_path):
    change = ("labs.yaml", "bonn:\n", "bonn:\n  compensation: fcs/m.csv\n")
    expect(write_study(tmp_path, change, fcs__m_dot_csv="PE-A,APC-A\n1,0\n"), "labs.yaml, row 8, key bonn.compensation")


def test_all_problems_are_shown_at_once(tmp_path):
    folder = write_study(
        tmp_path,
        ("samples.csv", "P1,1,athens", "P1,two,athens"),
        ("beads.csv", "qifikit", "kifi"),
        ("ferritin.csv", "ug/L", "mg/L"),
        ("labs.yaml", "','", "';'"),  # the lab's ferritin values are then left alone
        ("config.yaml", "study: small", "studdy: small"),
    )
    assert len(lines_of(folder)) == 5


def test_one_mistake_down_a_whole_column_is_counted_not_listed(tmp_path):
    rows = "".join(f"P{i},1,{i},mg/L,\n" for i in range(1, 1001))
    lines = lines_of(write_study(tmp_path, ferritin_dot_csv="patient_id,day,ferritin,unit,lab\n" + rows))
    assert len(lines) == 21
    assert "the same in 980 more rows" in lines[-1]


def test_ambiguous_values_down_a_column_are_counted_too(tmp_path):
    rows = "".join(f"P2,1,{i}.420,ng/mL,\n" for i in range(1, 100))
    lines = lines_of(write_study(tmp_path, ferritin_dot_csv="patient_id,day,ferritin,unit,lab\n" + rows))
    assert len(lines) == 21
    assert "7420 with a decimal comma" in lines[6]
    assert "the same in 79 more rows" in lines[-1]


# workbooks
def workbook(rows, sheet="samples", **parts: bytes) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    if parts:
        with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
            for name, data in parts.items():
                archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return stream.getvalue()


HEADER = ["sample_id", "patient_id", "day", "lab", "fcs", "bead_id"]
GOOD = ["s1", "P1", 1, "athens", "fcs/s1.fcs", "b1"]


def other_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "b")
    return stream.getvalue()


MACROS = {"xl__vbaProject_dot_bin": b"x"}
ENTITIES = {"xl__evil_dot_xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'}
DAY = date(2024, 3, 1)
WORKBOOKS = {
    "not a workbook": (lambda: b"sample_id,patient_id\n", "samples.xlsx: found a file that is not an .xlsx workbook"),
    "truncated": (lambda: workbook([HEADER, GOOD])[:-100], "samples.xlsx: found a file that is not an .xlsx workbook"),
    "another zip": (other_zip, "samples.xlsx: found a workbook that cannot be read", "CSV UTF-8"),
    "macros": (lambda: workbook([HEADER, GOOD], **MACROS), "samples.xlsx: found a workbook with macros"),
    "entities": (lambda: workbook([HEADER, GOOD], **ENTITIES), "samples.xlsx: found a workbook with XML entities"),
    "bomb": (lambda: workbook([HEADER, GOOD], xl__b_dot_xml=bytes(301_000_000)), "unpacks to more than 300 MB"),
    "formula": (
        lambda: workbook([HEADER, [*GOOD[:2], "=1+1", *GOOD[3:]]]),
        "row 2, column C",
        "without a stored value",
    ),
    "day as date": (lambda: workbook([HEADER, [*GOOD[:2], DAY, *GOOD[3:]]]), "row 2, column day", "a whole number"),
    "id as date": (
        lambda: workbook([HEADER, ["s1", DAY, *GOOD[2:]]]),
        "row 2, column patient_id",
        "turned it into a date",
    ),
    "rounded id": (lambda: workbook([HEADER, ["s1", 10**18 + 1, *GOOD[2:]]]), "row 2, column patient_id", "rounded it"),
    "row after a gap": (lambda: workbook([HEADER, GOOD, [], ["s2", "P1", 2, "lyon"]]), "row 4, column lab", "'lyon'"),
    "merged": (lambda: workbook([HEADER, GOOD, ["s2", None]]), "samples.xlsx, row 3, column patient_id", "of merged"),
    "no header": (lambda: workbook([[], GOOD]), "samples.xlsx, row 2, column sample_id", "found no such column"),
    "other sheet": (lambda: workbook([["see"]], sheet="notes"), "samples.xlsx, row 1, column lab", "no such column"),
}


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_bad_workbook_is_refused_in_plain_words(tmp_path, name):
    make, *parts = WORKBOOKS[name]
    expect_among(write_study(tmp_path, samples_dot_csv=None, samples_dot_xlsx=make()), *parts)
