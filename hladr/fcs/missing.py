"""What to say of a file that is not where the table says: perhaps only its capital letters or its ending are wrong."""

import os
from functools import lru_cache
from pathlib import Path

_NOT_THERE = "there is no file where the table says"
_ENDINGS = (".fcs", ".lmd")  # Windows hides them


def words(path: str | Path) -> str:
    """Say that a file is missing, and where one is there that differs in capital letters or its ending only.

    Windows takes those with other capital letters for one file; most other computers do not.

    Parameters
    ----------
    path : path
        That leads to no file.
    """
    if _in_other_capitals(Path(path)):
        return f"{_NOT_THERE}, but one that differs only in capital letters: write the path as it is on the disk"
    for ending in _ENDINGS:
        if _in_other_capitals(Path(f"{path}{ending}")):
            return f"{_NOT_THERE}, but one of that name that ends in {ending}: write the ending, too"
    return _NOT_THERE


def _in_other_capitals(path: Path) -> bool:
    """Follow the steps of a path that do not exist as they are written, from the last folder that does."""
    steps, found = [], path
    while not os.path.isdir(found):
        if found == found.parent:
            return False
        steps, found = [found.name, *steps], found.parent
    ways = [found]
    for step in steps:
        ways = [way / name for way in ways for name in _names(way).get(step.casefold(), ())]
    return any(os.path.isfile(way) for way in ways)


def _names(folder: Path) -> dict[str, list[str]]:
    """Return the names in a folder by their small letters; nothing where it cannot be listed."""
    try:
        return _listed(folder, os.stat(folder).st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=16)  # thousands of tubes may be missing in one folder
def _listed(folder: Path, changed_at: int) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name in os.listdir(folder):
        names.setdefault(name.casefold(), []).append(name)
    return names
