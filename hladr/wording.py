"""Numbers as the sentences of the report write them."""

from . import limits
from .ferritin import Interval


def ferritin_number(value: float, beside: float | None = None) -> str:
    """Write ng/mL: `633`, `4,420.5`; never rounded onto the limit it stands beside."""
    return _number(value, ",", 1, beside)


def number(value: float, beside: float) -> str:
    """Write a value with up to one decimal: `30`, `24.5`; never rounded onto the limit it stands beside."""
    return _number(value, "", 1, beside)


def abc_number(value: float, beside: float | None = None) -> str:
    """Write antibodies per cell: `3,043`; never rounded onto the limit it stands beside."""
    return _number(value, ",", 0, beside)


def _number(value: float, group: str, decimals: int, beside: float | None) -> str:
    text = _trimmed(f"{value:{group}.{decimals}f}")
    if beside is None or limits.equal(value, beside):
        return text
    target = _trimmed(f"{beside:{group}.{decimals}f}")
    while text == target and decimals < 9:
        decimals += 1
        text = _trimmed(f"{value:{group}.{decimals}f}")
        target = _trimmed(f"{beside:{group}.{decimals}f}")
    return text


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def ferritin(interval: Interval, beside: float | None = None) -> str:
    """Write an interval: `633 ng/mL`, `above 7,500 ng/mL`, `600 to 700 ng/mL`."""
    if interval.is_point:
        return f"{ferritin_number(interval.low, beside)} ng/mL"
    if interval.low is None and interval.high is None:
        return "of any height"
    if interval.high is None:
        word = "at least" if interval.low_included else "above"
        return f"{word} {ferritin_number(interval.low, beside)} ng/mL"
    if interval.low is None:
        word = "at most" if interval.high_included else "below"
        return f"{word} {ferritin_number(interval.high, beside)} ng/mL"
    return f"{ferritin_number(interval.low, beside)} to {ferritin_number(interval.high, beside)} ng/mL"


def abc(value: float, low: float | None, high: float | None, beside: float | None = None, note: str = "") -> str:
    """Write AB/C with its interval and a note: `3,043 AB/C (2,900 to 3,190; below 5,000)`."""
    inside = [f"{abc_number(low)} to {abc_number(high)}"] if low is not None and high is not None else []
    inside += [note] if note else []
    return f"{abc_number(value, beside)} AB/C" + (f" ({'; '.join(inside)})" if inside else "")


def plural(count: int, one: str) -> str:
    """Write a count with its noun: `1 draw`, `2 draws`."""
    return f"{count} {one if count == 1 else one + 's'}"
