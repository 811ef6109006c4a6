"""The configuration and labs.yaml: closed schemas, defaults of config/config.yaml, problems in plain words."""

import copy
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from ..paths import PACKAGE, pipeline_root
from .problems import Collector, Phrase, did_you_mean, listed
from .yaml import key_name, line_of, read_yaml

_TYPES = {
    "string": "text (in quotation marks if it looks like a number)",
    "integer": "a whole number",
    "number": "a number (with a decimal point)",
    "boolean": "true or false",
    "array": "a list, such as [a, b]",
    "object": "keys of its own, indented below it",
    "null": "nothing",
}
_COMMAND_LINE = "--config"


@cache
def schema(name: str) -> dict:
    """Read a schema of hladr/schemas by its name, e.g. `config` or `samples`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(PACKAGE / "schemas" / f"{name}.schema.yaml", encoding="utf-8") as handle:
        return yaml.load(handle, loader)


@cache
def _defaults() -> dict:
    problems = Collector()
    read = read_yaml(pipeline_root() / "config" / "config.yaml", "config/config.yaml", problems)
    if read is None or problems:
        raise RuntimeError("config/config.yaml: " + "; ".join(map(str, problems.problems)))
    return read[0]


def defaults() -> dict:
    """Return a copy of the default configuration, config/config.yaml."""
    return copy.deepcopy(_defaults())


def merge(base: Mapping, own: Mapping) -> dict:
    """Lay a study's settings over the defaults: sections key by key, lists and values whole."""
    merged = dict(base)
    for key, value in own.items():
        if isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value) if isinstance(value, Mapping) else merged[key]
        else:
            merged[key] = value
    return merged


def read_config(
    folder: Path, overrides: Mapping | None, problems: Collector
) -> tuple[dict, frozenset[str], dict[tuple, int]]:
    """Read a study's config.yaml, lay it and the overrides over the defaults, and check the result.

    Returns
    -------
    tuple of (dict, frozenset of str, dict)
        The whole configuration; the names of the tables whose path the study states itself; the lines of the keys.
    """
    config, lines = defaults(), {}
    read = read_yaml(folder / "config.yaml", "config.yaml", problems)
    own = {}
    if read:
        own, lines = _without_empty_sections(read[0], config), read[1]
        known = problems.count
        validate(own, schema("config"), "config.yaml", lines, problems)
        if problems.count == known:
            config = merge(config, own)
    if overrides:
        # Snakemake hands over the study's own settings once more, as its reader understands them
        changed = _as_typed(_with_text_keys(_without_empty_sections(overrides, config)), defaults())
        for same in (own, _as_snakemake_reads(folder / "config.yaml")):
            changed = _differing(changed, merge(defaults(), same))
        known = problems.count
        validate(changed, schema("config"), _COMMAND_LINE, {}, problems)
        if problems.count == known:
            config = merge(config, changed)
            own = merge(own, changed)
    stated = frozenset(own["tables"]) if isinstance(own.get("tables"), Mapping) else frozenset()
    config["study"] = str(config["study"])
    _check_together(config, lines, problems)
    return config, stated, lines


def _without_empty_sections(own: Mapping, base: Mapping) -> dict:
    """Drop sections whose entries are all commented out."""
    return {key: value for key, value in own.items() if not (value is None and isinstance(base.get(key), Mapping))}


def _as_snakemake_reads(path: Path) -> dict:
    """Read a configuration that `read_yaml` took: `no` is false there, and `2024-03-01` a date."""
    try:
        value = yaml.load(path.read_text(encoding="utf-8-sig"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeError, ValueError, yaml.YAMLError):
        return {}
    return _with_text_keys(value) if isinstance(value, Mapping) else {}


def _with_text_keys(value: object):
    """Make every key text, as `read_yaml` does: Snakemake's reader leaves numbers."""
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(inner) for key, inner in value.items()}
    return [_with_text_keys(inner) for inner in value] if isinstance(value, list | tuple) else value


def _as_typed(own: Mapping, base: Mapping) -> dict:
    """Read text as the number or truth value that the default is: `--config` hands over nested values as text."""
    result = {}
    for key, value in own.items():
        default = base.get(key)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            value = _as_typed(value, default)
        elif isinstance(value, str) and isinstance(default, bool | int | float):
            try:
                read = yaml.safe_load(value)
            except yaml.YAMLError:
                read = value
            value = read if isinstance(read, bool | int | float) else value
        result[key] = value
    return result


def _differing(own: Mapping, base: Mapping) -> dict:
    result = {}
    for key, value in own.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping):
            inner = _differing(value, base[key])
            if inner:
                result[key] = inner
        elif key not in base or base[key] != value:
            result[key] = value
    return result


def _check_together(config: Mapping, lines: dict[tuple, int], problems: Collector) -> None:
    """Check settings that mean nothing beside each other; a limit for review that never shows is no such thing."""
    path, found, first = ("reversal", "horizon_day"), config["reversal"]["horizon_day"], config["baseline_day"]
    if found <= first:
        expected = f"a day after baseline_day ({first})"
        remedy = "correct one of the two settings"
        problems.add("config.yaml", line_of(lines, path), key_name(path), found, expected, remedy)


def validate(value: object, rules: Mapping, label: str, lines: dict[tuple, int], problems: Collector) -> None:
    """Check a value against a closed JSON schema and say in plain words what is wrong."""
    from jsonschema import Draft202012Validator

    for error in sorted(
        Draft202012Validator(rules).iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path]
    ):
        _explain(error, tuple(error.absolute_path), label, lines, problems)


def _explain(error, path: tuple, label: str, lines: dict[tuple, int], problems: Collector) -> None:
    rule, limit, found = error.validator, error.validator_value, error.instance
    about = error.schema.get("description", "")
    see = about or "see config/README.md"
    key, row = key_name(path), line_of(lines, path)
    if rule == "additionalProperties":
        known = sorted(error.schema.get("properties", ()))
        for extra in sorted(set(found) - set(known)):
            here = (*path, extra)
            problems.add(
                label,
                line_of(lines, here),
                key_name(here),
                Phrase(f"the unknown key '{extra[:40]}'"),
                f"one of {', '.join(known)}",
                did_you_mean(extra, known, "remove it"),
            )
        return
    if "propertyNames" in error.absolute_schema_path:
        expected = listed(limit) if rule == "enum" else "a whole number as the key"
        remedy = did_you_mean(found, limit, "correct the key") if rule == "enum" else "correct the key"
        here = (*path, found)
        problems.add(label, line_of(lines, here), key_name(here), Phrase(f"the key '{found[:40]}'"), expected, remedy)
        return
    if rule == "type":
        allowed = [limit] if isinstance(limit, str) else limit
        expected = listed(_TYPES[name] for name in allowed)
        found = Phrase("nothing") if found is None else Phrase(_shown(found))
    elif rule == "enum":
        expected = listed(str(word) for word in limit)
        see = did_you_mean(str(found), [str(word) for word in limit], see)
    elif rule == "const":
        expected = str(limit)
    elif rule in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
        words = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}
        expected = f"a number of {words.get(rule, 'less than')} {limit}" if rule in words else f"less than {limit}"
    elif rule in ("minItems", "maxItems"):
        expected = f"{'at least' if rule == 'minItems' else 'at most'} {limit} entries"
        found = Phrase(f"{len(found)} entries")
    elif rule == "uniqueItems":
        expected, found = "every entry once", Phrase(_shown(found))
    elif rule == "minProperties":
        expected, found = f"at least {limit} keys", Phrase(f"{len(found)} keys")
    elif rule == "anyOf":
        names = [listed(option["required"]) for option in limit if "required" in option]
        expected, found = listed(names) or about, Phrase("none of them" if names else _shown(found))
    elif rule == "minLength":
        expected, found = "text", Phrase("empty text")
    elif rule == "required":
        missing = sorted(set(limit) - set(found))
        expected, found = listed(missing), Phrase(f"no {listed(missing)}")
    else:
        expected = about or f"a value allowed by {rule}"
        see = "see config/README.md"
    problems.add(label, row, key, found, expected, see)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "keys below it"
    return f"'{str(value).lower() if isinstance(value, bool) else value}'"[:60]
