"""Values that no detector reports, planted in a simulated tube: they cost their events, never the tube or the run."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
import yaml
from conftest import ROOT

from hladr.simulate import CYTOMETERS, Blood, simulate_tube
from hladr.simulate.fcs_write import write_fcs
from hladr.tube import read_tube

CONFIG = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
SIMULATED = simulate_tube(Blood(n_events=6000, monocyte_fraction=0.25), CYTOMETERS["canto"], np.random.default_rng(5))


def read(folder, change, compensation="from_file"):
    events = SIMULATED.events.copy()
    change(events)
    write_fcs(folder / "t.fcs", replace(SIMULATED, events=events), datetime(2026, 3, 3, 10))
    row = {"sample_id": "t", "fcs": "t.fcs", "override": None}
    with np.errstate(all="ignore"):
        return read_tube(folder, row, {"compensation": compensation}, CONFIG)[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -3e38])
@pytest.mark.parametrize("channel", ["FSC-A", "SSC-A", "PE-A", "Time"])
@pytest.mark.parametrize("compensation", ["from_file", "none"])
def test_half_a_percent_of_impossible_values_is_a_review_and_moves_nothing(tmp_path, value, channel, compensation):
    column = SIMULATED.cytometer.index(channel)

    def spoil(events):
        events[700:730, column] = value

    reading = read(tmp_path, spoil, compensation)
    assert [(f.code, f.status) for f in reading.findings] == [("corrupt_events", "review")]
    assert "Infinity" not in reading.to_json()
    sound = read(tmp_path, lambda events: None, compensation)
    for statistic in ("median", "geometric_mean"):
        assert reading.pe[statistic]["main"] == pytest.approx(sound.pe[statistic]["main"], rel=0.02)


def test_a_hole_of_zeros_is_not_a_drift_too(tmp_path):
    def spoil(events):
        events[1000:1040] = 0

    assert [f.code for f in read(tmp_path, spoil).findings] == ["corrupt_events"]


def test_the_detectors_limit_is_seen_before_compensation(tmp_path):
    pe = SIMULATED.cytometer.index("PE-A")
    monocytes = SIMULATED.events[:, pe]
    limit = np.median(monocytes[monocytes > 3000])

    def cut(events):
        events[:, pe] = np.minimum(events[:, pe], limit)

    reading = read(tmp_path, cut)
    assert [f.code for f in reading.findings] == ["saturated"]
    assert 0.3 < reading.shares["saturated"] < 0.8
