"""The bead kits as data (data/kits.yaml): what the beads carry, how AB/C follows, and the limits of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache

import yaml

from .paths import data_file


@dataclass(frozen=True)
class Limits:
    """Limits of a bead run; outside the fine range a run is `review`, outside the review range `failed`.

    Attributes
    ----------
    slope_fine, slope_review : tuple of float
        Of log10 value on log10 PE.
    recovery_fine_percent, recovery_review_percent : float
        Largest error of back-calculated against assigned values, in percent.
    min_levels : int
        Fewer levels with an assigned value on the line: failed.
    min_events_fine, min_events_review : int
        Singlet beads in the smallest peak.
    """

    slope_fine: tuple[float, float]
    slope_review: tuple[float, float]
    recovery_fine_percent: float
    recovery_review_percent: float
    min_levels: int
    min_events_fine: int
    min_events_review: int


@dataclass(frozen=True)
class Kit:
    """A bead kit; the fields are explained at the top of data/kits.yaml."""

    key: str
    name: str
    unit: str
    abc: str
    blank: str
    interchangeable: bool
    units_per_pe_molecule: float | None
    assignment_cv_percent: float
    limits: Limits
    source: str

    @property
    def subtracts_isotype(self) -> bool:
        """AB/C is a difference to the isotype tube, so it is not in proportion to what the line reads."""
        return self.abc == "minus_isotype"


@cache
def _table() -> dict[str, dict]:
    with open(data_file("kits.yaml"), encoding="utf-8") as handle:
        return yaml.safe_load(handle)


def names() -> tuple[str, ...]:
    """Return the keys of all kits."""
    return tuple(_table())


def kit(key: str, overrides: Mapping[str, Mapping] | None = None) -> Kit:
    """Return a kit, with what the configuration's section `kits` says about it laid over the table.

    Parameters
    ----------
    key : str
        As in beads.csv, e.g. `quantibrite-pe`.
    overrides : mapping, optional
        The configuration's section `kits`: kit to `limits`, `assignment_cv_percent`, `units_per_pe_molecule`.

    Raises
    ------
    KeyError
        For a kit that the table does not know.
    """
    row = dict(_table()[key])
    extra = (overrides or {}).get(key) or {}
    merged = {**row["limits"], **(extra.get("limits") or {})}
    limits = Limits(**{f.name: _frozen(merged[f.name]) for f in fields(Limits)})
    row.update({k: v for k, v in extra.items() if k != "limits"})
    return Kit(**{**row, "key": key, "limits": limits})


def _frozen(value):
    return tuple(value) if isinstance(value, list) else value
