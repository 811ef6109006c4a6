"""The regimes: a hard grid, plain septic blood, and 22 that each change one thing of it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .blood import Blood, draw_blood
from .draws import log_uniform, one_of, uniform


def grid(rng: np.random.Generator) -> Blood:
    """Dim CD14, few monocytes, immature granulocytes, CD14 on neutrophils, debris, doublets, wrong matrices, gains."""
    blood = replace(
        draw_blood(rng),
        monocyte_cd14=one_of(rng, (1, 1 / 2, 1 / 3, 1 / 6)),
        monocytes=one_of(rng, (0.08, 0.05, 0.03, 0.01, 0.005)),
        immature=one_of(rng, (0, 0.05, 0.1, 0.2)),
        neutrophil_cd14=one_of(rng, (0.02, 0.05, 0.1, 0.2, 1 / 3)),
        debris=one_of(rng, (0.02, 0.1, 0.3)),
        doublets=one_of(rng, (0.01, 0.03, 0.1)),
        compensation=one_of(rng, ("none", "right", "wrong_rel", "wrong_abs")),
    )
    if rng.random() < 0.5:
        side, cd45, cd14 = (log_uniform(rng, 1 / 3, 3) for _ in range(3))
        blood = replace(blood, gain_errors=(side, cd45, cd14))
    return blood


def hard(rng: np.random.Generator) -> Blood:
    """Draw the far corner of the grid."""
    blood = replace(grid(rng), monocyte_cd14=1 / 6, neutrophil_cd14=1 / 3, immature=0.2)
    return replace(blood, monocytes=one_of(rng, (0.01, 0.03, 0.05)))


def healthy(rng: np.random.Generator) -> Blood:
    """Draw a volunteer's blood."""
    return replace(
        draw_blood(rng),
        monocyte_cd14=1,
        monocytes=uniform(rng, 0.05, 0.1),
        lymphocytes=uniform(rng, 0.25, 0.4),
        immature=0,
        abc=log_uniform(rng, 12_000, 40_000),
    )


def monorich(rng: np.random.Generator) -> Blood:
    """Up to a third of the leukocytes are monocytes."""
    return replace(draw_blood(rng), monocytes=uniform(rng, 0.18, 0.38), lymphocytes=uniform(rng, 0.1, 0.3))


def pbmc(rng: np.random.Generator) -> Blood:
    """Mononuclear cells of a density gradient: hardly a neutrophil."""
    return replace(
        draw_blood(rng),
        monocytes=uniform(rng, 0.1, 0.3),
        lymphocytes=uniform(rng, 0.66, 0.68),
        immature=0.0,
        eosinophils=0,
        neutrophils=uniform(rng, 0.0, 0.03),
    )


def lymphopenic(rng: np.random.Generator) -> Blood:
    """Under 2 % lymphocytes."""
    return replace(draw_blood(rng), lymphocytes=log_uniform(rng, 0.004, 0.02))


def neutropenic(rng: np.random.Generator) -> Blood:
    """At most a tenth of neutrophils."""
    return replace(
        draw_blood(rng),
        lymphocytes=uniform(rng, 0.4, 0.7),
        monocytes=uniform(rng, 0.05, 0.3),
        neutrophils=uniform(rng, 0.01, 0.1),
    )


def clean(rng: np.random.Generator) -> Blood:
    """Leukocytes alone."""
    return replace(draw_blood(rng), debris=0, noise=0, doublets=0, aggregates=0, threshold=one_of(rng, (0, 0.6)))


def rbc(rng: np.random.Generator) -> Blood:
    """Poor lysis: many red cells, and no threshold."""
    return replace(draw_blood(rng), red_cells=uniform(rng, 0.2, 0.6), threshold=0)


def plt(rng: np.random.Generator) -> Blood:
    """Many platelets, also on monocytes, and no threshold."""
    return replace(draw_blood(rng), platelets=uniform(rng, 0.2, 0.5), aggregates=uniform(rng, 0.05, 0.3), threshold=0)


def nocd45(rng: np.random.Generator) -> Blood:
    """Draw for the two-colour panel."""
    return replace(draw_blood(rng), cd45=False, monocyte_cd14=one_of(rng, (1, 1 / 2, 1 / 3)))


def uncomp(rng: np.random.Generator) -> Blood:
    """Spill, and no matrix."""
    return replace(draw_blood(rng), compensation="uncomp")


def sep1(rng: np.random.Generator) -> Blood:
    """Weak staining of CD14: 1 to 1.5 decades."""
    return replace(draw_blood(rng), cd14_decades=uniform(rng, 1.0, 1.5), monocyte_cd14=one_of(rng, (1, 0.7)))


def sep3(rng: np.random.Generator) -> Blood:
    """Strong staining of CD14: about 3 decades."""
    return replace(
        draw_blood(rng),
        cd14_decades=uniform(rng, 2.7, 3.3),
        monocyte_cd14=1,
        neutrophil_cd14=log_uniform(rng, 0.001, 0.05),
    )


def few(rng: np.random.Generator) -> Blood:
    """Few events."""
    return replace(draw_blood(rng), n_events=int(log_uniform(rng, 3000, 8000)), monocytes=uniform(rng, 0.035, 0.06))


def eos(rng: np.random.Generator) -> Blood:
    """Eosinophilia."""
    return replace(draw_blood(rng), eosinophils=uniform(rng, 0.05, 0.2))


def ig(rng: np.random.Generator) -> Blood:
    """Left shift: up to half of the leukocytes are immature granulocytes."""
    return replace(draw_blood(rng), immature=uniform(rng, 0.2, 0.5), immature_cd45=uniform(rng, 0.3, 0.7))


def samecd45(rng: np.random.Generator) -> Blood:
    """Neutrophils nearly as CD45-bright as lymphocytes, monocytes equal to them."""
    return replace(draw_blood(rng), neutrophil_cd45=uniform(rng, 0.6, 0.95), monocyte_cd45=uniform(rng, 0.9, 1.2))


def tightssc(rng: np.random.Generator) -> Blood:
    """Little difference in side scatter."""
    return replace(draw_blood(rng), neutrophil_ssc=uniform(rng, 1.9, 2.6))


def wrongabs(rng: np.random.Generator) -> Blood:
    """Points wrong in the matrix."""
    return replace(draw_blood(rng), compensation="wrong_abs")


def dbl(rng: np.random.Generator) -> Blood:
    """Many doublets."""
    return replace(draw_blood(rng), doublets=uniform(rng, 0.08, 0.14), fsc_height=bool(rng.random() < 0.5))


def ncmono(rng: np.random.Generator) -> Blood:
    """Many non-classical monocytes."""
    return replace(draw_blood(rng), nonclassical=uniform(rng, 0.15, 0.35))


def dead(rng: np.random.Generator) -> Blood:
    """Up to a fifth of dead cells."""
    return replace(draw_blood(rng), dead=uniform(rng, 0.05, 0.2))


#: By name; names are part of the seeds, and the order is that of the sets.
REGIMES: dict[str, Callable[[np.random.Generator], Blood]] = {
    "grid": grid,
    "base": draw_blood,
    "healthy": healthy,
    "monorich": monorich,
    "pbmc": pbmc,
    "lymphopenic": lymphopenic,
    "neutropenic": neutropenic,
    "clean": clean,
    "rbc": rbc,
    "plt": plt,
    "nocd45": nocd45,
    "uncomp": uncomp,
    "hard": hard,
    "sep1": sep1,
    "sep3": sep3,
    "few": few,
    "eos": eos,
    "ig": ig,
    "samecd45": samecd45,
    "tightssc": tightssc,
    "wrongabs": wrongabs,
    "dbl": dbl,
    "ncmono": ncmono,
    "dead": dead,
}
