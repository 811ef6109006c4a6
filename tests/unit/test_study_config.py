"""Configuration and labs.yaml: the schema and the defaults are in step, and a study's words are laid over them."""

import pytest
import yaml
from study_support import write_study

from hladr.paths import pipeline_root
from hladr.study import StudyError, load_study
from hladr.study.config import defaults, merge, schema, validate
from hladr.study.problems import Collector
from hladr.study.yaml import read_yaml


def leaves(value, path=()):
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path


def schema_leaves(rules, path=()):
    properties = rules.get("properties")
    if properties:
        for key, inner in properties.items():
            yield from schema_leaves(inner, (*path, key))
    else:
        yield path


def objects(rules, path=()):
    if rules.get("type") == "object" or "object" in rules.get("type", ()):
        yield path, rules
    for key, inner in rules.get("properties", {}).items():
        yield from objects(inner, (*path, key))
    for name in ("items", "additionalProperties"):
        if isinstance(rules.get(name), dict):
            yield from objects(rules[name], (*path, name))


def test_the_defaults_are_valid():
    problems = Collector()
    validate(defaults(), schema("config"), "config/config.yaml", {}, problems)
    assert problems.all() == []


def test_every_setting_has_a_default_and_every_default_a_schema():
    own = {path for path in leaves(defaults()) if path[0] != "kits"}
    known = {path for path in schema_leaves(schema("config")) if path[0] != "kits"}
    assert own == known


@pytest.mark.parametrize("name", ["config", "labs"])
def test_the_schemas_are_closed(name):
    for path, rules in objects(schema(name)):
        assert rules.get("additionalProperties") is not None, path
        assert rules["additionalProperties"] is not True, path


@pytest.mark.parametrize(
    "name", ["config", "labs", "samples", "beads", "bead_lots", "ferritin", "overrides", "outcomes"]
)
def test_every_entry_says_what_it_means(name):
    from jsonschema import Draft202012Validator

    rules = schema(name)
    Draft202012Validator.check_schema(rules)
    assert rules["$schema"].startswith("https://json-schema.org/")
    for key, inner in rules["properties"].items():
        assert inner.get("description"), key


def test_defaults_are_read_the_same_by_other_readers():
    """Snakemake reads the file with plain PyYAML; ours must not differ."""
    with open(pipeline_root() / "config" / "config.yaml", encoding="utf-8") as handle:
        assert yaml.safe_load(handle) == defaults()


def test_a_study_names_only_what_differs(tmp_path):
    text = "contract: 1\nquantify:\n  min_monocytes: 50\nreversal:\n# nothing\nstudy: 2024\n"
    config = load_study(write_study(tmp_path, config_dot_yaml=text)).config
    expected = defaults()
    expected["quantify"]["min_monocytes"] = 50
    expected["study"] = "2024"
    assert config == expected


def test_a_study_may_change_nothing(tmp_path):
    assert load_study(write_study(tmp_path, config_dot_yaml="contract: 1\n")).config == defaults()


def test_settings_of_the_command_line_come_last_and_are_checked(tmp_path):
    folder = write_study(tmp_path)
    config = load_study(folder, {"study": "small", "quantify": {"min_monocytes": 20}}).config
    assert config["quantify"]["min_monocytes"] == 20
    assert config["quantify"]["review_monocytes"] == 1000
    with pytest.raises(StudyError, match=r"--config, .*quantify\.min_monocyte"):
        load_study(folder, {"quantify": {"min_monocyte": 20}})
    config = load_study(folder, {"quantify": {"pe_per_antibody": "1.1"}, "run": {"pictures": "false"}}).config
    assert config["quantify"]["pe_per_antibody"] == 1.1, "Snakemake's --config leaves nested values as text"
    assert config["run"]["pictures"] is False
    with pytest.raises(StudyError, match="found 'many', expected a whole number"):
        load_study(folder, {"run": {"batch_size": "many"}})


def test_the_whole_merged_configuration_may_be_handed_back(tmp_path):
    folder = write_study(tmp_path)
    config = load_study(folder).config
    assert load_study(folder, config).config == config


def test_a_configuration_as_snakemake_reads_it_changes_nothing(tmp_path):
    """Plain PyYAML makes False of `no` and a date of a date; to the study both are text."""
    text = "study: 2024-03-01\npairing_exceptions:\n  - {sample_id: 007, reason: no}\nkits:\n"
    folder = write_study(tmp_path, ("samples.csv", "s1,P1", "007,P1"), config_dot_yaml=text)
    config = load_study(folder).config
    assert config["study"] == "2024-03-01"
    assert config["pairing_exceptions"] == [{"sample_id": "007", "reason": "no"}]
    merged = merge(defaults(), yaml.safe_load(text)) | {"quantify": {"min_monocytes": "30"}}
    expected = merge(config, {"quantify": {"min_monocytes": 30}})
    assert load_study(folder, merged).config == expected


def test_a_wrong_configuration_is_told_once_though_snakemake_hands_it_over_again(tmp_path):
    text = "studdy: a\nquantify: {statistic: mean}\nreversal:\n"
    folder = write_study(tmp_path, config_dot_yaml=text)
    with pytest.raises(StudyError) as caught:
        load_study(folder, merge(defaults(), yaml.safe_load(text)))
    assert [problem.file for problem in caught.value.problems] == ["config.yaml", "config.yaml"]


def test_merging_leaves_both_sides_alone():
    base, own = {"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 3}, "d": [2]}
    assert merge(base, own) == {"a": {"b": 3, "c": 2}, "d": [2]}
    assert (base, own) == ({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 3}, "d": [2]})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),  # a lab in Norway is not false
        ("on", "on"),
        ("true", True),
        ("12:30", "12:30"),  # not 750
        ("2024-03-01", "2024-03-01"),
        ("007", "007"),  # not 7
        ("0x1F", "0x1F"),
        ("7", 7),
        ("-7", -7),
        ("0.15", 0.15),
        ("1e-3", 0.001),
        (".inf", ".inf"),
        ("~", None),
        ("'7'", "7"),
        ("1_000", "1_000"),
        ("[1, a]", [1, "a"]),
        ("{x: 1}", {"x": 1}),
    ],
)
def test_yaml_values_are_what_they_look_like(tmp_path, text, value):
    path = tmp_path / "a.yaml"
    path.write_text(f"key: {text}\n")
    problems = Collector()
    values, lines = read_yaml(path, "a.yaml", problems)
    assert values == {"key": value}
    assert type(values["key"]) is type(value)
    assert lines[("key",)] == 1
    assert not problems


def test_a_reference_is_what_it_stands_for(tmp_path):
    """A program that writes one dictionary for two labs writes it once, and `*id001` the second time."""
    text = yaml.safe_dump(
        {"athens": {"markers": (own := {"HLA-DR": "PE-A"}), "decimal": ","}, "bonn": {"markers": own}}
    )
    assert "*id001" in text
    labs = load_study(write_study(tmp_path, labs_dot_yaml=text)).labs
    assert labs["bonn"]["markers"]["HLA-DR"] == "PE-A"
    assert labs["bonn"]["markers"] is not labs["athens"]["markers"]


def test_lab_names_are_text_whatever_yaml_thinks(tmp_path):
    labs = "athens: {decimal: ','}\nbonn:\nno:\n12:\n'007':\n"
    assert list(load_study(write_study(tmp_path, labs_dot_yaml=labs)).labs) == ["athens", "bonn", "no", "12", "007"]


def test_a_key_of_a_lab_with_nothing_behind_it_is_left_out(tmp_path):
    labs = (
        "athens:\n  markers:\n  scatter: {forward: FSC-A, forward_height: null}\n  timezone:\n  decimal: ','\nbonn:\n"
    )
    found = load_study(write_study(tmp_path, labs_dot_yaml=labs)).labs
    assert found == {"athens": {"scatter": {"forward": "FSC-A"}, "decimal": ","}, "bonn": {}}


@pytest.mark.parametrize("word", ["none", "None", "NONE", "Nova-A", "NA-A", "No1", "APC-A"])
def test_a_panel_without_cd45_and_names_that_only_look_like_it(tmp_path, word):
    study = load_study(write_study(tmp_path, ("labs.yaml", "CD45: APC-A", f"CD45: {word}")))
    assert study.labs["athens"]["markers"]["CD45"] == word


def test_a_compensation_matrix_of_the_study_is_read(tmp_path):
    change = ("labs.yaml", "bonn:\n", "bonn:\n  compensation: fcs\\m.csv\n")
    study = load_study(write_study(tmp_path, change, fcs__m_dot_csv="PE-A,APC-A\n1,0.1\n0.02,1\n"))
    assert study.labs["bonn"]["compensation"] == "fcs/m.csv"


@pytest.mark.parametrize("how", ["none", "from_file"])
def test_compensation_may_be_a_word(tmp_path, how):
    change = ("labs.yaml", "bonn:\n", f"bonn:\n  compensation: {how}\n")
    assert load_study(write_study(tmp_path, change)).labs["bonn"]["compensation"] == how


@pytest.mark.parametrize("own", ["{min_monocytes: 2000}", "{review_monocytes: 50}"])
def test_a_limit_for_failure_may_pass_the_default_for_review(tmp_path, own):
    config = load_study(write_study(tmp_path, ("config.yaml", "study:", f"quantify: {own}\nstudy:"))).config["quantify"]
    assert config["min_monocytes"] > config["review_monocytes"]
