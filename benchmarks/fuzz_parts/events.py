"""Mutations of the events of an FCS file, which is well formed before and after."""

import numpy as np

from .keywords import File, parse


def _counted(file: File, events: np.ndarray) -> None:
    file.data = np.ascontiguousarray(events).tobytes()
    file.set("$TOT", str(len(events)))


def _block(n: int, rng) -> tuple[int, int]:
    start = int(rng.integers(0, max(n - 1, 1)))
    return start, min(start + int(rng.integers(1, max(n // 2, 2))), n)


def block_twice(file, rng):
    """Write a buffer twice, once more at its place or over another."""
    events = file.table()
    start, stop = _block(len(events), rng)
    if rng.random() < 0.5:
        _counted(file, np.concatenate([events[:stop], events[start:stop], events[stop:]]))
    else:
        to = int(rng.integers(0, len(events) - (stop - start) + 1))
        events[to : to + stop - start] = events[start:stop].copy()
        _counted(file, events)


def block_gone(file, rng):
    events = file.table()
    start, stop = _block(len(events), rng)
    _counted(file, np.concatenate([events[:start], events[stop:]]))


def block_zero(file, rng):
    events = file.table()
    start, stop = _block(len(events), rng)
    events[start:stop] = np.zeros(1, events.dtype)
    _counted(file, events)


def block_out_of_step(file, rng):
    """Move a block of events by a few bytes: columns run into each other."""
    start, stop = _block(len(file.data), rng)
    shift = int(rng.integers(1, 9))
    piece = file.data[start:stop]
    file.data = file.data[:start] + piece[shift:] + piece[:shift] + file.data[stop:]


def block_columns_turned(file, rng):
    """Move a block of events by whole values: each channel holds its neighbour's."""
    events = file.table()
    start, stop = _block(len(events), rng)
    events[start:stop] = np.roll(events[start:stop], int(rng.integers(1, max(events.shape[1], 2))), axis=1)
    _counted(file, events)


def block_bytes_swapped(file, rng):
    start, stop = _block(len(file.table()), rng)
    events = file.table()
    if events.dtype.kind != "V":
        events[start:stop] = events[start:stop].byteswap()
    _counted(file, events)


def all_bytes_swapped(file, rng):
    """Use the other byte order, stated or not."""
    events = file.table()
    if events.dtype.kind == "V":
        return
    file.data = events.byteswap().tobytes()
    if rng.random() < 0.5:
        order = file.get("$BYTEORD").split(",")
        file.set("$BYTEORD", ",".join(order[::-1]))


def block_noise(file, rng):
    events = file.table()
    start, stop = _block(len(events), rng)
    noise = np.frombuffer(rng.bytes(events[start:stop].nbytes), events.dtype)
    events[start:stop] = noise.reshape(events[start:stop].shape)
    _counted(file, events)


def block_not_finite(file, rng):
    events = file.table()
    if events.dtype.kind == "f":
        start, stop = _block(len(events), rng)
        events[start:stop, int(rng.integers(events.shape[1]))] = rng.choice([np.nan, np.inf, -np.inf, 3e38, 1e-40])
    _counted(file, events)


def column_constant(file, rng):
    events = file.table()
    j = int(rng.integers(events.shape[1]))
    events[:, j] = events[0, j]
    _counted(file, events)


def column_copied(file, rng):
    """Fill a channel with another one's values."""
    events = file.table()
    i, j = rng.integers(0, events.shape[1], 2)
    events[:, i] = events[:, j]
    _counted(file, events)


def columns_swapped(file, rng):
    events = file.table()
    _counted(file, events[:, rng.permutation(events.shape[1])])


def column_scaled(file, rng):
    """Make it another measurement: no file says that its own values are not the right ones."""
    events = file.table()
    if events.dtype.kind == "f":
        j = int(rng.integers(events.shape[1]))
        events[:, j] *= events.dtype.type(rng.choice([0.5, 2.0, 1.1, 10.0]))
    _counted(file, events)


def events_shuffled(file, rng):
    _counted(file, rng.permutation(file.table()))


def events_reversed(file, rng):
    _counted(file, file.table()[::-1])


def events_few(file, rng):
    _counted(file, file.table()[: int(rng.integers(0, 300))])


def foreign_data(file, rng, others):
    """Join the header of one cytometer and the events of another."""
    file.data = parse(others[int(rng.integers(len(others)))]).data


def foreign_block(file, rng, others):
    other = parse(others[int(rng.integers(len(others)))]).data
    start, stop = _block(len(file.data), rng)
    file.data = (file.data[:start] + other[: stop - start].ljust(stop - start, b"\0") + file.data[stop:])[
        : len(file.data)
    ]


def second_set(file, rng, others):
    """Put another data set behind this one, announced or not."""
    file.after = others[int(rng.integers(len(others)))]
    if rng.random() < 0.7:
        from .keywords import build

        file.set("$NEXTDATA", "0" * 10)
        file.set("$NEXTDATA", f"{len(build(file)) - len(file.after) - len(file.before):010d}")


MUTATIONS = (
    *(block_twice, block_gone, block_zero, block_out_of_step, block_columns_turned, block_bytes_swapped),
    *(all_bytes_swapped, block_noise, block_not_finite, column_constant, column_copied, columns_swapped),
    *(column_scaled, events_shuffled, events_reversed, events_few),
)
WITH_OTHERS = (foreign_data, foreign_block, second_set)
