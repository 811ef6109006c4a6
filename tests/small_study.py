"""A study of a few small tubes, for the tests that run the real workflow many times."""

from datetime import datetime
from pathlib import Path

from hladr.simulate import CYTOMETERS, BeadRun, Blood
from hladr.simulate.beads import LOTS
from hladr.simulate.plan import BeadPlan, Lab, StudyPlan, TubePlan, write_plan

LOT = ("quantibrite-pe", "96597")
ABC = (3000, 9000, 12000, 4500, 20000, 6000, 10000, 2500)


def write_small_study(folder: Path, tubes: int = 6, batch_size: int = 2, events: int = 10000, seed: int = 7) -> Path:
    """Write `tubes` tubes of two patients a lab, one bead run per lab; all of them would be ok or review."""
    names = list(CYTOMETERS)[:2]
    labs = [Lab(f"lab{i}", CYTOMETERS[name], {"decimal": "."}) for i, name in enumerate(names)]
    at = [datetime(2026, 3, 1 + day, 9) for day in range(10)]
    beads = [BeadPlan(f"B{i}", lab.name, at[0], BeadRun(values=LOTS[LOT])) for i, lab in enumerate(labs)]
    plans = [
        TubePlan(
            sample_id=f"S{i:02d}",
            patient_id=f"P{i % 2}",
            day=1 + i // 2,
            lab=labs[i % 2].name,
            blood=Blood(n_events=events, abc=ABC[i % len(ABC)], monocyte_fraction=0.12),
            acquired_at=at[0],
            bead_id=beads[i % 2].bead_id,
        )
        for i in range(tubes)
    ]
    ferritin = [(tube.patient_id, tube.day, "600", "ng/mL", tube.lab) for tube in plans]
    config = {"run": {"batch_size": batch_size}}
    return write_plan(folder, StudyPlan("small", labs, beads, plans, ferritin, config), seed)


def results_of(folder: Path) -> dict[str, bytes]:
    """Return every result that is promised identical, by name."""
    results = folder / "results"
    return {
        path.relative_to(results).as_posix(): path.read_bytes()
        for pattern in ("*.csv", "gates/*.xml")
        for path in sorted(results.glob(pattern))
    }
