"""Bytes to numbers: integers of any width, floats and doubles, in either byte order; masks and the linear scale."""

from collections.abc import Mapping

import numpy as np

from .fcs_layout import Layout, bits_of
from .flags import SpecimenError


def byte_order(text: Mapping[str, str]) -> str:
    """Return `<` or `>` for `$BYTEORD`: 1 first is little-endian.

    Raises
    ------
    SpecimenError
        `unreadable_fcs` for an order that is neither.
    """
    order = [part.strip() for part in text.get("$BYTEORD", "").split(",")]
    if order == sorted(order) and order[:1] == ["1"]:
        return "<"
    if order == sorted(order, reverse=True) and order[-1:] == ["1"]:
        return ">"
    raise SpecimenError("unreadable_fcs", "the header states a byte order that does not exist")


def raw_columns(data: bytes, layout: Layout, n_parameters: int) -> list[np.ndarray]:
    """Decode the DATA bytes to one array per channel, as stored: neither masked nor scaled."""
    text = layout.text
    order = byte_order(text)
    kinds = [(text.get(f"$P{i}DATATYPE") or text["$DATATYPE"]).upper() for i in range(1, n_parameters + 1)]
    bits = [bits_of(text, i) for i in range(1, n_parameters + 1)]
    n = layout.n_events
    names = {"F": "f4", "D": "f8"}
    if all(b % 8 == 0 for b in bits):
        if all(k != "I" or b in (8, 16, 32, 64) for k, b in zip(kinds, bits, strict=True)):
            fields = [order + names.get(k, f"u{b // 8}") for k, b in zip(kinds, bits, strict=True)]
            if len(set(fields)) == 1:
                table = np.frombuffer(data, fields[0], n * n_parameters).reshape(n, n_parameters)
                return [table[:, i] for i in range(n_parameters)]
            rows = np.frombuffer(data, np.dtype([(str(i), f) for i, f in enumerate(fields)]), n)
            return [rows[str(i)] for i in range(n_parameters)]
        table = np.frombuffer(data, np.uint8, n * layout.row_bits // 8).reshape(n, -1)
        columns, at = [], 0
        for kind, b in zip(kinds, bits, strict=True):
            columns.append(_whole_bytes(table[:, at : at + b // 8], kind, order))
            at += b // 8
        return columns
    return _odd_bits(data, bits, n, order)


def _whole_bytes(cells: np.ndarray, kind: str, order: str) -> np.ndarray:
    """Join the bytes of one channel, shape (n, width), to integers or floats."""
    width = cells.shape[1]
    if kind in "FD":
        return np.ascontiguousarray(cells).view(f"{order}f{width}")[:, 0]
    value = np.zeros(len(cells), np.uint64)
    for position in range(width):
        shift = 8 * (position if order == "<" else width - 1 - position)
        value |= cells[:, position].astype(np.uint64) << np.uint64(shift)
    return value


def _odd_bits(data: bytes, bits: list[int], n: int, order: str) -> list[np.ndarray]:
    """Unpack integers that do not fill whole bytes, e.g. 10 bits: a stream of bits, most significant first."""
    stream = np.unpackbits(np.frombuffer(data, np.uint8, (n * sum(bits) + 7) // 8))[: n * sum(bits)].reshape(n, -1)
    columns, at = [], 0
    for b in bits:
        weights = np.left_shift(np.uint64(1), np.arange(b - 1, -1, -1, dtype=np.uint64))
        columns.append(stream[:, at : at + b].astype(np.uint64) @ weights)
        at += b
    return columns


def mask_of(range_: float, bits: int) -> int | None:
    """Return the bit mask of an integer channel: the next power of two of `$PnR`, less one; None if it masks nothing."""
    if not range_ or range_ < 1:
        return None
    mask = (1 << (int(range_) - 1).bit_length()) - 1
    return mask if mask < (1 << bits) - 1 else None


def linear(column: np.ndarray, decades: float, minimum: float, range_: float, gain: float) -> np.ndarray:
    """Bring one stored channel to the linear scale, by the formula and in the order that FlowIO uses.

    Log-amplified: 10^(decades * value / `$PnR`) * minimum; then divided by `$PnG`.
    """
    if decades > 0:
        column = (10 ** (decades * column.astype(np.float64) / range_)) * minimum
    if gain not in (0.0, 1.0):
        column = column.astype(np.float64) / gain
    return column
