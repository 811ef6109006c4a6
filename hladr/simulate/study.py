"""Whole simulated studies: the demo, and studies of any size for tests and benchmarks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from .beads import LOTS, BeadRun
from .blood import random_blood
from .cytometer import MARKERS, Cytometer
from .demo import demo_plan
from .models import CYTOMETERS
from .plan import BeadPlan, Lab, StudyPlan, TubePlan, with_seeded_cytometer, write_plan

__all__ = ["lab_entry", "lean", "write_demo", "write_study"]

_FIRST_DAY = datetime(2024, 1, 8, 9)
_LOT = ("quantibrite-pe", "96597")


def write_demo(folder: str | Path, seed: int = 1) -> Path:
    """Write the demo study with its truth (`truth/`).

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    seed : int
        The same seed gives the same bytes.

    Returns
    -------
    Path
        The folder.
    """
    return write_plan(folder, demo_plan(seed), seed)


def write_study(
    folder: str | Path,
    n_patients: int = 8,
    draws: Sequence[int] = (1, 2, 4, 7, 15),
    seed: int = 1,
    n_events: int = 20_000,
    models: Sequence[str] = ("canto", "navios", "calibur", "cytoflex"),
    tubes_per_bead_run: int = 4,
    bead_events: int = 10_000,
    distinct_patients: int | None = None,
) -> Path:
    """Write a study of any size, without planted problems, one laboratory per cytometer.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    n_patients : int
        Patients, dealt to the laboratories in turn, and to two arms.
    draws : sequence of int
        Study days of each patient's draws.
    seed : int
        The same arguments give the same bytes.
    n_events, bead_events : int
        Events per tube and per bead run.
    models : sequence of str
        Keys of `CYTOMETERS`, one per laboratory; files have the seven channels that `lean` leaves.
    tubes_per_bead_run : int
        Tubes of a laboratory that share one bead run.
    distinct_patients : int, optional
        So many patients are simulated; the files of the others are hard links to theirs.

    Returns
    -------
    Path
        The folder, with `truth/tubes.csv`.
    """
    labs = []
    for model in models:
        cytometer = with_seeded_cytometer(lean(CYTOMETERS[model]), seed)
        labs.append(Lab(f"lab-{model}", cytometer, lab_entry(cytometer)))
    shared = max((distinct_patients or n_patients) // len(labs), 1)
    tubes: list[TubePlan] = []
    beads: dict[str, BeadPlan] = {}
    ferritin = []
    for number in range(n_patients):
        lab = labs[number % len(labs)]
        mine = number // len(labs)
        block, twin = divmod(mine, shared)
        rng = np.random.default_rng([seed, 7, number % len(labs), twin])
        trajectory = _trajectory(rng, len(draws))
        person = random_blood(rng, n_events=n_events, monocyte_fraction=float(rng.uniform(0.03, 0.09)))
        patient = f"P{number + 1:05d}"
        for i, day in enumerate(draws):
            group = (twin * len(draws) + i) // tubes_per_bead_run
            when = _FIRST_DAY + timedelta(days=group, minutes=30 + 10 * i)
            bead_id = f"B-{lab.name}-{block:03d}-{group:04d}"
            if bead_id not in beads:
                same = f"B-{lab.name}-000-{group:04d}" if block else ""
                run = BeadRun(LOTS[_LOT], n_events=bead_events)
                at = _FIRST_DAY + timedelta(days=group)
                beads[bead_id] = BeadPlan(bead_id, lab.name, at, run, *_LOT, same_as=same)
            original = f"P{twin * len(labs) + number % len(labs) + 1:05d}-d{day}"
            tubes.append(
                TubePlan(
                    sample_id=f"{patient}-d{day}",
                    patient_id=patient,
                    day=day,
                    lab=lab.name,
                    blood=replace(person, abc=trajectory[i]),
                    acquired_at=when,
                    bead_id=bead_id,
                    arm=("treatment", "placebo")[mine % 2],
                    same_as=original if block else "",
                )
            )
            level = 600 if rng.random() < 0.8 else 8000
            ferritin.append((patient, day, f"{level * np.exp(0.3 * rng.standard_normal()):.1f}", "ng/mL", ""))
    plan = StudyPlan("simulated", labs, list(beads.values()), tubes, ferritin)
    return write_plan(folder, plan, seed)


def _trajectory(rng: np.random.Generator, n_draws: int) -> list[float]:
    """Draw a patient's AB/C: from an immune-suppressed start upwards, or not."""
    start, gain = np.exp(rng.normal(np.log(5000), 0.5)), rng.uniform(0, 1.3)
    return [float(start * np.exp(gain * i / max(n_draws - 1, 1))) for i in range(n_draws)]


def lean(cytometer: Cytometer) -> Cytometer:
    """Leave out what the assay does not need: heights but the forward one, widths, and detectors without a stain.

    A file that had seven channels or fewer stays as it is.
    """
    extra = [
        c.name
        for c in cytometer.channels
        if c.measure == "W"
        or (c.measure == "H" and c.source != "forward" and c != _side(cytometer))
        or (c.source in {d.name for d in cytometer.detectors if not d.marker})
    ]
    if cytometer.scatter_channel("forward", "A") is None or len(cytometer.channels) <= 7:
        extra = []
    return cytometer.without_channels(extra)


def _side(cytometer: Cytometer):
    return cytometer.scatter_channel("side", "A") or cytometer.scatter_channel("side", "H")


def lab_entry(cytometer: Cytometer) -> dict[str, object]:
    """Return what a laboratory with this cytometer writes in labs.yaml (a separate matrix is added by `write_plan`)."""
    forward = cytometer.scatter_channel("forward", "A")
    height = cytometer.scatter_channel("forward", "H")
    scatter = {"forward": (forward or height).name, "side": _side(cytometer).name}
    if forward is not None and height is not None:
        scatter["forward_height"] = height.name
    channels = {marker: cytometer.channel_of(marker) for marker in MARKERS}
    return {
        "markers": {marker: channel.name if channel else "none" for marker, channel in channels.items()},
        "scatter": scatter,
        "compensation": "from_file",
        "decimal": ".",
        "timezone": "UTC",
    }
