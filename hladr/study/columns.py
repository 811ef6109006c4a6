"""Cells to values: one check per column, made from the table's schema; every distinct cell is looked at once."""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime

from .config import schema
from .paths import CellError, study_path
from .problems import Collector, Phrase, closest, did_you_mean, listed
from .tables import Table

_FILE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_WHOLE_FLOAT = re.compile(r"(0|[1-9][0-9]*)\.0+")
_INTEGER = re.compile(r"([-+]?[0-9]{1,15})(?:[.,]0+)?")
_NUMBER = re.compile(r"([-+]?[0-9]+)(?:([.,])([0-9]+))?")
_GROUPED = re.compile(r"[-+]?[1-9][0-9]{0,2}[.,][0-9]{3}")
SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]{2,3}", re.IGNORECASE)  # what Excel shows of a long number
_EXCEL_ERRORS = frozenset(
    ("#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#####")
)
_FORMULA_STARTS = ("=", "+", "-", "@")
_LONGEST = {"text": 1000}
# decimal signs by the way a table is separated, and those that could also group thousands there
_DECIMALS = {"comma": (".", ""), "semicolon": (".,", "."), "tab": (".,", ","), "xlsx": (".,", ",")}


class Columns:
    """A table's columns as typed values.

    Attributes
    ----------
    label : str
        The table's path, for problems.
    numbers : list of int
        Row numbers as a spreadsheet shows them.
    values : dict of str to list
        Known columns: one value per row; None where a cell is empty (or wrong: then there is a problem).
    extra : list of dict
        The other columns' text, per row.
    """

    def __init__(self, table: Table, name: str, problems: Collector):
        rules = schema(name)
        self.label = table.label
        self.numbers = [number for number, _ in table.rows]
        cells = [row for _, row in table.rows]
        positions = {column: i for i, column in reversed(list(enumerate(table.header)))}
        known = rules["properties"]
        _check_header(table, rules, positions, problems)
        self.values: dict[str, list] = {}
        for column, spec in known.items():
            if column in positions:
                i = positions[column]
                self.values[column] = self._convert([row[i] for row in cells], column, spec, table.convention, problems)
            else:
                self.values[column] = [None] * len(cells)
        others = [(column, i) for column, i in positions.items() if column and column not in known]
        others.sort(key=lambda item: item[1])
        self.extra = [{column: _text(row[i]) for column, i in others} for row in cells] if others else [{}] * len(cells)

    def _convert(self, cells: list, column: str, spec: Mapping, convention: str, problems: Collector) -> list:
        convert = converter(spec, convention)
        memory: dict = {}
        values = []
        for number, cell in zip(self.numbers, cells, strict=True):
            key = cell if isinstance(cell, str) else (type(cell), cell)
            if key not in memory:
                try:
                    memory[key] = convert(cell)
                except CellError as mistake:
                    memory[key] = mistake
            value = memory[key]
            if isinstance(value, CellError):
                problems.add(self.label, number, column, cell if _text(cell) else "", value.expected, value.remedy)
                value = None
            values.append(value)
        return values

    def rows(self, *columns: str):
        """Iterate over the values of some columns, row by row."""
        return zip(*(self.values[column] for column in columns), strict=True)


def _check_header(table: Table, rules: Mapping, positions: Mapping[str, int], problems: Collector) -> None:
    known = rules["properties"]
    others = {_plain(name): name for name in table.header if name and name not in known}
    for column, spec in known.items():
        if column in positions:
            continue
        expected = f"the column '{column}': {spec['description']}"
        same = others.get(_plain(column))
        if same:
            problems.add(table.label, table.header_row, column, same, expected, f"write '{column}' in the header")
        elif column in rules["required"]:
            similar = closest(column, others.values())
            remedy = f"rename the column '{similar}', if it is this one, else add it" if similar else "add the column"
            problems.add(table.label, table.header_row, column, Phrase("no such column"), expected, remedy)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _text(cell: object) -> str:
    """Write a cell as text: a whole number from a spreadsheet without `.0`."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return unicodedata.normalize("NFC", cell).strip()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def converter(spec: Mapping, convention: str) -> Callable[[object], object]:
    """Return the function from a cell to the value of a column; it raises `CellError`.

    Parameters
    ----------
    spec : mapping
        The column's entry in the schema.
    convention : str
        `Table.convention`.
    """
    about = spec.get("description", "")
    filled = bool(spec.get("minLength"))
    one = _one_of(spec, convention)
    merged = " (of merged cells only the first holds the text)" if convention == "xlsx" else ""
    empty = f"fill the cell{merged}, or remove the row if it is a total or a remark"

    def convert(cell: object):
        text = _text(cell)
        if not text:
            if filled:
                raise CellError(about, empty)
            return None
        if text in _EXCEL_ERRORS:
            raise CellError(about, "correct the formula in the spreadsheet")
        return one(cell, text)

    return convert


def _one_of(spec: Mapping, convention: str) -> Callable[[object, str], object]:
    kind, form, about = spec["type"], spec.get("format"), spec.get("description", "")
    if kind == "integer":
        return lambda cell, text: _within(_integer(cell, text), spec, about)
    if kind == "number":
        return lambda cell, text: _within(_number(cell, text, convention), spec, about)
    words = spec.get("enum") or _words(form)
    if words:
        return lambda cell, text: _word(text, words)
    if form == "ferritin":
        return lambda cell, text: float(cell) if _is_number(cell) else text
    if form == "path":
        # as it was typed: file names may hold letters in two parts (NFD), which `_text` joins
        return lambda cell, text: study_path(cell.strip() if isinstance(cell, str) else text)
    if form in ("date", "date-time"):
        return _date if form == "date" else _moment
    return lambda cell, text: _name(cell, text, form, about)


def _words(form: str | None) -> tuple[str, ...] | None:
    if form == "kit":
        from ..kits import names

        return names()
    return None


def _word(text: str, words) -> str:
    if text not in words:
        raise CellError(listed(words), did_you_mean(text, words, "write one of these words"))
    return text


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _integer(cell: object, text: str) -> int:
    match = _INTEGER.fullmatch(text) if _is_number(cell) or isinstance(cell, str) else None
    if not match:
        raise CellError("a whole number", "write digits only, such as 7")
    return int(match[1])


def _number(cell: object, text: str, convention: str) -> float:
    if _is_number(cell):
        return float(cell)
    match = _NUMBER.fullmatch(text) if isinstance(cell, str) else None
    allowed, grouping = _DECIMALS[convention]
    if not match or (match[2] and match[2] not in allowed):
        raise CellError("a number", "write digits, with a decimal point where needed, and no thousands sign or unit")
    if match[2] and match[2] in grouping and _GROUPED.fullmatch(text):
        raise CellError("a number that can be read in one way only", "write it without a thousands sign")
    return float(f"{match[1]}.{match[3] or 0}")


def _within(value: float, spec: Mapping, about: str) -> float:
    low, over, high = spec.get("minimum"), spec.get("exclusiveMinimum"), spec.get("maximum")
    if not math.isfinite(value) or (low is not None and value < low) or (high is not None and value > high):
        raise CellError(f"a number from {low} to {high}" if high is not None else f"a number from {low}", about)
    if over is not None and value <= over:
        raise CellError(f"a number above {over}", f"{about}; an empty cell where there is none")
    return value


def _name(cell: object, text: str, form: str | None, about: str) -> str:
    """Read an id or a text; the rules of both keep results, pages and spreadsheets safe."""
    if isinstance(cell, datetime | date) or type(cell).__name__ in ("time", "timedelta"):
        raise CellError(about, "the spreadsheet has turned it into a date: format the column as text and type it again")
    if _is_number(cell) and abs(cell) >= 1e15:
        raise CellError(about, "the spreadsheet has rounded it: format the column as text and type it again")
    if len(text) > _LONGEST.get(form, 100):
        raise CellError(f"at most {_LONGEST.get(form, 100)} characters", "shorten it")
    if form == "text":
        text = " ".join(text.split())
    if not text.isprintable():
        raise CellError("letters, digits and signs that can be printed", "type the text again")
    if form == "text":
        return text
    if form == "file-id":
        if not _FILE_ID.fullmatch(text):
            excel = "Excel has shortened a long number: format the column as text and enter the ids again"
            raise CellError(
                "letters (A to Z, a to z), digits, '.', '_' and '-', not beginning with '.'",
                excel if SHORTENED.fullmatch(text) else "rename the tube",
            )
        return text
    if text.startswith(_FORMULA_STARTS):
        raise CellError("a name that a spreadsheet cannot take for a formula", "begin it with a letter or a digit")
    return text


def without_point_zero(text: str | None) -> str | None:
    """Turn `1001.0`, which spreadsheets and data frames make of the id 1001, back."""
    match = _WHOLE_FLOAT.fullmatch(text) if text else None
    return match[1] if match else text


def _date(cell: object, text: str) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, str) and re.match(r"\d{4}-\d\d-\d\d$", text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise CellError("a date as 2024-03-01 (ISO 8601)", "write it as 2024-03-01")


def _moment(cell: object, text: str) -> datetime:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, str) and re.search(r"[T ]\d\d", text):  # a date alone would be read as its midnight
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    example = "2024-03-01T08:30"
    raise CellError(
        f"a date and time as {example} (ISO 8601)", f"write it as {example}, or leave it empty if not known"
    )
