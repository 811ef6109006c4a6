"""`hladr check` knows from headers what a run would say of them."""

import numpy as np
import pytest
from fcs_builder import build
from study_support import write_study

from hladr.check import check

NAMES = ["FSC-A", "SSC-A", "PE-A", "PerCP-Cy5-5-A", "APC-A"]
MATRIX = {"$SPILLOVER": "2,PE-A,PerCP-Cy5-5-A,1,0.2,0.01,1"}
IDENTITY = {"$SPILLOVER": "2,PE-A,PerCP-Cy5-5-A,1,0,0,1"}


@pytest.mark.parametrize(
    ("lab", "tube", "found"),
    [
        ("from_file", MATRIX, False),
        ("from_file", {}, True),
        ("from_file", IDENTITY, True),
        ("none", {}, False),  # the laboratory compensates elsewhere, and says so
        ("m.csv", {}, False),
    ],
)
def test_a_tube_that_lost_the_matrix_of_its_beads(tmp_path, lab, tube, found):
    labs = ("labs.yaml", "  scatter:", f"  compensation: {lab}\n  scatter:")
    study = write_study(tmp_path, labs, m_dot_csv="PE-A,APC-A\n1,0.1\n0.02,1\n")
    (study / "fcs").mkdir()
    rows = np.full((9, 5), 1000.0, np.float32)
    (study / "fcs" / "s1.fcs").write_bytes(build(rows, NAMES, keywords=tube))
    (study / "fcs" / "b1.fcs").write_bytes(build(rows, NAMES, keywords=MATRIX))
    codes = [one.finding.code for one in check(study).specimens if one.name == "s1"]
    assert codes == ["compensation_missing"] * found


def test_an_isotype_tube_without_beads_has_no_value_either(tmp_path):
    study = write_study(tmp_path, ("samples.csv", "fcs/q1i.fcs,b2", "fcs/q1i.fcs,"))
    said = [str(one) for one in check(study).specimens if one.name == "q1i"]
    assert any("calibration_missing" in line for line in said)
