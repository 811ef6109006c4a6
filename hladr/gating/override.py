"""A gate that a reviewer drew elsewhere: checked, and evaluated by FlowKit itself, whatever kind of gates it holds.

An override counts, or it fails with a reason; nothing falls back to the automatic gate in silence.
"""

import io
from dataclasses import dataclass

import numpy as np
from lxml import etree

from .. import gatingml
from ..fcs import Acquisition, Spillover
from ..flags import Finding, SpecimenError, finding
from ..gatingml import dt, g
from . import Gate
from .document import NAME, prepare, unusable
from .redraw import redrawn

MANY_TIMES = 4  # the automatic gate's events: a reviewer may well find more, but seldom so many


@dataclass(frozen=True)
class Override:
    """A reviewer's gate, evaluated.

    Attributes
    ----------
    masks : dict of str to ndarray of bool (n,)
        `monocytes`, and `monocytes_tight` and `monocytes_wide` where the gate can be drawn in and out.
    document : str
        The reviewer's GatingML with the matrix inside: what results/gates publishes.
    gates : tuple of Gate
        The gate itself, then its parents, for the picture: where all are polygons and rectangles, linear or asinh.
    channels : tuple of str
        All channels that decide.
    """

    masks: dict[str, np.ndarray]
    document: str
    gates: tuple[Gate, ...]
    channels: tuple[str, ...]


def evaluate(text: bytes, acquisition: Acquisition, spill: Spillover | None, tight: float, wide: float) -> Override:
    """Check and evaluate an override.

    Parameters
    ----------
    text : bytes
        The file, GatingML 2.0.
    acquisition : Acquisition
    spill : Spillover or None
        The tube's matrix: what the reference `FCS` stands for.
    tight, wide : float
        Factors by which the gate is drawn in and out about its centre.

    Raises
    ------
    SpecimenError
        `override_unusable`, with the reason in plain words.
    """
    root, element = prepare(text, acquisition.channels, spill)
    document = etree.tostring(root, encoding="unicode", pretty_print=True)
    for suffix, factor in (("_tight", tight), ("_wide", wide)):
        try:
            scaled = redrawn(element, root, factor)
        except (ValueError, TypeError, AttributeError):
            raise unusable("a corner or a bound of its gate is not a number") from None
        if scaled is not None:
            scaled.set(g("id"), NAME + suffix)
            root.append(scaled)
    masks = _apply(etree.tostring(root), acquisition)
    header = '<?xml version="1.0" encoding="UTF-8"?>\n'
    detectors = {c.stain: c.name for c in acquisition.channels if c.stain} | _detectors_of_dyes(root)
    deciding = tuple(detectors.get(name, name) for name in _deciding(root, element))
    return Override(masks, header + document, _readable(document), deciding)


def judge(
    override: Override, hladr: str, cd14: str, automatic: np.ndarray | None, leukocytes: int | None
) -> list[Finding]:
    """Question an override that looks odd: in its channels, in how many events it selects, or in which.

    Parameters
    ----------
    override : Override
    hladr, cd14 : str
        $PnN of the channels.
    automatic : ndarray of bool (n,) or None
        The automatic gate's events; None where it found none.
    leukocytes : int or None
        Number of leukocytes that the automatic gates count.
    """
    chosen = override.masks[NAME]
    n = int(chosen.sum())
    out = []
    if hladr in override.channels:
        out.append("it uses the HLA-DR channel, which is the outcome")
    if cd14 not in override.channels:
        out.append("it does not look at CD14")
    if leukocytes and n > 0.6 * leukocytes:
        out.append(f"it selects {n} events, more than 60 % of the leukocytes")
    if automatic is not None and n:
        both, theirs = int((chosen & automatic).sum()), int(automatic.sum())
        if both < 0.3 * min(n, theirs):
            out.append(f"it shares {both} events with the automatic gate, which selects {theirs}")
        elif n > MANY_TIMES * theirs:
            out.append(f"it selects {n} events, the automatic gate {theirs}")
    return [finding("override_unusual", f"the reviewer's gate is unusual: {'; '.join(out)}")] if out else []


def _detectors_of_dyes(root: etree._Element) -> dict[str, str]:
    """Tell which detector each dye of the document's own matrices stands for: `Comp-PE-A` for `PE-A`."""
    found: dict[str, str] = {}
    for matrix in root.iter(gatingml.tr("spectrumMatrix")):
        dyes, detectors = (
            [d.get(dt("name")) for d in matrix.iterfind(f"{gatingml.tr(holder)}/{dt('fcs-dimension')}")]
            for holder in ("fluorochromes", "detectors")
        )
        found |= zip(dyes, detectors, strict=False)
    return found


def _deciding(root: etree._Element, element: etree._Element) -> list[str]:
    """Channels of the gate, of its parents and of the gates that it combines."""
    by_id = {e.get(g("id")): e for e in root.iter() if isinstance(e.tag, str) and e.get(g("id"))}
    waiting, seen, channels = [element], set(), {}
    while waiting:
        gate = waiting.pop()
        if id(gate) in seen:
            continue
        seen.add(id(gate))
        for dimension in gate.iter(dt("fcs-dimension")):
            channels[dimension.get(dt("name"))] = None
        above = gate.getparent() if gate.tag == g("Quadrant") else None
        references = [gate.get(g("parent_id")), *(r.get(g("ref")) for r in gate.iter(g("gateReference")))]
        waiting += [by_id[name] for name in references if name in by_id]
        if above is not None:
            waiting.append(above)
    return list(channels)


class _View:
    """The part of FlowKit's Sample that evaluating gates asks for, on events that we have read.

    A Sample made of an array would be written as 32-bit floats and read back; this hands over what we hold.
    """

    id = "tube"
    null_channels: tuple[str, ...] = ()

    def __init__(self, acquisition: Acquisition):
        self._events = acquisition.events
        self.event_count = len(acquisition.events)
        self.pnn_labels = [c.name for c in acquisition.channels]
        self.pns_labels = [c.stain for c in acquisition.channels]
        self.fluoro_indices = [
            i for i, name in enumerate(self.pnn_labels) if name[:4] not in ("FSC-", "SSC-") and name.lower() != "time"
        ]

    def get_events(self, source: str = "raw") -> np.ndarray:
        """Return a copy of the events; FlowKit writes into it."""
        return np.array(self._events, dtype=np.float64)

    def get_channel_index(self, label: str) -> int:
        """Return the column of a $PnN."""
        return self.pnn_labels.index(label)

    def get_metadata(self) -> dict[str, str]:
        """Return nothing: the matrix is in the document."""
        return {}


def _apply(text: bytes, acquisition: Acquisition) -> dict[str, np.ndarray]:
    import flowkit  # imported here: it costs more than a tube, and few tubes have an override

    try:
        strategy = flowkit.parse_gating_xml(io.BytesIO(text))
        results = strategy.gate_sample(_View(acquisition))
    except SpecimenError:
        raise
    except Exception as problem:
        raise unusable("it does not follow GatingML 2.0, or refers to something that is not there") from problem
    masks = {}
    for name in (NAME, f"{NAME}_tight", f"{NAME}_wide"):
        try:
            masks[name] = np.asarray(results.get_gate_membership(name), dtype=bool)
        except Exception:
            if name == NAME:
                raise unusable(f"its gate {NAME} cannot be evaluated") from None
    return masks


def _readable(document: str) -> tuple[Gate, ...]:
    """Read the gate and its parents; nothing where the picture could not show them."""
    try:
        by_name = {gate.name: gate for gate in gatingml.read(document).gates}
    except (ValueError, AttributeError, TypeError, KeyError):
        return ()
    chain: list[Gate] = []
    gate = by_name.get(NAME)
    while gate is not None and gate not in chain:
        chain.append(gate)
        gate = by_name.get(gate.parent)
    return tuple(chain)
