"""Bytes to events: the only reader of FCS files.

`read_header` gives what `hladr check` and the pairing need without reading events; `read_acquisition` gives the events
on the linear scale, uncompensated, with the numbers that FlowKit's `Sample` computes from the same file, so that a gate
written as GatingML selects the same events there. No keyword leaves this module except through those values.

Where the events lie is decided by our own reading of the header (`layout`), because FlowIO and fcsparser trust one
of several contradicting offsets. Plain numbers are then read by these libraries (`libraries`), the rest is decoded by
us (`decode`). What comes back is looked at for holes and copies (`damage`), which no library notices.
"""

import os
import stat
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..flags import Finding, SpecimenError, finding
from . import damage as fcs_damage
from . import decode as fcs_decode
from . import missing
from .channels import channels_of, largest_value, settings_of
from .layout import Layout, kind_of, read_layout
from .libraries import library_table
from .spillover import spillover_of
from .text import keyword, number
from .values import NOTES, Acquisition, Channel, Settings, Spillover

__all__ = [
    "NOTES",
    "Acquisition",
    "Channel",
    "Settings",
    "Spillover",
    "largest_value",
    "read_acquisition",
    "read_header",
]

_CORRUPT_SHARE = 0.01  # of the events; from here on the file is refused (contract: corrupt_events)
_TRUNCATED = "the file ends before the events that its header promises"
_PLAUSIBLE = 0.9  # share of values that look like a cytometer's; shifted bytes reach a half, in the right byte order
_CLEARLY = 20  # of `decode.coherence`: chance among a few events stays below it, hundreds of cells reach hundreds


def read_header(path: str | Path) -> Acquisition:
    """Read everything but the events.

    Parameters
    ----------
    path : path

    Returns
    -------
    Acquisition
        With no rows in `events`, and `n_events` as the header says.

    Raises
    ------
    SpecimenError
        `missing_file`, `unreadable_fcs`, `truncated_fcs` or `no_events`.
    """
    with opened(path) as handle:
        layout = read_layout(handle)
        channels = channels_of(layout)
        layout = settled(handle, layout, channels)
        return _acquisition(layout, channels, np.empty((0, len(channels)), np.float32))


def read_acquisition(path: str | Path) -> Acquisition:
    """Read a file with its events.

    Parameters
    ----------
    path : path

    Returns
    -------
    Acquisition

    Raises
    ------
    SpecimenError
        `missing_file`, `unreadable_fcs`, `truncated_fcs`, `no_events` or `corrupt_events`.
    """
    with opened(path) as handle, np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        layout = read_layout(handle)
        channels = channels_of(layout)
        layout = settled(handle, layout, channels)
        stored, table = _stored(handle, layout)
        damaged, findings, notes = _damage(layout, channels, stored)
        preprocess = _flowkit_preprocess(layout, channels)
        events = _linear_events(layout, channels, stored, preprocess, table)
        return _acquisition(layout, channels, events, notes, findings, damaged)


@contextmanager
def opened(path: str | Path):
    """Open a file for reading; every error within becomes a SpecimenError in our words."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise SpecimenError("missing_file", "the table names a folder or a device, not a file")
        with open(path, "rb") as handle:
            yield handle
    except (FileNotFoundError, NotADirectoryError):
        raise SpecimenError("missing_file", missing.words(path)) from None
    except PermissionError:
        raise SpecimenError("unreadable_fcs", "this user may not read the file") from None
    except OSError:
        raise SpecimenError("unreadable_fcs", "the file cannot be read from its disk") from None
    except (ValueError, LookupError, ArithmeticError, EOFError):
        raise SpecimenError("unreadable_fcs", "the header of the file cannot be understood") from None


def settled(handle, layout: Layout, channels: tuple[Channel, ...]) -> Layout:
    """Return the layout with the start at which the bytes look like events.

    Stated offsets may point beside the events: by a byte, or into another segment. They are doubted only where what
    lies there does not look like events and what lies elsewhere does.

    Raises
    ------
    SpecimenError
        `truncated_fcs` where the events would only fit the file by moving them, and do not look like it;
        `unreadable_fcs` where they look like it because the header states the wrong byte order.
    """
    ranges = [c.range for c in channels]

    def score(start: int, lost: int = 0) -> float:
        there = fcs_decode.head(replace(layout, data_start=start, n_events=layout.n_events - lost))
        return fcs_decode.plausibility(_at(handle, there), ranges) if there.n_events else 0.0

    def moved(start: int) -> Layout:
        there = replace(layout, data_start=start)
        if _in_the_other_order(handle, there, ranges):
            raise SpecimenError("unreadable_fcs", "the header states another byte order than that of the events")
        return replace(there, notes=(*layout.notes, "data_start_wrong"))

    stated = score(layout.stated_start, 1 if layout.stated_start != layout.data_start else 0)
    if layout.stated_start != layout.data_start:
        if stated >= _PLAUSIBLE or score(layout.data_start) < _PLAUSIBLE:
            raise SpecimenError("truncated_fcs", _TRUNCATED)
        return moved(layout.data_start)
    if stated >= _PLAUSIBLE or not layout.starts:
        return layout
    best = max(layout.starts, key=score)
    if score(best) <= max(stated, _PLAUSIBLE):
        return layout
    return moved(best)


def _in_the_other_order(handle, layout: Layout, ranges: list[float]) -> bool:
    """Tell whether events look like events only because the bytes of their first digits stand at the right distance.

    Floats in the wrong byte order, moved by one byte, take their exponents from the neighbouring channel. All sizes are
    then those of a cytometer, and only the digits are noise: `decode.coherence` tells the two readings apart.
    """
    here, there = fcs_decode.head(layout), fcs_decode.mirrored(fcs_decode.head(layout))
    if not there.n_events:
        return False
    columns, others = _at(handle, here), _at(handle, there)
    if fcs_decode.plausibility(others, ranges) < _PLAUSIBLE:
        return False
    return fcs_decode.coherence(others) > fcs_decode.coherence(columns) + _CLEARLY


def _stored(handle, layout: Layout) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Return the stored values of each channel, and their table where it is one."""
    table = library_table(handle, layout)
    if table is None:
        return _at(handle, layout), None
    table = np.asfortranarray(table)
    return list(table.T), table


def _at(handle, layout: Layout) -> list[np.ndarray]:
    handle.seek(layout.data_start)
    data = handle.read(layout.n_bytes)
    if len(data) < layout.n_bytes:
        raise SpecimenError("truncated_fcs", _TRUNCATED)
    return fcs_decode.raw_columns(data, layout)


def _damage(
    layout: Layout, channels: tuple[Channel, ...], stored: list[np.ndarray]
) -> tuple[np.ndarray | None, tuple[Finding, ...], list[str]]:
    """Look for events that no cytometer wrote.

    Raises
    ------
    SpecimenError
        `corrupt_events` where they are 1 % or more.
    """
    kinds = (
        ("are not numbers", fcs_damage.broken_numbers(stored)),
        ("are zero in every channel", fcs_damage.zero_events(stored)),
        ("repeat an earlier block of events", fcs_damage.copied_events(stored)),
    )
    damaged, parts = np.zeros(layout.n_events, bool), []
    for words, which in kinds:
        new = int(np.count_nonzero(which & ~damaged))
        if new:
            parts.append(f"{new} {words}")
            damaged |= which
    beyond, notes = fcs_damage.beyond_range(stored, channels)
    if beyond.any():
        parts.append(f"{int(np.count_nonzero(beyond & ~damaged))} exceed the range that the header states")
        damaged |= beyond
    if not parts:
        return None, (), notes
    share = np.count_nonzero(damaged) / layout.n_events
    sentence = f"of {layout.n_events} events " + ", ".join(parts)
    if share >= _CORRUPT_SHARE:
        raise SpecimenError("corrupt_events", sentence)
    return damaged, (finding("corrupt_events", sentence, "review"),), notes


def _flowkit_preprocess(layout: Layout, channels: tuple[Channel, ...]) -> bool:
    """Tell how FlowIO is right: not where floats carry log amplification, which it would expand a second time."""
    return not any(c.decades and kind_of(layout.text, i) != "I" for i, c in enumerate(channels, start=1))


def _linear_events(
    layout: Layout,
    channels: tuple[Channel, ...],
    stored: list[np.ndarray],
    preprocess: bool,
    table: np.ndarray | None,
) -> np.ndarray:
    """Bring the stored values to the linear scale, with the numbers that FlowIO computes (`as_array(preprocess)`).

    float32 holds what single floats and up to 24 bits of integers hold; anything multiplied or divided needs float64 to
    stay the number that FlowKit compares with a gate. Columns are contiguous: that is how they are read.
    """
    step = number(keyword(layout.text, "TIMESTEP"))
    times = [i for i, c in enumerate(channels) if c.name.lower() == "time"]
    made = []
    for i, (values, channel) in enumerate(zip(stored, channels, strict=True)):
        is_integer = values.dtype.kind == "u"
        if is_integer:
            mask = fcs_decode.mask_of(channel.range, channel.bits)
            if mask is not None:
                values = values & values.dtype.type(mask)
        if i in times:
            if preprocess and step is not None and i == times[-1]:
                values = values.astype(np.float64) * step
        elif preprocess or is_integer:
            decades = channel.decades if is_integer else 0.0
            gain = channel.gain if preprocess and channel.gain is not None else 1.0
            values = fcs_decode.linear(values, decades, channel.log_minimum, channel.range, gain)
        made.append(values)
    if table is not None and table.dtype.kind == "f" and all(a is b for a, b in zip(made, stored, strict=True)):
        return table
    single = all(np.can_cast(v.dtype, np.float32, "safe") for v in made)
    events = np.empty((layout.n_events, len(channels)), np.float32 if single else np.float64, order="F")
    for i, values in enumerate(made):
        events[:, i] = values
        made[i] = None
    return events


def _acquisition(
    layout: Layout,
    channels: tuple[Channel, ...],
    events: np.ndarray,
    notes: list[str] | tuple[str, ...] = (),
    findings: tuple[Finding, ...] = (),
    damaged: np.ndarray | None = None,
) -> Acquisition:
    spill, more = spillover_of(layout.text, layout.inherited, channels)
    names = [c.name for c in channels]
    if len(set(names)) < len(names):
        more = (*more, "duplicate_names")
    preprocess = _flowkit_preprocess(layout, channels)
    if not preprocess:
        more = (*more, "already_linear")
    return Acquisition(
        events,
        channels,
        settings_of(layout),
        spill,
        tuple(dict.fromkeys((*layout.notes, *notes, *more))),
        findings,
        preprocess,
        damaged,
        layout.n_events,
    )
