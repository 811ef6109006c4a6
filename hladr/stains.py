"""labs.yaml against the file's own stains: whether a detector carries the marker that the laboratory says."""

from collections.abc import Mapping, Sequence

from .fcs import Channel
from .flags import Finding, finding
from .panel import STAINS, Panel, stained


def contradictions(channels: Sequence[Channel], lab: Mapping, panel: Panel) -> list[Finding]:
    """Find the detectors that labs.yaml names for one marker and the file calls by another.

    Parameters
    ----------
    channels : sequence of Channel
        Of a tube; a bead run's stains are whatever was typed last.
    lab : Mapping
        One entry of labs.yaml.
    panel : Panel
        What `panel.resolve` found.

    Returns
    -------
    list of Finding
        `stain_differs` for each. It names the marker that is recognised, never the header's own text. A stain may be
        left over from a template, so it is for a person to look at.
    """
    named = lab.get("markers") or {}
    places = {"HLA-DR": panel.hladr, "CD14": panel.cd14, "CD45": panel.cd45}
    called = {marker: stained(channels, STAINS[marker]) for marker in places}
    found = []
    for marker, place in places.items():
        others = [other for other in called if place in called[other]]
        if named.get(marker) and others and marker not in others:
            says = f"labs.yaml says that {named[marker]} carries {marker}; the file calls it {' and '.join(others)}"
            found.append(finding("stain_differs", says))
    return found
