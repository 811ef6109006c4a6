"""Westgard's rules on the standardised values of a series (Westgard JO et al., Clin Chem 1981;27:493)."""

from collections.abc import Sequence


def westgard(scores: Sequence[float]) -> list[str]:
    """Name the rules that the last run breaks.

    Parameters
    ----------
    scores : sequence of float
        (value - mean) / sd of the accepted runs, oldest first; the last is the run in question.

    Returns
    -------
    list of str
        Of `1-3s` (one beyond 3 sd), `2-2s` (two in a row beyond 2 sd on one side), `R-4s` (one beyond +2 sd and the
        next beyond -2 sd, or the reverse), `4-1s` (four in a row beyond 1 sd on one side), `10-x` (ten in a row on
        one side of the mean).
    """
    broken = []
    if abs(scores[-1]) > 3:
        broken.append("1-3s")
    if _one_side(scores, 2, 2):
        broken.append("2-2s")
    if len(scores) >= 2 and min(scores[-2:]) < -2 and max(scores[-2:]) > 2:
        broken.append("R-4s")
    if _one_side(scores, 4, 1):
        broken.append("4-1s")
    if _one_side(scores, 10, 0):
        broken.append("10-x")
    return broken


def _one_side(scores: Sequence[float], number: int, beyond: float) -> bool:
    last = scores[-number:]
    return len(last) == number and (all(z > beyond for z in last) or all(z < -beyond for z in last))
