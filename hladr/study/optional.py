"""The optional tables (overrides, releases, outcomes), and what the configuration names in the tables."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from .columns import Columns, without_point_zero
from .paths import check_links
from .problems import Collector, Phrase, did_you_mean
from .rows import check_unique, reference
from .types import SOFA_DAYS, BeadRun, Outcome, Override, Release, Tube
from .yaml import key_name, line_of


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
        check_unique(columns, "sample_id", problems)
        for number, (name, reviewer, reason, day) in zip(
            columns.numbers, columns.rows("sample_id", "reviewer", "reason", "date"), strict=True
        ):
            if name is None:
                continue
            name = reference(name, dict.fromkeys(known))
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
    used = [(None, override.path) for override in overrides.values()]
    check_links(folder, "overrides/overrides.csv" if columns is None else columns.label, "sample_id", used, problems)
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
        name = reference(name, known)
        if name is not None and name not in known:
            remedy = did_you_mean(name, known, "correct it or remove the row")
            problems.add(columns.label, number, "sample_id", name, "a sample_id of samples.csv", remedy)
        releases.append(Release(name or "", reviewer or "", decision or "", day))
    return tuple(releases)


def outcomes_of(columns: Columns | None, problems: Collector) -> tuple[Outcome, ...] | None:
    """Make the outcomes; one row per patient. None without a table, or with its header alone."""
    if columns is None or not columns.numbers:
        return None
    columns.values["patient_id"] = [without_point_zero(patient) for patient in columns.values["patient_id"]]
    check_unique(columns, "patient_id", problems)
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


def check_named_ids(
    config: Mapping, lines: Mapping, labs: Mapping | None, runs: Iterable[BeadRun] | None, tubes: Iterable[Tube],
    problems: Collector,
) -> None:  # fmt: skip
    """Check that the tubes, bead runs and labs that settings name exist: a misspelled exception would never apply."""
    known = {
        "sample_id": [tube.sample_id for tube in tubes],
        "bead_id": [run.bead_id for run in runs or ()],
        "lab": list(labs or ()),
    }
    named = [
        (("pairing_exceptions", i, column), column, exception[column])
        for i, exception in enumerate(config["pairing_exceptions"])
        for column in ("sample_id", "bead_id")
        if column in exception
    ]
    named += [(("beads", "windows", bead_id), "bead_id", bead_id) for bead_id in config["beads"]["windows"]]
    named += [(("drift", "limits", i, "lab"), "lab", rule["lab"]) for i, rule in enumerate(config["drift"]["limits"])]
    for path, column, name in named:
        if name not in known[column]:
            where = {"sample_id": "samples.csv", "bead_id": "beads.csv", "lab": "labs.yaml"}[column]
            remedy = did_you_mean(name, known[column], "correct it or remove the setting")
            problems.add("config.yaml", line_of(lines, path), key_name(path), name, f"a {column} of {where}", remedy)


def check_windows(
    config: Mapping, lines: Mapping, runs: Iterable[BeadRun] | None, lots: Mapping, problems: Collector
) -> None:
    """Check that windows drawn by hand are of levels that the lot has, and begin below where they end."""
    lot_of = {run.bead_id: lots.get((run.kit, run.lot), ()) for run in runs or ()}
    for bead_id, windows in config["beads"]["windows"].items():
        known = [str(level.level) for level in lot_of.get(bead_id, ())]
        for level, (low, high) in windows.items():
            path = ("beads", "windows", bead_id, level)
            row, key = line_of(lines, path), key_name(path)
            if known and level.lstrip("0") not in known:
                remedy = "name levels as in bead_lots.csv"
                problems.add("config.yaml", row, key, level, f"a level of the lot: {', '.join(known)}", remedy)
            if not low < high:
                expected = "[PE from, PE to], the lower one first"
                problems.add("config.yaml", row, key, f"[{low:g}, {high:g}]", expected, "swap the two")
