"""What is noted about a valid study, by `hladr check` and the report: what is allowed and usually a slip."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from ..labs import FROM_FILE, compensation_of
from ..rules import SAP_DAY, SAP_DAY15
from .columns import SHORTENED
from .contents import one_file
from .problems import closest, first_of
from .types import BeadRun, Study, Tube

MOST_LINES = 20  # of one kind
MOST_IDS = 10
MOST_ROWS = 5
_MOST_GUESSED = 100  # unknown ids that are compared with all others, letter by letter
NO_MATRIX = frozenset({"no_matrix", "identity_matrix"})
_SAME_SHAPE = str.maketrans("oil", "011")


def notes_of(study: Study, labels: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Say what of a study is allowed and usually a slip.

    Parameters
    ----------
    study : Study
    labels : mapping, optional
        What to call each table; without it by its file.

    Returns
    -------
    tuple of str
        One sentence each, without a full stop at the end.
    """
    labels = study.files if labels is None else labels
    return (
        *_shortened_ids(study, labels),
        *_one_file_twice(study, labels),
        *_ferritin_without_tube(study, labels),
        *_without_baseline(study, labels),
        *_without_day_15(study),
    )


def uncompensated(study: Study, notes: Mapping[str, Iterable[str]]) -> list[str]:
    """Say which labs' files should hold a compensation matrix and hold none.

    Parameters
    ----------
    study : Study
    notes : mapping of str to iterable of str
        By sample_id what was odd about the tube's file (`fcs.NOTES`); tubes without a readable file are left out.

    Returns
    -------
    list of str
        One sentence per lab, without a full stop at the end. It is no finding: hardware may have compensated.
    """
    tubes: dict[str, list[bool]] = defaultdict(list)
    for tube in study.tubes:
        from_file = compensation_of(study.labs[tube.lab]) == FROM_FILE
        if tube.sample_id in notes and from_file:
            tubes[tube.lab].append(not NO_MATRIX.isdisjoint(notes[tube.sample_id]))
    return [
        f"lab {lab}: {sum(bare)} of {len(bare)} tubes hold no compensation matrix, or one that changes nothing, and "
        "are read as they are: name the table of the matrix under compensation in labs.yaml, or write "
        "compensation: none if the cytometer had compensated already"
        for lab, bare in tubes.items()
        if any(bare)
    ]


def same_measurement(study: Study, contents: Mapping[str, Mapping[str, Hashable]]) -> list[str]:
    """Say which files hold the same bytes under several names: one measurement would count for two draws.

    Parameters
    ----------
    study : Study
    contents : mapping of str to mapping
        `tubes` and `beads`, from sample_id and bead_id to what is equal for equal contents; files that are not there
        are not compared.

    Returns
    -------
    list of str
        One sentence per content, without a full stop at the end. Rows that name one path are noted elsewhere, and
        hard links are meant: they are one file.
    """
    by_content: dict[Hashable, dict[str, Tube | BeadRun]] = defaultdict(dict)
    for kind, key, rows in (("tubes", "sample_id", study.tubes), ("beads", "bead_id", study.bead_runs)):
        for row in rows:
            content = contents[kind].get(getattr(row, key))
            if content is not None and row.fcs is not None:
                by_content[content].setdefault(row.fcs, row)
    lines = []
    for of_path in by_content.values():
        if len(of_path) > 1:
            files: dict[Hashable, Tube | BeadRun] = {}
            for path, row in of_path.items():
                files.setdefault(one_file(study, path), row)
            if len(files) > 1:
                lines.append(_same(list(files.values())))
    return _at_most(lines, "more measurements are there under more than one name")


def _same(rows: Sequence[Tube | BeadRun]) -> str:
    tubes = [f"{r.sample_id} (patient {r.patient_id}, day {r.day})" for r in rows if isinstance(r, Tube)]
    beads = [r.bead_id for r in rows if isinstance(r, BeadRun)]
    named = " and ".join(
        f"{what}{'s' if len(names) > 1 else ''} {first_of(names, MOST_ROWS)}"
        for what, names in (("tube", tubes), ("bead run", beads))
        if names
    )
    if not tubes:  # copied beside each day's tubes, they do no harm
        return f"{named} hold the same measurement: if it is one run, name one of them in bead_id of all its tubes"
    which = "one of the files was" if len(rows) == 2 else "all but one of the files were"
    return f"{named} hold the same measurement: {which} exported under the wrong name"


def _shortened_ids(study: Study, labels: Mapping[str, str]) -> list[str]:
    """Say which ids look like 2.02403E+11, which several long numbers become at once; as a sample_id it is refused."""
    columns = (
        ("samples", "patient_id", study.tubes),
        ("samples", "bead_id", study.tubes),
        ("beads", "bead_id", study.bead_runs),
        ("ferritin", "patient_id", study.ferritin),
        ("outcomes", "patient_id", study.outcomes or ()),
    )
    rows: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for table, column, of_table in columns:
        for row in of_table:
            name = getattr(row, column)
            if name is not None and SHORTENED.fullmatch(name):
                rows[table, column, name].append(row.row)
    lines = [
        f"{labels[table]}, {_rows(numbers)}: {column} {name} looks like a long number that Excel shortened: format the "
        "column as text and enter the ids again"
        for (table, column, name), numbers in rows.items()
    ]
    return _at_most(lines, "more ids look like a long number that Excel shortened")


def _one_file_twice(study: Study, labels: Mapping[str, str]) -> list[str]:
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for table, of_table in (("samples", study.tubes), ("beads", study.bead_runs)):
        for row in of_table:
            if row.fcs is not None:
                rows[row.fcs][labels[table]].append(row.row)
    lines = [
        f"{' and '.join(f'{label}, {_rows(numbers)}' for label, numbers in tables.items())} name the same file: "
        "correct fcs in one of them if they are two measurements"
        for tables in rows.values()
        if sum(map(len, tables.values())) > 1
    ]
    return _at_most(lines, "more files are named in more than one row")


def _ferritin_without_tube(study: Study, labels: Mapping[str, str]) -> list[str]:
    label = labels["ferritin"]
    known = {tube.patient_id for tube in study.tubes}
    values = defaultdict(list)
    for value in study.ferritin:
        if value.patient_id not in known:
            values[value.patient_id].append(value)
    days = {patient: {value.day for value in of_patient} for patient, of_patient in values.items()}
    meant = dict(_meant(study, days))
    lines = [
        f"{label}, {_rows(value.row for value in values[patient])}: patient {patient} has no tube; "
        f"did you mean {other}?"
        for patient, other in meant.items()
    ]
    # ferritin alone is a valid draw: all of them are worth one line
    others = [patient for patient in values if patient not in meant]
    said = _at_most(lines, f"more patients of {label} have no tube and an id like that of one who has")
    if others:
        whose = f"{len(others)} {'more ' if lines else ''}patient{' has' if len(others) == 1 else 's have'}"
        said.append(f"{label}: {whose} no tube, only ferritin: {first_of(others, MOST_IDS)}")
    return said


def _meant(study: Study, unknown: Mapping[str, set[int]]) -> Iterator[tuple[str, str]]:
    """Find the patients that ids without a tube probably mean; `unknown` holds the days of each.

    Ids of one site differ in one digit, so a similar id is no slip by itself. It is one where the two differ in their
    form alone (ATH-03, ath003), or where the other patient has a tube and no ferritin on just these days.
    """
    tubes, ferritin = _days(tube for tube in study.tubes if tube.role == "patient"), _days(study.ferritin)
    by_form = {_form(patient): patient for patient in sorted(tubes, reverse=True)}
    for patient, days in unknown.items():
        meant = by_form.get(_form(patient))
        if meant is None and len(unknown) <= _MOST_GUESSED:
            meant = closest(patient, [p for p, on in tubes.items() if days <= on and not days & ferritin[p]])
        if meant is not None:
            yield patient, meant


def _form(patient: str) -> tuple[str, ...]:
    """Return an id without capitals, signs and leading zeros; O and 0, I, l and 1 are the same."""
    plain = unicodedata.normalize("NFKC", patient).casefold().translate(_SAME_SHAPE)
    parts = re.findall(r"[0-9]+|[^\W\d_]+", plain)
    return tuple(part.lstrip("0") or "0" if part.isdecimal() else part for part in parts)


def _without_baseline(study: Study, labels: Mapping[str, str]) -> list[str]:
    day = study.config["baseline_day"]
    tubes, ferritin = _days(tube for tube in study.tubes if tube.role == "patient"), _days(study.ferritin)
    without = [patient for patient, days in tubes.items() if day not in days | ferritin[patient]]
    if not without:
        return []
    whose = "1 patient has" if len(without) == 1 else f"{len(without)} patients have"
    return [
        f"{labels['samples']}: {whose} neither a tube nor ferritin on day {day} (baseline_day), "
        f"so that reversal cannot be judged: {first_of(without, MOST_IDS)}"
    ]


def _without_day_15(study: Study) -> list[str]:
    """Say that the rule of the analysis plan looks at one day, where that is no day of follow-up."""
    settings = study.config["reversal"]
    first, horizon = study.config["baseline_day"], settings["horizon_day"]
    if settings["rule"] != SAP_DAY15 or first < SAP_DAY <= horizon:
        return []
    return [
        f"config.yaml: reversal.rule {SAP_DAY15} looks at day {SAP_DAY}, which is no day of follow-up with "
        f"baseline_day {first} and reversal.horizon_day {horizon}: nobody is evaluable"
    ]


def _days(rows: Iterable) -> dict[str, set[int]]:
    days: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        days[row.patient_id].add(row.day)
    return days


def _rows(numbers: Iterable[int]) -> str:
    numbers = list(numbers)
    return f"row{'s' if len(numbers) > 1 else ''} {first_of(numbers, MOST_ROWS)}"


def _at_most(lines: list[str], rest: str) -> list[str]:
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"and {more} {rest}"]
