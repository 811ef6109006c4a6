"""Gaussian mixtures fitted to binned events: fast, and the same whatever the order of the events."""

import math
from dataclasses import dataclass

import numpy as np

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Cells:
    """Occupied cells of a grid.

    Attributes
    ----------
    centres : ndarray (m, d)
        Mean position of a cell's events, in natural units (asinh(value / cofactor)).
    counts : ndarray (m,)
        Events per cell.
    width : float
        Edge of a cell, natural units.
    index : ndarray (n,) of int
        Cell of each event.
    """

    centres: np.ndarray
    counts: np.ndarray
    width: float
    index: np.ndarray


def bin_events(points: np.ndarray, width: float) -> Cells:
    """Count events (n, d) on a grid of cells of edge `width`; cells in the order of their position."""
    steps = np.floor(points / width).astype(np.int64)
    steps -= steps.min(axis=0)
    spans = steps.max(axis=0) + 1
    key = steps[:, 0]
    for j in range(1, steps.shape[1]):
        key = key * spans[j] + steps[:, j]
    size = int(np.prod(spans.astype(float)))
    if size <= 4_000_000:
        table = np.bincount(key, minlength=size)
        occupied = np.flatnonzero(table)
        lookup = np.zeros(size, dtype=np.int32)
        lookup[occupied] = np.arange(len(occupied), dtype=np.int32)
        index, counts = lookup[key], table[occupied]
    else:
        occupied, index, counts = np.unique(key, return_inverse=True, return_counts=True)
    low = np.floor(points / width).min(axis=0)
    centres = np.empty((len(occupied), points.shape[1]))
    rest = occupied
    for j in range(points.shape[1] - 1, -1, -1):
        rest, step = np.divmod(rest, spans[j])
        centres[:, j] = (step + low[j] + 0.5) * width
    return Cells(centres, counts.astype(float), width, index)


@dataclass(frozen=True)
class Mixture:
    """Components: shares (k,), means (k, d), covariances (k, d, d), and a uniform background's share and log density."""

    shares: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    background: float
    background_log_density: float

    def log_densities(self, points: np.ndarray) -> np.ndarray:
        """Log of share times density (m, k + 1) at points (m, d); the last column is the background."""
        return _features(points) @ self._coefficients()

    def _coefficients(self) -> np.ndarray:
        k, d = self.means.shape
        pairs = _pairs(d)
        out = np.zeros((1 + d + len(pairs), k + 1))
        for i in range(k):
            precision = np.linalg.inv(self.covariances[i])
            shift = precision @ self.means[i]
            _, logdet = np.linalg.slogdet(self.covariances[i])
            out[0, i] = math.log(max(self.shares[i], 1e-300)) - 0.5 * (d * LOG_2PI + logdet + self.means[i] @ shift)
            out[1 : 1 + d, i] = shift
            for row, (a, b) in enumerate(pairs):
                out[1 + d + row, i] = -0.5 * precision[a, b] * (1 if a == b else 2)
        out[0, k] = math.log(max(self.background, 1e-300)) + self.background_log_density
        return out

    def responsibilities(self, points: np.ndarray) -> np.ndarray:
        """Posterior share of each component (m, k + 1), background last."""
        return _normalise(self.log_densities(points))[0]


def _pairs(d: int) -> list[tuple[int, int]]:
    return [(a, b) for a in range(d) for b in range(a, d)]


def _features(points: np.ndarray) -> np.ndarray:
    columns = [np.ones(len(points)), *points.T]
    columns += [points[:, a] * points[:, b] for a, b in _pairs(points.shape[1])]
    return np.column_stack(columns)


def _normalise(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    top = logs.max(axis=1, keepdims=True)
    weights = np.exp(logs - top)
    total = weights.sum(axis=1, keepdims=True)
    return weights / total, (top + np.log(total))[:, 0]


def fit(
    cells: Cells,
    start: Mixture,
    *,
    prior_covariance: np.ndarray,
    prior_events: float = 10.0,
    max_iterations: int = 60,
    tolerance: float = 1e-5,
) -> tuple[Mixture, float]:
    """Fit by expectation maximisation from `start`.

    Parameters
    ----------
    cells : Cells
    start : Mixture
    prior_covariance : ndarray (d, d) or (k, d, d)
        What a component without events would look like (inverse-Wishart prior, as many events as `prior_events`).
    max_iterations, tolerance
        Stop when the mean log likelihood per event gains less.

    Returns
    -------
    Mixture, float
        The fit and its mean log likelihood per event.

    Notes
    -----
    Log densities are linear in 1, x and the products of x, so that an expectation step is one matrix product and a
    maximisation step another.
    """
    features = _features(cells.centres)
    d = cells.centres.shape[1]
    pairs = _pairs(d)
    total = cells.counts.sum()
    prior = np.broadcast_to(prior_covariance, (len(start.shares), d, d))
    mixture, previous = start, -math.inf
    for _ in range(max_iterations):
        posterior, log_likelihood = _normalise(features @ mixture._coefficients())
        mean_log = float(cells.counts @ log_likelihood) / total
        if mean_log - previous < tolerance:
            break
        previous = mean_log
        posterior *= cells.counts[:, None]
        sums = posterior.T @ features
        weight = np.maximum(sums[:-1, 0], 1e-9)
        means = sums[:-1, 1 : 1 + d] / weight[:, None]
        second = np.empty((len(weight), d, d))
        for row, (a, b) in enumerate(pairs):
            second[:, a, b] = second[:, b, a] = sums[:-1, 1 + d + row]
        scatter = second - weight[:, None, None] * means[:, :, None] * means[:, None, :]
        covariances = (scatter + prior_events * prior) / (weight + prior_events)[:, None, None]
        mixture = Mixture(
            weight / total, means, covariances, float(sums[-1, 0] / total), mixture.background_log_density
        )
    return mixture, previous
