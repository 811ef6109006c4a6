"""The PE histogram of a tube's monocytes with its two axes: PE, and the AB/C that the bead line makes of it."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial

_UP = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def histogram(
    reading, measurement, line, subtracts: bool, limits: Sequence[tuple[float, str]], statistic: str
) -> dict | None:
    """Return what the report's chart needs.

    Parameters
    ----------
    reading : tube.TubeReading
    measurement : quantify.Measurement
    line : lines.Line or None
        Of the tube's bead run.
    subtracts : bool
        The kit subtracts an isotype tube.
    limits : sequence of (float, str)
        Antibodies per cell, and the words beside the line.
    statistic : str
        `median` or `geometric_mean`.

    Returns
    -------
    dict or None
        positions (bins + 1), counts, ticks, abc_ticks, limits, median, statistic (the median's
        name: it may be a mean); all places are asinh(PE / cofactor).
    """
    found = reading.pe_histogram
    if not found or not sum(found["counts"]):
        return None
    cofactor, edges, counts = found["cofactor"], list(found["edges"]), list(found["counts"])
    first = max(next(k for k, n in enumerate(counts) if n) - 2, 0)
    last = min(len(counts) - next(k for k, n in enumerate(reversed(counts)) if n) + 2, len(counts))
    pe = (reading.pe.get(statistic) or {}).get("main")
    to_pe = _inverse(measurement, line, subtracts, pe)

    place = partial(_place, cofactor)

    places = [] if to_pe is None else [(to_pe(value), words) for value, words in limits]
    # the limits belong into the picture, even where no cell comes near them
    for value, _ in places:
        if value is not None:
            near = math.asinh(value / cofactor)
            first = min(first, max(_bin(edges, near) - 2, 0))
            last = max(last, min(_bin(edges, near) + 3, len(counts)))
    reach = (edges[first], edges[last])
    return {
        "channel": (reading.pe_channel or {}).get("detector", "PE"),
        "positions": [round(e, 5) for e in edges[first : last + 1]],
        "counts": counts[first:last],
        "ticks": _within(reach, _pe_ticks(cofactor)),
        "abc_ticks": _within(reach, _abc_ticks(to_pe, place)) if to_pe else [],
        "limits": [(place(v), words) for v, words in places if v is not None],
        "median": place(pe) if pe is not None else None,
        "statistic": statistic.replace("_", " "),
    }


def _place(cofactor: float, value: float) -> float:
    return round(math.asinh(value / cofactor), 5)


def _bin(edges: Sequence[float], position: float) -> int:
    return bisect_right(edges, position) - 1


def _inverse(measurement, line, subtracts: bool, pe: float | None):
    """Return the function from AB/C to PE that the tube's own value obeys; None where it has none."""
    if line is None or measurement.abc is None or pe is None or pe <= 0:
        return None
    read = line.read(pe)
    subtracted = read - measurement.abc if subtracts else 0.0
    factor = 1.0 if subtracts else read / measurement.abc

    def to_pe(abc: float) -> float | None:
        value = (abc + subtracted) * factor
        return 10 ** ((math.log10(value) - line.intercept) / line.slope) if value > 0 and line.slope else None

    return to_pe


def _within(reach: tuple[float, float], ticks: Iterable[tuple[float, str]]) -> list[tuple[float, str]]:
    return [tick for tick in ticks if reach[0] <= tick[0] <= reach[1]]


@lru_cache  # a few cytometers have a few scales
def _pe_ticks(cofactor: float) -> list[tuple[float, str]]:
    bottom = math.floor(math.log10(cofactor)) + 1
    ticks = [(0.0, "0")]
    for k in range(bottom, bottom + 7):
        ticks.append((10.0**k, "10" + str(k).translate(_UP)))
        ticks += [(m * 10.0**k, "") for m in range(2, 10)]
    ticks += [(m * 10.0 ** (bottom - 1), "") for m in range(2, 10)]
    return [(_place(cofactor, value), words) for value, words in ticks]


def _abc_ticks(to_pe, place) -> list[tuple[float, str]]:
    ticks = []
    for decade in (10, 100, 1000, 10_000, 100_000):
        for m in range(1, 10):
            pe = to_pe(m * decade)
            if pe is not None:
                named = m in (1, 5) if decade == 1000 else m == 1
                ticks.append((place(pe), f"{m * decade:,}" if named else ""))
    return ticks


def alternatives(
    measurement, others: Mapping[str, float], limits: Sequence[float], names: Mapping[str, str]
) -> list[dict]:
    """List AB/C under other defensible choices, with the change in percent and the limit that it would cross.

    `others` holds choices beyond those of the measurement itself.
    """
    abc = measurement.abc
    if abc is None:
        return []
    rows = [{"name": names["main"], "abc": abc, "change": None, "other_side": None}]
    known = {"tight": measurement.abc_tight, "wide": measurement.abc_wide, **measurement.models}
    for key, value in (others | known).items():
        if value is None:
            continue
        crossed = next((limit for limit in limits if (value < limit) != (abc < limit)), None)
        rows.append(
            {"name": names.get(key, key), "abc": value, "change": 100 * (value / abc - 1), "other_side": crossed}
        )
    return rows
