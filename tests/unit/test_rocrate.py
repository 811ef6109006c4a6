"""The crate against what RO-Crate 1.1 and Workflow Run Crate 0.5 ask for."""

import json

import pytest
from provenance_support import run, write_study

from hladr import rocrate
from hladr.verify import verify


@pytest.fixture
def crate(tmp_path):
    write_study(tmp_path)
    run(tmp_path)
    path = rocrate.write(tmp_path)
    assert path == tmp_path / "results" / "ro-crate-metadata.json"
    return tmp_path, json.loads(path.read_text())


def by_id(document):
    return {entity["@id"]: entity for entity in document["@graph"]}


def referenced(value):
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for inner in value.values():
            yield from referenced(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from referenced(inner)


def test_the_profile_s_musts(crate):
    _, document = crate
    entities = by_id(document)
    assert len(entities) == len(document["@graph"]), "no two entities share an id"
    root = entities["./"]
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert {name["@id"] for name in root["conformsTo"]} >= {"https://w3id.org/ro/wfrun/workflow/0.5"}
    assert {"name", "description", "datePublished", "license"} <= root.keys()
    main = entities[root["mainEntity"]["@id"]]
    assert set(main["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert main["programmingLanguage"]["@id"] in entities
    (action,) = [entity for entity in document["@graph"] if entity["@type"] == "CreateAction"]
    assert action["instrument"]["@id"] == main["@id"]
    assert root["mentions"] == {"@id": action["@id"]}
    assert action["startTime"] <= action["endTime"]


def test_every_reference_leads_somewhere_and_every_file_exists(crate):
    folder, document = crate
    entities = by_id(document)
    local = {name for entity in document["@graph"] for name in referenced(list(entity.values()))}
    assert {name for name in local if name not in entities and not name.startswith("http")} == set()
    parts = [part["@id"] for part in entities["./"]["hasPart"]]
    assert {"quantification.csv", "report.html", "gates/", "workflow/Snakefile"} <= set(parts)
    for part in parts:
        assert (folder / "results" / part).exists()


def test_inputs_are_named_by_id_and_digest_only(crate):
    _, document = crate
    entities = by_id(document)
    assert len(entities["#tube-S1"]["sha256"]) == 64
    assert entities["#tube-S3"]["description"] == "no readable file"
    text = json.dumps(document)
    for hidden in ("Anna", ".fcs", 'm.csv"'):
        assert hidden not in text


def test_a_crate_changes_nothing_that_verify_checks_and_can_be_repeated(crate):
    folder, document = crate
    assert verify(folder) is None
    assert json.loads(rocrate.write(folder).read_text()) == document


def test_an_unfinished_study_has_no_crate(tmp_path):
    with pytest.raises(FileNotFoundError):
        rocrate.write(tmp_path)
