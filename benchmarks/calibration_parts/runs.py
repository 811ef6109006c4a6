"""Bead runs with known truth: drawn over the grid, acquired by the simulator, measured by hladr."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np

from hladr import calibration, kits
from hladr.fcs import Channel, largest_value
from hladr.simulate import CYTOMETERS, LOTS, BeadRun, SimulatedBeads, simulate_beads
from hladr.study import Level
from hladr.study.config import defaults

AT = (2_000, 5_000, 8_000, 30_000)  # AB/C at which the line is compared with the truth
MODELS = ("canto", "fortessa", "navios", "calibur", "cytoflex")
LOT_KEYS = tuple(sorted(k for k in LOTS if k[0] == "quantibrite-pe"))
CONFIG = defaults()
KIT = kits.kit("quantibrite-pe")


@dataclass(frozen=True)
class Case:
    """A simulated run with where on the grid it lies."""

    lot: str
    model: str
    gain: float
    sim: SimulatedBeads


@dataclass(frozen=True)
class Result:
    """What hladr made of it: relative errors at `AT`, codes with their status, seconds."""

    errors: tuple[float, ...] | None
    codes: tuple[tuple[str, str], ...]
    seconds: float
    fields: dict

    @property
    def status(self) -> str:
        """`ok`, `review` or `failed`."""
        statuses = {status for _, status in self.codes}
        return "failed" if "failed" in statuses else "review" if "review" in statuses else "ok"


def gain_limits(model: str, values: Sequence[float], cv: float) -> tuple[float, float]:
    """Return the PE gain factors at which all levels are on the scale and above the noise."""
    cytometer = CYTOMETERS[model]
    detector = next(d for d in cytometer.detectors if d.marker == "HLA-DR")
    channel = cytometer.channel_of("HLA-DR")
    limit = 10**channel.decades if channel.decades else channel.range
    unit = detector.units_per_molecule
    high = limit / (max(values) * unit * (1 + 4 * cv))
    low = max(
        high / 30, 3 * detector.noise_sd / (min(values) * unit), 3 / (unit * min(values)) if channel.decades else 0
    )
    return min(low, high), high


def draw(rng: np.random.Generator, **fixed) -> Case:
    """Draw a clean run: lot, cytometer, gain, events, debris, doublets and peak CV, each evenly over its range."""
    lot = LOT_KEYS[rng.integers(len(LOT_KEYS))]
    model = MODELS[rng.integers(len(MODELS))]
    run = BeadRun(
        values=LOTS[lot],
        n_events=int(rng.uniform(1_500, 20_000)),
        debris_fraction=rng.uniform(0, 0.30),
        doublet_fraction=rng.uniform(0, 0.20),
        peak_cv=rng.uniform(0.03, 0.15),
    )
    low, high = gain_limits(model, run.values, run.peak_cv)
    run = replace(run, pe_gain=float(np.exp(rng.uniform(np.log(low), np.log(high)))))
    run = replace(run, **fixed)
    sim = simulate_beads(run, CYTOMETERS[model], rng)
    detector = next(d for d in sim.cytometer.detectors if d.marker == "HLA-DR")
    return Case(lot[1], model, detector.units_per_molecule * run.pe_gain, sim)


def columns(sim: SimulatedBeads) -> dict:
    """Take what `calibration.measure` needs from a simulated run."""
    events, cytometer = sim.linear, sim.cytometer
    pe = cytometer.channel_of("HLA-DR")
    forward = cytometer.scatter_channel("forward", "A") or cytometer.scatter_channel("forward", "H")
    height = cytometer.scatter_channel("forward", "H")
    side = cytometer.scatter_channel("side", "A") or cytometer.scatter_channel("side", "H")
    clock = next(c for c in cytometer.channels if c.source == "time")
    minimum = (pe.log_minimum or 1.0) if pe.decades else 0.0
    channel = Channel(pe.name, "", pe.range, pe.decades, minimum, pe.gain, None, 32)

    def column(which) -> np.ndarray:
        return events[:, cytometer.index(which.name)]

    return {
        "pe": column(pe),
        "forward": column(forward),
        "side": column(side),
        "height": None if height is None or height is forward else column(height),
        "time": column(clock),
        "limit": largest_value(channel, column(pe)),
    }


def true_pe(case: Case, abc: float) -> float:
    """Return the PE that this many molecules give, as the file would hold it: digits are cut, not rounded."""
    cytometer = case.sim.cytometer
    detector = next(d for d in cytometer.detectors if d.marker == "HLA-DR")
    channel = cytometer.channel_of("HLA-DR")
    pe = case.gain * abc + detector.baseline
    if channel.decades:
        return pe * 10 ** (-0.5 * channel.decades / channel.range)
    return pe - 0.5 if cytometer.data_type == "I" else pe


def lot_rows(values: Sequence[float | None]) -> list[Level]:
    """Write a certificate as rows of bead_lots.csv."""
    return [Level(k + 1, value) for k, value in enumerate(values)]


def measure(case: Case, values: Sequence[float | None] | None = None, known_lots: bool = True, arrays=None) -> Result:
    """Let hladr measure a run, with the certificate `values` (default: the true one)."""
    arrays = arrays or columns(case.sim)
    others = {key[1]: lot_rows(LOTS[key]) for key in LOT_KEYS} if known_lots else {}
    named = next((key[1] for key in LOT_KEYS if LOTS[key] == values), case.lot) if values else case.lot
    rows = lot_rows(values or LOTS["quantibrite-pe", case.lot])
    start = time.process_time()
    fields, _ = calibration.measure(arrays, rows, KIT, CONFIG, SimpleNamespace(bead_id="run", lot=named), others)
    seconds = time.process_time() - start
    line = fields["lines"].get("median")
    errors = None
    if line is not None:
        errors = tuple(line.read(true_pe(case, abc)) / abc - 1 for abc in AT)
    return Result(errors, tuple((f.code, f.status) for f in fields["findings"]), seconds, fields)
