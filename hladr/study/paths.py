"""Paths of tables and settings: relative to the study folder, and inside it, links included."""

import os
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

from .problems import Collector, Phrase, quoted

_LONGEST = 500
_EXPECTED = "a path inside the study folder, such as fcs/tube1.fcs"
_COPY = "copy the file into the study folder and write its path from there"


class CellError(ValueError):
    """A cell that is not what its column expects."""

    def __init__(self, expected: str, remedy: str):
        super().__init__(expected)
        self.expected, self.remedy = expected, remedy


def study_path(text: str) -> str:
    """Normalise a path of a table: relative to the study, forward slashes, and not out of it.

    Raises
    ------
    CellError
        For an absolute path or one that leaves the study.
    """
    path = text.replace("\\", "/")
    if len(text) > _LONGEST or not path.isprintable():
        raise CellError(_EXPECTED, "type the path again")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        raise CellError(_EXPECTED, _COPY)
    path = posixpath.normpath(path)
    if path == "." or path == ".." or path.startswith("../"):
        raise CellError(_EXPECTED, _COPY)
    return path


def check_links(
    folder: Path, label: str, column: str, paths: Iterable[tuple[int | None, str | None]], problems: Collector
) -> None:
    """Refuse paths that leave the study through a link; what does not exist leaves nothing.

    Parameters
    ----------
    folder : path
        The study.
    label, column : str
        Where the paths stand, for problems.
    paths : iterable of (int or None, str or None)
        Row and normalised path; None is left out.
    problems : Collector
        Receives what is wrong.
    """
    root = os.path.realpath(folder)
    inside: dict[str, bool] = {}

    def is_inside(path: str) -> bool:
        real = os.path.realpath(path)
        return real == root or real.startswith(root + os.sep)

    for row, path in paths:
        if path is None:
            continue
        whole = os.path.join(root, path)
        parent = os.path.dirname(whole)
        if parent not in inside:
            inside[parent] = is_inside(parent)
        if not inside[parent] or (os.path.islink(whole) and not is_inside(whole)):
            found = Phrase(f"{quoted(path)}, a link out of the study")
            problems.add(label, row, column, found, _EXPECTED, "copy the file into the study folder, or link it hard")
