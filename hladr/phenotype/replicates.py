"""The tubes of one blood draw as one HLA-DR value: which of them count, and how they are combined."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .. import flags, wording
from ..flags import Finding
from ..quantify.measurement import Measurement
from ..study.types import Study, superseded


@dataclass(frozen=True, slots=True)
class TubeValue:
    """What a call needs to know of a tube.

    Attributes
    ----------
    sample_id, patient_id, day, role : str, str, int, str
        As in samples.csv.
    replaces : str
        The sample_id of the tube that this one supersedes, or empty.
    status : str
        `ok`, `review` or `failed`.
    findings : tuple of Finding
        Why it is not `ok`.
    abc, abc_low, abc_high : float or None
        Antibodies per cell with the ends of the 95 % interval.
    """

    sample_id: str
    patient_id: str
    day: int
    role: str = "patient"
    replaces: str = ""
    status: str = flags.OK
    findings: tuple[Finding, ...] = ()
    abc: float | None = None
    abc_low: float | None = None
    abc_high: float | None = None


def tube_values(study: Study, measurements: Iterable[Measurement]) -> list[TubeValue]:
    """Join the measurements with their rows of samples.csv.

    Parameters
    ----------
    study : study.Study
        Its `tubes` say role and `replaces`.
    measurements : iterable of quantify.Measurement
        One per tube, in any order.
    """
    tubes = {tube.sample_id: tube for tube in study.tubes}
    values = []
    for m in measurements:
        tube = tubes[m.sample_id]
        values.append(
            TubeValue(
                m.sample_id,
                tube.patient_id,
                tube.day,
                tube.role,
                tube.replaces or "",
                m.status,
                tuple(m.findings),
                m.abc,
                m.abc_low,
                m.abc_high,
            )
        )
    return values


@dataclass(frozen=True, slots=True)
class Hladr:
    """HLA-DR of one draw: its tubes combined.

    Attributes
    ----------
    abc, low, high : float or None
        Antibodies per cell with the ends of the 95 % interval; None where there is none.
    sample_ids : tuple of str
        The tubes that count, or where all failed, those.
    findings : tuple of Finding
        Of these tubes.
    status : str
        Of these tubes: `failed` where all failed, `ok` where there is no tube.
    notes : tuple of str
        What was done to the tubes, in plain words.
    """

    abc: float | None = None
    low: float | None = None
    high: float | None = None
    sample_ids: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    status: str = flags.OK
    notes: tuple[str, ...] = ()


def combine_tubes(tubes: Iterable[TubeValue]) -> Hladr:
    """Combine the tubes of one draw (role patient): geometric mean, lowest low and highest high.

    Tubes that another one replaces and failed tubes are left out. A tube without an interval (a reported value) has no
    low and no high: it counts in the mean, and the interval is that of the others, which the notes say.

    Notes
    -----
    Independent of the order of the tubes.
    """
    ordered = sorted(tubes, key=lambda tube: tube.sample_id)
    if not ordered:
        return Hladr()
    replaced_by = superseded(ordered)
    current = [tube for tube in ordered if tube.sample_id not in replaced_by]
    counted = [tube for tube in current if tube.status != flags.FAILED and tube.abc is not None]
    shown = counted or current
    notes = [f"{t.sample_id} is replaced by {replaced_by[t.sample_id]}" for t in ordered if t.sample_id in replaced_by]
    findings = list(dict.fromkeys(finding for tube in shown for finding in tube.findings))
    ids = tuple(tube.sample_id for tube in shown)
    if not counted:
        failed = any(tube.status == flags.FAILED for tube in shown)
        return Hladr(None, None, None, ids, tuple(findings), flags.FAILED if failed else flags.OK, tuple(notes))
    left_out = [tube.sample_id for tube in current if tube not in counted]
    notes += [f"{sample_id} failed and is left out" for sample_id in left_out]
    values = [tube.abc for tube in counted]
    low, high = _hull(counted)
    if len(counted) > 1:
        notes.append(
            f"geometric mean of {len(counted)} tubes ({', '.join(wording.abc_number(v) for v in values)} AB/C)"
        )
    if low is not None:
        without = [tube.sample_id for tube in counted if tube.abc_low is None or tube.abc_high is None]
        notes += [f"{sample_id} has no interval and counts in the mean alone" for sample_id in without]
    status = flags.REVIEW if any(tube.status == flags.REVIEW for tube in counted) else flags.status_of(findings)
    return Hladr(geometric_mean(values), low, high, ids, tuple(findings), status, tuple(notes))


def _hull(tubes: Sequence[TubeValue]) -> tuple[float | None, float | None]:
    stated = [tube for tube in tubes if tube.abc_low is not None and tube.abc_high is not None]
    if not stated:
        return None, None
    return min(tube.abc_low for tube in stated), max(tube.abc_high for tube in stated)


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean; one value stays as it is, and a value of 0 or less makes it 0 (its limit)."""
    if len(values) == 1:
        return values[0]
    if min(values) <= 0:
        return 0.0
    return math.exp(math.fsum(math.log(value) for value in values) / len(values))
