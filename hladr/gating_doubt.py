"""What the doubt about the gate does to PE: the only part of gating that sees HLA-DR, after the gate is fixed."""

import math
from dataclasses import dataclass

import numpy as np

STATISTICS = ("median", "geometric_mean")


@dataclass(frozen=True)
class PeDoubt:
    """For one statistic of PE: expected bias and standard deviation of ln PE that come from the gate."""

    bias_ln: float
    sd_ln: float


def central(values: np.ndarray, statistic: str) -> float | None:
    """Median or geometric mean of linear PE; None for no events, or a median that is not positive.

    Notes
    -----
    The geometric mean needs positive values: the share at or below zero is raised to 1 % of the median; leaving it out
    would raise the value of dim cells.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    middle = float(np.median(values))
    if not math.isfinite(middle) or middle <= 0:
        return None
    if statistic == "median":
        return middle
    return float(np.exp(np.mean(np.log(np.maximum(values, 0.01 * middle)))))


def spread_ln(values: np.ndarray) -> float | None:
    """Robust standard deviation of ln PE, from the 16th and 84th percentile; None where they are not positive."""
    values = values[np.isfinite(values)]
    if len(values) < 10:
        return None
    low, high = np.percentile(values, [15.865, 84.135])
    return float(math.log(high / low) / 2) if low > 0 else None


def pe_doubt(
    contamination: float, loss: float, pe: dict[str, dict[str, float | None]], sd_ln: float | None
) -> dict[str, PeDoubt]:
    """Turn expected contamination and loss into doubt of ln PE.

    Notes
    -----
    A share c of foreign events, all below the monocytes' median, moves the median to the monocytes' quantile
    (1/2 - c)/(1 - c): by 1.25 c sd. The tight and the wide gate show what really happens.
    """
    out = {}
    for statistic in STATISTICS:
        main, tight, wide = (pe[statistic][k] for k in ("main", "tight", "wide"))
        moved = abs(math.log(wide / tight)) / 2 if main and tight and wide else 0.1
        foreign = 1.25 * (contamination + loss) / 2 * (sd_ln or 0.5)
        out[statistic] = PeDoubt(0.0, math.hypot(moved, foreign))
    return out
