"""The chain of audit.jsonl: append-only, each line bound to the one before it by its hash.

A line is JSON with sorted keys: `n` (line number), `time` (UTC), `event`, the event's own fields, `prev` (hash of the
line before) and `hash` (SHA-256 of the line's JSON without `hash`). results/audit_head.json keeps the number and hash
of the last line, so that lines cut off at the end are missed too. An edit shows, but whoever can write both files can
write both anew: keep a copy of audit_head.json elsewhere where that matters.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..provenance import HEAD_NAME, write_json

LOG_NAME = "audit.jsonl"
START = "0" * 64


@dataclass(frozen=True)
class Line:
    """One line of the log.

    Attributes
    ----------
    number : int
        Counted from 1.
    raw : bytes
        As in the file, without the line feed.
    entry : dict or None
        None where the line is not JSON of this form.
    complete : bool
        False for a last line without line feed: its writer was killed.
    """

    number: int
    raw: bytes
    entry: dict | None
    complete: bool

    @property
    def hash(self) -> str:
        """What the next line binds itself to; for a broken line, the hash of its bytes."""
        return self.entry["hash"] if self.entry else hashlib.sha256(self.raw).hexdigest()

    @property
    def sound(self) -> bool:
        """Whether the line is as it was written: its hash fits its content."""
        return self.entry is not None and canonical(_seal(self.entry)) == self.raw


def append(study_dir: str | Path, events: Iterable[Mapping[str, object]]) -> None:
    """Append events to the log and move the head, the log first; both are on the disk when this returns.

    A partial last line, left by a killed writer, is kept and sealed by an event of its own. Lines that the head knows
    and the log lacks are recorded as `log_damaged`, so that a later run does not hide what `check` would have found.

    Parameters
    ----------
    study_dir : path
        The study folder.
    events : iterable of mapping
        Each with the key `event` and values that JSON can hold; nothing that identifies a person or a machine.
    """
    events = list(events)
    with _locked(study_dir) as descriptor:
        lines = read(study_dir)
        prefix = b"" if not lines or lines[-1].complete else b"\n"
        if damage := head_problem(study_dir, lines):
            events.insert(0, {"event": "log_damaged", "found": damage})
        if prefix and lines[-1].entry is None:
            events.insert(0, {"event": "fragment_sealed", "fragment_sha256": lines[-1].hash})
        if not events:
            return
        number, previous = len(lines), lines[-1].hash if lines else START
        time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = []
        for event in events:
            number += 1
            line = _seal({"n": number, "time": time, **event, "prev": previous})
            previous = line["hash"]
            text.append(canonical(line) + b"\n")
        _write_all(descriptor, prefix + b"".join(text))
        os.fsync(descriptor)
        results = Path(study_dir) / "results"
        results.mkdir(exist_ok=True)
        write_json(results / HEAD_NAME, {"lines": number, "hash": previous})


def read(study_dir: str | Path) -> list[Line]:
    """Read the log as it is, broken lines included; empty where there is none."""
    try:
        content = (Path(study_dir) / LOG_NAME).read_bytes()
    except FileNotFoundError:
        return []
    *whole, rest = content.split(b"\n")
    lines = [Line(n, raw, _parse(raw), True) for n, raw in enumerate(whole, start=1)]
    return [*lines, Line(len(lines) + 1, rest, _parse(rest), False)] if rest else lines


def check(study_dir: str | Path) -> str | None:
    """Check the chain from its first line to the head.

    Returns
    -------
    str or None
        The first thing that is wrong, naming the line; None if all is well.
    """
    lines = read(study_dir)
    previous = START
    for position, line in enumerate(lines):
        following = lines[position + 1] if position + 1 < len(lines) else None
        if not line.complete:
            return f"{LOG_NAME}: line {line.number} is incomplete: a run was stopped while it wrote"
        if line.entry is None:
            if not _is_sealed(line, following):
                return f"{LOG_NAME}: line {line.number} is not a line of this log: it was edited or damaged"
        elif line.entry["n"] != line.number or line.entry["prev"] != previous:
            return (
                f"{LOG_NAME}: line {line.number} does not follow the one before: lines were removed, added or reordered"
            )
        elif not line.sound:
            return f"{LOG_NAME}: line {line.number} was edited: its hash does not fit its content"
        elif line.entry["event"] == "log_damaged":
            return f"{LOG_NAME}: line {line.number} records damage: {line.entry.get('found')}"
        previous = line.hash
    return head_problem(study_dir, lines)


def head_problem(study_dir: str | Path, lines: list[Line]) -> str | None:
    """Compare the log with results/audit_head.json; lines after the head are a run that was killed, not a problem."""
    try:
        head = json.loads((Path(study_dir) / "results" / HEAD_NAME).read_text(encoding="utf-8"))
        count, digest = int(head["lines"]), str(head["hash"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return f"{HEAD_NAME} cannot be read: it was edited or damaged"
    if len(lines) < count:
        return f"{LOG_NAME}: lines were removed at the end: {len(lines)} of {count} lines are left"
    if count < 1 or lines[count - 1].hash != digest:
        return f"{LOG_NAME}: line {count} is not the line that {HEAD_NAME} names"
    return None


def canonical(entry: Mapping[str, object]) -> bytes:
    """Write an entry as the one JSON text that its hash is made of."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _seal(entry: Mapping[str, object]) -> dict:
    bare = {key: value for key, value in entry.items() if key != "hash"}
    return {**bare, "hash": hashlib.sha256(canonical(bare)).hexdigest()}


def _parse(raw: bytes) -> dict | None:
    try:
        entry = json.loads(raw)
    except ValueError:
        return None
    known = (
        isinstance(entry, dict) and {"n", "event", "prev", "hash"} <= entry.keys() and isinstance(entry["hash"], str)
    )
    return entry if known else None


def _is_sealed(line: Line, following: Line | None) -> bool:
    """Tell whether a broken line is a killed writer's fragment, sealed by the line after it."""
    entry = following.entry if following else None
    return bool(entry) and entry["event"] == "fragment_sealed" and entry.get("fragment_sha256") == line.hash


@contextlib.contextmanager
def _locked(study_dir: str | Path) -> Iterator[int]:
    descriptor = os.open(Path(study_dir) / LOG_NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
