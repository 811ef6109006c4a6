"""labs.yaml: one entry per central laboratory."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ..labs import matrix_path
from .config import schema, validate
from .paths import CellError, check_links, study_path
from .problems import Collector, Phrase, quoted
from .yaml import line_of, read_yaml

_NO_DETECTOR = {"", "no", "not", "na", "nil", "null", "false", "absent", "missing", "without", "empty", "notused"}


def read_labs(folder: Path, relative: str, problems: Collector) -> dict[str, dict | None] | None:
    """Read and check the laboratories.

    Parameters
    ----------
    folder : path
        The study.
    relative : str
        Path of labs.yaml in it.
    problems : Collector
        Receives what is wrong.

    Returns
    -------
    dict of str to dict, or None
        Lab to its entry, a compensation path normalised (None for a wrong entry); None where the file cannot be read.
    """
    read = read_yaml(folder / relative, relative, problems)
    if read is None:
        return None
    entries, lines = read
    labs: dict[str, dict | None] = {}
    for lab, given in entries.items():
        entry = {} if given is None else given
        row = line_of(lines, (lab,))
        if not isinstance(entry, Mapping):
            problems.add(relative, row, lab, given, "keys of its own, indented below it", "see config/README.md")
            labs[lab] = None
            continue
        if not lab.strip() or not lab.isprintable() or lab.startswith(("=", "+", "-", "@")):
            problems.add(relative, row, lab, lab, "a name of letters and digits", "rename the lab, in the tables too")
        inner = {path[1:]: line for path, line in lines.items() if path[0] == lab}
        known = problems.count
        entry = _stated(entry)
        _validate(entry, relative, lab, row, inner, problems)
        wrong = problems.count > known
        labs[lab] = None if wrong else _checked(folder, relative, lab, entry, lines, problems)
    return labs


def _stated(entry: Mapping) -> dict:
    """Leave out keys with nothing behind them, as if they were not there."""
    stated = {key: value for key, value in entry.items() if value is not None}
    for section in ("markers", "scatter"):
        if isinstance(stated.get(section), Mapping):
            stated[section] = {name: value for name, value in stated[section].items() if value is not None}
    return stated


def _validate(entry: Mapping, relative: str, lab: str, row: int | None, lines: dict, problems: Collector) -> None:
    markers = entry.get("markers")
    if isinstance(markers, Mapping) and _means_none(markers.get("CD45")):
        here = (line_of(lines, ("markers", "CD45")) or row, f"{lab}.markers.CD45")
        given = "false" if markers["CD45"] is False else markers["CD45"]
        problems.add(relative, *here, given, "a detector, a stain, or none", "write CD45: none for a panel without it")
        entry = {**entry, "markers": {**markers, "CD45": "none"}}
    found = Collector()
    validate(entry, schema("labs"), relative, lines, found)
    for problem in found.all():
        key = f"{lab}.{problem.column}" if problem.column else lab
        problems.add(relative, problem.row or row, key, Phrase(problem.found), problem.expected, problem.remedy)


def _checked(folder: Path, relative: str, lab: str, entry: dict, lines: dict, problems: Collector) -> dict:
    def wrong(key: str, found: object, expected: str, remedy: str) -> None:
        path = (lab, *key.split("."))
        problems.add(relative, line_of(lines, path), ".".join(path), found, expected, remedy)

    for section in ("markers", "scatter"):
        used: dict[str, str] = {}
        for name, detector in entry.get(section, {}).items():
            if detector.casefold() != "none" and detector in used:
                wrong(f"{section}.{name}", detector, "a detector of its own", f"correct it or {used[detector]}")
            used.setdefault(detector, name)
    zone = entry.get("timezone")
    if zone is not None and not _is_timezone(zone):
        wrong("timezone", zone, "a time zone of the IANA list", "write a name such as Europe/Athens or UTC")
    how = matrix_path(entry)
    if how is None:
        return entry
    try:
        path = study_path(how)
    except CellError as mistake:
        wrong("compensation", how, f"from_file, none, or {mistake.expected}", mistake.remedy)
        return entry
    known = problems.count
    row = line_of(lines, (lab, "compensation"))
    check_links(folder, relative, f"{lab}.compensation", [(row, path)], problems)
    if problems.count > known:
        return entry
    message = _matrix_problem(folder / path)
    if message:
        expected = "from_file, none, or the path of a CSV matrix whose header names the detectors, a row for each"
        wrong("compensation", Phrase(f"{quoted(how)} ({message})"), expected, "correct the matrix or its path")
    return {**entry, "compensation": path}


def _matrix_problem(path: Path) -> str | None:
    """Say what is wrong with a compensation matrix, in a few words; None if nothing is."""
    if not path.is_file():
        return "no such file"
    from ..fcs.compensation import read_matrix_csv

    try:
        read_matrix_csv(path)
    except OSError:
        return "a file that cannot be opened"
    except ValueError as error:
        return re.sub(r"\s+", " ", str(error)).rstrip(".")
    return None


def _means_none(detector: object) -> bool:
    """Tell whether a detector is a word for there being none, other than the one that is read."""
    return detector is False or (
        isinstance(detector, str) and re.sub(r"[\W_]", "", detector.casefold()) in _NO_DETECTOR
    )


@cache
def _is_timezone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
