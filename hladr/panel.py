"""Which channel carries which marker.

A lab names its detectors (`$PnN`) or stains (`$PnS`) in labs.yaml; what it leaves out is found by the conventions of
the cytometers' software. Nothing is guessed: a marker that fits no channel, or several equally well, is refused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .fcs import Channel
from .fcs.channels import compensated_copy, detector_name, uncompensated_name
from .flags import SpecimenError

NO_MARKER = "none"
LONGEST_NAME = 60  # of a channel, in a sentence

# Stains as laboratories write them.
# Not HLA-DR: HLA-DP, HLA-DQ and antibodies to all three. Not CD14: CD140. Not CD45: CD45RA, CD45RO.
STAINS = {
    "HLA-DR": r"(?<![A-Z0-9])(ANTI-?)?HLA[\s_./-]*DR(?!\d|[\s,;/+-]*D[PQ])|^\s*(ANTI-?)?DR\b",
    "CD14": r"(?<![A-Z0-9])CD[\s_-]*14(?!\d)|(?<![A-Z])(ANTI-?)?MONOCYTES?(?![A-Z])",
    "CD45": r"(?<![A-Z0-9])CD[\s_-]*45(?!\d|\s*R)",
}
_FORWARD = r"(FSC|FS|FALS|FORWARD[\s_-]*SCATTER)(?![A-Z])"
_SIDE = r"(SSC|SS|RALS|SIDE[\s_-]*SCATTER)(?![A-Z])"
# PE itself, not its tandem dyes (PE-Cy7, PE-CF594, PE/Dazzle 594, PE-Vio770 ...).
_PE = r"(?<![A-Z0-9])(R-?)?PE(?![A-Z0-9]|[\s_/-]*(CY|C5|C7|TX|TEXAS|TR\b|CF|DAZ|VIO|AF|ALEXA|FIRE|EF|SPARK|\d))"
_SECOND_DETECTOR = r"FL[\s_-]?2(?!\d)"
_TIMES = {"time", "hdr-t"}


@dataclass(frozen=True)
class Panel:
    """Column indices into `Acquisition.events`; None where the panel has no such channel.

    Attributes
    ----------
    hladr : int
        The PE detector.
    cd14, cd45 : int or None
        `cd45` is None for a panel without it; `cd14` is None only for beads.
    forward, side : int
        Scatter, areas where the file has them.
    forward_height : int or None
        For singlets; None where the file has no height beside the forward area.
    time : int or None
    """

    hladr: int
    cd14: int | None
    cd45: int | None
    forward: int
    forward_height: int | None
    side: int
    time: int | None


def resolve(channels: Sequence[Channel], lab: Mapping) -> Panel:
    """Find the channels of a tube.

    Parameters
    ----------
    channels : sequence of Channel
    lab : Mapping
        One entry of labs.yaml.

    Raises
    ------
    SpecimenError
        `channel_missing` where a marker or scatter channel is absent or fits several channels.
    """
    named = lab.get("markers") or {}
    found: dict[str, int | None] = {}
    for marker in ("HLA-DR", "CD14", "CD45"):
        wanted = named.get(marker)
        if marker == "CD45" and wanted is not None and wanted.strip().lower() == NO_MARKER:
            found[marker] = None
        elif wanted:
            found[marker] = _named(channels, marker, wanted)
        else:
            found[marker] = _one(channels, marker, stained(channels, STAINS[marker]), "it has no such stain")
    taken: dict[int, str] = {}
    for marker, index in found.items():
        if index in taken:
            raise SpecimenError(
                "channel_missing", f"{taken[index]} and {marker} both lead to the channel {channels[index].name}"
            )
        if index is not None:
            taken[index] = marker
    return _with_scatter(channels, lab, found["HLA-DR"], found["CD14"], found["CD45"])


def resolve_beads(channels: Sequence[Channel], lab: Mapping) -> Panel:
    """Find PE and scatter of a bead run, whose file may lack the stains.

    Parameters
    ----------
    channels : sequence of Channel
    lab : Mapping
        One entry of labs.yaml.

    Raises
    ------
    SpecimenError
        `channel_missing`.

    Notes
    -----
    PE is the lab's HLA-DR entry as `$PnN` or `$PnS`, else a channel stained HLA-DR, else the channel called PE, else
    FL2, which is PE on cytometers with numbered detectors.
    """
    wanted = (lab.get("markers") or {}).get("HLA-DR")
    matches = _matches(channels, wanted) if wanted else []
    looks_like_detector = bool(wanted) and not re.search(STAINS["HLA-DR"], wanted.upper())
    if not matches and not looks_like_detector:
        matches = (
            stained(channels, STAINS["HLA-DR"])
            or stained(channels, _PE)
            or [i for i, c in enumerate(channels) if re.match(_SECOND_DETECTOR, c.name.upper())]
        )
    why = _lacks(channels, "channel", wanted) if looks_like_detector else "it has no such channel"
    pe = _one(channels, "PE", matches, why)
    return _with_scatter(channels, lab, pe, None, None)


def _with_scatter(channels: Sequence[Channel], lab: Mapping, hladr: int, cd14: int | None, cd45: int | None) -> Panel:
    named = lab.get("scatter") or {}
    chosen = {}
    for key, what, pattern in (("forward", "forward scatter", _FORWARD), ("side", "side scatter", _SIDE)):
        if named.get(key):
            chosen[key] = _named(channels, what, named[key], fluorescence=False)
        else:
            chosen[key] = _one(
                channels, what, _scatters(channels, pattern), "it has no such channel", fluorescence=False
            )
    if chosen["forward"] == chosen["side"]:
        name = channels[chosen["forward"]].name
        raise SpecimenError("channel_missing", f"forward and side scatter both lead to the channel {name}")
    heights = _matches(channels, named["forward_height"]) if named.get("forward_height") else []
    if not heights and not named.get("forward_height") and measure_of(channels[chosen["forward"]]) == "A":
        heights = [i for i in _scatters(channels, _FORWARD) if measure_of(channels[i]) == "H"]
        heights = _best(channels, heights, fluorescence=False)
    height = heights[0] if len(heights) == 1 and heights[0] != chosen["forward"] else None
    times = [i for i, c in enumerate(channels) if {c.name.strip().lower(), c.stain.strip().lower()} & _TIMES]
    time = times[0] if times else None
    return Panel(hladr, cd14, cd45, chosen["forward"], height, chosen["side"], time)


def known_stain(stain: str, markers: Mapping[str, str]) -> str:
    """Return what of a stain the functions above look at: the rest of a `$PnS` may be anything, names included.

    Parameters
    ----------
    stain : str
    markers : mapping of str to str
        Of the lab's entry in labs.yaml.

    Returns
    -------
    str
        The lab's own word, else the names of the markers that are recognised; empty for anything else.
    """
    for wanted in markers.values():
        if stain and _key(stain) == _key(wanted):
            return wanted
    upper = stain.strip().upper()
    known = [name for name, pattern in {**STAINS, "PE": _PE}.items() if re.search(pattern, upper)]
    known += [name for name, pattern in (("FSC", _FORWARD), ("SSC", _SIDE)) if re.match(pattern, upper)]
    known += [name for name in sorted(_TIMES) if name == stain.strip().lower()]
    return " ".join(known)


def measure_of(channel: Channel) -> str:
    """Return what of the pulse a channel measures: `A` (area), `H` (height), `W` (width), empty if it is not said."""
    name = channel.name.strip().upper()
    for letter, pattern in (
        ("A", r"[-_ ]A(REA)?$|[-_ ]A(LIN|LOG)$|\bINT\b|\bAREA\b"),
        ("H", r"[-_ ]H(EIGHT)?$|[-_ ]H(LIN|LOG)$|(LOG|LIN)H$|\bPEAK\b|\bHEIGHT\b"),
        ("W", r"[-_ ]W(IDTH)?$|[-_ ]W(LIN|LOG)$|\bTOF\b|\bWIDTH\b"),
    ):
        if re.search(pattern, name):
            return letter
    return ""


def detector_of(channel: Channel) -> str:
    """Return the detector that a channel comes from: without pulse, scale and the marks of compensated copies."""
    return detector_name(uncompensated_name(channel.name))


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", text.lower())


def _named(channels: Sequence[Channel], what: str, wanted: str, *, fluorescence: bool = True) -> int:
    matches, why = _matches(channels, wanted), _lacks(channels, "channel or stain", wanted)
    return _one(channels, what, matches, why, fluorescence=fluorescence)


def _lacks(channels: Sequence[Channel], what: str, wanted: str) -> str:
    why, copy = f"it has no {what} {wanted}", compensated_copy(wanted, (c.name for c in channels))
    if copy is None:
        return why
    return f"{why} but {copy}, which is compensated already: write {copy} and compensation: none in labs.yaml"


def _matches(channels: Sequence[Channel], wanted: str) -> list[int]:
    """Return the channels that a name of labs.yaml means: by `$PnN`, by `$PnS`, then by either without punctuation.

    Last, by the detector alone: Beckman calls a detector `FL2 Log` in a file's first data set and `FL2` in the second.
    """
    tests: tuple[Callable[[Channel], bool], ...] = (
        lambda c: c.name == wanted,
        lambda c: c.stain == wanted,
        lambda c: _key(c.name) == _key(wanted),
        lambda c: _key(c.stain) == _key(wanted),
        lambda c: _key(c.name) == _key(detector_name(wanted)),
    )
    for test in tests:
        found = [i for i, c in enumerate(channels) if test(c)]
        if found:
            return found
    return []


def stained(channels: Sequence[Channel], pattern: str) -> list[int]:
    """Return the channels with a stain: where `$PnS` says it, else where `$PnN` does."""
    return [i for i, c in enumerate(channels) if re.search(pattern, c.stain.upper())] or [
        i for i, c in enumerate(channels) if re.search(pattern, c.name.upper())
    ]


def _scatters(channels: Sequence[Channel], pattern: str) -> list[int]:
    """Return the scatter channels of one direction; one called exactly so is preferred to, say, SSC-B."""
    found = [i for i, c in enumerate(channels) if re.match(pattern, c.name.strip().upper())] or [
        i for i, c in enumerate(channels) if re.match(pattern, c.stain.strip().upper())
    ]
    plain = [i for i in found if re.fullmatch(pattern, detector_name(channels[i].name).upper())]
    return plain or found


def _best(channels: Sequence[Channel], found: list[int], *, fluorescence: bool) -> list[int]:
    """Of several channels of one detector prefer the area, then an unnamed measure, then the height, never the width.

    The height comes first where most fluorescence is only there as height (FACSCalibur: FL2-A beside FL1-H to FL4-H).
    Of a linear and a logarithmic copy (Beckman, Guava): the logarithmic one for fluorescence, which keeps its dim end.
    """
    measures = [measure_of(c) for c in channels if not re.match(f"{_FORWARD}|{_SIDE}", c.name.strip().upper())]
    heights_only = fluorescence and measures.count("H") > 2 * measures.count("A")
    by_measure = {letter: [i for i in found if measure_of(channels[i]) == letter] for letter in ("A", "", "H")}
    order = ("H", "", "A") if heights_only else ("A", "", "H")
    kept = next((by_measure[letter] for letter in order if by_measure[letter]), [])
    if len(kept) > 1:
        logs = [i for i in kept if re.search(r"LOG", channels[i].name.upper())]
        others = [i for i in kept if i not in logs]
        if logs and others:
            kept = logs if fluorescence else others
    return kept


def _one(channels: Sequence[Channel], what: str, found: list[int], why: str, *, fluorescence: bool = True) -> int:
    if not found:
        names = ", ".join(_shown(c) for c in channels)
        raise SpecimenError("channel_missing", f"{what} is not in the file: {why}; its channels are {names}")
    if len(found) > 1:
        found = _best(channels, found, fluorescence=fluorescence) or found
    if len(found) > 1:
        several = " and ".join(_shown(channels[i]) for i in found)
        raise SpecimenError("channel_missing", f"{what} fits more than one channel of the file: {several}")
    name = channels[found[0]].name
    if not name.isprintable():
        shown = _shown(channels[found[0]])
        raise SpecimenError("channel_missing", f"{what} is the channel {shown}, a name that is damaged in the header")
    if [c.name for c in channels].count(name) > 1:
        # gates and matrices name channels by $PnN: a doubled name cannot say which is meant
        raise SpecimenError("channel_missing", f"{what} is the channel {name}, a name that the file uses twice")
    return found[0]


def _shown(channel: Channel) -> str:
    """Write a name into a sentence: a damaged header may hold anything, of any length."""
    text = "".join(letter if letter.isprintable() else "?" for letter in channel.name)
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."
