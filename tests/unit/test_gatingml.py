"""GatingML: FlowKit applies what we write to the original file and selects exactly the same events."""

import io

import flowkit
import numpy as np
import pytest
from gating_support import config, study_with, tube_of

from hladr import gatingml
from hladr.gating import Axis, Gate, GateSet, Scale, asinh_scale
from hladr.simulate import CYTOMETERS
from hladr.tube import read_tube

# FlowKit reads no 24-bit integers (cytek)
READABLE = sorted(set(CYTOMETERS) - {"cytek"})


def flowkit_sample(path, tube):
    if tube.cytometer.two_data_sets:
        return flowkit.read_multi_dataset_fcs(str(path))[1]
    return flowkit.Sample(str(path))


@pytest.mark.parametrize("cd45", [True, False], ids=["with CD45", "without CD45"])
@pytest.mark.parametrize("model", READABLE)
def test_flowkit_selects_the_same_events_on_every_cytometer(model, cd45, tmp_path):
    tube = tube_of(model, n_events=6000, monocyte_fraction=0.08, cd45=cd45)
    row, lab = study_with(tube, tmp_path)
    reading, arrays = read_tube(tmp_path, row, lab, config())
    strategy = flowkit.parse_gating_xml(io.BytesIO(gatingml.write(arrays).encode()))
    results = strategy.gate_sample(flowkit_sample(tmp_path / "tube.fcs", tube))
    for gate in arrays.gates.gates:
        theirs = results.get_gate_membership(gate.name)
        assert np.array_equal(theirs, arrays.masks[gate.name]), gate.name
    assert results.get_gate_membership("monocytes").sum() == reading.n_monocytes > 300


def test_a_tube_without_compensation_is_written_without_a_matrix(tmp_path):
    tube = tube_of("canto", n_events=6000, monocyte_fraction=0.08)
    row, lab = study_with(tube, tmp_path)
    _, arrays = read_tube(tmp_path, row, {**lab, "compensation": "none"}, config())
    text = gatingml.write(arrays)
    assert "spectrumMatrix" not in text
    results = flowkit.parse_gating_xml(io.BytesIO(text.encode())).gate_sample(
        flowkit.Sample(str(tmp_path / "tube.fcs"))
    )
    assert np.array_equal(results.get_gate_membership("monocytes"), arrays.masks["monocytes"])


def test_float_files_that_still_say_log_are_gated_as_flowkit_sees_them_without_preprocessing(tmp_path):
    tube = tube_of("canto", n_events=6000, monocyte_fraction=0.08)
    from hladr.simulate.fcs_write import write_fcs

    row, lab = study_with(tube, tmp_path)
    write_fcs(tmp_path / "tube.fcs", tube, keywords={"$P5E": "4,0"})
    _, arrays = read_tube(tmp_path, row, lab, config())
    sample = flowkit.Sample(str(tmp_path / "tube.fcs"), preprocess=False)
    results = flowkit.parse_gating_xml(io.BytesIO(gatingml.write(arrays).encode())).gate_sample(sample)
    assert np.array_equal(results.get_gate_membership("monocytes"), arrays.masks["monocytes"])


def test_what_is_written_reads_back():
    scale = asinh_scale(262143.0, 150.0)
    axes = (Axis("PerCP-Cy5-5-A", True, scale), Axis("SSC-A", False, Scale()))
    limits = Gate("limits", None, "rectangle", (Axis("SSC-A", False, Scale()),), bounds=((None, 262143.0),))
    polygon = Gate("monocytes", "limits", "polygon", axes, vertices=((0.5, 1e4), (0.9, 1e4), (0.7, 5.5e4)))
    gates = GateSet((limits, polygon))
    text = gatingml.document(gates, ("PerCP-Cy5-5-A",), np.array([[1.0]]))
    assert gatingml.read(text) == gates


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"<not closed", "not well-formed"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a/>', "document type"),
        (b"", "not well-formed"),
    ],
)
def test_hostile_or_broken_xml_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        gatingml.parse(text)


def test_an_external_entity_is_not_read(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    text = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'.encode()
    with pytest.raises(ValueError, match="document type"):
        gatingml.parse(text)
