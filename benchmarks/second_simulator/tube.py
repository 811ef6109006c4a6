"""One tube from its seed."""

import zlib
from dataclasses import dataclass

import numpy as np

from .authors import AUTHORS, draw_style
from .blood import Blood
from .events import draw_events
from .layouts import Layout, lay_out
from .populations import PE, draw_populations
from .regimes import REGIMES
from .signals import draw_gains, measure

POPULATION_CELLS = 200_000


@dataclass(frozen=True)
class Tube:
    """A tube and its truth.

    Attributes
    ----------
    blood : Blood
    file : Layout
    labels : ndarray of uint8 (n,)
        Places in `populations.KINDS`.
    population_pe : float
        Median PE signal of the population that the tube's monocytes were drawn from.
    """

    blood: Blood
    file: Layout
    labels: np.ndarray
    population_pe: float


def make_tube(regime: str, author: str, seed: int) -> Tube:
    """Draw a tube; the same arguments give the same tube."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{regime}/{author}".encode())])
    draw = AUTHORS[author]
    blood = REGIMES[regime](rng)
    style = draw_style(rng)
    populations = draw_populations(rng, blood)
    gains = draw_gains(rng, blood)
    events = draw_events(rng, blood, populations, draw, style)
    signals = measure(rng, blood, gains, author, events)
    monocytes = next(population for population in populations if population.name == "monocyte")
    behind = draw(rng, monocytes, POPULATION_CELLS, blood, style)
    population_pe = float(np.median(gains.pe_per_antibody * behind[:, PE]))
    return Tube(blood, lay_out(rng, blood, gains, signals), signals.labels.astype(np.uint8), population_pe)
