"""A small writer of FCS files, for files that hladr's own writer has no part in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TEXT_BEGINS = 256
LARGEST_OFFSET = 99_999_999  # eight digits in the header


@dataclass(frozen=True)
class Channel:
    """A channel: $PnN, $PnR, $PnS, $PnE, $PnG, $PnV; empty or None: not written."""

    name: str
    range: int
    stain: str = ""
    scale: str = "0,0"
    gain: str | None = None
    voltage: int | None = None


@dataclass(frozen=True)
class Form:
    """The form of a file: `FCS2.0` to `FCS3.1`, $DATATYPE `I` or `F`, byte order, bits per value."""

    version: str
    datatype: str
    big_endian: bool
    bits: int


def write_fcs(path: Path, form: Form, channels: Sequence[Channel], data: np.ndarray, extra: Mapping[str, str]) -> None:
    """Write data (n, channels) as one data set, in list mode."""
    order = ">" if form.big_endian else "<"
    number = "f4" if form.datatype == "F" else f"u{form.bits // 8}"
    raw = np.ascontiguousarray(data, dtype=order + number).tobytes()
    keywords = _keywords(form, channels, len(data)) | dict(extra)
    if form.version == "FCS2.0":
        text = _text(keywords)
        begin = TEXT_BEGINS + len(text)
    else:
        unused = ("$BEGINANALYSIS", "$ENDANALYSIS", "$BEGINSTEXT", "$ENDSTEXT")
        keywords |= dict.fromkeys(unused, "0") | {"$BEGINDATA": "0" * 12, "$ENDDATA": "0" * 12}
        begin = TEXT_BEGINS + len(_text(keywords))
        keywords |= {"$BEGINDATA": f"{begin:012d}", "$ENDDATA": f"{begin + len(raw) - 1:012d}"}
        text = _text(keywords)
    end = begin + len(raw) - 1
    if end > LARGEST_OFFSET:
        begin = end = 0  # the text segment says where the data lie
    offsets = (TEXT_BEGINS, TEXT_BEGINS + len(text) - 1, begin, end, 0, 0)
    header = form.version + "    " + "".join(f"{offset:8d}" for offset in offsets)
    path.write_bytes(header.encode("ascii").ljust(TEXT_BEGINS) + text + raw)


def _keywords(form: Form, channels: Sequence[Channel], n_events: int) -> dict[str, str]:
    wide = "4,3,2,1" if form.big_endian else "1,2,3,4"
    narrow = "2,1" if form.big_endian else "1,2"
    keywords = {
        "$MODE": "L",
        "$DATATYPE": form.datatype,
        "$BYTEORD": narrow if form.version == "FCS2.0" else wide,
        "$PAR": str(len(channels)),
        "$TOT": str(n_events),
        "$NEXTDATA": "0",
    }
    for i, channel in enumerate(channels, start=1):
        keywords[f"$P{i}N"] = channel.name
        if channel.stain:
            keywords[f"$P{i}S"] = channel.stain
        keywords |= {f"$P{i}R": str(channel.range), f"$P{i}B": str(form.bits), f"$P{i}E": channel.scale}
        if channel.gain is not None:
            keywords[f"$P{i}G"] = channel.gain
        if channel.voltage is not None:
            keywords[f"$P{i}V"] = str(channel.voltage)
    return keywords


def _text(keywords: Mapping[str, str]) -> bytes:
    words = [word.replace("/", "//") for pair in keywords.items() for word in pair]
    return ("/" + "/".join(words) + "/").encode("latin-1")
