"""From venepuncture to acquisition: how long, across time zones."""

from datetime import date, datetime, tzinfo

from .. import moments
from ..flags import Finding, finding
from ..labs import zone_of

CLOCK_TOLERANCE_HOURS = 0.25  # clocks that nobody sets by each other


def hours_from_draw(collected_at: datetime, acquired_at: date | datetime, zone: tzinfo | None) -> moments.Hours:
    """Return the hours between venepuncture and acquisition.

    Parameters
    ----------
    collected_at : datetime
        With an offset, or the laboratory's local time.
    acquired_at : date or datetime
        With an offset, or the cytometer's local time, or its local date.
    zone : tzinfo or None
        Of the laboratory. Without one an offset of `collected_at` is taken as the laboratory's too: people
        write it, for this laboratory. One that software wrote into a file is not (`moments.hours`).
    """
    return moments.hours(collected_at, acquired_at, (zone or collected_at.tzinfo,) * 2)


def delay_findings(tube, acquired_at: str | None, study) -> list[Finding]:
    """Return `preanalytic_delay` where the time is longer than allowed, `clocks_disagree` where it is negative."""
    if tube.collected_at is None or acquired_at is None:
        return []
    hours = hours_from_draw(tube.collected_at, moments.read(acquired_at), zone_of(study.labs.get(tube.lab, {})))
    longest = study.config["quantify"]["max_hours_from_draw"]
    if hours.above(longest):
        return [
            finding(
                "preanalytic_delay",
                f"{hours.words(longest)} from venepuncture to acquisition, more than {longest:g}",
            )
        ]
    if hours.below(-CLOCK_TOLERANCE_HOURS):
        long = f"{'' if hours.exact else 'at least '}{hours.least:.1f} hours"
        return [finding("clocks_disagree", f"by its times the tube was acquired {long} before it was drawn")]
    return []
