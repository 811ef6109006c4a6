"""From populations to the events of a tube: doublets, platelets on monocytes, a threshold."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .authors import Style
from .blood import Blood
from .draws import uniform
from .populations import CODES, FSC, MONOCYTES, PLATELET, SMALL, Population


@dataclass(frozen=True)
class Events:
    """Events before the cytometer.

    Attributes
    ----------
    cells : ndarray (n, 5)
        In the units of `Population.medians`.
    labels : ndarray of int (n,)
        Places in `populations.KINDS`.
    heights : ndarray (n,)
        Height of the FSC pulse over its area; 1 for single cells.
    """

    cells: np.ndarray
    labels: np.ndarray
    heights: np.ndarray

    def take(self, rows: np.ndarray) -> "Events":
        """Return the events of these rows, in their order."""
        return Events(self.cells[rows], self.labels[rows], self.heights[rows])


def draw_events(
    rng: np.random.Generator, blood: Blood, populations: list[Population], draw: Callable, style: Style
) -> Events:
    """Draw all events of a tube but its uniform noise, in random order."""
    n_doublets, n_noise = int(blood.doublets * blood.n_events), int(blood.noise * blood.n_events)
    n_single = blood.n_events - n_doublets - n_noise
    shares = np.array([population.share for population in populations])
    # a threshold takes events away, the tube's number is counted behind it
    counts = rng.multinomial(int(n_single * 1.6) if blood.threshold else n_single, shares / shares.sum())
    cells = np.concatenate([draw(rng, p, n, blood, style) for p, n in zip(populations, counts, strict=True)])
    labels = np.concatenate([np.full(n, CODES[p.name]) for p, n in zip(populations, counts, strict=True)])
    order = rng.permutation(len(labels))
    cells, labels = cells[order], labels[order]
    if blood.aggregates:
        rows = np.flatnonzero(labels == CODES["monocyte"])
        rows = rows[rng.random(len(rows)) < blood.aggregates]
        cells[rows] += draw(rng, PLATELET, len(rows), blood, style)
        labels[rows] = CODES["monocyte with platelet"]
    events = _with_doublets(rng, cells, labels, n_doublets)
    if blood.threshold:
        blurred = blood.threshold * (1 + 0.05 * rng.standard_normal(len(events.labels)))
        events = events.take(events.cells[:, FSC] > blurred)
    return events.take(rng.permutation(len(events.labels))[: blood.n_events - n_noise])


def _with_doublets(rng: np.random.Generator, cells: np.ndarray, labels: np.ndarray, n: int) -> Events:
    """Append doublets of any two cells: areas add up, heights in part."""
    whole = np.flatnonzero(~np.isin(labels, SMALL))
    first, second = (whole[rng.integers(len(whole), size=n)] for _ in range(2))
    large = np.maximum(cells[first, FSC], cells[second, FSC])
    small = np.minimum(cells[first, FSC], cells[second, FSC])
    monocyte = np.isin(labels[first], MONOCYTES) | np.isin(labels[second], MONOCYTES)
    overlap = uniform(rng, 0, 0.4)
    return Events(
        np.concatenate([cells, cells[first] + cells[second]]),
        np.concatenate([labels, np.where(monocyte, CODES["doublet with monocyte"], CODES["doublet"])]),
        np.concatenate([np.ones(len(labels)), (large + overlap * small) / (large + small)]),
    )
