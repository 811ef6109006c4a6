"""Sheets of a workbook: text stays text, and equal content gives equal bytes.

openpyxl makes the workbook, its styles and the first row of every sheet. For each cell it takes as long as for a line
of a table here, so the other rows are written as the XML that it would write, and put in where the workbook is saved.
"""

import io
import os
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

from . import RESEARCH_USE

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STATUS_FILL = {"failed": "F6D5D0", "review": "FCE8C3"}
_LONGEST = 32_767  # Excel takes no longer text
_END = b"</sheetData>"


class Book:
    """A workbook; `study` is the name at the foot of its printed pages."""

    def __init__(self, study: str):
        self.study = study
        self._book = Workbook(write_only=True)
        self._rows: list[tuple[object, str]] = []

    def about(self, lines: Iterable[tuple[str, str]]) -> None:
        """Add the sheet that says what the workbook is: a word and a sentence per line."""
        sheet = self._book.create_sheet("about")
        sheet.column_dimensions["A"].width = 26
        sheet.column_dimensions["B"].width = 100
        word, sentence = _Look(sheet, font=Font(bold=True)), _Look(sheet)
        for name, text in [("study", self.study), ("use", f"{RESEARCH_USE}."), *lines]:
            sheet.append([word.cell(name), sentence.cell(text)])

    def sheet(
        self,
        title: str,
        names: Sequence[str],
        rows: Sequence[Mapping[str, object]],
        widths: Mapping[str, int] | None = None,
        wrap: bool = False,
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
        """
        sheet = self._book.create_sheet(title)
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{len(rows) + 1}"
        sheet.print_title_rows = "1:1"
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.fitToWidth = 1
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.oddFooter.left.text = RESEARCH_USE
        sheet.oddFooter.center.text = self.study.replace("&", "&&")
        sheet.oddFooter.right.text = "&P / &N"
        for position, name in enumerate(names, start=1):
            width = (widths or {}).get(name) or _width(name, rows)
            sheet.column_dimensions[get_column_letter(position)].width = width
        header = _Look(
            sheet,
            font=Font(bold=True, color="FFFFFF"),
            fill=PatternFill("solid", fgColor="24424F"),
            alignment=Alignment(vertical="center", wrap_text=True),
        )
        sheet.append([header.cell(name) for name in names])
        self._rows.append((sheet, _rows_of(sheet, names, rows, wrap)))

    def save(self, path: str | Path) -> None:
        """Save what depends on the content only: no time of writing, inside or in the zip's directory."""
        buffer = io.BytesIO()
        ExcelWriter(self._book, zipfile.ZipFile(buffer, "w")).save()
        rows = {sheet.path.lstrip("/"): text for sheet, text in self._rows}
        target = Path(path)
        temporary = target.with_name(f".{target.name}.part")
        with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as sink:
            for name in source.namelist():
                data = source.read(name)
                if name == "docProps/core.xml":
                    data = re.sub(rb"<dcterms:(created|modified)[^>]*>.*?</dcterms:\1>", b"", data)
                if name in rows:
                    text = rows.pop(name).encode("ascii", "xmlcharrefreplace")
                    data = data.replace(_END, text + _END, 1)
                sink.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
        os.replace(temporary, target)


def _rows_of(sheet, names: Sequence[str], rows: Iterable[Mapping[str, object]], wrap: bool) -> str:
    """Write the rows below the first one as XML."""
    # where no text is wrapped, all cells are one line high: a style less for each, in time and in size
    styles = {"alignment": Alignment(vertical="top", wrap_text=True)} if wrap else {}
    plain = _Look(sheet, **styles)
    marked = {
        status: _Look(sheet, **styles, fill=PatternFill("solid", fgColor=colour))
        for status, colour in _STATUS_FILL.items()
    }
    columns = [(name, get_column_letter(position)) for position, name in enumerate(names, start=1)]
    written = []
    for number, row in enumerate(rows, start=2):
        written.append(f'<row r="{number}">')
        for name, letter in columns:
            value = row.get(name)
            look = marked.get(value, plain) if name == "status" else plain
            written.append(look.xml(f"{letter}{number}", value))
        written.append("</row>")
    return "".join(written)


def _width(name: str, rows: Sequence[Mapping[str, object]]) -> float:
    longest = max((len(str(row[name])) for row in rows[:200] if row.get(name) is not None), default=0)
    return min(max(len(name), longest if longest < 60 else 60, 6) + 2, 60)


class _Look:
    """Cells of one look whose text is text: never a formula, a number or a date, whatever it looks like."""

    def __init__(self, sheet, **styles):
        self._sheet, self._styles = sheet, styles
        self._known: dict[tuple[str | None, bool], str] = {}

    def cell(self, text: str) -> Cell:
        """Return a cell of text for openpyxl to write."""
        cell = self._styled("@", text.startswith(_STARTS_FORMULA))
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
        cell.data_type = "s"
        return cell

    def xml(self, place: str, value: object) -> str:
        """Return a cell as openpyxl would write it; nothing for a missing value without a look."""
        if isinstance(value, str):
            start = f'<c r="{place}"{self._style("@", value.startswith(_STARTS_FORMULA))} t="inlineStr">'
            text = ILLEGAL_CHARACTERS_RE.sub("", value)[:_LONGEST]
            if not text:
                return start + "</c>"
            keep = "" if text == text.strip() else ' xml:space="preserve"'
            return f"{start}<is><t{keep}>{escape(text, _ESCAPED)}</t></is></c>"
        style = self._style(_number_format(value) if isinstance(value, float) else None, False)
        if value is None:
            return style and f'<c r="{place}"{style} t="n"></c>'
        kind = "b" if isinstance(value, bool) else "n"
        return f'<c r="{place}"{style} t="{kind}"><v>{value:.16g}</v></c>'

    def _style(self, number_format: str | None, quoted: bool) -> str:
        key = number_format, quoted
        if key not in self._known:
            cell = self._styled(number_format, quoted)
            self._known[key] = f' s="{cell.style_id}"' if cell.has_style else ""
        return self._known[key]

    def _styled(self, number_format: str | None, quoted: bool) -> Cell:
        cell = WriteOnlyCell(self._sheet)
        if number_format:
            cell.number_format = number_format
        if quoted:
            cell.quotePrefix = True  # stays text when somebody edits the cell
        for name, style in self._styles.items():
            setattr(cell, name, style)
        return cell


_ESCAPED = {"\r": "&#13;"}  # a reader of XML would make a line feed of it


def _number_format(value: float) -> str:
    size = abs(value)
    return "0" if size >= 1000 else "0.0" if size >= 100 else "0.00" if size >= 10 else "0.0000"
