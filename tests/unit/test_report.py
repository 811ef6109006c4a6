"""The report: complete, blind to the arm, safe against markup in ids, small, and written only where it changed."""

import json
import math
import re
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from report_support import benchmark, write_study

from hladr import cytometers
from hladr.report import build, files, histogram, today, view_beads
from hladr.results import read_report, write_report
from hladr.study.config import defaults, merge
from hladr.tube import TubeReading


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return folder / "results", write_study(folder, 42)


def texts(results):
    yield (results / "report.html").read_text(encoding="utf-8")
    for path in (results / "report" / "data").glob("*.js"):
        yield path.read_text(encoding="utf-8")


def blocks(text):
    """Read the data blocks of a page or a script as JSON."""
    pattern = re.compile(r'^HL\.put\(("[^"]+"),(.*)\);$', re.MULTILINE)
    return {json.loads(name): json.loads(value) for name, value in pattern.findall(text)}


def test_every_tube_bead_run_and_patient_is_there(small):
    results, study = small
    data = blocks((results / "report.html").read_text(encoding="utf-8"))
    columns = data["tubes"]["columns"]
    rows = [dict(zip(columns, row, strict=True)) for row in data["tubes"]["rows"]]
    assert [row["id"] for row in rows] == [tube.sample_id for tube in study.tubes]
    assert sorted(row["rank"] for row in rows) == list(range(1, 43))
    assert {run["bead_id"] for run in data["beads"]} == {run.bead_id for run in study.bead_runs}
    assert {row[0] for row in data["patients"]["rows"]} == {tube.patient_id for tube in study.tubes}
    for row in rows:
        assert row["id"] in data[row["block"]]
        assert (results / "report" / "data" / f"{row['block']}.js").is_file()


def test_the_arm_is_nowhere(small):
    results, study = small
    arms = {tube.arm for tube in study.tubes}
    assert arms == {"precision", "placebo"}
    for text in texts(results):
        assert not any(arm in text for arm in arms)


def test_research_use_is_said_where_people_read(small):
    page = (small[0] / "report.html").read_text(encoding="utf-8")
    header = page.split("<header")[1].split("</header>")[0]
    assert "For research use only, not for diagnostic use" in header  # the header stands above every page of it


def test_nothing_is_loaded_from_elsewhere(small):
    for text in texts(small[0]):
        assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", text)
        assert "@import" not in text
        assert "fetch(" not in re.sub(r"//.*", "", text)


def test_a_report_is_the_same_twice(small, tmp_path):
    results, _ = small
    again = tmp_path / "results"
    write_study(tmp_path, 42)
    assert (again / "report.html").read_bytes() == (results / "report.html").read_bytes()


def test_only_what_changed_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "EMBEDDED_BYTES", 0)  # encoding pictures for a page that travels alone takes its time
    study = write_study(tmp_path, 60)
    results = tmp_path / "results"
    before = {p: p.stat().st_mtime_ns for p in (results / "report").rglob("*") if p.is_file()}
    write_report(study, results)
    assert {p: p.stat().st_mtime_ns for p in (results / "report").rglob("*") if p.is_file()} == before
    made = benchmark()
    longer = made.synthetic_study(61)
    made.write_results(longer, results)
    write_report(longer, results)
    changed = {p.name for p in (results / "report").rglob("*") if p.is_file() and before.get(p) != p.stat().st_mtime_ns}
    # the 61st tube opens a block of its own; its draw joins a patient, its bead run gets one more tube
    assert changed <= {"tubes-0003.js", "patients-0000.js", "beads.js", "drift.js"}
    assert "tubes-0003.js" in changed


def test_what_has_gone_from_the_tables_goes_from_the_report(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "EMBEDDED_BYTES", 0)
    write_study(tmp_path, 41)
    results, made = tmp_path / "results", benchmark()
    (results / "report" / "pictures" / "S99999.png").write_bytes(b"of a tube that is no longer in samples.csv")
    fewer = made.synthetic_study(20)
    made.write_results(fewer, results)
    write_report(fewer, results)
    assert not (results / "report" / "pictures" / "S99999.png").exists()
    assert not (results / "report" / "data" / "tubes-0002.js").exists()


def test_markup_in_a_patient_id_stays_text(tmp_path):
    evil = "</script><img src=x onerror=alert(1)>{:d}"
    write_study(tmp_path, 21, patient=evil)
    for text in texts(tmp_path / "results"):
        assert "<img src=x" not in text
        assert "alert(1)>" not in text.replace("&gt;", "»")  # escaped or in JSON as \\u003e
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert len(re.findall(r"</script>", page)) == 1
    assert any(row[0].startswith("</script>") for row in blocks(page)["patients"]["rows"])


def test_json_can_stand_in_a_script():
    text = files.safe_json({"a": "</script><!--&\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--&\u2028"}


@pytest.mark.slow
def test_a_thousand_tubes_stay_small(tmp_path):
    write_study(tmp_path, 1000, pictures=3)
    results = tmp_path / "results"
    assert (results / "report.html").stat().st_size < 2e6
    whole = sum(path.stat().st_size for path in (results / "report").rglob("*") if path.is_file())
    assert whole < 150e6


def test_both_gates_of_an_override_stand_side_by_side(small):
    data = blocks((small[0] / "report.html").read_text(encoding="utf-8"))
    detail = data["tubes-0000"]["S00013"]
    assert [detail["override"][key] for key in ("reviewer", "date", "reason")] == [
        "C. Seer",
        "2026-02-01",
        "it cuts dim cells",
    ]
    both = {row["name"]: (row["automatic"], row["reviewer"]) for row in detail["override"]["gates"]}
    # made up with 1,300 of 26,000 leukocytes and 1.25 times the PE; by a line of slope near 1, 1.25 times the AB/C
    assert both["monocytes"][0] == 1300
    assert both["share of leukocytes"][0] == pytest.approx(5.0)
    assert both["median PE"][0] / both["median PE"][1] == pytest.approx(1.25)
    assert both["AB/C"][0] / both["AB/C"][1] == pytest.approx(1.25, rel=0.02)
    other = {row["name"]: row["abc"] for row in detail["alternatives"]}["the automatic gate counted"]
    assert other == pytest.approx(both["AB/C"][0])
    assert data["tubes-0000"]["S00012"]["override"] is None


def test_what_was_odd_but_resolved_is_said_in_words(small):
    data = blocks((small[0] / "report.html").read_text(encoding="utf-8"))
    assert data["tubes-0000"]["S00013"]["notes"] == [
        "the FCS 3.0 data set of a Beckman file was read",
        "$TOT is not the number of events in the file; those in the file were read",
    ]
    assert data["tubes-0000"]["S00012"]["notes"] == []


def test_the_laboratories_strip_and_table_have_one_median(small):
    data = blocks((small[0] / "report.html").read_text(encoding="utf-8"))
    for lab in data["labs"]:
        ordered = sorted(lab["values"])  # far fewer than 400: all of them
        k = len(ordered)
        assert lab["median"] == pytest.approx((ordered[(k - 1) // 2] + ordered[k // 2]) / 2)


def test_a_small_chance_is_not_nothing():
    assert [build.chance(v) for v in (None, 0.0, 0.0004, 0.025, 0.5)] == ["–", "< 0.1 %", "< 0.1 %", "2.5 %", "50.0 %"]


def test_today_names_the_costliest_problem_first(small):
    results, study = small
    inputs = read_report(study, results)
    tubes = build.view.tube_index(inputs)
    fixes = today.fixes(inputs, tubes, build.view_beads.bead_records(inputs))
    costs = [fix["cost"] for fix in fixes if fix["status"] == "failed"]
    assert costs == sorted(costs, reverse=True)
    assert [fix["status"] for fix in fixes] == sorted((fix["status"] for fix in fixes), key=["failed", "review"].index)
    assert all(fix["remedy"] for fix in fixes)
    undecided = next(fix for fix in fixes if fix["title"].startswith("Ferritin may lie on either side"))
    censored = {(f.patient_id, f.day) for f in study.ferritin if f.interval.high is None}
    assert {(d["patient"], d["day"]) for d in undecided["draws"]} == censored
    assert "dilute" in undecided["remedy"]
    assert undecided["title"] == "Ferritin may lie on either side of 4,420 ng/mL"


def test_all_sentences_of_the_report_write_thousands_alike(small):
    page = unescape((small[0] / "report.html").read_text(encoding="utf-8"))
    assert "was ferritin above 4,420 ng/mL; sepsis-induced immunoparalysis (SIP)" in page
    assert "MALS where ferritin lies above 4,420 ng/mL" in page
    assert "4420 ng/mL" not in page


def test_draws_to_look_at_come_in_the_order_of_the_tubes(small):
    results, study = small
    inputs = read_report(study, results)
    tubes = build.view.tube_index(inputs)
    page = today.page(inputs, tubes, [])
    by_draw = {}
    for t in tubes:
        by_draw.setdefault((t["patient"], t["day"]), []).append(t["rank"])
    ranks = [min(by_draw[(d["patient"], d["day"])]) for d in page["release"]["look"]]
    assert len(ranks) > 3
    assert ranks == sorted(ranks)
    assert [d["decision"] for d in page["decided"]] == ["hold", "release"]


def test_the_doubt_of_a_gate_is_what_it_holds_wrongly_and_what_it_misses(small):
    results, study = small
    inputs = read_report(study, results)
    gates = {
        "S00001": {"contamination": 0.021, "loss": 0.034},  # 2.1 and 3.4 of 100
        "S00002": {"contamination": 0.0, "loss": 0.0},
        "S00013": {"contamination": 0.2, "loss": 0.1},  # of the automatic gate; a reviewer drew the one that counts
    }
    for name, shares in gates.items():
        inputs.readings[name] = replace(inputs.readings[name], **shares)
    doubt = {t["id"]: t["doubt"] for t in build.view.tube_index(inputs)}
    assert [doubt[name] for name in (*gates, "S00005")] == [5.5, 0.0, None, None]  # S00005 is truncated


def test_a_failed_tube_is_not_released_by_a_reviewer(small):
    results, study = small
    tubes = {t["id"]: t for t in build.view.tube_index(read_report(study, results))}
    # S00003 has 60 monocytes and a row in releases.csv that says release; S00008 has a row that says hold
    assert (tubes["S00003"]["status"], tubes["S00003"]["release"]) == ("failed", "no")
    assert tubes["S00008"]["release"] == "held"
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "but it failed: there is no value to release" in page


def test_histogram_puts_antibodies_over_their_pe():
    from types import SimpleNamespace

    from hladr.calibration.lines import fit

    # slope exactly 1, one antibody per PE: AB/C of PE 2,000 is 3,400 where the beads carry 1.7 per PE unit
    line = fit([100, 1000, 10000], [170, 1700, 17000])
    reading = SimpleNamespace(
        pe_histogram={"edges": [0, 2, 4, 6], "counts": [0, 5, 0], "cofactor": 100.0},
        pe={"median": {"main": 2000.0}},
        pe_channel={"detector": "PE-A"},
    )
    measured = SimpleNamespace(abc=3400.0)
    made = histogram.histogram(reading, measured, line, False, [(5000.0, "SIP")], "median")
    assert made["median"] == pytest.approx(math.asinh(20), abs=1e-4)
    assert made["limits"] == [(pytest.approx(math.asinh(5000 / 1.7 / 100), abs=1e-4), "SIP")]
    named = {words: place for place, words in made["abc_ticks"] if words}
    assert named["10,000"] == pytest.approx(math.asinh(10000 / 1.7 / 100), abs=1e-4)
    # an isotype tube was subtracted: 3,400 on the line, 400 of them the isotype's
    measured = SimpleNamespace(abc=3000.0)
    made = histogram.histogram(reading, measured, line, True, [(5000.0, "SIP")], "median")
    assert made["limits"] == [(pytest.approx(math.asinh(5400 / 1.7 / 100), abs=1e-4), "SIP")]


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("FACSCanto II SN V96300", "FACSCanto"),
        ("E97500023", "FACSCalibur"),
        ("Navios", "Navios"),
        ("Cytomics FC 500", "Cytomics FC 500"),
        ("BD FACSAria III", "FACSAria"),
        ("Dr Maria Example, bed 7", None),
        ("Aurora Example", None),
        (None, None),
    ],
)
def test_only_recognised_cytometers_are_named(text, model):
    assert cytometers.known_cytometer(text) == model


def test_a_value_is_not_rounded_onto_its_limit():
    assert build.beside(4999.97, 5000) == "4,999.97"
    assert build.beside(5000.0, 5000) == "5,000"
    assert build.beside(5000.4, 5000) == "5,000.4"


@pytest.mark.parametrize(
    ("distance", "words"),
    [(0.0, "exactly at"), (-1e-8, "exactly at"), (0.04, "less than 0.1 % above"), (-14.6, "14.6 % below")],
)
def test_a_value_on_its_limit_is_not_said_to_lie_beside_it(distance, words):
    assert build.side({"distance": distance}) == words


def test_what_beads_read_at_the_common_pe_is_named_with_unit_and_pe():
    config = merge(defaults(), {"drift": {"common_pe": 2500}})
    row = {"lab": "x", "cytometer": 1, "kit": "quantum-mesf", "lot": "A", "quantity": "value_at_common_pe"}
    row |= {"bead_id": "B", "acquired_at": None, "value": 4250.0, "mean": None, "sd": None, "rules": "", "change": ""}
    (chart,) = view_beads.drift_series([row, row], config)
    assert (chart["title"], chart["unit"], chart["group"]) == ("MESF read at PE 2,500", "", "x, quantum-mesf, all lots")


def test_a_study_of_reported_values_controls_and_nothing_else(tmp_path):
    from hladr.ferritin import Interval

    made, results = benchmark(), tmp_path / "results"
    study = made.synthetic_study(8)
    study.ferritin = tuple(replace(value, interval=Interval.exact(600.0)) for value in study.ferritin)
    bare = [
        replace(tube, fcs=None, bead_id=None, abc_reported=abc)
        for tube, abc in zip(study.tubes, (5200.0,) * 4 + (None,) * 4, strict=True)
    ]
    bare[1] = replace(bare[1], role="control")
    bare[2] = replace(bare[2], replaces=bare[0].sample_id)
    study.tubes, study.bead_runs, study.releases = tuple(bare), (), ()
    made.write_results(study, results)
    for path in (results / "batches").glob("tubes_*/readings.jsonl"):
        path.write_text("", encoding="utf-8")
    write_report(study, results)
    data = blocks((results / "report.html").read_text(encoding="utf-8"))
    rows = {row[0]: dict(zip(data["tubes"]["columns"], row, strict=True)) for row in data["tubes"]["rows"]}
    assert rows["S00000"]["release"] == "superseded"
    assert rows["S00001"]["call"] is None
    assert (rows["S00000"]["reported"], rows["S00007"]["reported"]) == (True, False)
    assert rows["S00003"]["risk"] is None
    assert rows["S00003"]["limit"] == 5000
    assert (rows["S00007"]["status"], rows["S00007"]["release"]) == ("failed", "no")
    assert data["beads"] == data["drift"] == []


def test_an_empty_study_has_a_report(tmp_path):
    made, results = benchmark(), tmp_path / "results"
    study = made.synthetic_study(0)
    study.releases = ()
    made.write_results(study, results)
    write_report(study, results)
    assert "Nothing: no tube, bead run or ferritin value needs a person." in (results / "report.html").read_text(
        "utf-8"
    )


def state_numbers(page):
    """Read the boxes of the first page: words and number."""
    boxes = re.findall(r'<a class="figure[^>]*>(.*?)</a>', page, re.DOTALL)
    return {re.sub(r"<[^>]*>", " ", box.split("</b>")[1]): int(re.search(r"<b>([\d,]+)", box)[1]) for box in boxes}


def test_the_boxes_of_the_first_page_add_up(small):
    results, study = small
    page = (results / "report.html").read_text(encoding="utf-8")
    numbers = state_numbers(page)
    tubes = [n for words, n in numbers.items() if "tubes" in words]
    assert len(tubes) == 4
    assert sum(tubes) == len(study.tubes)
    data = blocks(page)["tubes"]
    states = [dict(zip(data["columns"], row, strict=True))["release"] for row in data["rows"]]
    may = next(n for words, n in numbers.items() if "may be released" in words)
    assert may == states.count("may") + states.count("released")
    draws = read_report(study, results).tables["phenotypes"]
    called = sum(draw["phenotype"] != "indeterminate" for draw in draws)
    assert next(n for words, n in numbers.items() if "blood draws called" in words) == called
    assert f"{len(draws) - called} without a call" in page


def test_the_first_page_says_which_study_and_how_new(small):
    results, study = small
    page = (results / "report.html").read_text(encoding="utf-8")
    inputs = read_report(study, results)
    last = max((r.acquired_at, name) for name, r in inputs.readings.items() if r.acquired_at)
    said = re.search(r'id="which">(.*?)</p>', page, re.DOTALL)[1]
    assert said.startswith(str(study.config["study"]))
    assert f"newest tube acquired {build.moment(last[0])} (" in said


def test_a_time_of_acquisition_loses_its_seconds_only():
    assert build.moment("2024-03-27T12:33:05.25") == "2024-03-27 12:33"
    assert build.moment("2024-03-27T12:33:05+01:00") == "2024-03-27 12:33+01:00"
    assert build.moment("2024-03-27") == "2024-03-27"


def test_today_says_what_problems_xlsx_lists(small):
    from hladr.exports import xlsx

    results, study = small
    page = (results / "report.html").read_text(encoding="utf-8")
    said = re.search(r'id="problems">(.*?)</p>', page, re.DOTALL)[1]
    rows = xlsx.problem_rows(read_report(study, results).tables)
    assert '<a href="problems.xlsx">' in said
    for kind in {row["kind"] for row in rows}:
        n = sum(row["kind"] == kind for row in rows)
        assert re.search(rf"\b{n} {kind}{'s' if n != 1 else ''}\b", said)
    censored = {f"{f.patient_id} day {f.day}" for f in study.ferritin if f.interval.high is None}
    assert {row["id"] for row in rows if row["status"] == "no call"} == censored
    assert "replaced" not in said


def test_a_file_that_two_rows_name_is_noted_on_the_first_page(tmp_path):
    made, results = benchmark(), tmp_path / "results"
    study = made.synthetic_study(42)
    tubes = list(study.tubes)
    rows = {tube.sample_id: k for k, tube in enumerate(tubes, start=2)}  # the heading is row 1
    tubes = [replace(tube, row=rows[tube.sample_id]) for tube in tubes]
    tubes[9] = replace(tubes[9], fcs=tubes[4].fcs)
    study.tubes = tuple(tubes)
    made.write_results(study, results)
    write_report(study, results)
    page = unescape((results / "report.html").read_text(encoding="utf-8"))
    notes = re.findall(r"<li>(.*?)</li>", page.split('id="table-notes"')[1].split("</div>")[0])
    assert notes == [
        "Table samples, rows 6 and 11 name the same file: correct fcs in one of them if they are two measurements."
    ]
    assert "S00004.fcs" not in page


def test_no_slips_no_notes(small):
    assert 'id="table-notes"' not in (small[0] / "report.html").read_text(encoding="utf-8")


def test_each_draw_without_a_call_says_why(small):
    results, study = small
    inputs = read_report(study, results)
    found = today.page(inputs, build.view.tube_index(inputs), [])["release"]["no"]
    assert found
    assert all(d["no_call"].endswith(".") and not d["no_call"].startswith("Indeterminate") for d in found)
    assert found[0]["no_call"] in unescape((results / "report.html").read_text(encoding="utf-8"))


def test_nothing_is_asked_for_a_replaced_tube_and_controls_meet_no_limit(tmp_path):
    made, results = benchmark(), tmp_path / "results"
    study = made.synthetic_study(42)
    tubes = list(study.tubes)
    tubes[7] = replace(tubes[7], replaces="S00005")  # S00005 is truncated
    tubes[12] = replace(tubes[12], role="control")
    study.tubes = tuple(tubes)
    made.write_results(study, results)
    write_report(study, results)
    inputs = read_report(study, results)
    rows = {t["id"]: t for t in build.view.tube_index(inputs)}
    assert (rows["S00005"]["release"], rows["S00005"]["by"]) == ("superseded", "S00007")
    assert (rows["S00012"]["release"], rows["S00012"]["call"]) == ("control", None)
    named = [name for fix in today.fixes(inputs, list(rows.values()), []) for name in fix["tubes"]]
    assert "S00005" not in named
    page = (results / "report.html").read_text(encoding="utf-8")
    said = re.search(r'id="problems">(.*?)</p>', page, re.DOTALL)[1]
    assert said.endswith("; at its end, done, 1 replaced tube.")
    detail = blocks((results / "report.html").read_text(encoding="utf-8"))["tubes-0000"]["S00012"]
    assert detail["hist"]["limits"] == []
    assert all(row["other_side"] is None for row in detail["alternatives"])


def test_a_long_reason_is_cut_between_words():
    assert build.view.shortened("13 hours from venepuncture to acquisition, more than 8.") == (
        "13 hours from venepuncture to acquisition, more than 8"
    )
    long = build.view.shortened("the " + "monocytes and " * 20)
    assert long.startswith("The monocytes and")
    assert long.endswith(" …")
    assert len(long) <= build.view.WHY_LETTERS + 2


def test_hours_to_the_beads_are_a_line_of_their_own():
    from hladr.report.view_tubes import apart, setting

    row = {"what": "hours from beads to tube", "tube": 8.666666667, "beads": None, "agree": None}
    assert setting(row, None, 24.0)["between"] == "beads 8.7 h before the tube (limit 24 h)"
    assert apart(-3.0, 24.0) == "beads 3 h after the tube (limit 24 h)"
    assert apart(24.01, 24.0) == "beads 24.01 h before the tube (limit 24 h)"  # never rounded onto its limit
    assert "36 to 62 h" in apart("36 to 62", 24.0)
    assert "not both stated" in apart(None, 24.0)
    serial = {"what": "serial number", "tube": None, "beads": None, "agree": True}
    assert setting(serial, None, 24.0)["tube"] == "stated, not shown"


def test_an_error_that_is_never_negative_has_no_limit_below_nothing():
    from hladr.report.view_beads import drift_point

    row = {"bead_id": "B1", "acquired_at": "2026-01-01T08:00:00", "value": 1.2, "mean": 1.0, "sd": 0.5}
    row |= {"rules": None, "change": None}
    error, slope = (drift_point(row | {"quantity": name}) for name in ("max_recovery_error_percent", "intercept"))
    assert (error["low"], error["high"]) == (None, 2.5)
    assert (slope["low"], slope["high"]) == (-0.5, 2.5)


def test_tubes_without_the_matrix_that_their_files_should_hold_are_noted():
    study = benchmark().synthetic_study(12)
    readings = {tube.sample_id: TubeReading(tube.sample_id, n_events=9000) for tube in study.tubes}
    assert today.table_notes(SimpleNamespace(study=study, readings=readings, digests={})) == []
    first = study.tubes[0]
    readings[first.sample_id] = replace(readings[first.sample_id], notes=("no_matrix",))
    of_lab = sum(tube.lab == first.lab for tube in study.tubes)
    (said,) = today.table_notes(SimpleNamespace(study=study, readings=readings, digests={}))
    assert said.startswith(f"Lab {first.lab}: 1 of {of_lab} tubes hold no compensation matrix")


def test_tubes_whose_files_held_the_same_bytes_are_noted_on_the_first_page(tmp_path):
    """As they were read: the files themselves may be gone; a tube without events has no measurement."""
    study = benchmark().synthetic_study(12)
    study.folder = tmp_path
    first, second, third, *_ = study.tubes
    readings = {tube.sample_id: TubeReading(tube.sample_id, n_events=9000) for tube in study.tubes}
    readings[third.sample_id] = TubeReading(third.sample_id)
    same = {tube.sample_id: {"bytes": 9, "sha256": "a" * 64} for tube in (first, second, third)}
    digests = {"tubes": same | {study.tubes[3].sample_id: {"missing": True}}, "beads": {}}
    (said,) = today.table_notes(SimpleNamespace(study=study, readings=readings, digests=digests))
    assert said == (
        f"Tubes {first.sample_id} (patient {first.patient_id}, day {first.day}) and {second.sample_id} (patient "
        f"{second.patient_id}, day {second.day}) hold the same measurement: one of the files was exported under the "
        "wrong name."
    )
