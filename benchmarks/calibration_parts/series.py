"""A wrong certificate in a series of bead runs of one cytometer at one voltage."""

from datetime import datetime, timedelta
from types import SimpleNamespace

import numpy as np

from hladr import calibration
from hladr.calibration.lines import fit
from hladr.drift import with_jumps
from hladr.flags import OK
from hladr.pairing import PESettings
from hladr.simulate import CYTOMETERS, LOTS, BeadRun, simulate_beads

from .runs import CONFIG, KIT, LOT_KEYS, columns, lot_rows

BEFORE = 20
DAY_SD = 0.01  # of the PE gain from day to day


def _run(rng: np.random.Generator, k: int, lot: str, named: str) -> calibration.Calibration:
    run = BeadRun(LOTS["quantibrite-pe", lot], n_events=5_000, pe_gain=float(np.exp(DAY_SD * rng.standard_normal())))
    arrays = columns(simulate_beads(run, CYTOMETERS["canto"], rng))
    about = SimpleNamespace(bead_id=f"b{k}", lot=named)
    # the right lot is not in the table
    fields, _ = calibration.measure(arrays, lot_rows(LOTS["quantibrite-pe", named]), KIT, CONFIG, about, {})
    at = (datetime(2024, 3, 1, 9) + timedelta(days=k)).isoformat()
    settings = PESettings("PE-A", 480.0, 1.0, 0.0, 0.0, 262144.0, "X", "1", at, "none")
    found = tuple(fields.pop("findings"))
    return calibration.Calibration(f"b{k}", "x", "quantibrite-pe", named, found, settings=settings, **fields)


def table(number: int, seed: int) -> list[dict]:
    """Run `number` series for each ordered pair of lots; the last run of each is read with the wrong certificate."""
    rows = []
    study = SimpleNamespace(config=CONFIG)
    for k, true in enumerate(key[1] for key in LOT_KEYS):
        before: list[list[calibration.Calibration]] = []
        for i in range(number):
            rng = np.random.default_rng([seed, 500 + k, i])
            before.append([_run(rng, j, true, true) for j in range(BEFORE)] if i < 5 else before[i % 5])
        for named in (key[1] for key in LOT_KEYS if key[1] != true):
            in_run = seen = false = 0
            for i, runs in enumerate(before):
                last = _run(np.random.default_rng([seed, 900 + k, i]), BEFORE, true, named)
                flagged = with_jumps({run.bead_id: run for run in [*runs, last]}, study)
                in_run += last.status != OK
                seen += flagged[last.bead_id].status != OK
                false += sum(flagged[run.bead_id].status != run.status for run in runs) if i < 5 else 0
            right, wrong = LOTS["quantibrite-pe", true], LOTS["quantibrite-pe", named]
            shift = fit(right, wrong).read(5_000.0) / 5_000 - 1
            rows.append({"true": true, "named": named, "shift": shift, "in_run": in_run, "seen": seen, "false": false})
    return rows
