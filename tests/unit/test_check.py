"""`hladr check` knows from headers what a run would say of them, and notes what is usually a slip."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fcs_builder import build
from study_support import FILES, write_study

from hladr.check import check
from hladr.cli import main
from hladr.simulate.study import write_demo

NAMES = ["FSC-A", "SSC-A", "PE-A", "PerCP-Cy5-5-A", "APC-A"]
MATRIX = {"$SPILLOVER": "2,PE-A,PerCP-Cy5-5-A,1,0.2,0.01,1"}
IDENTITY = {"$SPILLOVER": "2,PE-A,PerCP-Cy5-5-A,1,0,0,1"}


@pytest.mark.parametrize(
    ("lab", "tube", "found"),
    [
        ("from_file", MATRIX, False),
        ("from_file", {}, True),
        ("from_file", IDENTITY, True),
        ("none", {}, False),  # the laboratory compensates elsewhere, and says so
        ("m.csv", {}, False),
    ],
)
def test_a_tube_that_lost_the_matrix_of_its_beads(tmp_path, lab, tube, found):
    labs = ("labs.yaml", "  scatter:", f"  compensation: {lab}\n  scatter:")
    study = write_study(tmp_path, labs, m_dot_csv="PE-A,APC-A\n1,0.1\n0.02,1\n")
    (study / "fcs").mkdir()
    rows = np.full((9, 5), 1000.0, np.float32)
    (study / "fcs" / "s1.fcs").write_bytes(build(rows, NAMES, keywords=tube))
    (study / "fcs" / "b1.fcs").write_bytes(build(rows, NAMES, keywords=MATRIX))
    codes = [one.finding.code for one in check(study).specimens if one.name == "s1"]
    assert codes == ["compensation_missing"] * found


PE_OF = "3,PE-A,PerCP-Cy5-5-A,APC-A,1,0.17,0,{},1,0.03,{},0,1"
RIGHT = PE_OF.format(0.004, 0)


@pytest.mark.parametrize(
    ("lab", "tube", "beads", "volts", "found"),
    [
        ("from_file", PE_OF.format(0.22, 0), RIGHT, 480, True),
        ("from_file", PE_OF.format(0.004, 0.05), RIGHT, 480, True),
        ("from_file", RIGHT, RIGHT, 480, False),
        ("from_file", PE_OF.format(0.01, 0.01), RIGHT, 480, False),
        ("from_file", PE_OF.format(0.22, 0), RIGHT, 500, False),  # CD14 at another voltage than with the beads
        ("from_file", PE_OF.format(0.22, 0), IDENTITY["$SPILLOVER"], 480, False),
        ("none", PE_OF.format(0.22, 0), RIGHT, 480, False),
        ("m.csv", PE_OF.format(0.22, 0), RIGHT, 480, False),
    ],
)
def test_a_tube_with_another_matrix_than_its_beads(tmp_path, lab, tube, beads, volts, found):
    labs = ("labs.yaml", "  scatter:", f"  compensation: {lab}\n  scatter:")
    study = write_study(tmp_path, labs, m_dot_csv="PE-A,APC-A\n1,0.1\n0.02,1\n")
    (study / "fcs").mkdir()
    rows = np.full((9, 5), 1000.0, np.float32)
    for name, matrix, at in (("s1", tube, volts), ("b1", beads, 480)):
        content = build(rows, NAMES, keywords={"$SPILLOVER": matrix}, voltages={"PE-A": 450, "PerCP-Cy5-5-A": at})
        (study / "fcs" / f"{name}.fcs").write_bytes(content)
    codes = [one.finding.code for one in check(study).specimens if one.name == "s1"]
    assert codes == ["compensation_differs"] * found


@pytest.mark.parametrize(
    ("lab", "tubes", "said"),
    [
        ("from_file", ({}, MATRIX), "1 of 2 tubes hold"),
        ("from_file", (IDENTITY, {}), "2 of 2 tubes hold"),
        ("from_file", (MATRIX, MATRIX), None),
        ("none", ({}, {}), None),
        ("m.csv", ({}, IDENTITY), None),
    ],
)
def test_files_that_should_hold_a_matrix_and_hold_none_are_noted(tmp_path, lab, tubes, said):
    labs = ("labs.yaml", "  scatter:", f"  compensation: {lab}\n  scatter:")
    study = write_study(tmp_path, labs, m_dot_csv="PE-A,APC-A\n1,0.1\n0.02,1\n")
    (study / "fcs").mkdir()
    for name, keywords in zip(("s1", "s2"), tubes, strict=True):
        rows = np.full((9, 5), 1000.0, np.float32)
        (study / "fcs" / f"{name}.fcs").write_bytes(build(rows, NAMES, keywords=keywords))
    found = [note for note in check(study).notes if "compensation" in note]
    assert [note.split(" no compensation matrix")[0] for note in found] == ([f"lab athens: {said}"] if said else [])


@pytest.mark.parametrize(
    ("reversal", "baseline", "nobody"),
    [
        ({"rule": "sap-day15", "horizon_day": 14}, 1, True),
        ({"rule": "sap-day15", "horizon_day": 15}, 1, False),
        ({"rule": "sap-day15", "horizon_day": 28}, 15, True),
        ({"rule": "table2-sustained", "horizon_day": 14}, 1, False),
    ],
)
def test_a_day_15_that_is_no_follow_up_is_noted(tmp_path, reversal, baseline, nobody):
    settings = "".join(f"  {key}: {value}\n" for key, value in reversal.items())
    config = f"contract: 1\nbaseline_day: {baseline}\nreversal:\n{settings}"
    found = [note for note in check(write_study(tmp_path, config_dot_yaml=config)).notes if "evaluable" in note]
    assert len(found) == nobody


@pytest.mark.parametrize(("lot", "hint"), [("96579", " (did you mean 96597?)"), ("A7", "")])
def test_an_unknown_lot_is_named_beside_the_one_that_was_meant(tmp_path, lot, hint):
    study = write_study(tmp_path, ("beads.csv", "96597", lot))
    said = [one.finding.sentence for one in check(study).specimens if one.finding.code == "lot_unknown"]
    assert said == [f"the table of bead lots has no values of lot {lot} of this kit{hint}"]


def test_an_isotype_tube_without_beads_has_no_value_either(tmp_path):
    study = write_study(tmp_path, ("samples.csv", "fcs/q1i.fcs,b2", "fcs/q1i.fcs,"))
    said = [str(one) for one in check(study).specimens if one.name == "q1i"]
    assert any("calibration_missing" in line for line in said)


# the same finding in several tubes of a lab
def wrong_channel(folder, tubes: int):
    """Write a study whose labs.yaml names no channel of its files, which are all alike; two bead runs are right."""
    rows = "".join(f"t{i},P{i},1,athens,fcs/t{i}.fcs,b1\n" for i in range(1, tubes + 1))
    study = write_study(
        folder,
        ("labs.yaml", "CD14: PerCP-Cy5-5-A", "CD14: PerCP"),
        config_dot_yaml="contract: 1\n",
        samples_dot_csv="sample_id,patient_id,day,lab,fcs,bead_id\n" + rows + "u1,P1,1,bonn,fcs/u1.fcs,b2\n",
        ferritin_dot_csv=FILES["ferritin.csv"].splitlines()[0] + "\n",
    )
    (study / "fcs").mkdir()
    for name in ("b1", *(f"t{i}" for i in range(1, tubes + 1))):
        (study / "fcs" / f"{name}.fcs").write_bytes(build(np.full((9, 5), 1000.0, np.float32), NAMES))
    (study / "fcs" / "b2.fcs").write_bytes(build(np.full((9, 5), 2000.0, np.float32), NAMES))
    return study


SENTENCE = (
    "channel_missing (failed): CD14 is not in the file: it has no channel or stain PerCP; its channels are FSC-A, "
    "SSC-A, PE-A, PerCP-Cy5-5-A, APC-A; remedy: correct the channel names in labs.yaml, or export the tube with all "
    "its channels"
)


@pytest.mark.parametrize(
    ("tubes", "said"),
    [
        (2, ["tube t1", "tube t2"]),
        (3, ["tubes t1, t2 and t3 (lab athens)"]),
        (5, ["tubes t1, t2, t3, t4 and t5 (lab athens)"]),
        (40, ["tubes t1, t2, t3, t4, t5 and 35 more (lab athens)"]),
    ],
)
def test_the_same_of_three_or_more_tubes_of_a_lab_is_one_line(tmp_path, capsys, tubes, said):
    study = wrong_channel(tmp_path, tubes)
    assert main(["check", str(study)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(said)] == [f"{who}: {SENTENCE}" for who in said]
    assert lines[len(said)].startswith("tube u1: missing_file (failed): ")
    assert lines[len(said) + 1 :] == [f"{tubes + 1} specimen problems: a run finishes and reports them."]
    assert [one.name for one in check(study).specimens] == [*(f"t{i}" for i in range(1, tubes + 1)), "u1"]


def test_tubes_of_two_labs_and_bead_runs_are_told_apart(tmp_path, capsys):
    """No file is there: three tubes of each lab, and two bead runs, one of each."""
    main(["check", str(write_study(tmp_path))])
    said = [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if "missing_file" in line]
    athens, bonn = "tubes s1, s2 and s2b (lab athens)", "tubes q1, q1i and c1 (lab bonn)"
    assert said == ["bead run b1", "bead run b2", athens, bonn]


# notes
def notes(folder, *changes, **files) -> list[str]:
    result = check(write_study(folder, *changes, **files))
    assert result.problems == ()
    return [note for note in result.notes if "only ferritin" not in note]


def test_studies_that_are_right_get_no_note_of_a_slip(tmp_path):
    write_demo(tmp_path / "demo")
    assert check(tmp_path / "demo").notes == ()
    assert check(write_study(tmp_path / "small")).notes == ("ferritin.csv: 1 patient has no tube, only ferritin: P9",)


def test_notes_come_after_the_findings_and_change_no_exit_status(tmp_path, capsys):
    study = write_study(tmp_path, ("samples.csv", "fcs/s2.fcs", "fcs/s1.fcs"))
    assert main(["check", str(study)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[-4:-1]] == ["tubes q1, q1i and c1 (lab bonn)", "note", "note"]
    assert lines[-1] == "8 specimen problems: a run finishes and reports them."
    (study / "labs.yaml").unlink()
    assert main(["check", str(study)]) == 2
    assert "note:" not in capsys.readouterr().out


def test_starting_a_run_does_not_make_notes():
    code = "import sys, hladr.run, hladr.specimens, hladr.results; print('hladr.study.notes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


TWO = "name the same file: correct fcs in one of them if they are two measurements"


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ([("samples.csv", "fcs/s2.fcs", r".\fcs\\s1.fcs")], "samples.csv, rows 2 and 3"),
        ([("samples.csv", "fcs/q1i.fcs", "fcs/x/../b2.fcs")], "samples.csv, row 7 and beads.csv, row 3"),
        ([("beads.csv", "fcs/b2.fcs", "fcs/b1.fcs")], "beads.csv, rows 2 and 3"),
        (
            [("samples.csv", f"fcs/{name}.fcs", "fcs/s1.fcs") for name in ("s2", "s2b", "q1", "q1i", "c1")],
            "samples.csv, rows 2, 3, 4, 6, 7 and 1 more",
        ),
    ],
)
def test_a_file_that_two_rows_name(tmp_path, changes, rows):
    assert notes(tmp_path, *changes) == [f"{rows} {TWO}"]


def same_measurement(folder, values: dict[str, float], links=()) -> list[str]:
    """Write files of one size, some with the same values, and hard links of them; return what is noted."""
    study = write_study(
        folder, ("samples.csv", ",,precision,,,,\n", ",,precision,,,,\ns2c,P2,4,athens,fcs/s2c.fcs,b1,,placebo,,,,\n")
    )
    (study / "fcs").mkdir()
    for name, value in values.items():
        (study / "fcs" / f"{name}.fcs").write_bytes(build(np.full((9, 5), value, np.float32), NAMES))
    for old, new in links:
        (study / "fcs" / f"{new}.fcs").hardlink_to(study / "fcs" / f"{old}.fcs")
    return [note for note in check(study).notes if "same measurement" in note]


def test_one_measurement_under_the_names_of_two_patients(tmp_path):
    names = {"s1": 1, "s2": 2, "s2b": 3, "s2c": 1, "b1": 4, "b2": 5}
    assert same_measurement(tmp_path / "a", names) == [
        "tubes s1 (patient P1, day 1) and s2c (patient P2, day 4) hold the same measurement: one of the files was "
        "exported under the wrong name"
    ]
    assert same_measurement(tmp_path / "b", names | {"s2c": 6}) == []
    assert same_measurement(tmp_path / "c", names | {"s2": 1}) == [
        "tubes s1 (patient P1, day 1), s2 (patient P1, day 2) and s2c (patient P2, day 4) hold the same measurement: "
        "all but one of the files were exported under the wrong name"
    ]


def test_beads_that_hold_a_tube_and_beads_that_hold_beads(tmp_path):
    names = {"s1": 1, "s2": 2, "s2b": 3, "b1": 4, "b2": 5}
    assert same_measurement(tmp_path / "a", names | {"b1": 1}) == [
        "tube s1 (patient P1, day 1) and bead run b1 hold the same measurement: one of the files was exported under "
        "the wrong name"
    ]
    assert same_measurement(tmp_path / "b", names | {"b2": 4}) == [
        "bead runs b1 and b2 hold the same measurement: if it is one run, name one of them in bead_id of all its tubes"
    ]


def test_hard_links_are_one_file_and_are_not_read(tmp_path, monkeypatch):
    from hladr.study import contents

    names, links = {"s1": 1, "s2": 2, "b1": 4, "b2": 5}, (("s1", "s2c"), ("s2", "s2b"))
    read = []
    monkeypatch.setattr(contents, "_whole", read.append)
    assert same_measurement(tmp_path / "a", names, links) == []
    assert read == []
    monkeypatch.undo()
    # a copy of a file that has two names is noted once, by the first of them
    (said,) = same_measurement(tmp_path / "b", names | {"s2b": 1}, links[:1])
    assert said.startswith("tubes s1 (patient P1, day 1) and s2b (patient P1, day 2) hold")


def test_only_files_of_one_size_and_one_end_are_read(tmp_path, monkeypatch):
    from hladr.study import contents

    read = []
    monkeypatch.setattr(contents, "_whole", lambda path: read.append(Path(path).name) or path)
    assert same_measurement(tmp_path, {"s1": 1, "s2": 2, "s2b": 3, "s2c": 1, "b1": 4, "b2": 5}) == []
    assert sorted(read) == ["s1.fcs", "s2c.fcs"]


def test_files_that_cannot_be_read_or_are_empty_are_not_compared(tmp_path):
    study = write_study(tmp_path)
    (study / "fcs" / "s1.fcs").mkdir(parents=True)
    for name in ("s2", "s2b", "b1", "b2"):
        (study / "fcs" / f"{name}.fcs").touch()
    assert [note for note in check(study).notes if "same measurement" in note] == []


def test_measurements_under_two_names_are_counted_after_twenty(tmp_path):
    from hladr.study import load_study
    from hladr.study.notes import same_measurement as sentences

    rows = "".join(f"t{i},P{i},1,athens,fcs/t{i}.fcs,b1\n" for i in range(60))
    samples = "sample_id,patient_id,day,lab,fcs,bead_id\n" + rows
    files = {"config_dot_yaml": "contract: 1\n", "samples_dot_csv": samples, "ferritin_dot_csv": FERRITIN}
    study = load_study(write_study(tmp_path, **files))
    said = sentences(study, {"tubes": {f"t{i}": i // 2 for i in range(60)}, "beads": {}})
    assert len(said) == 21
    assert said[19].startswith("tubes t38 (patient P38, day 1) and t39 (patient P39, day 1) hold")
    assert said[20] == "and 10 more measurements are there under more than one name"


@pytest.mark.parametrize("shown", ["2.02403E+11", "2,02403E+11", "2e+05", "1.5E+100"])
def test_ids_that_excel_shortened_are_noted(tmp_path, shown):
    """202403000001 and 202403000002 are one patient by then."""
    advice = "looks like a long number that Excel shortened: format the column as text and enter the ids again"
    days = ",".join(f"sofa_d{day}" for day in range(1, 16))
    rows = f'A,"{shown}",1,athens,fcs/a.fcs,"{shown}"\nB,"{shown}",2,athens,fcs/b.fcs,"{shown}"\n'
    files = {
        "config_dot_yaml": "contract: 1\n",
        "samples_dot_csv": f"sample_id,patient_id,day,lab,fcs,bead_id\n{rows}",
        "beads_dot_csv": f'bead_id,lab,fcs,kit,lot\n"{shown}",athens,fcs/b1.fcs,quantibrite-pe,96597\n',
        "ferritin_dot_csv": f'{FERRITIN}"{shown}",1,600,ng/mL,\n',
        "outcomes_dot_csv": f'patient_id,{days},death_day\n"{shown}",{",".join("1" * 15)},\n',
    }
    said = [note for note in notes(tmp_path, **files) if "Excel" in note]
    assert said == [
        f"samples.csv, rows 2 and 3: patient_id {shown} {advice}",
        f"samples.csv, rows 2 and 3: bead_id {shown} {advice}",
        f"beads.csv, row 2: bead_id {shown} {advice}",
        f"ferritin.csv, row 2: patient_id {shown} {advice}",
        f"outcomes.csv, row 2: patient_id {shown} {advice}",
    ]


@pytest.mark.parametrize("name", ["202403000001", "2.5", "E+11", "2E11", "1E-05", "22.5E+11", "ATH-2.02E+11"])
def test_other_ids_are_not_shortened_numbers(tmp_path, name):
    samples = FILES["samples.csv"].replace("P2,", f"{name},")
    assert [note for note in notes(tmp_path, samples_dot_csv=samples) if "Excel" in note] == []


def test_a_shortened_sample_id_is_refused_and_says_so(tmp_path):
    result = check(write_study(tmp_path, ("samples.csv", "s3,P2", "2.02403E+11,P2")))
    assert [str(p).split("remedy: ")[1] for p in result.problems] == [
        "Excel has shortened a long number: format the column as text and enter the ids again"
    ]


def test_names_that_differ_in_capitals_are_two_files(tmp_path):
    assert notes(tmp_path, ("samples.csv", "fcs/s2.fcs", "fcs/S1.fcs")) == []


FERRITIN = "patient_id,day,ferritin,unit,lab\n"


def of_patients(*patients: str, days=(1,)) -> str:
    """Make samples.csv: a tube of each patient on each day, reported by the lab."""
    rows = [f"t{i}-{day},{p},{day},bonn,,,5000\n" for i, p in enumerate(patients) for day in days]
    return "sample_id,patient_id,day,lab,fcs,bead_id,abc_reported\n" + "".join(rows)


def ferritin_notes(folder, samples: str, *values: tuple[str, int]) -> tuple[str, ...]:
    table = FERRITIN + "".join(f"{patient},{day},600,ng/mL,\n" for patient, day in values)
    files = {"config_dot_yaml": "contract: 1\n", "samples_dot_csv": samples, "ferritin_dot_csv": table}
    return check(write_study(folder, **files)).notes


@pytest.mark.parametrize("written", ["ATH-03", "ath-003", "ATH003", "ATH 3", "ATH-0O3", "ATH_003", "ATH-0003"])
def test_ferritin_of_an_id_in_another_form_names_the_patient_who_is_meant(tmp_path, written):
    samples = of_patients("ATH-001", "ATH-003", "ATH-030", days=(1, 2))
    everyone = [(patient, day) for patient in ("ATH-001", "ATH-003", "ATH-030") for day in (1, 2)]
    assert ferritin_notes(tmp_path, samples, *everyone, (written, 1), (written, 2)) == (
        f"ferritin.csv, rows 8 and 9: patient {written} has no tube; did you mean ATH-003?",
    )


def test_a_neighbour_is_meant_only_where_its_ferritin_is_missing(tmp_path):
    """ATH-004 may well be a patient of ferritin alone; where ATH-003 lacks these very days, it may be a slip."""
    samples = of_patients("ATH-001", "ATH-003", days=(1, 2))
    first = [("ATH-001", 1), ("ATH-001", 2)]
    new = [("ATH-004", 1), ("ATH-004", 2)]
    assert ferritin_notes(tmp_path / "a", samples, *first, ("ATH-003", 1), ("ATH-003", 2), *new) == (
        "ferritin.csv: 1 patient has no tube, only ferritin: ATH-004",
    )
    assert ferritin_notes(tmp_path / "b", samples, *first, ("ATH-003", 2), *new) == (
        "ferritin.csv: 1 patient has no tube, only ferritin: ATH-004",
    )
    assert ferritin_notes(tmp_path / "c", samples, *first, *new) == (
        "ferritin.csv, rows 4 and 5: patient ATH-004 has no tube; did you mean ATH-003?",
    )


def test_patients_of_ferritin_alone_are_counted_on_one_line(tmp_path):
    values = [("P1", 1), *((f"SCREEN-{i}", 1) for i in range(1, 301)), ("P-01", 1)]
    assert ferritin_notes(tmp_path, of_patients("P1"), *values) == (
        "ferritin.csv, row 303: patient P-01 has no tube; did you mean P1?",
        "ferritin.csv: 300 more patients have no tube, only ferritin: "
        + "".join(f"SCREEN-{i}, " for i in range(1, 10))
        + "SCREEN-10 and 290 more",
    )


def test_a_wrong_id_down_the_whole_column_is_counted_after_twenty(tmp_path):
    names = [f"ATH-{i:03d}" for i in range(1, 51)]
    said = ferritin_notes(tmp_path, of_patients(*names), *((name.replace("-", ""), 1) for name in names))
    assert len(said) == 21
    assert said[19] == "ferritin.csv, row 21: patient ATH020 has no tube; did you mean ATH-020?"
    assert said[20].startswith("and 30 more patients")


def test_ferritin_of_a_control_is_of_somebody_with_a_tube(tmp_path):
    assert notes(tmp_path, ("ferritin.csv", "P9,1,NA", "donor,0,600")) == []


BASELINE = "neither a tube nor ferritin on day 1 (baseline_day), so that reversal cannot be judged"


def test_patients_without_a_baseline_draw_are_listed_on_one_line(tmp_path):
    names = [f"K-{i}" for i in range(1, 13)]
    later = of_patients(*names, days=(2, 4))
    said = f"samples.csv: 12 patients have {BASELINE}: {', '.join(names[:10])} and 2 more"
    assert ferritin_notes(tmp_path / "a", later) == (said,)
    with_ferritin = [(name, 1) for name in names[1:]]
    assert ferritin_notes(tmp_path / "b", later, *with_ferritin) == (f"samples.csv: 1 patient has {BASELINE}: K-1",)
    assert ferritin_notes(tmp_path / "c", of_patients(*names, days=(1,))) == ()


def test_a_control_or_an_isotype_needs_no_baseline(tmp_path):
    """donor has a tube on day 0 alone; without q1, the isotype of P3 is the only tube of that patient."""
    q1 = "q1,P3,1,bonn,fcs/q1.fcs,b2,,,,,q1i,patient\n"
    assert notes(tmp_path, ("samples.csv", q1, ""), ("samples.csv", "q1i,P3,1", "q1i,P3,2")) == []


def test_the_baseline_day_is_that_of_the_configuration(tmp_path):
    said = notes(tmp_path, config_dot_yaml="contract: 1\nbaseline_day: 2\n")
    assert said == [f"samples.csv: 2 patients have {BASELINE.replace('day 1', 'day 2')}: P2 and P3"]


GATE = (
    '<gating:Gating-ML xmlns:gating="http://www.isac-net.org/std/Gating-ML/v2.0/gating" '
    'xmlns:data-type="http://www.isac-net.org/std/Gating-ML/v2.0/datatypes"><gating:RectangleGate gating:id="{}">'
    '<gating:dimension gating:compensation-ref="FCS" gating:min="1500"><data-type:fcs-dimension data-type:name="{}"/>'
    "</gating:dimension></gating:RectangleGate></gating:Gating-ML>"
)


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (GATE.format("monocytes", "PerCP-Cy5-5-A"), None),
        (GATE.format("Monos", "PerCP-Cy5-5-A"), "it has no gate named monocytes (it has Monos)"),
        (GATE.format("monocytes", "BV421-A"), "it uses the channel BV421-A, which the file does not have"),
        ("<gating", "cannot be used"),
    ],
)
def test_a_reviewers_gate_is_looked_at_before_the_run(tmp_path, gate, said):
    table = "sample_id,reviewer,reason,date\ns1,Weber,debris,2024-03-01\n"
    study = write_study(tmp_path, overrides__overrides_dot_csv=table, overrides__s1_dot_xml=gate)
    (study / "fcs").mkdir()
    (study / "fcs" / "s1.fcs").write_bytes(build(np.full((9, 5), 1000.0, np.float32), NAMES, keywords=MATRIX))
    sentences = [s.finding.sentence for s in check(study).specimens if s.finding.code == "override_unusable"]
    assert [said in sentence for sentence in sentences] == ([] if said is None else [True])
