"""The cells of lysed blood: how much they scatter, carry and glow.

Lymphocyte scatter is 1; antigens are antibodies bound per cell. Orders of magnitude: about 100,000 CD14 per monocyte
and 2,000 to 4,000 per neutrophil (Antal-Szalmas et al., J Leukoc Biol 1997); CD45 about 200,000 per lymphocyte, half of
that on monocytes, a third on neutrophils (Bikoue et al., Cytometry 1996).
The spreads are plausible, not measured.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Population:
    """One kind of particle; medians, and standard deviations of the natural logarithm."""

    name: str
    forward: float
    forward_sd: float
    side: float
    side_sd: float
    cd14: float
    cd14_sd: float
    cd45: float
    cd45_sd: float
    hladr: float
    hladr_sd: float
    autofluorescence: float


POPULATIONS: tuple[Population, ...] = (
    #          name                    FSC         SSC        CD14          CD45             HLA-DR        AF
    Population("monocyte", 1.75, 0.13, 2.5, 0.24, 110_000, 0.40, 105_000, 0.25, 0, 0.50, 260),
    Population("nonclassical", 1.45, 0.14, 1.9, 0.24, 9_000, 0.60, 140_000, 0.25, 45_000, 0.55, 200),
    Population("neutrophil", 1.75, 0.13, 6.0, 0.22, 3_000, 0.40, 55_000, 0.28, 150, 0.60, 320),
    Population("immature_granulocyte", 2.00, 0.17, 5.0, 0.32, 2_500, 0.60, 26_000, 0.35, 500, 0.90, 380),
    Population("eosinophil", 1.60, 0.12, 8.0, 0.18, 1_200, 0.50, 80_000, 0.25, 150, 0.60, 1_800),
    Population("basophil", 1.20, 0.12, 1.35, 0.18, 900, 0.50, 50_000, 0.25, 120, 0.60, 130),
    Population("t_cell", 1.00, 0.10, 1.0, 0.17, 350, 0.60, 200_000, 0.22, 150, 1.00, 90),
    Population("b_cell", 1.00, 0.11, 1.0, 0.17, 400, 0.60, 150_000, 0.25, 35_000, 0.50, 100),
    Population("nk_cell", 1.08, 0.12, 1.15, 0.20, 400, 0.60, 170_000, 0.25, 180, 1.00, 100),
    Population("dead", 0.70, 0.30, 2.6, 0.50, 2_500, 1.00, 25_000, 0.90, 1_500, 1.00, 700),
    Population("debris", 0.25, 0.45, 0.5, 0.70, 250, 0.90, 700, 1.10, 80, 0.90, 50),
    Population("platelet", 0.28, 0.25, 0.22, 0.45, 250, 0.70, 250, 0.80, 60, 0.80, 25),
    Population("red_cell", 0.50, 0.25, 0.45, 0.40, 150, 0.60, 200, 0.60, 60, 0.60, 20),
    Population("bead", 0.60, 0.06, 1.30, 0.08, 0, 0.10, 0, 0.10, 0, 0.05, 40),
)
NAMES: tuple[str, ...] = tuple(p.name for p in POPULATIONS)
CODES: dict[str, int] = {name: i for i, name in enumerate(NAMES)}
MONOCYTE = CODES["monocyte"]


def table() -> dict[str, np.ndarray]:
    """Return the medians and spreads as arrays, one value per population, to be changed and indexed by label."""
    fields = [f for f in Population.__dataclass_fields__ if f != "name"]
    return {f: np.array([getattr(p, f) for p in POPULATIONS], dtype=float) for f in fields}


def split_normal(z: np.ndarray, skew: float) -> np.ndarray:
    """Stretch one side of a normal deviate and shrink the other: skewed, with the median still at 0 (|skew| < 1)."""
    return np.where(z > 0, z * (1 + skew), z * (1 - skew)) if skew else z
