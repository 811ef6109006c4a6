"""Bytes to numbers: integers of any width, floats and doubles, in either byte order; bit masks and the linear scale."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..flags import SpecimenError
from .layout import Layout, bits_of, kind_of
from .text import keyword

_PLAUSIBLE_ROWS = 512


def byte_order(text: Mapping[str, str]) -> str:
    """Return `<` or `>` for `$BYTEORD`: 1 first is little-endian.

    Raises
    ------
    SpecimenError
        `unreadable_fcs` for an order that is neither.
    """
    order = re.findall(r"\d+", keyword(text, "BYTEORD") or "")
    if order and order == [str(i + 1) for i in range(len(order))]:
        return "<"
    if order and order == [str(len(order) - i) for i in range(len(order))]:
        return ">"
    raise SpecimenError("unreadable_fcs", "the header states a byte order that does not exist")


def n_parameters(layout: Layout) -> int:
    """Return `$PAR`."""
    return int(float(keyword(layout.text, "PAR")))


def plain_type(layout: Layout) -> np.dtype | None:
    """Return the one type of all values, if they are floats, doubles or 8, 16 or 32 bit integers; else None."""
    order = byte_order(layout.text)
    kinds = {(kind_of(layout.text, i), bits_of(layout.text, i)) for i in range(1, n_parameters(layout) + 1)}
    if len(kinds) > 1:
        return None
    kind, bits = kinds.pop()
    if kind == "I" and bits not in (8, 16, 32):
        return None
    return np.dtype(f"{order}{'u' if kind == 'I' else 'f'}{bits // 8}")


def raw_columns(data: bytes, layout: Layout) -> list[np.ndarray]:
    """Decode the events to one array per channel, each shape (n,), as stored: neither masked nor scaled.

    Parameters
    ----------
    data : bytes
        `layout.n_bytes` of them.
    layout : Layout

    Notes
    -----
    FlowIO gives no events for widths other than 8, 16 and 32 bits and cannot mix floats with integers; fcsparser fails
    on what is not a whole number type of numpy.
    """
    n, d, order = layout.n_events, n_parameters(layout), byte_order(layout.text)
    kinds = [kind_of(layout.text, i) for i in range(1, d + 1)]
    bits = [bits_of(layout.text, i) for i in range(1, d + 1)]
    if any(b % 8 for b in bits):
        return _bit_stream(data, kinds, bits, n, order)
    if all(k != "I" or b in (8, 16, 32, 64) for k, b in zip(kinds, bits, strict=True)):
        types = [f"{order}{'u' if k == 'I' else 'f'}{b // 8}" for k, b in zip(kinds, bits, strict=True)]
        rows = np.frombuffer(data, np.dtype([(str(i), t) for i, t in enumerate(types)]), n)
        return [rows[str(i)] for i in range(d)]
    table = np.frombuffer(data, np.uint8, n * layout.row_bits // 8).reshape(n, -1)
    columns, at = [], 0
    for kind, b in zip(kinds, bits, strict=True):
        columns.append(_joined(table[:, at : at + b // 8], kind, order))
        at += b // 8
    return columns


def _joined(cells: np.ndarray, kind: str, order: str) -> np.ndarray:
    """Join the bytes of one channel, shape (n, width), to numbers."""
    width = cells.shape[1]
    if kind != "I":
        return np.ascontiguousarray(cells).view(f"{order}f{width}")[:, 0]
    kept = np.uint32 if width <= 4 else np.uint64
    value = np.zeros(len(cells), kept)
    for position in range(width):
        shift = 8 * (position if order == "<" else width - 1 - position)
        value |= cells[:, position].astype(kept) << kept(shift)
    return value


def _bit_stream(data: bytes, kinds: list[str], bits: list[int], n: int, order: str) -> list[np.ndarray]:
    """Unpack integers that do not fill whole bytes (10 bits, say), packed one after the other without gaps.

    Big-endian: the most significant bit comes first; little-endian: the least significant one.
    """
    if set(kinds) != {"I"}:
        raise SpecimenError("unreadable_fcs", "the header mixes floats with integers that do not fill whole bytes")
    big = order == ">"
    columns: list[list[np.ndarray]] = [[] for _ in bits]
    rows_at_once = 8 * 4096  # a multiple of 8, so that every piece starts at a whole byte
    for first in range(0, n, rows_at_once):
        rows = min(rows_at_once, n - first)
        start, stop = first * sum(bits) // 8, ((first + rows) * sum(bits) + 7) // 8
        stream = np.unpackbits(np.frombuffer(data[start:stop], np.uint8), bitorder="big" if big else "little")
        table = stream[: rows * sum(bits)].reshape(rows, -1)
        at = 0
        for i, b in enumerate(bits):
            place = np.arange(b - 1, -1, -1) if big else np.arange(b)
            weights = np.left_shift(np.uint64(1), place.astype(np.uint64))
            columns[i].append(table[:, at : at + b].astype(np.uint64) @ weights)
            at += b
    return [np.concatenate(pieces) for pieces in columns]


def mask_of(range_: float, bits: int) -> int | None:
    """Return the mask of an integer channel: `$PnR` rounded up to a power of two, less one; None if it masks nothing.

    FCS 3.1, section 3.2.26: bits above the range do not belong to the value (Beckman keeps other data there).
    """
    if not range_ or range_ < 1:
        return None
    mask = (1 << (int(range_) - 1).bit_length()) - 1
    return mask if mask < (1 << bits) - 1 else None


def linear(column: np.ndarray, decades: float, minimum: float, range_: float, gain: float) -> np.ndarray:
    """Bring one stored channel to the linear scale, with FlowIO's formula and order of operations.

    Log-amplified integers: 10^(decades · value / `$PnR`) · minimum. Then divided by `$PnG`.

    Parameters
    ----------
    column : ndarray, shape (n,)
        Masked integers, or floats.
    decades, minimum : float
        `$PnE`; 0 decades for linear.
    range_, gain : float
        `$PnR`; `$PnG`, where 0 and 1 mean no gain.
    """
    if decades > 0:
        levels = int(column.max()) + 1 if len(column) else 1
        if column.dtype.kind == "u" and levels < len(column):
            # each stored number once: 1,024 powers instead of one per event
            table = (10 ** (decades * np.arange(levels, dtype=np.float64) / range_)) * minimum
            column = table[column]
        else:
            column = (10 ** (decades * column.astype(np.float64) / range_)) * minimum
    if gain not in (0.0, 1.0):
        column = column.astype(np.float64) / gain
    return column


def head(layout: Layout) -> Layout:
    """Return the layout of its first events only."""
    return replace(layout, n_events=min(layout.n_events, _PLAUSIBLE_ROWS))


def plausibility(columns: list[np.ndarray], ranges: list[float]) -> float:
    """Return the share of values that a cytometer could have written: 1 for events, far less for shifted bytes.

    Floats: finite, and zero or between 1e-6 and 1e9 in size. Integers: below `$PnR`.
    """
    good = total = 0
    for column, range_ in zip(columns, ranges, strict=True):
        values = column
        total += len(values)
        if values.dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                size = np.abs(values.astype(np.float64))
                good += int(np.count_nonzero((size == 0) | ((size > 1e-6) & (size < 1e9))))
        else:
            good += int(np.count_nonzero(values <= range_)) if range_ else len(values)
    return good / total if total else 1.0


def mirrored(layout: Layout) -> Layout:
    """Return the same events in the other byte order, from the byte on at which floats then have their first byte.

    The last event, which may end behind the file, is left out.
    """
    little = byte_order(layout.text) == "<"
    order = {"$BYTEORD": "4,3,2,1" if little else "1,2,3,4"}
    start = layout.data_start + (-1 if little else 1)
    return replace(layout, text={**layout.text, **order}, data_start=start, n_events=layout.n_events - 1)


def coherence(columns: list[np.ndarray]) -> float:
    """Return how much the first byte of the floats says about what follows it: about 0 where it says nothing.

    The first byte holds the sign and the start of the exponent, the first bit of the second byte the exponent's next
    digit. In numbers from a cytometer they depend on each other; a byte that only came to stand before another one says
    nothing about it. Per channel this is the G statistic of the two (twice the log likelihood ratio against
    independence) less its expectation; the sum over channels is returned. Other types than floats do not count.
    """
    total = 0.0
    for column in columns:
        if column.dtype.kind != "f" or not len(column):
            continue
        big = np.ascontiguousarray(column, column.dtype.newbyteorder(">"))
        cells = big.view(np.uint8).reshape(len(column), -1)
        counts = np.bincount(2 * cells[:, 0].astype(np.intp) + (cells[:, 1] >> 7), minlength=512).reshape(256, 2)
        counts = counts[counts.any(axis=1)][:, counts.any(axis=0)]
        expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / len(column)
        seen = counts > 0
        ratio = 2 * float(np.sum(counts[seen] * np.log(counts[seen] / expected[seen])))
        total += ratio - (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return total
