"""Which patient is in which arm, and which two arms are compared."""

from .study.types import Study


def arms_of(study: Study) -> dict[str, str]:
    """Return the arm of each patient: from samples.csv, else from outcomes.csv; patients without one are left out.

    Parameters
    ----------
    study : study.Study
        Checked: a patient has one arm at most.
    """
    arms: dict[str, str] = {}
    for row in (*study.tubes, *(study.outcomes or ())):
        if row.arm and getattr(row, "role", "patient") == "patient":
            arms.setdefault(row.patient_id, row.arm)
    return arms


def compared_arms(study: Study) -> tuple[str, str]:
    """Return the names of the two arms, first against second.

    The configured ones, else in order of appearance in samples.csv (then outcomes.csv). A missing one is empty.
    """
    names = list(study.config["cohort"]["arms"] or dict.fromkeys(arms_of(study).values()))
    first, second, *_ = [*names, "", ""]
    return first, second
