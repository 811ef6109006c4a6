"""The course of each patient: the baseline call, the draws that follow it, and the verdict of a reversal rule."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..arms import arms_of
from ..phenotype import Draw
from ..rules import INDETERMINATE, MALS, SIP, ReversalSettings, reversal_settings
from ..study.types import Study
from . import words as reversal_words
from .rules import RULES, Point

ATTAINED = "attained"
NOT_ATTAINED = "not_attained"
NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Course:
    """One row of reversal.csv, with the draws it rests on.

    Attributes
    ----------
    patient_id, arm : str
        Who; arm is empty where the study names none.
    baseline : Draw or None
        The draw of the baseline day.
    baseline_phenotype : str
        Its call; `indeterminate` without a draw.
    points : tuple of Point
        The follow-up draws with the marker that counts, and the state at each.
    evaluable : bool
        Whether the draws suffice for the rule.
    reversal : str
        `attained`, `not_attained` or `not_applicable`.
    reversal_day : int or None
        Study day.
    rule : str
        Name of the rule.
    reason : str
        The verdict as a sentence with its numbers.
    """

    patient_id: str
    arm: str
    baseline: Draw | None
    baseline_phenotype: str
    points: tuple[Point, ...]
    evaluable: bool
    reversal: str
    reversal_day: int | None
    rule: str
    reason: str

    @property
    def n_follow_up(self) -> int:
        """Follow-up days on which the marker is present, undecidable ones included."""
        return len(self.points)

    def row(self) -> dict[str, object]:
        """Return the row of reversal.csv."""
        return {
            "patient_id": self.patient_id,
            "arm": self.arm,
            "baseline_phenotype": self.baseline_phenotype,
            "n_follow_up": self.n_follow_up,
            "evaluable": self.evaluable,
            "reversal": self.reversal,
            "reversal_day": self.reversal_day,
            "states": ";".join(f"{point.day}: {point.state}" for point in self.points),
            "rule": self.rule,
            "reason": self.reason,
        }


def judge(study: Study, draws: Iterable[Draw]) -> list[Course]:
    """Judge every patient of a study by the configured rule.

    Parameters
    ----------
    study : study.Study
        Its `config` and the arms of its patients are used.
    draws : iterable of Draw
        All draws, in any order.

    Returns
    -------
    list of Course
        One per patient, sorted by patient_id (as text).
    """
    return judge_draws(draws, reversal_settings(study.config), arms_of(study))


def judge_draws(draws: Iterable[Draw], settings: ReversalSettings, arms: Mapping[str, str]) -> list[Course]:
    """Judge every patient by one rule (see `judge`)."""
    ordered = sorted(draws, key=lambda draw: (draw.patient_id, draw.day))
    return [
        judge_patient(patient_id, list(series), settings, arms.get(patient_id, ""))
        for patient_id, series in groupby(ordered, key=lambda draw: draw.patient_id)
    ]


def judge_patient(patient_id: str, draws: Sequence[Draw], settings: ReversalSettings, arm: str) -> Course:
    """Judge one patient from all of the patient's draws, sorted by day."""
    baseline = next((draw for draw in draws if draw.day == settings.baseline_day), None)
    phenotype = baseline.phenotype if baseline else INDETERMINATE
    if baseline is None or phenotype not in (MALS, SIP):
        reason = reversal_words.not_applicable(baseline, phenotype, settings)
        return Course(patient_id, arm, baseline, phenotype, (), False, NOT_APPLICABLE, None, settings.rule, reason)
    follow_up = [draw for draw in draws if settings.baseline_day < draw.day <= settings.horizon_day]
    verdict = RULES[settings.rule](baseline, follow_up, settings)
    reversal = NOT_ATTAINED if verdict.day is None else ATTAINED
    reason = reversal_words.of_verdict(baseline, verdict, settings)
    return Course(
        patient_id,
        arm,
        baseline,
        phenotype,
        verdict.points,
        verdict.evaluable,
        reversal,
        verdict.day,
        settings.rule,
        reason,
    )
