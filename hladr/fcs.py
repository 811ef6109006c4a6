"""Bytes to events: the only reader of FCS files.

`read_header` gives what `hladr check` and the pairing need without reading events; `read_acquisition` gives the events on the
linear scale, uncompensated, with the numbers that FlowKit's `Sample` computes from the same file, so that a gate written as
GatingML selects the same events there. No keyword leaves this module except through `Channel`, `Settings` and `Spillover`.
"""

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from . import fcs_decode
from .fcs_layout import Layout, bits_of, read_layouts
from .flags import Finding, SpecimenError


@dataclass(frozen=True)
class Channel:
    """One parameter of a file.

    Attributes
    ----------
    name, stain : str
        `$PnN` and `$PnS` (empty if not stated).
    range : float
        `$PnR`.
    decades, log_minimum : float
        `$PnE`: 0, 0 for a linear channel; a stated minimum of 0 on a log-amplified channel counts as 1, as the standard says.
    gain, voltage : float or None
        `$PnG` and `$PnV`; None if not stated.
    bits : int
        `$PnB`.
    """

    name: str
    stain: str
    range: float
    decades: float
    log_minimum: float
    gain: float | None
    voltage: float | None
    bits: int


@dataclass(frozen=True)
class Settings:
    """What a file says about its acquisition; None where it says nothing that can be understood.

    Attributes
    ----------
    cytometer, serial : str or None
        Name and serial number of the cytometer.
    acquired_at : datetime or None
        Start of the acquisition, the cytometer's local time, without zone.
    duration_seconds : float or None
        From start to end.
    version : str
        Of the FCS data set that was read.
    datatype : str
        `I`, `F` or `D`.
    """

    cytometer: str | None
    serial: str | None
    acquired_at: datetime | None
    duration_seconds: float | None
    version: str
    datatype: str


@dataclass(frozen=True)
class Spillover:
    """A spillover matrix: row i says how much of detector i's dye is seen in each detector; diagonal 1.

    Attributes
    ----------
    detectors : tuple of str
        `$PnN` of the k detectors.
    matrix : ndarray, shape (k, k)
        Unitless.
    """

    detectors: tuple[str, ...]
    matrix: np.ndarray


@dataclass(frozen=True)
class Acquisition:
    """One acquisition.

    Attributes
    ----------
    events : ndarray, shape (n, d), float32 or float64
        Linear scale, uncompensated; every event of the file, damaged ones too, so that masks are as long as the file.
        float32 only where it holds exactly the numbers that FlowKit computes. Shape (0, d) from `read_header`.
    channels : tuple of Channel
        The d columns.
    settings : Settings
    spill : Spillover or None
        The file's own matrix.
    notes : tuple of str
        What was odd but resolved, e.g. `offsets_disagree`.
    findings : tuple of Finding
        `corrupt_events` (review) where less than 1 % of the events is damaged; more is a SpecimenError.
    flowkit_preprocess : bool
        The `preprocess` argument with which FlowKit sees these events; False for floats that still carry `$PnE 4,0`.
    damaged : ndarray, shape (n,), bool, or None
        Events that are not numbers, all zero or copies of a block; None if there is none. Leave them out of what is learnt.
    n_events : int
        Number of events that the file holds.
    """

    events: np.ndarray
    channels: tuple[Channel, ...]
    settings: Settings
    spill: Spillover | None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    flowkit_preprocess: bool = True
    damaged: np.ndarray | None = field(default=None)
    n_events: int = 0


def read_header(path: str | Path) -> Acquisition:
    """Read everything but the events.

    Raises
    ------
    SpecimenError
        `missing_file`, `unreadable_fcs`, `truncated_fcs` or `no_events`.
    """
    with _opened(path) as handle:
        return _acquisition(_chosen(read_layouts(handle)), None)


def read_acquisition(path: str | Path) -> Acquisition:
    """Read a file with its events.

    Raises
    ------
    SpecimenError
        `missing_file`, `unreadable_fcs`, `truncated_fcs`, `no_events` or `corrupt_events`.
    """
    with _opened(path) as handle:
        layout = _chosen(read_layouts(handle))
        handle.seek(layout.data_start)
        wanted = (layout.n_events * layout.row_bits + 7) // 8
        data = handle.read(wanted)
        if len(data) < wanted:
            raise SpecimenError("truncated_fcs", "the file ends before the events that its header promises")
        return _acquisition(layout, data)


@contextmanager
def _opened(path: str | Path):
    """Open a file; every error becomes a reason in our words."""
    try:
        with open(path, "rb") as handle:
            yield handle
    except FileNotFoundError:
        raise SpecimenError("missing_file", "there is no file where the table says") from None
    except (IsADirectoryError, NotADirectoryError):
        raise SpecimenError("missing_file", "the table names a folder, not a file") from None
    except PermissionError:
        raise SpecimenError("unreadable_fcs", "the file may not be read by this user") from None
    except OSError:
        raise SpecimenError("unreadable_fcs", "the file cannot be read from its disk") from None
    except (ValueError, KeyError, OverflowError, MemoryError, EOFError):
        raise SpecimenError("unreadable_fcs", "the header of the file cannot be understood") from None


def _chosen(layouts: list[Layout]) -> Layout:
    """Choose the data set: of a Beckman LMD file (FCS 2.0, then FCS 3.0 of the same events) the FCS 3.0 one."""
    if len(layouts) == 1:
        return layouts[0]
    first, newer = layouts[0], [x for x in layouts[1:] if x.version >= "3.0"]
    if first.version == "2.0" and newer:
        from dataclasses import replace

        return replace(newer[0], inherited=first.text)
    return first


def _acquisition(layout: Layout, data: bytes | None) -> Acquisition:
    text = layout.text
    n = int(text["$PAR"])
    channels = tuple(_channel(layout, i) for i in range(1, n + 1))
    datatype = text["$DATATYPE"].upper()
    preprocess = not (datatype != "I" and any(c.decades for c in channels))
    notes = list(layout.notes)
    if data is None:
        events = np.empty((0, n), np.float32)
    else:
        events = _events(layout, data, channels, preprocess)
    from .compensation import spillover_of

    return Acquisition(
        events,
        channels,
        _settings(layout, datatype),
        spillover_of(layout.text),
        tuple(notes),
        (),
        preprocess,
        None,
        layout.n_events,
    )


def _events(layout: Layout, data: bytes, channels: tuple[Channel, ...], preprocess: bool) -> np.ndarray:
    columns = fcs_decode.raw_columns(data, layout, len(channels))
    step = _number(layout.text.get("$TIMESTEP")) if "$TIMESTEP" in layout.text else None
    made = []
    for column, channel in zip(columns, channels, strict=True):
        if column.dtype.kind == "u":
            mask = fcs_decode.mask_of(channel.range, channel.bits)
            if mask is not None:
                column = column & column.dtype.type(mask)
        if preprocess:
            time = channel.name.lower() == "time"
            gain = 1.0 if time or channel.gain is None else channel.gain
            if time and step is not None:
                column = column.astype(np.float64) * step
            column = fcs_decode.linear(column, channel.decades, channel.log_minimum, channel.range, gain)
        made.append(column)
    exact32 = all(
        c.dtype.kind == "f" and c.dtype.itemsize == 4 or c.dtype.kind == "u" and c.dtype.itemsize <= 2 for c in made
    )
    events = np.empty((layout.n_events, len(channels)), np.float32 if exact32 else np.float64, order="F")
    for i, column in enumerate(made):
        events[:, i] = column
    return events


def _channel(layout: Layout, i: int) -> Channel:
    text = layout.text
    decades, minimum = 0.0, 0.0
    parts = text.get(f"$P{i}E", "0,0").split(",")
    if len(parts) == 2:
        decades, minimum = _number(parts[0]) or 0.0, _number(parts[1]) or 0.0
    if decades > 0 and minimum <= 0:
        minimum = 1.0
    name = text.get(f"$P{i}N")
    if not name:
        raise SpecimenError("unreadable_fcs", f"channel {i} of the file has no name")
    range_ = _number(text.get(f"$P{i}R"))
    return Channel(
        name,
        text.get(f"$P{i}S", ""),
        range_ if range_ is not None else 0.0,
        decades,
        minimum,
        _number(text.get(f"$P{i}G")),
        _number(text.get(f"$P{i}V")),
        bits_of(text, i),
    )


def _settings(layout: Layout, datatype: str) -> Settings:
    text = {**layout.inherited, **layout.text}
    serial = next((text[k] for k in ("$CYTSN", "CYTNUM", "CYTOMETER NUM", "@CYTOMETERID") if text.get(k)), None)
    acquired_at, duration = None, None
    return Settings(text.get("$CYT") or None, serial, acquired_at, duration, layout.version, datatype)


def _number(value: str | None) -> float | None:
    if value is None or not re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", value):
        return None
    return float(value)
