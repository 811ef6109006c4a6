"""Sheets of a workbook: text stays text, and equal content gives equal bytes."""

import io
import re
import textwrap
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from ..atomic import replacing
from . import RESEARCH_USE

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LINE_POINTS = 15  # height of one line of the usual type
_ONE_SCALE = 1000  # times as large: numbers further apart are no quantity with one number of digits
_STATUS_FILL = {"failed": "F6D5D0", "no call": "F6D5D0", "review": "FCE8C3"}


class Book:
    """A workbook; `study` is the name at the foot of its printed pages."""

    def __init__(self, study: str):
        self.study = study
        self._book = Workbook(write_only=True)

    def about(self, lines: Iterable[tuple[str, str]]) -> None:
        """Add the sheet that says what the workbook is: a word and a sentence per line."""
        sheet = self._book.create_sheet("about")
        sheet.column_dimensions["A"].width = 26
        sheet.column_dimensions["B"].width = 100
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.fitToWidth = 1
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        for name, text in [("study", self.study), ("use", f"{RESEARCH_USE}."), *lines]:
            sheet.append([_cell(sheet, name, font=Font(bold=True)), _cell(sheet, text)])

    def sheet(
        self,
        title: str,
        names: Sequence[str],
        rows: Sequence[Mapping[str, object]],
        widths: Mapping[str, int] | None = None,
        wrap: bool = False,
        frozen: str = "B2",
    ) -> None:
        """Add a sheet with a row per mapping.

        Parameters
        ----------
        title : str
        names : sequence of str
            The columns; `status` is coloured.
        rows : sequence of mapping
            Text, int, float, bool or None by column.
        widths : mapping, optional
            Of the columns; without it as wide as their text, up to a limit.
        wrap : bool
            Break long text into lines, for reading.
        frozen : str
            The first cell that scrolls: the ids stay in sight.
        """
        sheet = self._book.create_sheet(title)
        sheet.freeze_panes = frozen
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{len(rows) + 1}"
        sheet.print_title_rows = "1:1"
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.fitToWidth = 1
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.oddFooter.left.text = RESEARCH_USE
        sheet.oddFooter.center.text = self.study.replace("&", "&&")
        sheet.oddFooter.right.text = "&P / &N"
        wide = {name: (widths or {}).get(name) or _width(name, rows) for name in names}
        for position, name in enumerate(names, start=1):
            sheet.column_dimensions[get_column_letter(position)].width = wide[name]
        header = {
            "font": Font(bold=True, color="FFFFFF"),
            "fill": PatternFill("solid", fgColor="24424F"),
            "alignment": Alignment(vertical="center", wrap_text=True),
        }
        sheet.append([_cell(sheet, name, **header) for name in names])
        # where no text is wrapped, all cells are one line high: a style less for each, in time and in size
        top = {"alignment": Alignment(vertical="top", wrap_text=True)} if wrap else {}
        fills = {status: PatternFill("solid", fgColor=colour) for status, colour in _STATUS_FILL.items()}
        formats = {name: _column_format([row.get(name) for row in rows]) for name in names}
        for number, row in enumerate(rows, start=2):
            # not every spreadsheet measures wrapped text when it opens a workbook: lines would lie over each other
            lines = max((_lines(row.get(name), wide[name]) for name in names), default=1) if wrap else 1
            if lines > 1:
                sheet.row_dimensions[number].height = _LINE_POINTS * lines
            cells = []
            for name in names:
                value = row.get(name)
                fill = {"fill": fills[value]} if name == "status" and value in fills else {}
                cells.append(None if value is None and not top else _cell(sheet, value, formats[name], **top, **fill))
            sheet.append(cells)

    def save(self, path: str | Path) -> None:
        """Save what depends on the content only: no time of writing, inside or in the zip's directory."""
        buffer = io.BytesIO()
        self._book.save(buffer)
        with (
            replacing(path) as temporary,
            zipfile.ZipFile(buffer) as source,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as sink,
        ):
            for name in source.namelist():
                data = source.read(name)
                if name.startswith("xl/worksheets/"):
                    # a height that the spreadsheet may change when a cell is filled
                    data = re.sub(rb'(<row [^>]*?) customHeight="1"', rb"\1", data)
                if name == "docProps/core.xml":
                    data = re.sub(rb"<dcterms:(created|modified)[^>]*>.*?</dcterms:\1>", b"", data)
                sink.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def _width(name: str, rows: Sequence[Mapping[str, object]]) -> float:
    longest = max((len(str(row[name])) for row in rows[:200] if row.get(name) is not None), default=0)
    return min(max(len(name), longest if longest < 60 else 60, 6) + 2, 60)


def _lines(value: object, width: float) -> int:
    """Count the lines of a wrapped text."""
    return max(len(textwrap.wrap(value, max(int(width) - 1, 1))), 1) if isinstance(value, str) else 1


def _cell(sheet, value: object, number_format: str | None = None, **styles) -> WriteOnlyCell:
    """Make a cell whose text is text: never a formula, a number or a date, whatever it looks like."""
    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
        cell.data_type = "s"
        cell.number_format = "@"
        if value.startswith(_STARTS_FORMULA):
            cell.quotePrefix = True  # stays text when somebody edits the cell
    else:
        cell = WriteOnlyCell(sheet, value)
        if isinstance(value, float):
            cell.number_format = number_format or _number_format(value)
    for name, style in styles.items():
        setattr(cell, name, style)
    return cell


def _column_format(values: Sequence[object]) -> str | None:
    """Choose the digits of a whole column, so that its numbers can be compared down the page.

    None where it holds no numbers with digits, or such different ones that each needs its own.
    """
    sizes = [abs(value) for value in values if isinstance(value, float) and value]
    if not sizes:
        return None
    if all(size == int(size) for size in sizes):
        return "#,##0"
    if max(sizes) > _ONE_SCALE * min(sizes):
        return None
    return _number_format(median(sizes))


def _number_format(value: float) -> str:
    size = abs(value)
    return "#,##0" if size >= 1000 else "#,##0.0" if size >= 100 else "#,##0.00" if size >= 1 else "#,##0.0000"
