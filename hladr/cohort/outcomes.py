"""The trial's clinical endpoints from outcomes.csv: SOFA, death, infection.

Rules [Giamarellos-Bourboulis et al., JAMA 2025, doi 10.1001/jama.2025.24175]: the mean SOFA of days 2 to 9 (or 15) is
subtracted from day 1, a fall of at least 1.4 attains the endpoint; from the day of death on every value is 24 (stated
for deaths before day 9, extended by us to day 15); after discharge or loss the last value is carried forward.
"""

from collections.abc import Callable, Sequence

from .. import limits
from ..study.types import Outcome

SOFA_OF_THE_DEAD = 24
SOFA_FALL = 1.4  # points
SOFA_DAYS = 15
INFECTION = ("resolved", "intermediate", "failure", "superinfection")  # from best to worst


def sofa_series(outcome: Outcome, baseline_day: int) -> list[float | None]:
    """Return SOFA of days 1 to 15 by the rules for death, discharge and loss.

    Parameters
    ----------
    outcome : study.Outcome
        Its `sofa` has the scores of SOFA days 1 to 15, of which day 1 is the baseline.
    baseline_day : int
        Study day of the baseline: the scale of death_day, discharge_day and last_seen_day.

    Returns
    -------
    list of float or None
        15 values; None only before the first known one.
    """
    shift = 1 - baseline_day  # from study day to SOFA day
    ends = [day + shift for day in (outcome.discharge_day, outcome.last_seen_day) if day is not None]
    observed_until = min(ends, default=SOFA_DAYS)
    death = None if outcome.death_day is None else outcome.death_day + shift
    series: list[float | None] = []
    last = None
    for day in range(1, SOFA_DAYS + 1):
        score = outcome.sofa[day - 1] if day == 1 or day <= observed_until else None
        last = last if score is None else float(score)
        series.append(float(SOFA_OF_THE_DEAD) if death is not None and day >= death else last)
    return series


def sofa_fall(outcome: Outcome, baseline_day: int, last_day: int) -> bool | None:
    """Say whether SOFA fell by at least 1.4 from day 1 to the mean of days 2 to `last_day`; None without day 1."""
    series = sofa_series(outcome, baseline_day)
    if outcome.sofa[0] is None:
        return None
    later = series[1:last_day]
    return limits.at_least(float(outcome.sofa[0]) - sum(later) / len(later), SOFA_FALL)


def dead_by(outcome: Outcome, day: int) -> bool:
    """Say whether a patient died on or before a study day; one lost alive counts as alive."""
    return outcome.death_day is not None and outcome.death_day <= day


def lost_before(outcome: Outcome, day: int) -> bool:
    """Say whether a patient without a day of death was last seen before a study day."""
    return outcome.death_day is None and outcome.last_seen_day is not None and outcome.last_seen_day < day


def endpoints(baseline_day: int) -> dict[str, Callable[[Outcome], bool | None]]:
    """Return the yes-or-no endpoints in the order of the trial's Table 2; None: cannot be computed, not counted."""
    return {
        "sofa_fall_day_9": lambda outcome: sofa_fall(outcome, baseline_day, 9),
        "death_day_28": lambda outcome: dead_by(outcome, 28),
        "death_day_90": lambda outcome: dead_by(outcome, 90),
        "sofa_fall_day_15": lambda outcome: sofa_fall(outcome, baseline_day, 15),
    }


def infection_ranks(outcomes: Sequence[Outcome]) -> list[int]:
    """Return the ranks of the known infection states at day 15, 0 resolved to 3 superinfection."""
    return [INFECTION.index(outcome.infection_d15) for outcome in outcomes if outcome.infection_d15]
