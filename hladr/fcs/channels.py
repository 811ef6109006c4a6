"""Channels and settings of a data set, from its keywords."""

import math
import re
from collections.abc import Iterable

import numpy as np

from ..flags import SpecimenError
from .decode import n_parameters
from .layout import Layout, bits_of, kind_of
from .settings import acquired, cytometer_of, serial_of, voltage_of
from .text import MAX_PARAMETERS, amplification, keyword, number, whole
from .values import Channel, Settings

_PULSE_WORDS = re.compile(
    r"[-_ ]+([AHW]|AREA|HEIGHT|WIDTH|[AHW]?LIN[AHW]?|[AHW]?LOG[AHW]?|INT|PEAK|TOF)(?=[-_ ]|$)", re.IGNORECASE
)


def channels_of(layout: Layout) -> tuple[Channel, ...]:
    """Return the channels of a data set; stains and voltages that it does not state come from an earlier one.

    Raises
    ------
    SpecimenError
        `unreadable_fcs` where an amplification or a gain cannot be understood.
    """
    count = n_parameters(layout)
    earlier = _earlier_channels(layout)
    return tuple(_channel(layout, i, earlier) for i in range(1, count + 1))


def largest_value(channel: Channel, values: np.ndarray, gain_applied: bool = True) -> float:
    """Return the largest value that a channel can report on the linear scale: the limit of its detector.

    Parameters
    ----------
    channel : Channel
    values : ndarray, shape (n,)
        Its events, linear and uncompensated, without damaged ones.
    gain_applied : bool
        Whether reading divided by `$PnG` (`Acquisition.flowkit_preprocess`).

    Returns
    -------
    float
        Log-amplified data end at the last channel, `$PnR` - 1 before it was expanded; linear data at `$PnR` - 1. inf
        where `$PnR` is not stated, or where the data lie beyond it.
    """
    if not channel.range or channel.range <= 0:
        return math.inf
    if channel.decades > 0:
        top = channel.log_minimum * 10 ** (channel.decades * (channel.range - 1) / channel.range)
    else:
        top = channel.range - 1
    if gain_applied and channel.gain not in (None, 0.0, 1.0):
        top /= channel.gain
    if values.size and values.max() > 1.01 * top:
        # floats that were expanded before they were written keep a $PnR in channels
        return math.inf
    return top


def _channel(layout: Layout, i: int, earlier: dict[str, int]) -> Channel:
    text = layout.text
    name = keyword(text, f"P{i}N") or keyword(text, f"P{i}S") or f"P{i}"
    range_ = number(keyword(text, f"P{i}R"))
    scale = amplification(keyword(text, f"P{i}E"))
    if scale is None or (scale[0] > 0 and not range_ and kind_of(text, i) == "I"):
        raise SpecimenError("unreadable_fcs", f"the header does not say how channel {i} is amplified")
    gain = number(keyword(text, f"P{i}G"))
    if gain is not None and gain < 0:
        raise SpecimenError("unreadable_fcs", f"the header states a gain below zero for channel {i}")
    stain, voltage = keyword(text, f"P{i}S") or "", voltage_of(text, i)
    same = earlier.get(_across_data_sets(name))
    if same is not None:
        stated = keyword(layout.inherited, f"P{same}S") or ""
        if not stain and stated != keyword(layout.inherited, f"P{same}N"):
            stain = stated
        if voltage is None:
            voltage = voltage_of(layout.inherited, same)
    return Channel(name, stain, range_ or 0.0, *scale, gain, voltage, bits_of(text, i))


def _earlier_channels(layout: Layout) -> dict[str, int]:
    """Return the parameter of each detector in an earlier data set; the first where it has several (Lin and Log)."""
    found: dict[str, int] = {}
    count = whole(keyword(layout.inherited, "PAR")) or 0
    for i in range(1, min(count, MAX_PARAMETERS) + 1):
        name = keyword(layout.inherited, f"P{i}N")
        if name:
            found.setdefault(_across_data_sets(name), i)
    return found


def detector_name(name: str) -> str:
    """Return a channel's name without what says pulse or scale: `FL2 Log`, `FL2 INT LIN` and `FL2-A` are `FL2`."""
    return _PULSE_WORDS.sub("", name).strip()


def uncompensated_name(name: str) -> str:
    """Return a channel's name in small letters, without the marks of a compensated copy: `Comp-PE-A` is `pe-a`."""
    return re.sub(r"^comp-|[-_ ]compensated$|[<>]", "", name.strip().lower())


def compensated_copy(detector: str, names: Iterable[str]) -> str | None:
    """Return the channel that holds a detector's values as FACSDiva or FlowJo compensated them, if there is one."""
    wanted = detector.strip().lower()
    return next((n.strip() for n in names if n.strip().lower() != wanted == uncompensated_name(n)), None)


def _across_data_sets(name: str) -> str:
    """Return the detector as both data sets of a file have it: in capitals, its words joined in one way."""
    return re.sub(r"[\s_-]+", " ", detector_name(name).upper()).strip()


def settings_of(layout: Layout) -> Settings:
    """Return what a data set, or an earlier one of the same file, says about the acquisition."""
    text = {**layout.inherited, **{k: v for k, v in layout.text.items() if v}}
    acquired_at, duration = acquired(text)
    datatype = (keyword(layout.text, "DATATYPE") or "").upper()
    return Settings(cytometer_of(text), serial_of(text), acquired_at, duration, layout.version, datatype)
