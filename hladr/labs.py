"""A laboratory's entry of labs.yaml, as far as several stages read it: its compensation matrix, its time zone."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

FROM_FILE = "from_file"  # in each FCS file
NONE = "none"  # nothing is compensated: the cytometer did it, or nobody


def compensation_of(lab: Mapping) -> str:
    """Return a lab's `compensation`: `from_file` (also where it is left out), `none`, or the path of a matrix."""
    return str(lab.get("compensation") or FROM_FILE)


def matrix_path(lab: Mapping) -> str | None:
    """Return the path of the lab's own matrix, a CSV table inside the study; None where it has none."""
    stated = compensation_of(lab)
    return None if stated in (FROM_FILE, NONE) else stated


def zone_of(lab: Mapping) -> ZoneInfo | None:
    """Return the time zone of the lab's clocks; None where it does not state one."""
    name = lab.get("timezone")
    return ZoneInfo(name) if name else None
