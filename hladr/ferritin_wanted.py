"""Ferritin that keeps a blood draw from its call: missing, or known only as a range that contains the limit."""

from collections.abc import Mapping

from .rules import INDETERMINATE

MISSING, UNDECIDED = "missing", "undecided"
REMEDIES = {
    MISSING: "Ask for the value, and enter it in ferritin.csv.",
    UNDECIDED: "Ask the laboratory to dilute the sample and measure ferritin again.",
}


def ferritin_wanted(draw: Mapping) -> str | None:
    """Say what a draw wants of the ferritin laboratory: `missing`, `undecided`, or None.

    Parameters
    ----------
    draw : mapping
        Its row of phenotypes.csv. Such a draw has the status ok where its tubes have: no specimen failed.
    """
    if draw["phenotype"] != INDETERMINATE or draw["ferritin_ng_ml"] is not None:
        return None
    known = draw["ferritin_low"] is not None or draw["ferritin_high"] is not None
    return UNDECIDED if known else MISSING
