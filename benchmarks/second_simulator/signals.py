"""The cytometer: gains, spill and its matrix, noise."""

from dataclasses import dataclass

import numpy as np

from .authors import NOISELESS, PHOTOELECTRONS
from .blood import Blood
from .draws import uniform
from .events import Events
from .populations import CD14, CD45, FSC, PE, SSC

#: The channels that spill, in the matrices' order.
DYES = (PE, CD14, CD45)


@dataclass(frozen=True)
class Gains:
    """What one unit of `Population.medians` is in the file, and the detectors' top.

    Attributes
    ----------
    top : float
    forward, neutrophil_side, cd14, cd45 : float
        Signal of a lymphocyte's FSC, of the neutrophils' SSC, of healthy monocytes' CD14 and lymphocytes' CD45.
    pe_per_antibody : float
    """

    top: float
    forward: float
    neutrophil_side: float
    cd14: float
    cd45: float
    pe_per_antibody: float


#: Per cytometer: top; FSC and SSC (signal), CD14, CD45 and PE of 5,000 antibodies (decades), each from and to.
RANGES = {
    "calibur": (1e4, (150, 300), (330, 650), (2, 3.3), (2.2, 3.4), (1.4, 2.7)),
    "bd": (262_143.0, (35e3, 85e3), (4e4, 1.5e5), (3.6, 4.8), (3.6, 4.9), (2.4, 4.3)),
    "bc20": (1_048_575.0, (1.2e5, 3.3e5), (1.2e5, 5e5), (4.0, 5.4), (4.0, 5.4), (3.0, 4.8)),
    "big24": (16_777_215.0, (5e5, 3e6), (5e5, 4e6), (4.2, 6.2), (4.2, 6.2), (3.3, 5.5)),
}


def draw_gains(rng: np.random.Generator, blood: Blood) -> Gains:
    """Draw how a laboratory set its detectors."""
    top, forward, side, cd14, cd45, pe = RANGES[blood.cytometer]
    return Gains(
        top=top,
        forward=uniform(rng, *forward),
        neutrophil_side=uniform(rng, *side),
        cd14=10 ** uniform(rng, *cd14),
        cd45=10 ** uniform(rng, *cd45),
        # a laboratory sets the voltage so that bright cells stay on scale
        pe_per_antibody=10 ** uniform(rng, *pe) / (2 if blood.abc > 9000 else 1) / 5000,
    )


@dataclass(frozen=True)
class Signals:
    """What the detectors give.

    Attributes
    ----------
    values : ndarray (n, 5)
        FSC, SSC, CD45, CD14, PE.
    heights : ndarray (n,)
        FSC heights.
    labels : ndarray of int (n,)
    matrix : ndarray (3, 3) or None
        What the file says about the spill of DYES, right or wrong.
    """

    values: np.ndarray
    heights: np.ndarray
    labels: np.ndarray
    matrix: np.ndarray | None


def measure(rng: np.random.Generator, blood: Blood, gains: Gains, author: str, events: Events) -> Signals:
    """Turn events into signals, uniform noise among them."""
    cells = events.cells
    side_error, cd45_error, cd14_error = blood.gain_errors
    side = gains.neutrophil_side / blood.neutrophil_ssc * side_error
    if blood.cytometer == "calibur":
        side = min(side, 750 / blood.neutrophil_ssc)  # its scatter ends at 1023
    cd45, cd14 = gains.cd45 * cd45_error, gains.cd14 * cd14_error
    values = np.empty((len(cells), 5))
    values[:, FSC] = gains.forward * np.maximum(cells[:, FSC] + blood.fsc_offset, 0.01) / (1 + blood.fsc_offset)
    values[:, SSC] = side * cells[:, SSC]
    values[:, CD45] = cd45 * cells[:, CD45]
    values[:, CD14] = cd14 * cells[:, CD14]
    values[:, PE] = gains.pe_per_antibody * cells[:, PE]
    spill, matrix = _spill(rng, blood)
    dyes = values[:, DYES] if spill is None else values[:, DYES] @ spill
    negative = cd14 * blood.negative_cd14
    pe_noise = gains.pe_per_antibody * uniform(rng, 20, 150)
    if author not in NOISELESS:
        dyes = dyes + rng.standard_normal(dyes.shape) * [pe_noise, negative * 0.55, cd45 * 0.004]
    if author in PHOTOELECTRONS:
        per_electron = np.array([gains.pe_per_antibody * 12, negative * 0.25, cd45 * 0.004])
        dyes = dyes + rng.standard_normal(dyes.shape) * np.sqrt(np.maximum(dyes, 0) * per_electron)
    values[:, DYES] = dyes
    values[:, :2] *= 1 + 0.015 * rng.standard_normal((len(cells), 2))
    slope, blur = uniform(rng, 0.55, 0.95), uniform(rng, 0.012, 0.045)
    heights = values[:, FSC] * slope * events.heights * (1 + blur * rng.standard_normal(len(cells)))
    return _with_noise(rng, blood, gains, Signals(values, heights, events.labels, matrix))


def _spill(rng: np.random.Generator, blood: Blood) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Draw how the dyes spill into each other's detectors, and what the file says about it; None for no spill."""
    kind = blood.compensation
    if kind in ("none", "precomp"):
        return None, None
    strength = 0.25 if kind == "uncomp" else uniform(rng, 0.2, 1)
    spill = np.eye(3)
    spill[0, 1:] = uniform(rng, 0.02, 0.16) * strength, uniform(rng, 0, 0.01)
    spill[1, ::2] = uniform(rng, 0, 0.02) * strength, uniform(rng, 0.0, 0.08) * strength
    spill[2, :2] = uniform(rng, 0, 0.004), uniform(rng, 0, 0.04) * strength
    if kind == "uncomp":
        return spill, None
    matrix = spill.copy()
    if kind == "wrong_rel":  # each coefficient by a twentieth of itself
        matrix[~np.eye(3, dtype=bool)] *= 1 + 0.05 * np.sign(rng.standard_normal(6))
    if kind == "wrong_abs":  # five points at one or two of the places where spill matters
        points = 0.05 if blood.cd14_decades < 2.2 else 0.025
        for place in [(0, 1), (1, 2)][: int(rng.integers(1, 3))]:
            matrix[place] += points if rng.random() < 0.5 else -points
    if blood.cytometer == "calibur":  # compensated in hardware: the file holds what the circuit left over
        return (np.eye(3) + spill - matrix if kind.startswith("wrong") else None), None
    return spill, matrix


def _with_noise(rng: np.random.Generator, blood: Blood, gains: Gains, signals: Signals) -> Signals:
    """Mix in events that are nothing."""
    n = int(blood.noise * blood.n_events)
    if not n:
        return signals
    scatter = 1023.0 if blood.cytometer == "calibur" else gains.top
    tops = np.array([scatter] * 2 + [gains.top] * 3)
    if blood.noise_scale == "linear":
        values = rng.random((n, 5)) * tops
    else:
        values = np.exp(rng.uniform(np.log(tops / 1e4), np.log(tops), (n, 5)))
    heights = values[:, FSC] * uniform(rng, 0.5, 0.9)
    order = rng.permutation(len(signals.labels) + n)
    return Signals(
        np.concatenate([signals.values, values])[order],
        np.concatenate([signals.heights, heights])[order],
        np.concatenate([signals.labels, np.zeros(n, int)])[order],
        signals.matrix,
    )
