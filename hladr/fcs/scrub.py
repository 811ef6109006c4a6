"""One FCS file without identifying keywords: the events bit by bit, and of the header only what the results need."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from .. import fcs
from ..cytometers import scrubbed
from ..flags import SpecimenError
from .channels import channels_of, settings_of
from .layout import Layout, bits_of, kind_of, read_layout
from .spillover import spillover_of
from .text import keyword, number
from .values import Channel, Settings, Spillover

_DELIMITER = "\f"
_LARGEST_IN_HEADER = 99_999_999
_AT_ONCE = 1 << 20
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def scrub_file(source: str | Path, target: str | Path, known_stain: Callable[[str], str]) -> None:
    """Copy an FCS file without identifying keywords.

    Parameters
    ----------
    source, target : path
        Nothing is written where the source does not exist.
    known_stain : callable
        What of a stain (`$PnS`) names a marker; the rest goes (`panel.known_stain`).

    Notes
    -----
    Kept, rewritten from the values that hladr understood: what decodes the events (`$PAR`, `$TOT`, `$DATATYPE`,
    `$BYTEORD`, `$PnB`, `$PnE`, `$PnG`, `$PnR`, `$TIMESTEP`), the detectors (`$PnN`) and their voltages (`$PnV`), stains
    that name a marker of the panel (`$PnS`), the spillover matrix, and for the pairing with beads date and time of the
    acquisition, and of cytometer and serial number the recognised model and a digest. Everything else goes: other
    keywords, ANALYSIS, supplemental TEXT, and whatever lies between and behind the segments.

    The bytes of the DATA segment are the original's. Of a Beckman file with two data sets the FCS 3.0 one is written,
    with what it inherits from the other; the FCS 2.0 one, a coarse copy of the same events, is not.

    A file that cannot be read has nothing that could be told apart from names: a stand-in is written that is refused
    with the same code.
    """
    try:
        with fcs.opened(source) as handle:
            layout = read_layout(handle)
            channels = channels_of(layout)
            layout = fcs.settled(handle, layout, channels)
            text = _kept(layout, channels, known_stain)
            _write(Path(target), handle, layout, text)
    except SpecimenError as problem:
        if problem.code != "missing_file":
            Path(target).write_bytes(_stand_in(problem.code))


def _kept(layout: Layout, channels: Sequence[Channel], known_stain: Callable[[str], str]) -> dict[str, str]:
    text = {
        "$MODE": "L",
        "$NEXTDATA": "0",
        "$PAR": str(len(channels)),
        "$TOT": str(layout.n_events),
        "$DATATYPE": (keyword(layout.text, "DATATYPE") or "").upper(),
        "$BYTEORD": keyword(layout.text, "BYTEORD") or "",
    }
    for i, channel in enumerate(channels, start=1):
        range_ = keyword(layout.text, f"P{i}R")
        stain = known_stain(channel.stain)
        pairs = {
            "N": channel.name,
            "B": str(bits_of(layout.text, i)),
            "E": f"{channel.decades!r},{channel.log_minimum!r}" if channel.decades else "0,0",
            "R": range_ if number(range_) is not None else None,
            "G": None if channel.gain is None else repr(channel.gain),
            "V": None if channel.voltage is None else repr(channel.voltage),
            "S": stain,
            "DATATYPE": kind_of(layout.text, i) if keyword(layout.text, f"P{i}DATATYPE") else None,
        }
        text.update({f"$P{i}{key}": value for key, value in pairs.items() if value})
    step = keyword(layout.text, "TIMESTEP")
    if number(step) is not None:
        text["$TIMESTEP"] = step
    text.update(_settings_text(settings_of(layout)))
    text.update(_spillover_text(*spillover_of(layout.text, layout.inherited, channels)))
    return {key: value.replace(_DELIMITER, " ") for key, value in text.items()}


def _settings_text(settings: Settings) -> dict[str, str]:
    text = {}
    for name, value in (("$CYT", scrubbed(settings.cytometer)), ("$CYTSN", scrubbed(settings.serial))):
        if value is not None:
            text[name] = value
    start = settings.acquired_at
    if isinstance(start, datetime) and start.tzinfo is not None:
        # the older keywords have no place for the offset, without which times in different zones are hours apart
        text["$BEGINDATETIME"] = start.isoformat()
        if settings.duration_seconds is not None:
            text["$ENDDATETIME"] = (start + timedelta(seconds=settings.duration_seconds)).isoformat()
    elif start is not None:
        text["$DATE"] = f"{start.day:02d}-{_MONTHS[start.month - 1]}-{start.year}"
    if isinstance(start, datetime) and start.tzinfo is None:
        text["$BTIM"] = _clock(start)
        if settings.duration_seconds is not None:
            text["$ETIM"] = _clock(start + timedelta(seconds=settings.duration_seconds))
    return text


def _clock(when: datetime) -> str:
    return when.strftime("%H:%M:%S") + (f".{when.microsecond:06d}".rstrip("0") if when.microsecond else "")


def _spillover_text(spill: Spillover | None, notes: Sequence[str]) -> dict[str, str]:
    if spill is None:
        # a matrix that cannot be understood stays one
        return {"$SPILLOVER": "1"} if "matrix_unreadable" in notes else {}
    numbers = (repr(float(v)) for v in spill.matrix.ravel())
    return {"$SPILLOVER": ",".join([str(len(spill.detectors)), *spill.detectors, *numbers])}


def _write(target: Path, handle: BinaryIO, layout: Layout, text: Mapping[str, str]) -> None:
    """Write HEADER, TEXT and the copied DATA."""
    offsets = dict.fromkeys(("$BEGINANALYSIS", "$ENDANALYSIS", "$BEGINSTEXT", "$ENDSTEXT"), "0")
    length = len(_encode({**offsets, "$BEGINDATA": "0" * 12, "$ENDDATA": "0" * 12, **text}))
    begin, end = 58 + length, 58 + length + layout.n_bytes - 1
    version = layout.version
    if end > _LARGEST_IN_HEADER:
        version = max(version, "3.0")  # HEADER has no room for these offsets, and FCS 2.0 no other place
    body = _encode({**offsets, "$BEGINDATA": f"{begin:012d}", "$ENDDATA": f"{end:012d}", **text})
    in_header = (58, 58 + length - 1, *((begin, end) if end <= _LARGEST_IN_HEADER else (0, 0)), 0, 0)
    handle.seek(layout.data_start)
    with open(target, "wb") as out:
        out.write(f"FCS{version}    ".encode() + b"".join(f"{n:>8d}".encode() for n in in_header) + body)
        left = layout.n_bytes
        while left:
            piece = handle.read(min(left, _AT_ONCE))
            if not piece:
                break  # the file became shorter while it was read: the copy is then truncated as the original is
            out.write(piece)
            left -= len(piece)


def _encode(text: Mapping[str, str]) -> bytes:
    words = [word for pair in text.items() for word in pair]
    return (_DELIMITER + _DELIMITER.join(words) + _DELIMITER).encode("utf-8")


def _stand_in(code: str) -> bytes:
    """Return bytes that are refused with a code."""
    if code in ("truncated_fcs", "no_events"):
        total = "0" if code == "no_events" else "1"
        text = _encode(
            {"$PAR": "1", "$TOT": total, "$DATATYPE": "I", "$BYTEORD": "1,2,3,4", "$MODE": "L", "$P1B": "16"}
        )
        end = 58 + len(text)
        numbers = (58, end - 1, *((0, 0) if code == "no_events" else (end, end + 1)), 0, 0)
        return b"FCS3.0    " + b"".join(f"{n:>8d}".encode() for n in numbers) + text
    return b"The original of this file could not be read.\n"
