"""Do the intervals hold the truth? Every part of the budget is drawn, or set to zero in the configuration.

One draw is a bead run, one tube and what lies between them: the levels' own scatter and the sampling of their peaks
(the line), the lot's assignment as a whole, PE per antibody, the monocytes, the gate, staining and acquisition.
`quantify` makes the interval.
"""

from types import SimpleNamespace

import numpy as np

from hladr.calibration import Calibration, Level
from hladr.calibration.lines import fit
from hladr.quantify import quantify
from hladr.simulate import LOTS
from hladr.study import Tube
from hladr.study.config import defaults, merge
from hladr.tube import TubeReading

VALUES = np.array(LOTS["quantibrite-pe", "96597"])
LEVEL_SCATTER = 0.02  # between the levels of a run: assignment of each, linearity, sampling of its peak
CELL_SD = 0.5
NONE = {
    "line": False,
    "assignment_cv_percent": 0,
    "pe_per_antibody_cv_percent": 0,
    "sampling": False,
    "gate": False,
    "repeatability_cv_percent": 0,
}
GATE_SD = 0.03
USUAL = {
    "line": True,
    "assignment_cv_percent": 3,
    "pe_per_antibody_cv_percent": 2,
    "sampling": True,
    "gate": True,
    "repeatability_cv_percent": 3,
}
SCENARIOS = {
    "everything, 1,500 monocytes": (USUAL, 1500, LEVEL_SCATTER),
    "everything, 120 monocytes": (USUAL, 120, LEVEL_SCATTER),
    "everything, poor beads (5 %)": (USUAL, 1500, 0.05),
    "the line alone": (NONE | {"line": True}, 1500, LEVEL_SCATTER),
    "line and repeatability": (NONE | {"line": True, "repeatability_cv_percent": 3}, 1500, LEVEL_SCATTER),
    "all but the line": (USUAL | {"line": False}, 1500, 0.0),
    "sampling alone, 120 monocytes": (NONE | {"sampling": True}, 120, 0.0),
}


def scenario(settings: dict, n_cells: int, scatter: float, number: int, seed: int, statistic: str) -> dict[int, float]:
    """Return the share of intervals that hold the truth, by AB/C."""
    rng = np.random.default_rng(seed)
    config = merge(defaults(), {"quantify": {"interval": settings, "statistic": statistic}})
    held: dict[int, list[bool]] = {}
    for i in range(number):
        abc = (2_000, 5_000, 8_000)[i % 3]
        made = _draw(rng, abc, settings, n_cells, scatter, config, statistic)
        held.setdefault(abc, []).append(made.abc_low <= abc <= made.abc_high)
    return {abc: float(np.mean(values)) for abc, values in held.items()}


def factor(rng: np.random.Generator, cv_percent: float) -> float:
    """Draw a factor about 1 with this coefficient of variation, normal in ln."""
    return float(np.exp(np.sqrt(np.log1p((cv_percent / 100) ** 2)) * rng.standard_normal()))


def _draw(rng, abc, settings, n_cells, scatter, config, statistic):
    molecules = (
        VALUES * factor(rng, settings["assignment_cv_percent"]) * np.exp(scatter * rng.standard_normal(VALUES.size))
    )
    line = fit(molecules, VALUES)  # one PE unit is one molecule
    levels = tuple(
        Level(k, v, m, m, 500, 6.0, used=True) for k, (v, m) in enumerate(zip(VALUES, molecules, strict=True), 1)
    )
    beads = Calibration(
        "b", "x", "quantibrite-pe", "96597", (), 4, levels, {statistic: line}, statistic, assignment_cv_percent=3.0
    )
    centre = abc * factor(rng, settings["pe_per_antibody_cv_percent"])
    centre *= factor(rng, settings["repeatability_cv_percent"])
    if settings["gate"]:
        centre *= np.exp(GATE_SD * rng.standard_normal())
    cells = np.log(centre) + CELL_SD * rng.standard_normal(n_cells if settings["sampling"] else 1)
    if not settings["sampling"]:
        cells = np.array([np.log(centre)])
    pe = float(np.exp(np.median(cells) if statistic == "median" else cells.mean()))
    spread = float(np.diff(np.percentile(cells, [15.865, 84.135]))[0] / 2) if settings["sampling"] else CELL_SD
    reading = TubeReading(
        "s",
        n_events=10_000,
        n_monocytes=n_cells,
        pe={statistic: {"main": pe, "tight": pe, "wide": pe}},
        pe_sd_ln=spread,
        gate_doubt={statistic: {"bias_ln": 0.0, "sd_ln": GATE_SD}},
    )
    tube = Tube("s", "P", 1, "x", fcs="a.fcs", bead_id="b")
    study = SimpleNamespace(tubes=(tube,), labs={"x": {}}, config=config)
    return quantify(study, {"s": reading}, {"b": beads})[0]


def table(number: int, seed: int) -> list[dict]:
    """Run all scenarios for both statistics; return rows to print."""
    rows = []
    for k, (name, (settings, n_cells, scatter)) in enumerate(SCENARIOS.items()):
        for statistic in ("median", "geometric_mean"):
            held = scenario(settings, n_cells, scatter, number, seed * 1000 + k, statistic)
            rows.append({"scenario": name, "statistic": statistic, "held": held})
    return rows
