"""Tables as laboratories save them (CSV, TSV, XLSX) to a header and rows of cells; no meaning yet."""

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from .problems import Collector, Phrase, column_letter

EXTENSIONS = (".csv", ".tsv", ".txt", ".xlsx")
_LARGEST_BYTES = 200_000_000
_MOST_ABOVE = 20  # rows of title, date and the like that somebody puts above a header
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}  # and what `Table.convention` calls them
_SAVE_AGAIN = "save it again from the spreadsheet as CSV UTF-8 or .xlsx"


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes
    ----------
    label : str
        Path relative to the study folder, for problems.
    header : tuple of str
        Trimmed column names.
    header_row : int
        1 unless empty rows stand above it.
    rows : list of (int, list)
        Row number as a spreadsheet shows it (the header is row 1) and the cells, as many as the header has. A cell is
        text, or a number or datetime from a spreadsheet. Rows without any content are left out.
    convention : {"comma", "semicolon", "tab", "xlsx"}
        Decides what a decimal sign may be.
    """

    label: str
    header: tuple[str, ...]
    header_row: int
    rows: list[tuple[int, list]]
    convention: str


def find_table(folder: Path, configured: str, stated: bool, problems: Collector) -> str:
    """Return the path of a table: the configured one, or the same name with another extension where only that exists.

    Two files for one table are a mistake unless the study's configuration names one (`stated`): one is out of date.
    """
    path = Path(configured)
    siblings = [path.with_suffix(extension).as_posix() for extension in (".csv", ".tsv", ".xlsx")]
    found = [sibling for sibling in siblings if (folder / sibling).is_file()]
    if stated and (configured in found or path.suffix not in (".csv", ".tsv", ".xlsx")):
        return configured
    if len(found) > 1:
        remedy = f"remove one, or name the right one in config.yaml (tables: {path.stem}: ...)"
        problems.add(found[0], None, None, Phrase(" and ".join(found)), "one file for this table", remedy)
    return configured if configured in found or not found else found[0]


def read_table(
    folder: Path, relative: str, problems: Collector, required: Collection[str] = (), name: str = ""
) -> Table | None:
    """Read a table of the study.

    Parameters
    ----------
    folder : path
        The study.
    relative : str
        Path of the table in it.
    problems : Collector
        Receives what is wrong with the file or its header.
    required : collection of str, optional
        Columns by which a header is known that does not stand first.
    name : str, optional
        What the table is to the study: `samples`. Of a workbook the sheet of that name counts, else that of the file's
        name, else the first.

    Returns
    -------
    Table or None
        None if nothing can be read.
    """
    path = folder / relative
    suffix = path.suffix.lower()
    if suffix not in EXTENSIONS:
        problems.add(
            relative, None, None, f"*{suffix}", "a .csv, .tsv or .xlsx table", "save it as CSV UTF-8 or as .xlsx"
        )
        return None
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= _LARGEST_BYTES else None
    except FileNotFoundError:
        problems.add(
            relative, None, None, Phrase("no such file"), "this table", "hladr init writes one with its header alone"
        )
        return None
    except OSError:
        problems.add(
            relative, None, None, Phrase("a file that cannot be opened"), "a readable table",
            "close it in the spreadsheet and check its rights",
        )  # fmt: skip
        return None
    if raw is None:
        problems.add(relative, None, None, Phrase("a file over 200 MB"), "a table", "check which file it is")
        return None
    if suffix == ".xlsx":
        from .xlsx import read_sheet

        records = read_sheet(raw, (name, path.stem), relative, problems)
        convention = "xlsx"
    else:
        records, convention = _read_text(raw, relative, problems)
    if records is None:
        return None
    below = _header_below(records, required)
    if below is not None:
        found = Phrase(f"other words above the column names, which are in row {below}")
        remedy = "remove the rows above the column names"
        problems.add(relative, records[0][0], None, found, "the column names in the first row", remedy)
        return None
    return _table(records, convention, relative, problems)


def _header_below(records: Sequence[tuple[int, list]], required: Collection[str]) -> int | None:
    """Find the row of the column names where it is not the first: below a title, or below a second header."""

    def known(cells: list) -> int:
        # below a title without separators, a line may not have been cut where it should be
        words = {word.strip() for cell in cells for word in re.split("[;\t]", str(cell))}
        return sum(name in words for name in required)

    if len(required) < 2 or not records or known(records[0][1]):
        return None
    return next((number for number, cells in records[1 : _MOST_ABOVE + 1] if known(cells) > 1), None)


def _read_text(raw: bytes, label: str, problems: Collector) -> tuple[list[tuple[int, list]] | None, str]:
    text = _decoded(raw)
    if text is None or "\0" in text:
        problems.add(label, None, None, Phrase("bytes that are not text"), "a text table", _SAVE_AGAIN)
        return None, "comma"
    delimiter = None
    if text[:4].lower() == "sep=":  # Excel's hidden first line
        line, _, text = text.partition("\n")
        delimiter = line[4:5] if line[4:5] in DELIMITERS else None
    delimiter = delimiter or _delimiter_of(text)
    records = []
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            if any(cells):
                records.append((number, cells))
    except csv.Error:
        problems.add(
            label,
            number + 1,
            None,
            Phrase("a quotation mark that is not closed, or text behind one"),
            'cells in "..." that end before the next separator',
            "correct the quotation marks of this row",
        )
        return None, "comma"
    return records, DELIMITERS[delimiter]


def _decoded(raw: bytes) -> str | None:
    utf16 = raw[:2] in (b"\xff\xfe", b"\xfe\xff")  # Excel's "Unicode text"
    encodings = ("utf-16",) if utf16 else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _delimiter_of(text: str) -> str:
    """Take the separator that cuts the first line with content into the most cells; a comma if there is none."""
    header = next((line for line in text[:100_000].splitlines() if line.strip(' \t,;"')), "")
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _table(records: Sequence[tuple[int, list]], convention: str, label: str, problems: Collector) -> Table | None:
    if not records:
        problems.add(
            label, 1, None, Phrase("an empty table"), "a header", "hladr init writes a table with its header alone"
        )
        return None
    header_row, first = records[0]
    header = [unicodedata.normalize("NFC", str(cell if cell is not None else "")).strip() for cell in first]
    while header and not header[-1]:
        header.pop()
    width = len(header)
    seen: dict[str, int] = {}
    for position, name in enumerate(header):
        if name and name in seen:
            problems.add(
                label, header_row, name, Phrase("the column a second time"), "every column once", "rename or remove one"
            )
        seen.setdefault(name, position)
    rows = []
    blank = {position for position, name in enumerate(header) if not name}
    for number, cells in records[1:]:
        if len(cells) != width:
            extra = [cell for cell in cells[width:] if _filled(cell)]
            if extra:
                problems.add(
                    label,
                    number,
                    column_letter(width + next(i for i, cell in enumerate(cells[width:]) if _filled(cell))),
                    extra[0],
                    f"no more cells than the header's {width}",
                    "name the column, remove the cell, or put a text with a separator in quotation marks",
                )
            cells = cells[:width] + [""] * (width - len(cells))
        if not any(map(_filled, cells)):
            continue
        for position in blank:
            if _filled(cells[position]):
                problems.add(
                    label,
                    header_row,
                    column_letter(position),
                    Phrase("cells without a column name above them"),
                    "a name in the header",
                    "name the column or empty it",
                )
        rows.append((number, cells))
    return Table(label, tuple(header), header_row, rows, convention)


def _filled(cell: object) -> bool:
    return cell is not None and (not isinstance(cell, str) or (cell != "" and not cell.isspace()))
