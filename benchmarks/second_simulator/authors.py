"""Six authors' ways to draw the cells of a population: six opinions on the shape of clouds.

Each takes the generator, a `Population`, a number of cells, the `Blood` and the tube's `Style`, and returns (n, 5):
FSC, SSC, CD45, CD14, PE in the units of the population's medians.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .blood import Blood
from .draws import one_of, uniform
from .populations import CD14, CD45, FSC, PE, SSC, Population

TINY = 1e-9


@dataclass(frozen=True)
class Style:
    """An author's taste, drawn once per tube.

    Attributes
    ----------
    negative_sd : float
        Spread (ln) of the negative CD14 cloud of author A.
    scatter : float
        Factor on author B's spreads of scatter.
    degrees : int
        Degrees of freedom of author C's tails.
    skew : float
        Of author C's CD14 and SSC.
    cofactor, asinh_sd : float
        Author D's scale, as a multiple of negative CD14, and the spread of negative cells on it.
    negative_decades : float
        Spread (decades) of the negative CD14 cloud of author F.
    """

    negative_sd: float
    scatter: float
    degrees: int
    skew: float
    cofactor: float
    asinh_sd: float
    negative_decades: float


def draw_style(rng: np.random.Generator) -> Style:
    """Draw the taste of a tube's author."""
    return Style(
        negative_sd=uniform(rng, 0.4, 0.8),
        scatter=uniform(rng, 0.9, 1.3),
        degrees=one_of(rng, (4, 6, 10)),
        skew=uniform(rng, 0.2, 0.9),
        cofactor=uniform(rng, 0.7, 1.5),
        asinh_sd=uniform(rng, 0.4, 0.7),
        negative_decades=uniform(rng, 0.2, 0.38),
    )


def textbook(rng, population: Population, n: int, blood: Blood, style: Style) -> np.ndarray:
    """Lognormal clouds; negative cells are a dim lognormal cloud; the detectors have no noise."""
    cells = _lognormal(rng, population.medians, population.spreads, n)
    dim = blood.negative_cd14 * np.exp(rng.standard_normal(n) * style.negative_sd)
    if population.medians[CD14] <= 0:
        cells[:, CD14] = dim
    elif not _is_monocyte(population):
        cells[:, CD14] += dim
    return cells


def gauss(rng, population: Population, n: int, blood: Blood, style: Style) -> np.ndarray:
    """Scatter is Gaussian on the linear scale, debris exponential; negative CD14 is what the detector's noise makes."""
    cells = _lognormal(rng, population.medians, population.spreads, n)
    relative = rng.standard_normal((n, 2)) * population.spreads[:2] * style.scatter
    cells[:, :2] = population.medians[:2] * (1 + relative)
    if population.name == "debris":
        cells[:, FSC] = 0.08 + rng.exponential(0.25, n)
        cells[:, SSC] = 0.1 + rng.exponential(0.3, n)
    cells[:, :2] = np.maximum(cells[:, :2], 0.02)
    if population.medians[CD14] <= 0:
        cells[:, CD14] = 0
    return cells


def skew(rng, population: Population, n: int, blood: Blood, style: Style) -> np.ndarray:
    """Student's t tails, correlated channels; monocytes have a tail to dim CD14, granulocytes one to high SSC."""
    monocyte = _is_monocyte(population)
    pairs = [(FSC, SSC, 0.3), (CD14, PE, blood.cd14_pe_correlation if monocyte else 0)]
    z = _correlated(rng, n, population.spreads, pairs)
    z = z * np.sqrt(style.degrees / rng.chisquare(style.degrees, n))[:, None]
    tail = style.skew * (np.abs(rng.standard_normal(n)) - 0.8)
    if monocyte:
        z[:, CD14] -= tail * population.spreads[CD14]
    if population.name in ("neutrophil", "immature"):
        z[:, SSC] += tail * population.spreads[SSC]
        z[:, CD14] += tail * population.spreads[CD14]
    return population.medians * np.exp(np.clip(z, -4, 4))


def asinh(rng, population: Population, n: int, blood: Blood, style: Style) -> np.ndarray:
    """CD14 is normal on an asinh scale and correlated with CD45, scatter with itself."""
    medians, spreads = population.medians, population.spreads
    correlation = blood.cd14_pe_correlation if _is_monocyte(population) else 0
    z = _correlated(rng, n, spreads, [(FSC, SSC, 0.5), (CD14, CD45, 0.25), (CD14, PE, correlation)])
    cofactor = style.cofactor * blood.negative_cd14
    cells = np.maximum(medians, TINY) * np.exp(z)
    height = medians[CD14] / cofactor
    sd = np.sqrt(spreads[CD14] ** 2 * min(height, 1) + style.asinh_sd**2)
    standard = z[:, CD14] / max(spreads[CD14], TINY) if spreads[CD14] > 0 else rng.standard_normal(n)
    cells[:, CD14] = cofactor * np.sinh(np.arcsinh(height) + sd * standard)
    return cells


def physics(rng, population: Population, n: int, blood: Blood, style: Style) -> np.ndarray:
    """Size moves every channel of a cell, autofluorescence goes with scatter; `signals` adds photoelectrons."""
    spreads = population.spreads
    size = rng.standard_normal(n)
    correlation = blood.cd14_pe_correlation if _is_monocyte(population) else 0
    z = _correlated(rng, n, spreads, [(CD14, PE, correlation)])
    own, shared = np.array([0.8, 0.85, 0.9, 0.92, 0.95]), np.array([0.6, 0.45, 0.3, 0.3, 0.25])
    cells = population.medians * np.exp(z * own + size[:, None] * spreads * shared)
    bulk = cells[:, FSC] * np.sqrt(cells[:, SSC])
    cells[:, CD14] += 0.35 * blood.negative_cd14 * bulk * np.exp(0.3 * rng.standard_normal(n))
    cells[:, PE] += 25 * cells[:, FSC] * np.sqrt(cells[:, SSC])
    if population.name == "debris":
        cells[:, FSC] = np.maximum(0.05, rng.exponential(0.3, n))
        cells[:, SSC] = np.maximum(0.05, rng.exponential(0.35, n))
        stained = rng.random(n) < 0.15
        cells[:, CD45] *= 1 + 10 * stained * rng.random(n)
    return cells


def channel(rng, population: Population, n: int, blood: Blood, style: Style) -> np.ndarray:
    """Clouds in channels of a log amplifier, spreads rounded to whole channels; a floor of negative CD14; no noise."""
    whole = np.round(population.spreads * 111) / 111  # 256 channels per decade
    cells = _lognormal(rng, population.medians, whole, n)
    floor = blood.negative_cd14 * 10 ** (rng.standard_normal(n) * style.negative_decades - 0.1)
    cells[:, CD14] = floor if population.medians[CD14] <= 0 else np.maximum(cells[:, CD14], floor)
    return cells


#: By name; the names are part of the seeds.
AUTHORS: dict[str, Callable] = {
    "A_textbook": textbook,
    "B_gauss": gauss,
    "C_skew": skew,
    "D_asinh": asinh,
    "E_physics": physics,
    "F_channel": channel,
}
#: Authors whose detectors have no noise: their clouds have it already.
NOISELESS = ("A_textbook", "F_channel")
#: Authors whose detectors count photoelectrons.
PHOTOELECTRONS = ("E_physics",)


def _is_monocyte(population: Population) -> bool:
    return population.name in ("monocyte", "non-classical")


def _lognormal(rng, medians: np.ndarray, spreads: np.ndarray, n: int) -> np.ndarray:
    return np.exp(np.log(np.maximum(medians, TINY)) + rng.standard_normal((n, 5)) * spreads)


def _correlated(rng, n: int, spreads: np.ndarray, pairs: list[tuple[int, int, float]]) -> np.ndarray:
    """Draw normal deviates (n, 5) with these spreads and correlations of pairs of channels."""
    matrix = np.eye(5)
    for first, second, value in pairs:
        matrix[first, second] = matrix[second, first] = value
    return rng.standard_normal((n, 5)) @ np.linalg.cholesky(matrix).T * spreads
