"""A run of calibration beads, clean or with a fault."""

from dataclasses import dataclass

import numpy as np

from .cytometer import Cytometer
from .detect import Particles, detect, linear

# Assigned values by kit and lot. Lot 96597 is published; every lot named SIM is made up, in the range of the kit.
# None is a blank level.
LOTS: dict[tuple[str, str], tuple[float | None, ...]] = {
    ("quantibrite-pe", "96597"): (638.0, 6930.0, 31008.0, 67601.0),
    ("quantibrite-pe", "SIM-A"): (474.0, 5359.0, 23843.0, 62336.0),
    ("quantibrite-pe", "SIM-B"): (515.0, 5956.0, 26653.0, 69045.0),
    ("quantibrite-pe", "SIM-C"): (589.0, 6220.0, 28710.0, 64900.0),
    ("quantum-simply-cellular", "SIM-Q"): (None, 4310.0, 22480.0, 88150.0, 301400.0),
    ("quantum-mesf", "SIM-M"): (None, 3120.0, 14870.0, 48300.0, 152600.0),
    ("qifikit", "SIM-K"): (None, 2600.0, 9900.0, 47000.0, 192000.0, 562000.0),
    ("mef", "SIM-F"): (None, 1500.0, 4400.0, 14500.0, 43800.0, 131200.0),
}
DEBRIS, DOUBLET, CLUMP = -1, -2, -3


@dataclass(frozen=True)
class BeadRun:
    """What is in the bead tube, and what went wrong.

    Attributes
    ----------
    values : tuple of float or None
        PE molecules per bead (or antibodies, MESF, MEF), dimmest first; None is a blank level.
    n_events : int
        Events in the file.
    peak_cv : float
        Relative sd of the PE of one level between beads.
    debris_fraction, doublet_fraction, clump_fraction : float
        Of the events: debris, two beads, three to six beads.
    weights : tuple of float or None
        Relative numbers of the levels; None: equal.
    pe_per_value : float
        PE molecules per unit of `values`.
    true_over_assigned : tuple of float or None
        What each level truly carries over its assigned value: the maker's error, the same for all runs of a lot.
    background : float
        PE molecules that every bead glows with, the blank included.
    offset : float
        A fault: PE molecules added to every bead.
    missing : tuple of int
        A fault: levels (1 = dimmest) that are not in the tube.
    merged : tuple of int or None
        A fault: two levels (1 = dimmest) whose beads both carry the geometric mean of the two.
    pe_gain : float
        Factor on the PE gain that the header does not show: a laser's bad day, or a fault; large values saturate the
        top level, small ones sink the lowest into the noise.
    drift : float
        A fault: gain change of PE from first to last event; 0.2 is +20 %.
    scatter_spread : float
        Factor on the spread of the beads' scatter.
    """

    values: tuple[float | None, ...] = LOTS["quantibrite-pe", "96597"]
    n_events: int = 10_000
    peak_cv: float = 0.06
    debris_fraction: float = 0.04
    doublet_fraction: float = 0.05
    clump_fraction: float = 0.005
    weights: tuple[float, ...] | None = None
    pe_per_value: float = 1.0
    true_over_assigned: tuple[float, ...] | None = None
    background: float = 0.0
    offset: float = 0.0
    missing: tuple[int, ...] = ()
    merged: tuple[int, int] | None = None
    pe_gain: float = 1.0
    drift: float = 0.0
    scatter_spread: float = 1.0


@dataclass(frozen=True)
class SimulatedBeads:
    """A bead run with its truth.

    Attributes
    ----------
    events : array (n, d)
        The numbers as the file holds them.
    cytometer : Cytometer
        The instrument as the header describes it.
    levels : int array (n,)
        Level of a single bead, 1 = dimmest; `DEBRIS`, `DOUBLET` or `CLUMP` otherwise.
    true_pe : array (n,)
        PE molecules per event, without noise.
    run : BeadRun
        What was in the tube.
    """

    events: np.ndarray
    cytometer: Cytometer
    levels: np.ndarray
    true_pe: np.ndarray
    run: BeadRun

    @property
    def linear(self) -> np.ndarray:
        """Signals (n, d) on the linear scale, uncompensated (compensated where the hardware did it)."""
        return linear(self.events, self.cytometer.channels)


def simulate_beads(run: BeadRun, cytometer: Cytometer, rng: np.random.Generator) -> SimulatedBeads:
    """Acquire a bead run with the physics of the cells: PE molecules to signal.

    Parameters
    ----------
    run : BeadRun
        What is in the tube.
    cytometer : Cytometer
        The instrument.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    SimulatedBeads
        Events as written, and the truth.
    """
    n = run.n_events
    kind = rng.choice(
        [DEBRIS, DOUBLET, CLUMP, 0],
        n,
        p=[
            run.debris_fraction,
            run.doublet_fraction,
            run.clump_fraction,
            1 - run.debris_fraction - run.doublet_fraction - run.clump_fraction,
        ],
    )
    extra = np.where(kind == DOUBLET, 1, np.where(kind == CLUMP, rng.integers(2, 6, n), 0))
    joins = np.repeat(np.arange(n), extra)
    count = n + len(joins)
    level = _levels(run, count, rng)
    carried = _carried(run)[level - 1] * np.exp(run.peak_cv * rng.standard_normal(count)) + run.background + run.offset
    size = rng.standard_normal(count)
    spread = run.scatter_spread
    forward = 0.75 * np.exp(0.05 * spread * size + 0.03 * spread * rng.standard_normal(count))
    side = 1.6 * np.exp(0.06 * spread * size + 0.06 * spread * rng.standard_normal(count))
    debris = np.flatnonzero(kind == DEBRIS)
    forward[debris] = cytometer.threshold * np.exp(0.3 * rng.standard_exponential(len(debris)))
    side[debris] = 0.3 * np.exp(0.7 * rng.standard_normal(len(debris)))
    carried[debris] = 60 * np.exp(1.2 * rng.standard_normal(len(debris))) + run.offset
    # one event can hold up to five further beads: they are added here, so that `detect` sees one partner per event
    first, partners = _clumps(forward, side, carried, joins, n, rng)
    none = np.zeros(n + len(partners[0]))
    particles = Particles(
        np.concatenate([first[0], partners[1]]),
        np.concatenate([first[1], partners[2]]),
        np.column_stack([np.concatenate([first[2], partners[3]]), none, none]),
        none,
        partners[0],
        partners[4],
    )
    pe = next(d.name for d in cytometer.detectors if d.marker == "HLA-DR")
    seconds = np.cumsum(rng.standard_exponential(n) / (0.3 * cytometer.event_rate))
    drift = {pe: 1 + run.drift * np.linspace(0, 1, n)} if run.drift else None
    seen = cytometer.with_gains({pe: run.pe_gain}) if run.pe_gain != 1 else cytometer
    events = detect(particles, seen, seconds, drift, rng)
    true_pe = carried[:n].copy()
    np.add.at(true_pe, joins, carried[n:])
    return SimulatedBeads(events, cytometer, np.where(kind == 0, level[:n], kind), true_pe, run)


def _levels(run: BeadRun, count: int, rng: np.random.Generator) -> np.ndarray:
    weights = np.array(run.weights or (1.0,) * len(run.values), dtype=float)
    weights[[i - 1 for i in run.missing]] = 0
    return rng.choice(np.arange(1, len(run.values) + 1), count, p=weights / weights.sum())


def _carried(run: BeadRun) -> np.ndarray:
    values = np.array([0.0 if v is None else v * run.pe_per_value for v in run.values])
    if run.true_over_assigned:
        values *= run.true_over_assigned
    if run.merged:
        pair = [i - 1 for i in run.merged]
        values[pair] = np.sqrt(np.prod(values[pair]))
    return values


def _clumps(
    forward: np.ndarray, side: np.ndarray, carried: np.ndarray, joins: np.ndarray, n: int, rng: np.random.Generator
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Sum all further beads of an event to one partner: (event, forward, side, PE, overlap)."""
    events = np.unique(joins)
    sums = [np.bincount(joins, values[n:], n)[events] for values in (forward, side, carried)]
    return (forward[:n], side[:n], carried[:n]), (events, *sums, rng.beta(1.2, 3.0, len(events)))
