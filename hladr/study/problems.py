"""Problems of tables and configuration: where, what was found, what was expected, what to do. All are shown at once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

SHOWN_PER_COLUMN = 20
_FOUND_LENGTH = 60
_MOST_COMPARED = 300  # words; comparing thousands of wrong ids with thousands of right ones takes minutes


@dataclass(frozen=True)
class Problem:
    """One mistake in a table or in the configuration.

    Attributes
    ----------
    file : str
        Relative to the study folder.
    row : int or None
        As a spreadsheet counts (the header is row 1), or the line of a YAML file; None where the whole file is meant.
    column : str or None
        The column, or the key of a YAML file with dots between its levels.
    found, expected, remedy : str
        Without a full stop at the end.
    """

    file: str
    row: int | None
    column: str | None
    found: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        where = [self.file]
        if self.row is not None:
            where.append(f"row {self.row}")
        if self.column is not None:
            where.append(f"{'key' if self.file.endswith(('.yaml', '.yml')) else 'column'} {self.column}")
        # what a file holds must not steer a terminal
        return _on_one_line(f"{', '.join(where)}: found {self.found}, expected {self.expected}; remedy: {self.remedy}")


class StudyError(Exception):
    """A study whose tables or configuration are wrong.

    Attributes
    ----------
    problems : tuple of Problem
        All of them, in the order of files and rows.
    """

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Collector:
    """Gathers problems; a mistake repeated down a column is shown for its first rows and then counted."""

    def __init__(self):
        self.problems: list[Problem] = []
        self.count = 0  # of everything added, also what is not shown again
        self._seen: set[Problem] = set()
        self._shown: Counter = Counter()

    def __bool__(self) -> bool:
        return bool(self.problems)

    def add(self, file: str, row: int | None, column: str | None, found: object, expected: str, remedy: str) -> None:
        """Add one problem; `found` is quoted unless it is a `Phrase`."""
        problem = Problem(file, row, column, found if isinstance(found, Phrase) else quoted(found), expected, remedy)
        self.count += 1
        if problem in self._seen:
            return
        self._seen.add(problem)
        kind = (file, column, expected, remedy)
        self._shown[kind] += 1
        if self._shown[kind] <= SHOWN_PER_COLUMN:
            self.problems.append(problem)

    def all(self) -> list[Problem]:
        """Return the problems in the order of finding, with a line for the rows that were only counted."""
        more = [
            Problem(file, None, column, f"the same in {count - SHOWN_PER_COLUMN} more rows", expected, remedy)
            for (file, column, expected, remedy), count in self._shown.items()
            if count > SHOWN_PER_COLUMN
        ]
        return self.problems + more


class Phrase(str):
    """Words that describe what was found, shown without quotation marks."""

    __slots__ = ()


def quoted(found: object) -> str:
    """Quote what was found: one line, no control characters, not longer than a line can show."""
    text = str(found)
    if text == "":
        return "an empty cell"
    text = text if len(text) <= _FOUND_LENGTH else text[: _FOUND_LENGTH - 3] + "..."
    mark = '"' if "'" in text and '"' not in text else "'"
    return f"{mark}{_on_one_line(text)}{mark}"


def _on_one_line(text: str) -> str:
    """Write control characters as escapes and all else as it was typed, backslashes of Windows paths too."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that looks most like `word`, or None."""
    by_lower = {name.casefold(): name for name in sorted(known, reverse=True)}
    plain = word.strip().casefold()
    if len(by_lower) > _MOST_COMPARED:
        return by_lower.get(plain)
    longer = [name for name in by_lower if len(plain) > 2 and name.startswith(plain)]
    close = longer if len(longer) == 1 else get_close_matches(plain, by_lower, n=1, cutoff=0.7)
    return by_lower[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Name the known word that looks most like `word`, else say `otherwise`."""
    name = closest(word, known)
    return otherwise if name is None else f"did you mean '{name}'?"


def listed(words: Iterable[str]) -> str:
    """List words for a sentence: `a, b or c`."""
    *head, last = list(words)
    return f"{', '.join(head)} or {last}" if head else last


def first_of(words: Iterable[object], most: int) -> str:
    """Name the first words and count the rest: `a, b and c`, `a, b, c and 4 more`."""
    names = [str(word) for word in words]
    if len(names) > most:
        names = [*names[:most], f"{len(names) - most} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def column_letter(position: int) -> str:
    """Name a column as spreadsheets do: 0 is A, 26 is AA."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
