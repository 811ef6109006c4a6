"""What if: calls and verdicts under other statistics, gates, bead lines and rules, and the limits that turn them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from .arms import arms_of
from .phenotype import Draw, draws_of
from .phenotype.replicates import TubeValue, tube_values
from .quantify.measurement import Measurement
from .reversal import Course, judge_draws
from .reversal.rules import UNCONFIRMED, Point
from .rules import (
    MALS,
    METHODS_INCREMENT,
    REVERSAL_RULES,
    SAP_DAY,
    SAP_DAY15,
    SIP,
    UNCLASSIFIED,
    ReversalSettings,
    phenotype_limits,
    reversal_settings,
)
from .study.types import Study

AS_CONFIGURED = "as configured"
_STATISTICS = ("median", "geometric_mean")


def scenarios(measurements: Iterable[Measurement]) -> dict[str, Callable[[Measurement], float | None]]:
    """Return the scenarios that the measurements allow: `as configured`, then other statistic, gates and bead lines.

    Returns
    -------
    dict
        Name to a function that takes AB/C from a measurement, None where it has none.
    """
    models = dict.fromkeys(name for m in measurements for name in m.models)
    found: dict[str, Callable[[Measurement], float | None]] = {AS_CONFIGURED: lambda m: m.abc}
    for name in sorted(set(models) & set(_STATISTICS)):
        found[f"statistic: {name}"] = lambda m, name=name: m.models.get(name)
    found["gate: tight"] = lambda m: m.abc_tight
    found["gate: wide"] = lambda m: m.abc_wide
    for name in sorted(set(models) - set(_STATISTICS)):
        found[f"bead line: {name}"] = lambda m, name=name: m.models.get(name)
    return found


def rows(study: Study, measurements: Sequence[Measurement]) -> list[dict[str, object]]:
    """Return the rows of sensitivity.csv: one per patient and scenario.

    Parameters
    ----------
    study : study.Study
    measurements : sequence of quantify.Measurement
        One per tube. A tube for which a scenario has no value (a reported one) keeps the configured value; the column
        n_values says how many tubes have one.
    """
    settings = reversal_settings(study.config)
    arms = arms_of(study)
    by_id = {m.sample_id: m for m in measurements}
    plain = tube_values(study, measurements)
    reference: dict[str, Course] = {}
    calls: dict[tuple[str, int], str] = {}
    made: dict[str, list[dict[str, object]]] = {}
    for scenario, pick in scenarios(measurements).items():
        values, n_values = _under(plain, by_id, pick)
        draws = draws_of(values, study.ferritin, phenotype_limits(study.config))
        if scenario == AS_CONFIGURED:
            calls = {(draw.patient_id, draw.day): draw.phenotype for draw in draws}
            as_configured, all_values = draws, n_values
        changed: dict[str, list[int]] = {}
        for draw in draws:
            if calls.get((draw.patient_id, draw.day)) != draw.phenotype:
                changed.setdefault(draw.patient_id, []).append(draw.day)
        for course in judge_draws(draws, settings, arms):
            known = reference.setdefault(course.patient_id, course)
            row = _row(scenario, course, known, changed.get(course.patient_id, []), settings)
            made.setdefault(course.patient_id, []).append({**row, "n_values": n_values.get(course.patient_id, 0)})
    for rule in REVERSAL_RULES:
        if rule == settings.rule:
            continue
        other = reversal_settings(study.config, rule)
        for course in judge_draws(as_configured, other, arms):
            row = _row(f"rule: {rule}", course, reference[course.patient_id], [], other)
            made[course.patient_id].append({**row, "n_values": all_values.get(course.patient_id, 0)})
    return [row for patient_id in sorted(made) for row in made[patient_id]]


def _under(
    plain: Sequence[TubeValue], by_id: dict[str, Measurement], pick: Callable[[Measurement], float | None]
) -> tuple[list[TubeValue], dict[str, int]]:
    """Replace AB/C by the scenario's; count the tubes of each patient that have it."""
    values, n_values = [], {}
    for value in plain:
        other = pick(by_id[value.sample_id]) if value.abc is not None else None
        if other is not None:
            n_values[value.patient_id] = n_values.get(value.patient_id, 0) + (value.role == "patient")
            value = replace(value, abc=other, abc_low=None, abc_high=None)
        values.append(value)
    return values, n_values


def _row(
    scenario: str, course: Course, known: Course, changed: list[int], settings: ReversalSettings
) -> dict[str, object]:
    baseline = course.baseline
    limit, unit = reversal_turns_at(course, settings)
    return {
        "patient_id": course.patient_id,
        "arm": course.arm,
        "scenario": scenario,
        "rule": course.rule,
        "baseline_phenotype": course.baseline_phenotype,
        "baseline_changes": course.baseline_phenotype != known.baseline_phenotype,
        "days_changed": ";".join(map(str, changed)),
        "reversal": course.reversal,
        "reversal_day": course.reversal_day,
        "reversal_changes": course.reversal != known.reversal,
        "baseline_turns_at_abc": hladr_turns_at(baseline),
        "baseline_turns_at_ferritin_ng_ml": ferritin_turns_at(baseline),
        "reversal_turns_at": limit,
        "reversal_turns_at_unit": unit,
    }


def hladr_turns_at(draw: Draw | None) -> float | None:
    """Return the HLA-DR limit at which a draw's call changes between SIP and unclassified: its own AB/C."""
    return draw.abc if draw and draw.phenotype in (SIP, UNCLASSIFIED) else None


def ferritin_turns_at(draw: Draw | None) -> float | None:
    """Return the ferritin limit (ng/mL) at which a call changes to or from MALS: the end that faces it."""
    if draw is None or draw.ferritin is None:
        return None
    if draw.phenotype == MALS:
        return draw.ferritin.low
    return draw.ferritin.high if draw.phenotype in (SIP, UNCLASSIFIED) else None


def reversal_turns_at(course: Course, settings: ReversalSettings) -> tuple[float | None, str]:
    """Return the limit at which a patient's verdict changes, and its unit; None where no limit would change it.

    After SIP it is the limit of HLA-DR, after MALS the share of baseline to which ferritin falls.
    """
    if not course.evaluable or not course.points:
        return None, ""
    points = list(course.points)
    if settings.rule == SAP_DAY15:
        points = [point for point in points if point.day == SAP_DAY]
    elif settings.rule != METHODS_INCREMENT:
        points = points[-1:]  # some run reaches the horizon exactly where the last draw holds
    if course.baseline_phenotype == MALS:
        shares = [share for point in points if (share := _share(course, point)) is not None]
        return (100 * min(shares), "% of baseline") if shares else (None, "")
    if settings.rule == METHODS_INCREMENT:
        return max(point.draw.abc for point in points) - course.baseline.abc, "AB/C over baseline"
    if settings.rule == SAP_DAY15 and not points[0].draw.ferritin.definitely_below(settings.ferritin_mals_above):
        return None, ""
    return points[0].draw.abc, "AB/C"


def _share(course: Course, point: Point) -> float | None:
    low, high = course.baseline.ferritin.low, point.draw.ferritin.high
    return None if point.condition == UNCONFIRMED or high is None or not low else high / low
