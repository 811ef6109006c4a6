"""Which channel carries which marker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .fcs import Channel
from .flags import SpecimenError


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
        For singlets.
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
        `channel_missing` where a marker or scatter channel is absent or not unique.
    """
    raise NotImplementedError


def resolve_beads(channels: Sequence[Channel], lab: Mapping, pe_detector: str | None = None) -> Panel:
    """Find PE and scatter of a bead run; `pe_detector` is the `$PnN` that carries HLA-DR in the tubes."""
    raise NotImplementedError
