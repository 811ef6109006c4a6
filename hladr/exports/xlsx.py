"""Workbooks for people: problems.xlsx, a letter to the laboratories, and results.xlsx, the tables without other tools.

Ids stay text and no cell is ever a formula: an id such as `=1+1` or `1001` arrives as it was written.
"""

import io
import os
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..flags import FLAGS
from ..tables import dictionary

RESEARCH_USE = "For research use only, not for diagnostic use"
PROBLEM_COLUMNS = {
    "status": 10,
    "kind": 12,
    "id": 22,
    "patient": 16,
    "day": 7,
    "lab": 14,
    "what": 44,
    "why": 54,
    "what to do": 54,
    "codes": 26,
    "answer of the laboratory": 44,
}
_SHEETS = ("quantification", "calibrations", "phenotypes", "reversal", "drift")
_BLINDED = {"arm"}
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STATUS_FILL = {"failed": "F6D5D0", "review": "FCE8C3"}
_STATUS_ORDER = {"failed": 0, "review": 1}


def problem_rows(tables: Mapping[str, Sequence[Mapping[str, object]]]) -> list[dict[str, object]]:
    """List what is not ok: bead runs and tubes, and blood draws with a problem of their own, failures first.

    Parameters
    ----------
    tables : mapping
        Rows of `quantification`, `calibrations` and `phenotypes` as `exports.read_tables` gives them.

    Returns
    -------
    list of dict
        Keys: those of `PROBLEM_COLUMNS`.
    """
    rows = []
    for run in tables.get("calibrations", ()):
        if run["status"] != "ok":
            rows.append(_problem("bead run", run["bead_id"], run, lab=run["lab"]))
    tube_codes: dict[tuple, set[str]] = {}
    for tube in tables.get("quantification", ()):
        tube_codes.setdefault((tube["patient_id"], tube["day"]), set()).update(_codes(tube))
        if tube["status"] != "ok":
            rows.append(
                _problem("tube", tube["sample_id"], tube, patient=tube["patient_id"], day=tube["day"], lab=tube["lab"])
            )
    for draw in tables.get("phenotypes", ()):
        own = [code for code in _codes(draw) if code not in tube_codes.get((draw["patient_id"], draw["day"]), ())]
        if draw["status"] != "ok" and own:
            name = f"{draw['patient_id']} day {draw['day']}"
            rows.append(_problem("blood draw", name, draw, own, patient=draw["patient_id"], day=draw["day"]))
    return sorted(rows, key=lambda row: _STATUS_ORDER.get(row["status"], 2))


def _codes(row: Mapping[str, object]) -> list[str]:
    return [code for code in str(row.get("flags") or "").split(";") if code]


def _problem(kind: str, name: str, row: Mapping[str, object], codes: Sequence[str] | None = None, **place) -> dict:
    codes = _codes(row) if codes is None else codes
    known = [FLAGS[code] for code in codes if code in FLAGS]
    return {
        "status": row["status"],
        "kind": kind,
        "id": name,
        "patient": place.get("patient"),
        "day": place.get("day"),
        "lab": place.get("lab"),
        "what": " ".join(flag.meaning for flag in known),
        "why": _sentence(str(row.get("reason") or "")),
        "what to do": " ".join(dict.fromkeys(flag.remedy for flag in known)),
        "codes": ";".join(codes),
        "answer of the laboratory": None,
    }


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def write_problems_xlsx(
    path: str | Path, tables: Mapping[str, Sequence[Mapping[str, object]]], study: str = ""
) -> bool:
    """Write problems.xlsx, one row per tube, bead run or draw that is not ok; none, and no file, where all are.

    Parameters
    ----------
    path : str or Path
        The workbook; an old one is removed where nothing is wrong any more.
    tables : mapping
        As for `problem_rows`.
    study : str, optional
        The name shown at the foot of a printed page.

    Returns
    -------
    bool
        Whether a workbook was written.
    """
    rows = problem_rows(tables)
    if not rows:
        Path(path).unlink(missing_ok=True)
        return False
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    _write_sheet(
        book, "problems", list(PROBLEM_COLUMNS), rows, widths=PROBLEM_COLUMNS, wrap=True, study=study, height=None
    )
    _write_about(
        book,
        [
            ("what this is", "Tubes, bead runs and blood draws of this study that need a person."),
            ("failed", "There is no value; nothing may be released before the column 'what to do' is done."),
            ("review", "There is a value, and a reason for a person to look at it before it is released."),
            ("answer of the laboratory", "For the laboratory to fill in and send back; hladr does not read it."),
            ("afterwards", "Correct the table or replace the file in the study folder, and run hladr again."),
        ],
        study,
    )
    _save(book, path)
    return True


def write_results_xlsx(path: str | Path, tables: Mapping[str, Sequence[Mapping[str, object]]], study: str = "") -> None:
    """Write results.xlsx: a sheet per table and the dictionary, without the treatment arm.

    Parameters
    ----------
    path : str or Path
        The workbook.
    tables : mapping
        As `exports.read_tables` gives them; tables about treatment arms are left out.
    study : str, optional
        The name shown at the foot of a printed page.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    _write_about(
        book,
        [
            ("what this is", "The result tables of hladr; the CSV files beside it are the same without rounding."),
            ("columns", "Each is explained in the sheet 'dictionary'."),
            ("treatment arm", "Not in this workbook: it is for reviewers, too. See reversal.csv and cohort.csv."),
        ],
        study,
    )
    for name in _SHEETS:
        if name in tables:
            names = [row["column"] for row in dictionary() if row["table"] == name and row["column"] not in _BLINDED]
            _write_sheet(book, name, names, tables[name], study=study)
    shown = [row for row in dictionary() if row["table"] in _SHEETS and row["column"] not in _BLINDED]
    widths = {"table": 16, "column": 28, "type": 10, "unit": 22, "values": 40, "meaning": 80}
    _write_sheet(book, "dictionary", list(widths), shown, widths=widths, wrap=True, study=study)
    _save(book, path)


def _write_about(book, lines: Iterable[tuple[str, str]], study: str) -> None:
    from openpyxl.styles import Font

    sheet = book.create_sheet("about")
    sheet.column_dimensions["A"].width = 26
    sheet.column_dimensions["B"].width = 100
    for name, text in [("study", study), ("use", f"{RESEARCH_USE}."), *lines]:
        sheet.append([_cell(sheet, name, font=Font(bold=True)), _cell(sheet, text)])


def _write_sheet(
    book,
    title: str,
    names: Sequence[str],
    rows: Sequence[Mapping[str, object]],
    *,
    widths: Mapping[str, int] | None = None,
    wrap: bool = False,
    study: str = "",
    height: float | None = None,
) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(title)
    last = get_column_letter(len(names))
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{last}{len(rows) + 1}"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.left.text = RESEARCH_USE
    sheet.oddFooter.center.text = study.replace("&", "&&")
    sheet.oddFooter.right.text = "&P / &N"
    for position, name in enumerate(names, start=1):
        width = (widths or {}).get(name) or _width(name, rows)
        sheet.column_dimensions[get_column_letter(position)].width = width
    # where no text is wrapped, all cells are one line high: a style less for each, in time and in size
    top = {"alignment": Alignment(vertical="top", wrap_text=True)} if wrap else {}
    header = {"font": Font(bold=True, color="FFFFFF"), "fill": PatternFill("solid", fgColor="24424F")}
    fills = {status: PatternFill("solid", fgColor=colour) for status, colour in _STATUS_FILL.items()}
    sheet.append(
        [_cell(sheet, name, alignment=Alignment(vertical="center", wrap_text=True), **header) for name in names]
    )
    for row in rows:
        cells = []
        for name in names:
            extra = {"fill": fills[row[name]]} if name == "status" and row[name] in fills else {}
            value = row.get(name)
            cells.append(None if value is None and not top else _cell(sheet, value, **top, **extra))
        sheet.append(cells)


def _width(name: str, rows: Sequence[Mapping[str, object]]) -> float:
    longest = max((len(str(row[name])) for row in rows[:200] if row.get(name) is not None), default=0)
    return min(max(len(name), longest if longest < 60 else 60, 6) + 2, 60)


def _cell(sheet, value: object, **styles):
    """Make a cell whose text is text: never a formula, a number or a date, whatever it looks like."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
        cell.data_type = "s"
        cell.number_format = "@"
        if value.startswith(_STARTS_FORMULA):
            cell.quotePrefix = True  # stays text when somebody edits the cell
    else:
        cell = WriteOnlyCell(sheet, value)
        if isinstance(value, float):
            cell.number_format = _number_format(value)
    for name, style in styles.items():
        setattr(cell, name, style)
    return cell


def _number_format(value: float) -> str:
    size = abs(value)
    return "0" if size >= 1000 else "0.0" if size >= 100 else "0.00" if size >= 10 else "0.0000"


def _save(book, path: str | Path) -> None:
    """Save a workbook that depends on its content only: no time of writing, inside or in the zip's directory."""
    buffer = io.BytesIO()
    book.save(buffer)
    target = Path(path)
    temporary = target.with_name(f".{target.name}.part")
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as sink:
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"<dcterms:(created|modified)[^>]*>.*?</dcterms:\1>", b"", data)
            sink.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    os.replace(temporary, target)
