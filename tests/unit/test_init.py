"""`hladr init` and `hladr check` without a file of cells."""

import csv
import re

import pytest
from fcs_builder import build
from study_support import write_study

from hladr.check import check
from hladr.paths import pipeline_root
from hladr.study import load_study
from hladr.study.config import schema
from hladr.study.init import init_study

EXAMPLE = pipeline_root() / "config" / "example"


def test_an_empty_study_lacks_nothing_but_its_tubes(tmp_path):
    init_study(tmp_path / "study")
    result = check(tmp_path / "study")
    assert [str(problem) for problem in result.problems] == [
        "samples.csv, column sample_id: found no rows, expected one row per stained tube; remedy: add the tubes"
    ]
    assert result.specimens == ()


def test_every_table_has_the_header_of_its_schema(tmp_path):
    init_study(tmp_path)
    tables = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.csv"))
    assert tables == [
        "bead_lots.csv",
        "beads.csv",
        "ferritin.csv",
        "outcomes.csv",
        "overrides/overrides.csv",
        "releases.csv",
        "samples.csv",
    ]
    for name in tables:
        with open(tmp_path / name, newline="") as handle:
            header, *rows = csv.reader(handle)
        assert header == list(schema(name.split("/")[-1].removesuffix(".csv"))["properties"])
        assert rows == []


def test_the_commented_examples_are_right_once_they_are_uncommented(tmp_path):
    init_study(tmp_path)
    for name in ("config.yaml", "labs.yaml"):
        text = (tmp_path / name).read_text()
        lines = []
        for line in text.splitlines():
            example = re.match(r"# ?((  )*[\w-]+:.*)$", line)
            lines.append(example[1] if example else line)
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    (tmp_path / "samples.xlsx").unlink(missing_ok=True)
    (tmp_path / "config.yaml").write_text((tmp_path / "config.yaml").read_text().replace("samples.xlsx", "samples.csv"))
    (tmp_path / "samples.csv").write_text("sample_id,patient_id,day,lab,fcs,bead_id\ns1,P1,0,athens,,\n")
    study = load_study(tmp_path)
    assert (study.config["baseline_day"], study.config["cohort"]["arms"]) == (0, ["precision", "placebo"])
    assert study.labs["athens"]["decimal"] == ","
    assert set(study.labs["athens"]) == set(schema("labs")["properties"])


def test_the_readme_shows_a_row_of_every_table_and_these_rows_are_a_study(tmp_path):
    init_study(tmp_path / "new")
    text = (tmp_path / "new" / "README.md").read_text()
    blocks = re.findall(r"^## (\S+?):? .*?```(?:csv|yaml)\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 8
    copy = tmp_path / "copy"
    for name, content in blocks:
        assert len(content.strip().splitlines()) > 1, name
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(content)
    (copy / "overrides" / "ATH-001-d1.xml").write_text("<gating/>")
    (copy / "config.yaml").write_text("contract: 1\n")
    assert len(load_study(copy).tubes) == 5
    assert "For research use only, not for diagnostic use." in text


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "samples.csv").write_text("mine")
    with pytest.raises(FileExistsError, match="nothing is overwritten"):
        init_study(tmp_path)
    with pytest.raises(FileExistsError, match="not an empty folder"):
        init_study(tmp_path / "samples.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["samples.csv"]
    assert (tmp_path / "samples.csv").read_text() == "mine"


def test_the_example_study_has_right_tables_and_no_files():
    result = check(EXAMPLE)
    assert result.problems == ()
    assert {(s.kind, s.name, s.finding.code) for s in result.specimens} == {
        ("bead run", "ATH-beads-0301", "missing_file"),
        ("bead run", "BON-beads-0301", "missing_file"),
        ("tube", "ATH-001-d1", "missing_file"),
        ("tube", "ATH-001-d2", "missing_file"),
        ("tube", "ATH-001-d2b", "missing_file"),
        ("tube", "BON-ctrl-0301", "missing_file"),
    }


def test_every_column_and_key_is_explained_for_the_people_who_fill_it():
    text = (pipeline_root() / "config" / "README.md").read_text()
    assert text.startswith("## ")
    for name in ("samples", "beads", "bead_lots", "ferritin", "overrides", "releases", "outcomes", "labs"):
        for column in schema(name)["properties"]:
            if not re.fullmatch(r"sofa_d(?!1$|15$)\d+", column):
                assert f"`{column}`" in text, (name, column)


def test_check_names_specimens_by_their_ids_never_by_a_path(tmp_path):
    study = write_study(tmp_path, fcs__s1_dot_fcs=b"Smith, Anna", fcs__b1_dot_fcs=b"")
    result = check(study)
    codes = {(s.name, s.finding.code, s.finding.status) for s in result.specimens}
    assert ("s1", "unreadable_fcs", "failed") in codes
    assert ("b1", "unreadable_fcs", "failed") in codes
    assert ("s2", "missing_file", "failed") in codes
    for line in map(str, result.specimens):
        assert "fcs/" not in line
        assert "Smith" not in line
        assert "; remedy: " in line


def acquisition(pe_voltage: int, names, **keywords) -> bytes:
    return build(
        [[1000.0] * len(names)] * 20,
        names,
        voltages={"PE-A": pe_voltage},
        keywords={"$CYT": "LSR II", "$DATE": "01-MAR-2024", "$BTIM": "09:00:00", **keywords},
    )


def test_check_compares_what_the_headers_say(tmp_path):
    """Tubes at another voltage, without CD14, too late; and one of a lab whose markers no stain names."""
    names = ["FSC-A", "SSC-A", "PE-A", "PerCP-Cy5-5-A", "APC-A"]
    study = write_study(
        tmp_path,
        ("samples.csv", "precision,,s2,", "precision,2024-03-01T08:30+02:00,s2,"),
        fcs__b1_dot_fcs=acquisition(480, names[:3]),
        fcs__s1_dot_fcs=acquisition(510, names),
        fcs__s2_dot_fcs=acquisition(480, [name for name in names if "PerCP" not in name]),
        fcs__s2b_dot_fcs=acquisition(480, names, **{"$BTIM": "23:00:00"}),
        fcs__c1_dot_fcs=acquisition(480, names),
    )
    found = [(s.name, s.finding.code, s.finding.status) for s in check(study).specimens if s.name not in ("q1", "q1i")]
    assert found == [
        ("b2", "missing_file", "failed"),
        ("s1", "settings_mismatch", "failed"),
        ("s2", "channel_missing", "failed"),
        ("s2b", "preanalytic_delay", "review"),
        ("c1", "channel_missing", "failed"),
    ]


def test_check_knows_unknown_lots_and_tubes_without_beads(tmp_path):
    change = ("samples.csv", "fcs/s1.fcs,b1", "fcs/s1.fcs,")
    study = write_study(tmp_path, change, bead_lots_dot_csv="kit,lot,level,value,source\n")
    codes = {(s.name, s.finding.code) for s in check(study).specimens}
    assert {("b1", "lot_unknown"), ("b2", "lot_unknown"), ("s1", "calibration_missing")} <= codes
