"""The verdicts of the reversal rules as sentences with their numbers."""

from .. import wording
from ..phenotype import Draw
from ..rules import MALS, METHODS_INCREMENT, SAP_DAY, SAP_DAY15, TABLE2_SUSTAINED, ReversalSettings
from .rules import HOLDS, UNCONFIRMED, UNDECIDED, Point, Verdict


def not_applicable(baseline: Draw | None, phenotype: str, settings: ReversalSettings) -> str:
    """Say why a patient has no reversal to judge."""
    if baseline is None:
        return f"Not applicable: there is no draw of the baseline day, day {settings.baseline_day}"
    return f"Not applicable: the draw of day {settings.baseline_day} is {phenotype}, neither MALS nor SIP"


def of_verdict(baseline: Draw, verdict: Verdict, settings: ReversalSettings) -> str:
    """Say what was attained, or what was missing."""
    start = f"{_start(baseline)} on day {baseline.day} ({baseline.phenotype})"
    if verdict.day is None:
        return f"Not attained: {start}; {_missing(baseline, verdict, settings)}"
    points = {point.day: point for point in verdict.points}
    first = points[verdict.day]
    reached = f"{_value(baseline, first.draw, settings)}, {_bound(baseline, settings)}"
    sentence = f"Attained on day {verdict.day}: from {start} to {reached}"
    if settings.rule != TABLE2_SUSTAINED:
        return sentence
    later = [str(point.day) for point in verdict.points if point.day > verdict.day]
    if not later:
        return f"{sentence}; it is the last draw up to day {settings.horizon_day}"
    return f"{sentence}, and at every later draw up to day {settings.horizon_day} ({_days(later)})"


def _missing(baseline: Draw, verdict: Verdict, settings: ReversalSettings) -> str:
    marker = "ferritin" if baseline.phenotype == MALS else "HLA-DR"
    count = len(verdict.points)
    draws = f"{wording.plural(count, 'follow-up draw')} with {marker} up to day {settings.horizon_day}"
    if settings.rule == SAP_DAY15:
        return _missing_at_day_15(baseline, verdict, settings, marker)
    if not verdict.evaluable:
        needed = settings.min_follow_up_draws if settings.rule == TABLE2_SUSTAINED else 1
        return f"{draws}, where {needed} {'is' if needed == 1 else 'are'} needed"
    if settings.rule == METHODS_INCREMENT:
        return f"none of {draws} is {_bound(baseline, settings)}"
    if not verdict.points:
        return f"{draws}"
    last = verdict.points[-1]
    held = [str(point.day) for point in verdict.points if point.condition == HOLDS]
    lost = f"; it was reached on {_days(held)}" if held else ""
    if held and last.condition not in (UNDECIDED, UNCONFIRMED):
        lost += " and lost again"
    return f"the last draw, day {last.day}, {_why(baseline, last, settings)}{lost}"


def _missing_at_day_15(baseline: Draw, verdict: Verdict, settings: ReversalSettings, marker: str) -> str:
    point = next((point for point in verdict.points if point.day == SAP_DAY), None)
    if point is None:
        return f"there is no draw of day {SAP_DAY} with {marker}"
    if not verdict.evaluable and baseline.phenotype != MALS:
        ferritin = point.draw.ferritin
        state = "is missing" if ferritin is None else f"{wording.ferritin(ferritin)} is not decidable"
        return f"at day {SAP_DAY} ferritin {state}"
    return f"day {SAP_DAY} {_why(baseline, point, settings)}"


def _why(baseline: Draw, point: Point, settings: ReversalSettings) -> str:
    value = _value(baseline, point.draw, settings)
    if point.condition == UNDECIDED:
        return f"with {value} cannot be decided ({_bound(baseline, settings)} is asked for)"
    if point.condition == UNCONFIRMED:
        return f"with {value} is a fall by more than 90 % that nothing confirms"
    if settings.rule == SAP_DAY15 and baseline.phenotype != MALS and point.draw.ferritin is not None:
        value += f" and ferritin {wording.ferritin(point.draw.ferritin, settings.ferritin_mals_above)}"
    return f"with {value} is not {_bound(baseline, settings)}"


def _value(baseline: Draw, draw: Draw, settings: ReversalSettings) -> str:
    if baseline.phenotype == MALS:
        return f"ferritin {wording.ferritin(draw.ferritin, _fallen(baseline, settings))}"
    limit = settings.hladr_abc + (baseline.abc if settings.rule == METHODS_INCREMENT else 0)
    return f"{wording.abc_number(draw.abc, limit)} AB/C"


def _start(baseline: Draw) -> str:
    """Write the baseline's value, beside the limit by which it was called."""
    if baseline.phenotype == MALS:
        return f"ferritin {wording.ferritin(baseline.ferritin, baseline.rule.ferritin_mals_above)}"
    return f"{wording.abc_number(baseline.abc, baseline.rule.hladr_sip_below)} AB/C"


def _fallen(baseline: Draw, settings: ReversalSettings) -> float:
    return (1 - settings.ferritin_decrease_at_least) * baseline.ferritin.low


def _bound(baseline: Draw, settings: ReversalSettings) -> str:
    if baseline.phenotype == MALS:
        limit = wording.ferritin_number(_fallen(baseline, settings))
        percent = f"{100 * (1 - settings.ferritin_decrease_at_least):.6g} %"
        return f"at most {limit} ng/mL ({percent} of baseline)"
    if settings.rule == METHODS_INCREMENT:
        return f"more than {wording.abc_number(settings.hladr_abc)} AB/C over baseline"
    level = f"above {wording.abc_number(settings.hladr_abc)} AB/C"
    if settings.rule == SAP_DAY15:
        return f"{level} with ferritin below {wording.ferritin_number(settings.ferritin_mals_above)} ng/mL"
    return level


def _days(days: list[str]) -> str:
    return f"day{'s' if len(days) > 1 else ''} {', '.join(days)}"
