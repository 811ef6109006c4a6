"""Baselines, rejected candidates and the supervised ceiling of the gating benchmark: each gives a mask of monocytes."""

from functools import cache

import numpy as np
from gating_tubes import by_channel, columns_of, truth_of

from hladr.flags import SpecimenError
from hladr.gating import apply
from hladr.gating.learn import Columns, Signal, learn
from hladr.gating.leukocytes import leukocyte_threshold
from hladr.simulate import CYTOMETERS, Blood, SimulatedTube, simulate_tube


def hladr_gate(columns: Columns, tube, settings):
    """Our gate: mask, what was learnt, all masks; the mask is empty where no monocytes were found."""
    n = len(columns.side.values)
    try:
        learned = learn(columns, settings)
    except SpecimenError:
        return np.zeros(n, dtype=bool), None, {}
    values = by_channel(columns)
    masks = apply(learned.gates, lambda axis: values[axis.channel], n)
    return masks["monocytes"], learned, masks


@cache
def _template(model: str, cd45: bool):
    """Draw a healthy tube of the cytometer at its nominal settings: what a laboratory's template is."""
    rng = np.random.default_rng(1)
    columns, _ = columns_of(simulate_tube(Blood(n_events=60_000, cd45=cd45), CYTOMETERS[model], rng))
    return columns


def template_gate(columns: Columns, tube: SimulatedTube, settings) -> np.ndarray:
    """Apply the gates of a healthy tube as they are."""
    gates = learn(_template(tube.cytometer.model, columns.cd45 is not None), settings).gates
    values = by_channel(columns)
    return apply(gates, lambda axis: values[axis.channel], len(columns.side.values))["monocytes"]


def natural(signal: Signal, cofactor: float) -> np.ndarray:
    """Scale to asinh(value / cofactor)."""
    return np.arcsinh(signal.values / max(cofactor, signal.top * 1e-5))


def leukocytes(columns: Columns) -> np.ndarray:
    """Events over the debris valley, below the limits of scatter."""
    inside = (columns.side.values < 0.999 * columns.side.top) & (columns.forward.values < 0.999 * columns.forward.top)
    third = columns.cd45 or columns.forward
    level = natural(third, np.percentile(third.values, 75) / 100)
    return inside & (level > leukocyte_threshold(level[inside], columns.cd45 is not None))


def features(columns: Columns, rows: np.ndarray) -> np.ndarray:
    """CD14, SSC, CD45 and FSC in natural units, (n, 4)."""
    cd14, side = columns.cd14.values[rows], columns.side.values[rows]
    parts = [
        natural(columns.cd14, np.subtract(*np.percentile(cd14, [10, 1])) * 2)[rows],
        natural(columns.side, np.median(side) / 5)[rows],
    ]
    for signal in (columns.cd45, columns.forward):
        if signal is not None:
            parts.append(natural(signal, np.median(signal.values[rows]) / 20)[rows])
    return np.column_stack(parts)


def _density(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed histogram in steps of 0.05 natural units."""
    counts, edges = np.histogram(values, np.arange(values.min() - 0.5, values.max() + 0.6, 0.05))
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / 3.0) ** 2)
    return np.convolve(counts, kernel / kernel.sum(), "same"), (edges[:-1] + edges[1:]) / 2


def _peaks(density: np.ndarray, least: float) -> np.ndarray:
    top = (density[1:-1] > density[:-2]) & (density[1:-1] >= density[2:]) & (density[1:-1] > least)
    return np.flatnonzero(top) + 1


def _cut_below_last_peak(values: np.ndarray) -> float:
    """Cut at the deepest valley between the last peak and the one before; without two, 3 sd above the only one."""
    density, centres = _density(values)
    peaks = _peaks(density, 0.0005 * len(values) * 0.15)
    if len(peaks) < 2:
        return float(np.median(values) + 3 * 1.4826 * np.median(np.abs(values - np.median(values))))
    first, last = peaks[-2], peaks[-1]
    return float(centres[first + np.argmin(density[first : last + 1])])


def valley_gate(columns: Columns, tube, settings, with_side: bool = True) -> np.ndarray:
    """Cut CD14 at the valley below its last peak and, if asked, SSC at the valleys beside the peak of what is left."""
    inside = leukocytes(columns)
    rows = np.flatnonzero(inside)
    points = features(columns, rows)
    chosen = points[:, 0] > _cut_below_last_peak(points[:, 0])
    if with_side and chosen.sum() > 20:
        side = points[:, 1]
        density, centres = _density(side[chosen])
        top = int(np.argmax(density))
        valleys = _peaks(-density, -0.5 * density[top])
        below, above = valleys[valleys < top], valleys[valleys > top]
        if len(below):
            chosen &= side > centres[below[-1]]
        if len(above):
            chosen &= side < centres[above[0]]
    out = np.zeros(len(inside), dtype=bool)
    out[rows[chosen]] = True
    return out


def mixture_gate(columns: Columns, tube, settings, axes: int = 4) -> np.ndarray:
    """Take the CD14-brightest of the ten components of a plain Gaussian mixture (scikit-learn)."""
    from sklearn.mixture import GaussianMixture

    inside = leukocytes(columns)
    rows = np.flatnonzero(inside)
    points = features(columns, rows)[:, :axes]
    part = points[:: max(1, len(points) // 20_000)]
    model = GaussianMixture(10, random_state=0, max_iter=60, reg_covar=1e-3).fit(part)
    label = model.predict(points)
    share = np.bincount(label, minlength=10) / len(label)
    best = int(np.argmax(np.where(share > 0.002, model.means_[:, 0], -np.inf)))
    out = np.zeros(len(inside), dtype=bool)
    out[rows[label == best]] = True
    return out


def hdbscan_gate(columns: Columns, tube, settings) -> np.ndarray:
    """HDBSCAN on at most 6,000 events, the others by their nearest neighbour; the CD14-brightest cluster is taken."""
    from sklearn.cluster import HDBSCAN
    from sklearn.neighbors import KNeighborsClassifier

    inside = leukocytes(columns)
    rows = np.flatnonzero(inside)
    points = features(columns, rows)
    part = points[:: max(1, len(points) // 6000)]
    label = HDBSCAN(min_cluster_size=25, min_samples=10, copy=True).fit_predict(part)
    out = np.zeros(len(inside), dtype=bool)
    if label.max() < 0:
        return out
    best = int(np.argmax([np.median(part[label == k, 0]) for k in range(label.max() + 1)]))
    found = KNeighborsClassifier(5).fit(part, label).predict(points)
    out[rows[found == best]] = True
    return out


def watershed_gate(columns: Columns, tube, settings) -> np.ndarray:
    """Take the basin of the CD14-brightest peak of a smoothed CD14 x SSC histogram."""
    from scipy import ndimage

    inside = leukocytes(columns)
    rows = np.flatnonzero(inside)
    points = features(columns, rows)[:, :2]
    step = np.floor((points - points.min(axis=0)) / 0.08).astype(int)
    counts = np.zeros(step.max(axis=0) + 1)
    np.add.at(counts, tuple(step.T), 1)
    density = ndimage.gaussian_filter(np.sqrt(counts), 2.5)
    top = (density == ndimage.maximum_filter(density, 9)) & (density > 0.02 * density.max())
    marks, n = ndimage.label(top)
    level = (255 * (1 - density / density.max())).astype(np.uint8)
    basin = ndimage.watershed_ift(level, marks.astype(np.int16))
    best = 1 + int(np.argmax([np.argwhere(marks == k)[:, 0].mean() for k in range(1, n + 1)]))
    out = np.zeros(len(inside), dtype=bool)
    out[rows[(basin[tuple(step.T)] == best) & (density[tuple(step.T)] > 0.02 * density.max())]] = True
    return out


def ceiling(columns: Columns, tube: SimulatedTube) -> float:
    """Return F1 of the better of two supervised classifiers that know each event's truth.

    Quadratic discriminants of all populations and doublets, trained and applied on the whole tube; boosted trees,
    trained on one half and applied to the other. Of large tubes about 150,000 events are taken.
    """
    kept = slice(None, None, max(1, len(tube.labels) // 150_000))
    truth = truth_of(tube)[kept]
    every = (columns.side, columns.cd14, columns.cd45, columns.forward)
    parts = []
    for signal in every:
        if signal is not None:
            low, high = np.percentile(signal.values, [1, 10])
            parts.append(natural(signal, max(2 * (high - low), np.percentile(np.abs(signal.values), 50) / 50)))
    if columns.forward_height is not None:
        parts.append(8 * np.log(np.maximum(columns.forward.values, 1) / np.maximum(columns.forward_height.values, 1)))
    points = np.column_stack(parts)[kept]
    key = (tube.labels.astype(int) * 256 + tube.partners)[kept]
    return max(f1(_discriminants(points, key, truth), truth), f1(_trees(points, truth), truth))


def f1(mask: np.ndarray, truth: np.ndarray) -> float:
    """F1 per event."""
    return float(2 * (mask & truth).sum() / max(mask.sum() + truth.sum(), 1))


def _discriminants(points: np.ndarray, key: np.ndarray, truth: np.ndarray) -> np.ndarray:
    best, who = np.full(len(points), -np.inf), np.zeros(len(points), dtype=int)
    for kind in np.unique(key):
        rows = key == kind
        if rows.sum() < 2 * points.shape[1]:
            continue
        mean = points[rows].mean(axis=0)
        covariance = np.cov(points[rows].T) + 1e-4 * np.eye(points.shape[1])
        away = points - mean
        distance = np.einsum("ij,jk,ik->i", away, np.linalg.inv(covariance), away)
        level = np.log(rows.sum()) - 0.5 * (np.linalg.slogdet(covariance)[1] + distance)
        better = level > best
        best[better], who[better] = level[better], kind
    return np.isin(who, np.unique(key[truth]))


def _trees(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier

    half = np.arange(len(truth)) % 2 == 0
    out = np.zeros(len(truth), dtype=bool)
    if truth.sum() < 400:
        return out
    for train in (half, ~half):
        model = HistGradientBoostingClassifier(max_iter=40, learning_rate=0.2, random_state=0)
        out[~train] = model.fit(points[train], truth[train]).predict(points[~train])
    return out


CANDIDATES = {
    "Gaussian mixture, 2 axes": lambda c, t, s: mixture_gate(c, t, s, 2),
    "Gaussian mixture, 4 axes": mixture_gate,
    "HDBSCAN, 4 axes": hdbscan_gate,
    "watershed, CD14 x SSC": watershed_gate,
}
