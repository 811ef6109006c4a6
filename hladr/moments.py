"""How far apart two moments are, as far as they are stated: with an offset, in local time, or as a date alone.

Of what is not stated the bounds are kept, so that no distance is claimed that may not be there.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from . import limits, wording

# Local clocks run from 12 hours behind universal time to 14 hours ahead of it.
_BEHIND, _AHEAD = 12 * 3600, 14 * 3600


@dataclass(frozen=True)
class Hours:
    """Hours from one moment to another, negative where the other is the earlier one.

    Attributes
    ----------
    low, high : float
        The bounds; equal where both moments are stated exactly.
    low_open, high_open : bool
        Whether the bound itself is out of reach: a day ends just before midnight.
    """

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    @property
    def exact(self) -> bool:
        """Whether there is nothing between the bounds."""
        return self.low == self.high

    @property
    def least(self) -> float:
        """Least possible distance, whichever moment is the earlier one."""
        return max(self.low, -self.high, 0.0)

    def above(self, limit: float) -> bool:
        """Say whether all that is possible lies above a limit."""
        return limits.above(self.low, limit) or (self.low_open and limits.equal(self.low, limit))

    def below(self, limit: float) -> bool:
        """Say whether all that is possible lies below a limit."""
        return limits.below(self.high, limit) or (self.high_open and limits.equal(self.high, limit))

    def words(self, beside: float) -> str:
        """Write the least distance: `30 hours`, `at least 48 hours`; never rounded onto the limit it stands beside."""
        return f"{'' if self.exact else 'at least '}{wording.number(self.least, beside)} hours"

    def show(self) -> float | str:
        """Return the hours as a number, or their bounds as text."""
        return self.low if self.exact else f"{self.low:.4g} to {self.high:.4g}"


def read(text: str) -> date | datetime:
    """Read what `isoformat` wrote of a datetime, or of a date where the time is not stated."""
    return date.fromisoformat(text) if len(text) == len("2024-03-01") else datetime.fromisoformat(text)


def hours(
    start: date | datetime, stop: date | datetime, zones: tuple[tzinfo | None, tzinfo | None] = (None, None)
) -> Hours:
    """Return the hours from one moment to another.

    Parameters
    ----------
    start, stop : date or datetime
        A datetime with its offset is an instant, one without is a local time; a date is any time of that local day.
    zones : pair of tzinfo or None
        Of the clocks of local times. Where one is not known, both clocks are taken to stand in the same place.

    Notes
    -----
    Without zones, one moment with an offset and one without: an offset other than zero is that of a clock on a wall,
    and the two clocks are compared. Zero, or `Z`, is what software also writes that does not know where it stands. The
    local time may then be hours before or behind, anywhere on earth; days apart are certain all the same.

    In the hour that a clock repeats in autumn the earlier reading is taken.
    """
    first_zone, second_zone = (None, None) if None in zones else zones
    one, other = _bounds(start, first_zone), _bounds(stop, second_zone)
    offsets = {bounds[0].utcoffset() for bounds in (one, other)}
    on_clocks = None in offsets
    widened = on_clocks and timedelta() in offsets
    first, second = (_seconds(bounds, on_clocks, widened) for bounds in (one, other))
    low, high = (second[0] - first[1]) / 3600, (second[1] - first[0]) / 3600
    return Hours(low, high, not isinstance(start, datetime), not isinstance(stop, datetime))


def _bounds(when: date | datetime, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """Return the first and the last time that a moment may be; of a date both of its midnights."""
    if isinstance(when, datetime):
        known = when if when.tzinfo is not None else when.replace(tzinfo=zone)
        return known, known
    return datetime.combine(when, time(), zone), datetime.combine(when + timedelta(days=1), time(), zone)


def _seconds(bounds: tuple[datetime, datetime], on_clocks: bool, widened: bool) -> tuple[float, float]:
    """Count seconds: on the scale of instants, or of what clocks show, there for a local time widened to all places."""
    # timestamps: times in one zone are subtracted as its clock shows them, which is wrong across a change of the clocks
    first, last = ((when.replace(tzinfo=UTC) if on_clocks else when).timestamp() for when in bounds)
    if widened and bounds[0].tzinfo is None:
        return first - _AHEAD, last + _BEHIND
    return first, last


def in_order(text: str) -> datetime:
    """Return what puts moments (see `read`) in order: the instant where an offset is stated, else the local time."""
    first, _ = _bounds(read(text), None)
    return first if first.tzinfo is None else first.astimezone(UTC).replace(tzinfo=None)
