"""`hladr verify`: is the study what its provenance says? The first thing that differs, named by id."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import audit, provenance
from .audit import seal

LABELS = {
    "config": "config.yaml",
    "labs": "the labs table (labs.yaml)",
    "overrides": "the table of overrides",
}


def verify(study_dir: str | Path) -> str | None:
    """Check the audit chain, provenance.json, every input and every result, by content.

    Parameters
    ----------
    study_dir : path
        The study folder.

    Returns
    -------
    str or None
        The first difference as one sentence; None where there is none.
    """
    folder = Path(study_dir)
    results = folder / "results"
    try:
        content = (results / provenance.FILE_NAME).read_bytes()
        record = json.loads(content)
        parts = {name: dict(record[name]) for name in ("inputs", "results", "configuration")}
    except FileNotFoundError:
        return "results/provenance.json is missing: the study was not run to its end"
    except (ValueError, KeyError, TypeError):
        return "results/provenance.json cannot be read: it was edited or damaged"
    return next(
        (difference for difference in _differences(folder, results, content, parts) if difference is not None), None
    )


def _differences(folder: Path, results: Path, content: bytes, parts: Mapping[str, dict]) -> Iterable[str | None]:
    """Check in the order of trust: the chain, the record it names, inputs, results."""
    yield audit.check(folder)
    log = audit.read(folder)
    if not log:
        yield "audit.jsonl is missing or empty"
    if not (results / provenance.HEAD_NAME).is_file():
        yield f"results/{provenance.HEAD_NAME} is missing"
    logged = audit.state(log)
    if logged["provenance"] != hashlib.sha256(content).hexdigest():
        yield "results/provenance.json is not the one that audit.jsonl names: it was edited, or a run did not finish"
    yield from _inputs(folder, parts)
    yield from _results(results, parts["results"], logged["other"])


def _inputs(folder: Path, parts: Mapping[str, dict]) -> Iterable[str | None]:
    """Compare the tables first: they say where the other files are."""
    recorded = parts["inputs"]
    from .study import StudyError, load_study

    for name, stated in recorded["tables"].items():
        path = _table_path(folder, name, parts["configuration"]["tables"])
        yield _difference(LABELS.get(name, f"the table {name}"), stated, provenance.file_digest(path))
    try:
        study = load_study(folder, parts["configuration"])
    except StudyError as error:
        yield f"the tables or the configuration cannot be read any more: {str(error).splitlines()[0]}"
        return
    for group, files in provenance.inputs_of(study).items():
        kind = provenance.SINGULAR[group]
        known = recorded.get(group, {})
        for name in files:
            if name not in known:
                yield f"{kind} {name} is new since the last run"
        for name in known:
            if name not in files:
                yield f"{kind} {name} is no longer part of the study"
        if group != "tables":
            for name, found in zip(files, provenance.file_digests(list(files.values())), strict=True):
                yield _difference(f"{kind} {name}", known[name], found)


def _table_path(folder: Path, name: str, tables: Mapping[str, str]) -> Path:
    """Find a table as the study does: by the configuration, or at the fixed place of an optional one."""
    from .study import OPTIONAL_TABLES
    from .study.problems import Collector
    from .study.tables import find_table

    if name == "config":
        return folder / "config.yaml"
    if name == "labs":
        return folder / tables["labs"]
    return folder / find_table(folder, tables.get(name) or OPTIONAL_TABLES[name], False, Collector())


def _results(results: Path, promised: Mapping[str, dict], other: Mapping[str, str]) -> Iterable[str | None]:
    found = provenance.digest_results(results)
    for name, stated in promised.items():
        yield _difference(f"results/{name}", stated, found.get(name, {"missing": True}))
    for name in found:
        if name not in promised:
            yield f"results/{name} is not a result of the last run"
    made = seal.digest_results(results)
    for name, stated in other.items():
        yield seal.difference(results, name, stated, made.get(name))
    if any(seal.brief(seal.read_list(results, name)) != stated for name, stated in other.items() if name[-1] == "/"):
        yield f"results/{seal.LIST_NAME} was changed after the last run"


def _difference(what: str, stated: Mapping[str, object], found: Mapping[str, object]) -> str | None:
    if stated.get("changed_while_read"):
        return f"{what} changed while the last run read it"
    if stated == found:
        return None
    for word in ("missing", "unreadable"):
        if found.get(word):
            return f"{what} is {word}"
        if stated.get(word):
            return f"{what} was {word} in the last run and is there now"
    return f"{what} was changed after the last run"
