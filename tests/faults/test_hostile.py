"""A study that means harm, through the whole workflow: nothing is run, followed, fetched or shown as code."""

import csv
import io
import re
import zipfile

import pytest
from fault_support import rows_of, run
from small_study import results_of, write_small_study

pytestmark = pytest.mark.slow
HTML = "P<img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("http://example.org")'
SECRET = "the-secret-of-another-folder"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return the results folder of one run, and a folder beside the study that holds a secret."""
    base = tmp_path_factory.mktemp("hostile")
    (base / "secret.txt").write_text(SECRET)
    folder = write_small_study(base / "study", tubes=4, events=6000)
    table = folder / "samples.csv"
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0], "ward", "=2+2"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "patient_id": HTML, "ward": FORMULA, "=2+2": "@SUM(A1)"})
    table.write_text(text.getvalue())
    (folder / "ferritin.csv").write_text(f'patient_id,day,ferritin,unit\n"{HTML}",1,600,ng/mL\n')
    overrides = folder / "overrides"
    overrides.mkdir()
    lines = ["sample_id,reviewer,reason,date"]
    documents = {
        "S00": f'<!DOCTYPE a [<!ENTITY x SYSTEM "{(base / "secret.txt").as_uri()}">]><a>&x;</a>',
        "S01": '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
        "S02": "<a>" * 50_000,
    }
    for sample_id, document in documents.items():
        (overrides / f"{sample_id}.xml").write_text(document)
        lines.append(f"{sample_id},<script>alert(2)</script>,{FORMULA.replace(chr(34), '')},2026-03-01")
    (overrides / "overrides.csv").write_text("\n".join([*lines, ""]))
    result = run(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "results"


def test_hostile_gates_cost_their_tubes(results):
    rows = rows_of(results_of(results.parent))
    assert [rows[f"S0{i}"]["flags"] for i in range(3)] == ["override_unusable"] * 3
    assert rows["S03"]["abc"] != ""
    assert rows["S03"]["patient_id"] == HTML, "an id is text, and stays what it is"


def test_nothing_of_another_folder_is_in_the_results(results):
    for path in results.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path.name


def test_no_cell_of_a_table_or_workbook_is_a_formula(results):
    tables = list(results.glob("*.csv"))
    assert len(tables) >= 6
    for path in tables:
        with open(path, newline="") as handle:
            for cell in (cell for row in csv.reader(handle) for cell in row):
                assert not cell.startswith(("=", "@", "\t")), (path.name, cell)
    assert "'=HYPERLINK" in (results / "quantification.csv").read_text()
    books = list(results.glob("*.xlsx"))
    assert len(books) == 2
    for path in books:
        with zipfile.ZipFile(path) as book:
            sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
            assert sheets
            for name in sheets:
                assert not re.search(rb"<f[ >/]", book.read(name)), (path.name, name)


def test_pages_show_markup_as_text(results):
    pages = [results / "report.html", *results.glob("report/data/*.js"), *results.glob("cohort.html")]
    for page in pages:
        text = page.read_text()
        assert "<img src=x" not in text, page.name
        assert "<script>alert" not in text, page.name
