"""HEADER and TEXT of an FCS file: which keywords it has, and where its events lie.

The offsets of real files are wrong in many ways (off by one, HEADER and TEXT different, zero in either). So they are
taken as candidates, and the one that fits `$TOT`, `$PAR` and the size of the file is used; FlowIO and fcsparser trust
one of them or refuse the file. Nothing is read or reserved beyond the file's size, whatever the header says.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from ..flags import SpecimenError
from .text import MAX_PARAMETERS, completeness, keyword, parse_text, whole

HEADER_BYTES = 58
MAX_TEXT_BYTES = 32 * 1024 * 1024
MAX_DATA_SETS = 64
_AT_ONCE = 1 << 20
VERSIONS = ("1.0", "2.0", "3.0", "3.1", "3.2")
_ONE_BEYOND = "one byte beyond the file"
_TOT_DISAGREES = "tot_disagrees"
_BITS = {"F": 32, "D": 64}


@dataclass(frozen=True)
class Layout:
    """One data set of a file.

    Attributes
    ----------
    version : str
        `2.0`, `3.0`, ...
    base : int
        Byte at which the data set starts; `data_start` is counted from the start of the file.
    text : Mapping[str, str]
        Keywords in capitals, with their `$`.
    data_start, n_events, row_bits : int
        Where the events start, how many whole ones there are, and the bits of one.
    stated_start : int
        Where the header says they start; another byte than `data_start` only where they would end behind the file.
    notes : tuple of str
        What was odd but resolved.
    starts : tuple of int
        Other places where the events could start, should they not look like events at `data_start`.
    text_span : tuple of int
        First and last byte of the TEXT segment, counted from `base`.
    inherited : Mapping[str, str]
        Keywords of an earlier data set of the same file (Beckman LMD), for what this one does not state.
    """

    version: str
    base: int
    text: Mapping[str, str]
    data_start: int
    n_events: int
    row_bits: int
    stated_start: int
    notes: tuple[str, ...] = ()
    starts: tuple[int, ...] = ()
    text_span: tuple[int, int] = (0, 0)
    inherited: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        """Bytes of the events."""
        return (self.n_events * self.row_bits + 7) // 8


def read_layout(handle: BinaryIO) -> Layout:
    """Read where the events of a file are: of its only data set, or of the FCS 3.0 one of a Beckman LMD file.

    Parameters
    ----------
    handle : binary file

    Raises
    ------
    SpecimenError
        `unreadable_fcs`, `truncated_fcs` or `no_events`.
    """
    layouts = read_layouts(handle)
    first, later = layouts[0], layouts[1:]
    if not later:
        return first
    if first.version in ("1.0", "2.0") and len(later) == 1 and later[0].version >= "3.0":
        notes = ("two_data_sets", *(n for n in first.notes if n == "next_data_invalid"), *later[0].notes)
        if later[0].n_events != first.n_events:
            notes += ("data_sets_differ",)
        return replace(later[0], inherited=first.text, notes=notes)
    raise SpecimenError(
        "unreadable_fcs", f"the file holds {len(layouts)} acquisitions; export each tube to a file of its own"
    )


def read_layouts(handle: BinaryIO) -> list[Layout]:
    """Read HEADER and TEXT of every data set of a file that is open at any position."""
    size = handle.seek(0, os.SEEK_END)
    layouts = [_read_one(handle, 0, size)]
    while len(layouts) < MAX_DATA_SETS:
        last = layouts[-1]
        step = whole(keyword(last.text, "NEXTDATA")) or 0
        base = last.base + step
        if step == 0 or base == size:
            return layouts
        handle.seek(min(base, size))
        if step >= HEADER_BYTES and handle.read(3) == b"FCS":
            layouts.append(_read_one(handle, base, size))
            continue
        if base > size - HEADER_BYTES and len(layouts) == 1 and last.version == "2.0":
            raise SpecimenError("truncated_fcs", "the file ends before its second data set, which its header promises")
        layouts[-1] = replace(last, notes=(*last.notes, "next_data_invalid"))
        found = _next_magic(handle, last.data_start + last.n_bytes) if last.version == "2.0" else None
        if found is not None:
            layouts.append(_read_one(handle, found, size))
        return layouts
    raise SpecimenError("unreadable_fcs", "the file holds more data sets than a file can have")


def _next_magic(handle: BinaryIO, start: int) -> int | None:
    """Return where an FCS 3 data set begins behind a Beckman file's first one, whose `$NEXTDATA` does not say it."""
    handle.seek(start)
    tail = b""
    while piece := handle.read(_AT_ONCE):
        at = (tail + piece).find(b"FCS3.0    ")
        if at >= 0:
            return start + at - len(tail)
        start += len(piece)
        tail = (tail + piece)[-9:]
    return None


def _read_one(handle: BinaryIO, base: int, size: int) -> Layout:
    handle.seek(base)
    header = handle.read(HEADER_BYTES)
    if not header:
        raise SpecimenError("unreadable_fcs", "the file is empty")
    if not re.match(rb"FCS\d\.\d", header):
        raise SpecimenError("unreadable_fcs", "the file is not an FCS file: it does not start as one")
    version = header[3:6].decode("ascii")
    if version not in VERSIONS:
        raise SpecimenError("unreadable_fcs", f"the file says that it is FCS {version}, which does not exist")
    if len(header) < HEADER_BYTES:
        raise SpecimenError("truncated_fcs", "the file ends within its header")
    first, last = whole(header[10:18]), whole(header[18:26])
    if first is None or last is None or first < 10 or last <= first or last - first > MAX_TEXT_BYTES:
        raise SpecimenError("unreadable_fcs", "the header does not say where the keywords lie")
    if base + last > size:
        raise SpecimenError("truncated_fcs", "the file ends within its keywords")
    in_header = (whole(header[26:34]) or 0, whole(header[34:42]) or 0)
    text, notes = _keywords(handle, base, size, first, last, in_header[0])
    layout = _resolve(version, text, in_header, (first, last), base, size)
    return replace(layout, notes=(*notes, *layout.notes))


def _keywords(
    handle: BinaryIO, base: int, size: int, first: int, last: int, data_start: int
) -> tuple[dict[str, str], list[str]]:
    """Read TEXT and the supplemental TEXT; where TEXT stops short of its keywords, on to the events."""
    notes = []

    def segment(start: int, stop: int) -> bytes:
        handle.seek(base + start)
        return handle.read(max(0, min(stop - start + 1, size - base - start, MAX_TEXT_BYTES)))

    raw = segment(first, last)
    text = parse_text(raw)
    n = min(whole(keyword(text, "PAR")) or 0, MAX_PARAMETERS)
    if completeness(text) < 4 + 4 * n and last + 1 < data_start <= last + 65536:
        longer = parse_text(segment(first, data_start - 1))
        if completeness(longer) > completeness(text):
            text, notes = longer, ["text_end_wrong"]
    more = (whole(keyword(text, "BEGINSTEXT")) or 0, whole(keyword(text, "ENDSTEXT")) or 0)
    if 0 < more[0] < more[1] < size - base and more[0] > last:
        extra = segment(*more)
        if extra[:1] == raw[:1]:
            text = {**parse_text(extra), **text}
    return text, notes


def _resolve(
    version: str, text: dict[str, str], in_header: tuple[int, int], span: tuple[int, int], base: int, size: int
) -> Layout:
    n_parameters = whole(keyword(text, "PAR"))
    if n_parameters is None or not 1 <= n_parameters <= MAX_PARAMETERS:
        raise SpecimenError("unreadable_fcs", "the header does not say how many channels the file has")
    if (keyword(text, "MODE") or "L").upper() != "L":
        raise SpecimenError("unreadable_fcs", "the file holds histograms, not events; export it as list mode")
    row_bits = sum(bits_of(text, i) for i in range(1, n_parameters + 1))
    total = whole(keyword(text, "TOT"))
    in_text = (whole(keyword(text, "BEGINDATA")) or 0, whole(keyword(text, "ENDDATA")) or 0)
    order = (in_header, in_text) if version < "3.0" else (in_text, in_header)
    stated = list(dict.fromkeys(pair for pair in order if pair[0] > 0))
    if not total and all(end <= begin for begin, end in stated):
        raise SpecimenError("no_events", "the file holds no events")
    if not stated:
        raise SpecimenError("unreadable_fcs", "the header does not say where the events lie")
    notes = ["offsets_disagree"] if len(stated) > 1 else []
    chosen = _fit(stated, row_bits, total, size - base)
    if chosen is None:
        raise SpecimenError("truncated_fcs", "the file ends before the events that its header promises")
    start, n_events, odd = chosen
    if odd == _TOT_DISAGREES:
        if not _describes(text, n_parameters) or _describes(text, n_parameters + 1):
            raise SpecimenError("unreadable_fcs", "the header describes another number of channels than it states")
        if n_events < total:
            raise SpecimenError("truncated_fcs", f"the file holds {n_events} events, and its header promises {total}")
    bytes_needed = (n_events * row_bits + 7) // 8
    others = dict.fromkeys(b + shift for b, _ in stated for shift in (0, 1, -1))
    starts = tuple(base + s for s in others if s != start and s >= HEADER_BYTES and s + bytes_needed <= size - base)
    stated_start = base + start
    if odd == _ONE_BEYOND:
        start -= 1
    elif odd:
        notes.append(odd)
    return Layout(version, base, text, base + start, n_events, row_bits, stated_start, tuple(notes), starts, span)


def _describes(text: Mapping[str, str], parameter: int) -> bool:
    return any(keyword(text, f"P{parameter}{what}") for what in "NSBR")


def _fit(stated: list[tuple[int, int]], row_bits: int, total: int | None, size: int) -> tuple[int, int, str] | None:
    """Choose where the events start and how many there are, and say what was odd; None if bytes are missing.

    In this order: a segment as long as `$TOT` says; one byte more or less; whole events, though not `$TOT` of them; a
    segment whose end makes no sense while `$TOT` events lie within the file.
    """
    needed = None if not total else (total * row_bits + 7) // 8
    inside = [(b, e) for b, e in stated if needed is not None and b + needed <= size]
    for slack, odd in ((0, ""), (1, "data_end_off_by_one"), (-1, "data_end_off_by_one")):
        for begin, end in inside:
            if end - begin + 1 == needed + slack:
                return begin, total, odd
    for begin, end in stated:
        n, rest = divmod((end - begin + 1) * 8, row_bits)
        if n > 0 and end < size and (rest == 0 or (total is None and rest <= 8)):
            return begin, n, "" if total is None else _TOT_DISAGREES
    for begin, _ in inside:
        return begin, total, "data_end_wrong"
    for begin, end in stated:
        # offsets counted from 1, at the end of the file; or one byte is missing: what lies there decides
        if needed is not None and end - begin + 1 == needed and end == size:
            return begin, total, _ONE_BEYOND
    return None


def bits_of(text: Mapping[str, str], parameter: int) -> int:
    """Return the bits of one value of a parameter (counted from 1): those of its type, for integers `$PnB`.

    Raises
    ------
    SpecimenError
        `unreadable_fcs`.
    """
    kind = kind_of(text, parameter)
    if kind in _BITS:
        return _BITS[kind]
    if kind != "I":
        raise SpecimenError("unreadable_fcs", "the events are stored in a form that is not known (not I, F or D)")
    bits = whole(keyword(text, f"P{parameter}B"))
    if bits is None or not 1 <= bits <= 64:
        raise SpecimenError("unreadable_fcs", "the header does not say how many bits a channel has")
    return bits


def kind_of(text: Mapping[str, str], parameter: int) -> str:
    """Return `I`, `F` or `D`: the parameter's own type (FCS 3.2), else the file's."""
    return (keyword(text, f"P{parameter}DATATYPE") or keyword(text, "DATATYPE") or "").upper()
