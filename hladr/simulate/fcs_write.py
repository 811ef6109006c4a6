"""Write a simulated acquisition as the cytometer would: FCS 2.0, 3.0, 3.1, or Beckman's LMD with two data sets."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from .beads import SimulatedBeads
from .blood import SimulatedTube
from .cytometer import Channel, Cytometer

# What an operator types where it does not belong; the persons are made up.
IDENTIFYING = {
    "$FIL": "PAPADOPOULOU ELENI 1957.fcs",
    "$OP": "Nikolaos Georgiou",
    "$SRC": "PAPADOPOULOU^ELENI",
    "$SMNO": "AMKA 14035712345",
    "EXPORT USER NAME": "NGeorgiou",
    "PATIENT NAME": "Papadopoulou Eleni",
    "DATE OF BIRTH": "14.03.1957",
}
_TEXT_START = 256
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def write_fcs(
    path: str | Path,
    simulated: SimulatedTube | SimulatedBeads,
    acquired_at: datetime = datetime(2024, 3, 4, 10, 30),
    keywords: Mapping[str, str | None] | None = None,
    identity: bool = False,
    high_bits: bool = False,
) -> Path:
    """Write an acquisition; the same arguments give the same bytes.

    Parameters
    ----------
    path : path
        The file; its folder exists.
    simulated : SimulatedTube or SimulatedBeads
        Events and cytometer.
    acquired_at : datetime
        Start of the acquisition, local time without zone, as cytometers write it.
    keywords : mapping, optional
        Keywords that replace or extend the header's; None as a value removes one.
    identity : bool
        Plant the keywords of `IDENTIFYING`.
    high_bits : bool
        Integers carry the parameter's number in the bits above their range, to be masked by the reader.

    Returns
    -------
    Path
        The file written.
    """
    extra = {**(IDENTIFYING if identity else {}), **(keywords or {})}
    Path(path).write_bytes(fcs_bytes(simulated, acquired_at, high_bits, extra))
    return Path(path)


def fcs_bytes(
    simulated: SimulatedTube | SimulatedBeads,
    acquired_at: datetime,
    high_bits: bool = False,
    extra: Mapping[str, str | None] | None = None,
) -> bytes:
    """Return the bytes of `write_fcs`."""
    cytometer, events = simulated.cytometer, simulated.events
    settings = _settings(cytometer, events, acquired_at)
    if not cytometer.two_data_sets:
        text = {**_parameters(cytometer.channels, cytometer), **settings, **_matrix(cytometer)}
        return _data_set(cytometer, cytometer.version, cytometer.bits, events, text, extra, high_bits)
    channels, words = _ten_bit(cytometer, events)
    text = {**_parameters(channels, cytometer, bits=16), **settings}
    first = _data_set(cytometer, "FCS2.0", 16, words, text, extra, True, follows=True)
    text = _parameters(cytometer.channels, cytometer, bare=cytometer.bare_second_header)
    if cytometer.bare_second_header:
        text["@CYTOMETERID"] = cytometer.serial
    else:
        text |= settings
    return first + _data_set(cytometer, "FCS3.0", cytometer.bits, events, text, extra, high_bits)


def _data_set(
    cytometer: Cytometer,
    version: str,
    bits: int,
    events: np.ndarray,
    text: dict[str, str],
    extra: Mapping[str, str | None] | None,
    high_bits: bool,
    follows: bool = False,
) -> bytes:
    data = _encode(events, cytometer, bits, text, high_bits)
    order = ("4,3,2,1" if cytometer.big_endian else "1,2,3,4") if bits != 16 or cytometer.big_endian else "1,2"
    merged: dict[str, str | None] = {
        "$TOT": str(len(events)),
        "$PAR": str(events.shape[1]),
        "$MODE": "L",
        "$DATATYPE": cytometer.data_type,
        "$BYTEORD": order,
        **text,
        **(extra or {}),
    }
    kept = {key: value for key, value in merged.items() if value is not None}
    delimiter = "\\" if cytometer.two_data_sets else "\x0c"
    offsets = {"$NEXTDATA": "0"}
    if version != "FCS2.0":
        offsets |= dict.fromkeys(("$BEGINANALYSIS", "$ENDANALYSIS", "$BEGINSTEXT", "$ENDSTEXT"), "0")
        offsets |= {"$BEGINDATA": "0" * 10, "$ENDDATA": "0" * 10}
    # room for offsets of ten digits, so that they do not move what they point at
    room = len(_text({**offsets, "$NEXTDATA": "0" * 10, **kept}, delimiter))
    begin = (_TEXT_START + room + 255) // 256 * 256
    end = begin + len(data) - 1
    if version != "FCS2.0":
        offsets |= {"$BEGINDATA": str(begin), "$ENDDATA": str(end)}
    if follows:
        offsets["$NEXTDATA"] = str(end + 1)
    body = _text({**offsets, **kept}, delimiter)
    places = (_TEXT_START, _TEXT_START + len(body) - 1, begin, end, 0, 0)
    if end > 99_999_999:
        places = (*places[:2], 0, 0, 0, 0)
    header = f"{version:<10}" + "".join(f"{place:>8}" for place in places)
    return header.encode("ascii").ljust(_TEXT_START) + body.ljust(begin - _TEXT_START) + data


def _text(keywords: dict[str, str], delimiter: str) -> bytes:
    parts = [part.replace(delimiter, 2 * delimiter) or " " for pair in keywords.items() for part in pair]
    return (delimiter + delimiter.join(parts) + delimiter).encode("utf-8")


def _encode(events: np.ndarray, cytometer: Cytometer, bits: int, text: dict[str, str], high_bits: bool) -> bytes:
    order = ">" if cytometer.big_endian else "<"
    if cytometer.data_type == "F":
        return events.astype(f"{order}f4").tobytes()
    whole = events.astype(np.uint32)
    if high_bits:
        used = [int(text[f"$P{j}R"]).bit_length() - 1 for j in range(1, events.shape[1] + 1)]
        marks = [(j << u) & (2**bits - 1) if u < bits else 0 for j, u in enumerate(used, 1)]
        whole |= np.array(marks, np.uint32)
    if bits == 24:
        octets = whole.astype(f"{order}u4").view(np.uint8).reshape(*whole.shape, 4)
        return np.ascontiguousarray(octets[..., 1:] if cytometer.big_endian else octets[..., :3]).tobytes()
    return whole.astype(f"{order}u{bits // 8}").tobytes()


def _parameters(
    channels: tuple[Channel, ...], cytometer: Cytometer, bits: int | None = None, bare: bool = False
) -> dict[str, str]:
    text = {}
    for j, channel in enumerate(channels, 1):
        decades, low = channel.decades, channel.log_minimum
        text[f"$P{j}N"] = channel.name
        text[f"$P{j}R"] = str(channel.range)
        text[f"$P{j}B"] = str(bits or cytometer.bits)
        text[f"$P{j}E"] = f"{decades:g},{low:g}"
        if channel.stain and not bare:
            text[f"$P{j}S"] = channel.stain
        if not bare and cytometer.version != "FCS2.0" and cytometer.cyt != "BD Accuri C6 Plus":
            text[f"$P{j}G"] = f"{channel.gain:g}" if channel.gain != 1 else "1.0"
        if channel.source in ("time", "width") or bare:
            continue
        voltage = cytometer.detector(channel.source).voltage
        if voltage is not None:
            text[f"$P{j}V"] = f"{voltage:g}"
    return text


def _settings(cytometer: Cytometer, events: np.ndarray, acquired_at: datetime) -> dict[str, str]:
    """Date, clock, cytometer and time step, in each maker's words."""
    time = [c.source for c in cytometer.channels].index("time")
    seconds = float(events[-1, time]) * cytometer.timestep if len(events) else 0.0
    ended = acquired_at + timedelta(seconds=math.ceil(seconds))
    month = _MONTHS[acquired_at.month - 1]
    text = {
        "$CYT": cytometer.cyt,
        "$DATE": f"{acquired_at.day:02d}-{month}-{acquired_at.year}",
        "$BTIM": acquired_at.strftime("%H:%M:%S"),
        "$ETIM": ended.strftime("%H:%M:%S"),
    }
    if cytometer.two_data_sets:
        text["$DATE"] = f"{acquired_at.day:02d}-{month.title()}-{acquired_at.year % 100:02d}"
        text["@Y2KDATE"] = acquired_at.strftime("%Y%m%d")
        text["@CYTOMETERID"] = cytometer.serial
    elif cytometer.version == "FCS3.1":
        text["$CYTSN"] = cytometer.serial
    else:
        text["CYTNUM"] = cytometer.serial
    if cytometer.version == "FCS2.0":
        text["TIMETICKS"] = f"{1000 * cytometer.timestep:g}"
    else:
        text["$TIMESTEP"] = f"{cytometer.timestep:g}"
    return text


def _matrix(cytometer: Cytometer) -> dict[str, str]:
    if cytometer.compensation != "in_file":
        return {}
    names = cytometer.spill_names()
    numbers = [f"{x:.6g}" for row in cytometer.stated_spillover for x in row]
    return {cytometer.spill_keyword: ",".join([str(len(names)), *names, *numbers])}


def _ten_bit(cytometer: Cytometer, events: np.ndarray) -> tuple[tuple[Channel, ...], np.ndarray]:
    """Make Beckman's first data set: linear scatter and four-decade logarithms of fluorescence, 10 bits each."""
    channels, columns = [], []
    for j, channel in enumerate(cytometer.channels):
        values = events[:, j]
        if channel.source == "time":
            channels.append(Channel(channel.name, channel.stain, "time", "", 1024))
            columns.append(np.minimum(values, 1023))
        elif channel.source in ("forward", "side"):
            channels.append(Channel(f"{channel.name} Lin", channel.stain, channel.source, channel.measure, 1024))
            columns.append(np.floor(values * 1024 / channel.range))
        else:
            smallest = channel.range / 1e4
            channels.append(
                Channel(f"{channel.name} Log", channel.stain, channel.source, channel.measure, 1024, 4.0, 0.1024)
            )
            columns.append(np.floor(256 * np.log10(np.maximum(values, smallest) / smallest)))
    return tuple(channels), np.column_stack(columns).clip(0, 1023)
