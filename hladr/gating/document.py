"""The document of a gate that a reviewer drew elsewhere: read, and checked as far as the header of its tube tells."""

from collections.abc import Sequence
from pathlib import Path

from lxml import etree

from .. import gatingml
from ..fcs import Channel, Spillover
from ..flags import SpecimenError
from ..gatingml import dt, g

NAME = "monocytes"
MAX_BYTES = 2_000_000


def unusable(sentence: str) -> SpecimenError:
    """Make the error that stands for an override that cannot count."""
    return SpecimenError("override_unusable", f"the reviewer's gate cannot be used: {sentence}")


def read(path: Path) -> bytes:
    """Read the file of an override.

    Raises
    ------
    SpecimenError
        `override_unusable` where that cannot be.
    """
    try:
        return path.read_bytes()
    except OSError:
        raise unusable("there is no such file, or it cannot be read") from None


def prepare(text: bytes, channels: Sequence[Channel], spill: Spillover | None) -> tuple[etree._Element, etree._Element]:
    """Check an override as far as the header of its tube tells.

    Parameters
    ----------
    text : bytes
        The file, GatingML 2.0.
    channels : sequence of Channel
    spill : Spillover or None
        The tube's matrix: what the reference `FCS` stands for.

    Returns
    -------
    tuple of Element
        The document with the matrix inside, and the gate `monocytes` in it.

    Raises
    ------
    SpecimenError
        `override_unusable`, with the reason in plain words.
    """
    root = _parse(text)
    _embed_matrix(root, spill)
    element = _find(root)
    # FlowKit takes a stain for a channel too
    names = {c.name for c in channels} | {c.stain for c in channels if c.stain}
    missing = sorted({c for c in _channels(root) if c not in names})
    if missing:
        raise unusable(f"it uses the channel {missing[0]}, which the file does not have")
    return root, element


def _parse(text: bytes) -> etree._Element:
    if len(text) > MAX_BYTES:
        raise unusable("the file is larger than a gate can be")
    try:
        root = gatingml.parse(text)
    except ValueError as problem:
        raise unusable(str(problem)) from None
    if root.tag != g("Gating-ML"):
        raise unusable("it is not a GatingML 2.0 document")
    return root


def _find(root: etree._Element) -> etree._Element | None:
    found = [e for e in root.iter() if isinstance(e.tag, str) and e.get(g("id")) == NAME]
    if not found:
        others = [e.get(g("id")) for e in root if isinstance(e.tag, str) and e.get(g("id"))]
        parents = {e.get(g("parent_id")) for e in root if isinstance(e.tag, str)}
        # the one that was meant lies in no other's way: it is named first
        others.sort(key=lambda name: name in parents)
        raise unusable(f"it has no gate named {NAME} (it has {', '.join(others[:5]) or 'none'})")
    if len(found) > 1:
        raise unusable(f"it has {len(found)} gates named {NAME}")
    return found[0]


def _channels(root: etree._Element) -> list[str]:
    """Names of all file channels that gates and ratios use; a matrix may name dyes instead."""
    dyes = {
        d.get(dt("name"))
        for holder in root.iter(gatingml.tr("fluorochromes"))
        for d in holder
        if isinstance(d.tag, str)
    }
    places = [*root.iter(g("dimension")), *root.iter(g("divider")), *root.iter(gatingml.tr("fratio"))]
    found = [d.get(dt("name"), "") for place in places for d in place.iter(dt("fcs-dimension"))]
    found += [d.get(dt("name"), "") for h in root.iter(gatingml.tr("detectors")) for d in h if isinstance(d.tag, str)]
    return [name for name in found if name not in dyes]


def _embed_matrix(root: etree._Element, spill: Spillover | None) -> None:
    """Replace the reference `FCS` by the tube's own matrix, so that the document is self-contained."""
    users = [e for e in root.iter() if isinstance(e.tag, str) and e.get(g("compensation-ref")) == "FCS"]
    for user in users:
        user.set(g("compensation-ref"), gatingml.MATRIX_ID if spill is not None else "uncompensated")
    known = any(m.get(gatingml.tr("id")) == gatingml.MATRIX_ID for m in root.iter(gatingml.tr("spectrumMatrix")))
    if users and spill is not None:
        if known:
            raise unusable(f"it has a matrix named {gatingml.MATRIX_ID} beside the file's own")
        root.insert(0, gatingml.matrix_element(spill.detectors, spill.matrix))
