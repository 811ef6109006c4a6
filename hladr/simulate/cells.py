"""The particles of a tube of blood: which ones, and what each scatters and carries."""

from typing import TYPE_CHECKING

import numpy as np

from .cytometer import MARKERS, Cytometer
from .detect import Particles
from .populations import CODES, MONOCYTE, NAMES, split_normal, table

if TYPE_CHECKING:
    from .blood import Blood

_CARRIED_OVER = (638.0, 6930.0, 31008.0, 67601.0)  # PE molecules of the beads of lot 96597


def composition(blood: "Blood") -> np.ndarray:
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


def draw_labels(blood: "Blood", count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the population of each of `count` particles, uint8 (count,), an index into `populations.NAMES`."""
    edges = np.cumsum(composition(blood))
    return np.searchsorted(edges / edges[-1], rng.random(count), side="right").clip(0, len(NAMES) - 1).astype(np.uint8)


def _medians(blood: "Blood") -> dict[str, np.ndarray]:
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


def draw_particles(
    blood: "Blood", cytometer: Cytometer, labels: np.ndarray, n: int, rng: np.random.Generator
) -> Particles:
    """Draw the particles of these labels: the first n are one per event, the others join an event each."""
    count = len(labels)
    t = {key: values.astype(np.float32) for key, values in _medians(blood).items()}
    z = rng.standard_normal((7, count), dtype=np.float32)
    if blood.heavy_tail:
        # the monocytes' HLA-DR (row 4) keeps the stated spread
        tail = np.where(rng.random(count, dtype=np.float32) < blood.heavy_tail, np.float32(2.2), np.float32(1))
        z[[1, 2, 3, 5]] *= tail
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
    cd14 = draw("cd14", np.where(labels == MONOCYTE, split_normal(z[5], blood.cd14_skew), z[5]))
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
        levels = rng.choice(_CARRIED_OVER, len(beads))
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
