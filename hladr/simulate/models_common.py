"""What the models of all makers share: spillover at equal gains, and scatter detectors."""

import numpy as np

from .cytometer import Detector, to_tuples

# Spillover in units of equal gain (signal per own dye molecule); row: dye, column: detector. FITC has no stain here.
FITC_PE_PERCP_APC = np.array(
    [
        [1.0, 0.22, 0.03, 0.0],
        [0.012, 1.0, 0.20, 0.003],
        [0.001, 0.006, 1.0, 0.10],
        [0.0, 0.002, 0.05, 1.0],
    ]
)


def spill_matrix(detectors: tuple[Detector, ...], base: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Rescale a matrix of equal gains to these detectors' gains, capped where a dim detector is run very bright."""
    gains = np.array([d.units_per_molecule for d in detectors])
    matrix = np.minimum(base * gains[None, :] / gains[:, None], 0.6)
    np.fill_diagonal(matrix, 1.0)
    return to_tuples(np.round(matrix, 6))


def scatter(forward: float, side: float, noise: float, volts: tuple[float | None, float | None]) -> dict[str, Detector]:
    """Make the two scatter detectors from units per lymphocyte, electronic noise and voltages."""
    return {
        "forward": Detector("forward", "", forward, 4000.0, noise, volts[0]),
        "side": Detector("side", "", side, 1500.0, noise, volts[1]),
    }
