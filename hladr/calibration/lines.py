"""Straight lines through bead levels in log10-log10, their uncertainty, and the models that stand beside them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_ERROR_PERCENT = 1e-9  # below it, the line goes through all levels and what is left is rounding


@dataclass(frozen=True)
class Line:
    """log10 value = intercept + slope * log10 PE, by ordinary least squares.

    Attributes
    ----------
    slope, intercept : float
    r_squared : float
    dof : int
        n - 2.
    covariance : tuple of tuple of float, or None
        Of (intercept, slope); None for two levels.
    recoveries : tuple of float
        Back-calculated over assigned, per level.
    recoveries_left_out : tuple of (float or None)
        The same by the line through all other levels; None where fewer than two others are there.
    max_recovery_error_percent : float
    slope_one : float
        Intercept of the line with slope 1.
    offset : tuple of (float, float) or None
        (log10 k, b) of value = k * PE - b: a bead autofluorescence or an electronic offset, in units of the values.
    offset_rms, line_rms : float or None
        Root mean square residuals, log10 units, of the offset model and of the line.
    pe_low, pe_high : float
        Dimmest and brightest level used.
    """

    slope: float
    intercept: float
    r_squared: float
    dof: int
    covariance: tuple[tuple[float, float], tuple[float, float]] | None
    recoveries: tuple[float, ...]
    recoveries_left_out: tuple[float | None, ...]
    max_recovery_error_percent: float
    slope_one: float
    offset: tuple[float, float] | None
    offset_rms: float | None
    line_rms: float
    pe_low: float
    pe_high: float

    def read(self, pe: float, model: str = "line") -> float | None:
        """Read one PE off a model; None at or below zero PE, and without that model.

        Parameters
        ----------
        pe : float
        model : {"line", "by_slope_one", "by_offset"}
            The line; the line with slope 1; the model with bead autofluorescence, value = k * PE, the b of the beads
            taken as theirs alone.
        """
        if not pe > 0:
            return None
        x = math.log10(pe)
        if model == "line":
            return 10.0 ** (self.intercept + self.slope * x)
        if model == "by_slope_one":
            return 10.0 ** (self.slope_one + x)
        return None if self.offset is None else 10.0 ** (self.offset[0] + x)

    def variance_at(self, pe: float) -> float | None:
        """Variance of ln value for the mean response at a PE > 0; None without residual degrees of freedom."""
        if self.covariance is None:
            return None
        (aa, ab), (_, bb) = self.covariance
        x = math.log10(pe)
        return max(math.log(10) ** 2 * (aa + 2 * x * ab + x * x * bb), 0.0)


def fit(pe: Sequence[float], values: Sequence[float]) -> Line:
    """Fit the line and its neighbours.

    Parameters
    ----------
    pe, values : sequence of float, length n >= 2
        PE of the levels and their assigned values, all positive.

    Raises
    ------
    ValueError
        For fewer than two levels, or levels of equal PE.
    """
    x, y = np.log10(np.asarray(pe, float)), np.log10(np.asarray(values, float))
    n = x.size
    if n < 2 or np.ptp(x) < 1e-9:
        raise ValueError("a line needs two levels of different PE")
    slope, intercept = _ols(x, y)
    residuals = y - intercept - slope * x
    dof = n - 2
    sxx = float(np.sum((x - x.mean()) ** 2))
    sse, total = float(residuals @ residuals), float(np.sum((y - y.mean()) ** 2))
    covariance = None
    if dof > 0:
        variance = sse / dof
        ab = -variance * float(x.mean()) / sxx
        covariance = ((variance * (1 / n + float(x.mean()) ** 2 / sxx), ab), (ab, variance / sxx))
    recoveries = 10.0 ** (-residuals)
    worst = float(100 * np.abs(recoveries - 1).max())
    offset, offset_rms = _offset_model(np.asarray(pe, float), y) if n >= 3 else (None, None)
    return Line(
        slope,
        intercept,
        1 - sse / total if total > 0 else float("nan"),
        dof,
        covariance,
        tuple(map(float, recoveries)),
        tuple(_left_out(x, y, k) for k in range(n)),
        worst if worst >= LEAST_ERROR_PERCENT else 0.0,
        float(np.mean(y - x)),
        offset,
        offset_rms,
        math.sqrt(sse / n),
        float(np.min(pe)),
        float(np.max(pe)),
    )


def _ols(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    dx = x - x.mean()
    slope = float(dx @ (y - y.mean()) / (dx @ dx))
    return slope, float(y.mean() - slope * x.mean())


def _left_out(x: np.ndarray, y: np.ndarray, k: int) -> float | None:
    others = np.arange(x.size) != k
    if others.sum() < 2 or np.ptp(x[others]) < 1e-9:
        return None
    slope, intercept = _ols(x[others], y[others])
    return float(10.0 ** (intercept + slope * x[k] - y[k]))


def _offset_model(pe: np.ndarray, y: np.ndarray) -> tuple[tuple[float, float] | None, float | None]:
    """Least squares of log10(k PE - b) on y, by a golden section search over the share c = b / (k min PE) below 1.

    For a given c the best log10 k is the mean of y - log10(PE - c min PE); so only c is searched. By hand: the
    import of scipy.optimize alone would cost each batch job half a second.
    """
    dimmest = float(pe.min())

    def loss(c: float) -> tuple[float, float]:
        rest = y - np.log10(pe - c * dimmest)
        return float(np.sum((rest - rest.mean()) ** 2)), float(rest.mean())

    low, high = -3.0, 0.95
    grid = np.linspace(low, high, 80)
    at = int(np.argmin([loss(c)[0] for c in grid]))
    a, b = grid[max(at - 1, 0)], grid[min(at + 1, grid.size - 1)]
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(40):
        c, d = b - golden * (b - a), a + golden * (b - a)
        if loss(c)[0] < loss(d)[0]:
            b = d
        else:
            a = c
    best = (a + b) / 2
    sse, log_k = loss(best)
    return (log_k, float(best * dimmest * 10**log_k)), math.sqrt(sse / pe.size)
