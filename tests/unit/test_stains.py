"""A detector that labs.yaml names for one marker and the file calls by another is for a person to look at."""

import numpy as np
import pytest
from fcs_builder import build
from gating_support import config, study_with, tube_of
from study_support import write_study
from test_panel import channels

from hladr.check import check
from hladr.panel import resolve
from hladr.stains import contradictions
from hladr.tube import read_tube

NAMED = {"HLA-DR": "PE-A", "CD14": "PerCP-A", "CD45": "APC-A"}
SWAPPED = {"HLA-DR": "PerCP-A", "CD14": "PE-A", "CD45": "APC-A"}


def said(pe, percp, apc, markers):
    file = channels("FSC-A", "SSC-A", f"PE-A: {pe}", f"PerCP-A: {percp}", f"APC-A: {apc}")
    found = contradictions(file, {"markers": markers}, resolve(file, {"markers": markers}))
    assert {(f.code, f.status) for f in found} <= {("stain_differs", "review")}
    return [f.sentence for f in found]


def test_two_markers_exchanged_in_labs_yaml():
    """Found by an outsider: AB/C of CD14, 32,600 instead of 9,500 to 17,000, and ok."""
    assert said("HLA-DR PE", "CD14 PerCP-Cy5-5", "CD45 APC", SWAPPED) == [
        "labs.yaml says that PerCP-A carries HLA-DR; the file calls it CD14",
        "labs.yaml says that PE-A carries CD14; the file calls it HLA-DR",
    ]


@pytest.mark.parametrize(
    ("pe", "percp", "apc", "marker"),
    [
        ("CD14 PE", "", "", "HLA-DR"),
        ("anti-HLA-DR PE", "CD45", "", "CD14"),
        ("", "", "Anti-Monocyte", "CD45"),
    ],
)
def test_one_stain_of_another_marker(pe, percp, apc, marker):
    (sentence,) = said(pe, percp, apc, NAMED)
    assert f"carries {marker};" in sentence


@pytest.mark.parametrize(
    ("pe", "percp", "apc"),
    [
        ("HLA-DR PE", "CD14 PerCP-Cy5-5", "CD45 APC"),
        ("", "", ""),
        ("PE", "PerCP-Cy5-5", "APC"),  # dyes
        ("IgG2a PE", "CD140a", "CD45RA"),  # an isotype, and markers that are none of the panel's
        ("Anti-HLA-DR/Anti-Monocyte", "Anti-HLA-DR/Anti-Monocyte", "CD45"),  # the reagent, on both of its detectors
        ("CD14/HLA-DR", "CD14", "CD45"),
        ("Muller CD3", "P", "Q"),
    ],
)
def test_stains_that_contradict_nothing(pe, percp, apc):
    assert said(pe, percp, apc, NAMED) == []


def test_what_labs_yaml_leaves_out_was_found_by_the_stain():
    assert said("HLA-DR", "CD14", "CD45", {}) == []


def test_names_count_where_the_file_has_no_stains():
    file = channels("FSC-A", "SSC-A", "HLADR PE-A", "CD14 PerCP-A", "CD45 APC-A")
    lab = {"markers": {"HLA-DR": "CD14 PerCP-A", "CD14": "HLADR PE-A", "CD45": "none"}}
    assert len(contradictions(file, lab, resolve(file, lab))) == 2


def test_no_header_text_but_the_marker():
    (sentence,) = said("CD14 Jane Roe 1961", "", "", NAMED)
    assert sentence == "labs.yaml says that PE-A carries HLA-DR; the file calls it CD14"


def test_a_tube_keeps_its_value_and_the_flag_under_a_reviewers_gate_too(tmp_path):
    tube = tube_of("canto", n_events=8000, monocyte_fraction=0.2)
    row, lab = study_with(tube, tmp_path)
    markers = lab["markers"] | {"HLA-DR": lab["markers"]["CD14"], "CD14": lab["markers"]["HLA-DR"]}
    reading, _ = read_tube(tmp_path, row, {**lab, "markers": markers}, config())
    assert [f.code for f in reading.findings if f.status == "review"][:2] == ["stain_differs", "stain_differs"]
    (tmp_path / "o.xml").write_text(
        '<gating:Gating-ML xmlns:gating="http://www.isac-net.org/std/Gating-ML/v2.0/gating" '
        'xmlns:data-type="http://www.isac-net.org/std/Gating-ML/v2.0/datatypes">'
        '<gating:RectangleGate gating:id="monocytes"><gating:dimension gating:compensation-ref="FCS" gating:min="1500">'
        '<data-type:fcs-dimension data-type:name="PerCP-Cy5-5-A"/></gating:dimension></gating:RectangleGate>'
        "</gating:Gating-ML>"
    )
    reading, _ = read_tube(tmp_path, {**row, "override": "o.xml"}, {**lab, "markers": markers}, config())
    assert reading.gate_source == "override"
    assert [f.code for f in reading.findings].count("stain_differs") == 2
    assert reading.pe_channel["detector"] == markers["HLA-DR"]


def test_check_tells_it_of_tubes_and_not_of_beads(tmp_path):
    study = write_study(tmp_path)
    (study / "fcs").mkdir()
    names = ["FSC-A", "SSC-A", "PE-A", "PerCP-Cy5-5-A", "APC-A"]
    content = build(np.full((9, 5), 1000.0, np.float32), names, stains={"PE-A": "CD14", "APC-A": "CD45"})
    for name in ("s1", "b1"):
        (study / "fcs" / f"{name}.fcs").write_bytes(content)
    found = [one for one in check(study).specimens if one.finding.code == "stain_differs"]
    assert [(one.kind, one.name) for one in found] == [("tube", "s1")]
    assert found[0].finding.sentence == "labs.yaml says that PE-A carries HLA-DR; the file calls it CD14"
