"""HEADER and TEXT of an FCS file: which keywords it has, and where its events lie.

The offsets of real files are wrong in many ways (off by one, HEADER and TEXT different, zero in either), so they are taken
as candidates, and the one that fits `$TOT`, `$PAR` and the size of the file is used. FlowIO and fcsparser trust one of them
or refuse the file; here is therefore our own reading. Nothing is read beyond the file's size, whatever the header says.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from .flags import SpecimenError

HEADER_BYTES = 58
MAX_TEXT_BYTES = 32 * 1024 * 1024
MAX_PARAMETERS = 4096
VERSIONS = ("1.0", "2.0", "3.0", "3.1", "3.2")


@dataclass(frozen=True)
class Layout:
    """One data set of a file.

    Attributes
    ----------
    version : str
        `2.0`, `3.0`, ...
    base : int
        Byte at which the data set starts; other offsets are absolute.
    text : Mapping[str, str]
        Keywords in capitals, with their `$`; values without surrounding blanks.
    data_start, n_events, row_bits : int
        Where the events start, how many whole ones there are, and the bits of one.
    notes : tuple of str
        What was odd but resolved.
    text_span : tuple of int
        First and last byte of the TEXT segment.
    inherited : Mapping[str, str]
        Keywords of an earlier data set of the same file (Beckman LMD), for what this one does not state.
    """

    version: str
    base: int
    text: Mapping[str, str]
    data_start: int
    n_events: int
    row_bits: int
    notes: tuple[str, ...] = ()
    text_span: tuple[int, int] = (0, 0)
    inherited: Mapping[str, str] = field(default_factory=dict)


def read_layouts(handle: BinaryIO) -> list[Layout]:
    """Read HEADER and TEXT of every data set of an open file.

    Raises
    ------
    SpecimenError
        `unreadable_fcs`, `truncated_fcs` or `no_events`.
    """
    handle.seek(0, os.SEEK_END)
    size = handle.tell()
    layouts: list[Layout] = []
    base = 0
    while True:
        layout = _read_one(handle, base, size)
        layouts.append(layout)
        following = _integer(layout.text.get("$NEXTDATA"))
        if not following or following < HEADER_BYTES or len(layouts) > 64:
            return layouts
        base += following
        if base >= size:
            if layout.version == "2.0" and base > size:
                raise SpecimenError(
                    "truncated_fcs", "the file ends before its second data set, which the header promises"
                )
            return layouts
        handle.seek(base)
        if not handle.read(3) == b"FCS":
            return layouts


def _read_one(handle: BinaryIO, base: int, size: int) -> Layout:
    handle.seek(base)
    header = handle.read(HEADER_BYTES)
    if not re.match(rb"FCS\d\.\d", header):
        if not header:
            raise SpecimenError("unreadable_fcs", "the file is empty")
        raise SpecimenError("unreadable_fcs", "the file is not an FCS file: it does not start with FCS and a version")
    version = header[3:6].decode("ascii")
    if version not in VERSIONS:
        raise SpecimenError("unreadable_fcs", f"the file says it is FCS {version}, a version that does not exist")
    if len(header) < HEADER_BYTES:
        raise SpecimenError("truncated_fcs", "the file ends within its header")
    text_start, text_end = _integer(header[10:18]), _integer(header[18:26])
    if text_start is None or text_end is None or text_start < 10 or text_end <= text_start:
        raise SpecimenError("unreadable_fcs", "the header does not say where the keywords lie")
    if base + text_end >= size + 1:
        raise SpecimenError("truncated_fcs", "the file ends within its keywords")
    if text_end - text_start > MAX_TEXT_BYTES:
        raise SpecimenError("unreadable_fcs", "the header promises more keywords than a file can have")
    handle.seek(base + text_start)
    text = parse_text(handle.read(text_end - text_start + 1))
    return _resolve(version, base, size, header, text, (text_start, text_end))


def parse_text(raw: bytes) -> dict[str, str]:
    """Parse a TEXT segment: delimiter, keyword, delimiter, value, ...; a doubled delimiter is one within a word.

    Writers that leave values empty also double the delimiter; the reading under which the required keywords exist is taken.

    Returns
    -------
    dict
        Keywords in capitals (with `$`); values stripped. The last of repeated keywords wins, as in FlowIO.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    text = text.lstrip("\0") if text[:1] == "\0" and text[1:2] == "\0" else text
    if not text:
        return {}
    delimiter = text[0]
    body = text[1:]
    cut = body.rfind(delimiter)
    if cut >= 0 and not body[cut + 1 :].strip(" \0\r\n\t"):
        body = body[:cut]
    words = body.split(delimiter)
    if "" not in words:
        return _pairs(words)
    merged = _pairs(_merge_escaped(words, delimiter))
    plain = _pairs(words)
    return merged if _score(merged) >= _score(plain) else plain


def _merge_escaped(words: list[str], delimiter: str) -> list[str]:
    """Join words that were cut at a doubled delimiter: an empty word between two others is one escaped delimiter."""
    merged: list[str] = []
    join = False
    for index, word in enumerate(words):
        if word == "" and 0 < index < len(words) - 1 and not join:
            join = True
            continue
        if join:
            merged[-1] += delimiter + word
            join = False
        else:
            merged.append(word)
    return merged


def _pairs(words: list[str]) -> dict[str, str]:
    return {key.strip().upper(): value.strip() for key, value in zip(words[::2], words[1::2], strict=False)}


def _score(text: Mapping[str, str]) -> int:
    wanted = ("$PAR", "$TOT", "$DATATYPE", "$BYTEORD", "$MODE", "$BEGINDATA", "$ENDDATA", "$NEXTDATA")
    n = min(_integer(text.get("$PAR")) or 0, MAX_PARAMETERS)
    found = sum(key in text for key in wanted)
    return found + sum(f"$P{i}{letter}" in text for i in range(1, n + 1) for letter in "NBRE")


def _resolve(
    version: str, base: int, size: int, header: bytes, text: dict[str, str], text_span: tuple[int, int]
) -> Layout:
    n_parameters = _integer(text.get("$PAR"))
    if n_parameters is None or not 1 <= n_parameters <= MAX_PARAMETERS:
        raise SpecimenError("unreadable_fcs", "the header does not say how many channels the file has")
    mode = text.get("$MODE", "L").upper()
    if mode != "L":
        raise SpecimenError("unreadable_fcs", "the file holds histograms, not events; export it as list mode")
    row_bits = sum(bits_of(text, i) for i in range(1, n_parameters + 1))
    total = _integer(text.get("$TOT"))
    in_header = (_integer(header[26:34]) or 0, _integer(header[34:42]) or 0)
    in_text = (_integer(text.get("$BEGINDATA")) or 0, _integer(text.get("$ENDDATA")) or 0)
    order = (in_header, in_text) if version == "2.0" else (in_text, in_header)
    candidates = [(b, e) for b, e in order if b > 0]
    if total == 0:
        raise SpecimenError("no_events", "the file holds no events")
    if not candidates:
        raise SpecimenError("unreadable_fcs", "the header does not say where the events lie")
    notes: list[str] = []
    if len(set(candidates)) > 1:
        notes.append("offsets_disagree")
    chosen = _fit(candidates, row_bits, total, size - base, notes)
    if chosen is None:
        raise SpecimenError("truncated_fcs", "the file ends before the events that its header promises")
    start, n_events = chosen
    if n_events == 0:
        raise SpecimenError("no_events", "the file holds no events")
    return Layout(version, base, text, base + start, n_events, row_bits, tuple(notes), text_span)


def _fit(
    candidates: list[tuple[int, int]], row_bits: int, total: int | None, size: int, notes: list[str]
) -> tuple[int, int] | None:
    """Choose start and number of events: what fits `$TOT` exactly, then off by one, then whole events."""

    def needed(n: int) -> int:
        return (n * row_bits + 7) // 8

    if total is not None:
        for slack in (0, 1, -1):
            for begin, end in candidates:
                if end - begin + 1 - slack == needed(total) and begin + needed(total) <= size:
                    if slack:
                        notes.append("data_end_off_by_one")
                    return begin, total
    for begin, end in candidates:
        length = end - begin + 1
        if length > 0 and end < size:
            n, rest = divmod(length * 8, row_bits)
            if rest < 8 and n and (total is None or rest == 0):
                if total is not None:
                    notes.append("tot_disagrees")
                return begin, n
    if total is not None:
        for begin, end in candidates:
            if (end <= begin or end < size) and begin + needed(total) <= size:
                notes.append("data_end_wrong")
                return begin, total
    return None


def bits_of(text: Mapping[str, str], parameter: int) -> int:
    """Return `$PnB` of a parameter (counted from 1), for floats the bits of their type."""
    kind = text.get(f"$P{parameter}DATATYPE") or text.get("$DATATYPE", "")
    kind = kind.upper()
    if kind == "F":
        return 32
    if kind == "D":
        return 64
    if kind != "I":
        raise SpecimenError("unreadable_fcs", "the events are stored in a form that is not supported (not I, F or D)")
    bits = _integer(text.get(f"$P{parameter}B"))
    if bits is None or not 1 <= bits <= 64:
        raise SpecimenError("unreadable_fcs", "the header does not say how many bits a channel has")
    return bits


def _integer(value: str | bytes | None) -> int | None:
    """Read a whole number as files write them (blanks, leading zeros, a trailing .0); None for anything else."""
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    match = re.fullmatch(r"\s*(\d{1,18})(?:\.0*)?[\s\0]*", value)
    return int(match.group(1)) if match else None
