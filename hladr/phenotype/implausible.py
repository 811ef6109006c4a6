"""The guard against the hook effect: ferritin that falls by more than 90 % from one draw to the next.

Very high ferritin can saturate an immunoassay, which then reads falsely low. Such a fall stays in doubt until a second
value of the same day, or the next draw, lies below half of the earlier value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .. import limits
from ..ferritin import Interval

CODE = "ferritin_implausible"
IMPLAUSIBLE_FALL = 0.90  # share of the previous draw
CONFIRMED_BELOW = 0.50  # share of the value before the fall


@dataclass(frozen=True, slots=True)
class DayFerritin:
    """The ferritin of one draw.

    Attributes
    ----------
    day : int
        Study day.
    interval : Interval
        All values of the day, combined.
    values : tuple of Interval
        The values one by one.
    """

    day: int
    interval: Interval
    values: tuple[Interval, ...]


def below_share(value: Interval, share: float, earlier: Interval) -> bool:
    """Say whether a value certainly lies below a share of an earlier one, whatever the two intervals hide."""
    if value.high is None or earlier.low is None:
        return False
    limit = share * earlier.low
    strict = not (value.high_included and earlier.low_included)
    return limits.below(value.high, limit) or (strict and limits.equal(value.high, limit))


def unconfirmed_falls(series: Iterable[DayFerritin]) -> dict[int, Interval]:
    """Find the falls by more than 90 % that nothing confirms.

    Parameters
    ----------
    series : iterable of DayFerritin
        All of one patient's draws with a ferritin value, in any order.

    Returns
    -------
    dict
        Day of each unconfirmed fall, and the ferritin it fell from.
    """
    draws: Sequence[DayFerritin] = sorted(series, key=lambda draw: draw.day)
    found = {}
    for i in range(1, len(draws)):
        earlier, draw = draws[i - 1].interval, draws[i]
        if not below_share(draw.interval, 1 - IMPLAUSIBLE_FALL, earlier):
            continue
        same_day = sum(below_share(value, CONFIRMED_BELOW, earlier) for value in draw.values) >= 2
        next_draw = i + 1 < len(draws) and below_share(draws[i + 1].interval, CONFIRMED_BELOW, earlier)
        if not (same_day or next_draw):
            found[draw.day] = earlier
    return found


def is_unconfirmed_fall(draw) -> bool:
    """Say whether a draw (`phenotype.Draw`) carries the flag of a fall that nothing confirms."""
    return any(found.code == CODE for found in draw.findings)
