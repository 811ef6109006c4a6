"""The 95 % interval of AB/C in ln units: its parts, and how they combine.

Parts are standard deviations of ln AB/C. All are taken as normal but the bead line, whose standard deviation is
itself estimated from the few levels (Student's t with n - 2 degrees of freedom). They combine by Welch-Satterthwaite:
the variances add up, and the degrees of freedom are total² / (line² / dof). The variation between laboratories is not
part of the interval.
"""

import math
from collections.abc import Mapping
from functools import lru_cache

MEDIAN_EFFICIENCY = 1.2533  # sd of a median over that of a mean, normal data: sqrt(pi / 2)
CONFIDENCE = 0.95


def parts(
    *,
    line_variance: float,
    sd_ln: float | None,
    n: int,
    statistic: str,
    gate: Mapping | None,
    kit_cv_percent: float,
    settings: Mapping,
) -> dict[str, float]:
    """Return the standard deviation of each part in ln units.

    Parameters
    ----------
    line_variance : float
        Of ln value at this PE (`Line.variance_at`).
    sd_ln : float or None
        Of ln PE between monocytes.
    n : int
        Monocytes.
    statistic : str
        `median` or `geometric_mean`.
    gate : mapping or None
        bias_ln and sd_ln of the gate, from the tube's reading.
    kit_cv_percent : float
        Of the assigned values.
    settings : mapping
        The configuration's `quantify.interval`.
    """
    assignment = settings["assignment_cv_percent"]
    sampling = 0.0
    if settings["sampling"] and sd_ln and n:
        sampling = sd_ln / math.sqrt(n) * (MEDIAN_EFFICIENCY if statistic == "median" else 1.0)
    doubt = math.hypot(gate.get("sd_ln") or 0.0, gate.get("bias_ln") or 0.0) if settings["gate"] and gate else 0.0
    return {
        "line": math.sqrt(line_variance) if settings["line"] else 0.0,
        "assignment": _ln_sd(kit_cv_percent if assignment is None else assignment),
        "pe_per_antibody": _ln_sd(settings["pe_per_antibody_cv_percent"]),
        "sampling": sampling,
        "gate": doubt,
        "repeatability": _ln_sd(settings["repeatability_cv_percent"]),
    }


def _ln_sd(cv_percent: float) -> float:
    return math.sqrt(math.log1p((cv_percent / 100) ** 2))


def half_width(parts_ln: Mapping[str, float], dof: int) -> tuple[float, float]:
    """Return half the width of the 95 % interval in ln units, and the effective degrees of freedom."""
    line = parts_ln["line"] ** 2
    total = math.fsum(v * v for v in parts_ln.values())
    if total == 0:
        return 0.0, math.inf
    effective = math.inf if line == 0 else dof * (total / line) ** 2
    return t_quantile(effective) * math.sqrt(total), effective


def sd_ln_of(low: float, high: float) -> float:
    """Return the standard deviation of ln AB/C behind a 95 % interval: normal, so that it is 2 x 1.96 of them wide."""
    return math.log(high / low) / 3.92


def t_quantile(dof: float) -> float:
    """Two-sided 95 % quantile of Student's t; of the normal distribution for very many degrees of freedom."""
    return 1.959963984540054 if dof > 1e6 else _t_quantile(round(dof, 4))


@lru_cache(maxsize=4096)
def _t_quantile(dof: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(dof, 0.5 + CONFIDENCE / 2))
