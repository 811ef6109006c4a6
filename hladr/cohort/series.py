"""Descriptions of a cohort: medians by day, agreement of calls, the flow of draws."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from .. import flags
from ..phenotype import Draw
from ..quantify.measurement import Measurement
from ..rules import PHENOTYPES
from ..study.types import Study, superseded

_OPEN = 1e300  # stands for infinity, which a quantile's interpolation turns into not-a-number


def by_day(draws: Iterable[Draw], arms_of_patients: Mapping[str, str], arms: Sequence[str]) -> list[dict[str, object]]:
    """Return medians and quartiles of AB/C and ferritin by arm and day.

    Returns
    -------
    list of dict
        arm, day, marker (`abc` or `ferritin`), n, n_censored, median, quartile_1, quartile_3. A quantile that a
        censored or conflicting ferritin leaves open is None: it is computed once with the lower and once with the
        upper ends, and stands only where both agree.
    """
    abc: dict[tuple[str, int], list[float]] = {}
    blood: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for draw in draws:
        arm = arms_of_patients.get(draw.patient_id, "")
        if not arm or arm not in arms:
            continue
        if draw.abc is not None:
            abc.setdefault((arm, draw.day), []).append(draw.abc)
        if draw.ferritin is not None:
            low = 0.0 if draw.ferritin.low is None else draw.ferritin.low
            high = _OPEN if draw.ferritin.high is None else draw.ferritin.high
            blood.setdefault((arm, draw.day), []).append((low, high))
    order = {arm: k for k, arm in enumerate(arms)}
    rows = []
    for arm, day in sorted(abc, key=lambda key: (order[key[0]], key[1])):
        values = np.array(abc[arm, day])
        rows.append({"arm": arm, "day": day, "marker": "abc", "n_censored": 0} | _summary(values, values))
    for arm, day in sorted(blood, key=lambda key: (order[key[0]], key[1])):
        low, high = np.array(blood[arm, day]).T
        rows.append(
            {"arm": arm, "day": day, "marker": "ferritin", "n_censored": int((low != high).sum())} | _summary(low, high)
        )
    return rows


def _summary(low: np.ndarray, high: np.ndarray) -> dict[str, object]:
    made: dict[str, object] = {"n": len(low)}
    for name, share in (("median", 0.5), ("quartile_1", 0.25), ("quartile_3", 0.75)):
        ends = float(np.quantile(low, share)), float(np.quantile(high, share))
        made[name] = ends[0] if ends[0] == ends[1] else None
    return made


def agreement(draws: Iterable[Draw], first_day: int, second_day: int) -> dict[str, object]:
    """Compare the calls of two days, patient by patient.

    Returns
    -------
    dict
        `table` (list of rows: counts by call of the first day, columns by call of the second, both in the order of
        `rules.PHENOTYPES`), n, n_same, percent_same and kappa (Cohen; None where undefined).
    """
    calls: dict[str, dict[int, str]] = {}
    for draw in draws:
        if draw.day in (first_day, second_day):
            calls.setdefault(draw.patient_id, {})[draw.day] = draw.phenotype
    pairs = [(found[first_day], found[second_day]) for found in calls.values() if len(found) == 2]
    counts = Counter(pairs)
    table = [[counts[first, second] for second in PHENOTYPES] for first in PHENOTYPES]
    same = sum(first == second for first, second in pairs)
    return {
        "table": table,
        "n": len(pairs),
        "n_same": same,
        "percent_same": 100 * same / len(pairs) if pairs else None,
        "kappa": _kappa(np.array(table, float)),
    }


def _kappa(table: np.ndarray) -> float | None:
    """Return Cohen's kappa (Educ Psychol Meas 1960;20:37); None where chance alone agrees always."""
    total = table.sum()
    if total == 0:
        return None
    observed = np.trace(table) / total
    expected = float(table.sum(axis=0) @ table.sum(axis=1)) / total**2
    return None if expected >= 1 else float((observed - expected) / (1 - expected))


def flow(study: Study, measurements: Iterable[Measurement], draws: Sequence[Draw]) -> dict[str, dict[str, int]]:
    """Count tubes and draws on their way to a call.

    Returns
    -------
    dict
        `tubes` (received, control, isotype, superseded, ok, review, failed: the last three add up to the tubes of
        patients that nothing supersedes) and `draws` (draws, and each call).
    """
    status = {m.sample_id: m.status for m in measurements}
    replaced = superseded(study.tubes)
    tubes = Counter(received=len(study.tubes), control=0, isotype=0, superseded=0, ok=0, review=0, failed=0)
    for tube in study.tubes:
        if tube.role != "patient":
            tubes[tube.role] += 1
        elif tube.sample_id in replaced:
            tubes["superseded"] += 1
        else:
            tubes[status.get(tube.sample_id, flags.FAILED)] += 1
    calls = Counter(draw.phenotype for draw in draws)
    return {"tubes": dict(tubes), "draws": {"draws": len(draws), **{call: calls[call] for call in PHENOTYPES}}}
