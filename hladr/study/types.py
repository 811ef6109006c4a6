"""The rows of a study's tables as values."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from urllib.parse import quote

from ..ferritin import Interval

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
        As in the table: with its offset from UTC, or without one the lab's local time.
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
    """One row of outcomes.csv; `sofa` holds the scores of days 1 to 15, of which day 1 is the baseline."""

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
        None where there is no outcomes table, or none with rows.
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


def superseded(tubes: Iterable[Tube]) -> dict[str, str]:
    """Return the sample_id of each tube that another one replaces, with that of the other one.

    Parameters
    ----------
    tubes : iterable
        Rows of samples.csv, or what was made of them: anything with `sample_id` and `replaces`. A stage asks about the
        tubes that it compares, so a tube counts there only if the one that replaces it is among them.
    """
    return {tube.replaces: tube.sample_id for tube in tubes if tube.replaces}


def file_stem(name: str) -> str:
    """Write an id as a safe file name; ids of letters, digits, `.`, `_` and `-` stay as they are."""
    stem = quote(name, safe="")
    return stem if not stem.startswith(".") else "%2E" + stem[1:]
