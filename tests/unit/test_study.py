"""The study folder as laboratories and spreadsheets really save it: what is read, and what is no mistake."""

import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from study_support import FILES, write_study

from hladr.ferritin import Interval
from hladr.study import Level, StudyError, file_stem, load_study


def test_the_small_study_is_read_as_it_was_written(tmp_path):
    study = load_study(write_study(tmp_path))
    assert [tube.sample_id for tube in study.tubes] == ["s1", "s2", "s2b", "s3", "q1", "q1i", "c1"]
    first, reported, isotype = study.tubes[0], study.tubes[3], study.tubes[5]
    assert (first.patient_id, first.day, first.lab, first.fcs, first.bead_id) == ("P1", 1, "athens", "fcs/s1.fcs", "b1")
    assert (first.arm, first.collected_at, first.role, first.row) == (
        "precision",
        datetime(2024, 3, 1, 8, 30),
        "patient",
        2,
    )
    assert (reported.fcs, reported.bead_id, reported.abc_reported) == (None, None, 4120.5)
    assert study.tubes[2].replaces == "s2"
    assert (study.tubes[4].isotype_id, isotype.role) == ("q1i", "isotype")
    assert [(run.bead_id, run.lab, run.kit, run.lot) for run in study.bead_runs] == [
        ("b1", "athens", "quantibrite-pe", "96597"),
        ("b2", "bonn", "qifikit", "20050"),
    ]
    assert study.lots["quantibrite-pe", "96597"] == (Level(1, 638.0, "certificate"), Level(2, 6930.0, "certificate"))
    assert study.lots["qifikit", "20050"] == (Level(1, None, "blank"), Level(2, 2900.0, "certificate"))
    assert [(v.patient_id, v.day, v.interval, v.lab, v.text) for v in study.ferritin] == [
        ("P1", 1, Interval(7500, None, False, False), "athens", ">7500"),
        ("P1", 2, Interval.exact(5230.5), "athens", "5230,5"),
        ("P2", 1, Interval.exact(633.5), "bonn", "633.5"),
        ("P9", 1, None, None, "NA"),
    ]
    assert study.labs["athens"]["markers"]["CD14"] == "PerCP-Cy5-5-A"
    assert study.labs["bonn"] == {"timezone": "Europe/Berlin"}
    assert (study.overrides, study.releases, study.outcomes) == ({}, (), None)
    assert study.config["study"] == "small"
    assert study.config["cohort"]["arms"] == ["precision", "placebo"]
    assert study.config["phenotype"]["ferritin_mals_above_ng_ml"] == 4420


@pytest.mark.parametrize("name", ["beads", "bead_lots", "ferritin"])
def test_a_table_with_its_header_alone_is_valid(tmp_path, name):
    header = FILES[f"{name}.csv"].splitlines()[0]
    changes = []
    if name == "beads":
        samples = FILES["samples.csv"]
        for bead_id in ("b1", "b2"):
            samples = samples.replace(f",{bead_id},", ",,")
        write_study(tmp_path, samples_dot_csv=samples, beads_dot_csv=header + "\n")
    else:
        write_study(tmp_path, *changes, **{f"{name}_dot_csv": header})
    assert len(load_study(tmp_path).tubes) == 7


def test_what_is_no_mistake(tmp_path):
    """Repeated ferritin, ferritin without a tube, unused beads, unknown lots, absent files, neither file nor value."""
    study = load_study(
        write_study(
            tmp_path,
            ("ferritin.csv", "P9,1,NA,pmol/L,\n", "P9,1,2247,pmol/L,\nP9,1,2247,pmol/L,\nP9,1,,,\n"),
            ("beads.csv", "b2,bonn", "b3,bonn,fcs/b3.fcs,mef,unheard-of\nb2,bonn"),
            ("samples.csv", "s3,P2,1,bonn,,,4120.5", "s3,P2,1,bonn,,,"),
        )
    )
    assert [v.interval for v in study.ferritin[-3:]] == [Interval.exact(1000), Interval.exact(1000), None]
    assert ("mef", "unheard-of") not in study.lots
    assert (study.tubes[3].fcs, study.tubes[3].abc_reported) == (None, None)


def test_ids_stay_text(tmp_path):
    study = load_study(
        write_study(
            tmp_path,
            ("samples.csv", "s1,P1", "0012,007"),
            ("samples.csv", "s3,P2", "1001.0,1e5"),
            ("ferritin.csv", "P1,1", "007,1"),
        )
    )
    assert (study.tubes[0].sample_id, study.tubes[0].patient_id) == ("0012", "007")
    assert (study.tubes[3].sample_id, study.tubes[3].patient_id) == ("1001.0", "1e5")
    assert (study.ferritin[0].patient_id, study.ferritin[0].lab) == ("007", "athens")


def test_point_zero_of_a_data_frame_joins_the_id_it_was(tmp_path):
    study = load_study(
        write_study(
            tmp_path,
            ("samples.csv", "s1,P1,1", "s1,1001,1"),
            ("samples.csv", "fcs/s1.fcs,b1", "fcs/s1.fcs,7.0"),
            ("samples.csv", "fcs/s2.fcs,b1", "fcs/s2.fcs,7"),
            ("beads.csv", "b2,bonn", "7,bonn"),
            ("samples.csv", "fcs/q1.fcs,b2", "fcs/q1.fcs,b1"),
            ("samples.csv", "fcs/q1i.fcs,b2", "fcs/q1i.fcs,b1"),
            ("ferritin.csv", "P1,1", "1001.0,1.0"),
        )
    )
    assert (study.ferritin[0].patient_id, study.ferritin[0].day, study.ferritin[0].lab) == ("1001", 1, "athens")
    assert [tube.bead_id for tube in study.tubes[:2]] == ["7", "7"]


def tubes_of(tmp_path, **files):
    return load_study(write_study(tmp_path, **files)).tubes


def semicolons(text: str) -> str:
    return text.replace(",", ";")


SAVED = {
    "byte-order mark": lambda t: ("csv", b"\xef\xbb\xbf" + t.encode()),
    "windows line ends": lambda t: ("csv", t.replace("\n", "\r\n").encode()),
    "old mac line ends": lambda t: ("csv", t.replace("\n", "\r").encode()),
    "no last line end": lambda t: ("csv", t.rstrip("\n").encode()),
    "semicolons": lambda t: ("csv", semicolons(t).replace("4120.5", "4120,5").encode()),
    "semicolons and points": lambda t: ("csv", semicolons(t).encode()),
    "sep line": lambda t: ("csv", b"sep=;\r\n" + semicolons(t).replace("4120.5", "4120,5").encode()),
    "tabs": lambda t: ("tsv", t.replace(",", "\t").encode()),
    "tabs and decimal comma": lambda t: ("tsv", t.replace(",", "\t").replace("4120.5", "4120,5").encode()),
    "unicode text": lambda t: ("tsv", t.replace(",", "\t").encode("utf-16")),
    "utf-16 big-endian": lambda t: ("csv", b"\xfe\xff" + t.encode("utf-16-be")),
    "quoted": lambda t: ("csv", "\n".join('"' + '","'.join(r.split(",")) + '"' for r in t.splitlines()).encode()),
    "spaces": lambda t: ("csv", t.replace(",", " , ").encode()),
    "empty rows and columns": lambda t: ("csv", (t.replace("\n", ",,,\n") + ",,,,\n\n,,\n").encode()),
    "empty rows before the header": lambda t: ("csv", ("\n,,\n" + t).encode()),
}


@pytest.mark.parametrize("how", SAVED)
def test_the_same_table_however_it_was_saved(tmp_path, how):
    expected = tubes_of(tmp_path / "plain")
    extension, raw = SAVED[how](FILES["samples.csv"])
    files = {"samples_dot_csv": None, f"samples_dot_{extension}": raw}
    found = tubes_of(tmp_path / "saved", **files)
    shift = 2 if "before" in how else 0
    assert [tube.row - shift for tube in found] == [tube.row for tube in expected]
    for name in ("sample_id", "patient_id", "day", "fcs", "abc_reported", "arm", "collected_at", "replaces", "role"):
        assert [getattr(tube, name) for tube in found] == [getattr(tube, name) for tube in expected], name


def test_a_windows_code_page_is_read(tmp_path):
    text = FILES["ferritin.csv"].replace("ug/L", "µg/L")
    assert load_study(write_study(tmp_path, ferritin_dot_csv=text.encode("cp1252"))).ferritin[2].interval.value == 633.5


def test_bead_values_of_a_european_spreadsheet(tmp_path):
    text = "kit;lot;level;value;source\nquantibrite-pe;96597;1;638,5;x\nquantibrite-pe;96597;2;6930;x\n"
    levels = load_study(write_study(tmp_path, bead_lots_dot_csv=text)).lots["quantibrite-pe", "96597"]
    assert [level.value for level in levels] == [638.5, 6930]


def test_a_thousands_point_between_semicolons_is_refused(tmp_path):
    text = "kit;lot;level;value;source\nquantibrite-pe;96597;1;6.930;x\n"
    with pytest.raises(
        StudyError, match=r"row 2, column value: found '6.930', expected a number that can be read in one"
    ):
        load_study(write_study(tmp_path, bead_lots_dot_csv=text))


def test_rows_keep_their_spreadsheet_numbers(tmp_path):
    text = FILES["samples.csv"].replace("s2,P1", '\n,,,\n"s2",P1').replace("fcs/s1.fcs", '"fcs/s1.fcs"')
    assert [tube.row for tube in tubes_of(tmp_path, samples_dot_csv=text)][:3] == [2, 5, 6]


def test_further_columns_are_carried_through(tmp_path):
    rows = [row + f",note {i}" for i, row in enumerate(FILES["samples.csv"].splitlines())]
    rows[0] = rows[0].replace("note 0", "remark")
    assert tubes_of(tmp_path, samples_dot_csv="\n".join(rows))[1].extra == {"remark": "note 2"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r"fcs\athens\s1.fcs", "fcs/athens/s1.fcs"),
        ("./fcs//s1.fcs", "fcs/s1.fcs"),
        ("fcs/../fcs/s1.fcs", "fcs/s1.fcs"),
        ("fcs/ΑΘΗΝΑ 1.fcs", "fcs/ΑΘΗΝΑ 1.fcs"),
        ("s1..fcs", "s1..fcs"),
        ("...", "..."),
    ],
)
def test_paths_are_relative_with_forward_slashes(tmp_path, written, expected):
    samples = FILES["samples.csv"].replace("fcs/s1.fcs", written)
    assert tubes_of(tmp_path, samples_dot_csv=samples)[0].fcs == expected


def test_a_time_with_an_offset_keeps_it(tmp_path):
    samples = FILES["samples.csv"].replace("08:30", "08:30:00+02:00")
    assert tubes_of(tmp_path, samples_dot_csv=samples)[0].collected_at == datetime(2024, 3, 1, 6, 30, tzinfo=UTC)
    assert tubes_of(tmp_path, samples_dot_csv=samples)[0].collected_at.utcoffset() == timedelta(hours=2)


# ferritin by the lab that wrote it
@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("P1,1,4.420,ng/mL,", 4420),  # the lab of that day's tube: athens, decimal comma
        ("P1,7,4.420,ng/mL,", 4420),  # no tube of that day: the patient's only lab
        ("P2,1,4.420,ng/mL,athens", 4420),  # the row's own lab comes first
        ("P9,1,4.420,ng/mL,", 4.42),  # no lab at all: a decimal point
        ('P9,1,"4,420",ng/mL,', 4420),
        ('P9,1,"633,5",ng/mL,', 633.5),
        ("P2,1,1.234.567,ng/mL,", 1234567),
    ],
)
def test_whose_convention_reads_a_ferritin_value(tmp_path, row, value):
    study = load_study(write_study(tmp_path, ferritin_dot_csv="patient_id,day,ferritin,unit,lab\n" + row))
    assert study.ferritin[0].interval == Interval.exact(value)


def test_two_labs_of_one_draw_must_agree_on_the_reading(tmp_path):
    both = ("samples.csv", "s2,P1,2,athens", "s2,P1,1,bonn")
    replaced = ("samples.csv", ",s2,,", ",,,")
    text = "patient_id,day,ferritin,unit,lab\nP1,1,{},ng/mL,\n"
    agreed = load_study(write_study(tmp_path / "a", both, replaced, ferritin_dot_csv=text.format('"633,5"')))
    assert (agreed.ferritin[0].interval.value, agreed.ferritin[0].lab) == (633.5, None)
    with pytest.raises(StudyError, match=r"row 2, column ferritin: found '4.420'.* or name the lab that measured it"):
        load_study(write_study(tmp_path / "b", both, replaced, ferritin_dot_csv=text.format("4.420")))
    declared = ("labs.yaml", "bonn:\n", "bonn:\n  decimal: '.'\n")
    with pytest.raises(StudyError, match=r"labs of this day's tubes \(athens, bonn\) would write so"):
        load_study(write_study(tmp_path / "c", both, replaced, declared, ferritin_dot_csv=text.format("4.420")))


def test_words_of_one_lab_are_missing_values_of_that_lab_only(tmp_path):
    text = "patient_id,day,ferritin,unit,lab\nP1,1,Clotted,,athens\nP2,1,clotted,ng/mL,bonn\n"
    with pytest.raises(StudyError) as caught:
        load_study(write_study(tmp_path, ferritin_dot_csv=text))
    assert [(p.row, p.column) for p in caught.value.problems] == [(3, "ferritin")]


# workbooks
def workbook(rows, title="Sheet1", before=()) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, content in (*before, (title, rows)):
        sheet = book.create_sheet(name)
        for row in content:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


HEADER = ["sample_id", "patient_id", "day", "lab", "fcs", "bead_id", "collected_at", "abc_reported"]


def test_a_workbook_gives_ids_as_text_and_numbers_as_numbers(tmp_path):
    rows = [
        HEADER,
        [1001, 1001.0, 1.0, "athens", r"fcs\a.fcs", "b1", datetime(2024, 3, 1, 8, 30), None],
        [],
        ["007", "0012", "2", "bonn", None, None, None, 4120.5],
        ["008", "0012", 4, "bonn", None, None, "2024-03-04T08:30", "4120.5"],
    ]
    tubes = tubes_of(tmp_path, samples_dot_csv=None, samples_dot_xlsx=workbook(rows))
    assert [(t.sample_id, t.patient_id, t.day, t.row) for t in tubes] == [
        ("1001", "1001", 1, 2),
        ("007", "0012", 2, 4),
        ("008", "0012", 4, 5),
    ]
    assert tubes[0].fcs == "fcs/a.fcs"
    assert [t.collected_at for t in tubes] == [datetime(2024, 3, 1, 8, 30), None, datetime(2024, 3, 4, 8, 30)]
    assert [t.abc_reported for t in tubes] == [None, 4120.5, 4120.5]


def test_one_workbook_may_hold_several_tables(tmp_path):
    beads = [["bead_id", "lab", "fcs", "kit", "lot"], ["b7", "athens", "fcs/b7.fcs", "quantibrite-pe", "96597"]]
    samples = [HEADER, ["s1", "P1", 1, "athens", "fcs/a.fcs", "b7", None, None]]
    folder = write_study(
        tmp_path,
        config_dot_yaml="tables: {samples: study.xlsx, beads: study.xlsx}\n",
        samples_dot_csv=None,
        beads_dot_csv=None,
    )
    (folder / "study.xlsx").write_bytes(workbook(beads, "Beads", before=[("notes", [["x"]]), ("samples", samples)]))
    study = load_study(folder)
    assert ([tube.bead_id for tube in study.tubes], [run.bead_id for run in study.bead_runs]) == (["b7"], ["b7"])


def test_the_sheet_named_like_the_table_is_read_else_the_first(tmp_path):
    good = [HEADER, ["s1", "P1", 1, "athens"]]
    other = [["notes"], ["do not touch"]]
    named = workbook(good, title="Samples", before=[("notes", other)])
    first = workbook(other, title="notes", before=[("Tabelle1", good)])
    for i, raw in enumerate((named, first)):
        assert tubes_of(tmp_path / str(i), samples_dot_csv=None, samples_dot_xlsx=raw)[0].sample_id == "s1"


def test_ferritin_of_a_workbook_keeps_numbers_and_texts_apart(tmp_path):
    rows = [
        ["patient_id", "day", "ferritin", "unit", "lab"],
        ["P1", 1, 633.5, "ng/mL", "athens"],
        ["P1", 2, "4.420", "ng/mL", "athens"],
        ["P1", 4, ">7500", "ng/mL", "athens"],
        ["P1", 7, None, None, "athens"],
    ]
    study = load_study(write_study(tmp_path, ferritin_dot_csv=None, ferritin_dot_xlsx=workbook(rows)))
    assert [v.interval for v in study.ferritin] == [
        Interval.exact(633.5),
        Interval.exact(4420),
        Interval(7500, None, False, False),
        None,
    ]
    assert [v.text for v in study.ferritin] == ["633.5", "4.420", ">7500", ""]


def test_stored_values_of_formulas_are_read(tmp_path):
    """A workbook with <f>...</f><v>2</v>, as spreadsheets store it."""
    import zipfile

    raw = workbook([HEADER, ["s1", "P1", 77, "athens"]])
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            if "sheet1.xml" in part.filename:
                assert b"<v>77</v>" in data
                data = data.replace(b"<v>77</v>", b"<f>1+1</f><v>2</v>")
            new.writestr(part, data)
    assert tubes_of(tmp_path, samples_dot_csv=None, samples_dot_xlsx=stream.getvalue())[0].day == 2


def test_another_extension_is_found_without_a_word_in_the_configuration(tmp_path):
    study = load_study(
        write_study(tmp_path, samples_dot_csv=None, samples_dot_tsv=FILES["samples.csv"].replace(",", "\t"))
    )
    assert study.files["samples"] == "samples.tsv"


def test_a_study_reached_through_a_link_is_the_study(tmp_path):
    write_study(tmp_path / "real", fcs__s1_dot_fcs="x")
    (tmp_path / "link").symlink_to("real")
    assert len(load_study(tmp_path / "link").tubes) == 7


def test_a_file_name_in_two_part_letters_stays_so(tmp_path):
    samples = FILES["samples.csv"].replace("fcs/s1.fcs", "fcs/Mu\u0308ller.fcs")
    assert tubes_of(tmp_path, samples_dot_csv=samples)[0].fcs == "fcs/Mu\u0308ller.fcs"


def test_a_spreadsheets_lock_file_does_no_harm(tmp_path):
    write_study(tmp_path)
    (tmp_path / "~$samples.xlsx").write_bytes(b"x" * 165)
    assert len(load_study(tmp_path).tubes) == 7


# optional tables
def test_overrides_releases_and_outcomes(tmp_path):
    write_study(
        tmp_path,
        overrides__s1_dot_xml="<gating/>",
        overrides__overrides_dot_csv="sample_id,reviewer,reason,date\ns1,M. Weber,-  debris\n",
        releases_dot_csv="sample_id,reviewer,decision,date\ns1,Weber,hold,2024-03-02\ns1,Weber,release,2024-03-03\n",
        outcomes_dot_csv="patient_id,sofa_d1,sofa_d15,death_day,infection_d15\nP1,11,,6,failure\n",
    )
    with pytest.raises(StudyError, match="row 2, column date: found an empty cell"):
        load_study(tmp_path)
    (tmp_path / "overrides/overrides.csv").write_text(
        "sample_id,reviewer,reason,date\ns1,M. Weber,- debris,2024-03-01\n"
    )
    study = load_study(tmp_path)
    override = study.overrides["s1"]
    assert (override.path, override.reason, override.date.isoformat()) == ("overrides/s1.xml", "- debris", "2024-03-01")
    assert [release.decision for release in study.releases] == ["hold", "release"]
    outcome = study.outcomes[0]
    assert (outcome.sofa[0], outcome.sofa[14], outcome.death_day, outcome.infection_d15) == (11, None, 6, "failure")


def test_optional_tables_with_a_header_alone_say_nothing(tmp_path):
    write_study(tmp_path, outcomes_dot_csv="patient_id\n", releases_dot_csv="sample_id,reviewer,decision,date\n")
    study = load_study(tmp_path)
    assert (study.outcomes, study.releases) == (None, ())


# arms
@pytest.mark.parametrize("arms", ["", "precision"])
def test_arms_without_patients_yet_are_no_mistake(tmp_path, arms):
    samples = FILES["samples.csv"].replace("placebo", arms).replace("precision", arms)
    assert tubes_of(tmp_path, samples_dot_csv=samples)


@pytest.mark.parametrize(
    ("name", "stem"),
    [("b1", "b1"), ("2024-03-01.a_b", "2024-03-01.a_b"), ("run 1/2", "run%201%2F2"), ("..", "%2E."), (".x", "%2Ex")],
)
def test_an_id_as_a_file_name_leaves_no_folder(name, stem):
    assert file_stem(name) == stem


def test_loading_imports_no_heavy_library():
    """It runs at every start of the workflow and in every job."""
    code = (
        "import sys, hladr.study; print(sorted({'pandas','numpy','scipy','openpyxl','jsonschema'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
