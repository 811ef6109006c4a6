"""Which files of a study hold the same bytes: found without reading a file that differs from all others sooner."""

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Iterator

from .types import Study

END_BYTES = 1 << 16  # events: their number, and with it a file's size, may be the same in each tube of a laboratory


def same_bytes(study: Study, readable: Container[str]) -> dict[str, dict[str, int]]:
    """Find files that share their content, and number the contents.

    Parameters
    ----------
    study : Study
    readable : container of str
        The sample_ids of the tubes that are looked at; bead runs are all.

    Returns
    -------
    dict of str to dict
        `tubes` and `beads`, from sample_id and bead_id to the number of the content; without files that are like no
        other. Hard links are one file and cost one look.
    """
    tubes = {t.sample_id: t.fcs for t in study.tubes if t.fcs is not None and t.sample_id in readable}
    beads = {run.bead_id: run.fcs for run in study.bead_runs if run.fcs is not None}
    file_at = {path: one_file(study, path) for path in {*tubes.values(), *beads.values()}}
    paths = {file: os.path.join(study.folder, path) for path, file in sorted(file_at.items())}
    groups: Iterable[list] = [[file for file, path in paths.items() if _size(path)]]
    for trait in (_size, _end, _whole):
        groups = _parted(groups, lambda file, trait=trait: trait(paths[file]))
    number = {file: i for i, group in enumerate(groups) for file in group}
    return {
        kind: {name: number[file_at[path]] for name, path in named.items() if file_at[path] in number}
        for kind, named in (("tubes", tubes), ("beads", beads))
    }


def one_file(study: Study, path: str) -> Hashable:
    """Name the file at a path of the study, the same for all its hard links; the path itself where there is none."""
    try:
        status = os.stat(os.path.join(study.folder, path))
    except OSError:
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else path  # some file shares number no file


def _parted(groups: Iterable[list], trait: Callable[[Hashable], Hashable]) -> Iterator[list]:
    """Part groups of files by a trait; files that share it with no other are left out."""
    for group in groups:
        parts = defaultdict(list)
        for file in group:
            parts[trait(file)].append(file)
        yield from (part for part in parts.values() if len(part) > 1)


def _size(path: str) -> int:
    """Return the bytes of a file; 0 where it cannot be read as one."""
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _end(path: str) -> Hashable:
    try:
        with open(path, "rb") as handle:
            handle.seek(-min(END_BYTES, _size(path)), os.SEEK_END)
            return hashlib.sha256(handle.read()).digest()
    except OSError:
        return path


def _whole(path: str) -> Hashable:
    try:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").digest()
    except OSError:
        return path
