"""The populations of a tube's blood: shares, medians and spreads."""

from dataclasses import dataclass

import numpy as np

from .blood import Blood
from .draws import log_uniform, uniform

FSC, SSC, CD45, CD14, PE = range(5)

#: What an event is; its place here is its label.
KINDS = (
    "noise",
    "neutrophil",
    "T cell",
    "B cell",
    "NK cell",
    "monocyte",
    "non-classical",
    "immature",
    "eosinophil",
    "basophil",
    "debris",
    "red cell",
    "platelet",
    "monocyte with platelet",
    "doublet",
    "doublet with monocyte",
    "dead",
)
CODES = {name: code for code, name in enumerate(KINDS)}
#: A monocyte that carries a platelet is one; a monocyte together with another cell is not.
MONOCYTES = (CODES["monocyte"], CODES["monocyte with platelet"])
SMALL = (CODES["debris"], CODES["platelet"], CODES["red cell"])


@dataclass(frozen=True)
class Population:
    """A kind of cell.

    Attributes
    ----------
    name : str
        One of KINDS.
    share : float
        Of the tube's events; the shares of a tube need not add up to 1.
    medians : ndarray (5,)
        FSC, SSC, CD45, CD14 relative to lymphocytes and healthy monocytes, PE in antibodies. CD14 0: it has none.
    spreads : ndarray (5,)
        Standard deviations of the logarithm.
    """

    name: str
    share: float
    medians: np.ndarray
    spreads: np.ndarray


PLATELET = Population("platelet", 1.0, np.array([0.18, 0.16, 0.004, 0, 60]), np.array([0.3, 0.4, 0.5, 0, 0.6]))


def draw_populations(rng: np.random.Generator, blood: Blood) -> list[Population]:
    """Draw the populations of a tube, none of them empty."""
    counted = blood.monocytes + blood.lymphocytes + blood.immature + blood.eosinophils + blood.basophils
    neutrophils = max(1 - counted, 0.02) if blood.neutrophils is None else blood.neutrophils
    total = counted + neutrophils
    cells = max(1 - blood.debris - blood.red_cells - blood.platelets - blood.noise, 0.05)
    rows = _leukocytes(rng, blood, total, neutrophils)
    rows = [(name, share * cells, medians, spreads) for name, share, medians, spreads in rows]
    cd14 = blood.neutrophil_cd14 * blood.monocyte_cd14 + blood.negative_cd14
    medians = [0.75, blood.neutrophil_ssc * 0.8, blood.neutrophil_cd45 * 0.6, cd14, 600]
    rows.append(("dead", blood.dead * cells, medians, [0.2, 0.35, 0.5, 0.6, 0.7]))
    rows += _small(rng, blood)
    scale = np.array([blood.spread_scale] * 4 + [1])
    return [
        Population(name, share, np.array(medians, float), np.array(spreads, float) * scale)
        for name, share, medians, spreads in rows
        if share > 0
    ]


def _leukocytes(rng: np.random.Generator, blood: Blood, total: float, neutrophils: float) -> list[tuple]:
    lymphocytes, monocytes = blood.lymphocytes / total, blood.monocytes / total
    cd14, side, cd45 = blood.monocyte_cd14, blood.neutrophil_ssc, blood.neutrophil_cd45
    monocyte_side = side**blood.monocyte_ssc_position
    dim = blood.neutrophil_cd14 * cd14
    b_cells, nk_cells = uniform(rng, 0.05, 0.25), uniform(rng, 0.05, 0.2)
    cd14_spread = uniform(rng, 0.28, 0.5)
    return [
        (
            "neutrophil",
            neutrophils / total,
            [blood.neutrophil_fsc, side, cd45, dim, log_uniform(rng, 80, 500)],
            [0.12, 0.22, 0.25, 0.45, 0.45],
        ),
        (
            "T cell",
            lymphocytes * (1 - b_cells - nk_cells),
            [1, 1, 1, 0, log_uniform(rng, 60, 300)],
            [0.09, 0.18, 0.2, 0, 0.6],
        ),
        ("B cell", lymphocytes * b_cells, [1.02, 1.05, 0.9, 0, blood.b_cell_abc], [0.1, 0.2, 0.22, 0, 0.4]),
        (
            "NK cell",
            lymphocytes * nk_cells,
            [1.08, 1.2, 0.95, 0, log_uniform(rng, 80, 400)],
            [0.1, 0.22, 0.22, 0, 0.6],
        ),
        (
            "monocyte",
            monocytes * (1 - blood.nonclassical),
            [blood.monocyte_fsc, monocyte_side, blood.monocyte_cd45, cd14, blood.abc],
            [0.1, 0.18, 0.2, cd14_spread, blood.abc_sd_ln],
        ),
        (
            "non-classical",
            monocytes * blood.nonclassical,
            [
                blood.monocyte_fsc * 0.92,
                monocyte_side * 0.85,
                blood.monocyte_cd45 * 1.1,
                cd14 * uniform(rng, 0.04, 0.15),
                blood.abc * 1.3,
            ],
            [0.1, 0.2, 0.22, 0.45, 0.5],
        ),
        (
            "immature",
            blood.immature / total,
            [
                blood.neutrophil_fsc * uniform(rng, 0.98, 1.15),
                side * uniform(rng, 0.65, 1.1),
                cd45 * blood.immature_cd45,
                dim * uniform(rng, 0.3, 1.2),
                log_uniform(rng, 200, 2000),
            ],
            [0.14, 0.3, 0.3, 0.5, 0.6],
        ),
        (
            "eosinophil",
            blood.eosinophils / total,
            [
                blood.neutrophil_fsc * 0.95,
                side * uniform(rng, 1.15, 1.5),
                cd45 * uniform(rng, 1.3, 2),
                0.01 * cd14,
                log_uniform(rng, 100, 600),
            ],
            [0.1, 0.2, 0.22, 0.4, 0.5],
        ),
        ("basophil", blood.basophils / total, [1.15, 1.2, 0.5, 0, 100], [0.1, 0.2, 0.22, 0, 0.5]),
    ]


def _small(rng: np.random.Generator, blood: Blood) -> list[tuple]:
    rows = []
    for name, share in (("debris", blood.debris), ("red cell", blood.red_cells), ("platelet", blood.platelets)):
        if share <= 0:
            continue
        # drawn for each of the three, used by one: the tubes stay those of the first figures
        red_fsc, red_ssc = uniform(rng, 0.45, 0.85), uniform(rng, 0.12, 0.35)
        if name == "debris":
            rows.append((name, share, [0.3, 0.35, blood.debris_cd45, 0, 60], [0.45, 0.6, 0.9, 0, 0.8]))
        elif name == "red cell":
            rows.append((name, share, [red_fsc, red_ssc, 0.002, 0, 30], [0.18, 0.25, 0.4, 0, 0.5]))
        else:
            rows.append((name, share, PLATELET.medians, PLATELET.spreads))
    return rows
