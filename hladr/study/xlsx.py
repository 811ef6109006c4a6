"""Worksheets to rows of cells, without running, following or unpacking what a hostile or broken workbook holds."""

import io
import warnings
import zipfile
from collections.abc import Sequence

from .problems import Collector, Phrase, column_letter

_LARGEST_UNPACKED_BYTES = 300_000_000
_LARGEST_SHEET = (1_048_576, 500)  # rows that a spreadsheet can have; columns that a study's table can need
_MOST_CELLS = 50_000_000  # empty ones included
_MOST_PARTS = 2000
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY", "<!DOCTYPE".encode("utf-16-le"), "<!DOCTYPE".encode("utf-16-be"))
_SAVE_AGAIN = "save it again from the spreadsheet as .xlsx without a password, or as CSV UTF-8"
_BLOCK = 1 << 20


def read_sheet(raw: bytes, names: Sequence[str], label: str, problems: Collector) -> list[tuple[int, list]] | None:
    """Read the worksheet that carries one of the table's names, the first that there is, else the first sheet.

    Parameters
    ----------
    raw : bytes
        The workbook.
    names : sequence of str
        What the table may be called, e.g. `samples`.
    label : str
        The table's path, for problems.
    problems : Collector
        Receives what is wrong.

    Returns
    -------
    list of (int, list) or None
        Row number as the spreadsheet shows it, and cells: text, numbers, datetimes or None. None if it cannot be read.

    Notes
    -----
    Formulas are never computed: their stored values are read. Macros, links and entities are refused, not followed.
    """

    def refuse(found: str, expected: str = "a plain .xlsx workbook", remedy: str = _SAVE_AGAIN) -> None:
        problems.add(label, None, None, Phrase(found), expected, remedy)

    try:
        formulas = _inspect(raw, refuse)
    except _Stop:
        return None
    # a damaged archive raises errors of zipfile, zlib, struct, codecs and more
    except Exception:
        refuse("a file that is not an .xlsx workbook, or is damaged, old (.xls) or protected by a password")
        return None
    try:
        records = _records(raw, names, data_only=True)
        if formulas:
            _check_formulas(records, _records(raw, names, data_only=False), label, problems)
    except _TooLarge:
        refuse("a worksheet over 1,048,576 rows or 500 columns", "a table", "remove what lies outside the table")
        return None
    # whatever a parser of somebody else's format can raise on a damaged workbook
    except Exception:
        refuse("a workbook that cannot be read")
        return None
    return [(number, cells) for number, cells in records if any(cell is not None and cell != "" for cell in cells)]


class _Stop(Exception):  # noqa: N818
    """The workbook was refused, and the reason is told."""


class _TooLarge(Exception):  # noqa: N818
    """The worksheet has more cells than a table can have."""


def _inspect(raw: bytes, refuse) -> bool:
    """Unpack every part once, counting bytes, before a parser sees it; returns whether a worksheet holds formulas."""
    formulas = False
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = archive.infolist()
        total = 0
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _LARGEST_UNPACKED_BYTES:
            refuse("a workbook that unpacks to more than 300 MB", "a table", "check which file it is")
            raise _Stop
        if any(part.filename.lower().endswith("vbaproject.bin") for part in parts):
            refuse("a workbook with macros", remedy="save it as .xlsx without macros")
            raise _Stop
        for part in parts:
            is_xml = part.filename.lower().endswith((".xml", ".rels"))
            tail = b""
            with archive.open(part) as handle:
                while block := handle.read(_BLOCK):
                    total += len(block)
                    if total > _LARGEST_UNPACKED_BYTES:
                        refuse("a workbook that unpacks to more than 300 MB", "a table", "check which file it is")
                        raise _Stop
                    if not is_xml:
                        continue
                    window = tail + block
                    if any(word in window for word in _FORBIDDEN):
                        refuse("a workbook with XML entities")
                        raise _Stop
                    formulas = formulas or b"<f>" in window or b"<f " in window
                    tail = block[-32:]
    return formulas


def _records(raw: bytes, names: Sequence[str], data_only: bool) -> list[tuple[int, list]]:
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions that openpyxl drops; they hold no cells
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=data_only, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
        titled = {sheet.title.strip().casefold(): sheet for sheet in reversed(sheets)}
        sheet = next((titled[name.casefold()] for name in names if name.casefold() in titled), sheets[0])
        # the stored extent is a claim: some programs write one cell, others a million rows
        sheet.reset_dimensions()
        records = []
        seen = 0
        for number, cells in enumerate(sheet.rows, 1):
            seen += len(cells)
            values = [_value(cell) for cell in cells]
            while values and values[-1] is None:
                values.pop()
            if number > _LARGEST_SHEET[0] or len(values) > _LARGEST_SHEET[1] or seen > _MOST_CELLS:
                raise _TooLarge
            if values:
                records.append((number, values))
        book.close()
    return records


def _value(cell) -> object:
    value = cell.value
    if value is None or isinstance(value, str | int | float):
        return value
    if hasattr(value, "hour") and hasattr(value, "year"):
        # a cell that shows no time is a date, not midnight
        return value if "h" in str(cell.number_format or "").lower() else value.date()
    return str(value) if not hasattr(value, "year") else value


def _check_formulas(
    records: list[tuple[int, list]], formulas: list[tuple[int, list]], label: str, problems: Collector
) -> None:
    """Find formulas whose value was never stored: to every reader but a spreadsheet they look like empty cells."""
    stored = dict(records)
    for number, cells in formulas:
        values = stored.get(number, [])
        for i, cell in enumerate(cells):
            if isinstance(cell, str) and cell.startswith("=") and (i >= len(values) or values[i] is None):
                problems.add(
                    label,
                    number,
                    column_letter(i),
                    Phrase("a formula without a stored value"),
                    "a value",
                    "open the workbook in the spreadsheet, save it, or paste the values in place of the formulas",
                )
