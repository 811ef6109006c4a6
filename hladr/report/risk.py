"""How near a tube is to changing a decision: the order in which a person should look."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..quantify.intervals import sd_ln_of
from ..rules import METHODS_INCREMENT, SAP_DAY, SAP_DAY15, SIP, UNCLASSIFIED

NO_CALL, BY_CHANCE, NO_VALUE, NO_LIMIT, SUPERSEDED = range(5)


@dataclass(frozen=True)
class Risk:
    """What hangs on one tube.

    Attributes
    ----------
    group : int
        `NO_CALL`: failed, and its draw has no call; `BY_CHANCE`: AB/C decides; `NO_VALUE`: failed, but nothing hangs
        on it; `NO_LIMIT`: no limit applies to its AB/C; `SUPERSEDED`: another tube replaces it.
    chance : float or None
        That AB/C lies on the other side of `limit`, 0 to 1.
    limit : float or None
        Antibodies per cell: the limit that decides and is nearest in that sense.
    distance_percent : float or None
        Of AB/C from that limit.
    """

    group: int
    chance: float | None = None
    limit: float | None = None
    distance_percent: float | None = None


def chance_of_other_side(abc: float, limit: float, sd_ln: float) -> float:
    """Return the chance that a value measured as `abc` lies on the other side of `limit`, ln AB/C taken as normal."""
    if sd_ln <= 0:
        return 0.0
    return 0.5 * math.erfc(abs(math.log(abc / limit)) / (sd_ln * math.sqrt(2)))


def sd_ln(low: float | None, high: float | None, abc: float, alternatives: Sequence[float | None]) -> float | None:
    """Combine the 95 % interval with the spread of the alternatives (other gate, other statistic, other bead line).

    Notes
    -----
    The farthest alternative counts as two standard deviations: it is what one would have got with another defensible
    choice, not a value that is expected.
    """
    if not low or not high or low <= 0:
        return None
    farthest = max((abs(math.log(a / abc)) for a in alternatives if a is not None and a > 0), default=0.0)
    return math.hypot(sd_ln_of(low, high), farthest / 2)


def limits_that_decide(
    draw: Mapping | None, course: Mapping | None, config: Mapping, baseline_abc: float | None
) -> list[float]:
    """List the limits on which a call of this draw or the patient's reversal hangs, antibodies per cell.

    Parameters
    ----------
    draw, course : mapping or None
        Rows of phenotypes.csv and reversal.csv.
    config : mapping
    baseline_abc : float or None
        AB/C of the patient's baseline, for the rule that asks for an increase.
    """
    if draw is None:
        return []
    limits = []
    if draw["phenotype"] in (SIP, UNCLASSIFIED):
        limits.append(float(config["phenotype"]["hladr_sip_below_abc"]))
    first, last = config["baseline_day"], config["reversal"]["horizon_day"]
    rule = config["reversal"]["rule"]
    counts = first < draw["day"] <= last and (rule != SAP_DAY15 or draw["day"] == SAP_DAY)
    if course is not None and course["baseline_phenotype"] == SIP and counts:
        target = float(config["reversal"]["hladr_abc"])
        if rule == METHODS_INCREMENT:
            target += baseline_abc or 0.0
        limits.append(target)
    return limits


def of_tube(row: Mapping, alternatives: Sequence[float | None], limits: Sequence[float], call: str | None) -> Risk:
    """Judge one tube.

    Parameters
    ----------
    row : mapping
        Its row of quantification.csv.
    alternatives : sequence of float or None
        AB/C under other choices.
    limits : sequence of float
        Of `limits_that_decide`.
    call : str or None
        Phenotype of its draw; None for controls.
    """
    abc = row["abc"]
    if abc is None or abc <= 0:
        return Risk(NO_CALL if call == "indeterminate" or limits else NO_VALUE)
    if not limits:
        return Risk(NO_LIMIT)
    spread = sd_ln(row["abc_low"], row["abc_high"], abc, alternatives)
    if spread is None:
        nearest = min(limits, key=lambda limit: abs(math.log(abc / limit)))
        return Risk(BY_CHANCE, None, nearest, 100 * (abc / nearest - 1))
    chance, limit = max((chance_of_other_side(abc, limit, spread), -limit) for limit in limits)
    return Risk(BY_CHANCE, chance, -limit, 100 * (abc / -limit - 1))
