"""provenance.json: what it says, where the digests come from, and that it names no path and no person."""

import hashlib
import json
import os
import sys

import pytest
from provenance_support import RULES, SPECIMENS, run, write_batches, write_study

from hladr import provenance
from hladr.study import load_study


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_every_input_and_result_is_there_by_its_id(study):
    run(study)
    record = json.loads((study / "results" / "provenance.json").read_text())
    inputs = record["inputs"]
    assert inputs["tubes"]["S1"] == {"bytes": 10, "sha256": sha(SPECIMENS["S1"])}
    assert inputs["tubes"]["S3"] == {"missing": True}
    assert list(inputs["tubes"]) == ["S1", "S2", "S3"], "a tube whose number alone was delivered has no file"
    assert inputs["beads"] == {"B1": {"bytes": 12, "sha256": sha(SPECIMENS["B1"])}}
    assert inputs["matrices"]["athens"]["sha256"] == sha((study / "m.csv").read_bytes())
    assert inputs["overrides"]["S2"]["sha256"] == sha(b"<gates/>")
    assert set(inputs["tables"]) == {"config", "labs", "samples", "beads", "bead_lots", "ferritin", "overrides"}
    assert inputs["tables"]["samples"]["sha256"] == sha((study / "samples.csv").read_bytes())
    assert set(record["results"]) == {"quantification.csv", "gates/S1.xml"}
    assert record["results"]["gates/S1.xml"]["sha256"] == sha(b"<gate/>")
    assert record["rules"] == RULES
    assert record["seed"] == 1
    assert record["configuration"]["quantify"]["statistic"] == "median"
    assert record["software"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert record["software"]["numpy"]
    assert "pytest" not in record["software"]


def test_the_same_study_gives_the_same_bytes_and_no_path(study):
    run(study)
    first = (study / "results" / "provenance.json").read_bytes()
    run(study)
    assert (study / "results" / "provenance.json").read_bytes() == first
    text = first.decode() + (study / "audit.jsonl").read_text()
    for hidden in ("Anna", "two.fcs", "beads.fcs", "m.csv", str(study)):
        assert hidden not in text


def test_specimen_files_are_not_read_again(study, monkeypatch):
    run(study)
    read = []
    monkeypatch.setattr(provenance, "file_digest", lambda path: read.append(path.name) or {"bytes": 0, "sha256": "-"})
    loaded = load_study(study)
    digests = provenance.digest_inputs(loaded, provenance.kept_digests(loaded, study / "results"))
    assert digests["tubes"]["S1"]["sha256"] == sha(SPECIMENS["S1"])
    assert not [name for name in read if name.endswith(".fcs")]


def test_what_was_read_counts_not_what_is_there_since(study):
    """A file that was exchanged between its batch and the end of the run is not what the results are made of."""
    (study / "fcs" / "two.fcs").write_bytes(b"FCS3.0 exchanged")
    run(study)
    record = json.loads((study / "results" / "provenance.json").read_text())
    assert record["inputs"]["tubes"]["S2"]["sha256"] == sha(SPECIMENS["S2"])


def test_a_file_that_changes_while_it_is_read_is_said_to(tmp_path):
    path = tmp_path / "a.fcs"
    path.write_bytes(b"half")
    digests = provenance.digest_files({"S1": path, "S2": None})
    path.write_bytes(b"half and the rest")
    provenance.write_digests(tmp_path / "digests.json", {"S1": path, "S2": None}, digests)
    assert json.loads((tmp_path / "digests.json").read_text()) == {
        "S1": {"changed_while_read": True},
        "S2": {"missing": True},
    }


def test_damaged_digests_are_made_again(study):
    (study / "results" / "batches" / "tubes_0000" / provenance.DIGESTS_NAME).write_text('{"S1": {"by')
    loaded = load_study(study)
    assert provenance.kept_digests(loaded, study / "results")["tubes"] == {}
    write_batches(study)
    assert set(provenance.kept_digests(loaded, study / "results")["tubes"]) == {"S1", "S2", "S3"}


def test_what_is_not_a_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert provenance.file_digest(tmp_path / "pipe") == {"unreadable": True}
    assert provenance.file_digest(tmp_path) == {"unreadable": True}
    assert provenance.file_digest(tmp_path / "none") == {"missing": True}
    assert provenance.file_digest(None) == {"missing": True}
    with open(tmp_path / "sparse", "wb") as handle:
        handle.truncate(provenance.MAX_HASHED_BYTES + 1)
    assert provenance.file_digest(tmp_path / "sparse") == {"bytes": provenance.MAX_HASHED_BYTES + 1, "too_large": True}


def test_settings_are_flattened_for_comparison():
    assert provenance.flatten({"a": {"b": {"c": 1}, "d": []}, "e": {}}) == {"a.b.c": 1, "a.d": [], "e": {}}
