"""What may be released: a tube's value, and the call of a draw, from their status and the decisions of releases.csv."""

from collections.abc import Mapping, Sequence

from .flags import FAILED, OK
from .rules import INDETERMINATE
from .study.types import Release

MAY, LOOK, NO, HELD, RELEASED, SUPERSEDED = "may", "look", "no", "held", "released", "superseded"
CONTROL = "control"  # a tube that belongs to no patient: no call comes from it, so there is nothing to release


def of_tube(row: Mapping, decision: Release | None, replaced: bool, is_patient: bool = True) -> str:
    """Say what may be done with a tube's value: one of the words above.

    Parameters
    ----------
    row : mapping
        Its row of quantification.csv.
    decision : study.Release or None
        The last one on it.
    replaced : bool
        Another tube supersedes it.
    is_patient : bool
        Its role is `patient`.
    """
    if replaced:
        return SUPERSEDED
    if decision is not None and decision.decision == "hold":
        return HELD
    if not is_patient:
        return CONTROL
    if row["status"] == FAILED:
        return NO
    if decision is not None and decision.decision == "release":
        return RELEASED
    return MAY if row["status"] == OK else LOOK


def of_draw(draw: Mapping, tubes: Sequence[tuple[str, str, str]]) -> str:
    """Say whether a call may be released: `may`, `look`, `held`, or `no` where there is none.

    Parameters
    ----------
    draw : mapping
        Its row of phenotypes.csv.
    tubes : sequence of (str, str, str)
        Of each tube that nothing supersedes: sample_id, flags, and what `of_tube` says.
    """
    if draw["phenotype"] == INDETERMINATE:
        return NO
    if any(state == HELD for _, _, state in tubes):
        return HELD
    if draw["status"] == OK:
        return MAY
    named = _parts(draw["sample_id"])
    used = [(flags, state) for sample_id, flags, state in tubes if sample_id in named]
    # a reviewer who released every tube of the draw has decided about what was doubtful in them
    own = _parts(draw["flags"]).difference(*(_parts(flags) for flags, _ in used))
    return MAY if used and not own and all(state in (RELEASED, MAY) for _, state in used) else LOOK


def _parts(joined: str | None) -> set[str]:
    return set((joined or "").split(";")) - {""}
