"""Gates do not depend on the order of the events, on HLA-DR, or on the cytometer's units."""

from dataclasses import replace

import numpy as np
import pytest
from gating_support import columns_of, config, rearranged, study_with, tube_of
from hypothesis import given, settings
from hypothesis import strategies as st

from hladr import fcs, panel
from hladr.fcs import compensation
from hladr.gating.learn import learn

SETTINGS = config()["gating"]


@pytest.fixture(scope="module")
def tube(tmp_path_factory):
    folder = tmp_path_factory.mktemp("order")
    row, lab = study_with(tube_of("canto"), folder)
    columns, _, _ = columns_of(folder, row, lab)
    return folder, row, lab, columns, learn(columns, SETTINGS)


@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_order_of_events_gives_the_same_gates(tube, seed):
    *_, columns, learned = tube
    order = np.random.default_rng(seed).permutation(len(columns.side.values))
    assert learn(rearranged(columns, order), SETTINGS) == learned


def test_large_files_are_sampled_in_a_way_that_no_order_changes(tube, monkeypatch):
    *_, columns, _ = tube
    monkeypatch.setattr("hladr.gating.learn.MOST", 5000)
    order = np.random.default_rng(1).permutation(len(columns.side.values))
    assert learn(rearranged(columns, order), SETTINGS) == learn(columns, SETTINGS)


def test_permuting_compensated_hladr_changes_no_gate(tube):
    folder, row, lab, _, learned = tube
    acquisition = fcs.read_acquisition(folder / row["fcs"])
    found = panel.resolve(acquisition.channels, lab)
    spill, _ = compensation.choose(acquisition, lab, folder)
    names = [c.name for c in acquisition.channels]
    columns = [names.index(d) for d in spill.detectors]
    pure = compensation.apply(acquisition.events, acquisition.channels, spill)
    pure[:, found.hladr] = np.random.default_rng(3).permutation(pure[:, found.hladr])
    measured = pure.copy()
    measured[:, columns] = pure[:, columns] @ spill.matrix
    again = compensation.apply(measured, acquisition.channels, spill)
    _, _, _, before, _ = tube
    changed = {
        name: replace(getattr(before, name), values=again[:, names.index(getattr(before, name).channel)])
        for name in ("forward", "side", "cd14", "cd45", "forward_height")
    }
    gates = learn(replace(before, **changed), SETTINGS).gates.gates
    for ours, theirs in zip(gates, learned.gates.gates, strict=True):
        assert ours.name == theirs.name
        # compensating a second time moves the last digits of CD14 and CD45
        assert np.allclose(np.array(ours.vertices), np.array(theirs.vertices), rtol=1e-3, atol=1e-4)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(factor=st.sampled_from([0.001, 0.03, 1000.0]))
def test_units_do_not_matter(tube, factor):
    *_, columns, learned = tube
    scaled = {}
    for name in ("forward", "side", "cd14", "cd45", "forward_height"):
        signal = getattr(columns, name)
        scaled[name] = replace(signal, values=signal.values * factor, top=signal.top * factor)
    other = learn(replace(columns, **scaled), SETTINGS)
    for ours, theirs in zip(other.gates.gates, learned.gates.gates, strict=True):
        if theirs.axes[0].scale.kind == "asinh" and theirs.kind == "polygon":
            assert np.allclose(np.array(ours.vertices), np.array(theirs.vertices), atol=2e-3)
