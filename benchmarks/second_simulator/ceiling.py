"""How well a tube can be gated at all: classifiers that learn from the tube's own truth."""

import numpy as np
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier

from .populations import MONOCYTES

LARGEST_TRAINING = 60_000
CUTS = (0.3, 0.4, 0.5, 0.6)
MONOCYTE = 99  # one class for all of them, beside the labels of the others


def ceiling(values: np.ndarray, labels: np.ndarray) -> float:
    """Return the F1 of the better of boosted trees and quadratic discriminants by population.

    Parameters
    ----------
    values : ndarray (n, k)
        What a gate may see, linear.
    labels : ndarray of int (n,)

    Notes
    -----
    Two-fold: each half is classified by what the other half taught. The cut of the probability is the best of four.
    """
    truth = np.isin(labels, MONOCYTES)
    if truth.sum() < 10:
        return 0.0
    rng = np.random.default_rng(0)
    half = np.zeros(len(truth), dtype=bool)
    for value in (False, True):
        rows = np.flatnonzero(truth == value)
        half[rng.permutation(rows)[: len(rows) // 2]] = True
    cofactors = np.maximum(np.median(np.abs(values), axis=0) / 20, 1e-6)
    scaled = np.arcsinh(values / cofactors)
    best = 0.0
    for classify in (_trees, _discriminants):
        probability = np.zeros(len(truth))
        for training in (half, ~half):
            rows = np.flatnonzero(training)
            if len(rows) > LARGEST_TRAINING:
                rows = rng.permutation(rows)[:LARGEST_TRAINING]
            probability[~training] = classify(scaled[rows], labels[rows], truth[rows], scaled[~training])
        best = max(best, *(f1(probability > cut, truth) for cut in CUTS))
    return best


def f1(gated: np.ndarray, truth: np.ndarray) -> float:
    """Harmonic mean of precision and recall; 0 where there is nothing."""
    return float(2 * (gated & truth).sum() / max(gated.sum() + truth.sum(), 1))


def _trees(values, labels, truth, others) -> np.ndarray:
    model = HistGradientBoostingClassifier(
        max_iter=120,
        learning_rate=0.08,
        max_leaf_nodes=15,
        min_samples_leaf=10,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    return model.fit(values, truth).predict_proba(others)[:, 1]


def _discriminants(values, labels, truth, others) -> np.ndarray:
    classes = np.where(truth, MONOCYTE, labels)
    names, counts = np.unique(classes, return_counts=True)
    enough = np.isin(classes, names[counts >= 25])
    if MONOCYTE not in classes[enough] or len(set(classes[enough])) < 2:
        return np.zeros(len(others))
    model = QuadraticDiscriminantAnalysis(reg_param=1e-3)
    try:
        model.fit(values[enough], classes[enough])
    except np.linalg.LinAlgError:  # a population without spread, all at a detector's floor
        return np.zeros(len(others))
    return model.predict_proba(others)[:, list(model.classes_).index(MONOCYTE)]
