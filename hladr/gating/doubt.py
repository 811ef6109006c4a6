"""What the doubt about the gate does to PE: the only part of gating that sees HLA-DR, after the gate is fixed."""

import math
from dataclasses import dataclass

import numpy as np

from ..fcs.damage import LARGEST_VALUE

STATISTICS = ("median", "geometric_mean")
LOSS_WEIGHT = 0.3


@dataclass(frozen=True)
class Doubt:
    """How well the monocytes separate, from the mixture alone.

    Attributes
    ----------
    contamination : float
        Expected share of the gate's events that are not monocytes.
    loss : float
        Expected share of the monocytes that the gate leaves out.
    """

    contamination: float
    loss: float

    @property
    def separation(self) -> float:
        """1 - contamination - loss, not below 0: 1 is apart, 0 is one cloud."""
        return max(0.0, 1 - self.contamination - self.loss)

    def uncertain(self, limit: float) -> bool:
        """Tell whether contamination and loss together are more than `limit`."""
        return self.contamination + self.loss > limit


@dataclass(frozen=True)
class PeDoubt:
    """Expected bias (not corrected for) and standard deviation of ln PE that come from the gate, for one statistic."""

    bias_ln: float
    sd_ln: float

    @property
    def total_ln(self) -> float:
        """Both together, as the interval takes them."""
        return math.hypot(self.bias_ln, self.sd_ln)


def is_possible(values: np.ndarray) -> np.ndarray:
    """Return which values a detector can report: damaged events may lie in a gate that does not look at PE."""
    with np.errstate(invalid="ignore"):
        return np.abs(values) <= LARGEST_VALUE


def central(values: np.ndarray, statistic: str) -> float | None:
    """Median or geometric mean of linear PE; None for no events, and for the geometric mean of a median below zero.

    Notes
    -----
    The geometric mean needs positive values: the share at or below zero is raised to 1 % of the median; leaving it out
    would raise the value of dim cells.
    """
    values = values[is_possible(values)]
    if not len(values):
        return None
    middle = float(np.median(values))
    if not math.isfinite(middle):
        return None
    if statistic == "median":
        return middle
    if middle <= 0:
        return None
    return float(np.exp(np.mean(np.log(np.maximum(values, 0.01 * middle)))))


def spread_ln(values: np.ndarray) -> float | None:
    """Robust standard deviation of ln PE, from the 16th and 84th percentile; None where they are not positive."""
    values = values[is_possible(values)]
    if len(values) < 10:
        return None
    low, high = np.percentile(values, [15.865, 84.135])
    return float(math.log(high / low) / 2) if low > 0 else None


def pe_doubt(doubt: Doubt | None, pe: dict[str, dict[str, float | None]], sd_ln: float | None) -> dict[str, PeDoubt]:
    """Turn the doubt about a gate into doubt of ln PE.

    Parameters
    ----------
    doubt : Doubt or None
        Expected contamination and loss; None where they are not known, and then no part of the doubt.
    pe : dict
        statistic -> {main, tight, wide} -> PE.
    sd_ln : float or None
        Spread of ln PE between the gated events; 0.5 where it is not known.

    Returns
    -------
    dict of str to PeDoubt

    Notes
    -----
    A share c of foreign events, all dimmer than the monocytes' median, moves the median to the monocytes' quantile
    (1/2 - c)/(1 - c): by 1.25 c sd. A geometric mean moves by c times the distance of the foreign events, say 3 sd.
    Monocytes that are left out are CD14-dim ones, whose HLA-DR differs by a part of a spread only (`LOSS_WEIGHT`).
    What the tight and the wide gate give is added: it sees what these numbers do not.
    """
    out = {}
    contamination, loss = (doubt.contamination, doubt.loss) if doubt is not None else (0.0, 0.0)
    spread = sd_ln if sd_ln is not None else 0.5
    for statistic in STATISTICS:
        main, tight, wide = (pe[statistic][k] for k in ("main", "tight", "wide"))
        positive = all(value is not None and value > 0 for value in (main, tight, wide))
        moved = abs(math.log(wide / tight)) / 2 if positive else 0.1
        per_event = 1.25 if statistic == "median" else 3.0
        foreign = per_event * contamination * spread
        lost = LOSS_WEIGHT * 1.25 * loss * spread
        out[statistic] = PeDoubt(-foreign, math.hypot(moved, lost))
    return out
