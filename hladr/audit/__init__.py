"""What a run adds to audit.jsonl: its start and end, and what changed since the last one: inputs, decisions, results.

The log is its own memory: what the last run recorded is read back from it. So a results folder that was deleted, or a
run that was killed between two lines, leaves no gap and doubles nothing.
"""

import csv
import hashlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .. import __version__, provenance
from . import seal
from .log import Line, append, check, read

__all__ = ["append", "check", "read", "record_finish", "record_run", "record_start", "state"]

# Which columns of a result table are followed from run to run, and what names a row.
FOLLOWED = {
    "quantification": (("sample_id",), ("status", "abc")),
    "calibrations": (("bead_id",), ("status", "slope", "intercept")),
    "phenotypes": (("patient_id", "day"), ("status", "phenotype")),
    "reversal": (("patient_id",), ("baseline_phenotype", "reversal", "reversal_day")),
}


def record_start(study_dir: str | Path) -> None:
    """Append `run_started`, with the versions that run."""
    append(
        study_dir,
        [
            {
                "event": "run_started",
                "hladr": __version__,
                "python": platform.python_version(),
                "platform": f"{platform.system()} {platform.machine()}",
            }
        ],
    )


def record_finish(study_dir: str | Path, succeeded: bool = True) -> None:
    """Append `run_finished` (or `run_failed`) with the digests of the results that are made anew by each run."""
    results = Path(study_dir) / "results"
    digests = seal.digest_results(results) if results.is_dir() else {}
    if succeeded and results.is_dir():
        seal.write_list(results, digests)
    files = {name: seal.brief(digest) for name, digest in digests.items()}
    append(study_dir, [{"event": "run_finished" if succeeded else "run_failed", "files": files}])


def record_run(study, results_dir: str | Path) -> None:
    """Append what changed since the run that the log last recorded: inputs, settings, reviewers' decisions, results.

    Call it after `provenance.write`. Nothing is appended where nothing changed, and a second call adds nothing.

    Parameters
    ----------
    study : hladr.study.Study
        The study; its folder holds the log.
    results_dir : path
        The finished results with their provenance.json.
    """
    record_path = Path(results_dir) / provenance.FILE_NAME
    record = json.loads(record_path.read_text(encoding="utf-8"))
    before = state(read(study.folder))
    after = {
        "inputs": {name: _brief(digest) for name, digest in provenance.by_name(record["inputs"]).items()},
        "settings": _settings(record["configuration"]),
        "software": record["software"],
        "overrides": override_rows(study, record),
        "releases": release_rows(study),
        "values": followed_values(results_dir),
        "files": {name: _brief(digest) for name, digest in record["results"].items()},
    }
    events = [
        *_change_event("inputs_changed", before["inputs"], after["inputs"]),
        *_change_event("settings_changed", before["settings"], after["settings"]),
        *_change_event("software_changed", before["software"], after["software"]),
        *_decisions("override_applied", "override_withdrawn", before["overrides"], after["overrides"]),
        *_decisions("release_recorded", "release_withdrawn", before["releases"], after["releases"]),
        *_value_events(before["values"], after["values"]),
        *_change_event("result_files_changed", before["files"], after["files"]),
    ]
    digest = provenance.file_digest(record_path)["sha256"]
    if events or before["provenance"] != digest:
        events.append({"event": "provenance_written", "sha256": digest})
    append(study.folder, events)


def state(lines: Iterable[Line]) -> dict:
    """Replay the log: what its last recorded run knew. Edited lines do not count; `check` names them."""
    now: dict = {
        key: {} for key in ("inputs", "settings", "software", "overrides", "releases", "values", "files", "other")
    }
    now["provenance"] = None
    for line in lines:
        entry = line.entry if line.sound else {}
        kind = entry.get("event")
        if kind in _DIFFS:
            _apply(now[_DIFFS[kind]], entry)
        elif kind in ("override_applied", "release_recorded"):
            decided = now["overrides" if kind == "override_applied" else "releases"]
            decided[entry["sample_id"]] = {k: v for k, v in entry.items() if k not in _FRAME}
        elif kind in ("override_withdrawn", "release_withdrawn"):
            now["overrides" if kind == "override_withdrawn" else "releases"].pop(entry["sample_id"], None)
        elif kind == "result_changed":
            now["values"][entry["what"]] = entry["to"]
        elif kind == "provenance_written":
            now["provenance"] = entry["sha256"]
        elif kind == "run_finished":
            now["other"] = entry["files"]
    return now


_DIFFS = {
    "inputs_changed": "inputs",
    "settings_changed": "settings",
    "software_changed": "software",
    "results_added": "values",
    "results_removed": "values",
    "result_files_changed": "files",
}
_FRAME = {"n", "time", "event", "prev", "hash"}


def _settings(configuration: Mapping) -> dict[str, object]:
    """Flatten the configuration; the names of the arms are for the statistician, so only their digest is logged."""
    settings = provenance.flatten(configuration)
    for key in settings:
        if key.startswith("cohort."):
            settings[key] = hashlib.sha256(json.dumps(settings[key]).encode()).hexdigest()
    return settings


def override_rows(study, record: Mapping) -> dict[str, dict[str, str]]:
    """Name the overrides in force, each with its reviewer, reason, date and the digest of the gate's file."""
    digests = record["inputs"]["overrides"]
    return {
        sample_id: {
            "sample_id": sample_id,
            "reviewer": override.reviewer,
            "reason": override.reason,
            "date": str(override.date),
            "gate": _brief(digests[sample_id]),
        }
        for sample_id, override in study.overrides.items()
    }


def release_rows(study) -> dict[str, dict[str, str]]:
    """Name the decisions in force; a later row of a tube replaces an earlier one."""
    return {
        row.sample_id: {
            "sample_id": row.sample_id,
            "reviewer": row.reviewer,
            "decision": row.decision,
            "date": str(row.date),
        }
        for row in study.releases
    }


def followed_values(results_dir: str | Path) -> dict[str, dict[str, str]]:
    """Read the followed columns of the result tables, as text; the key names table and row, `quantification S001`."""
    values = {}
    for table, (keys, columns) in FOLLOWED.items():
        path = Path(results_dir) / f"{table}.csv"
        if not path.is_file():
            continue
        with open(path, encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                name = " ".join([table, *(row[key] for key in keys)])
                values[name] = {column: row[column] for column in columns}
    return values


def _change_event(name: str, before: Mapping, after: Mapping) -> Iterator[dict]:
    change = {
        "added": {key: value for key, value in after.items() if key not in before},
        "changed": {
            key: {"from": before[key], "to": v} for key, v in after.items() if key in before and before[key] != v
        },
        "removed": {key: value for key, value in before.items() if key not in after},
    }
    if any(change.values()):
        yield {"event": name, **{key: value for key, value in change.items() if value}}


def _apply(known: dict, entry: Mapping) -> None:
    known.update(entry.get("added", {}))
    known.update({key: change["to"] for key, change in entry.get("changed", {}).items()})
    for key in entry.get("removed", {}):
        known.pop(key, None)


def _decisions(made: str, withdrawn: str, before: Mapping, after: Mapping) -> Iterator[dict]:
    for sample_id, row in before.items():
        if sample_id not in after:
            yield {"event": withdrawn, **row}
    for sample_id, row in after.items():
        if before.get(sample_id) != row:
            yield {"event": made, **row}


def _value_events(before: Mapping, after: Mapping) -> Iterator[dict]:
    added = {key: value for key, value in after.items() if key not in before}
    if added:
        yield {"event": "results_added", "added": added}
    removed = {key: value for key, value in before.items() if key not in after}
    if removed:
        yield {"event": "results_removed", "removed": removed}
    for key, value in after.items():
        if key in before and before[key] != value:
            event = {"event": "result_changed", "what": key, "from": before[key], "to": value}
            percent = _percent(before[key].get("abc"), value.get("abc"))
            yield event if percent is None else {**event, "abc_change_percent": percent}


def _percent(before: str | None, after: str | None) -> str | None:
    if not before or not after or float(before) == 0:
        return None
    return f"{100 * (float(after) / float(before) - 1):.4g}"


def _brief(digest: Mapping[str, object]) -> str:
    """One word for a file: its SHA-256, or why there is none."""
    if "sha256" in digest:
        return str(digest["sha256"])
    for word in ("missing", "unreadable", "changed_while_read"):
        if digest.get(word):
            return word
    return f"{digest['bytes']} bytes"
