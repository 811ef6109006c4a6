"""FlowKit, on the original files, finds the gate `monocytes` and selects the events that n_monocytes counts."""

import csv
import shutil
import warnings

import flowkit
import pytest
import yaml
from conftest import hladr

# FlowKit opens no 24-bit file.
NOT_BY_FLOWKIT = {"cytek"}
FLOATS_WITH_DECADES = {"amplified"}


def rows(folder, name):
    with open(folder / name, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def samples_of(path, sample_id):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.read_bytes()[:6] == b"FCS2.0" and sample_id == "navios":
            return flowkit.read_multi_dataset_fcs(str(path))
        return [flowkit.Sample(str(path), preprocess=sample_id not in FLOATS_WITH_DECADES)]


def count_of(xml, sample):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(flowkit.parse_gating_xml(str(xml)).gate_sample(sample).get_gate_membership("monocytes").sum())


def test_flowkit_selects_as_many_monocytes_for_every_file_that_it_opens(specimens):
    files = {row["sample_id"]: specimens.folder / row["fcs"] for row in specimens.samples if row["fcs"]}
    checked, wrong = 0, {}
    for row in rows(specimens.folder / "results", "quantification.csv"):
        name = row["sample_id"]
        if not row["n_monocytes"] or name in NOT_BY_FLOWKIT:
            continue
        xml = specimens.folder / "results" / "gates" / f"{name}.xml"
        count = count_of(xml, samples_of(files[name], name)[-1])
        checked += 1
        if count != int(row["n_monocytes"]):
            wrong[name] = (count, row["n_monocytes"])
    assert checked > 40
    assert not wrong


def test_there_is_a_gate_file_for_each_gated_tube_and_no_other(specimens):
    gated = {r["sample_id"] for r in rows(specimens.folder / "results", "quantification.csv") if r["n_monocytes"]}
    assert {path.stem for path in (specimens.folder / "results" / "gates").glob("*.xml")} == gated


@pytest.fixture(scope="module")
def reviewed(specimens, tmp_path_factory):
    """Return a study of one tube with a gate that FlowKit drew: a rectangle on CD14 and side scatter, uncompensated."""
    folder = tmp_path_factory.mktemp("reviewed")
    shutil.copyfile(specimens.folder / "bead_lots.csv", folder / "bead_lots.csv")
    (folder / "labs.yaml").write_text("canto: {}\n", encoding="utf-8")
    beads = "bead_id,lab,fcs,kit,lot\nB1,canto,fcs/Qxfolder/Qxbeadfile B-canto.fcs,quantibrite-pe,96597\n"
    (folder / "beads.csv").write_text(beads, encoding="utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump({"contract": 1, "study": "reviewed"}), encoding="utf-8")
    (folder / "ferritin.csv").write_text("patient_id,day,ferritin,unit\nP1,1,600,ng/mL\n", encoding="utf-8")
    source = specimens.folder / "fcs" / "Qxfolder"
    (folder / "fcs" / "Qxfolder").mkdir(parents=True)
    for name in ("Qxtubefile canto.fcs", "Qxbeadfile B-canto.fcs"):
        shutil.copyfile(source / name, folder / "fcs" / "Qxfolder" / name)
    table = "sample_id,patient_id,day,lab,fcs,bead_id\nt1,P1,1,canto,fcs/Qxfolder/Qxtubefile canto.fcs,B1\n"
    (folder / "samples.csv").write_text(table, encoding="utf-8")
    overrides = folder / "overrides"
    overrides.mkdir()
    (overrides / "overrides.csv").write_text(
        "sample_id,reviewer,reason,date\nt1,R. Viewer,the automatic gate is too wide,2026-03-04\n", encoding="utf-8"
    )
    strategy = flowkit.GatingStrategy()
    bounds = {"PerCP-Cy5-5-A": (2000.0, 200_000.0), "SSC-A": (10_000.0, 90_000.0)}
    dimensions = [flowkit.Dimension(name, range_min=low, range_max=high) for name, (low, high) in bounds.items()]
    strategy.add_gate(flowkit.gates.RectangleGate("monocytes", dimensions), ("root",))
    with open(overrides / "t1.xml", "wb") as handle:
        flowkit.export_gatingml(strategy, handle)
    result = hladr("run", folder, "--cores", 2)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder, bounds


def test_an_override_counts_the_events_in_the_reviewers_gate(reviewed):
    folder, bounds = reviewed
    row = rows(folder / "results", "quantification.csv")[0]
    sample = flowkit.Sample(str(folder / "fcs" / "Qxfolder" / "Qxtubefile canto.fcs"))
    events = sample.as_dataframe(source="raw", col_names=sample.pnn_labels)
    inside = True
    for name, (low, high) in bounds.items():
        inside = inside & (events[name] >= low) & (events[name] < high)
    assert row["gate_source"] == "override"
    assert int(row["n_monocytes"]) == int(inside.sum()) > 1000
    assert count_of(folder / "results" / "gates" / "t1.xml", sample) == int(row["n_monocytes"])
    assert row["abc"]


def test_the_automatic_gate_is_kept_beside_the_reviewers(reviewed, specimens):
    folder, _ = reviewed
    sample = flowkit.Sample(str(folder / "fcs" / "Qxfolder" / "Qxtubefile canto.fcs"))
    # the same file in the other study, where nobody drew a gate
    (row,) = [r for r in rows(specimens.folder / "results", "quantification.csv") if r["sample_id"] == "canto"]
    assert count_of(folder / "results" / "gates" / "automatic" / "t1.xml", sample) == int(row["n_monocytes"])
    assert not (specimens.folder / "results" / "gates" / "automatic").exists()


def test_the_provenance_of_an_override_is_checked(reviewed):
    folder, _ = reviewed
    assert hladr("verify", folder).returncode == 0
    path = folder / "overrides" / "t1.xml"
    text = path.read_bytes()
    path.write_bytes(text.replace(b"2000", b"2001"))
    result = hladr("verify", folder)
    path.write_bytes(text)
    assert result.returncode == 1
    assert "t1" in result.stdout
