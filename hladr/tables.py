"""Result tables: their columns as the dictionary states them, and one way to write them."""

import csv
import io
import math
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

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
    if type(value).__name__ in ("bool", "bool_"):  # numpy's too, without importing it
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int) or hasattr(value, "__index__"):
        return str(int(value))
    number = float(value)
    if not math.isfinite(number):
        return ""
    if number == 0:
        return "0"
    decimals = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(number)))
    text = f"{number:.{max(decimals, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def write_table(path: str | Path, table: str, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows as CSV with the dictionary's columns: UTF-8, comma, line feeds, atomically.

    Raises
    ------
    ValueError
        If a row has a column that the dictionary does not know for this table.
    """
    names = columns(table)
    known = set(names)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        if not known.issuperset(row):
            raise ValueError(f"{table}: columns {sorted(set(row) - known)} are not in data/dictionary.csv")
        writer.writerow([text_of(row.get(name)) for name in names])
    write_text(path, text.getvalue())


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically: a reader, or a kill, finds the old file or the new one, never half of it."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.part")
    temporary.write_text(text, encoding="utf-8", newline="")
    os.replace(temporary, target)
