"""Time and memory of calls, courses and cohort statistics: `python benchmarks/cohort.py [--patients N] [--quick]`.

10,000 patients with 7 draws each are to take under 20 s and 1 GB, figures aside. The patients are
drawn at random (seed 1); the numbers mean nothing.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from hladr import cohort, sensitivity
from hladr.ferritin import Interval
from hladr.flags import finding
from hladr.phenotype import call_draws
from hladr.reversal import judge
from hladr.study import config as study_config
from hladr.tables import write_table

DAYS = (1, 2, 4, 7, 15, 21, 28)
SECONDS, MEGABYTES = 20, 1000


def make_study(patients: int, seed: int = 1, days=DAYS):
    """Return a study and its measurements: log-normal AB/C and ferritin that recover faster in the first arm."""
    rng = np.random.default_rng(seed)
    tubes, blood, measured, outcomes = [], [], [], []
    doubt = (finding("few_monocytes", "412 monocytes"),)
    lost = (finding("no_monocytes", "12 monocytes"),)
    for k in range(patients):
        patient, arm, lab = f"P{k:05d}", ("precision", "placebo")[k % 2], ("athens", "rome", "bonn")[k % 3]
        mals = rng.random() < 0.2
        abc, ferritin = np.exp(rng.normal(7.9, 0.4)), np.exp(rng.normal(9.1 if mals else 6.8, 0.5))
        rise = rng.normal(0.09 if arm == "precision" else 0.05, 0.03)
        death = int(rng.integers(3, 60)) if rng.random() < 0.4 else None
        for day in days:
            if death is not None and day > death:
                break
            name = f"{patient}-{day}"
            value = abc * np.exp(rise * (day - 1) + rng.normal(0, 0.15))
            state = rng.random()
            found = lost if state < 0.03 else doubt if state < 0.15 else ()
            value = None if state < 0.03 else value
            tubes.append(SimpleNamespace(sample_id=name, patient_id=patient, day=day, lab=lab, arm=arm, role="patient",
                                         replaces=None))  # fmt: skip
            status = "failed" if state < 0.03 else "review" if found else "ok"
            ends = (None, None) if value is None else (value * 0.93, value * 1.07)
            models = {} if value is None else {"geometric_mean": value * 0.97, "slope_one": value * 1.02}
            measured.append(SimpleNamespace(sample_id=name, status=status, findings=found, abc=value, abc_low=ends[0],
                                            abc_high=ends[1], abc_tight=value and value * 1.01,
                                            abc_wide=value and value * 0.98, models=models))  # fmt: skip
            level = ferritin * np.exp(-rise * (day - 1) + rng.normal(0, 0.2))
            interval = Interval(16500.0, None, False) if level > 16500 else Interval.exact(float(level))
            blood.append(SimpleNamespace(patient_id=patient, day=day, interval=interval))
        sofa = tuple(int(v) for v in np.clip(rng.normal(9 - np.arange(15) * 0.2, 2), 0, 24))
        state = ("resolved", "intermediate", "failure", "superinfection")[rng.integers(4)]
        outcomes.append(SimpleNamespace(patient_id=patient, arm=arm, sofa=sofa, death_day=death, discharge_day=None,
                                        last_seen_day=None, infection_d15=state))  # fmt: skip
    config = study_config.defaults()
    config["cohort"]["stratify_by_lab"] = True
    return SimpleNamespace(config=config, tubes=tubes, ferritin=blood, outcomes=outcomes), measured


def main() -> int:
    """Print a table of steps with seconds and memory; exit 1 over the limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="500 patients")
    options = parser.parse_args()
    patients = 500 if options.quick else options.patients
    study, measured = make_study(patients)
    print(f"{patients} patients, {len(measured)} tubes")
    start = last = time.perf_counter()

    def lap(step: str) -> None:
        nonlocal last
        now = time.perf_counter()
        print(f"{step:24s} {now - last:6.2f} s")
        last = now

    draws = call_draws(study, measured)
    lap("calls")
    courses = judge(study, draws)
    lap("courses")
    rows = cohort.rows(study, courses, draws)
    lap("cohort statistics")
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder) / "phenotypes.csv", "phenotypes", (draw.row() for draw in draws))
        write_table(Path(folder) / "reversal.csv", "reversal", (course.row() for course in courses))
        write_table(Path(folder) / "cohort.csv", "cohort", rows)
    lap("tables written")
    seconds = time.perf_counter() - start
    sensitivity.rows(study, measured)
    lap("sensitivity")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    print(f"{'all but sensitivity':24s} {seconds:6.2f} s (at most {SECONDS})")
    print(f"{'memory':24s} {megabytes:6.0f} MB (at most {MEGABYTES})")
    return int(seconds > SECONDS or megabytes > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
