"""A stained tube of lysed blood, healthy or septic, with known truth."""

from dataclasses import dataclass, fields, replace

import numpy as np

from .cells import draw_labels, draw_particles
from .cytometer import Cytometer
from .detect import detect, linear
from .populations import CODES, MONOCYTE


@dataclass(frozen=True)
class Blood:
    """What is in the tube, and what happened while it was acquired. Fractions of events are between 0 and 1.

    Attributes
    ----------
    n_events : int
        Events in the file.
    abc : float
        Population median of AB/C of the classical monocytes: antibodies with their PE, autofluorescence included, as
        the assay defines it (nothing is subtracted).
    abc_sd_ln, abc_skew : float
        Spread of ln AB/C between cells, and its skewness (-0.5 to 0.5: the upper side is 1 + skew times as wide, the
        median stays).
    pe_per_antibody : float
        PE molecules per antibody of the conjugate.
    monocyte_fraction, lymphocyte_fraction, eosinophil_fraction, basophil_fraction : float
    immature_granulocyte_fraction : float
        Of the leukocytes; neutrophils are the rest. Monocytes here are the CD14+ ones; non-classical ones come on top.
    nonclassical_fraction : float
        Non-classical (CD14-dim) monocytes, as a share of the CD14+ ones.
    b_share, nk_share : float
        Of the lymphocytes; T cells are the rest.
    debris_fraction, platelet_fraction, red_cell_fraction, dead_fraction : float
        Of all particles.
    doublet_fraction : float
        Events that are two particles, of all events.
    platelet_bound_fraction : float
        Monocytes with platelets on them, as a share of the monocytes: still single monocytes.
    cd14_factor : float
        CD14 of monocytes, healthy = 1; in sepsis down to 1/6.
    cd14_sd_ln, cd14_skew : float
        Spread of ln CD14 of the monocytes, and its skewness: below 0 a tail towards the CD14-low cells.
    neutrophil_cd14 : float
        CD14 of neutrophils as a share of this tube's monocytes'; None: the 3,000 of healthy blood.
    toxic_granulation : float
        0 (none) to 1: neutrophil side scatter and its spread rise, its forward scatter spreads.
    side_shift : float
        Factor on the monocytes' side scatter (vacuolated monocytes in sepsis rise towards the neutrophils).
    hladr_cd14_correlation : float
        Of ln HLA-DR and ln CD14 between monocytes.
    heavy_tail : float
        Share of cells whose scatter and antigens spread 2.2 times as much.
    stain_spread : float
        Factor on the spreads of all antigens: staining and transport.
    autofluorescence : float
        Factor on every population's autofluorescence.
    nonspecific : float
        Factor on the antigens of populations that do not carry the marker (background binding).
    cd45 : bool
        CD45 is in the panel.
    drift : dict of str to float
        Gain change from first to last event, by detector name, `forward`, `side` or `PE` (the HLA-DR detector): 0.2 is
        +20 %.
    clog : tuple of float or None
        (start, end, depth): between these shares of the acquisition the rate and all signals fall by this share.
    bead_carry_over : int
        Quantibrite beads of the run before, among the first events.
    """

    n_events: int = 30_000
    abc: float = 20_000.0
    abc_sd_ln: float = 0.5
    abc_skew: float = 0.0
    pe_per_antibody: float = 1.0
    monocyte_fraction: float = 0.07
    lymphocyte_fraction: float = 0.27
    eosinophil_fraction: float = 0.025
    basophil_fraction: float = 0.006
    immature_granulocyte_fraction: float = 0.002
    nonclassical_fraction: float = 0.10
    b_share: float = 0.13
    nk_share: float = 0.14
    debris_fraction: float = 0.06
    platelet_fraction: float = 0.02
    red_cell_fraction: float = 0.02
    dead_fraction: float = 0.01
    doublet_fraction: float = 0.02
    platelet_bound_fraction: float = 0.08
    cd14_factor: float = 1.0
    cd14_sd_ln: float = 0.40
    cd14_skew: float = -0.15
    neutrophil_cd14: float | None = None
    toxic_granulation: float = 0.0
    side_shift: float = 1.0
    hladr_cd14_correlation: float = 0.15
    heavy_tail: float = 0.05
    stain_spread: float = 1.0
    autofluorescence: float = 1.0
    nonspecific: float = 1.0
    cd45: bool = True
    drift: dict[str, float] | None = None
    clog: tuple[float, float, float] | None = None
    bead_carry_over: int = 0


@dataclass(frozen=True)
class SimulatedTube:
    """A tube with its truth.

    Attributes
    ----------
    events : array (n, d)
        The numbers as the file holds them.
    cytometer : Cytometer
        The instrument, without the CD45 channel where the panel has none.
    labels : uint8 array (n,)
        Index into `populations.NAMES`; of a doublet, its first particle.
    partners : uint8 array (n,)
        The second particle of a doublet; 255 for single particles.
    true_abc : float
        Population median of AB/C.
    true_pe : array (n,)
        PE molecules per event, autofluorescence included, without noise.
    blood : Blood
        What was in the tube.
    """

    events: np.ndarray
    cytometer: Cytometer
    labels: np.ndarray
    partners: np.ndarray
    true_abc: float
    true_pe: np.ndarray
    blood: Blood

    @property
    def doublets(self) -> np.ndarray:
        """Boolean (n,): two particles in one event."""
        return self.partners != 255

    @property
    def is_monocyte(self) -> np.ndarray:
        """Boolean (n,): a single CD14+ monocyte (platelet-bound ones included, doublets and non-classical ones not)."""
        return (self.labels == MONOCYTE) & ~self.doublets

    @property
    def linear(self) -> np.ndarray:
        """Signals (n, d) on the linear scale, uncompensated (compensated where the hardware did it)."""
        return linear(self.events, self.cytometer.channels)

    @property
    def compensated(self) -> np.ndarray:
        """Signals (n, d) on the linear scale, compensated with the stated matrix."""
        values = self.linear
        if self.cytometer.compensation != "hardware":
            columns = [self.cytometer.index(name) for name in self.cytometer.spill_names()]
            values[:, columns] = values[:, columns] @ np.linalg.inv(np.array(self.cytometer.stated_spillover))
        return values


def simulate_tube(blood: Blood, cytometer: Cytometer, rng: np.random.Generator) -> SimulatedTube:
    """Acquire a tube.

    Parameters
    ----------
    blood : Blood
        What is in it.
    cytometer : Cytometer
        The instrument.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    SimulatedTube
        Events as written, and the truth.
    """
    if not blood.cd45:
        cytometer = cytometer.without("CD45")
    n = blood.n_events
    n_doublets = rng.binomial(n, blood.doublet_fraction)
    labels = draw_labels(blood, n + n_doublets, rng)
    labels[: blood.bead_carry_over] = CODES["bead"]
    particles = draw_particles(blood, cytometer, labels, n, rng)
    seconds, drift = _run(blood, cytometer, n, rng)
    events = detect(particles, cytometer, seconds, drift, rng)
    partners = np.full(n, 255, np.uint8)
    partners[particles.joins] = labels[n:]
    pe = particles.molecules[:, 0] + particles.autofluorescence
    true_pe = pe[:n].copy()
    true_pe[particles.joins] += pe[n:]
    return SimulatedTube(events, cytometer, labels[:n], partners, blood.abc, true_pe, blood)


def _run(
    blood: Blood, cytometer: Cytometer, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Arrival times and gain factors over the acquisition."""
    clock = next(c for c in cytometer.channels if c.source == "time")
    # the operator runs a long tube faster than the clock's counter runs out
    rate = max(cytometer.event_rate, n / (0.85 * clock.range * cytometer.timestep))
    gaps = rng.standard_exponential(n) / rate
    position = np.linspace(0, 1, n)
    drift = {}
    names = {"PE": cytometer.detectors[[d.marker for d in cytometer.detectors].index("HLA-DR")].name}
    for name, change in (blood.drift or {}).items():
        drift[names.get(name, name)] = 1 + change * position
    if blood.clog:
        start, end, depth = blood.clog
        inside = (position >= start) & (position < end)
        gaps[inside] /= 1 - depth
        for name in ("forward", "side", *(d.name for d in cytometer.detectors)):
            drift[name] = drift.get(name, 1.0) * np.where(inside, 1 - depth / 2, 1.0)
    return np.cumsum(gaps), drift


def random_blood(rng: np.random.Generator, **fixed: object) -> Blood:
    """Draw a plausible patient in intensive care, sometimes a healthy person.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draw.
    **fixed
        Fields of `Blood` that are not drawn.

    Returns
    -------
    Blood
        Half of the septic draws lie under 8,000 AB/C; one in seven is healthy blood.
    """
    septic = rng.random() > 0.15
    severity = rng.random() if septic else 0.0
    drawn = {
        "abc": float(np.exp(rng.normal(np.log(7000 if septic else 24000), 0.75 if septic else 0.25)).clip(700, 60000)),
        "abc_sd_ln": float(rng.uniform(0.35, 0.65)),
        "abc_skew": float(rng.uniform(-0.2, 0.2)),
        "monocyte_fraction": float(np.exp(rng.uniform(np.log(0.005 if septic else 0.04), np.log(0.10)))),
        "lymphocyte_fraction": float(rng.uniform(0.04, 0.18) if septic else rng.uniform(0.18, 0.40)),
        "eosinophil_fraction": float(rng.uniform(0, 0.01) if septic else rng.uniform(0.01, 0.05)),
        "basophil_fraction": float(rng.uniform(0.001, 0.008)),
        "immature_granulocyte_fraction": float(rng.exponential(0.04)) if septic else 0.002,
        "nonclassical_fraction": float(rng.uniform(0.02, 0.12)),
        "b_share": float(rng.uniform(0.06, 0.25)),
        "nk_share": float(rng.uniform(0.05, 0.2)),
        "debris_fraction": float(rng.uniform(0.02, 0.15)),
        "platelet_fraction": float(rng.uniform(0.0, 0.06)),
        "red_cell_fraction": float(rng.uniform(0.0, 0.06)),
        "dead_fraction": float(rng.uniform(0.003, 0.03)),
        "doublet_fraction": float(rng.uniform(0.005, 0.06)),
        "platelet_bound_fraction": float(rng.uniform(0.02, 0.25)),
        "cd14_factor": float(np.exp(-severity * rng.uniform(0.3, 1.6))),
        "cd14_sd_ln": float(rng.uniform(0.33, 0.5)),
        "cd14_skew": float(rng.uniform(-0.3, 0.1)),
        "neutrophil_cd14": float(rng.uniform(0.02, 0.04) * (1 + 5 * severity * rng.random())),
        "toxic_granulation": float(severity * rng.random()),
        "side_shift": float(rng.uniform(0.9, 1.15) + 0.15 * severity),
        "hladr_cd14_correlation": float(rng.uniform(-0.1, 0.35)),
        "heavy_tail": float(rng.uniform(0.0, 0.1)),
        "stain_spread": float(rng.uniform(0.85, 1.2)),
        "autofluorescence": float(rng.uniform(0.7, 1.4)),
        "nonspecific": float(np.exp(rng.normal(0, 0.4))),
    }
    drawn["immature_granulocyte_fraction"] = min(drawn["immature_granulocyte_fraction"], 0.2)
    unknown = set(fixed) - {f.name for f in fields(Blood)}
    if unknown:
        raise TypeError(f"Blood has no fields {sorted(unknown)}")
    return replace(Blood(), **{**drawn, **fixed})
