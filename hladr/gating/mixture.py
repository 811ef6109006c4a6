"""Mixtures of Student's t fitted to binned events: fast, and the same whatever the order of the events."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Cells:
    """Occupied cells of a grid.

    Attributes
    ----------
    centres : ndarray (m, d)
        Middle of each cell, in natural units (asinh(value / cofactor)).
    counts : ndarray (m,)
        Events per cell.
    steps : ndarray (m, d) of int
        Place of each cell on the grid; cell 0 begins at `origin`.
    origin, widths : ndarray (d,)
        Natural units.
    """

    centres: np.ndarray
    counts: np.ndarray
    steps: np.ndarray
    origin: np.ndarray
    widths: np.ndarray


@dataclass(frozen=True)
class Moments:
    """What a fit needs of cells: means of 1, x and the products of x over the events of each, and how many they are.

    Attributes
    ----------
    features : ndarray (f, m)
        See `_features`.
    counts : ndarray (m,)
    rounding : ndarray (d,)
        Variance that putting events at the middle of cells adds (Sheppard).
    """

    features: np.ndarray
    counts: np.ndarray
    rounding: np.ndarray


def bin_events(points: list[np.ndarray], widths: np.ndarray) -> Cells:
    """Count events (d arrays of n) on a grid of cells with edges `widths` (d,); their order plays no part."""
    steps = [np.floor(x / w).astype(np.int32) for x, w in zip(points, widths, strict=True)]
    low = np.array([s.min() for s in steps])
    spans = tuple(int(s.max()) - int(a) + 1 for s, a in zip(steps, low, strict=True))
    key = np.zeros(len(steps[0]), dtype=np.int64)
    for s, a, span in zip(steps, low, spans, strict=True):
        key *= span
        key += s - a
    occupied, counts = np.unique(key, return_counts=True)
    places = np.array(np.unravel_index(occupied, spans)).T  # an axis is one block of memory
    return Cells((low + places + 0.5) * widths, counts.astype(float), places, low * widths, np.asarray(widths))


def moments(cells: Cells) -> Moments:
    """Return the moments of each cell."""
    return Moments(_features(cells.centres), cells.counts, np.square(cells.widths) / 12)


def coarse_moments(cells: Cells, factor: int) -> Moments:
    """Return the moments of blocks of `factor` cells along each axis: the sums of a fit stay exact."""
    blocks = cells.steps // factor
    key = np.ravel_multi_index(tuple(blocks.T), tuple(blocks.max(axis=0) + 1))
    _, block = np.unique(key, return_inverse=True)
    counts = np.bincount(block, cells.counts)
    features = np.array([np.bincount(block, row * cells.counts) for row in _features(cells.centres)])
    return Moments(features / counts, counts, np.square(cells.widths) / 12)


@dataclass(frozen=True)
class Mixture:
    """Components with Student t tails, and a uniform background.

    Attributes
    ----------
    shares : ndarray (k,)
    means : ndarray (k, d)
    scatters : ndarray (k, d, d)
        Scale matrices; the covariance is dof / (dof - 2) times as large.
    background, background_density : float
        Share and density of the uniform background.
    dof : int
        Degrees of freedom of all components: cells have heavier tails than a normal distribution of ln values.
    """

    shares: np.ndarray
    means: np.ndarray
    scatters: np.ndarray
    background: float
    background_density: float
    dof: int

    def densities(self, points: np.ndarray) -> np.ndarray:
        """Share times density (k + 1, m) at points (m, d); the last row is the background."""
        return self._densities(self._shifted(_features(points)))

    def _shifted(self, features: np.ndarray) -> np.ndarray:
        """Squared Mahalanobis distances plus the degrees of freedom (k, m) from features (f, m)."""
        k, d = self.means.shape
        coefficients = np.empty((k, len(features)))
        precisions = np.linalg.inv(self.scatters)
        shifts = (precisions @ self.means[:, :, None])[:, :, 0]
        coefficients[:, 0] = (shifts * self.means).sum(axis=1) + self.dof
        coefficients[:, 1 : 1 + d] = -2 * shifts
        rows, columns, times = _products(d)
        coefficients[:, 1 + d :] = precisions[:, rows, columns] * times
        return coefficients @ features

    def _densities(self, shifted: np.ndarray) -> np.ndarray:
        """Densities (k + 1, m) of the t distribution: (shifted / dof) to the power -(dof + d) / 2, scaled."""
        k, d = self.means.shape
        nu = self.dof
        constant = math.lgamma((nu + d) / 2) - math.lgamma(nu / 2) - 0.5 * d * math.log(nu * math.pi)
        level = self.shares * np.exp(constant - 0.5 * np.linalg.slogdet(self.scatters)[1])
        out = np.empty((k + 1, shifted.shape[1]))
        np.multiply(_power(nu / shifted, nu + d), level[:, None], out=out[:k])
        out[k] = max(self.background, 1e-12) * self.background_density
        return out

    def marginal(self, axes: tuple[int, ...]) -> "Mixture":
        """Return the mixture on some of its axes; the background keeps its mean extent per axis."""
        keep = list(axes)
        background = self.background_density ** (len(keep) / self.means.shape[1])
        return Mixture(
            self.shares, self.means[:, keep], self.scatters[:, keep][:, :, keep], self.background, background, self.dof
        )

    @property
    def covariances(self) -> np.ndarray:
        """Covariances (k, d, d)."""
        return self.scatters * (self.dof / (self.dof - 2))


def _power(base: np.ndarray, halves: int) -> np.ndarray:
    """Raise to the power `halves` / 2 by squaring, which spoils `base`: a tenth of a power's time."""
    out = np.sqrt(base) if halves % 2 else None
    bits = f"{halves // 2:b}"[::-1]
    for place, bit in enumerate(bits):
        if place:
            base *= base
        if bit == "1":
            if out is not None:
                out *= base
            else:
                out = base.copy() if place + 1 < len(bits) else base
    return out


@cache
def _products(d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and second axis of the products of d axes, and how often each occurs in a quadratic form."""
    rows, columns = np.triu_indices(d)
    return rows, columns, np.where(rows == columns, 1.0, 2.0)


def _features(points: np.ndarray) -> np.ndarray:
    """1, x and the products of x (f, m) of points (m, d)."""
    x = points.T
    rows, columns, _ = _products(len(x))
    return np.concatenate([np.ones((1, len(points))), x, x[rows] * x[columns]])


def _positive_definite(matrices: np.ndarray) -> np.ndarray:
    """Tell which of (k, d, d) symmetric matrices are positive definite; all, as a rule, which is quickly seen."""
    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        return np.linalg.eigvalsh(matrices)[:, 0] > 0
    return np.ones(len(matrices), dtype=bool)


def fit(
    cells: Moments,
    start: Mixture,
    *,
    prior_scatter: np.ndarray,
    prior_events: float = 15.0,
    max_iterations: int = 60,
    tolerance: float = 1e-5,
    fixed: tuple[int, ...] = (),
) -> tuple[Mixture, float]:
    """Fit by expectation maximisation from `start`.

    Parameters
    ----------
    cells : Moments
    start : Mixture
    prior_scatter : ndarray (d, d)
        What a component without events would look like (inverse-Wishart prior, as many events as `prior_events`).
    max_iterations, tolerance
        Stop when the mean log likelihood per event gains less.
    fixed : tuple of int
        Components of which only the share is fitted.

    Returns
    -------
    Mixture, float
        The fit and its mean log likelihood per event.

    Notes
    -----
    Mixtures of t: Peel and McLachlan, Statistics and Computing 2000;10:339; for flow cytometry Lo et al., Cytometry A
    2008;73:321. Squared distances are linear in 1, x and the products of x, so that an expectation step is one matrix
    product and a maximisation step another.
    """
    d = start.means.shape[1]
    rows, columns, _ = _products(d)
    total = cells.counts.sum()
    rounding = np.diag(cells.rounding)
    floor = prior_scatter / 16
    mixture, previous = start, -math.inf
    nu = start.dof
    for _ in range(max_iterations):
        shifted = mixture._shifted(cells.features)
        posterior = mixture._densities(shifted)
        density = posterior.sum(axis=0)
        mean_log = float(cells.counts @ np.log(density)) / total
        if mean_log - previous < tolerance:
            break
        previous = mean_log
        posterior *= cells.counts / density
        weight = np.maximum(posterior.sum(axis=1), 1e-9)
        posterior = posterior[:-1]
        posterior /= shifted
        sums = (nu + d) * (posterior @ cells.features.T)
        drawn = np.maximum(sums[:, 0], 1e-9)
        means = sums[:, 1 : 1 + d] / drawn[:, None]
        second = np.empty((len(drawn), d, d))
        second[:, rows, columns] = second[:, columns, rows] = sums[:, 1 + d :]
        scatter = second - drawn[:, None, None] * (means[:, :, None] * means[:, None, :] + rounding)
        scatters = (scatter + prior_events * prior_scatter) / (weight[:-1] + prior_events)[:, None, None]
        thin = ~_positive_definite(scatters - floor)
        scatters[thin] += rounding + floor
        for i in fixed:
            means[i], scatters[i] = start.means[i], start.scatters[i]
        mixture = Mixture(
            weight[:-1] / total, means, scatters, float(weight[-1] / total), mixture.background_density, nu
        )
    return mixture, previous
