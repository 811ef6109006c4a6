"""The spillover matrix that applies to a tube, and applying it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .flags import SpecimenError


def spillover_of(text: Mapping[str, str]):
    """Read the file's own matrix from its keywords; None where there is none that can be understood."""
    from .fcs import Spillover

    for key in ("$SPILLOVER", "SPILL", "$SPILL"):
        if key in text:
            parts = [p.strip() for p in text[key].split(",")]
            try:
                k = int(parts[0])
                matrix = np.array(parts[k + 1 : k + 1 + k * k], float).reshape(k, k)
            except ValueError:
                continue
            return Spillover(tuple(parts[1 : k + 1]), matrix)
    return None


def choose(acquisition, lab: Mapping, study_folder: str | Path):
    """Return the matrix that the lab's entry asks for (None: nothing to compensate) and notes.

    Returns
    -------
    tuple of (Spillover or None, tuple of str)
    """
    how = lab.get("compensation", "from_file")
    if how == "none":
        return None, ()
    if how == "from_file":
        spill = acquisition.spill
        if spill is None:
            return None, ("no_matrix",)
        if np.array_equal(spill.matrix, np.eye(len(spill.detectors))):
            return None, ("identity_matrix",)
        return spill, ()
    return read_matrix_csv(Path(study_folder) / how), ()


def apply(events: np.ndarray, channels: Sequence, spill) -> np.ndarray:
    """Return a compensated float64 copy of all columns; without a matrix a plain copy.

    The numbers are FlowKit's: `numpy.linalg.solve(matrix.T, detectors.T).T`.
    """
    out = np.array(events, dtype=np.float64, order="F")
    if spill is None:
        return out
    names = [c.name for c in channels]
    try:
        columns = [names.index(d) for d in spill.detectors]
    except ValueError:
        raise SpecimenError(
            "channel_missing", "the spillover matrix names a detector that the file does not have"
        ) from None
    out[:, columns] = np.linalg.solve(spill.matrix.T, out[:, columns].T).T
    return out


def read_matrix_csv(path: str | Path):
    """Read a matrix table: header of detectors, then a row per detector, diagonal 1.

    Raises
    ------
    ValueError
        With a plain message.
    """
    raise NotImplementedError
