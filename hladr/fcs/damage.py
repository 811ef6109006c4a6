"""Events that no cytometer wrote: not numbers, all zero, beyond the stated range, or copies of a block of events."""

from collections.abc import Sequence

import numpy as np

from ..flags import SpecimenError
from .decode import mask_of

# Shorter runs of equal events occur by chance in coarse data; a buffer written twice is longer.
MIN_BLOCK_EVENTS = 8
# Beyond what any detector reports: the bytes are not those of a float, or are in the other order.
LARGEST_VALUE = 1e15
SMALLEST_VALUE = 1e-20  # of what is not zero
_CONTRADICTION_SHARE = 0.01
_LAGS_TRIED = 64
_FEW = 256  # events that are compared before all are
_MIX = np.uint64(0x9E3779B97F4A7C15)


def broken_numbers(columns: list[np.ndarray]) -> np.ndarray:
    """Return which events hold a value that is not finite, or too large or too small for any detector.

    Parameters
    ----------
    columns : list of ndarray, each shape (n,)
        As stored.

    Returns
    -------
    ndarray, shape (n,), bool
    """
    broken = np.zeros(len(columns[0]), bool)
    with np.errstate(invalid="ignore"):
        for column in columns:
            if column.dtype.kind == "f":
                size = np.abs(column)
                broken |= ~((size <= LARGEST_VALUE) & ((size >= SMALLEST_VALUE) | (size == 0)))
    return broken


def zero_events(columns: list[np.ndarray]) -> np.ndarray:
    """Return which events are zero in every stored channel, time included: the mark of a hole in the file.

    A block of them takes the neighbour along that it cuts into.

    Parameters
    ----------
    columns : list of ndarray, each shape (n,)
        As stored.
    """
    zero = columns[0] == 0
    for column in columns[1:]:
        if not zero.any():
            return zero
        zero &= column == 0
    for start, stop in _runs(zero):
        if stop - start > 1:
            if start > 0 and columns[-1][start - 1] == 0:
                zero[start - 1] = True
            if stop < len(zero) and columns[0][stop] == 0:
                zero[stop] = True
    return zero


def copied_events(columns: list[np.ndarray]) -> np.ndarray:
    """Return which events copy an earlier block: at least `MIN_BLOCK_EVENTS` in a row, equal in all bits.

    Parameters
    ----------
    columns : list of ndarray, each shape (n,)
        As stored.

    Notes
    -----
    Events are compared by a 64 bit hash. A sort finds whether equal ones exist at all; only then are the distances
    between equal events looked at, and each frequent distance is followed along the file.
    """
    n = len(columns[0])
    copied = np.zeros(n, bool)
    hashes = np.zeros(n, np.uint64)
    for column in columns:
        native = column.astype(column.dtype.newbyteorder("="), copy=False)
        words = np.ascontiguousarray(native).view(f"u{native.dtype.itemsize}").astype(np.uint64)
        hashes ^= words
        hashes *= _MIX
        hashes ^= hashes >> np.uint64(29)
    ordered = np.sort(hashes)
    if np.count_nonzero(ordered[1:] == ordered[:-1]) < MIN_BLOCK_EVENTS:
        return copied
    order = np.argsort(hashes, kind="stable")
    again = hashes[order[1:]] == hashes[order[:-1]]
    distances, counts = np.unique(order[1:][again] - order[:-1][again], return_counts=True)
    frequent = distances[counts >= MIN_BLOCK_EVENTS]
    counts = counts[counts >= MIN_BLOCK_EVENTS]
    for distance in frequent[np.argsort(-counts, kind="stable")[:_LAGS_TRIED]]:
        for start, stop in _runs(hashes[distance:] == hashes[:-distance]):
            if stop - start >= MIN_BLOCK_EVENTS:
                copied[start + distance : stop + distance] = True
    return copied


def same_channels(events: np.ndarray, detectors: Sequence[str], indices: Sequence[int]) -> tuple[int, int] | None:
    """Return two channels that hold the same values in every event; None where there are none, or values do not vary.

    Parameters
    ----------
    events : ndarray, shape (n, d)
    detectors : sequence of str
        For all channels the detector that they come from. Where a file repeats a channel of `indices` in another one
        of its detector, as height or on another scale, nothing is wrong.
    indices : sequence of int
        The channels to compare with all others.
    """
    few = slice(0, _FEW)
    for i in indices:
        for j in range(events.shape[1]):
            if j == i or (detectors[i] == detectors[j] and j not in indices):
                continue
            same = np.array_equal(events[few, i], events[few, j]) and np.array_equal(events[:, i], events[:, j])
            if same and np.ptp(events[:, i]) > 0:
                return i, j
    return None


def stuck_channel(events: np.ndarray, indices: Sequence[int]) -> int | None:
    """Return a channel that holds one value other than zero in every event; zero is that of a detector switched off."""
    for i in indices:
        column, first = events[:, i], events[0, i]
        if len(column) >= _FEW and first != 0 and (column[:_FEW] == first).all() and (column == first).all():
            return i
    return None


def beyond_range(columns: list[np.ndarray], channels: Sequence) -> tuple[np.ndarray, list[str]]:
    """Return which events hold an integer beyond `$PnR`, whose bit mask would turn it into another number in silence.

    Parameters
    ----------
    columns : list of ndarray, each shape (n,)
        As stored.
    channels : sequence of fcs.Channel

    Returns
    -------
    tuple of (ndarray of bool, list of str)
        Which events, shape (n,); notes.

    Raises
    ------
    SpecimenError
        `unreadable_fcs` where the range of a channel contradicts its data: log-amplified data would be rescaled by it.

    Notes
    -----
    High bits are no contradiction where they are tags (Beckman). Time counters run over, and are not looked at.
    """
    beyond, notes = np.zeros(len(columns[0]), bool), []
    for column, channel in zip(columns, channels, strict=True):
        if column.dtype.kind != "u" or "time" in channel.name.lower():
            continue
        mask = mask_of(channel.range, channel.bits)
        if mask is not None:
            high = column > column.dtype.type(mask)
            if not high.any():
                pass
            elif _are_tags(column, mask, channel.bits):
                notes.append("high_bits_masked")
            elif np.count_nonzero(high) >= _CONTRADICTION_SHARE * len(high):
                _contradicts(channel, int(column.max()))
            else:
                beyond |= high
        if channel.decades > 0:
            _check_log_range(column, channel, mask)
    return beyond, notes


def _are_tags(column: np.ndarray, mask: int, bits: int) -> bool:
    """Tell whether the bits above a mask are not part of the value.

    So it is where they, but for the highest, are the same in every event (FC 500: the channel's number, and a highest
    bit that marks every other event), or are only used together with the highest (Navios: bit 15 says that bits 10 to
    14 keep what the value was before its baseline offset; instructions for use, DATA part).
    """
    kind = column.dtype.type
    top = column >> kind(bits - 1) == 1
    rest = column & kind(~mask & ((1 << (bits - 1)) - 1))
    return bool((rest == rest[0]).all() or (top | (rest == 0)).all())


def _check_log_range(column: np.ndarray, channel, mask: int | None) -> None:
    """Refuse log-amplified data that end, piled up, at the top of a range a quarter or less of the stated one."""
    values = column if mask is None else column & column.dtype.type(mask)
    top = int(values.max())
    is_full = top & (top + 1) == 0 and top >= 255
    if is_full and (top + 1) * 4 <= channel.range and np.count_nonzero(values == top) >= 5:
        _contradicts(channel, top)


def _contradicts(channel, top: int) -> None:
    raise SpecimenError(
        "unreadable_fcs",
        f"the header states a range of {channel.range:.0f} for {channel.name}, but its data end at {top}",
    )


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return start and stop of each run of True."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
