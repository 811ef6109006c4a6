"""Simulated tubes as files, and what gating sees of them, for the tests of gates, GatingML and tubes."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from hladr import fcs, panel
from hladr.fcs import compensation
from hladr.gating.learn import Columns, Signal
from hladr.paths import pipeline_root
from hladr.simulate import CYTOMETERS, Blood, SimulatedTube, simulate_tube
from hladr.simulate.fcs_write import write_fcs

REAL = Path(os.environ.get("HLADR_REAL_DATA") or Path(__file__).resolve().parents[1].parent / "shared" / "data")


@cache
def config() -> dict:
    return yaml.safe_load((pipeline_root() / "config" / "config.yaml").read_text(encoding="utf-8"))


_TUBES: dict[str, SimulatedTube] = {}


def tube_of(model: str, **blood) -> SimulatedTube:
    """A tube whose gating is not hard: 6 % monocytes, 15,000 events unless told otherwise."""
    chosen = {"n_events": 15_000, "monocyte_fraction": 0.06, "abc": 9000.0, **blood}
    key = f"{model} {sorted(chosen.items())}"
    if key not in _TUBES:
        _TUBES[key] = simulate_tube(Blood(**chosen), CYTOMETERS[model], np.random.default_rng(11))
    return _TUBES[key]


def lab_of(tube: SimulatedTube, folder: Path) -> dict:
    """The entry of labs.yaml for a simulated cytometer; a separate matrix is written into the folder."""
    cytometer = tube.cytometer
    channels = {marker: cytometer.channel_of(marker) for marker in ("HLA-DR", "CD14", "CD45")}
    lab = {"markers": {marker: channel.name if channel else "none" for marker, channel in channels.items()}}
    if cytometer.compensation == "hardware":
        lab["compensation"] = "none"
    if cytometer.compensation == "separate":
        rows = [cytometer.spill_names(), *cytometer.stated_spillover]
        (folder / "matrix.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
        lab["compensation"] = "matrix.csv"
    return lab


def study_with(tube: SimulatedTube, folder: Path, name: str = "tube.fcs") -> tuple[dict, dict]:
    """Write the tube; return its row and its lab."""
    folder.mkdir(parents=True, exist_ok=True)
    write_fcs(folder / name, tube)
    return {"sample_id": "S1", "fcs": name, "override": None}, lab_of(tube, folder)


def columns_of(folder: Path, row: dict, lab: dict) -> tuple[Columns, np.ndarray, dict[str, np.ndarray]]:
    """What gating sees of a file, compensated PE beside it, and the values by $PnN."""
    acquisition = fcs.read_acquisition(folder / row["fcs"])
    found = panel.resolve(acquisition.channels, lab)
    spill, _ = compensation.choose(acquisition, lab, folder)
    values = compensation.apply(acquisition.events, acquisition.channels, spill)
    known = set(spill.detectors) if spill is not None else set()

    def signal(index):
        if index is None:
            return None
        channel = acquisition.channels[index]
        top = 10.0**channel.decades if channel.decades else channel.range - 1
        return Signal(values[:, index], channel.name, channel.name in known, top)

    markers = [found.forward, found.side, found.cd14, found.cd45, found.forward_height]
    columns = Columns(*(signal(index) for index in markers))
    return columns, values[:, found.hladr], {c.name: values[:, i] for i, c in enumerate(acquisition.channels)}


def rearranged(columns: Columns, order: np.ndarray) -> Columns:
    """The same events in another order."""
    changes = {}
    for name in ("forward", "side", "cd14", "cd45", "forward_height"):
        signal = getattr(columns, name)
        if signal is not None:
            changes[name] = replace(signal, values=signal.values[order])
    return replace(columns, **changes)


def f1(mask: np.ndarray, truth: np.ndarray) -> float:
    return 2 * (mask & truth).sum() / (mask.sum() + truth.sum())
