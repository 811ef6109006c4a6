"""The rows of ferritin.csv, each read by the convention of the laboratory that wrote it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ..ferritin import Interval, parse_ferritin
from .columns import Columns, without_point_zero
from .problems import Collector
from .rows import check_labs
from .types import FerritinValue, Tube


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
    units = "one of the units ng/mL, ug/L, µg/L, pmol/L"
    try:
        parse_ferritin(1.0, unit or "ng/mL")
    except ValueError:
        return None, ("unit", unit, units, "write the unit of the laboratory's report, or convert the value")
    entries = [labs.get(lab) for lab in sorted(candidates)]
    if None in entries:
        return None, None  # told already: the lab is unknown, or its entry in labs.yaml is wrong
    readings = []
    for entry in entries or [None]:
        try:
            readings.append(_by_convention(cell, unit or "ng/mL", entry))
        except ValueError as error:
            return None, ("ferritin", cell, *_split(str(error)))
    if any(reading != readings[0] for reading in readings):
        expected = "a value that all labs of this day's tubes would write so"
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


def _split(sentence: str) -> tuple[str, str]:
    """Turn the parser's sentence into what was expected and what to do."""
    if "could be a decimal" in sentence:
        return (
            "a number that can be read in one way only",
            "declare the lab's decimal sign in labs.yaml (decimal: ',' or decimal: '.')",
        )
    expected = sentence.split("expected ", 1)[-1]
    return expected, "write the value as the laboratory reported it, or leave the cell empty; see config/README.md"
