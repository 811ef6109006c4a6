"""The commands and their exit statuses: 0, 2 for problems in tables or configuration, 1 otherwise."""

import csv
import hashlib
import io
import shutil

import flowio
import pytest
from conftest import hladr
from contract_specimens import SECRETS
from study_support import FILES, write_study

from hladr.cli import main

SAMPLES = FILES["samples.csv"]
NO_ROWS = {name: FILES[f"{name}.csv"].splitlines()[0] + "\n" for name in ("beads", "bead_lots", "ferritin", "samples")}


def check(folder, capsys) -> tuple[int, list[str]]:
    status = main(["check", str(folder)])
    said = capsys.readouterr()
    assert not said.err
    return status, said.out.splitlines()


MISTAKES = {
    "a missing column": ([("samples.csv", ",day,", ",dy,")], ("samples.csv", "day")),
    "a doubled sample_id": ([("samples.csv", "s2b,", "s2,")], ("samples.csv", "row 4", "sample_id", "s2")),
    "a doubled bead_id": ([("beads.csv", "b2,", "b1,")], ("beads.csv", "row 3", "bead_id", "b1")),
    "a wrong type": ([("samples.csv", "s1,P1,1,", "s1,P1,one,")], ("samples.csv", "row 2", "day", "one")),
    "a wrong unit": ([("ferritin.csv", "633.5,ug/L", "633.5,mg/dL")], ("ferritin.csv", "row 4", "unit", "mg/dL")),
    "a wrong kit": ([("beads.csv", "quantibrite-pe", "quantibright")], ("beads.csv", "row 2", "kit", "quantibright")),
    "a wrong role": ([("samples.csv", ",control", ",kontrol")], ("samples.csv", "row 8", "role", "kontrol")),
    "an unknown lab": ([("samples.csv", "1,athens", "1,athns")], ("samples.csv", "row 2", "lab", "athns")),
    "an unknown bead_id": ([("samples.csv", "s1.fcs,b1", "s1.fcs,b9")], ("samples.csv", "row 2", "bead_id", "b9")),
    "a path outside": ([("samples.csv", "fcs/s1.fcs", "../s1.fcs")], ("samples.csv", "row 2", "fcs", "../s1.fcs")),
    "a path outside, backwards": ([("beads.csv", "fcs/b1.fcs", "..\\b1.fcs")], ("beads.csv", "row 2", "fcs")),
    "an absolute path": ([("samples.csv", "fcs/s1.fcs", "/s1.fcs")], ("samples.csv", "row 2", "fcs", "/s1.fcs")),
    "an unknown key": ([("config.yaml", "study: small", "studi: small")], ("config.yaml", "studi")),
    "an ambiguous ferritin": ([("ferritin.csv", "P2,1,633.5", "P2,1,4.420")], ("ferritin.csv", "row 4", "4.420")),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_check_ends_with_2_and_one_line_with_file_row_column_found_and_expected(tmp_path, capsys, mistake):
    changes, words = MISTAKES[mistake]
    status, lines = check(write_study(tmp_path / "study", *changes), capsys)
    assert status == 2
    assert [line for line in lines if all(word in line for word in (*words, "found", "expected"))], lines


MISTAKEN_FILES = {
    "no rows in samples.csv": {"samples_dot_csv": NO_ROWS["samples"]},
    "an override without its row": {"overrides__s1_dot_xml": "<x/>"},
    "a row without its override": {
        "overrides__overrides_dot_csv": "sample_id,reviewer,reason,date\ns1,AB,why,2026-01-01\n"
    },
}


@pytest.mark.parametrize("mistake", MISTAKEN_FILES)
def test_check_ends_with_2_for(tmp_path, capsys, mistake):
    status, _ = check(write_study(tmp_path / "study", **MISTAKEN_FILES[mistake]), capsys)
    assert status == 2


WITHOUT_BEADS = SAMPLES.replace(",b1,", ",,").replace(",b2,", ",,")
NOT_MISTAKES = {
    "absent FCS files": {},
    "other tables with a header only": {
        "samples_dot_csv": WITHOUT_BEADS,
        "beads_dot_csv": NO_ROWS["beads"],
        "bead_lots_dot_csv": NO_ROWS["bead_lots"],
        "ferritin_dot_csv": NO_ROWS["ferritin"],
    },
    "bead runs that nothing uses": {"samples_dot_csv": WITHOUT_BEADS},
    "a lot missing from bead_lots.csv": {"bead_lots_dot_csv": NO_ROWS["bead_lots"]},
    "repeated ferritin, and ferritin without a tube": {
        "ferritin_dot_csv": FILES["ferritin.csv"] + "P2,1,700,ng/mL,\nP2,1,>=800,ng/mL,\nP77,3,5,pmol/L,\n"
    },
    "a semicolon table with decimal commas and a byte-order mark": {
        "samples_dot_csv": b"\xef\xbb\xbf" + SAMPLES.replace(",", ";").replace("4120.5", "4120,5").encode()
    },
    "a table as .tsv": {"samples_dot_csv": None, "samples_dot_tsv": SAMPLES.replace(",", "\t")},
    "extra columns": {"samples_dot_csv": SAMPLES.replace("role\n", "role,note\n", 1)},
    "backslashes inside the study": {"samples_dot_csv": SAMPLES.replace("fcs/", "fcs\\")},
}


@pytest.mark.parametrize("what", NOT_MISTAKES)
def test_check_ends_with_0_and_lists_specimen_problems_for(tmp_path, capsys, what):
    status, lines = check(write_study(tmp_path / "study", **NOT_MISTAKES[what]), capsys)
    assert status == 0, lines
    assert [line for line in lines if "s1" in line and "no file" in line], lines


def test_an_excel_table_is_read_as_it_comes(tmp_path, capsys):
    import openpyxl

    folder = write_study(tmp_path / "study", samples_dot_csv=None)
    book = openpyxl.Workbook()
    for row in csv.reader(io.StringIO(SAMPLES)):
        book.active.append([int(cell) if cell.isdigit() else float(cell) if cell == "4120.5" else cell for cell in row])
    book.save(folder / "samples.xlsx")
    status, lines = check(folder, capsys)
    assert status == 0, lines


def test_run_ends_with_2_before_the_first_job(tmp_path):
    folder = write_study(tmp_path / "study", ("samples.csv", "1,athens", "1,athns"))
    result = hladr("run", folder)
    assert result.returncode == 2
    assert "athns" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert not (folder / "results").exists()


def test_init_writes_a_study_that_check_only_finds_empty(tmp_path, capsys):
    assert main(["init", str(tmp_path / "new")]) == 0
    capsys.readouterr()
    names = ("config.yaml", "labs.yaml", "samples.csv", "beads.csv", "bead_lots.csv", "ferritin.csv", "README.md")
    assert not [name for name in names if not (tmp_path / "new" / name).is_file()]
    status, lines = check(tmp_path / "new", capsys)
    assert status == 2
    assert len(lines) == 2
    assert "no rows" in lines[0]


def test_stats_is_one_row_of_cohort_csv(capsys):
    assert main(["stats", "--counts", "46/131", "26/145"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    # the trial's SOFA endpoint: 17.2 (6.8, 27.2), OR 2.48 (1.42, 4.32), P .00152
    found = [round(float(row[c]), 1) for c in ("difference_percent", "difference_low", "difference_high")]
    assert found == [17.2, 6.8, 27.2]
    assert [round(float(row[c]), 2) for c in ("odds_ratio", "odds_ratio_low", "odds_ratio_high")] == [2.48, 1.42, 4.32]
    assert round(float(row["p_value"]), 5) == 0.00152
    assert main(["stats", "--counts", "0/10", "3/10"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["odds_ratio_low"] == row["odds_ratio_high"] == ""


@pytest.fixture
def finished(specimens, tmp_path):
    return shutil.copytree(specimens.folder, tmp_path / "study", copy_function=shutil.copy2)


def test_verify_ends_with_0_and_with_1_naming_the_first_difference(finished, capsys):
    def verify():
        status = main(["verify", str(finished)])
        return status, capsys.readouterr().out

    assert verify()[0] == 0
    for name, needle in (
        ("results/quantification.csv", "quantification.csv"),
        ("samples.csv", "samples"),
        ("audit.jsonl", "audit"),
        ("fcs/Qxfolder/Qxtubefile canto.fcs", "canto"),
    ):
        path = finished / name
        before = path.read_bytes()
        path.write_bytes(before.replace(b"2026", b"2025", 1) if b"2026" in before else before.replace(b"1", b"2", 1))
        status, said = verify()
        path.write_bytes(before)
        assert status == 1, name
        assert needle in said
        assert not [secret for secret in SECRETS if secret in said]
    assert verify()[0] == 0


def test_scrub_leaves_no_identifying_keyword_and_the_events_bit_identical(specimens, tmp_path, capsys):
    out = tmp_path / "scrubbed"
    assert main(["scrub", str(specimens.folder), str(out)]) == 0
    files = [path for path in out.rglob("*") if path.is_file()]
    assert (out / "fcs" / "canto.fcs").is_file()
    assert not [p for p in files if any(s in p.name or s.encode() in p.read_bytes() for s in SECRETS)]
    for name in ("canto", "fortessa", "calibur"):
        before = specimens.folder / "fcs" / "Qxfolder" / f"Qxtubefile {name}.fcs"
        one, other = (flowio.FlowData(str(path)) for path in (before, out / "fcs" / f"{name}.fcs"))
        digests = {hashlib.sha256(bytes(data.events)).hexdigest() for data in (one, other)}
        assert len(digests) == 1, name
    capsys.readouterr()


def test_cores_are_a_number_or_all(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", "study", "--cores", "many"])
    assert ended.value.code == 2
    assert "found many, expected a whole number from 1, or all" in capsys.readouterr().err
    assert main(["run", "there-is-no-such-study", "--cores", "all"]) == 2
