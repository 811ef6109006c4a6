"""Columns to typed rows, and what must hold between tables: unique ids, known labs, bead runs and tubes.

Every function returns what could be read; where something is wrong a problem is added and the study is refused later.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields

from .columns import Columns, without_point_zero
from .problems import Collector, Phrase, did_you_mean
from .types import BeadRun, Level, Tube


def check_unique(columns: Columns, column: str, problems: Collector) -> dict[str, int]:
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


def check_labs(columns: Columns, labs: Mapping | None, problems: Collector) -> None:
    """Check that every lab is an entry of labs.yaml; a row may leave it empty."""
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


def reference(name: str | None, known: Mapping | None) -> str | None:
    """Return the known id that a cell means: `1001.0` means 1001 where there is no `1001.0`."""
    if name is None or known is None or name in known:
        return name
    plain = without_point_zero(name)
    return plain if plain in known else name


def bead_runs_of(columns: Columns | None, labs: Mapping | None, problems: Collector) -> tuple[BeadRun, ...] | None:
    """Make the bead runs; None if the table cannot be read."""
    if columns is None:
        return None
    check_unique(columns, "bead_id", problems)
    check_labs(columns, labs, problems)
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
    positions = check_unique(columns, "sample_id", problems)
    check_labs(columns, labs, problems)
    values = columns.values
    values["patient_id"] = [without_point_zero(patient) for patient in values["patient_id"]]
    bead_ids = None if runs is None else {run.bead_id: run for run in runs}
    values["bead_id"] = [reference(bead_id, bead_ids) for bead_id in values["bead_id"]]
    for column in ("replaces", "isotype_id"):
        values[column] = [reference(sample_id, positions) for sample_id in values[column]]
    for number, bead_id in zip(columns.numbers, values["bead_id"], strict=True):
        if bead_id is not None and bead_ids is not None and bead_id not in bead_ids:
            remedy = did_you_mean(bead_id, bead_ids, "correct it, add the bead run to beads.csv, or leave it empty")
            problems.add(columns.label, number, "bead_id", bead_id, "a bead_id of beads.csv", remedy)
    if positions:  # without ids, which is told already, nothing can refer to one
        _check_replacements(columns, positions, problems)
        _check_isotypes(columns, positions, problems)
    names = [f.name for f in fields(Tube) if f.name not in ("row", "extra")]
    tubes = []
    for number, extra, row in zip(columns.numbers, columns.extra, columns.rows(*names), strict=True):
        given = dict(zip(names, row, strict=True))
        given["role"] = given["role"] or "patient"
        tubes.append(Tube(**given, row=number, extra=extra))
    return tuple(tubes)


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
