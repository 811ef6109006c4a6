"""Columns to typed rows, and what must hold between tables: unique ids, known labs, bead runs and tubes.

Every function returns what could be read; where something is wrong a problem is added and the study is refused later.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from .ferritin import Interval, parse_ferritin
from .problems import Collector, Phrase, did_you_mean
from .study_columns import Columns, without_point_zero
from .study_types import SOFA_DAYS, BeadRun, FerritinValue, Level, Outcome, Override, Release, Tube
from .study_yaml import line_of


def _unique(columns: Columns, column: str, problems: Collector) -> dict[str, int]:
    """Return id to its position; a doubled id is a problem, one that differs by case alone too (file names)."""
    first: dict[str, tuple[str, int]] = {}
    positions: dict[str, int] = {}
    for position, (number, name) in enumerate(zip(columns.numbers, columns.values[column], strict=True)):
        if name is None:
            continue
        earlier = first.setdefault(name.casefold(), (name, number))
        if earlier[1] != number:
            same = earlier[0] == name
            problems.add(
                columns.label,
                number,
                column,
                Phrase(f"'{name}' a second time (first in row {earlier[1]})") if same else name,
                "every id once" if same else "ids that differ by more than capital letters",
                "rename one of the two rows or remove it" if same else f"rename it or '{earlier[0]}'",
            )
        positions.setdefault(name, position)
    return positions


def _check_labs(columns: Columns, labs: Mapping | None, problems: Collector) -> None:
    if labs is None:
        return
    values = columns.values["lab"]
    for i, lab in enumerate(values):
        if lab is not None and lab not in labs:
            plain = without_point_zero(lab)
            if plain in labs:
                values[i] = plain
                continue
            problems.add(
                columns.label,
                columns.numbers[i],
                "lab",
                lab,
                "a lab of labs.yaml",
                did_you_mean(lab, labs, "correct it, or add the lab to labs.yaml"),
            )


def _reference(name: str | None, known: Mapping | None) -> str | None:
    """Return the known id that a cell means: `1001.0` means 1001 where there is no `1001.0`."""
    if name is None or known is None or name in known:
        return name
    plain = without_point_zero(name)
    return plain if plain in known else name


def bead_runs_of(columns: Columns | None, labs: Mapping | None, problems: Collector) -> tuple[BeadRun, ...] | None:
    """Make the bead runs; None if the table cannot be read."""
    if columns is None:
        return None
    _unique(columns, "bead_id", problems)
    _check_labs(columns, labs, problems)
    rows = columns.rows("bead_id", "lab", "fcs", "kit", "lot")
    return tuple(
        BeadRun(bead_id or "", lab or "", fcs, kit or "", without_point_zero(lot) or "", number, extra)
        for (bead_id, lab, fcs, kit, lot), number, extra in zip(rows, columns.numbers, columns.extra, strict=True)
    )


def lots_of(columns: Columns | None, problems: Collector) -> dict[tuple[str, str], tuple[Level, ...]]:
    """Make the lots: (kit, lot) to its levels, the dimmest first."""
    if columns is None:
        return {}
    lots: dict[tuple[str, str], dict[int, Level]] = defaultdict(dict)
    rows = columns.rows("kit", "lot", "level", "value", "source")
    for number, (kit, lot, level, value, source) in zip(columns.numbers, rows, strict=True):
        if kit is None or lot is None or level is None:
            continue
        levels = lots[kit, without_point_zero(lot)]
        if level in levels:
            problems.add(
                columns.label,
                number,
                "level",
                Phrase(f"level {level} of lot '{lot}' a second time"),
                "every level of a lot once",
                "keep the row that the lot's certificate states",
            )
        levels[level] = Level(level, value, source or "")
    return {key: tuple(levels[level] for level in sorted(levels)) for key, levels in lots.items()}


def tubes_of(
    columns: Columns | None, labs: Mapping | None, runs: Sequence[BeadRun] | None, problems: Collector
) -> tuple[Tube, ...]:
    """Make the tubes and check their references."""
    if columns is None:
        return ()
    if not columns.numbers:
        problems.add(columns.label, None, "sample_id", Phrase("no rows"), "one row per stained tube", "add the tubes")
    positions = _unique(columns, "sample_id", problems)
    _check_labs(columns, labs, problems)
    values = columns.values
    values["patient_id"] = [without_point_zero(patient) for patient in values["patient_id"]]
    bead_ids = None if runs is None else {run.bead_id: run for run in runs}
    values["bead_id"] = [_reference(bead_id, bead_ids) for bead_id in values["bead_id"]]
    for column in ("replaces", "isotype_id"):
        values[column] = [_reference(sample_id, positions) for sample_id in values[column]]
    for number, bead_id in zip(columns.numbers, values["bead_id"], strict=True):
        if bead_id is not None and bead_ids is not None and bead_id not in bead_ids:
            remedy = did_you_mean(bead_id, bead_ids, "correct it, add the bead run to beads.csv, or leave it empty")
            problems.add(columns.label, number, "bead_id", bead_id, "a bead_id of beads.csv", remedy)
    _check_replacements(columns, positions, problems)
    _check_isotypes(columns, positions, problems)
    times = [
        _local(columns, number, when, (labs or {}).get(lab), problems) if when else None
        for number, when, lab in zip(columns.numbers, values["collected_at"], values["lab"], strict=True)
    ]
    rows = columns.rows(
        "sample_id",
        "patient_id",
        "day",
        "lab",
        "fcs",
        "bead_id",
        "abc_reported",
        "arm",
        "replaces",
        "isotype_id",
        "role",
    )
    return tuple(
        Tube(
            sample_id or "",
            patient_id or "",
            day if day is not None else 0,
            lab or "",
            fcs,
            bead_id,
            abc_reported,
            arm,
            collected_at,
            replaces,
            isotype_id,
            role or "patient",
            number,
            extra,
        )
        for (
            (sample_id, patient_id, day, lab, fcs, bead_id, abc_reported, arm, replaces, isotype_id, role),
            collected_at,
            number,
            extra,
        ) in zip(rows, times, columns.numbers, columns.extra, strict=True)
    )


def _local(columns: Columns, number: int, when: datetime, lab: Mapping | None, problems: Collector) -> datetime:
    """Take a time to the lab's clock, as its cytometer writes it.

    Without a declared time zone an offset such as +02:00 is taken for the lab's own; UTC says nothing about its clock.
    """
    if when.tzinfo is None:
        return when
    zone = (lab or {}).get("timezone")
    if isinstance(zone, str):
        from zoneinfo import ZoneInfo

        try:
            return when.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        except (KeyError, ValueError, OSError):
            return when.replace(tzinfo=None)  # reported with labs.yaml
    if lab is not None and when.utcoffset() == timedelta(0):
        problems.add(
            columns.label,
            number,
            "collected_at",
            when.isoformat(),
            "local time, or a lab with a time zone",
            "add the lab's timezone to labs.yaml, such as timezone: Europe/Athens",
        )
    return when.replace(tzinfo=None)


def _check_replacements(columns: Columns, positions: Mapping[str, int], problems: Collector) -> None:
    values = columns.values
    target = dict(zip(values["sample_id"], values["replaces"], strict=True))

    def wrong(i: int, found: object, expected: str, remedy: str) -> None:
        problems.add(columns.label, columns.numbers[i], "replaces", found, expected, remedy)

    for i, (sample_id, earlier) in enumerate(zip(values["sample_id"], values["replaces"], strict=True)):
        if earlier is None:
            continue
        if earlier not in positions:
            wrong(i, earlier, "a sample_id of this table", did_you_mean(earlier, positions, "correct it or empty it"))
            continue
        j = positions[earlier]
        if any(values[c][i] != values[c][j] for c in ("patient_id", "day")):
            wrong(i, earlier, "an earlier tube of the same patient and day", "correct it, or empty the cell")
        chain, current = {sample_id}, earlier
        while current is not None and current not in chain:
            chain.add(current)
            current = target.get(current)
        if current is not None and current == sample_id:
            wrong(i, earlier, "a tube that does not itself replace this one", "empty the cell of the earlier tube")


def _check_isotypes(columns: Columns, positions: Mapping[str, int], problems: Collector) -> None:
    values = columns.values
    for i, isotype in enumerate(values["isotype_id"]):
        if isotype is None:
            continue
        j = positions.get(isotype)
        if j is None:
            expected, remedy = "a sample_id of this table", did_you_mean(isotype, positions, "correct it or empty it")
        elif values["role"][j] != "isotype":
            expected, remedy = "a tube with the role isotype", f"write isotype in the column role of '{isotype}'"
        elif values["patient_id"][i] != values["patient_id"][j]:
            expected, remedy = "an isotype tube of the same patient", "correct it, or empty the cell"
        else:
            continue
        problems.add(columns.label, columns.numbers[i], "isotype_id", isotype, expected, remedy)


def ferritin_of(
    columns: Columns | None, labs: Mapping | None, tubes: Iterable[Tube], problems: Collector
) -> tuple[FerritinValue, ...]:
    """Read the ferritin values by the convention of the lab that wrote each."""
    if columns is None:
        return ()
    _check_labs(columns, labs, problems)
    labs = labs or {}
    by_draw: dict[tuple[str, int], set[str]] = defaultdict(set)
    by_patient: dict[str, set[str]] = defaultdict(set)
    for tube in tubes:
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
    entries = [labs.get(lab) or {} for lab in sorted(candidates)]
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
        words = entry.get("missing_words", ())
        return parse_ferritin(cell, unit, entry.get("decimal"), tuple(words) if isinstance(words, list) else ())
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


def overrides_of(
    folder: Path, columns: Columns | None, tubes: Iterable[Tube], problems: Collector
) -> dict[str, Override]:
    """Join overrides/overrides.csv with the files beside it: neither may be without the other."""
    place = folder / "overrides"
    files = {}
    if place.is_dir():
        files = {path.stem: path.name for path in sorted(place.iterdir()) if path.suffix.lower() == ".xml"}
    overrides: dict[str, Override] = {}
    if columns is not None:
        known = {tube.sample_id for tube in tubes}
        _unique(columns, "sample_id", problems)
        for number, (name, reviewer, reason, day) in zip(
            columns.numbers, columns.rows("sample_id", "reviewer", "reason", "date"), strict=True
        ):
            if name is None:
                continue
            name = _reference(name, dict.fromkeys(known))
            if name not in known:
                remedy = did_you_mean(name, known, "correct it or remove the row")
                problems.add(columns.label, number, "sample_id", name, "a sample_id of samples.csv", remedy)
            elif name not in files:
                problems.add(
                    columns.label,
                    number,
                    "sample_id",
                    Phrase(f"no file overrides/{name}.xml"),
                    "the reviewer's gate as GatingML 2.0",
                    "add the file or remove the row",
                )
            overrides[name] = Override(f"overrides/{files.get(name, name + '.xml')}", reviewer or "", reason or "", day)
    for stem, name in files.items():
        if stem not in overrides:
            problems.add(
                "overrides/overrides.csv" if columns is None else columns.label,
                None,
                "sample_id",
                Phrase(f"no row for the file overrides/{name}"),
                "sample_id, reviewer, reason and date of every override",
                "add the row or remove the file",
            )
    return overrides


def releases_of(columns: Columns | None, tubes: Iterable[Tube], problems: Collector) -> tuple[Release, ...]:
    """Make the releases; every tube must exist."""
    if columns is None:
        return ()
    known = dict.fromkeys(tube.sample_id for tube in tubes)
    releases = []
    for number, (name, reviewer, decision, day) in zip(
        columns.numbers, columns.rows("sample_id", "reviewer", "decision", "date"), strict=True
    ):
        name = _reference(name, known)
        if name is not None and name not in known:
            remedy = did_you_mean(name, known, "correct it or remove the row")
            problems.add(columns.label, number, "sample_id", name, "a sample_id of samples.csv", remedy)
        releases.append(Release(name or "", reviewer or "", decision or "", day))
    return tuple(releases)


def outcomes_of(columns: Columns | None, problems: Collector) -> tuple[Outcome, ...] | None:
    """Make the outcomes; one row per patient."""
    if columns is None:
        return None
    columns.values["patient_id"] = [without_point_zero(patient) for patient in columns.values["patient_id"]]
    _unique(columns, "patient_id", problems)
    sofa = columns.rows(*(f"sofa_d{day}" for day in SOFA_DAYS))
    rest = columns.rows("patient_id", "arm", "death_day", "discharge_day", "last_seen_day", "infection_d15")
    return tuple(
        Outcome(patient_id or "", arm, scores, death, discharge, seen, infection, number)
        for (patient_id, arm, death, discharge, seen, infection), scores, number in zip(
            rest, sofa, columns.numbers, strict=True
        )
    )


def check_arms(
    config: Mapping,
    lines: Mapping,
    tubes: Iterable[Tube],
    outcomes: Iterable[Outcome] | None,
    files: Mapping[str, str],
    problems: Collector,
) -> None:
    """Check that a patient has one arm, and that the arms of the configuration are those of the tables."""
    first: dict[str, tuple[str, str]] = {}
    for name, rows in (("samples", tubes), ("outcomes", outcomes or ())):
        for row in rows:
            if not row.arm:
                continue
            arm, where = first.setdefault(row.patient_id, (row.arm, f"row {row.row} of {files.get(name, name)}"))
            if arm != row.arm:
                expected = f"'{arm}' as in {where}: one arm per patient"
                problems.add(files.get(name, name), row.row, "arm", row.arm, expected, "correct one of the two rows")
    present = {arm for arm, _ in first.values()}
    wanted = config["cohort"]["arms"]
    for arm in wanted:
        # an arm without patients yet is no mistake, unless a table has an arm that looks like a misspelling of it
        if arm not in present and not present <= set(wanted):
            problems.add(
                "config.yaml",
                line_of(lines, ("cohort", "arms")),
                "cohort.arms",
                arm,
                f"an arm of the tables: {', '.join(sorted(present))}",
                did_you_mean(arm, present, "write the arms as in the column arm"),
            )
