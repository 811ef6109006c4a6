"""The phenotype of each blood draw: MALS, SIP, unclassified or indeterminate.

The rule itself is `call`; the rest brings a draw's tubes and ferritin values together and says why in a sentence.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from .. import ferritin as ferritin_module
from .. import flags, limits, wording
from ..ferritin import Interval
from ..flags import Finding
from ..quantify.intervals import sd_ln_of
from ..quantify.measurement import Measurement
from ..rules import (
    INDETERMINATE,
    MALS,
    PHENOTYPE_RULE,
    SIP,
    UNCLASSIFIED,
    PhenotypeLimits,
    phenotype_limits,
    versioned,
)
from ..study.types import FerritinValue, Study
from . import words
from .implausible import CODE as IMPLAUSIBLE
from .implausible import DayFerritin, unconfirmed_falls
from .replicates import Hladr, TubeValue, combine_tubes, tube_values

PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Draw:
    """One row of phenotypes.csv, with the values it was made of.

    Attributes
    ----------
    patient_id, day : str, int
        Which draw.
    phenotype : str
        `MALS`, `SIP`, `unclassified` or `indeterminate`.
    ferritin : Interval or None
        ng/mL; all values of the day combined.
    ferritin_values : tuple of Interval
        ng/mL; the values one by one.
    hladr : Hladr
        Antibodies per cell.
    probability : float or None
        Of the call, given the interval of AB/C.
    borderline : bool
        Whether that interval touches the limit that decides.
    status : str
        `ok`, `review` or `failed`.
    findings : tuple of Finding
        What the row's flags say.
    rule : PhenotypeLimits
        The limits that it was called by.
    """

    patient_id: str
    day: int
    phenotype: str
    ferritin: Interval | None
    ferritin_values: tuple[Interval, ...]
    hladr: Hladr
    probability: float | None
    borderline: bool
    status: str
    findings: tuple[Finding, ...]
    rule: PhenotypeLimits

    @property
    def reason(self) -> str:
        """The call as a sentence with its numbers."""
        said = words.of_call(self.phenotype, self.ferritin, self.hladr, self.rule)
        doubts = (found.sentence for found in self.findings if found.code == IMPLAUSIBLE)
        return "; to review: ".join((said, *doubts))

    @property
    def abc(self) -> float | None:
        """Antibodies per cell, or None."""
        return self.hladr.abc

    def row(self) -> dict[str, object]:
        """Return the row of phenotypes.csv."""
        interval = self.ferritin
        return {
            "patient_id": self.patient_id,
            "day": self.day,
            "sample_id": ";".join(self.hladr.sample_ids),
            "status": self.status,
            "flags": flags.codes_of(self.findings),
            "ferritin_ng_ml": interval.value if interval else None,
            "ferritin_low": interval.low if interval else None,
            "ferritin_high": interval.high if interval else None,
            "abc": self.hladr.abc,
            "abc_low": self.hladr.low,
            "abc_high": self.hladr.high,
            "phenotype": self.phenotype,
            "probability": self.probability,
            "borderline": self.borderline,
            "rule": versioned("phenotype", PHENOTYPE_RULE),
            "reason": self.reason,
        }


def call(ferritin: Interval | None, abc: float | None, rule: PhenotypeLimits) -> str:
    """Apply the phenotype rule to one draw.

    Parameters
    ----------
    ferritin : Interval or None
        ng/mL; None where missing.
    abc : float or None
        Antibodies per cell as measured; None where missing or failed. Its interval never changes a call.
    rule : PhenotypeLimits
        The limits; exactly at a limit is not above and not below it.

    Returns
    -------
    str
        `MALS`, `SIP`, `unclassified` or `indeterminate`.
    """
    if ferritin is None:
        return INDETERMINATE
    if ferritin.definitely_above(rule.ferritin_mals_above):
        return MALS
    if abc is None or not ferritin.definitely_at_most(rule.ferritin_mals_above):
        return INDETERMINATE
    return SIP if limits.below(abc, rule.hladr_sip_below) else UNCLASSIFIED


def is_borderline(ferritin: Interval | None, low: float | None, high: float | None, rule: PhenotypeLimits) -> bool:
    """Say whether HLA-DR decides the call and its interval touches the limit (ends included)."""
    if ferritin is None or low is None or high is None:
        return False
    decides = ferritin.definitely_at_most(rule.ferritin_mals_above)
    return decides and limits.at_most(low, rule.hladr_sip_below) and limits.at_least(high, rule.hladr_sip_below)


def probability_of(
    phenotype: str, abc: float | None, low: float | None, high: float | None, rule: PhenotypeLimits
) -> float | None:
    """Return the probability of a call given the interval of AB/C.

    ln AB/C is taken as normal around the measured value (`quantify.intervals.sd_ln_of`).

    Returns
    -------
    float or None
        1 for MALS; None for indeterminate, or where there is no interval on the log scale.
    """
    if phenotype == MALS:
        return 1.0
    if phenotype == INDETERMINATE or abc is None or low is None or high is None or abc <= 0 or low <= 0:
        return None
    sd = sd_ln_of(low, high)
    distance = math.log(rule.hladr_sip_below / abc)
    if sd <= 0:
        return 1.0
    below = 0.5 * math.erfc(-distance / (sd * math.sqrt(2)))
    return below if phenotype == SIP else 1 - below


def call_draws(study: Study, measurements: Iterable[Measurement]) -> list[Draw]:
    """Call every draw of a study.

    Parameters
    ----------
    study : study.Study
        Its `config`, `tubes` and `ferritin` are used.
    measurements : iterable of quantify.Measurement
        One per row of samples.csv, in any order. Only the role `patient` is called.

    Returns
    -------
    list of Draw
        One per patient and day with a tube or a ferritin value, sorted by patient_id (as text) and day.
    """
    return draws_of(tube_values(study, measurements), study.ferritin, phenotype_limits(study.config))


def draws_of(
    values: Iterable[TubeValue], ferritin_values: Iterable[FerritinValue], rule: PhenotypeLimits
) -> list[Draw]:
    """Call every draw, from tubes and ferritin values in any order (see `call_draws`)."""
    tubes: dict[str, dict[int, list[TubeValue]]] = defaultdict(lambda: defaultdict(list))
    roles: dict[str, set[str]] = defaultdict(set)
    for tube in values:
        roles[tube.patient_id].add(tube.role)
        if tube.role == PATIENT:
            tubes[tube.patient_id][tube.day].append(tube)
    blood: dict[str, dict[int, list[Interval]]] = defaultdict(lambda: defaultdict(list))
    for value in ferritin_values:
        # a control is charted and never called, not even by a ferritin value that carries its name
        is_control = "control" in roles[value.patient_id] and PATIENT not in roles[value.patient_id]
        if value.interval is not None and not is_control:
            blood[value.patient_id][value.day].append(value.interval)
    draws = []
    for patient_id in sorted(tubes.keys() | blood.keys()):
        of_tubes, of_blood = tubes.get(patient_id, {}), blood.get(patient_id, {})
        draws += _patient_draws(patient_id, of_tubes, of_blood, rule)
    return draws


def _patient_draws(
    patient_id: str,
    tubes: Mapping[int, list[TubeValue]],
    blood: Mapping[int, list[Interval]],
    rule: PhenotypeLimits,
) -> list[Draw]:
    ferritin = {}
    for day, values in blood.items():
        ordered = tuple(sorted(values, key=_interval_order))
        ferritin[day] = DayFerritin(day, ferritin_module.combine(ordered), ordered)
    doubtful = unconfirmed_falls(ferritin.values())
    draws = []
    for day in sorted(tubes.keys() | ferritin.keys()):
        known = ferritin.get(day)
        draw = make_draw(patient_id, day, known, combine_tubes(tubes.get(day, ())), rule)
        draws.append(_in_doubt(draw, doubtful[day]) if day in doubtful else draw)
    return draws


def _interval_order(interval: Interval) -> tuple:
    low = -math.inf if interval.low is None else interval.low
    high = math.inf if interval.high is None else interval.high
    return low, high, interval.low_included, interval.high_included


def make_draw(patient_id: str, day: int, ferritin: DayFerritin | None, hladr: Hladr, rule: PhenotypeLimits) -> Draw:
    """Call one draw from its combined ferritin and HLA-DR."""
    interval = ferritin.interval if ferritin else None
    phenotype = call(interval, hladr.abc, rule)
    failed = hladr.status == flags.FAILED
    # a failed tube fails the draw only where its value was needed; quantification.csv carries the failure in any case
    left_out = failed and phenotype == MALS
    return Draw(
        patient_id=patient_id,
        day=day,
        phenotype=phenotype,
        ferritin=interval,
        ferritin_values=ferritin.values if ferritin else (),
        hladr=hladr,
        probability=probability_of(phenotype, hladr.abc, hladr.low, hladr.high, rule),
        borderline=is_borderline(interval, hladr.low, hladr.high, rule),
        status=flags.OK if left_out else hladr.status,
        findings=() if left_out else hladr.findings,
        rule=rule,
    )


def _in_doubt(draw: Draw, earlier: Interval) -> Draw:
    before = wording.ferritin(earlier)
    sentence = f"ferritin fell by more than 90 % from the previous draw ({before}), and nothing confirms it"
    doubt = flags.finding(IMPLAUSIBLE, sentence)
    status = flags.FAILED if draw.status == flags.FAILED else flags.REVIEW
    return replace(draw, status=status, findings=(*draw.findings, doubt))
