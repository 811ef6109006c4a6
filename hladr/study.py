"""The study folder: tables and configuration in, typed rows or all problems out.

This runs at every start of the workflow and in every job, so it imports little and looks at every distinct cell once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from urllib.parse import quote

from .ferritin import Interval
from .problems import Collector, Problem, StudyError
from .study_columns import Columns
from .study_config import read_config
from .study_tables import find_table, read_table

__all__ = [
    "BeadRun",
    "FerritinValue",
    "Level",
    "Outcome",
    "Override",
    "Problem",
    "Release",
    "Study",
    "StudyError",
    "Tube",
    "load_study",
]

REQUIRED_TABLES = ("samples", "beads", "bead_lots", "ferritin")
OPTIONAL_TABLES = {"overrides": "overrides/overrides.csv", "releases": "releases.csv", "outcomes": "outcomes.csv"}
SOFA_DAYS = tuple(range(1, 16))


@dataclass(frozen=True, slots=True)
class Tube:
    """One row of samples.csv.

    Attributes
    ----------
    sample_id, patient_id : str
        Text, as in the table.
    day : int
        Study day.
    lab : str
        Key in labs.yaml.
    fcs : str or None
        Path relative to the study, with forward slashes, inside it.
    bead_id : str or None
        Row of beads.csv.
    abc_reported : float or None
        Antibodies per cell.
    arm : str or None
        Treatment group.
    collected_at : datetime or None
        Local time of the lab, without an offset, as cytometers write theirs.
    replaces, isotype_id : str or None
        Other sample_ids.
    role : str
        `patient`, `control` or `isotype`.
    row : int
        Row number in the table.
    extra : dict
        Further columns, as text.
    """

    sample_id: str
    patient_id: str
    day: int
    lab: str
    fcs: str | None = None
    bead_id: str | None = None
    abc_reported: float | None = None
    arm: str | None = None
    collected_at: datetime | None = None
    replaces: str | None = None
    isotype_id: str | None = None
    role: str = "patient"
    row: int = 0
    extra: dict = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BeadRun:
    """One row of beads.csv; `fcs` None where the cell is empty, `lot` "" likewise."""

    bead_id: str
    lab: str
    fcs: str | None
    kit: str
    lot: str
    row: int = 0
    extra: dict = field(default_factory=dict)

    @property
    def file_stem(self) -> str:
        """The id as a safe file name: equal to it where it has only letters, digits, `.`, `_` and `-`."""
        return file_stem(self.bead_id)


@dataclass(frozen=True, slots=True)
class Level:
    """One bead level of a lot: 1 is the dimmest; `value` in the kit's unit, None for a blank."""

    level: int
    value: float | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class FerritinValue:
    """One row of ferritin.csv; `interval` in ng/mL, None for a missing value; `lab` None where none is known."""

    patient_id: str
    day: int
    interval: Interval | None
    lab: str | None
    text: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class Override:
    """A gate that a reviewer drew: `path` relative to the study."""

    path: str
    reviewer: str
    reason: str
    date: date


@dataclass(frozen=True, slots=True)
class Release:
    """A reviewer's decision on one tube: `release` or `hold`; later rows of a tube replace earlier ones."""

    sample_id: str
    reviewer: str
    decision: str
    date: date


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of outcomes.csv; `sofa` holds the scores of study days 1 to 15."""

    patient_id: str
    arm: str | None
    sofa: tuple[int | None, ...]
    death_day: int | None
    discharge_day: int | None
    last_seen_day: int | None
    infection_d15: str | None
    row: int = 0


@dataclass(frozen=True)
class Study:
    """A study whose tables and configuration hold together.

    Attributes
    ----------
    folder : Path
        The study folder.
    config : dict
        The whole configuration: config/config.yaml with the study's own settings laid over it.
    labs : dict
        Lab to its entry in labs.yaml, as written there; only `pe_per_antibody` and the like that are stated exist.
    tubes, bead_runs : tuple
        In the order of the tables.
    lots : dict
        (kit, lot) to its levels, the dimmest first.
    ferritin : tuple of FerritinValue
        In the order of the table.
    overrides : dict
        sample_id to `Override`.
    releases : tuple of Release
        In the order of the table.
    outcomes : tuple of Outcome or None
        None where there is no outcomes table.
    files : dict
        Name of each table (and `config`, `labs`) to its path relative to the study.
    """

    folder: Path
    config: dict
    labs: dict[str, dict]
    tubes: tuple[Tube, ...]
    bead_runs: tuple[BeadRun, ...]
    lots: dict[tuple[str, str], tuple[Level, ...]]
    ferritin: tuple[FerritinValue, ...]
    overrides: dict[str, Override]
    releases: tuple[Release, ...]
    outcomes: tuple[Outcome, ...] | None
    files: dict[str, str]


def file_stem(name: str) -> str:
    """Write an id as a safe file name; ids of letters, digits, `.`, `_` and `-` stay as they are."""
    stem = quote(name, safe="")
    return stem if not stem.startswith(".") else "%2E" + stem[1:]


def load_study(folder: str | Path, config_overrides: Mapping | None = None) -> Study:
    """Read and check a study folder.

    Parameters
    ----------
    folder : path
        The study.
    config_overrides : mapping, optional
        Settings laid over the study's own, nested as in config.yaml. Snakemake's merged `config` may be handed over.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        With all problems at once. FCS files are not looked at.
    """
    from .study_labs import read_labs
    from .study_rows import (
        bead_runs_of,
        check_arms,
        ferritin_of,
        lots_of,
        outcomes_of,
        overrides_of,
        releases_of,
        tubes_of,
    )

    folder = Path(folder)
    problems = Collector()
    if not folder.is_dir():
        problems.add(
            str(folder.name), None, None, "no such folder", "a study folder", "hladr init STUDY writes an empty one"
        )
        raise StudyError(problems.all())
    config, stated, lines = read_config(folder, config_overrides, problems)
    paths = _table_paths(folder, config, stated, lines, problems)
    files = {"config": "config.yaml", "labs": config["tables"]["labs"]}

    def columns(name: str) -> Columns | None:
        if name not in paths:
            return None
        table = read_table(folder, paths[name], problems)
        if table is None:
            return None
        files[name] = paths[name]
        return Columns(table, name, problems)

    labs = read_labs(folder, config["tables"]["labs"], problems)
    runs = bead_runs_of(columns("beads"), labs, problems)
    tubes = tubes_of(columns("samples"), labs, runs, problems)
    lots = lots_of(columns("bead_lots"), problems)
    ferritin = ferritin_of(columns("ferritin"), labs, tubes, problems)
    overrides = overrides_of(folder, columns("overrides"), tubes, problems)
    releases = releases_of(columns("releases"), tubes, problems)
    outcomes = outcomes_of(columns("outcomes"), problems)
    check_arms(config, lines, tubes, outcomes, files, problems)
    if problems:
        raise StudyError(problems.all())
    return Study(folder, config, labs, tubes, runs, lots, ferritin, overrides, releases, outcomes, files)


def _table_paths(
    folder: Path, config: Mapping, stated: frozenset[str], lines: Mapping, problems: Collector
) -> dict[str, str]:
    """Find every table; a path that leaves the study is a problem, an optional table that does not exist is left out."""
    from .study_columns import Mistake, study_path
    from .study_yaml import line_of

    paths = {}
    for name in (*REQUIRED_TABLES, "labs"):
        try:
            config["tables"][name] = study_path(config["tables"][name])
        except Mistake as mistake:
            key = f"tables.{name}"
            row = line_of(lines, ("tables", name))
            problems.add("config.yaml", row, key, config["tables"][name], mistake.expected, mistake.remedy)
            continue
        if name != "labs":
            paths[name] = find_table(folder, config["tables"][name], name in stated, problems)
    for name, default in OPTIONAL_TABLES.items():
        path = find_table(folder, default, False, problems)
        if (folder / path).exists():
            paths[name] = path
    return paths
