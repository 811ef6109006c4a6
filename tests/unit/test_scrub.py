"""A study to share: the same events and readings, and nothing that was planted."""

from dataclasses import replace

import numpy as np
import pytest
from fcs_builder import build, two_data_sets

from hladr import fcs
from hladr.cytometers import veiled
from hladr.fcs.scrub import scrub_file
from hladr.panel import known_stain, resolve
from hladr.scrub import scrub_study
from hladr.study import StudyError, load_study

PLANTED = "Müller^Jane 1970-03-05"
KEYS = ["$OP", "$SRC", "$FIL", "$COM", "$CELLS", "$INST", "$PROJ", "$EXP", "$SMNO", "$SYS", "$WELLID", "$LAST_MODIFIER"]
KEYS += [
    "SAMPLE ID",
    "PATIENT NAME",
    "TUBE NAME",
    "EXPORT USER NAME",
    "@SAMPLEID1",
    "CREATOR",
    "P1DISPLAY",
    "$P9N",
    "$CYTX",
]
NAMES = ["FSC-A", "FSC-H", "SSC-A", "PE-A", "PerCP-Cy5-5-A", "APC-A", "FITC-A", "Time"]
STAINS = {"PE-A": "HLA-DR PE Jane Müller", "PerCP-Cy5-5-A": "CD14", "APC-A": "CD45 APC", "FITC-A": PLANTED}
SETTINGS = {
    "$CYT": "FACSCanto II",
    "$CYTSN": "V96300271",
    "$DATE": "15-JAN-2024",
    "$BTIM": "09:30:00.25",
    "$ETIM": "09:31:10",
}
MATRIX = {"$SPILLOVER": "3,PE-A,PerCP-Cy5-5-A,APC-A,1,0.2,0.013,0.005,1,0.1,0.002,0.05,1"}


def stain_without_lab(stain):
    """What is kept of a stain where the laboratory names none."""
    return known_stain(stain, {})


def rows_of(n, d=8):
    return np.abs(np.random.default_rng(11).normal(30000, 8000, (n, d))).astype(np.float32)


def tube(**options):
    keywords = {**dict.fromkeys(KEYS, PLANTED), **SETTINGS, **MATRIX, "$TIMESTEP": "0.01"}
    given = {"stains": STAINS, "voltages": {"PE-A": 480, "FSC-A": 310.5}, "gains": {"Time": 0.01, "SSC-A": 1.0}}
    rows = options.pop("rows", rows_of(50))
    return build(rows, NAMES, keywords={**keywords, **options.pop("keywords", {})}, **{**given, **options})


def kept_of(settings):
    """What results know of the settings: of free text the recognised model and a digest."""
    return replace(settings, cytometer=veiled(settings.cytometer), serial=veiled(settings.serial))


def same_reading(one, two):
    np.testing.assert_array_equal(one.events, two.events)
    assert one.events.dtype == two.events.dtype
    assert kept_of(one.settings) == kept_of(two.settings)
    # equal instants need not be stated alike
    assert repr(one.settings.acquired_at) == repr(two.settings.acquired_at)
    assert one.flowkit_preprocess == two.flowkit_preprocess
    assert [f.code for f in one.findings] == [f.code for f in two.findings]
    for a, b in zip(one.channels, two.channels, strict=True):
        assert (a.name, a.range, a.decades, a.log_minimum, a.gain, a.voltage, a.bits) == (
            *(b.name, b.range, b.decades, b.log_minimum, b.gain, b.voltage, b.bits),
        )
    if one.spill is None:
        assert two.spill is None
    else:
        assert one.spill.detectors == two.spill.detectors
        np.testing.assert_array_equal(one.spill.matrix, two.spill.matrix)


def planted_in(content):
    text = content.decode("utf-8", "replace") + content.decode("latin-1")
    return any(word in text for word in ("Müller", "Jane", "1970"))


INTEGERS = {"datatype": "I", "bits": [16] * 8, "ranges": [65536] * 8}
LOGS = {"datatype": "I", "ranges": [1024] * 8, "scales": {"PE-A": "4,0", "APC-A": "4.0,0.1024"}}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"order": ">"},
        {"datatype": "D"},
        {"version": "3.0", "delimiter": "|"},
        {"version": "2.0"},
        {"end_shift": 1, "tail": PLANTED.encode()},
        {"pad_before_data": 700},
        {"scales": {"PE-A": "4,0"}},
        {**INTEGERS, "rows": rows_of(50).astype(int)},
        {**INTEGERS, "bits": [24] * 8, "ranges": [2**24] * 8, "rows": rows_of(50).astype(int)},
        {**LOGS, "rows": rows_of(50).astype(int) % 1024},
        {**LOGS, "bits": [10] * 8, "rows": rows_of(50).astype(int) % 1024},
        {"keywords": {"$SPILLOVER": "2,PE-A,nonsense"}},
        {"drop": ("$SPILLOVER", "$DATE", "$CYT")},
        {"drop": ("$BTIM", "$ETIM")},  # a date alone
        {"drop": ("$DATE", "$BTIM"), "keywords": {"$BEGINDATETIME": "2024-01-15T09:30:00.25+02:00"}},
        {"drop": ("$DATE",), "keywords": {"$BEGINDATETIME": "2024-01-15T07:30Z", "$ENDDATETIME": "2024-01-15T07:31Z"}},
    ],
)
def test_files(tmp_path, options):
    source, target = tmp_path / "Jane.fcs", tmp_path / "T1.fcs"
    source.write_bytes(tube(**options))
    scrub_file(source, target, stain_without_lab)
    content = target.read_bytes()
    assert planted_in(source.read_bytes())
    assert not planted_in(content)
    one, two = fcs.read_acquisition(source), fcs.read_acquisition(target)
    same_reading(one, two)
    assert resolve(one.channels, {}) == resolve(two.channels, {})
    assert ("matrix_unreadable" in one.notes) == ("matrix_unreadable" in two.notes)
    # the DATA segment, bit by bit: the last bytes of the copy are those of the original's events
    from hladr.fcs.layout import read_layout

    with open(source, "rb") as handle:
        layout = read_layout(handle)
        handle.seek(layout.data_start)
        data = handle.read(layout.n_bytes)
    assert content.endswith(data)
    scrub_file(target, tmp_path / "again.fcs", stain_without_lab)
    assert (tmp_path / "again.fcs").read_bytes() == content


def test_other_libraries_read_the_copy(tmp_path):
    from flowkit import Sample

    source, target = tmp_path / "a.fcs", tmp_path / "b.fcs"
    source.write_bytes(tube(order=">", gains={"SSC-A": 4.0}, drop=("$P9N",)))
    scrub_file(source, target, stain_without_lab)
    one, two = (Sample(str(p)) for p in (source, target))
    np.testing.assert_array_equal(one.get_events(source="raw"), two.get_events(source="raw"))
    assert two.pnn_labels == NAMES


def test_a_beckman_file_becomes_its_fcs_3_data_set(tmp_path):
    def first(nextdata):
        return build(
            [[1, 2, 3, 4]] * 30,
            ["FS Lin", "SS Lin", "FL2 Log", "FL4 Log"],
            version="2.0",
            datatype="I",
            nextdata=nextdata,
            stains={"FL2 Log": "HLA-DR", "FL4 Log": "CD14"},
            voltages={"FL2 Log": 250},
            keywords={**dict.fromkeys(KEYS, PLANTED), **SETTINGS, "$DFC2TO4": "28.4", "$DFC4TO2": "1.7"},
        )

    rows = np.arange(30 * 5).reshape(30, 5) + 1
    second = build(
        rows, ["FS", "SS", "FL2", "FL4", "TIME"], version="3.0", datatype="I", bits=[32] * 5, ranges=[1048576] * 5
    )
    source, target = tmp_path / "Jane.LMD", tmp_path / "T1.fcs"
    source.write_bytes(two_data_sets(first, second))
    scrub_file(source, target, stain_without_lab)
    one, two = fcs.read_acquisition(source), fcs.read_acquisition(target)
    same_reading(one, two)
    np.testing.assert_array_equal(two.events, rows)
    assert [c.stain for c in two.channels] == ["", "", "HLA-DR", "CD14", ""]
    assert not planted_in(target.read_bytes())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (PLANTED.encode() * 20, "unreadable_fcs"),
        (b"", "unreadable_fcs"),
        (tube()[:-60], "truncated_fcs"),
        (tube()[:600], "truncated_fcs"),
        (tube(rows=[]), "no_events"),
    ],
)
def test_files_that_cannot_be_read_stay_so(tmp_path, content, code):
    source, target = tmp_path / "Jane.fcs", tmp_path / "T1.fcs"
    source.write_bytes(content)
    scrub_file(source, target, stain_without_lab)
    assert not planted_in(target.read_bytes())
    with pytest.raises(fcs.SpecimenError) as problem:
        fcs.read_acquisition(target)
    assert problem.value.code == code
    if code == "truncated_fcs" and len(content) > 1000:
        assert problem.value.sentence == "the file ends before the events that its header promises"
    scrub_file(tmp_path / "absent.fcs", tmp_path / "T2.fcs", stain_without_lab)
    assert not (tmp_path / "T2.fcs").exists()


def test_stains_keep_what_the_panel_looks_at():
    assert known_stain("HLA-DR PE Jane Müller", {}) == "HLA-DR PE"
    assert known_stain("Anti-Monocyte", {}) == "CD14"
    assert known_stain("Jane Müller", {}) == ""
    assert known_stain("jane mueller", {"CD14": "Jane Mueller"}) == "Jane Mueller"
    assert known_stain("CD45RA", {}) == ""
    assert known_stain("", {"CD14": ""}) == ""


def write(folder, name, text):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    write(folder, "config.yaml", f"# by {PLANTED}\nstudy: shared\nquantify: {{min_monocytes: 50}}\n")
    write(folder, "labs.yaml", f"# {PLANTED}\nathens: {{decimal: ',', compensation: Jane/m.csv}}\nberlin: {{}}\n")
    write(folder, "Jane/m.csv", "PE-A,APC-A\n1,0.1\n0.25,1\n")
    write(
        folder,
        "samples.csv",
        "sample_id;patient_id;day;lab;fcs;bead_id;name;collected_at\n"
        f"T1;P1;1;athens;Jane/tube one.fcs;B1;{PLANTED};2024-01-15T08:00:00\n"
        "T2;P1;2;berlin;fcs/gone.fcs;T1;;\n"
        "T3;P2;1;berlin;;;;\n",
    )
    write(
        folder,
        "beads.csv",
        "bead_id,lab,fcs,kit,lot\nB1,athens,Jane/b.fcs,quantibrite-pe,1\nT1,athens,Jane/b.fcs,mef,2\n",
    )
    write(
        folder,
        "bead_lots.csv",
        "kit,lot,level,value,source\nquantibrite-pe,1,1,500,sheet\nquantibrite-pe,1,2,6000,sheet\n",
    )
    write(folder, "ferritin.csv", 'patient_id,day,ferritin,unit,note\nP1,1,"633,5",ng/mL,Jane\nP1,2,>7500,ng/mL,\n')
    write(
        folder,
        "releases.csv",
        "sample_id,reviewer,decision,date\nT1,Jane Müller,release,2024-01-20\nT1,Bob,hold,2024-01-21\n",
    )
    write(folder, "overrides/overrides.csv", "sample_id,reviewer,reason,date\nT1,Bob,Jane drew it,2024-01-20\n")
    write(
        folder,
        "overrides/T1.xml",
        f'<?xml version="1.0"?><!-- {PLANTED} --><g:Gating-ML xmlns:g="http://g" xmlns:d="http://d">'
        f'<d:custom_info>{PLANTED}</d:custom_info><g:RectangleGate g:id="monocytes"/></g:Gating-ML>',
    )
    (folder / "Jane" / "tube one.fcs").write_bytes(tube())
    (folder / "Jane" / "b.fcs").write_bytes(tube(stains={}))
    write(folder, "results/report.html", PLANTED)
    write(folder, "audit.jsonl", PLANTED)
    return folder


def test_a_study(study, tmp_path):
    out = tmp_path / "out"
    scrub_study(study, out)
    names = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    tables = ["samples.csv", "beads.csv", "bead_lots.csv", "ferritin.csv", "releases.csv", "overrides/overrides.csv"]
    others = ["config.yaml", "labs.yaml", "compensation/athens.csv", "overrides/T1.xml"]
    assert names == sorted([*tables, *others, "fcs/T1.fcs", "fcs/B1.fcs", "fcs/T1_2.fcs"])
    for path in out.rglob("*"):
        assert not (path.is_file() and planted_in(path.read_bytes())), path
        assert "Jane" not in path.name
    one, two = load_study(study), load_study(out)
    assert [t.fcs for t in two.tubes] == ["fcs/T1.fcs", "fcs/T2.fcs", None]
    assert [r.fcs for r in two.bead_runs] == ["fcs/B1.fcs", "fcs/T1_2.fcs"]
    for before, after in zip(one.tubes, two.tubes, strict=True):
        for field in ("sample_id", "patient_id", "day", "lab", "bead_id", "collected_at", "role", "abc_reported"):
            assert getattr(before, field) == getattr(after, field)
        assert after.extra == {}
    assert two.lots == one.lots
    assert [f.interval for f in two.ferritin] == [f.interval for f in one.ferritin]
    assert {k: v for k, v in two.config.items() if k != "tables"} == {
        k: v for k, v in one.config.items() if k != "tables"
    }
    assert [(r.reviewer, r.decision) for r in two.releases] == [("reviewer_1", "release"), ("reviewer_2", "hold")]
    assert (two.overrides["T1"].reviewer, two.overrides["T1"].date) == ("reviewer_2", one.overrides["T1"].date)
    assert b'id="monocytes"' in (out / "overrides/T1.xml").read_bytes()
    same_reading(fcs.read_acquisition(study / "Jane/tube one.fcs"), fcs.read_acquisition(out / "fcs/T1.fcs"))


def test_workbooks_stay_workbooks(study, tmp_path):
    from openpyxl import Workbook, load_workbook

    book = Workbook()
    for row in (
        ["patient_id", "day", "ferritin", "unit", "name"],
        ["P1", 1, 4.125, "ng/mL", PLANTED],
        ["0012", 2, 633.5, "ng/mL", ""],
    ):
        book.active.append(row)
    (study / "ferritin.csv").unlink()
    book.save(study / "ferritin.xlsx")
    scrub_study(study, tmp_path / "out")
    sheet = load_workbook(tmp_path / "out" / "ferritin.xlsx").active
    assert [[c.value for c in row] for row in sheet.rows] == [
        ["patient_id", "day", "ferritin", "unit"],
        ["P1", 1, 4.125, "ng/mL"],
        ["0012", 2, 633.5, "ng/mL"],
    ]
    assert [f.interval for f in load_study(tmp_path / "out").ferritin] == [
        f.interval for f in load_study(study).ferritin
    ]


def test_where_it_writes(study, tmp_path):
    (tmp_path / "full").mkdir()
    write(tmp_path / "full", "something.txt", "mine")
    (tmp_path / "file").write_text("mine")
    for out in (study, study / "copy", tmp_path / "full", tmp_path / "file"):
        with pytest.raises(StudyError, match="a new or empty folder outside the study"):
            scrub_study(study, out)
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["something.txt"]
    (tmp_path / "empty").mkdir()
    scrub_study(study, tmp_path / "empty")
    assert (tmp_path / "empty" / "fcs" / "T1.fcs").is_file()


def test_a_study_with_problems_is_not_copied(study, tmp_path):
    write(study, "beads.csv", "bead_id,lab\nB1,athens\n")
    with pytest.raises(StudyError):
        scrub_study(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_cytometers_free_text_does_not_leave(tmp_path):
    (tmp_path / "one.fcs").write_bytes(tube(keywords={"$CYT": "FACSCanto of Jane Roe", "$CYTSN": "Roe 7"}))
    scrub_file(tmp_path / "one.fcs", tmp_path / "two.fcs", stain_without_lab)
    assert b"Roe" not in (tmp_path / "two.fcs").read_bytes()
    same_reading(*(fcs.read_acquisition(tmp_path / name) for name in ("one.fcs", "two.fcs")))


def test_the_configuration_keeps_its_ids_and_loses_its_reasons(study, tmp_path):
    exceptions = f"pairing_exceptions: [{{sample_id: T1, reason: {PLANTED}}}]"
    write(study, "config.yaml", f"study: no\n{exceptions}\n")
    scrub_study(study, tmp_path / "out")
    kept = load_study(tmp_path / "out").config
    # YAML 1.1 would read the name of the study as false
    assert (kept["study"], kept["pairing_exceptions"]) == (
        "no",
        [{"sample_id": "T1", "reason": "removed for sharing"}],
    )
