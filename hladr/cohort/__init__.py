"""The rows of cohort.csv: reversal, time to reversal and the clinical endpoints, by arm and baseline phenotype."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .. import stats
from ..arms import arms_of, compared_arms
from ..phenotype import Draw
from ..reversal import ATTAINED, Course
from ..rules import MALS, SIP
from ..study.types import Outcome, Study
from . import outcomes as clinical

ALL = "all"
SUBGROUPS = (ALL, MALS, SIP)
COMPETING = "competing"


@dataclass(frozen=True, slots=True)
class TimeToReversal:
    """How long a patient was at risk of reversal.

    Attributes
    ----------
    patient_id, arm, phenotype : str
        Who; `phenotype` is that of the baseline.
    day : int
        Study day of reversal, of a competing death, or the horizon.
    event : int
        0 none, 1 reversal, 2 death before it.
    """

    patient_id: str
    arm: str
    phenotype: str
    day: int
    event: int


def rows(study: Study, courses: Sequence[Course], draws: Sequence[Draw]) -> list[dict[str, object]]:
    """Return the rows of cohort.csv; none where the study names no arm.

    Parameters
    ----------
    study : study.Study
        Its `config`, `tubes` and `outcomes` are used.
    courses : sequence of Course
        One per patient.
    draws : sequence of Draw
        All draws; they say which lab a patient belongs to.

    Notes
    -----
    Reversal counts the patients whose baseline is MALS or SIP; not evaluable counts as not attained. The clinical
    endpoints count every patient of outcomes.csv with an arm (subgroup `all`), or with that baseline phenotype.
    """
    arm_a, arm_b = compared_arms(study)
    if not arm_a:
        return []
    settings = study.config["cohort"]
    made = [_reversal_row(courses, subgroup, arm_a, arm_b) for subgroup in SUBGROUPS]
    if settings["stratify_by_lab"]:
        labs = labs_of(study, draws)
        made += [_stratified_row(courses, subgroup, arm_a, arm_b, labs) for subgroup in SUBGROUPS]
    times = times_to_reversal(study, courses)
    made += [_time_row(study, times, subgroup, arm_a, arm_b) for subgroup in SUBGROUPS]
    if study.outcomes:
        made += _clinical_rows(study, courses, arm_a, arm_b)
    return made


def members(courses: Iterable[Course], subgroup: str, arm: str) -> list[Course]:
    """Return the courses of an arm whose baseline is MALS or SIP, or the one of them that the subgroup names."""
    wanted = (MALS, SIP) if subgroup == ALL else (subgroup,)
    return [course for course in courses if arm and course.arm == arm and course.baseline_phenotype in wanted]


def labs_of(study: Study, draws: Iterable[Draw]) -> dict[str, str]:
    """Return the lab of each patient: that of the earliest draw's tube; patients without a tube are left out."""
    lab_of_tube = {tube.sample_id: tube.lab for tube in study.tubes}
    labs: dict[str, str] = {}
    for draw in sorted(draws, key=lambda draw: (draw.patient_id, draw.day)):
        for sample_id in draw.hladr.sample_ids:
            labs.setdefault(draw.patient_id, lab_of_tube[sample_id])
    return labs


def times_to_reversal(study: Study, courses: Iterable[Course]) -> list[TimeToReversal]:
    """Return the time at risk of each patient whose baseline is MALS or SIP.

    Nobody is censored before the horizon. With `cohort.deaths: competing` a death before reversal ends the time at risk
    on its day; with `at_risk`, as in the trial, the dead stay at risk.
    """
    horizon = int(study.config["reversal"]["horizon_day"])
    deaths = {}
    if competing(study):
        deaths = {outcome.patient_id: outcome.death_day for outcome in study.outcomes}
    made = []
    for course in courses:
        if course.baseline_phenotype not in (MALS, SIP):
            continue
        death = deaths.get(course.patient_id)
        if course.reversal == ATTAINED:
            day, event = course.reversal_day, 1
        elif death is not None and death <= horizon:
            day, event = death, 2
        else:
            day, event = horizon, 0
        made.append(TimeToReversal(course.patient_id, course.arm, course.baseline_phenotype, day, event))
    return made


def _names(endpoint: str, subgroup: str, arm_a: str, arm_b: str) -> dict[str, object]:
    return {"endpoint": endpoint, "subgroup": subgroup, "arm_a": arm_a, "arm_b": arm_b}


def _counts(events_a: int, n_a: int, events_b: int, n_b: int, arm_b: str) -> dict[str, object]:
    row = stats.compare_proportions(events_a, n_a, events_b, n_b)
    if not arm_b:  # one arm only: there is no second group, which is not the same as an empty one
        row["events_b"] = row["n_b"] = None
    return row


def _attained(courses: Iterable[Course]) -> int:
    return sum(course.reversal == ATTAINED for course in courses)


def _reversal_row(courses: Sequence[Course], subgroup: str, arm_a: str, arm_b: str) -> dict[str, object]:
    a, b = members(courses, subgroup, arm_a), members(courses, subgroup, arm_b)
    counts = _counts(_attained(a), len(a), _attained(b), len(b), arm_b)
    return _names("reversal", subgroup, arm_a, arm_b) | counts


def _stratified_row(
    courses: Sequence[Course], subgroup: str, arm_a: str, arm_b: str, labs: dict[str, str]
) -> dict[str, object]:
    a, b = members(courses, subgroup, arm_a), members(courses, subgroup, arm_b)
    strata = []
    for lab in sorted({labs.get(course.patient_id, "") for course in (*a, *b)}):
        in_a = [course for course in a if labs.get(course.patient_id, "") == lab]
        in_b = [course for course in b if labs.get(course.patient_id, "") == lab]
        strata.append((_attained(in_a), len(in_a), _attained(in_b), len(in_b)))
    ratio = stats.mantel_haenszel(strata)
    return (
        _names("reversal_stratified_by_lab", subgroup, arm_a, arm_b)
        | _counts(_attained(a), len(a), _attained(b), len(b), arm_b)
        | {
            "odds_ratio": ratio.value,
            "odds_ratio_low": ratio.low,
            "odds_ratio_high": ratio.high,
            "p_value": ratio.p_value,
            "method": "difference: crude, Newcombe; odds ratio and P: Mantel-Haenszel over labs",
        }
    )


def _time_row(
    study: Study, times: Sequence[TimeToReversal], subgroup: str, arm_a: str, arm_b: str
) -> dict[str, object]:
    wanted = (MALS, SIP) if subgroup == ALL else (subgroup,)
    a = [time for time in times if time.arm == arm_a and time.phenotype in wanted]
    b = [time for time in times if arm_b and time.arm == arm_b and time.phenotype in wanted]
    both = [*a, *b]
    ratio = stats.cox([t.day for t in both], [t.event == 1 for t in both], [k < len(a) for k in range(len(both))])
    counts = _counts(sum(t.event == 1 for t in a), len(a), sum(t.event == 1 for t in b), len(b), arm_b)
    kept = {name: counts.get(name) for name in ("events_a", "n_a", "percent_a", "events_b", "n_b", "percent_b")}
    deaths = "deaths as competing events (cause-specific)" if competing(study) else "deaths stay at risk"
    return (
        _names("time_to_reversal", subgroup, arm_a, arm_b)
        | kept
        | {
            "hazard_ratio": ratio.value,
            "hazard_ratio_low": ratio.low,
            "hazard_ratio_high": ratio.high,
            "p_value": ratio.p_value,
            "method": f"hazard ratio: Cox, Breslow ties, {deaths}; P: Wald",
        }
    )


def competing(study: Study) -> bool:
    """Say whether deaths are competing events: configured, and known from outcomes.csv."""
    return study.config["cohort"]["deaths"] == COMPETING and bool(study.outcomes)


def _clinical_rows(study: Study, courses: Sequence[Course], arm_a: str, arm_b: str) -> list[dict[str, object]]:
    arms = arms_of(study)
    phenotypes = {course.patient_id: course.baseline_phenotype for course in courses}

    def chosen(arm: str, subgroup: str) -> list[Outcome]:
        return [
            outcome
            for outcome in study.outcomes
            if arm
            and arms.get(outcome.patient_id) == arm
            and (subgroup == ALL or phenotypes.get(outcome.patient_id) == subgroup)
        ]

    made = []
    for endpoint, attained in clinical.endpoints(int(study.config["baseline_day"])).items():
        for subgroup in SUBGROUPS:
            a, b = _known(chosen(arm_a, subgroup), attained), _known(chosen(arm_b, subgroup), attained)
            counts = _counts(sum(a), len(a), sum(b), len(b), arm_b)
            made.append(_names(endpoint, subgroup, arm_a, arm_b) | counts)
    for subgroup in SUBGROUPS:
        a = clinical.infection_ranks(chosen(arm_a, subgroup))
        b = clinical.infection_ranks(chosen(arm_b, subgroup))
        ratio = stats.proportional_odds(a, b)
        made.append(
            _names("infection_day_15", subgroup, arm_a, arm_b)
            | {
                "n_a": len(a),
                "n_b": len(b) if arm_b else None,
                "odds_ratio": ratio.value,
                "odds_ratio_low": ratio.low,
                "odds_ratio_high": ratio.high,
                "p_value": ratio.p_value,
                "method": "odds of a worse state: proportional-odds logit; P: Wald",
            }
        )
    return made


def _known(outcomes: Iterable[Outcome], attained: Callable[[Outcome], bool | None]) -> list[bool]:
    return [value for value in map(attained, outcomes) if value is not None]
