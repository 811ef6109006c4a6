"""The statistics of the cohort tables, each from a well-kept library, with the degenerate cases empty.

Risk differences have Newcombe's hybrid score interval (no continuity correction), odds ratios Woolf's, P is Fisher's
two-sided test: the methods behind the published tables of Giamarellos-Bourboulis et al., JAMA 2025,
doi 10.1001/jama.2025.24175. Heavy imports stay inside the functions.
"""

import math
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .tables import csv_text

PROPORTIONS = "difference: Newcombe; odds ratio: Woolf; P: Fisher, two-sided"
_COUNT = re.compile(r"\s*([0-9]+)\s*/\s*([0-9]+)\s*")
# beyond it a coefficient on the log scale means that one group has no (or only) events, not an effect
_SEPARATED = 15.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """An odds or hazard ratio, first group against second, with its 95 % interval and P; None where undefined."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


def compare_proportions(events_a: int, n_a: int, events_b: int, n_b: int) -> dict[str, object]:
    """Compare two proportions as the columns of cohort.csv.

    Parameters
    ----------
    events_a, n_a, events_b, n_b : int
        Patients with the endpoint and patients, in the first and the second group.

    Returns
    -------
    dict
        The columns events_a to method. 0 of 0 is empty, not 0 %; with an empty group there is no comparison; a zero
        cell leaves the odds-ratio interval empty.

    Raises
    ------
    ValueError
        For counts below 0 or more events than patients.

    Notes
    -----
    Newcombe, Stat Med 1998;17:873, method 10; Woolf, Ann Hum Genet 1955;19:251.
    """
    for events, n in ((events_a, n_a), (events_b, n_b)):
        if events < 0 or n < events:
            raise ValueError(f"expected 0 <= events <= patients, found {events}/{n}")
    row: dict[str, object] = {
        "events_a": events_a,
        "n_a": n_a,
        "percent_a": 100 * events_a / n_a if n_a else None,
        "events_b": events_b,
        "n_b": n_b,
        "percent_b": 100 * events_b / n_b if n_b else None,
        "method": PROPORTIONS,
    }
    if n_a == 0 or n_b == 0:
        return row
    from scipy.stats import fisher_exact
    from statsmodels.stats.contingency_tables import Table2x2
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        events_a, n_a, events_b, n_b, method="newcomb", compare="diff", correction=False
    )
    row["difference_percent"] = 100 * (events_a / n_a - events_b / n_b)
    row["difference_low"], row["difference_high"] = 100 * float(low), 100 * float(high)
    table = np.array([[events_a, n_a - events_a], [events_b, n_b - events_b]])
    row["p_value"] = float(fisher_exact(table).pvalue)
    denominator = (n_a - events_a) * events_b
    if denominator:
        row["odds_ratio"] = events_a * (n_b - events_b) / denominator
    if table.min() > 0:
        woolf = Table2x2(table, shift_zeros=False).oddsratio_confint()
        row["odds_ratio_low"], row["odds_ratio_high"] = map(float, woolf)
    return row


def counts_row(first: str, second: str) -> dict[str, object]:
    """Make one row of cohort.csv from counts as text, `46/131` and `26/145`.

    Raises
    ------
    ValueError
        With a plain sentence, if a text is not EVENTS/PATIENTS.
    """
    numbers = []
    for text in (first, second):
        match = _COUNT.fullmatch(text)
        if match is None:
            raise ValueError(f"expected EVENTS/PATIENTS, such as 46/131, found {text!r}")
        numbers += [int(match[1]), int(match[2])]
    names = {"endpoint": "counts", "subgroup": "all", "arm_a": "first", "arm_b": "second"}
    return {**names, **compare_proportions(*numbers)}


def counts_text(first: str, second: str) -> str:
    """Write the row of `counts_row` with its header, as cohort.csv has it; errors as there."""
    return csv_text("cohort", [counts_row(first, second)])


def mantel_haenszel(strata: Iterable[Sequence[int]]) -> Ratio:
    """Return the odds ratio over strata with the Mantel-Haenszel test.

    Parameters
    ----------
    strata : iterable of (events_a, n_a, events_b, n_b)
        A stratum without patients in one group says nothing and is left out.

    Notes
    -----
    Interval after Robins, Breslow and Greenland; test without continuity correction.
    """
    from statsmodels.stats.contingency_tables import StratifiedTable

    tables = [
        np.array([[events_a, n_a - events_a], [events_b, n_b - events_b]], dtype=float)
        for events_a, n_a, events_b, n_b in strata
        if n_a and n_b
    ]
    pooled = sum(table[0, 0] * table[1, 1] / table.sum() for table in tables)
    against = sum(table[0, 1] * table[1, 0] / table.sum() for table in tables)
    if not tables or (pooled == 0 and against == 0):
        return Ratio()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = StratifiedTable(tables)
        p_value = _finite(model.test_null_odds(correction=False).pvalue)
        if pooled == 0 or against == 0:
            return Ratio(0.0 if pooled == 0 else None, None, None, p_value)
        low, high = model.oddsratio_pooled_confint()
        return Ratio(float(model.oddsratio_pooled), _finite(low), _finite(high), p_value)


def proportional_odds(levels_a: Sequence[int], levels_b: Sequence[int]) -> Ratio:
    """Compare ordered outcomes by a proportional-odds logit.

    Parameters
    ----------
    levels_a, levels_b : sequence of int
        Rank of each patient's outcome, higher is worse, in the first and the second group.

    Returns
    -------
    Ratio
        Odds of a worse outcome, first against second, Wald interval and P; empty where the groups are separated
        completely, or all outcomes are alike.
    """
    if not len(levels_a) or not len(levels_b):
        return Ratio()
    outcome = np.unique(np.concatenate([levels_a, levels_b]), return_inverse=True)[1]
    a, b = outcome[: len(levels_a)], outcome[len(levels_a) :]
    if outcome.max() == 0 or a.min() >= b.max() or b.min() >= a.max():
        return Ratio()  # all alike, or no overlap: the likelihood has no maximum
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    group = np.repeat([1.0, 0.0], [len(a), len(b)])[:, None]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = OrderedModel(outcome, group, distr="logit")
        rough = model.fit(method="bfgs", disp=0, maxiter=500)
        try:
            fit = model.fit(method="newton", start_params=rough.params, disp=0)
            fit = fit if np.all(np.isfinite(fit.params)) else rough
        except (np.linalg.LinAlgError, ValueError):
            fit = rough
        return _ratio_of(fit.params[0], fit.bse[0])


def cox(days: Sequence[float], reversed_: Sequence[bool], in_a: Sequence[bool]) -> Ratio:
    """Compare times to reversal by a Cox model with Breslow ties.

    Parameters
    ----------
    days : sequence of float
        Day of reversal, or the last day at risk.
    reversed_ : sequence of bool
        Whether reversal was seen on that day.
    in_a : sequence of bool
        Whether the patient is in the first group.

    Returns
    -------
    Ratio
        Hazard ratio, first against second, Wald interval and P; empty where a group is empty or has no event.
    """
    days, event, group = np.asarray(days, float), np.asarray(reversed_, bool), np.asarray(in_a, bool)
    if not (event & group).any() or not (event & ~group).any():
        return Ratio()
    from statsmodels.duration.hazard_regression import PHReg

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit = PHReg(days, group.astype(float)[:, None], status=event.astype(int), ties="breslow").fit(disp=0)
        except (np.linalg.LinAlgError, ValueError):
            return Ratio()
        return _ratio_of(fit.params[0], fit.bse[0])


@dataclass(frozen=True, slots=True)
class Curve:
    """Cumulative share of patients with reversal, by study day.

    Attributes
    ----------
    days : array, shape (k,)
        Days on which the share changes.
    share : array, shape (k,)
        Share from that day on, 0 to 1.
    """

    days: np.ndarray
    share: np.ndarray


def cumulative_reversal(days: Sequence[float], event: Sequence[int], competing: bool) -> Curve:
    """Return the cumulative share with reversal: 1 - Kaplan-Meier, or cumulative incidence.

    Parameters
    ----------
    days : sequence of float
        Day of the event, or the last day at risk.
    event : sequence of int
        0 none, 1 reversal, 2 the competing event (death).
    competing : bool
        Cumulative incidence (Aalen-Johansen) instead of Kaplan-Meier; without it 2 counts as leaving.
    """
    days, event = np.asarray(days, float), np.asarray(event, int)
    if not (event == 1).any():
        return Curve(np.array([]), np.array([]))
    from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

    if competing:
        fit = CumIncidenceRight(days, event)
        times, share = np.asarray(fit.times, float), np.asarray(fit.cinc[0], float)
    else:
        fit = SurvfuncRight(days, (event == 1).astype(int))
        times, share = np.asarray(fit.surv_times, float), 1 - np.asarray(fit.surv_prob, float)
    changes = np.flatnonzero(np.diff(share, prepend=0.0) > 0)
    return Curve(times[changes], share[changes])


def _ratio_of(coefficient: float, standard_error: float) -> Ratio:
    usable = math.isfinite(coefficient) and math.isfinite(standard_error) and standard_error > 0
    if not usable or abs(coefficient) > _SEPARATED:
        return Ratio()
    z = 1.959963984540054
    p_value = math.erfc(abs(coefficient / standard_error) / math.sqrt(2))
    low, high = coefficient - z * standard_error, coefficient + z * standard_error
    return Ratio(math.exp(coefficient), _exp(low), _exp(high), p_value)


def _exp(value: float) -> float | None:
    return math.exp(value) if value < 700 else None


def _finite(value: float) -> float | None:
    value = float(value)
    return value if math.isfinite(value) else None
