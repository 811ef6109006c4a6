"""What the keywords say about an acquisition: cytometer, serial number, time, voltages.

Only what is used is read. Anything that cannot be understood without guessing is None.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from .text import keyword, number

_SERIAL = ("CYTSN", "CYTNUM", "CYTOMETER NUM", "CYTOMETER SERIAL NUMBER", "@CYTOMETERID")
_UNSTATED = {"", "n/a", "na", "none", "unknown", "not set", "default"}

# Three letters of the month, as cytometers' software writes it in the languages of Windows.
_MONTHS = {
    name: number_
    for number_, names in enumerate(
        (
            "jan gen ene",
            "feb fev fév",
            "mar mär mrz mars",
            "apr avr abr",
            "may mai mag",
            "jun juin giu",
            "jul juil lug",
            "aug aou aoû ago",
            "sep set",
            "oct okt ott",
            "nov",
            "dec dez dic déc",
        ),
        start=1,
    )
    for name in names.split()
}


def cytometer_of(text: Mapping[str, str]) -> str | None:
    """Return `$CYT` without the version of its software (`MACSQuant VYB,2.5.1345`)."""
    value = keyword(text, "CYT")
    if value is None:
        return None
    value = re.sub(r"\s+", " ", re.sub(r",\s*\d+(\.\d+)+\S*$", "", value)).strip()
    return None if value.lower() in _UNSTATED else value


def serial_of(text: Mapping[str, str]) -> str | None:
    """Return the serial number of the cytometer (`$CYTSN`, or a vendor's keyword for it)."""
    for name in _SERIAL:
        value = (keyword(text, name) or "").strip()
        if value.lower() not in _UNSTATED:
            return value
    return None


def voltage_of(text: Mapping[str, str], parameter: int) -> float | None:
    """Return `$PnV` of a parameter (counted from 1), in volts, or a vendor's keyword for it.

    Notes
    -----
    CellQuest on a FACSCalibur states no `$PnV`; its BD$WORD13 to BD$WORD17 are the voltages of FSC, SSC, FL1, FL2 and
    FL3 when these are the first five parameters (R. Hicks, Purdue cytometry list, October 2001; FlowCal does the same).
    """
    for name in (f"P{parameter}V", f"P{parameter}VOLTAGE", f"@P{parameter}V", f"#P{parameter}V"):
        value = number(keyword(text, name))
        if value is not None:
            return value
    usual = ("FSC-H", "SSC-H", "FL1-H", "FL2-H", "FL3-H")
    if (
        parameter <= len(usual)
        and "CELLQUEST" in (keyword(text, "CREATOR") or "").upper()
        and all((keyword(text, f"P{i}N") or "").upper() == name for i, name in enumerate(usual, start=1))
    ):
        return number(text.get(f"BD$WORD{12 + parameter}"))
    return None


def acquired(text: Mapping[str, str]) -> tuple[date | None, float | None]:
    """Return the start of the acquisition and its duration in seconds.

    `$DATE` with `$BTIM` and `$ETIM`, in the cytometer's local time; else `$BEGINDATETIME` and `$ENDDATETIME` (FCS 3.2),
    with their offset where they state one (`Z` is zero). Where no time can be read, the date alone: that beads and tube
    were acquired days apart is certain without one. A date that can be read in two ways (`03/04/2024`, or figures alone
    with a year of two) is None: the day matters too much to guess it.
    """
    day = date_of(keyword(text, "DATE")) or date_of(keyword(text, "@Y2KDATE"))
    begin, end = time_of(keyword(text, "BTIM")), time_of(keyword(text, "ETIM"))
    if day is not None and begin is not None:
        duration = None if end is None else (end - begin).total_seconds() % 86400.0
        return day + begin, duration
    start, stop = (_stamp(keyword(text, name)) for name in ("BEGINDATETIME", "ENDDATETIME"))
    duration = None
    if start is not None and stop is not None and (start.tzinfo is None) == (stop.tzinfo is None):
        seconds = (stop - start).total_seconds()
        duration = seconds if 0 <= seconds < 7 * 86400 else None
    if start is None:
        alone = keyword(text, "BEGINDATETIME") or ""
        # of a time that cannot be read the offset is not known either, and so not the local day
        day = day or (date_of(alone) if "t" not in alone.lower() else None)
        return None if day is None else day.date(), duration
    return start, duration


def date_of(value: str | None) -> datetime | None:
    """Read a date in any form that has one meaning; None otherwise."""
    if value is None:
        return None
    value = value.strip().lower()
    stamp = re.match(r"(\d{4}-\d{2}-\d{2})t\d", value)
    if stamp:
        value = stamp.group(1)
    named = re.fullmatch(r"(\d{1,4})[-/. ]*([^\W\d]{3,9})\.?[-/., ]*(\d{1,4})", value)
    if named:
        first, month, last = named.groups()
        number_ = _MONTHS.get(month[:4]) or _MONTHS.get(month[:3])
        if number_ is None:
            return None
        year, day = (first, last) if len(first) == 4 else (last, first)
        return _day(year, number_, int(day))
    compact = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", value)
    if compact:
        return _day(compact.group(1), int(compact.group(2)), int(compact.group(3)))
    parts = re.fullmatch(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})", value)
    if not parts:
        return None
    first, separator, middle, last = parts.groups()
    if len(first) == 4:
        return _day(first, int(middle), int(last))
    if separator == ".":
        return _day(last, int(middle), int(first))
    if len(last) != 4:
        return None
    readings = {_day(last, int(middle), int(first)), _day(last, int(first), int(middle))} - {None}
    return readings.pop() if len(readings) == 1 else None


def _day(year: str, month: int, day: int) -> datetime | None:
    if len(year) not in (2, 4):
        return None
    full = int(year) if len(year) == 4 else int(year) + (2000 if int(year) < 70 else 1900)
    if not _is_year(full):
        return None
    try:
        return datetime(full, month, day)
    except ValueError:
        return None


def _is_year(year: int) -> bool:
    return 1980 <= year <= 2100


def time_of(value: str | None) -> timedelta | None:
    """Read `hh:mm:ss`, with 1/60 s (FCS 3.0, after a colon), fractions or milliseconds, and am or pm."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:([:.,])(\d{1,6}))?)?\s*([ap]\.?m\.?)?", value.strip().lower())
    if not match:
        return None
    hour, minute, second = (int(x or 0) for x in match.group(1, 2, 3))
    separator, tail, half = match.group(4, 5, 6)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = 0.0
    if tail:
        in_sixtieths = separator == ":" and len(tail) <= 2 and int(tail) < 60
        fraction = int(tail) / 60 if in_sixtieths else int(tail) / 10 ** len(tail)
    return timedelta(hours=hour, minutes=minute, seconds=second + fraction)


def _stamp(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        when = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    # a date alone is read as its midnight, which nobody stated
    return when if re.search(r"\d[Tt ]\d", value) and _is_year(when.year) else None
