"""Sheets of a workbook: text stays text, and equal content gives equal bytes."""

import datetime
import io
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median

from xlsxwriter import Workbook

from .. import RESEARCH_USE
from ..atomic import replacing

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")  # no part of a sheet: Excel would call it damaged
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_RICH = "<r>"  # at the start of a text XlsxWriter takes it for its own markup, unchecked
_ONE_SCALE = 1000  # times as large: numbers further apart are no quantity with one number of digits
_STATUS_FILL = {"failed": "#F6D5D0", "no call": "#F6D5D0", "review": "#FCE8C3"}
_HEADER = {"bold": True, "font_color": "#FFFFFF", "bg_color": "#24424F", "valign": "vcenter", "text_wrap": True}
_LINE = 15  # points
_LONGEST_NAME = 100  # letters of the study's name at the foot of a page, which holds 255 in all


class Book:
    """A workbook; `study` is the name at the foot of its printed pages."""

    def __init__(self, study: str):
        self.study = study
        self._buffer = io.BytesIO()
        # rows leave memory as they come; text in the cells rather than in a table of its own
        self._book = Workbook(self._buffer, {"constant_memory": True})
        # no time of writing: equal content gives equal bytes
        self._book.set_properties({"created": datetime.datetime(1980, 1, 1)})
        self._format = cache(lambda *items: self._book.add_format(dict(items)))

    def about(self, lines: Iterable[tuple[str, str]]) -> None:
        """Add the sheet that says what the workbook is: a word and a sentence per line."""
        sheet = self._book.add_worksheet("about")
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 1, 100)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        for at, (name, text) in enumerate([("study", self.study), ("use", f"{RESEARCH_USE}."), *lines]):
            self._write(sheet, at, 0, name, bold=True)
            self._write(sheet, at, 1, text)

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
        sheet = self._book.add_worksheet(title)
        sheet.freeze_panes(frozen)
        sheet.autofilter(0, 0, len(rows), len(names) - 1)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        study = self.study[:_LONGEST_NAME].replace("&", "&&")
        sheet.set_footer(f"&L{RESEARCH_USE}&C{study}&R&P / &N")
        widths = {name: (widths or {}).get(name) or _width(name, rows) for name in names}
        for column, name in enumerate(names):
            sheet.set_column(column, column, widths[name])
            self._write(sheet, 0, column, name, **_HEADER)
        top = {"valign": "top", "text_wrap": True} if wrap else {}
        formats = {name: _column_format([row.get(name) for row in rows]) for name in names}
        for at, row in enumerate(rows, start=1):
            if wrap:
                sheet.set_row(at, _LINE * max(_lines(row.get(name), width) for name, width in widths.items()))
            for column, name in enumerate(names):
                value = row.get(name)
                fill = {"bg_color": _STATUS_FILL[value]} if name == "status" and value in _STATUS_FILL else {}
                self._write(sheet, at, column, value, formats[name], **top, **fill)

    def _write(self, sheet, row: int, column: int, value: object, number_format: str | None = None, **style) -> None:
        """Write a cell whose text is text: never a formula, a number or a date, whatever it looks like."""
        if isinstance(value, str):
            style["num_format"] = "@"
            if value.startswith(_STARTS_FORMULA):
                style["quote_prefix"] = True  # stays text when somebody edits the cell
            sheet.write_string(row, column, _safe(value), self._style(style))
        elif value is None:
            sheet.write_blank(row, column, None, self._style(style))
        elif isinstance(value, bool):
            sheet.write_boolean(row, column, value, self._style(style))
        else:
            if isinstance(value, float):
                style["num_format"] = number_format or _number_format(value)
            sheet.write_number(row, column, value, self._style(style))

    def _style(self, style: Mapping[str, object]):
        return self._format(*style.items()) if style else None

    def save(self, path: str | Path) -> None:
        """Save the workbook; nothing can be added any more."""
        self._book.close()
        with replacing(path) as temporary:
            Path(temporary).write_bytes(self._buffer.getvalue())


def _lines(value: object, width: float) -> int:
    """Count the lines of a wrapped cell: LibreOffice does not make room for them by itself."""
    return max(len(textwrap.wrap(value, int(width))), 1) if isinstance(value, str) else 1


def _safe(text: str) -> str:
    """Leave out what a sheet cannot hold, and let text begin with no markup."""
    if not text.isprintable():
        text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return f" {text}" if text.startswith(_RICH) else text


def _width(name: str, rows: Sequence[Mapping[str, object]]) -> float:
    longest = max((len(str(row[name])) for row in rows[:200] if row.get(name) is not None), default=0)
    return min(max(len(name), longest if longest < 60 else 60, 6) + 2, 60)


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
