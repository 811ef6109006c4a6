"""From venepuncture to acquisition: how long, across time zones."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..flags import Finding, finding
from ..limits import above
from ..wording import number

CLOCK_TOLERANCE_HOURS = 0.25  # clocks that nobody sets by each other


def hours_from_draw(collected_at: datetime, acquired_at: datetime, timezone: str | None) -> float:
    """Return the hours between venepuncture and acquisition.

    Parameters
    ----------
    collected_at : datetime
        With an offset, or the laboratory's local time.
    acquired_at : datetime
        The cytometer's local time, without a zone.
    timezone : str or None
        Of the laboratory, IANA name. Without one an offset of `collected_at` is taken as the laboratory's too.

    Notes
    -----
    In the hour that a clock repeats in autumn the earlier reading is taken.
    """
    zone = None
    if timezone:
        try:
            zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError):
            zone = None
    zone = zone or collected_at.tzinfo
    collected = collected_at if collected_at.tzinfo is not None else collected_at.replace(tzinfo=zone)
    acquired = acquired_at if acquired_at.tzinfo is not None else acquired_at.replace(tzinfo=zone)
    if zone is None:
        return (acquired - collected).total_seconds() / 3600
    # across a change of the clocks only times with an offset subtract rightly
    return (acquired.timestamp() - collected.timestamp()) / 3600


def delay_findings(tube, acquired_at: str | None, study) -> list[Finding]:
    """Return `preanalytic_delay` where the time is longer than allowed, `clocks_disagree` where it is negative."""
    if tube.collected_at is None or acquired_at is None:
        return []
    timezone = study.labs.get(tube.lab, {}).get("timezone")
    hours = hours_from_draw(tube.collected_at, datetime.fromisoformat(acquired_at), timezone)
    longest = study.config["quantify"]["max_hours_from_draw"]
    if above(hours, longest):
        return [
            finding(
                "preanalytic_delay",
                f"{number(hours, longest)} hours from venepuncture to acquisition, more than {longest:g}",
            )
        ]
    if hours < -CLOCK_TOLERANCE_HOURS:
        return [
            finding("clocks_disagree", f"by its times the tube was acquired {-hours:.1f} hours before it was drawn")
        ]
    return []
