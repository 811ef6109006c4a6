"""The demo, shared: every file of every cytometer reads the same after `hladr scrub`, and carries no planted person."""

import dataclasses

import numpy as np

from hladr import fcs
from hladr.cytometers import veiled
from hladr.scrub import scrub_study
from hladr.simulate.fcs_write import IDENTIFYING
from hladr.study import load_study


def reading(folder, name):
    """Return what is read of a file, comparable: without stains that name nobody's marker, and notes of offsets."""
    try:
        read = fcs.read_acquisition(folder / name)
    except fcs.SpecimenError as problem:
        return problem.code
    channels = [dataclasses.replace(c, stain="") for c in read.channels]
    spill = None if read.spill is None else (read.spill.detectors, read.spill.matrix.tolist())
    codes = [f.code for f in read.findings]
    about = read.settings
    settings = dataclasses.replace(about, cytometer=veiled(about.cytometer), serial=veiled(about.serial))
    return read.events.tobytes(), np.shape(read.events), channels, settings, spill, codes, read.flowkit_preprocess


def test_the_demo_reads_the_same(finished_demo, tmp_path):
    out = tmp_path / "out"
    scrub_study(finished_demo, out)
    one, two = load_study(finished_demo), load_study(out)
    pairs = [*zip(one.tubes, two.tubes, strict=True), *zip(one.bead_runs, two.bead_runs, strict=True)]
    assert len(pairs) > 50
    for before, after in pairs:
        if before.fcs is None:
            assert after.fcs is None
            continue
        assert reading(finished_demo, before.fcs) == reading(out, after.fcs), after.fcs
    words = {word for text in IDENTIFYING.values() for word in text.replace("^", " ").split() if len(word) > 4}
    for path in (out / "fcs").iterdir():
        content = path.read_bytes()
        assert not [word for word in words if word.encode() in content], path.name
