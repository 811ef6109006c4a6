"""Gaussian mixtures fitted to binned events: fast, and the same whatever the order of the events."""

import math
from dataclasses import dataclass

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


def bin_events(points: np.ndarray, widths: np.ndarray) -> Cells:
    """Count events (n, d) on a grid of cells with edges `widths` (d,); the order of the events plays no part."""
    steps = np.floor(points / widths).astype(np.int32)
    low = steps.min(axis=0)
    steps -= low
    spans = tuple(int(k) for k in steps.max(axis=0) + 1)
    key = np.ravel_multi_index(tuple(steps.T), spans)
    occupied, counts = np.unique(key, return_counts=True)
    places = np.column_stack(np.unravel_index(occupied, spans))
    return Cells((low + places + 0.5) * widths, counts.astype(float), places, low * widths, np.asarray(widths))


@dataclass(frozen=True)
class Mixture:
    """Components with Student t tails, and a uniform background.

    Attributes
    ----------
    shares : ndarray (k,)
    means : ndarray (k, d)
    scatters : ndarray (k, d, d)
        Scale matrices; the covariance is dof / (dof - 2) times as large.
    background, background_log_density : float
        Share and log density of the uniform background.
    dof : float
        Degrees of freedom of all components: cells have heavier tails than a normal distribution of ln values.
    """

    shares: np.ndarray
    means: np.ndarray
    scatters: np.ndarray
    background: float
    background_log_density: float
    dof: float

    def log_densities(self, points: np.ndarray) -> np.ndarray:
        """Log of share times density (k + 1, m) at points (m, d); the last row is the background."""
        return self._logs(self._distances(_features(points)))

    def _distances(self, features: np.ndarray) -> np.ndarray:
        """Squared Mahalanobis distances (k, m) from features (f, m)."""
        k, d = self.means.shape
        coefficients = np.empty((k, len(features)))
        precisions = np.linalg.inv(self.scatters)
        shifts = np.einsum("kij,kj->ki", precisions, self.means)
        coefficients[:, 0] = np.einsum("ki,ki->k", shifts, self.means)
        coefficients[:, 1 : 1 + d] = -2 * shifts
        for column, (a, b) in enumerate(_pairs(d)):
            coefficients[:, 1 + d + column] = precisions[:, a, b] * (1 if a == b else 2)
        distances = coefficients @ features
        return np.maximum(distances, 0, out=distances)

    def _logs(self, distances: np.ndarray) -> np.ndarray:
        k, d = self.means.shape
        nu = self.dof
        constant = math.lgamma((nu + d) / 2) - math.lgamma(nu / 2) - 0.5 * d * math.log(nu * math.pi)
        level = np.log(np.maximum(self.shares, 1e-300)) + constant - 0.5 * np.linalg.slogdet(self.scatters)[1]
        out = np.empty((k + 1, distances.shape[1]))
        np.multiply(distances, 1 / nu, out=out[:k])
        np.log1p(out[:k], out=out[:k])
        out[:k] *= -0.5 * (nu + d)
        out[:k] += level[:, None]
        out[k] = math.log(max(self.background, 1e-300)) + self.background_log_density
        return out

    def responsibilities(self, points: np.ndarray) -> np.ndarray:
        """Posterior share of each component (k + 1, m), background last."""
        return _normalise(self.log_densities(points))[0]

    def marginal(self, axes: tuple[int, ...]) -> "Mixture":
        """Return the mixture on some of its axes; the background keeps its mean extent per axis."""
        keep = list(axes)
        background = self.background_log_density * len(keep) / self.means.shape[1]
        return Mixture(
            self.shares, self.means[:, keep], self.scatters[:, keep][:, :, keep], self.background, background, self.dof
        )

    @property
    def covariances(self) -> np.ndarray:
        """Covariances (k, d, d)."""
        return self.scatters * (self.dof / (self.dof - 2))


def _pairs(d: int) -> list[tuple[int, int]]:
    return [(a, b) for a in range(d) for b in range(a, d)]


def _features(points: np.ndarray) -> np.ndarray:
    rows = [np.ones(len(points)), *points.T]
    rows += [points[:, a] * points[:, b] for a, b in _pairs(points.shape[1])]
    return np.array(rows)


def _normalise(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn logs (k + 1, m), in place, into posterior shares; also return the log of their sum (m,)."""
    top = logs.max(axis=0)
    logs -= top
    np.exp(logs, out=logs)
    total = logs.sum(axis=0)
    logs /= total
    return logs, top + np.log(total)


def fit(
    cells: Cells,
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
    cells : Cells
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
    features = _features(cells.centres)
    d = cells.centres.shape[1]
    pairs = _pairs(d)
    total = cells.counts.sum()
    rounding = np.diag(np.square(cells.widths) / 12)  # what putting events at the middle of cells adds (Sheppard)
    floor = prior_scatter / 16
    mixture, previous = start, -math.inf
    nu = start.dof
    for _ in range(max_iterations):
        distances = mixture._distances(features)
        posterior, log_likelihood = _normalise(mixture._logs(distances))
        mean_log = float(cells.counts @ log_likelihood) / total
        if mean_log - previous < tolerance:
            break
        previous = mean_log
        posterior *= cells.counts
        weight = np.maximum(posterior.sum(axis=1), 1e-9)
        posterior = posterior[:-1]
        distances += nu
        posterior /= distances
        posterior *= nu + d
        sums = posterior @ features.T
        drawn = np.maximum(sums[:, 0], 1e-9)
        means = sums[:, 1 : 1 + d] / drawn[:, None]
        second = np.empty((len(drawn), d, d))
        for row, (a, b) in enumerate(pairs):
            second[:, a, b] = second[:, b, a] = sums[:, 1 + d + row]
        scatter = second - drawn[:, None, None] * (means[:, :, None] * means[:, None, :] + rounding)
        scatters = (scatter + prior_events * prior_scatter) / (weight[:-1] + prior_events)[:, None, None]
        scatters = np.where(
            np.linalg.eigvalsh(scatters - floor)[:, :1, None] > 0, scatters, scatters + rounding + floor
        )
        for i in fixed:
            means[i], scatters[i] = start.means[i], start.scatters[i]
        mixture = Mixture(
            weight[:-1] / total, means, scatters, float(weight[-1] / total), mixture.background_log_density, nu
        )
    return mixture, previous
