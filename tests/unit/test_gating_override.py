"""A reviewer's gate: whatever kind of gate it is, it counts as FlowKit evaluates it, or it fails with a reason."""

import math

import flowkit
import numpy as np
import pytest
from flowkit import gates as fk_gates
from gating_support import config, study_with, tube_of

from hladr import gatingml
from hladr.flags import status_of
from hladr.gating import GateSet
from hladr.gating.redraw import redrawn
from hladr.tube import TubeReading, read_tube

HEAD = (
    '<gating:Gating-ML xmlns:gating="http://www.isac-net.org/std/Gating-ML/v2.0/gating" '
    'xmlns:transforms="http://www.isac-net.org/std/Gating-ML/v2.0/transformations" '
    'xmlns:data-type="http://www.isac-net.org/std/Gating-ML/v2.0/datatypes">'
)
CD14, CD45, SIDE, PE = "PerCP-Cy5-5-A", "APC-A", "SSC-A", "PE-A"


def rectangle(name="monocytes", channel=CD14, low=1500, high=None, reference="FCS", parent=None):
    high = f' gating:max="{high}"' if high is not None else ""
    parent = f' gating:parent_id="{parent}"' if parent else ""
    return (
        f'<gating:RectangleGate gating:id="{name}"{parent}><gating:dimension gating:compensation-ref="{reference}" '
        f'gating:min="{low}"{high}><data-type:fcs-dimension data-type:name="{channel}"/></gating:dimension>'
        "</gating:RectangleGate>"
    )


def _corner(x, y):
    values = "".join(f'<gating:coordinate data-type:value="{value}"/>' for value in (x, y))
    return f"<gating:vertex>{values}</gating:vertex>"


_DIMENSIONS = "".join(
    f'<gating:dimension gating:compensation-ref="uncompensated"><data-type:fcs-dimension data-type:name="{name}"/>'
    "</gating:dimension>"
    for name in ("FSC-A", "SSC-A")
)
POLYGON = (
    f'<gating:PolygonGate gating:id="monocytes">{_DIMENSIONS}'
    f"{_corner(9000, 9000)}{_corner(250000, 9000)}{_corner(250000, 250000)}{_corner(9000, 250000)}</gating:PolygonGate>"
)


def document(*gates):
    return HEAD + "".join(gates) + "</gating:Gating-ML>"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("override")
    tube = tube_of("canto", n_events=8000, monocyte_fraction=0.08)
    row, lab = study_with(tube, folder)
    return folder, tube, row, lab


def reviewed(study, text):
    folder, _, row, lab = study
    (folder / "o.xml").write_text(text)
    return read_tube(folder, {**row, "override": "o.xml"}, lab, config())


def test_a_gate_of_another_program_counts_and_the_automatic_one_is_kept_beside(study):
    folder, tube, row, lab = study
    automatic, before = read_tube(folder, row, lab, config())
    reading, arrays = reviewed(study, document(rectangle()))
    cytometer = tube.cytometer
    by_hand = tube.compensated[:, cytometer.index(CD14)] >= 1500
    assert reading.gate_source == "override"
    assert reading.n_monocytes == by_hand.sum()
    assert np.array_equal(arrays.masks["monocytes"], by_hand)
    pe = tube.compensated[:, cytometer.index(PE)]
    assert reading.pe["median"]["main"] == pytest.approx(np.median(pe[by_hand]), rel=1e-9)
    assert reading.automatic["n_monocytes"] == automatic.n_monocytes
    assert reading.automatic["pe"] == automatic.pe
    kept = GateSet.from_json(TubeReading.from_json(reading.to_json()).automatic["gates"])
    assert kept == before.gates


def test_the_published_gate_holds_its_matrix_and_flowkit_counts_the_same(study):
    folder, *_ = study
    reading, arrays = reviewed(study, document(rectangle()))
    text = gatingml.write(arrays)
    assert "spectrumMatrix" in text
    assert 'compensation-ref="FCS"' not in text
    (folder / "published.xml").write_text(text)
    results = flowkit.parse_gating_xml(str(folder / "published.xml")).gate_sample(
        flowkit.Sample(str(folder / "tube.fcs"))
    )
    assert results.get_gate_count("monocytes") == reading.n_monocytes


def test_gates_of_every_kind_and_scale_are_evaluated(study):
    """Logicle, hyperlog and linear scales; a rectangle, a polygon, an ellipse and a boolean gate."""
    folder, *_ = study
    strategy = flowkit.GatingStrategy()
    strategy.add_transform("logicle", flowkit.transforms.LogicleTransform(262144.0, 0.5, 4.5, 0.0))
    strategy.add_transform("hyper", flowkit.transforms.HyperlogTransform(262144.0, 0.5, 4.5, 0.0))
    strategy.add_transform("linear", flowkit.transforms.LinearTransform(262144.0, 0.0))
    dimension = flowkit.Dimension
    bright = dimension(CD14, "uncompensated", "logicle", range_min=0.45)
    strategy.add_gate(fk_gates.RectangleGate("bright", [bright]), ("root",))
    corners = [(0.0, 0.3), (0.3, 0.3), (0.3, 1.0), (0.0, 1.0)]
    plane = [dimension(SIDE, "uncompensated", "linear"), dimension(CD45, "uncompensated", "hyper")]
    strategy.add_gate(fk_gates.PolygonGate("low", plane, corners), ("root",))
    round_ = [dimension(CD14, "uncompensated", "logicle"), dimension(CD45, "uncompensated", "logicle")]
    strategy.add_gate(fk_gates.EllipsoidGate("round", round_, [0.65, 0.6], [[0.02, 0.0], [0.0, 0.02]], 3.0), ("root",))
    references = [
        {"ref": "round", "path": ("root",), "complement": False},
        {"ref": "bright", "path": ("root",), "complement": False},
        {"ref": "low", "path": ("root",), "complement": False},
    ]
    strategy.add_gate(fk_gates.BooleanGate("monocytes", "and", references), ("root",))
    path = folder / "many.xml"
    with open(path, "wb") as handle:
        flowkit.export_gatingml(strategy, handle)
    truth = strategy.gate_sample(flowkit.Sample(str(folder / "tube.fcs"))).get_gate_membership("monocytes")
    reading, arrays = reviewed(study, path.read_text())
    assert truth.sum() > 100
    assert np.array_equal(arrays.masks["monocytes"], truth)
    assert status_of(reading.findings) != "failed"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no xml", "not well-formed"),
        ("<a/>", "not a GatingML"),
        (document(rectangle("mono")), "no gate named monocytes (it has mono)"),
        (document(rectangle("a"), rectangle("mono", parent="a")), "(it has mono, a)"),  # not what it hangs on
        (document(rectangle(channel="FL9-A")), "channel FL9-A, which the file does not have"),
        (document(rectangle(parent="nowhere")), "refers to something that is not there"),
        (document(rectangle(), rectangle()), "2 gates named monocytes"),
        (document(rectangle(reference="other")), "refers to something that is not there"),
        ('<!DOCTYPE a [<!ENTITY x "y">]>' + document(rectangle()), "document type"),
        (document(POLYGON.replace('"9000"', '"nine"', 1)), "not a number"),
        (document(POLYGON.replace("data-type:value", "data-type:v", 1)), "not a number"),
        (document(POLYGON.replace('"9000"', '"inf"', 1)), "not a number"),
    ],
    ids=[
        *(
            "text",
            "other xml",
            "other name",
            "other name of a child",
            "other channel",
            "no parent",
            "twice",
            "no matrix",
            "entities",
        ),
        *("word for a number", "bare corner", "infinite corner"),
    ],
)
def test_a_gate_that_cannot_count_fails_and_nothing_falls_back(study, text, words):
    reading, arrays = reviewed(study, text)
    assert [f.code for f in reading.findings if f.status == "failed"] == ["override_unusable"]
    assert words in next(f.sentence for f in reading.findings if f.status == "failed")
    assert reading.gate_source == "override"
    assert reading.n_monocytes is None
    assert reading.pe == {}
    assert reading.automatic["n_monocytes"] > 300
    assert arrays is None


def test_a_rectangle_may_be_open_by_an_infinite_bound(study):
    open_, _ = reviewed(study, document(rectangle(low=3_000)))
    for high in ("INF", "1.7976931348623157e308", "1e12"):
        infinite, _ = reviewed(study, document(rectangle(low=3_000, high=high)))
        assert infinite.n_monocytes == open_.n_monocytes > 300
        assert infinite.pe == open_.pe


def test_a_missing_file_fails(study):
    folder, _, row, lab = study
    reading, _ = read_tube(folder, {**row, "override": "absent.xml"}, lab, config())
    assert [f.code for f in reading.findings] == ["override_unusable"]


def test_a_gate_on_hladr_is_questioned(study):
    reading, _ = reviewed(study, document(rectangle("parent", PE, -1e6), rectangle(parent="parent")))
    assert "uses the HLA-DR channel" in next(f.sentence for f in reading.findings if f.code == "override_unusual")


def test_a_channel_may_be_named_by_its_stain(study):
    by_name, _ = reviewed(study, document(rectangle()))
    by_stain, _ = reviewed(study, document(rectangle(channel="CD14 PerCP-Cy5-5")))
    assert by_stain.n_monocytes == by_name.n_monocytes
    hladr, _ = reviewed(study, document(rectangle("parent", "HLA-DR PE", -1e6), rectangle(parent="parent")))
    assert "override_unusual" in [f.code for f in hladr.findings]


def test_channels_are_told_through_the_matrix_of_another_program(study):
    """FlowJo gates on dyes that its own matrix names, such as Comp-PE-A."""
    matrix = (
        '<transforms:spectrumMatrix transforms:id="own"><transforms:fluorochromes>'
        + "".join(f'<data-type:fcs-dimension data-type:name="Comp-{name}"/>' for name in (PE, CD14))
        + "</transforms:fluorochromes><transforms:detectors>"
        + "".join(f'<data-type:fcs-dimension data-type:name="{name}"/>' for name in (PE, CD14))
        + "</transforms:detectors>"
        + "".join(
            f'<transforms:spectrum><transforms:coefficient transforms:value="{a}"/>'
            f'<transforms:coefficient transforms:value="{b}"/></transforms:spectrum>'
            for a, b in ((1, 0.01), (0.01, 1))
        )
        + "</transforms:spectrumMatrix>"
    )
    on_cd14 = rectangle(channel=f"Comp-{CD14}", low=5_000, reference="own")
    reading, _ = reviewed(study, document(matrix, on_cd14))
    assert [f.sentence for f in reading.findings if f.code == "override_unusual"] == []
    on_hladr = rectangle("parent", f"Comp-{PE}", -1e6, reference="own")
    reading, _ = reviewed(study, document(matrix, on_hladr, rectangle(low=3_000, parent="parent")))
    assert "uses the HLA-DR channel" in next(f.sentence for f in reading.findings if f.code == "override_unusual")


def test_a_gate_that_selects_nearly_everything_is_questioned(study):
    reading, _ = reviewed(study, document(rectangle(low=-1e6)))
    assert "60 % of the leukocytes" in next(f.sentence for f in reading.findings if f.code == "override_unusual")


def test_a_gate_without_cd14_is_questioned(study):
    reading, _ = reviewed(study, document(rectangle(channel="SSC-A", low=20_000)))
    assert "does not look at CD14" in next(f.sentence for f in reading.findings if f.code == "override_unusual")


def test_a_gate_on_cd14_below_which_another_gate_lies_looks_at_cd14(study):
    xml = document(rectangle("parent", low=3_000), rectangle(channel="SSC-A", low=0, parent="parent"))
    reading, _ = reviewed(study, xml)
    assert [f.code for f in reading.findings if f.code == "override_unusual"] == []


def test_a_gate_with_many_times_the_automatic_events_is_questioned(study):
    folder, _, row, lab = study
    automatic, _ = read_tube(folder, {**row, "override": None}, lab, config())
    reading, _ = reviewed(study, document(rectangle(low=1_500)))
    assert 4 * automatic.n_monocytes < reading.n_monocytes < 0.6 * reading.n_leukocytes
    sentence = next(f.sentence for f in reading.findings if f.code == "override_unusual")
    assert f"the automatic gate {automatic.n_monocytes}" in sentence


def test_a_gate_that_selects_nothing_fails(study):
    reading, _ = reviewed(study, document(rectangle(low=1e9)))
    assert "no_monocytes" in [f.code for f in reading.findings if f.status == "failed"]


def test_an_override_counts_where_the_automatic_gate_finds_nothing(tmp_path):
    tube = tube_of("canto", n_events=8000, monocyte_fraction=1e-9)
    row, lab = study_with(tube, tmp_path)
    (tmp_path / "o.xml").write_text(document(rectangle(low=20, high=60)))
    reading, arrays = read_tube(tmp_path, {**row, "override": "o.xml"}, lab, config())
    cd14 = tube.compensated[:, tube.cytometer.index(CD14)]
    assert reading.n_monocytes == ((cd14 >= 20) & (cd14 < 60)).sum()
    assert gatingml.write(arrays).count("RectangleGate") == 2


def test_a_gate_without_events_is_not_said_to_be_a_tube_without_monocytes(study):
    reading, _ = reviewed(study, document(rectangle(low=1e6)))
    assert [f.sentence for f in reading.findings] == ["0 monocytes lie in the reviewer's gate, at least 100 are needed"]


def _bounds(text, factor):
    """Bounds of a gate of one rectangle, drawn in or out."""
    root = gatingml.parse(text.encode())
    moved = redrawn(root[-1], root, factor)
    return [[float(v) for k, v in d.attrib.items() if k.endswith(("min", "max"))] for d in moved if len(d.attrib)]


def test_bounds_without_a_scale_move_by_a_ratio():
    """15 % of the width of 2,500 to 60,000 would be 8,600: a lower bound below zero, into all the other cells."""
    [[low, high]] = _bounds(document(rectangle(low=2500, high=60_000)), 1.15)
    # asinh is the logarithm up there: both ends move by 0.15 of it
    assert (low, high) == pytest.approx((2500 * math.exp(-0.15), 60_000 * math.exp(0.15)), rel=2e-3)
    [[low, high]] = _bounds(document(rectangle(low=2500, high=60_000)), 0.85)
    assert (low, high) == pytest.approx((2500 * math.exp(0.15), 60_000 * math.exp(-0.15)), rel=2e-3)
    # half of ln 4 is 0.69, less than one unit: the whole moves by 15 % of that
    [[low, high]] = _bounds(document(rectangle(low=10_000, high=40_000)), 1.15)
    assert (low, high) == pytest.approx((20_000 * 2**-1.15, 20_000 * 2**1.15), rel=1e-3)
    [[low]] = _bounds(document(rectangle(low=2500)), 1.15)
    assert low == pytest.approx(2500 * math.exp(-0.15))


@pytest.mark.parametrize("shape", ["rectangle", "polygon", "ellipse", "open"])
def test_a_gate_drawn_on_linear_axes_has_a_slightly_tighter_and_wider_one(study, shape):
    names = ((CD14, "FCS"), (SIDE, "uncompensated"))
    plain = "".join(
        f'<gating:dimension gating:compensation-ref="{ref}"><data-type:fcs-dimension data-type:name="{name}"/>'
        "</gating:dimension>"
        for name, ref in names
    )
    box = ((3000, 200_000), (15_000, 150_000))
    (x0, x1), (y0, y1) = box
    if shape in ("rectangle", "open"):
        sides = ("min", "max") if shape == "rectangle" else ("min",)
        bounded = "".join(
            f'<gating:dimension gating:compensation-ref="{ref}" '
            + " ".join(f'gating:{side}="{value}"' for side, value in zip(sides, ends, strict=False))
            + f'><data-type:fcs-dimension data-type:name="{name}"/></gating:dimension>'
            for (name, ref), ends in zip(names, box, strict=True)
        )
        gate = f'<gating:RectangleGate gating:id="monocytes">{bounded}</gating:RectangleGate>'
    elif shape == "polygon":
        corners = "".join(_corner(x, y) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1)))
        gate = f'<gating:PolygonGate gating:id="monocytes">{plain}{corners}</gating:PolygonGate>'
    else:
        rows = "".join(
            f'<gating:row><gating:entry data-type:value="{a}"/><gating:entry data-type:value="{b}"/></gating:row>'
            for a, b in (((x1 - x0) ** 2 / 4, 0), (0, (y1 - y0) ** 2 / 4))
        )
        middle = "".join(f'<gating:coordinate data-type:value="{sum(ends) / 2}"/>' for ends in box)
        gate = (
            f'<gating:EllipsoidGate gating:id="monocytes">{plain}<gating:mean>{middle}</gating:mean>'
            f'<gating:covarianceMatrix>{rows}</gating:covarianceMatrix><gating:distanceSquare data-type:value="1"/>'
            "</gating:EllipsoidGate>"
        )
    reading, arrays = reviewed(study, document(gate))
    tight, main, wide = (arrays.masks[f"monocytes{suffix}"] for suffix in ("_tight", "", "_wide"))
    assert (tight & ~main).sum() == (main & ~wide).sum() == 0
    assert 0.8 * main.sum() < tight.sum() <= main.sum() <= wide.sum() < 1.25 * main.sum()
    pe = reading.pe["median"]
    assert pe["tight"] == pytest.approx(pe["main"], rel=0.1)
    assert pe["wide"] == pytest.approx(pe["main"], rel=0.1)


def test_a_combination_of_gates_is_its_own_tight_and_wide_one(study):
    either = (
        '<gating:BooleanGate gating:id="monocytes"><gating:and><gating:gateReference gating:ref="a"/>'
        '<gating:gateReference gating:ref="b"/></gating:and></gating:BooleanGate>'
    )
    reading, _ = reviewed(
        study, document(rectangle("a", low=1500), rectangle("b", SIDE, 15_000, reference="uncompensated"), either)
    )
    pe = reading.pe["median"]
    assert pe["tight"] == pe["main"] == pe["wide"]
    assert reading.automatic["pe"]["median"]["wide"] != pe["wide"]
