"""`hladr verify` names the first difference, of every kind."""

import hashlib
import json
import os
import shutil

import pytest
from provenance_support import flip_byte_keeping_time, run, write_batches, write_study

from hladr.verify import verify


@pytest.fixture
def study(tmp_path):
    write_study(tmp_path)
    run(tmp_path)
    return tmp_path


def edit(name, old, new):
    def change(folder):
        path = folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def audit_lines(change):
    def apply(folder):
        path = folder / "audit.jsonl"
        path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))

    return apply


def add_tube(folder):
    with open(folder / "overrides" / "overrides.csv", "a") as table:
        table.write("S1,KA,why,2026-01-02\n")


def test_an_untouched_study_is_as_it_was_also_when_copied(study, tmp_path_factory):
    assert verify(study) is None
    copy = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(study, copy)
    for path in copy.rglob("*"):
        os.utime(path)
    assert verify(copy) is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda f: flip_byte_keeping_time(f / "fcs" / "two.fcs"), "tube S2 was changed"),
        (lambda f: flip_byte_keeping_time(f / "fcs" / "beads.fcs"), "bead run B1 was changed"),
        (lambda f: (f / "fcs" / "two.fcs").unlink(), "tube S2 is missing"),
        (lambda f: (f / "fcs" / "late.fcs").write_bytes(b"FCS"), "tube S3 was missing in the last run"),
        (edit("samples.csv", "S1,P1,1", "S1,P1,2"), "the table samples was changed"),
        (edit("samples.csv", "Smith", "Jones"), "the table samples was changed"),
        (edit("ferritin.csv", "600", "601"), "the table ferritin was changed"),
        (edit("labs.yaml", "PE-A", "PE-H"), "the labs table (labs.yaml) was changed"),
        (edit("config.yaml", "small", "large"), "config.yaml was changed"),
        (lambda f: (f / "config.yaml").unlink(), "config.yaml is missing"),
        (edit("m.csv", "1,0", "1,0.1"), "matrix of athens was changed"),
        (edit("overrides/S2.xml", "<gates/>", "<gates />"), "override of S2 was changed"),
        (add_tube, "the table of overrides was changed"),
        (lambda f: (f / "releases.csv").write_text("sample_id,reviewer,decision,date\n"), "table releases is new"),
        (edit("results/quantification.csv", "5500.5", "4500.5"), "results/quantification.csv was changed"),
        (lambda f: (f / "results" / "quantification.csv").unlink(), "results/quantification.csv is missing"),
        (edit("results/gates/S1.xml", "<gate/>", "<Gate/>"), "results/gates/S1.xml was changed"),
        (lambda f: (f / "results" / "gates" / "S9.xml").write_text(""), "results/gates/S9.xml is not a result"),
        (edit("results/report.html", "Report", "report"), "results/report.html was changed"),
        (edit("results/report/S1.html", "S1", "S2"), "results/report/S1.html was changed"),
        (lambda f: (f / "results" / "report" / "S1.html").unlink(), "results/report/S1.html is missing"),
        (
            lambda f: (f / "results" / "report" / "S9.html").write_text(""),
            "results/report/S9.html is not a result of the last run",
        ),
        (lambda f: (f / "results" / "report.html").unlink(), "results/report.html is missing"),
        (edit("results/provenance.json", "median", "medium"), "results/provenance.json is not the one"),
        (lambda f: (f / "results" / "provenance.json").write_text("{"), "results/provenance.json cannot be read"),
        (lambda f: (f / "results" / "provenance.json").unlink(), "results/provenance.json is missing"),
        (lambda f: (f / "results" / "audit_head.json").unlink(), "results/audit_head.json is missing"),
        (lambda f: (f / "audit.jsonl").unlink(), "audit.jsonl: lines were removed at the end: 0 of 9"),
        (audit_lines(lambda x: x[:-1]), "audit.jsonl: lines were removed at the end: 8 of 9"),
        (audit_lines(lambda x: x[:3] + x[4:]), "audit.jsonl: line 4 does not follow"),
        (audit_lines(lambda x: [*x[:2], x[3], x[2], *x[4:]]), "audit.jsonl: line 3 does not follow"),
        (
            audit_lines(lambda x: [*x[:4], x[4].replace(b"debris", b"nothing"), *x[5:]]),
            "audit.jsonl: line 5 was edited",
        ),
    ],
)
def test_each_difference_is_named(study, change, named):
    change(study)
    assert (verify(study) or "").startswith(named)


def test_a_folder_without_a_sound_list_of_its_files_is_named_alone(study):
    """The list is proved by the folder's digest in the log: edited, or of results older than it, it says nothing."""
    (study / "results" / "report" / "S1.html").write_text("<p>S2</p>")
    forged = hashlib.sha256(b"<p>S2</p>").hexdigest()
    kept = study / "results" / "folders.sha256"
    lines = [line for line in kept.read_text().splitlines() if "  report/" not in line]
    kept.write_text("\n".join([*lines, f"{forged}  report/S1.html", ""]))
    assert verify(study) == "results/report/ was changed after the last run"
    (study / "results" / "folders.sha256").unlink()
    assert verify(study) == "results/report/ was changed after the last run"


def test_the_files_of_the_folders_are_listed_as_sha256sum_reads_them(study):
    # by sha256sum, of the page `<p>S1</p>` and of `S1.html`, a zero byte, that digest and a line's end
    of_page = "8554d9e11d749a2aad21be343fa87e204c601891d125fbb060ff9371f046ec94"
    of_folder = "30668f5d19b87e04ab258e577e6da3965a97bc9be73740762b74264e7f2f6e4b"
    listed = (study / "results" / "folders.sha256").read_text().splitlines()
    assert [line for line in listed if "  batches/" not in line] == [f"{of_page}  report/S1.html"]
    finished = json.loads((study / "audit.jsonl").read_text().splitlines()[-1])
    assert finished["files"]["report/"] == of_folder


def test_what_the_next_run_builds_on_is_checked_too(study):
    """Readings that somebody edits between two runs would change AB/C without a trace."""
    kept = study / "results" / "batches" / "tubes_0000" / "digests.json"
    kept.write_text(kept.read_text() + " ")
    assert verify(study) == "results/batches/tubes_0000/digests.json was changed after the last run"


def test_the_list_of_the_folders_files_is_checked_too(study):
    kept = study / "results" / "folders.sha256"
    kept.write_text(kept.read_text().replace("a", "b", 1))
    assert verify(study) == "results/folders.sha256 was changed after the last run"


def test_a_rerun_after_a_true_change_is_in_order_again(study):
    (study / "fcs" / "late.fcs").write_bytes(b"FCS3.0 late")
    assert verify(study) is not None
    write_batches(study)
    run(study)
    assert verify(study) is None


def test_a_file_that_changed_while_it_was_read_is_named(study):
    kept = study / "results" / "batches" / "tubes_0000" / "digests.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "S1": {"changed_while_read": True}}))
    run(study)
    assert verify(study) == "tube S1 changed while the last run read it"


def test_a_study_that_never_ran(tmp_path):
    assert verify(tmp_path) == "results/provenance.json is missing: the study was not run to its end"
