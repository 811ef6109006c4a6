"""A reviewer's gate drawn in and out: what the same person might have drawn a little tighter or wider."""

import copy
import math

import numpy as np
from lxml import etree

from ..gatingml import dt, g, tr

FAR = 1e10  # beyond the scale of any detector: a bound out there is none
NEAR_ZERO = 1e-3  # of the largest coordinate: where an axis without a scale is looked at as linear, above by ratios
UNIT = 0.1  # natural units on an axis with a scale: four or five decades from 0 to 1
OUTLINE = 72  # corners of an ellipse


def redrawn(element: etree._Element, root: etree._Element, factor: float) -> etree._Element | None:
    """Copy a gate, drawn in or out about its centre.

    Parameters
    ----------
    element : Element
        The gate, in GatingML 2.0.
    root : Element
        Its document, which tells the scales of its axes.
    factor : float
        Below 1 draws in, above 1 out.

    Returns
    -------
    Element or None
        None for a gate that has no centre: a combination of gates, a quadrant.

    Raises
    ------
    ValueError, TypeError, AttributeError
        Where a corner or a bound is not a finite number.

    Notes
    -----
    On an axis without a scale signals spread over decades: 15 % of the gate's width would move a lower edge at 2,500 of
    60,000 below zero, into all other cells. There an edge moves by a ratio, at most `factor`.
    """
    linear = [_is_linear(dimension, root) for dimension in element.findall(g("dimension"))]
    twin = copy.deepcopy(element)
    if twin.tag == g("EllipsoidGate"):
        if not any(linear) or len(linear) != 2:
            size = twin.find(g("distanceSquare"))
            size.set(dt("value"), repr(float(size.get(dt("value"))) * factor**2))
            return twin
        twin = _outlined(twin)
    if twin.tag == g("PolygonGate"):
        corners = [v.findall(g("coordinate")) for v in twin.findall(g("vertex"))]
        points = np.array([[float(c.get(dt("value"))) for c in pair] for pair in corners])
        if not np.isfinite(points).all():
            raise ValueError
        moved = np.column_stack([_moved(points[:, i], linear[i], factor) for i in range(2)])
        for pair, point in zip(corners, moved.tolist(), strict=True):
            for coordinate, value in zip(pair, point, strict=True):
                coordinate.set(dt("value"), repr(value))
        return twin
    if twin.tag == g("RectangleGate"):
        for dimension, straight in zip(twin.findall(g("dimension")), linear, strict=True):
            _move_bounds(dimension, straight, factor)
        return twin
    return None


def _is_linear(dimension: etree._Element, root: etree._Element) -> bool:
    scale = dimension.get(g("transformation-ref"))
    if scale is None:
        return True
    known = (t for t in root.iter(tr("transformation")) if t.get(tr("id")) == scale)
    return any(t.find(tr("flin")) is not None for t in known)


def _moved(values: np.ndarray, linear: bool, factor: float) -> np.ndarray:
    """Move coordinates (n,) of one axis from or to their centre."""
    if not linear:
        centre = values.mean()
        return centre + factor * (values - centre)
    cofactor = NEAR_ZERO * np.abs(values).max() or 1.0
    natural = np.arcsinh(values / cofactor)
    centre, half = natural.mean(), np.ptp(natural) / 2
    return cofactor * np.sinh(centre + (1 + (factor - 1) / max(half, 1.0)) * (natural - centre))


def _move_bounds(dimension: etree._Element, linear: bool, factor: float) -> None:
    """Move the bounds of a rectangle on one axis; one that is open stays so."""
    bounds = {side: float(dimension.get(g(side))) for side in ("min", "max") if dimension.get(g(side)) is not None}
    if any(math.isnan(value) for value in bounds.values()):
        raise ValueError
    closed = {side: value for side, value in bounds.items() if abs(value) < FAR}
    if len(closed) == 2:
        moved = _moved(np.array(list(closed.values())), linear, factor).tolist()
    else:
        outwards = {"min": -(factor - 1), "max": factor - 1}
        moved = [
            value * math.exp(math.copysign(1, value) * outwards[side]) if linear else value + UNIT * outwards[side]
            for side, value in closed.items()
        ]
    for side, value in zip(closed, moved, strict=True):
        dimension.set(g(side), repr(value))


def _outlined(ellipse: etree._Element) -> etree._Element:
    """Draw an ellipse of two axes as a polygon."""
    mean = np.array([float(c.get(dt("value"))) for c in ellipse.find(g("mean")).findall(g("coordinate"))])
    rows = ellipse.find(g("covarianceMatrix")).findall(g("row"))
    covariance = np.array([[float(e.get(dt("value"))) for e in row.findall(g("entry"))] for row in rows])
    radius = math.sqrt(float(ellipse.find(g("distanceSquare")).get(dt("value"))))
    angles = 2 * np.pi * np.arange(OUTLINE) / OUTLINE
    try:
        axes = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as problem:
        raise ValueError from problem
    points = mean + radius * np.column_stack([np.cos(angles), np.sin(angles)]) @ axes.T
    polygon = etree.Element(g("PolygonGate"), dict(ellipse.attrib))
    polygon.extend(ellipse.findall(g("dimension")))
    for point in points.tolist():
        vertex = etree.SubElement(polygon, g("vertex"))
        for value in point:
            etree.SubElement(vertex, g("coordinate")).set(dt("value"), repr(value))
    return polygon
