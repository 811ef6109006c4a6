"""The spillover matrix that a file states: `$SPILLOVER`, `$COMP`, or Beckman's `$DFCiTOj`."""

import re
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from .text import keyword, number, whole
from .values import Channel, Spillover

_NAMED = ("SPILLOVER", "SPILL")
_LARGEST_CONDITION = 1e6  # beyond it, solving amplifies rounding to the size of the signal
_NOT_FLUORESCENCE = re.compile(r"(FSC|SSC|FS|SS|TIME|EV)(?![A-Z])|HDR", re.IGNORECASE)


def spillover_of(
    text: Mapping[str, str], inherited: Mapping[str, str], channels: Sequence[Channel]
) -> tuple[Spillover | None, tuple[str, ...]]:
    """Read a file's own matrix.

    In this order: `$SPILLOVER`, `SPILL`, `$COMP`, and for the raw data set of a Beckman file the `$DFCiTOj` of its
    first one. An identity is taken only where no later one states more: some writers fill a keyword with it and keep
    the matrix in another. A file that has only `$DFCiTOj` was compensated by the cytometer.

    Parameters
    ----------
    text, inherited : mapping of str to str
        Keywords of the data set, and of an earlier one of the same file.
    channels : sequence of Channel

    Returns
    -------
    tuple of (Spillover or None, tuple of str)
        The matrix, and notes: `identity_matrix`, `no_matrix`, `matrix_unreadable`, `compensated_on_cytometer`.
    """
    on_cytometer = any(k.startswith("$DFC") for k in (*text, *inherited))
    readers = [
        *(partial(_from_spillover, keyword(text, name)) for name in _NAMED),
        partial(_from_comp, text),
        *([partial(_from_dfc, {**inherited, **text})] if on_cytometer and inherited else []),
    ]
    identity = None
    for read in readers:
        try:
            found = read(channels)
            found = None if found is None else _checked(found)
        except ValueError:
            if identity is None:
                return None, ("matrix_unreadable",)
            continue
        if found is not None and not is_identity(found):
            return found, ()
        identity = identity or found
    if identity is not None:
        return identity, ("identity_matrix",)
    return None, ("compensated_on_cytometer" if on_cytometer and not inherited else "no_matrix",)


def _from_spillover(value: str | None, channels: Sequence[Channel]) -> Spillover | None:
    """Read `$SPILLOVER`: k, k names, k² numbers by row; Beckman writes channel numbers for names."""
    if not value:
        return None
    parts = [p.strip() for p in re.sub(r"[\r\n]", "", value).split(",")]
    k = whole(parts[0])
    if k == 0 or (k is not None and len(parts) == 1 + k):
        return None  # names without numbers (MACSQuant): nothing is stated
    if not k or len(parts) != 1 + k + k * k:
        raise ValueError("not k names and k² numbers")
    return Spillover(tuple(_detectors(parts[1 : k + 1], channels)), _square(parts[k + 1 :], k))


def _detectors(names: list[str], channels: Sequence[Channel]) -> list[str]:
    known = [c.name for c in channels]
    if not set(names) & set(known) and all(whole(n) and whole(n) <= len(known) for n in names):
        return [known[whole(n) - 1] for n in names]
    stains = [c.stain for c in channels]
    return [known[stains.index(n)] if n not in known and stains.count(n) == 1 else n for n in names]


def _from_comp(text: Mapping[str, str], channels: Sequence[Channel]) -> Spillover | None:
    """Read `$COMP` (FCS 3.0): k, k² numbers by row, for all channels or for the fluorescence channels in their order.

    Writers give the spillover or its inverse (numbers below zero beside the diagonal), as shares or in percent.
    """
    value = keyword(text, "COMP")
    if value is None:
        return None
    parts = [p.strip() for p in value.split(",")]
    k = whole(parts[0])
    fluorescence = [c.name for c in channels if not _NOT_FLUORESCENCE.match(c.name)]
    names = [c.name for c in channels] if k == len(channels) else fluorescence
    if not k or len(parts) != 1 + k * k or k != len(names):
        raise ValueError("not k² numbers")
    matrix = _square(parts[1:], k)
    beside = matrix[~np.eye(k, dtype=bool)]
    if not np.diag(matrix).any():
        matrix = matrix + np.eye(k) * (100.0 if beside.max(initial=0) > 1 else 1.0)
    if beside.sum() < 0:
        matrix = np.linalg.inv(invertible(matrix))
    return Spillover(tuple(names), matrix)


def _from_dfc(text: Mapping[str, str], channels: Sequence[Channel]) -> Spillover | None:
    """Read `$DFCiTOj`: percent of fluorescence i that is seen in fluorescence j (Navios instructions for use, 4.1).

    Fluorescence i is the channel FLi; where channels have other names, the i-th that is neither scatter nor time.
    """
    shares = {}
    for key, value in text.items():
        match = re.fullmatch(r"\$DFC(\d+)TO(\d+)", key)
        if match and match.group(1) != match.group(2):
            percent = number(value)
            if percent is None:
                raise ValueError("not a number")
            shares[int(match.group(1)), int(match.group(2))] = percent / 100.0
    fluorescence = [c.name for c in channels if not _NOT_FLUORESCENCE.match(c.name)]
    by_number = {}
    for name in fluorescence:
        match = re.match(r"FL\s*(\d+)(?!\d)(?!.*\b(PEAK|TOF|W|H)\b)", name.upper())
        if match:
            by_number.setdefault(int(match.group(1)), name)
    if not by_number:
        by_number = dict(enumerate(fluorescence, start=1))
    used = sorted({i for pair, share in shares.items() if share for i in pair})
    if not used:
        used = sorted(set(by_number) & {i for pair in shares for i in pair})
    if not used or any(i not in by_number for i in used):
        raise ValueError("a fluorescence that the file does not have")
    matrix = np.eye(len(used))
    for (i, j), share in shares.items():
        if share:
            matrix[used.index(i), used.index(j)] = share
    return Spillover(tuple(by_number[i] for i in used), matrix)


def _square(words: list[str], k: int) -> np.ndarray:
    numbers = [number(w) for w in words]
    if None in numbers:
        raise ValueError("not a number")
    return np.array(numbers).reshape(k, k)


def invertible(matrix: np.ndarray) -> np.ndarray:
    """Return a matrix that has an inverse.

    Raises
    ------
    ValueError
        If it has none, or none that is not all rounding.
    """
    if not np.isfinite(matrix).all() or np.linalg.cond(matrix) > _LARGEST_CONDITION:
        raise ValueError("it has no inverse")
    return matrix


def _checked(spill: Spillover) -> Spillover:
    """Check a matrix and scale its rows to a diagonal of 1 (some are in percent)."""
    diagonal = np.diag(spill.matrix)
    if len(set(spill.detectors)) < len(spill.detectors):
        raise ValueError("a detector twice")
    if not (diagonal > 0).all():
        raise ValueError("a diagonal that is not positive")
    matrix = spill.matrix if (diagonal == 1).all() else spill.matrix / diagonal[:, None]
    return Spillover(spill.detectors, invertible(matrix))


def is_identity(spill: Spillover) -> bool:
    """Tell whether a matrix compensates nothing."""
    return bool(np.array_equal(spill.matrix, np.eye(len(spill.detectors))))
