"""Reversal of sepsis-induced immune dysfunction: the trial's three published wordings as pure functions.

Each rule looks at a patient's baseline and follow-up draws and returns a `Verdict`; `reversal.judge` applies it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .. import limits
from ..ferritin import Interval
from ..phenotype import Draw
from ..phenotype.implausible import is_unconfirmed_fall
from ..rules import MALS, METHODS_INCREMENT, SAP_DAY, SAP_DAY15, TABLE2_SUSTAINED, ReversalSettings

# what the condition of a rule says about one draw
HOLDS = "holds"
FAILS = "fails"
UNDECIDED = "undecided"  # the laboratory gave a range that contains the limit
UNCONFIRMED = "unconfirmed"  # a fall flagged ferritin_implausible

# where a patient stands at a draw
NOT_REVERSED = "not reversed"
REVERSED = "reversed"
CONFIRMED = "confirmed"
LOST = "lost again"


@dataclass(frozen=True, slots=True)
class Point:
    """A follow-up draw on which the marker that counts is present.

    Attributes
    ----------
    draw : Draw
        The draw.
    condition : str
        `holds`, `fails`, `undecided` or `unconfirmed`.
    state : str
        `not reversed`, `reversed`, `confirmed` (the condition held at the draw before too) or `lost again`.
    """

    draw: Draw
    condition: str
    state: str

    @property
    def day(self) -> int:
        """Study day."""
        return self.draw.day


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of a patient whose baseline is MALS or SIP.

    Attributes
    ----------
    evaluable : bool
        Whether the draws suffice for the rule.
    day : int or None
        Day of reversal; None where it is not attained.
    points : tuple of Point
        The follow-up draws with the marker.
    """

    evaluable: bool
    day: int | None
    points: tuple[Point, ...]


def ferritin_fell(baseline: Interval, follow_up: Interval, share: float, unconfirmed: bool) -> str:
    """Say whether ferritin fell by at least a share of its baseline, whatever the intervals hide.

    Parameters
    ----------
    baseline, follow_up : Interval
        ng/mL.
    share : float
        0.15: the follow-up's upper end is at most 85 % of the baseline's lower end.
    unconfirmed : bool
        Whether the fall is flagged ferritin_implausible; it then does not hold.

    Returns
    -------
    str
        `holds`, `fails`, `undecided` or `unconfirmed`.
    """
    if baseline.low is not None and follow_up.definitely_at_most((1 - share) * baseline.low):
        return UNCONFIRMED if unconfirmed else HOLDS
    if baseline.high is not None and follow_up.definitely_above((1 - share) * baseline.high):
        return FAILS
    return UNDECIDED


def hladr_rose_to(abc: float, limit: float) -> str:
    """Say whether AB/C lies above a level; exactly the level does not."""
    return HOLDS if limits.above(abc, limit) else FAILS


def hladr_rose_by(baseline: float, abc: float, limit: float) -> str:
    """Say whether AB/C lies above its baseline by more than a limit."""
    return HOLDS if limits.above(abc - baseline, limit) else FAILS


def table2_sustained(baseline: Draw, follow_up: Sequence[Draw], settings: ReversalSettings) -> Verdict:
    """Judge by Table 2, note b: the condition holds from some draw on at every later one.

    Parameters
    ----------
    baseline : Draw
        Called MALS or SIP.
    follow_up : sequence of Draw
        Draws with baseline_day < day <= horizon_day, sorted by day.
    settings : ReversalSettings
        Limits and minimum of draws.
    """
    points = _points(baseline, follow_up, settings, _level)
    evaluable = len(points) >= settings.min_follow_up_draws
    day = None
    for point in reversed(points):
        if point.condition != HOLDS:
            break
        day = point.day
    return Verdict(evaluable, day if evaluable else None, points)


def methods_increment(baseline: Draw, follow_up: Sequence[Draw], settings: ReversalSettings) -> Verdict:
    """Judge by the Methods: HLA-DR by its increase, at any follow-up draw (parameters of `table2_sustained`).

    One draw is enough to be evaluable.
    """
    points = _points(baseline, follow_up, settings, _increment)
    day = next((point.day for point in points if point.condition == HOLDS), None)
    return Verdict(bool(points), day, points)


def sap_day15(baseline: Draw, follow_up: Sequence[Draw], settings: ReversalSettings) -> Verdict:
    """Judge by the analysis plan: at the draw of study day 15 (parameters of `table2_sustained`).

    Evaluable where the values of that day are present and decidable; after SIP both AB/C and ferritin.
    """
    points = _points(baseline, follow_up, settings, _level_and_ferritin)
    at_day = next((point for point in points if point.day == SAP_DAY), None)
    if at_day is None or not _usable(baseline, at_day, settings):
        return Verdict(False, None, points)
    return Verdict(True, SAP_DAY if at_day.condition == HOLDS else None, points)


def _usable(baseline: Draw, point: Point, settings: ReversalSettings) -> bool:
    if baseline.phenotype == MALS:
        return point.condition != UNDECIDED
    ferritin = point.draw.ferritin
    limit = settings.ferritin_mals_above
    return ferritin is not None and (ferritin.definitely_below(limit) or ferritin.definitely_at_least(limit))


RULES: Mapping[str, Callable[[Draw, Sequence[Draw], ReversalSettings], Verdict]] = {
    TABLE2_SUSTAINED: table2_sustained,
    METHODS_INCREMENT: methods_increment,
    SAP_DAY15: sap_day15,
}


def _level(baseline: Draw, draw: Draw, settings: ReversalSettings) -> str:
    return hladr_rose_to(draw.abc, settings.hladr_abc)


def _increment(baseline: Draw, draw: Draw, settings: ReversalSettings) -> str:
    return hladr_rose_by(baseline.abc, draw.abc, settings.hladr_abc)


def _level_and_ferritin(baseline: Draw, draw: Draw, settings: ReversalSettings) -> str:
    if hladr_rose_to(draw.abc, settings.hladr_abc) == FAILS:
        return FAILS
    ferritin = draw.ferritin
    if ferritin is None:
        return UNDECIDED
    if ferritin.definitely_below(settings.ferritin_mals_above):
        return HOLDS
    return FAILS if ferritin.definitely_at_least(settings.ferritin_mals_above) else UNDECIDED


def _points(
    baseline: Draw,
    follow_up: Sequence[Draw],
    settings: ReversalSettings,
    hladr_condition: Callable[[Draw, Draw, ReversalSettings], str],
) -> tuple[Point, ...]:
    """Judge each follow-up draw that has the marker; a draw without it is left out."""
    if baseline.phenotype == MALS:
        marked = [draw for draw in follow_up if draw.ferritin is not None]
        # the flag of phenotypes.csv itself, so that no two tables disagree: a draw beyond the horizon takes no part in
        # the verdict, but shows as well as any other whether the assay read falsely low
        share = settings.ferritin_decrease_at_least
        conditions = [ferritin_fell(baseline.ferritin, d.ferritin, share, is_unconfirmed_fall(d)) for d in marked]
    else:
        marked = [draw for draw in follow_up if draw.abc is not None]
        conditions = [hladr_condition(baseline, draw, settings) for draw in marked]
    states = states_over_time([condition == HOLDS for condition in conditions])
    return tuple(Point(*parts) for parts in zip(marked, conditions, states, strict=True))


def states_over_time(holds: Sequence[bool]) -> list[str]:
    """Name where a patient stands at each draw, from whether the condition holds there.

    Returns
    -------
    list of str
        `not reversed` until it first holds, `reversed` at the first draw of each run, `confirmed` at its later draws,
        `lost again` where it held before and does not hold now.
    """
    states = []
    before, ever = False, False
    for now in holds:
        if now:
            states.append(CONFIRMED if before else REVERSED)
        else:
            states.append(LOST if ever else NOT_REVERSED)
        before, ever = now, ever or now
    return states
