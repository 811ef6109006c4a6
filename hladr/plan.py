"""What the workflow runs: batches of tubes and bead runs, and the digests that tell when a batch is stale.

A digest covers what a job reads and nothing else, so that a change re-runs what depends on it. Files count by size and
time of last change, tables and settings by content, hladr's code by the sources that a module imports, directly or not.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from .paths import PACKAGE

LAST_ATTEMPT = 3  # restart-times of the cluster's profile, plus one

_IMPORT = re.compile(r"^\s*from\s+(\.+)([\w.]*)\s+import\s+(\([^)]*\)|[^\n#]+)", re.MULTILINE)
_DATA = re.compile(r"""data_file\(\s*["']([\w.\-/]+)["']""")


def batches(rows: Sequence, size: int) -> dict[str, Sequence]:
    """Cut rows into batches of `size` in their order; appended rows fill the last batch or open a new one.

    Returns
    -------
    dict of str to sequence
        Key: the batch's number with four digits or more.
    """
    return {f"{start // size:04d}": rows[start : start + size] for start in range(0, len(rows), size)}


def batch_folders(study, results: str | Path) -> dict[str, list[Path]]:
    """Return the folders of a study's batches in their order, by kind: `tubes` and `beads`."""
    size = study.config["run"]["batch_size"]
    return {
        kind: [Path(results) / "batches" / f"{kind}_{number}" for number in batches(rows, size)]
        for kind, rows in (("tubes", study.tubes), ("beads", study.bead_runs))
    }


def digest(*parts: object) -> str:
    """Return a short SHA-256 of JSON-able parts; the order of keys does not matter."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def file_stamp(path: str | Path) -> tuple[int, int] | None:
    """Return size and time of last change in nanoseconds; None where there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def stamps(folder: Path, names: Iterable[str | None]) -> list[tuple[int, int] | None]:
    """Stamp files named relative to the study folder; an empty name counts as no file."""
    root = os.fspath(folder)  # joined as text: a study has thousands of files, and each start looks at all of them
    return [file_stamp(os.path.join(root, name)) if name else None for name in names]


def content_digest(folder: Path, names: Iterable[str]) -> str:
    """Digest the bytes of small files (tables) named relative to the study folder."""
    total = hashlib.sha256()
    for name in names:
        path = folder / name
        total.update(name.encode() + b"\0")
        total.update(path.read_bytes() if path.is_file() else b"absent")
    return total.hexdigest()[:20]


@cache
def code_digest(*modules: str, alone: str = "") -> str:
    """Digest the sources of modules of hladr, of all that they import from hladr, and of the data files they name.

    Parameters
    ----------
    *modules : str
        Names inside the package, for example `tube`.
    alone : str, optional
        A module that counts without what it imports: the glue between a job and the library imports all of it.
    """
    sources: dict[str, bytes] = {}
    if alone:
        sources[f"alone/{alone}"] = _source_of(alone).read_bytes()
    waiting = [_source_of(name) for name in modules]
    while waiting:
        path = waiting.pop()
        key = path.relative_to(PACKAGE).as_posix()
        if key in sources:
            continue
        sources[key] = path.read_bytes()
        text = sources[key].decode()
        waiting += [found for found in _imports_of(path, text) if found is not None]
        for name in _DATA.findall(text):
            data = PACKAGE / "data" / name
            if data.is_file():
                sources[f"data/{name}"] = data.read_bytes()
    total = hashlib.sha256()
    for key in sorted(sources):
        total.update(key.encode() + b"\0" + sources[key])
    return total.hexdigest()[:20]


def _source_of(name: str) -> Path:
    base = PACKAGE.joinpath(*name.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not path.is_file():
        raise ValueError(f"hladr has no module {name!r}")
    return path


def _imports_of(path: Path, text: str) -> Iterable[Path | None]:
    """Follow relative imports, wherever in the file they stand."""
    for dots, module, names in _IMPORT.findall(text):
        anchor = path.parent
        for _ in range(len(dots) - 1):
            anchor = anchor.parent
        target = anchor.joinpath(*module.split(".")) if module else anchor
        if target.with_suffix(".py").is_file():
            yield target.with_suffix(".py")
            continue
        if (target / "__init__.py").is_file() and target != PACKAGE:
            yield target / "__init__.py"
        for name in re.findall(r"\w+", re.sub(r"\bas\s+\w+", "", names)):
            if (target / f"{name}.py").is_file():
                yield target / f"{name}.py"
            elif (target / name / "__init__.py").is_file():
                yield target / name / "__init__.py"


def select(config: Mapping, *keys: str) -> dict:
    """Take sections of the configuration, in its own shape; `a.b` takes the key b of section a alone."""
    chosen: dict[str, object] = {}
    for key in keys:
        section, _, name = key.partition(".")
        if section not in config:
            continue
        if name:
            chosen.setdefault(section, {})[name] = config[section][name]
        else:
            chosen[section] = config[section]
    return chosen


def memory_mb(sizes: Iterable[int], attempt: int = 1) -> int:
    """Ask for the memory of a batch's job: one file at a time, and more after each attempt that ran out of it.

    Parameters
    ----------
    sizes : iterable of int
        Bytes of the batch's files.
    attempt : int
        Counted from 1.

    Notes
    -----
    Interpreter, libraries and pictures take about 500 MB; a file's events with their gates about ten times its size.
    """
    largest = max(sizes, default=0) / 1e6
    return int(1000 + 15 * min(largest, 1000)) * attempt


def runtime_minutes(sizes: Sequence[int], attempt: int = 1) -> int:
    """Ask for the time of a batch's job: ten times what it takes on a slow machine, twice that in the next attempt."""
    seconds = 2 * len(sizes) + sum(sizes) / 2e6
    return (15 + int(seconds / 60)) * attempt


def worker_memory_mb(job_mb: int, attempt: int) -> int | None:
    """Bound the worker in the last attempt of a job, below what the job asked for; None before that.

    The queue ends an earlier attempt that takes too much, and the next one asks for more. In the last one a tube that
    still needs more costs itself, not the batch. Without a queue there is one attempt and no bound.
    """
    return int(0.75 * job_mb) if attempt >= LAST_ATTEMPT else None
