"""The spillover matrix that applies to a tube, and applying it."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..flags import SpecimenError
from ..labs import FROM_FILE, NONE, compensation_of
from .channels import compensated_copy
from .spillover import invertible, is_identity
from .text import number
from .values import Acquisition, Channel, Spillover

_ROWS_AT_ONCE = 1 << 17
_LONGEST_NAME = 60  # of a detector that is kept for sentences; a damaged header may hold anything
# FlowIO takes channels that start so for scatter or time, and FlowKit refuses them in a matrix.
_FLOWKIT_EXCLUDES = ("fsc-", "ssc-", "time")


def choose(
    acquisition: Acquisition, lab: Mapping, study_folder: str | Path
) -> tuple[Spillover | None, tuple[str, ...]]:
    """Return the matrix that a lab's entry asks for, and notes.

    Parameters
    ----------
    acquisition : Acquisition
    lab : Mapping
        One entry of labs.yaml (`labs.compensation_of`).
    study_folder : path
        That the path is relative to.

    Returns
    -------
    tuple of (Spillover or None, tuple of str)
        None where there is nothing to compensate: asked for so, no matrix in the file (`no_matrix`), or an identity
        (`identity_matrix`). Of detectors that the file lacks or FlowKit takes for scatter, those without spillover are
        left out.

    Raises
    ------
    SpecimenError
        `channel_missing` for a detector that the file does not have; `unreadable_fcs` for a matrix in the file that
        cannot be understood or has no inverse.
    """
    how = compensation_of(lab)
    if how == NONE:
        return None, ()
    if how == FROM_FILE:
        if "matrix_unreadable" in acquisition.notes:
            raise SpecimenError("unreadable_fcs", "the spillover matrix in the file cannot be understood")
        spill = acquisition.spill
        if spill is None:
            return None, ("no_matrix",)
    else:
        try:
            spill = read_matrix_csv(Path(study_folder) / how.replace("\\", "/"))
        except (ValueError, OSError):
            raise SpecimenError("unreadable_fcs", "the spillover matrix of the lab cannot be read") from None
    if is_identity(spill):
        return None, ("identity_matrix",)
    return _present(spill, acquisition.channels), ()


def _present(spill: Spillover, channels: Sequence[Channel]) -> Spillover:
    names = [c.name for c in channels]
    lone = [
        np.count_nonzero(spill.matrix[i]) == 1 and np.count_nonzero(spill.matrix[:, i]) == 1
        for i in range(len(spill.detectors))
    ]
    keep = []
    for i, detector in enumerate(spill.detectors):
        usable = detector in names and not detector.lower().startswith(_FLOWKIT_EXCLUDES)
        if usable or not lone[i]:
            keep.append(i)
        if not lone[i] and names.count(detector) != 1:
            if (copy := compensated_copy(detector, names)) is not None:
                raise SpecimenError(
                    "channel_missing",
                    f"the file's channels are compensated already ({copy}, where its matrix says {detector}): "
                    "write compensation: none in labs.yaml",
                )
            what = "does not have" if detector not in names else "has twice"
            raise SpecimenError(
                "channel_missing", f"the spillover matrix names the detector {detector}, which the file {what}"
            )
    return Spillover(tuple(spill.detectors[i] for i in keep), spill.matrix[np.ix_(keep, keep)])


def apply(
    events: np.ndarray,
    channels: Sequence[Channel],
    spill: Spillover | None,
    columns: Sequence[int] | None = None,
) -> np.ndarray:
    """Return compensated columns; those that the matrix does not name as they are.

    Parameters
    ----------
    events : ndarray, shape (n, d)
    channels : sequence of Channel
        The d columns.
    spill : Spillover or None
    columns : sequence of int, optional
        Which to return; all if left out.

    Returns
    -------
    ndarray, shape (n, len(columns)), float64
        With the numbers of FlowKit's `Matrix.apply` (`flowutils.compensate`): the solution x of x · matrix = measured.

    Raises
    ------
    SpecimenError
        `channel_missing` for a detector that the file does not have.
    """
    wanted = list(range(events.shape[1]) if columns is None else columns)
    out = np.empty((len(events), len(wanted)), np.float64, order="F")
    for position, column in enumerate(wanted):
        out[:, position] = events[:, column]
    if spill is None:
        return out
    names = [c.name for c in channels]
    try:
        measured = [names.index(d) for d in spill.detectors]
    except ValueError:
        raise SpecimenError("channel_missing", "the spillover matrix names a detector that the file lacks") from None
    needed = [(position, measured.index(c)) for position, c in enumerate(wanted) if c in measured]
    if not needed:
        return out
    for start in range(0, len(events), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        solved = np.linalg.solve(spill.matrix.T, events[rows, measured].astype(np.float64).T)
        for position, row in needed:
            out[rows, position] = solved[row]
    return out


def seen_in(detector: str, channels: Sequence[Channel], spill: Spillover | None) -> dict[str, list] | None:
    """Take from a matrix how much of the other detectors' dyes is seen in one, to compare it with another file's.

    Parameters
    ----------
    detector : str
        `$PnN`.
    channels : sequence of Channel
    spill : Spillover or None

    Returns
    -------
    dict of str to list, or None
        Detector to share (1: all of it), `$PnV` and `$PnG`: a share grows and shrinks with them. None without a matrix
        that names the detector.
    """
    if spill is None or detector not in spill.detectors:
        return None
    shares = dict(zip(spill.detectors, spill.matrix[:, spill.detectors.index(detector)], strict=True))
    others = (c for c in channels if c.name in shares and c.name != detector)
    kept = (c for c in others if c.name.isprintable() and len(c.name) <= _LONGEST_NAME)
    return {c.name: [round(float(shares[c.name]), 4), c.voltage, c.gain] for c in kept}


def read_matrix_csv(path: str | Path) -> Spillover:
    """Read a matrix table: a header with the detectors' `$PnN`, then a row of numbers per detector, diagonal 1.

    Rows may begin with their detector's name. Comma, semicolon (with decimal commas) or tab.

    Parameters
    ----------
    path : path

    Returns
    -------
    Spillover

    Raises
    ------
    ValueError
        With a plain message, if the table is not such a matrix or has no inverse.
    OSError
    """
    try:
        content = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("the matrix is not a text file in UTF-8") from None
    lines = [line for line in content.splitlines() if line.strip(" ,;\t")]
    if len(lines) < 2:
        raise ValueError("the matrix has no rows")
    separator = max("\t;,", key=lines[0].count)
    rows = [[c.strip() for c in row] for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=separator)]
    header, body = rows[0], rows[1:]
    labelled = len(body[0]) == len(header) and _number(body[0][0], separator) is None
    if not labelled and len(body[0]) == len(header) + 1:
        labelled, header = True, ["", *header]
    detectors = header[1:] if labelled else header
    if labelled and [row[0] for row in body] != detectors:
        raise ValueError("the rows of the matrix are not in the order of its columns")
    k = len(detectors)
    if len(body) != k:
        raise ValueError(f"the matrix has {k} columns and {len(body)} rows; it needs as many rows as columns")
    if "" in detectors or len(set(detectors)) < k:
        raise ValueError("the header of the matrix has an empty or a doubled detector")
    matrix = np.empty((k, k))
    for i, row in enumerate(body):
        cells = row[1:] if labelled else row
        if len(cells) != k:
            raise ValueError(f"row {i + 1} of the matrix has {len(cells)} numbers; it needs {k}")
        for j, cell in enumerate(cells):
            value = _number(cell, separator)
            if value is None:
                raise ValueError(f"row {i + 1} of the matrix holds {cell!r}, which is not a number")
            matrix[i, j] = value
    if np.abs(np.diag(matrix) - 1).max() > 1e-6:
        raise ValueError("the diagonal of the matrix is not 1")
    try:
        return Spillover(tuple(detectors), invertible(matrix))
    except ValueError:
        raise ValueError("the matrix has no inverse") from None


def _number(cell: str, separator: str) -> float | None:
    return number(cell.replace(",", ".") if separator != "," else cell)
