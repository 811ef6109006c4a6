"""The fault matrix: what is broken, how strongly, and whether hladr says so."""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from hladr import calibration, pairing, study
from hladr.flags import status_of
from hladr.simulate import CYTOMETERS, LOTS, simulate_beads
from hladr.simulate.fcs_write import write_fcs

from .runs import AT, CONFIG, LOT_KEYS, MODELS, Case, draw, gain_limits, lot_rows, measure, true_pe

MOVED = 0.05  # of AB/C at 5,000
FIVE_THOUSAND = AT.index(5_000)


@dataclass(frozen=True)
class Outcome:
    """One faulty run: how far AB/C at 5,000 moved (None: refused), its status and codes."""

    moved: float | None
    status: str
    codes: tuple[str, ...]


def _gain_for(rng, model, values, cv, *, margin=1.0) -> float:
    low, high = gain_limits(model, values, cv)
    return float(np.exp(rng.uniform(np.log(low), np.log(high * margin))))


def _case(rng: np.random.Generator, hard: bool, **fixed) -> Case:
    """Draw a run; a hard one has 30 % debris, 20 % doublets and broad peaks."""
    if hard:
        fixed = {"debris_fraction": 0.3, "doublet_fraction": 0.2, "peak_cv": 0.12} | fixed
    else:
        fixed = {"debris_fraction": 0.04, "doublet_fraction": 0.05, "peak_cv": 0.05} | fixed
    return draw(rng, **fixed)


def _outcome(case: Case, result, extra: tuple = ()) -> Outcome:
    codes = tuple(code for code, _ in result.codes) + tuple(f.code for f in extra)
    status = result.status
    if extra and status != "failed":
        status = max(status, status_of(extra), key=("ok", "review", "failed").index)
    moved = None if result.errors is None else abs(result.errors[FIVE_THOUSAND])
    return Outcome(moved, status, codes)


def missing_low(rng, hard):
    """Leave the dimmest level out of the tube."""
    case = _case(rng, hard, missing=(1,))
    return _outcome(case, measure(case))


def missing_high(rng, hard):
    """Leave the brightest level out of the tube."""
    case = _case(rng, hard, missing=(4,))
    return _outcome(case, measure(case))


def merged(rng, hard):
    """Let two neighbouring levels carry the same PE."""
    low = int(rng.integers(1, 4))
    case = _case(rng, hard, merged=(low, low + 1))
    return _outcome(case, measure(case))


def wrong_lot(rng, hard):
    """Use the certificate of another lot; the right one is in the table too."""
    case = _case(rng, hard)
    wrong = [key for key in LOT_KEYS if key[1] != case.lot]
    return _outcome(case, measure(case, LOTS[wrong[rng.integers(len(wrong))]]))


def wrong_unknown_lot(rng, hard):
    """Use the certificate of another lot; the right one is not in the table."""
    case = _case(rng, hard)
    wrong = [key for key in LOT_KEYS if key[1] != case.lot]
    return _outcome(case, measure(case, LOTS[wrong[rng.integers(len(wrong))]], known_lots=False))


def transposed(rng, hard):
    """Swap two neighbouring values of the certificate."""
    case = _case(rng, hard)
    values = list(LOTS["quantibrite-pe", case.lot])
    k = int(rng.integers(3))
    values[k], values[k + 1] = values[k + 1], values[k]
    return _outcome(case, measure(case, tuple(values)))


def digits(rng, hard):
    """Swap two neighbouring digits in one value of the certificate."""
    case = _case(rng, hard)
    values = list(LOTS["quantibrite-pe", case.lot])
    k = int(rng.integers(4))
    text = list(str(int(values[k])))
    spots = [i for i in range(len(text) - 1) if text[i] != text[i + 1] and text[i + 1] != "0"]
    i = spots[0]
    text[i], text[i + 1] = text[i + 1], text[i]
    values[k] = float("".join(text))
    return _outcome(case, measure(case, tuple(values)))


def offset(rng, hard):
    """Add a constant of 40 to 600 molecules to every bead."""
    case = _case(rng, hard, offset=float(np.exp(rng.uniform(np.log(40), np.log(600)))))
    return _outcome(case, measure(case))


def saturation(rng, hard):
    """Choose a gain that puts the brightest level at or over the end of the scale."""
    model = MODELS[rng.integers(len(MODELS))]
    case = _at_gain(rng, hard, lambda low, high: high * rng.uniform(1.1, 2.5), model)
    return _outcome(case, measure(case))


def sunk(rng, hard):
    """Choose a gain that puts the dimmest level into the noise or below the scale."""
    case = _at_gain(rng, hard, lambda low, high: low * rng.uniform(0.05, 0.4))
    return _outcome(case, measure(case))


def _at_gain(rng, hard, choose: Callable[[float, float], float], model: str | None = None) -> Case:
    case = _case(rng, hard)
    while model is not None and case.model != model:
        case = _case(rng, hard)
    run = case.sim.run
    gain = choose(*gain_limits(case.model, run.values, run.peak_cv))
    sim = simulate_beads(replace(run, pe_gain=gain), CYTOMETERS[case.model], rng)
    return Case(case.lot, case.model, case.gain / run.pe_gain * gain, sim)


def clumps(rng, hard):
    """Make 30 to 60 % of the events clumps of three to six beads."""
    case = _case(rng, hard, clump_fraction=rng.uniform(0.3, 0.6), debris_fraction=0.05, doublet_fraction=0.2)
    return _outcome(case, measure(case))


def few_events(rng, hard):
    """Acquire 40 to 400 events."""
    case = _case(rng, hard, n_events=int(np.exp(rng.uniform(np.log(40), np.log(400)))))
    return _outcome(case, measure(case))


def drift(rng, hard):
    """Change the PE gain by 5 to 60 % from the first to the last event; the truth is the gain of the start."""
    change = float(rng.choice([-1, 1]) * np.exp(rng.uniform(np.log(0.05), np.log(0.6))))
    case = _case(rng, hard, drift=change)
    return _outcome(case, measure(case))


def voltage(rng, hard):
    """Acquire the cells at another PE voltage (or gain) than the beads; the headers say so."""
    case = _case(rng, hard)
    result = measure(case)
    factor = 1 + float(rng.choice([-1, 1])) * rng.uniform(0.01, 0.2)
    settings = pairing.PESettings("PE-A", 500.0, 1.0, 0.0, 0.0, 262144.0, "X", "1", None, "none")
    if rng.random() < 0.7:
        other, shift = replace(settings, voltage=round(500 * factor)), (round(500 * factor) / 500) ** 7
    else:
        other, shift = replace(settings, gain=round(factor, 3)), round(factor, 3)
    extra = pairing.compare(other, settings, hours=None, window_hours=24)
    if other == settings:
        shift = 1.0
    outcome = _outcome(case, result, tuple(extra))
    line = result.fields["lines"]["median"]
    moved = abs(line.read(true_pe(case, 5_000) * shift) / 5_000 - 1)
    return replace(outcome, moved=moved)


def cells(rng, hard):
    """Name a blood tube as the bead run."""
    from hladr.simulate import simulate_tube
    from hladr.simulate.blood import random_blood

    case = _case(rng, hard)
    blood = random_blood(rng)
    cytometer = CYTOMETERS[case.model]
    tube = simulate_tube(blood, cytometer, rng)
    fake = replace(case.sim, events=tube.events)
    return replace(_outcome(case, measure(Case(case.lot, case.model, case.gain, fake))), moved=1.0)


def truncated(rng, hard):
    """Cut the file somewhere behind its header."""
    case = _case(rng, hard)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.fcs"
        write_fcs(path, case.sim, datetime(2024, 3, 1, 9))
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * rng.uniform(0.3, 0.98))])
        lab = {"markers": {"HLA-DR": case.sim.cytometer.channel_of("HLA-DR").name}}
        row = study.BeadRun("b", "x", None, "quantibrite-pe", case.lot)
        made, _ = calibration.calibrate(path, row, lot_rows(LOTS["quantibrite-pe", case.lot]), lab, CONFIG)
    moved = None if made.line is None else abs(made.line.read(true_pe(case, 5_000)) / 5_000 - 1)
    return Outcome(moved, made.status, tuple(f.code for f in made.findings))


FAULTS = {
    "level missing, dimmest": missing_low,
    "level missing, brightest": missing_high,
    "two levels merged": merged,
    "wrong lot, right one in the table": wrong_lot,
    "wrong lot, right one unknown": wrong_unknown_lot,
    "values transposed": transposed,
    "digits of a value swapped": digits,
    "voltage or gain of the cells differs": voltage,
    "offset added to every bead": offset,
    "saturation of the brightest": saturation,
    "dimmest sunk in the noise": sunk,
    "clumps": clumps,
    "cells instead of beads": cells,
    "too few events": few_events,
    "drift within the run": drift,
    "truncated file": truncated,
}
# Lots whose values have the same pattern cannot be told apart in one run: `series` judges these.
SEEN_IN_SERIES = ("wrong lot, right one in the table", "wrong lot, right one unknown")
PAIRS = (
    ("missing low + offset", {"missing": (1,), "offset": 200.0}),
    ("missing high + drift", {"missing": (4,), "drift": 0.3}),
    ("offset + drift", {"offset": 250.0, "drift": -0.25}),
    ("clumps + few events", {"clump_fraction": 0.4, "n_events": 400}),
    ("merged + offset", {"merged": (2, 3), "offset": 300.0}),
)


def pair(fixed: dict) -> Callable:
    """Make a fault of two at once."""

    def broken(rng, hard):
        case = _case(rng, hard, **fixed)
        return _outcome(case, measure(case))

    return broken


def matrix(number: int, seed: int) -> tuple[list[dict], int]:
    """Run every fault, clean and hard, and the pairs; return rows to print and how many passed unseen."""
    rows, unseen = [], 0
    table = {**FAULTS, **{name: pair(fixed) for name, fixed in PAIRS}}
    for k, (name, fault) in enumerate(table.items()):
        for hard in (False, True):
            outcomes = [fault(np.random.default_rng([seed, 100 + k, hard, i]), hard) for i in range(number)]
            moved = [o for o in outcomes if o.moved is None or o.moved > MOVED]
            passed = [o for o in outcomes if o.status == "ok" and o.moved is not None and o.moved > MOVED]
            unseen += 0 if name in SEEN_IN_SERIES else len(passed)
            codes = Counter(code for o in outcomes for code in dict.fromkeys(o.codes))
            rows.append(
                {
                    "fault": name,
                    "runs": "hard" if hard else "clean",
                    "moved": len(moved),
                    "failed": sum(o.status == "failed" for o in outcomes),
                    "review": sum(o.status == "review" for o in outcomes),
                    "ok": sum(o.status == "ok" for o in outcomes),
                    "unseen": len(passed),
                    "worst_ok": max(
                        (o.moved for o in outcomes if o.status == "ok" and o.moved is not None), default=0.0
                    ),
                    "codes": ", ".join(f"{code} {count}" for code, count in codes.most_common(5)),
                }
            )
    return rows, unseen
