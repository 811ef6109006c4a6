"""Axes of a picture: where the ticks stand on a scale, and what is written beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class PlotAxis:
    """One axis of a panel.

    Attributes
    ----------
    label : str
        What is measured, with its unit.
    limits : (float, float)
        Ends of the axis on its scale.
    major : tuple of (float, str)
        Positions on the scale, and what is written there.
    minor : tuple of float
        Positions of the short ticks.
    """

    label: str
    limits: tuple[float, float]
    major: tuple[tuple[float, str], ...]
    minor: tuple[float, ...] = ()

    def shares(self) -> tuple[list[tuple[float, str]], list[float]]:
        """Give the ticks as shares of the axis's length: the long ones with their words, the short ones."""
        low, high = self.limits
        major = [((position - low) / (high - low), words) for position, words in self.major]
        return major, [(position - low) / (high - low) for position in self.minor]


def decade_axis(label: str, scale, low: float, high: float) -> PlotAxis:
    """Make an axis with a tick per decade on an asinh scale.

    Parameters
    ----------
    label : str
    scale : gating.Scale
        Its `apply` turns linear values into positions, its `cofactor` is where it turns linear.
    low, high : float
        Ends of the axis, as positions on the scale.
    """
    least, most = (from_position(scale, end) for end in (low, high))
    top = int(np.floor(np.log10(max(most, 1e-6)) + 1e-9))
    bottom = min(int(np.ceil(np.log10(scale.cofactor) - 1e-9)), top)
    decades = [10.0**k for k in range(bottom, top + 1)]
    names = {0.0: "0"} | {s * d: ("−" if s < 0 else "") + power_text(d) for d in decades for s in (1, -1)}
    inside = [v for v in sorted(names) if least <= v <= most]
    major = list(zip(_positions(scale, inside), (names[v] for v in inside), strict=True))
    minor = [m * d for d in (10.0 ** (bottom - 1), *decades) for m in range(2, 10)]
    return PlotAxis(
        label,
        (low, high),
        tuple(_uncrowded(major)),
        tuple(_positions(scale, [v for v in minor if least <= v <= most])),
    )


def from_position(scale, position: float) -> float:
    """Turn a position on an asinh scale back into a linear value."""
    return float(scale.cofactor * np.sinh(position / scale.unit - scale.a * np.log(10)))


def log_axis(label: str, low: float, high: float) -> PlotAxis:
    """Make a logarithmic axis of positive values; positions are their log10."""
    least, most = np.log10(low), np.log10(high)
    decades = range(int(np.ceil(least)), int(np.floor(most)) + 1)
    steps = [k + np.log10(m) for k in (int(np.floor(least)), *decades) for m in range(2, 10)]
    minor = [float(p) for p in steps if least <= p <= most]
    if len(decades) > 1:
        return PlotAxis(label, (least, most), tuple((float(k), power_text(10.0**k)) for k in decades), tuple(minor))
    # within one decade its ends say too little
    named = [k + np.log10(m) for k in (int(np.floor(least)), *decades) for m in (1, 2, 5)]
    major = tuple((float(p), _short(round(10.0**p, 9))) for p in named if least <= p <= most)
    return PlotAxis(label, (least, most), major, tuple(minor))


def linear_axis(label: str, low: float, high: float) -> PlotAxis:
    """Make a linear axis with about four round ticks."""
    raw = max(high - low, 1e-12) / 4
    step = 10 ** np.floor(np.log10(raw))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if m * step >= raw)
    ticks = np.arange(np.ceil(low / step), np.floor(high / step + 1e-9) + 1) * step
    return PlotAxis(label, (low, high), tuple((float(t), _short(t)) for t in ticks))


def _positions(scale, values: Sequence[float]) -> list[float]:
    return [float(v) for v in scale.apply(np.asarray(values, dtype=float))] if len(values) else []


def _uncrowded(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Leave out what would overlap: zero stays, then decades from the top."""
    if len(ticks) < 2:
        return ticks
    span = max(p for p, _ in ticks) - min(p for p, _ in ticks)
    zero = [t for t in ticks if t[1] == "0"]
    kept = list(zero)
    for tick in sorted((t for t in ticks if t[1] != "0"), reverse=True):
        if all(abs(tick[0] - other[0]) > 0.09 * span for other in kept):
            kept.append(tick)
    return sorted(kept)


def power_text(value: float) -> str:
    """Write a power of ten with a raised exponent, which needs no formula to be set."""
    return "10" + str(round(np.log10(value))).translate(_SUPERSCRIPT)


def _short(value: float) -> str:
    size = abs(value)
    if size >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if size >= 1e3 else f"{value:g}"
