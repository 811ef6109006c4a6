"""A laboratory's ferritin text to an interval in ng/mL.

Laboratories write `633`, `633,5`, `> 16500`, `<8`, `4.420`. An exact value is a point, a censored one an open interval;
every rule of the trial is then decidable or plainly not.

Conventions
-----------
- `4.420` is 4.42 or 4420. It is read only where the laboratory declares its decimal sign; otherwise it is refused.
- Thousands may be grouped by the other of point and comma, by apostrophes or by spaces; groups have three digits.
- A sign that contradicts the declared convention (`633.5` where the comma is declared) is refused although it could
  only mean one thing: it puts every `4.420` of the same laboratory in doubt, by a factor of 1000.
- Exponents (`1.65E+04`) are refused: spreadsheets write them after rounding. `0`, negative numbers and `<0` are
  refused: nobody measures them, and 0 often stands for "not done".
- A number from a spreadsheet cell carries no convention: it is taken as it is.
"""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from . import limits

# molar mass of ferritin as laboratories convert it: pmol/L = 2.247 x ng/mL (LOINC 2276-4 and 20567-4)
PMOL_PER_L_OF_NG_PER_ML = 2.247
UNITS = ("ng/mL", "ug/L", "µg/L", "pmol/L")
MISSING_WORDS = ("", "na", "haemolysed")

_DIVISORS = {"ng/ml": 1.0, "ug/l": 1.0, "\u03bcg/l": 1.0, "pmol/l": PMOL_PER_L_OF_NG_PER_ML}
_COMPARATOR = re.compile(r"\s*(>=|<=|>|<|≥|≤|⩾|⩽|≧|≦)?\s*")
_INCLUSIVE = {"≥": ">=", "⩾": ">=", "≧": ">=", "≤": "<=", "⩽": "<=", "≦": "<="}
_PLAIN = re.compile(r"[0-9]+")
_EXPONENT = re.compile(r"[0-9.,]+[eE][+-]?[0-9]+")
_GROUP_SIGNS = "'\u2019\u02bc` "


@dataclass(frozen=True, slots=True)
class Interval:
    """What a laboratory said about a concentration.

    Attributes
    ----------
    low, high : float or None
        Ends in ng/mL; None is an open end (`>7500` has no high, `<8` no low).
    low_included, high_included : bool
        Whether the end itself belongs to the interval (`>=7500` does, `>7500` does not). False for an open end.
    """

    low: float | None
    high: float | None
    low_included: bool = True
    high_included: bool = True

    def __post_init__(self):
        for value in (self.low, self.high):
            if value is not None and not math.isfinite(value):
                raise ValueError(f"the ends of an interval are finite numbers or None, not {value!r}")
        if self.low is None:
            object.__setattr__(self, "low_included", False)
        if self.high is None:
            object.__setattr__(self, "high_included", False)
        if self.low is not None and self.high is not None:
            if self.low > self.high:
                raise ValueError(f"an interval from {self.low} to {self.high} is empty")
            if self.low == self.high and not (self.low_included and self.high_included):
                raise ValueError(f"an interval from {self.low} to {self.high} without its ends is empty")

    @classmethod
    def exact(cls, value: float) -> "Interval":
        """Make the point of an exact value in ng/mL."""
        return cls(value, value)

    @property
    def is_point(self) -> bool:
        """Whether it is one exact value."""
        return self.low is not None and self.low == self.high

    @property
    def value(self) -> float | None:
        """The exact value in ng/mL, or None where there is none."""
        return self.low if self.is_point else None

    def holds(self, value: float) -> bool:
        """Say whether a value in ng/mL lies in the interval; an end counts by whether it is included."""
        if self.low is not None and not (
            limits.at_least(value, self.low) if self.low_included else limits.above(value, self.low)
        ):
            return False
        return self.high is None or (
            limits.at_most(value, self.high) if self.high_included else limits.below(value, self.high)
        )

    def definitely_above(self, limit: float) -> bool:
        """Say whether the whole interval lies above a limit in ng/mL: `>4420` is above 4420, `>=4420` is not."""
        if self.low is None:
            return False
        return limits.above(self.low, limit) or (not self.low_included and limits.equal(self.low, limit))

    def definitely_at_least(self, limit: float) -> bool:
        """Say whether no part of the interval lies below a limit in ng/mL."""
        return self.low is not None and limits.at_least(self.low, limit)

    def definitely_at_most(self, limit: float) -> bool:
        """Say whether no part of the interval lies above a limit in ng/mL: 4420 and `<=4420` are at most 4420."""
        return self.high is not None and limits.at_most(self.high, limit)

    def definitely_below(self, limit: float) -> bool:
        """Say whether the whole interval lies below a limit in ng/mL: `<8` is below 8, `<=8` is not."""
        if self.high is None:
            return False
        return limits.below(self.high, limit) or (not self.high_included and limits.equal(self.high, limit))


def combine(intervals: Iterable[Interval | None]) -> Interval | None:
    """Combine the values of one draw.

    An exact value inside a censored one replaces it; otherwise the smallest interval that holds them all counts.

    Parameters
    ----------
    intervals : iterable of Interval or None
        The values of one patient and day, in any order; None (missing) is left out.

    Returns
    -------
    Interval or None
        None if there is no value at all. It does not depend on the order.
    """
    present = [interval for interval in intervals if interval is not None]
    if len(present) < 2:
        return present[0] if present else None
    points = [interval.value for interval in present if interval.is_point]
    kept = [i for i in present if i.is_point or not any(i.holds(point) for point in points)]
    lows = [i.low for i in kept if i.low is not None]
    highs = [i.high for i in kept if i.high is not None]
    low = min(lows) if len(lows) == len(kept) else None
    high = max(highs) if len(highs) == len(kept) else None
    return Interval(
        low,
        high,
        low is not None and any(i.low_included and limits.equal(i.low, low) for i in kept),
        high is not None and any(i.high_included and limits.equal(i.high, high) for i in kept),
    )


def parse_ferritin(
    text: str | float | None, unit: str, decimal: str | None = None, missing_words: Collection[str] = ()
) -> Interval | None:
    """Read one ferritin value as a laboratory delivered it.

    Parameters
    ----------
    text : str, float, int or None
        `633`, `633,5`, `>7500`, `>= 7500`, `<8`, ...; a number where it comes from a numeric spreadsheet cell.
    unit : str
        `ng/mL`, `ug/L`, `µg/L` or `pmol/L`, in any case of its letters.
    decimal : {".", ",", None}
        The laboratory's declared decimal sign; None where it declares none.
    missing_words : collection of str
        Further words of this laboratory for a missing value, besides an empty cell, `NA` and `haemolysed`; in any case
        of their letters.

    Returns
    -------
    Interval or None
        In ng/mL; None for a missing value.

    Raises
    ------
    ValueError
        With a plain sentence (what was expected) where the text cannot be read safely, or for an unknown unit.

    Notes
    -----
    The module's text lists the conventions. pmol/L are divided by 2.247.
    """
    if decimal not in (None, ".", ","):
        raise ValueError("the decimal sign is '.' or ','")
    if isinstance(text, bool):
        raise ValueError("expected a number")
    if isinstance(text, int | float):
        return Interval.exact(_positive(float(text)) / _divisor(unit))
    if text is None:
        return None
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    plain = plain.strip()
    word = plain.casefold()
    if word in MISSING_WORDS or (missing_words and word in {_normal_word(missing) for missing in missing_words}):
        return None
    divisor = _divisor(unit)
    match = _COMPARATOR.match(plain)
    comparator = _INCLUSIVE.get(match[1], match[1])
    value = _positive(_number(plain[match.end() :], decimal)) / divisor
    if comparator is None:
        return Interval(value, value)
    if comparator[0] == ">":
        return Interval(value, None, low_included=comparator == ">=", high_included=False)
    return Interval(None, value, low_included=False, high_included=comparator == "<=")


def _normal_word(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().casefold()


def _divisor(unit: str) -> float:
    known = _DIVISORS.get(unicodedata.normalize("NFKC", unit).strip().casefold())
    if known is None:
        raise ValueError(f"expected one of the units {', '.join(UNITS)}")
    return known


def _positive(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("expected a finite number")
    if value <= 0:
        raise ValueError("expected a number above 0; an empty cell where nothing was measured")
    return value


def _number(text: str, decimal: str | None) -> float:
    """Read digits with at most one decimal sign and grouped thousands."""
    if _PLAIN.fullmatch(text):
        return float(text)
    if _EXPONENT.fullmatch(text):
        raise ValueError("expected plain digits, not an exponent: spreadsheets round such numbers")
    if text.startswith(("-", "\u2212")):
        raise ValueError("expected a number above 0; an empty cell where nothing was measured")
    decimal = decimal or _decimal_sign_of(text)
    whole, sign, fraction = text.partition(decimal)
    if sign and not _PLAIN.fullmatch(fraction):
        raise ValueError(f"expected a number with at most one {_name(decimal)} followed by digits")
    digits = _ungrouped(whole, decimal)
    return float(f"{digits}.{fraction}" if sign else digits)


def _decimal_sign_of(text: str) -> str:
    """Find the decimal sign where the laboratory declares none, from what the text leaves possible."""
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return "."
    sign = text[last]
    other = "," if sign == "." else "."
    if other in text:
        return sign  # 1.234,5: the last sign is the decimal sign
    if text.count(sign) > 1:
        return other  # 1.234.567: only thousands repeat
    if re.fullmatch(r"[0-9]{3}", text[last + 1 :]):
        raise ValueError(
            f"it could be a decimal {_name(sign)} or a thousands {_name(sign)}: "
            "expected the laboratory's decimal sign to be declared (decimal in labs.yaml)"
        )
    return sign


def _ungrouped(whole: str, decimal: str) -> str:
    """Take the thousands signs out of the digits before the decimal sign."""
    if _PLAIN.fullmatch(whole):
        return whole
    other = "," if decimal == "." else "."
    for sign in (other, *_GROUP_SIGNS):
        if sign in whole:
            if not re.fullmatch(rf"[0-9]{{1,3}}(?:{re.escape(sign)}[0-9]{{3}})+", whole):
                raise ValueError(
                    f"expected digits with a decimal {_name(decimal)}; thousands in groups of three digits"
                )
            return whole.replace(sign, "")
    raise ValueError("expected a number such as 633, 633.5, >7500 or <8, or a word for a missing value")


def _name(sign: str) -> str:
    return "point" if sign == "." else "comma"
