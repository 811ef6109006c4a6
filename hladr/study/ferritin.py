"""The rows of ferritin.csv, each read by the convention of the laboratory that wrote it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ..ferritin import UNITS, Interval, parse_ferritin
from .columns import Columns, without_point_zero
from .problems import Collector, Phrase, closest, quoted
from .rows import check_labs
from .types import FerritinValue, Tube

ONE_NUMBER = "write one number without unit or letters, or leave the cell empty; see config/README.md"
_SIGNS = {".": "decimal point", ",": "decimal comma"}


def ferritin_of(
    columns: Columns | None, labs: Mapping | None, tubes: Iterable[Tube], problems: Collector
) -> tuple[FerritinValue, ...]:
    """Read the ferritin values by the convention of the lab that wrote each."""
    if columns is None:
        return ()
    check_labs(columns, labs, problems)
    labs = labs or {}
    by_draw: dict[tuple[str, int], set[str]] = defaultdict(set)
    by_patient: dict[str, set[str]] = defaultdict(set)
    for tube in tubes:
        if not tube.lab:
            continue
        by_draw[tube.patient_id, tube.day].add(tube.lab)
        by_patient[tube.patient_id].add(tube.lab)
    memory: dict = {}
    result = []
    for number, (patient_id, day, cell, unit, lab) in zip(
        columns.numbers, columns.rows("patient_id", "day", "ferritin", "unit", "lab"), strict=True
    ):
        patient_id = without_point_zero(patient_id) or ""
        candidates = {lab} if lab else by_draw.get((patient_id, day)) or by_patient.get(patient_id) or set()
        if len(candidates) > 1 and (patient_id, day) not in by_draw:
            candidates = set()  # several labs, none of that day: nobody knows which one it was
        key = (cell, type(cell), unit, frozenset(candidates))
        if key not in memory:
            memory[key] = _read_ferritin(cell, unit, candidates, labs)
        interval, problem = memory[key]
        if problem:
            column, found, expected, remedy = problem
            problems.add(columns.label, number, column, found, expected, remedy)
        only = next(iter(candidates)) if len(candidates) == 1 else None
        text = "" if cell is None else f"{cell:g}" if isinstance(cell, float) else cell
        result.append(FerritinValue(patient_id, day if day is not None else 0, interval, only, text, number))
    return tuple(result)


def _read_ferritin(
    cell: str | float | None, unit: str | None, candidates: Iterable[str], labs: Mapping
) -> tuple[Interval | None, tuple | None]:
    """Read one value; returns it and, where it cannot be read, column, found, expected and remedy."""
    units = f"one of the units {', '.join(UNITS)}"
    try:
        parse_ferritin(1.0, unit or "ng/mL")
    except ValueError:
        return None, ("unit", unit, units, "write the unit of the laboratory's report, or convert the value")
    names = sorted(candidates)
    entries = [(lab, labs.get(lab)) for lab in names]
    if any(entry is None for _, entry in entries):
        return None, None  # told already: the lab is unknown, or its entry in labs.yaml is wrong
    readings = []
    for lab, entry in entries or [(None, None)]:
        try:
            readings.append(_by_convention(cell, unit or "ng/mL", entry))
        except ValueError as error:
            found, expected, remedy = _mistake(cell, lab, entry, str(error))
            others = "; or name the lab that measured it in the column lab" if len(entries) > 1 else ""
            return None, ("ferritin", found, expected, remedy + others)
    if any(reading != readings[0] for reading in readings):
        expected = f"a value that all labs of this day's tubes ({', '.join(names)}) would write so"
        return None, ("ferritin", cell, expected, "name the lab in the column lab")
    if readings[0] is not None and unit is None:
        return None, ("unit", "", units, "write the unit of the laboratory's report")
    return readings[0], None


def _by_convention(cell: str | float | None, unit: str, entry: Mapping | None) -> Interval | None:
    if entry is not None:
        return parse_ferritin(cell, unit, entry.get("decimal"), tuple(entry.get("missing_words", ())))
    try:
        return parse_ferritin(cell, unit)
    except ValueError:
        return parse_ferritin(cell, unit, ".")  # no lab at all: a decimal point


def _mistake(cell: str | float, lab: str | None, entry: Mapping | None, sentence: str) -> tuple[object, str, str]:
    """Turn the parser's sentence into found, expected and remedy, by the convention that was applied.

    What differs from row to row is told in `found`: problems with the same expected and remedy are counted together.
    """
    expected = sentence.split("expected ", 1)[-1]
    if not isinstance(cell, str):
        return cell, expected, ONE_NUMBER
    declared = entry.get("decimal") if entry is not None else None
    readings = {name: _reading(cell, sign) for sign, name in _SIGNS.items()}
    if "could be a decimal" in sentence:
        ways = " and ".join(f"{number} with a {name}" for name, number in readings.items() if number)
        return (
            Phrase(f"{quoted(cell)}, which is {ways}"),
            f"a number that can be read in one way only: lab {lab} declares no decimal sign",
            f"declare the lab's decimal sign in labs.yaml (decimal: '.' or decimal: ',' below {lab})",
        )
    others = [name for sign, name in _SIGNS.items() if sign != declared and readings[name]]
    if declared and others:
        return (
            cell,
            f"digits with a {_SIGNS[declared]}, as lab {lab} declares (decimal: '{declared}' in labs.yaml)",
            f"correct decimal in labs.yaml if {lab} writes a {others[0]}; if another lab measured it, name that lab in "
            "the column lab; else correct the value",
        )
    if not any(letter.isdigit() or letter in "<>" for letter in cell):
        return cell, expected, _remedy_of_word(cell, lab, entry)
    return cell, expected, ONE_NUMBER


def _reading(text: str, decimal: str) -> str | None:
    """Write the number that a text holds by one decimal sign, or None where it holds none."""
    try:
        interval = parse_ferritin(text, "ng/mL", decimal)
    except ValueError:
        return None
    ends = [] if interval is None else [end for end in (interval.low, interval.high) if end is not None]
    return f"{ends[0]:.6f}".rstrip("0").rstrip(".") if ends else None


def _remedy_of_word(word: str, lab: str | None, entry: Mapping | None) -> str:
    meant = closest(word, ("NA", "haemolysed", *(entry or {}).get("missing_words", ())))
    if lab is None:
        return f"did you mean '{meant}'?" if meant else "leave the cell empty if there is no value"
    add = f"add it to missing_words of lab {lab} in labs.yaml if it stands for a missing value"
    return f"{add}, or did you mean '{meant}'?" if meant else f"leave the cell empty, or {add}"
