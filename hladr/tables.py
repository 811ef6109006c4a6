"""Result tables: their columns as the dictionary states them, and one way to write them."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from .atomic import write_text
from .paths import data_file

SIGNIFICANT_DIGITS = 9


@cache
def dictionary() -> tuple[dict[str, str], ...]:
    """Read the rows of data/dictionary.csv: table, column, type, unit, values, meaning."""
    with open(data_file("dictionary.csv"), encoding="utf-8", newline="") as handle:
        return tuple(csv.DictReader(handle))


@cache
def columns(table: str) -> tuple[str, ...]:
    """Return the columns of a result table in their order.

    Raises
    ------
    KeyError
        If the dictionary does not know the table.
    """
    names = tuple(row["column"] for row in dictionary() if row["table"] == table)
    if not names:
        raise KeyError(f"data/dictionary.csv does not describe the table {table!r}")
    return names


def text_of(value: object) -> str:
    """Write one value: `true`/`false`, missing empty, numbers without exponent and with fixed significant digits."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if not isinstance(value, float):
        if type(value).__name__ in ("bool", "bool_"):  # numpy's too, without importing it
            return "true" if value else "false"
        if hasattr(value, "__index__"):
            return str(int(value))
    number = float(value)
    if not math.isfinite(number):
        return ""
    if number == 0:
        return "0"
    decimals = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(number)))
    text = f"{number:.{max(decimals, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def header(path: str | Path) -> list[str]:
    """Return the columns of a CSV file in its order."""
    with open(path, encoding="utf-8", newline="") as handle:
        return next(csv.reader(handle), [])


def described(path: str | Path, table: str) -> list[dict[str, str]]:
    """Return the dictionary's row for each column of a written table, and one for each that was carried through."""
    known = {row["column"]: row for row in dictionary() if row["table"] == table}
    return [known.get(name) or _carried(table, name) for name in header(path)]


def _carried(table: str, column: str) -> dict[str, str]:
    meaning = "carried through from the study's own table"
    return {"table": table, "column": column, "type": "text", "unit": "", "values": "", "meaning": meaning}


def carried_through(table: str, extras: Sequence[Mapping[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    """Name the study's own further columns so that none can be taken for a result or run as a formula.

    Parameters
    ----------
    table : str
        The result table that they join.
    extras : sequence of mapping
        Per row the further columns of the study's table.

    Returns
    -------
    list of str, list of dict
        The columns (`own.NAME` where the result has a column NAME, in whatever case, and `NAME_` where an earlier one
        of the study's has it), and the rows.
    """
    results = {name.casefold() for name in columns(table)}
    taken, renamed = set(results), {}
    for name in dict.fromkeys(name for row in extras for name in row):
        new = _no_formula(_line_feeds(name))
        if new.casefold() in results:
            new = f"own.{new}"
        while new.casefold() in taken:  # databases do not tell Ward from ward
            new += "_"
        taken.add(new.casefold())
        renamed[name] = new
    rows = [{renamed[name]: _no_formula(_line_feeds(text)) for name, text in row.items()} for row in extras]
    return list(renamed.values()), rows


def _line_feeds(text: str) -> str:
    """End lines within a cell as the table ends its own: a carriage return alone would break the row."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _no_formula(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would compute; a plain number stays."""
    if not text or text[0] not in "=+-@\t\r":
        return text
    try:
        float(text.replace(",", "."))
    except ValueError:
        return f"'{text}"
    return text


def write_table(path: str | Path, table: str, rows: Iterable[Mapping[str, object]], extra: Sequence[str] = ()) -> None:
    """Write rows as `csv_text` gives them: UTF-8, atomically."""
    write_text(path, csv_text(table, rows, extra))


def csv_text(table: str, rows: Iterable[Mapping[str, object]], extra: Sequence[str] = ()) -> str:
    """Write rows as CSV with the dictionary's columns, then `extra` ones: comma, line feeds.

    Raises
    ------
    ValueError
        If a row has a column that neither the dictionary knows for this table nor `extra` names.
    """
    names = [*columns(table), *extra]
    known = set(names)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        if not known.issuperset(row):
            raise ValueError(f"{table}: columns {sorted(set(row) - known)} are not in data/dictionary.csv")
        writer.writerow([text_of(row.get(name)) for name in names])
    return text.getvalue()
