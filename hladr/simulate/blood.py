"""A stained tube of lysed blood, healthy or septic, with known truth."""

from dataclasses import dataclass, fields, replace

import numpy as np

from .cytometer import MARKERS, Cytometer
from .detect import Particles, detect, linear
from .populations import CODES, MONOCYTE, NAMES, split_normal, table

QUANTIBRITE_LOT_96597 = (638.0, 6930.0, 31008.0, 67601.0)


@dataclass(frozen=True)
class Blood:
    """What is in the tube, and what happened while it was acquired. Fractions of events are between 0 and 1.

    Attributes
    ----------
    n_events : int
        Events in the file.
    abc : float
        Population median of AB/C of the classical monocytes: antibodies with their PE, autofluorescence included, as the assay
        defines it (nothing is subtracted).
    abc_sd_ln, abc_skew : float
        Spread of ln AB/C between cells, and its skewness (-0.5 to 0.5: the upper side is 1 + skew times as wide, the median stays).
    pe_per_antibody : float
        PE molecules per antibody of the conjugate.
    monocyte_fraction, lymphocyte_fraction, eosinophil_fraction, basophil_fraction, immature_granulocyte_fraction : float
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
    cd14_sd_ln : float
        Spread of ln CD14 of the monocytes.
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
        Gain change from first to last event, by detector name, `forward`, `side` or `PE` (the HLA-DR detector): 0.2 is +20 %.
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
    labels = _draw_labels(blood, n + n_doublets, rng)
    labels[: blood.bead_carry_over] = CODES["bead"]
    particles = _draw_particles(blood, cytometer, labels, n, rng)
    seconds, drift = _run(blood, cytometer, n, rng)
    events = detect(particles, cytometer, seconds, drift, rng)
    partners = np.full(n, 255, np.uint8)
    partners[particles.joins] = labels[n:]
    pe = particles.molecules[:, 0] + particles.autofluorescence
    true_pe = pe[:n].copy()
    true_pe[particles.joins] += pe[n:]
    return SimulatedTube(events, cytometer, labels[:n], partners, blood.abc, true_pe, blood)


def composition(blood: Blood) -> np.ndarray:
    """Return the share of each population among all particles, (len(NAMES),), sum 1."""
    share = dict.fromkeys(NAMES, 0.0)
    small = blood.debris_fraction + blood.platelet_fraction + blood.red_cell_fraction + blood.dead_fraction
    white = 1 - small
    lymphocytes = blood.lymphocyte_fraction
    share["monocyte"] = blood.monocyte_fraction
    share["nonclassical"] = blood.monocyte_fraction * blood.nonclassical_fraction
    share["immature_granulocyte"] = blood.immature_granulocyte_fraction
    share["eosinophil"] = blood.eosinophil_fraction
    share["basophil"] = blood.basophil_fraction
    share["b_cell"] = lymphocytes * blood.b_share
    share["nk_cell"] = lymphocytes * blood.nk_share
    share["t_cell"] = lymphocytes * (1 - blood.b_share - blood.nk_share)
    share["neutrophil"] = 1 - sum(share.values())
    if share["neutrophil"] < 0 or white < 0:
        raise ValueError("the fractions of this blood sum to more than 1")
    share = {name: value * white for name, value in share.items()}
    share["debris"], share["platelet"] = blood.debris_fraction, blood.platelet_fraction
    share["red_cell"], share["dead"] = blood.red_cell_fraction, blood.dead_fraction
    return np.array([share[name] for name in NAMES])


def _draw_labels(blood: Blood, count: int, rng: np.random.Generator) -> np.ndarray:
    edges = np.cumsum(composition(blood))
    return np.searchsorted(edges / edges[-1], rng.random(count), side="right").clip(0, len(NAMES) - 1).astype(np.uint8)


def _medians(blood: Blood) -> dict[str, np.ndarray]:
    t = table()
    m, n, ig = MONOCYTE, CODES["neutrophil"], CODES["immature_granulocyte"]
    cd14 = t["cd14"]
    cd14[m] *= blood.cd14_factor
    t["cd14_sd"][m] = blood.cd14_sd_ln
    cd14[CODES["nonclassical"]] = min(cd14[CODES["nonclassical"]], 0.35 * cd14[m])
    if blood.neutrophil_cd14 is not None:
        cd14[n] = blood.neutrophil_cd14 * cd14[m]
        cd14[ig] = 0.7 * cd14[n]
    others = [i for i in range(len(NAMES)) if i not in (m, n, ig, CODES["nonclassical"])]
    cd14[others] *= blood.nonspecific
    t["hladr"][[i for i in range(len(NAMES)) if i not in (m, CODES["nonclassical"], CODES["b_cell"])]] *= (
        blood.nonspecific
    )
    # septic monocytes of every kind lose HLA-DR together
    t["hladr"][CODES["nonclassical"]] = min(45_000.0, 1.6 * blood.abc)
    t["side"][m] *= blood.side_shift
    toxic = blood.toxic_granulation
    t["side"][[n, ig]] *= 1 + 0.15 * toxic
    t["side_sd"][[n, ig]] *= 1 + 0.7 * toxic
    t["forward_sd"][[n, ig]] *= 1 + 0.5 * toxic
    t["cd14_sd"][n] *= 1 + 0.4 * toxic
    for key in ("cd14_sd", "cd45_sd"):
        t[key] *= blood.stain_spread
    t["autofluorescence"] *= blood.autofluorescence
    return t


def _draw_particles(
    blood: Blood, cytometer: Cytometer, labels: np.ndarray, n: int, rng: np.random.Generator
) -> Particles:
    count = len(labels)
    t = {key: values.astype(np.float32) for key, values in _medians(blood).items()}
    z = rng.standard_normal((7, count), dtype=np.float32)
    if blood.heavy_tail:
        # the monocytes' HLA-DR (row 4) keeps the stated spread
        z[1:4] *= np.where(rng.random(count, dtype=np.float32) < blood.heavy_tail, np.float32(2.2), np.float32(1))
    size = z[0]

    def draw(name: str, deviate: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            middle = np.log(t[name])
        return np.exp(middle[labels] + t[f"{name}_sd"][labels] * deviate)

    # larger cells scatter more and carry more: a part of every spread is shared
    forward = draw("forward", 0.8 * size + 0.6 * z[1])
    side = draw("side", 0.4 * size + 0.917 * z[2])
    cd45 = draw("cd45", 0.25 * size + 0.968 * z[3])
    r = blood.hladr_cd14_correlation
    hladr_z = 0.2 * size + np.sqrt(1 - 0.04 - r * r) * z[4] + r * z[5]
    cd14 = draw("cd14", z[5])
    hladr = draw("hladr", hladr_z)
    glow = t["autofluorescence"][labels] * np.exp(0.3 * size + 0.2 * z[6])
    mono = np.flatnonzero(labels == MONOCYTE)
    antibodies = (
        blood.abc * np.exp(blood.abc_sd_ln * split_normal(hladr_z[mono], blood.abc_skew)) * blood.pe_per_antibody
    )
    # AB/C is all of a cell's PE: what does not come from autofluorescence comes from antibodies
    glow[mono] = np.minimum(glow[mono], antibodies)
    hladr[mono] = antibodies - glow[mono]
    if blood.platelet_bound_fraction:
        bound = mono[rng.random(len(mono)) < blood.platelet_bound_fraction]
        forward[bound] *= 1.06
        side[bound] *= 1.10
    small = np.isin(labels, [CODES["debris"], CODES["platelet"], CODES["red_cell"], CODES["dead"]])
    low = np.flatnonzero(small & (forward < cytometer.threshold))
    # what the trigger saw is over the threshold: the recorded tail falls off exponentially
    forward[low] = cytometer.threshold * np.exp(0.25 * rng.standard_exponential(len(low)))
    beads = np.flatnonzero(labels == CODES["bead"])
    if len(beads):
        levels = rng.choice(QUANTIBRITE_LOT_96597, len(beads))
        hladr[beads] = levels * np.exp(0.05 * rng.standard_normal(len(beads)))
    molecules = np.column_stack([hladr, cd14, cd45]).astype(np.float64)
    assert molecules.shape[1] == len(MARKERS)
    n_doublets = count - n
    first = blood.bead_carry_over
    return Particles(
        forward.astype(np.float64),
        side.astype(np.float64),
        molecules,
        glow.astype(np.float64),
        np.sort(rng.choice(n - first, n_doublets, replace=False) + first),
        rng.beta(1.2, 3.0, n_doublets),
    )


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
