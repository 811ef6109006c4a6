"""`hladr scrub`: a study to share, its FCS files free of identifying keywords and its results the same."""

import csv
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml

from .fcs.compensation import read_matrix_csv
from .fcs.scrub import scrub_file
from .labs import matrix_path
from .panel import known_stain
from .study import load_study
from .study.config import schema
from .study.problems import Collector, Problem, StudyError
from .study.tables import DELIMITERS, read_table
from .study.types import Study, file_stem
from .study.yaml import read_yaml

_SEPARATORS = {convention: sign for sign, convention in DELIMITERS.items()}
_TABLES = ("samples", "beads", "bead_lots", "ferritin", "outcomes", "releases", "overrides")
_REASON = "removed for sharing"


def scrub_study(study_dir: str | Path, out_dir: str | Path) -> None:
    """Copy a study without what identifies people.

    Parameters
    ----------
    study_dir : path
    out_dir : path
        A folder that does not exist yet, or is empty; not inside the study.

    Raises
    ------
    StudyError
        For problems in the study's tables or configuration, and for a folder that cannot be written to.

    Notes
    -----
    - FCS files become `fcs/SAMPLE_ID.fcs` and `fcs/BEAD_ID.fcs`, as `fcs.scrub.scrub_file` describes. Absent files stay
      absent.
    - Tables keep the columns of the contract; further columns, which may hold anything, are left out. Pseudonyms, days
      and times of draws and acquisitions are kept: results depend on them. Who needs other dates must shift them all.
    - Reviewers become `reviewer_1`, `reviewer_2`, ...; what they wrote as a reason is left out. Comments in
      configuration and in GatingML are left out, as is what other programs keep there of their own.
    - results/, logs/ and the audit chain stay behind: `hladr run` makes them again.
    """
    source, target = Path(study_dir), Path(out_dir)
    study = load_study(source)
    _make(source, target)
    files = _Files(study)
    reviewers: dict[str, str] = {}
    for name in _TABLES:
        if name in study.files:
            _copy_table(study, name, target, files, reviewers)
    for tube in study.tubes:
        if tube.fcs:
            scrub_file(source / tube.fcs, target / files.of_tube[tube.sample_id], _stains(study, tube.lab))
    for run in study.bead_runs:
        if run.fcs:
            scrub_file(source / run.fcs, target / files.of_run[run.bead_id], _stains(study, run.lab))
    for sample_id, override in study.overrides.items():
        _copy_gates(source / override.path, target / "overrides" / f"{sample_id}.xml")
    _copy_configuration(study, target)


def _make(source: Path, target: Path) -> None:
    inside = target.resolve().is_relative_to(source.resolve())
    try:
        if not inside and not _used(target):
            (target / "fcs").mkdir(parents=True)
    except OSError:
        inside = True
    if inside or _used(target, besides="fcs"):
        expected = "a new or empty folder outside the study"
        raise StudyError([Problem(target.name or "OUT", None, None, "another folder", expected, "name another folder")])


def _used(folder: Path, besides: str = "") -> bool:
    return folder.exists() and (not folder.is_dir() or any(p.name != besides for p in folder.iterdir()))


class _Files:
    """Which file of the copy belongs to which tube and bead run; no two the same, also where capitals do not count."""

    def __init__(self, study: Study):
        taken: set[str] = set()

        def place(stem: str) -> str:
            name, count = stem, 1
            while name.lower() in taken:
                count += 1
                name = f"{stem}_{count}"
            taken.add(name.lower())
            return f"fcs/{name}.fcs"

        self.of_tube = {t.sample_id: place(file_stem(t.sample_id)) for t in study.tubes if t.fcs}
        self.of_run = {r.bead_id: place(r.file_stem) for r in study.bead_runs if r.fcs}


def _stains(study: Study, lab: str) -> Callable[[str], str]:
    return partial(known_stain, markers=(study.labs.get(lab) or {}).get("markers") or {})


def _copy_table(study: Study, name: str, target: Path, files: _Files, reviewers: dict[str, str]) -> None:
    """Copy the contract's columns of a table, in its own convention of separators; rewrite paths and reviewers."""
    problems = Collector()
    table = read_table(study.folder, study.files[name], problems, name=name)
    if table is None or problems:
        raise StudyError(problems.all())
    known = schema(name)["properties"]
    kept = [i for i, column in enumerate(table.header) if column in known]
    header = [table.header[i] for i in kept]
    rows = [[cells[i] for i in kept] for _, cells in table.rows]
    if "fcs" in header:
        at = header.index("fcs")
        # the n-th row of the table is the n-th tube or bead run of the study
        for row, item in zip(rows, study.tubes if name == "samples" else study.bead_runs, strict=True):
            place = files.of_tube if name == "samples" else files.of_run
            row[at] = place.get(item.sample_id if name == "samples" else item.bead_id, "") if item.fcs else ""
    for column, new in (("reviewer", None), ("reason", _REASON)):
        if column in header:
            at = header.index(column)
            for row in rows:
                row[at] = new or reviewers.setdefault(str(row[at]), f"reviewer_{len(reviewers) + 1}")
    folder = target / "overrides" if name == "overrides" else target
    folder.mkdir(exist_ok=True)
    if table.convention == "xlsx":
        _write_sheet(folder / f"{name}.xlsx", header, rows)
        return
    suffix = ".tsv" if table.convention == "tab" else ".csv"
    with open(folder / f"{name}{suffix}", "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter=_SEPARATORS[table.convention], lineterminator="\n")
        writer.writerows([header, *rows])


def _write_sheet(path: Path, header: list, rows: list[list]) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for row in (header, *rows):
        book.active.append(row)
    book.save(path)


def _copy_gates(source: Path, target: Path) -> None:
    """Copy a GatingML file without comments, processing instructions and other programs' own elements."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        tree = etree.parse(os.fspath(source), parser)
    except (etree.XMLSyntaxError, OSError):
        target.write_bytes(b"")  # the reader refuses it as it refuses the original
        return
    for element in tree.xpath("//*[local-name()='custom_info']"):
        element.getparent().remove(element)
    target.parent.mkdir(exist_ok=True)
    tree.write(os.fspath(target), encoding="utf-8", xml_declaration=True)


def _copy_configuration(study: Study, target: Path) -> None:
    """Write config.yaml and labs.yaml anew, with a copy of each lab's matrix."""
    own, _ = read_yaml(study.folder / "config.yaml", "config.yaml", Collector())  # it was read before without a problem
    own.pop("tables", None)
    for exception in own.get("pairing_exceptions", ()):
        exception["reason"] = _REASON
    labs = {}
    for lab, entry in study.labs.items():
        entry = dict(entry or {})
        if (path := matrix_path(entry)) is not None:
            entry["compensation"] = f"compensation/{file_stem(lab)}.csv"
            _copy_matrix(study.folder / path, target / entry["compensation"])
        labs[lab] = entry
    for name, content in (("config.yaml", own), ("labs.yaml", labs)):
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False) if content else ""
        (target / name).write_text(text, encoding="utf-8")


def _copy_matrix(source: Path, target: Path) -> None:
    spill = read_matrix_csv(source)
    target.parent.mkdir(exist_ok=True)
    with open(target, "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(spill.detectors)
        writer.writerows([repr(float(v)) for v in row] for row in spill.matrix)
