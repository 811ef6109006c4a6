"""Gates to GatingML 2.0, the standard's file for gates, and what is read back of it without FlowKit.

Written with lxml, because importing FlowKit costs more than a whole tube; the tests prove with FlowKit that both select
the same events. A gate drawn elsewhere is checked and evaluated by `gating.override`, with FlowKit.

Traps that FlowKit sets: detectors must be named as fluorochromes too, the matrix must be embedded (its reference `FCS`
ignores $COMP), and a gate may use one matrix only.
"""

from lxml import etree

from .gating import Axis, Gate, GateSet, Scale

GATING = "http://www.isac-net.org/std/Gating-ML/v2.0/gating"
DATATYPE = "http://www.isac-net.org/std/Gating-ML/v2.0/datatypes"
TRANSFORM = "http://www.isac-net.org/std/Gating-ML/v2.0/transformations"
MATRIX_ID = "compensation"


def g(name: str) -> str:
    """Name in the gating namespace."""
    return f"{{{GATING}}}{name}"


def dt(name: str) -> str:
    """Name in the data type namespace."""
    return f"{{{DATATYPE}}}{name}"


def tr(name: str) -> str:
    """Name in the transformations namespace."""
    return f"{{{TRANSFORM}}}{name}"


def write(arrays) -> str:
    """Write the document of a tube: the reviewer's where an override counts, else of its own gates.

    Parameters
    ----------
    arrays : tube.TubeArrays

    Returns
    -------
    str
        XML.
    """
    return write_automatic(arrays) if arrays.override_xml is None else arrays.override_xml


def write_automatic(arrays) -> str:
    """Write the document of a tube's own gates, also where a reviewer's count (see `write`)."""
    spill = arrays.spill
    return document(arrays.gates, *((spill.detectors, spill.matrix) if spill is not None else ((), None)))


def document(gates: GateSet, detectors: tuple[str, ...] = (), matrix=None) -> str:
    """Write the gates that count (not the reported ones) as one self-contained document.

    Parameters
    ----------
    gates : GateSet
    detectors : tuple of str
        $PnN of the matrix's rows and columns; empty for a tube without compensation.
    matrix : ndarray (d, d)
        Row i: how much of detector i's dye each detector sees.

    Returns
    -------
    str
        XML.
    """
    root = etree.Element(g("Gating-ML"), nsmap={"gating": GATING, "transforms": TRANSFORM, "data-type": DATATYPE})
    scales = list(dict.fromkeys(a.scale for gate in gates.gates for a in gate.axes if a.scale.kind != "linear"))
    names = {scale: f"asinh_{i + 1}" for i, scale in enumerate(scales)}
    for scale, name in names.items():
        holder = etree.SubElement(root, tr("transformation"), {tr("id"): name})
        etree.SubElement(holder, tr("fasinh"), {tr(k): repr(float(getattr(scale, k.lower()))) for k in "TMA"})
    if any(a.compensated for gate in gates.gates for a in gate.axes):
        root.append(matrix_element(detectors, matrix))
    for gate in gates.gates:
        root.append(_gate_element(gate, names))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(root, encoding="unicode", pretty_print=True)


def matrix_element(detectors: tuple[str, ...], matrix) -> etree._Element:
    """Write a spillover matrix as a spectrumMatrix."""
    element = etree.Element(tr("spectrumMatrix"), {tr("id"): MATRIX_ID})
    for kind in ("fluorochromes", "detectors"):
        holder = etree.SubElement(element, tr(kind))
        for name in detectors:
            etree.SubElement(holder, dt("fcs-dimension"), {dt("name"): name})
    for row in matrix:
        spectrum = etree.SubElement(element, tr("spectrum"))
        for value in row:
            etree.SubElement(spectrum, tr("coefficient"), {tr("value"): repr(float(value))})
    return element


def _gate_element(gate: Gate, names: dict[Scale, str]) -> etree._Element:
    polygon = gate.kind == "polygon"
    element = etree.Element(g("PolygonGate" if polygon else "RectangleGate"), {g("id"): gate.name})
    if gate.parent is not None:
        element.set(g("parent_id"), gate.parent)
    for i, axis in enumerate(gate.axes):
        dimension = etree.SubElement(element, g("dimension"))
        dimension.set(g("compensation-ref"), MATRIX_ID if axis.compensated else "uncompensated")
        if axis.scale.kind != "linear":
            dimension.set(g("transformation-ref"), names[axis.scale])
        if not polygon:
            for key, bound in zip(("min", "max"), gate.bounds[i], strict=True):
                if bound is not None:
                    dimension.set(g(key), repr(float(bound)))
        etree.SubElement(dimension, dt("fcs-dimension"), {dt("name"): axis.channel})
    for corner in gate.vertices:
        vertex = etree.SubElement(element, g("vertex"))
        for value in corner:
            etree.SubElement(vertex, g("coordinate"), {dt("value"): repr(float(value))})
    return element


def read(text: str | bytes) -> GateSet:
    """Read the polygons and rectangles on linear or asinh scales that `write` writes.

    Raises
    ------
    ValueError
        If the document holds anything else; `gating.override` evaluates those with FlowKit.
    """
    root = parse(text)
    scales = {}
    for holder in root.iter(tr("transformation")):
        child = holder[0]
        if child.tag != tr("fasinh"):
            raise ValueError("a transformation other than asinh")
        scales[holder.get(tr("id"))] = Scale("asinh", *(float(child.get(tr(k))) for k in "TMA"))
    gates = []
    for element in root:
        if element.tag in (tr("transformation"), tr("spectrumMatrix")):
            continue
        if element.tag not in (g("PolygonGate"), g("RectangleGate")):
            raise ValueError("a gate that is neither polygon nor rectangle")
        dimensions = element.findall(g("dimension"))
        axes = tuple(
            Axis(
                d.find(dt("fcs-dimension")).get(dt("name")),
                d.get(g("compensation-ref"), "uncompensated") != "uncompensated",
                scales.get(d.get(g("transformation-ref")), Scale()),
            )
            for d in dimensions
        )
        corners = tuple(
            tuple(float(c.get(dt("value"))) for c in v.findall(g("coordinate"))) for v in element.findall(g("vertex"))
        )
        bounds = tuple(
            tuple(None if d.get(g(k)) is None else float(d.get(g(k))) for k in ("min", "max")) for d in dimensions
        )
        kind = "polygon" if corners else "rectangle"
        gates.append(
            Gate(element.get(g("id")), element.get(g("parent_id")), kind, axes, corners, () if corners else bounds)
        )
    return GateSet(tuple(gates))


def parse(text: str | bytes) -> etree._Element:
    """Parse XML that may be hostile: no document type, no entities, no network, no oversized trees.

    Raises
    ------
    ValueError
        If it is not XML or declares a document type.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text.encode() if isinstance(text, str) else text, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("it is not well-formed XML") from error
    if root.getroottree().docinfo.doctype:
        raise ValueError("it declares a document type, which is refused")
    return root
