"""Singlet beads by scatter: one tight cluster among debris, doublets and clumps.

Beads of a kit have one size, so singlets are the densest spot of forward against side scatter, whatever the gain.
Debris is spread wide, doublets lie at about twice the scatter; the ellipse about the spot leaves both out. Where the
file has forward height, area over height leaves out the doublets that passed one after the other.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter

RADIUS = 2.5  # of the ellipse, in standard deviations: holds 95.6 % of a two-dimensional normal cluster
MIN_SD = (
    0.004  # ln units: narrower than any bead's scatter (CV 0.4 %); keeps scatter at the detector's limit from giving 0
)


@dataclass(frozen=True)
class Cluster:
    """A cluster of singlet beads.

    Attributes
    ----------
    mask : ndarray of bool, shape (n,)
        The singlets.
    centre : ndarray, shape (2,)
        ln forward, ln side.
    covariance : ndarray, shape (2, 2)
        Of ln forward and ln side.
    """

    mask: np.ndarray
    centre: np.ndarray
    covariance: np.ndarray


def clusters(forward: np.ndarray, side: np.ndarray, height: np.ndarray | None = None, most: int = 3) -> list[Cluster]:
    """Find the densest scatter clusters, the largest first.

    Parameters
    ----------
    forward, side : ndarray, shape (n,)
        Scatter, linear.
    height : ndarray, shape (n,), optional
        Forward height.
    most : int
        At most so many.

    Returns
    -------
    list of Cluster
        Empty if no event has positive scatter.
    """
    usable = (forward > 0) & (side > 0) & np.isfinite(forward) & np.isfinite(side)
    if not usable.any():
        return []
    points = np.log(np.column_stack([np.where(usable, forward, 1.0), np.where(usable, side, 1.0)]))
    found: list[Cluster] = []
    for start in _modes(points[usable], most):
        cluster = _grow(points, usable, start)
        if cluster is None or any(_same(cluster, other) for other in found):
            continue
        found.append(_by_height(cluster, forward, height))
    return sorted(found, key=lambda c: -int(c.mask.sum()))


def _same(one: Cluster, other: Cluster) -> bool:
    step = one.centre - other.centre
    return bool(step @ np.linalg.solve(other.covariance, step) < RADIUS**2)


def _modes(points: np.ndarray, most: int) -> list[np.ndarray]:
    """Return the highest local maxima of the smoothed density, in ln units."""
    low, high = np.percentile(points, [0.5, 99.5], axis=0)
    low, high = low - 0.1, high + 0.1
    bins = 96
    density, edges_x, edges_y = np.histogram2d(
        points[:, 0], points[:, 1], bins=bins, range=[(low[0], high[0]), (low[1], high[1])]
    )
    density = gaussian_filter(density, 1.2, mode="constant", truncate=3)
    highest = maximum_filter(density, 5, mode="constant")
    peaks = np.argwhere((density >= highest) & (density > 0.08 * density.max()))
    order = sorted(map(tuple, peaks), key=lambda ij: (-density[ij], ij))
    centres = [(edges_x[i] + edges_x[i + 1], edges_y[j] + edges_y[j + 1]) for i, j in order[:most]]
    return [np.array(c) / 2 for c in centres]


def _grow(points: np.ndarray, usable: np.ndarray, start: np.ndarray) -> Cluster | None:
    """Fit a normal ellipse to the core of the cluster at `start`.

    The core is what lies within 1.5 sd of the current ellipse; its covariance, divided by what a normal cluster cut
    there keeps, is the next ellipse. Only the core counts, so a halo of debris or doublets hardly moves it.
    """
    centre = start
    near = usable & (np.abs(points - centre) < 0.15).all(axis=1)
    if near.sum() < 20:
        near = usable & (np.abs(points - centre) < 0.4).all(axis=1)
    if near.sum() < 20:
        return None
    centre = np.median(points[near], axis=0)
    spread = np.median(np.abs(points[near] - centre), axis=0) * 1.48
    covariance = np.diag(np.maximum(spread, MIN_SD) ** 2)
    cut = 1.5**2
    kept = 1 - (cut / 2) * np.exp(-cut / 2) / (1 - np.exp(-cut / 2))
    for _ in range(12):
        core = usable & (distance(points, centre, covariance) < cut)
        if core.sum() < 15:
            break
        new = np.cov(points[core], rowvar=False) / kept
        new[np.diag_indices(2)] = np.maximum(new[np.diag_indices(2)], MIN_SD**2)
        limit = 0.98 * np.sqrt(new[0, 0] * new[1, 1])
        new[0, 1] = new[1, 0] = np.clip(new[0, 1], -limit, limit)
        step = np.abs(new / covariance.max() - covariance / covariance.max()).max()
        covariance, centre = new, points[core].mean(axis=0)
        if step < 0.01:
            break
    mask = usable & (distance(points, centre, covariance) < RADIUS**2)
    return Cluster(mask, centre, covariance)


def distance(points: np.ndarray, centre: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the squared Mahalanobis distance of points, shape (n, 2), from a cluster."""
    a, b, d = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    x, y = points[:, 0] - centre[0], points[:, 1] - centre[1]
    return (d * x * x - 2 * b * x * y + a * y * y) / (a * d - b * b)


def _by_height(cluster: Cluster, forward: np.ndarray, height: np.ndarray | None) -> Cluster:
    """Leave out doublets by area over height of forward scatter."""
    if height is None:
        return cluster
    usable = cluster.mask & (height > 0)
    if usable.sum() < 0.5 * cluster.mask.sum():
        return cluster
    ratio = np.log(np.where(usable, forward, 1.0) / np.where(usable, height, 1.0))
    middle = np.median(ratio[usable])
    spread = max(1.4826 * np.median(np.abs(ratio[usable] - middle)), 0.005)
    low, high = float(middle - 3.5 * spread), float(middle + 3.5 * spread)
    return replace(cluster, mask=usable & (ratio > low) & (ratio < high))


def shares_beside(forward: np.ndarray, side: np.ndarray, cluster: Cluster | None) -> tuple[float, float]:
    """Return the shares of the events (n,) below and above the singlets' scatter: debris and clumps."""
    if cluster is None or forward.size == 0:
        return 0.0, 0.0
    sd = np.sqrt(np.diag(cluster.covariance))
    low = np.exp(cluster.centre - np.maximum(4 * sd, 0.2))
    high = np.exp(cluster.centre + np.maximum(3.5 * sd, 0.3))
    below = (forward < low[0]) | (side < low[1])
    above = ~below & ((forward > high[0]) | (side > high[1]))
    return float(below.mean()), float(above.mean())
