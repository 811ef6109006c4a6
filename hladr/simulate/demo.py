"""The plan of the demo study: who is drawn when, on which cytometer, with which bead run."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from .beads import LOTS, BeadRun
from .blood import Blood, random_blood
from .demo_patients import CALLS, LABS, MODELS, MORE_FERRITIN, PATIENTS, PROBLEMS, SOFA
from .models import CYTOMETERS
from .plan import BeadPlan, Lab, StudyPlan, TubePlan, with_seeded_cytometer

FIRST_DAY = datetime(2024, 3, 4)
# From this study-wide day on the laboratories use a new lot of beads.
NEW_LOT_ON = 12
# What the levels truly carry: the makers' certificates are right to a percent or two.
TRUE_OVER_ASSIGNED = {"96597": (1.015, 0.99, 1.005, 0.995), "SIM-B": (0.985, 1.01, 0.995, 1.005)}
NEW_LOT = "SIM-B"


def demo_plan(seed: int = 1) -> StudyPlan:
    """Return the plan of the demo study.

    Parameters
    ----------
    seed : int
        Of the patients' blood and of the laboratories' compensation.

    Returns
    -------
    StudyPlan
        About fifty tubes of four laboratories, with their bead runs.
    """
    labs = [Lab(n, with_seeded_cytometer(CYTOMETERS[MODELS[n]], seed), entry) for n, entry in LABS.items()]
    tubes: list[TubePlan] = []
    for number, patient in enumerate(PATIENTS):
        tubes += _tubes_of(patient, np.random.default_rng([seed, 4, number]))
    tubes = [_with_problem(replace(tube, pe_gain=_gain_of(seed, tube.bead_id))) for tube in tubes]
    tubes.append(_repeat(tubes))
    tubes += _controls(seed)
    ferritin = [(p[0], day, text, unit, "") for p in PATIENTS for day, _, text, unit, _ in p[4]]
    reported = {"sample_id": "ATH-003-d21", "day": 21, "blood": None, "bead_id": "", "abc_reported": 17900.0}
    template = next(tube for tube in tubes if tube.sample_id == "ATH-003-d15")
    tubes.append(replace(template, collected_at="", **reported))
    return StudyPlan(
        name="demo",
        labs=labs,
        beads=_bead_runs(tubes, seed),
        tubes=tubes,
        ferritin=[*ferritin, *MORE_FERRITIN],
        config={"cohort": {"arms": ["precision", "placebo"]}},
        outcomes=[_outcome(patient) for patient in PATIENTS],
        calls=[
            {"patient_id": p[0], "day": day, "true_abc": abc, "expected_phenotype": CALLS[call]}
            for p in PATIENTS
            for day, abc, _, _, call in p[4]
        ],
        courses=[
            {"patient_id": p[0], "arm": p[2], "expected_reversal": p[5], "expected_reversal_day": p[6]}
            for p in PATIENTS
        ],
    )


def _tubes_of(patient: tuple, rng: np.random.Generator) -> list[TubePlan]:
    patient_id, lab, arm, admitted, draws = patient[:5]
    person = _person(rng)
    tubes = []
    for i, (day, abc, *_) in enumerate(draws):
        drawn = FIRST_DAY + timedelta(days=admitted + day - 1, hours=7, minutes=int(rng.integers(0, 59)))
        acquired = drawn + timedelta(hours=3 + 3 * rng.random())
        recovery = i / (len(draws) - 1)
        blood = replace(
            person,
            n_events=int(rng.integers(22_000, 30_000)),
            abc=float(abc),
            abc_sd_ln=float(rng.uniform(0.4, 0.55)),
            cd14_factor=person.cd14_factor + (1 - person.cd14_factor) * 0.7 * recovery,
            immature_granulocyte_fraction=person.immature_granulocyte_fraction * (1 - 0.7 * recovery),
            monocyte_fraction=float(
                np.clip(person.monocyte_fraction * np.exp(0.2 * rng.standard_normal()), 0.055, 0.1)
            ),
            debris_fraction=float(rng.uniform(0.02, 0.10)),
            doublet_fraction=float(rng.uniform(0.01, 0.04)),
        )
        tubes.append(
            TubePlan(
                sample_id=f"{patient_id}-d{day}",
                patient_id=patient_id,
                day=day,
                lab=lab,
                blood=blood,
                acquired_at=acquired.replace(second=0, microsecond=0),
                bead_id=_bead_id(lab, acquired),
                arm=arm,
                collected_at=drawn.strftime("%Y-%m-%dT%H:%M"),
            )
        )
    return tubes


def _person(rng: np.random.Generator) -> Blood:
    person = random_blood(rng, monocyte_fraction=float(rng.uniform(0.055, 0.09)))
    return replace(
        person,
        lymphocyte_fraction=min(person.lymphocyte_fraction, 0.2),
        cd14_factor=max(person.cd14_factor, 0.4),
        neutrophil_cd14=min(person.neutrophil_cd14, 0.06),
        immature_granulocyte_fraction=min(person.immature_granulocyte_fraction, 0.06),
    )


def _with_problem(tube: TubePlan) -> TubePlan:
    changes = dict(PROBLEMS.get(tube.sample_id, {}))
    if "blood" in changes:
        changes["blood"] = replace(tube.blood, **changes["blood"])
    hours = changes.pop("hours", None)
    if hours:
        drawn = datetime.fromisoformat(tube.collected_at)
        changes["acquired_at"] = drawn + timedelta(hours=hours)
    return replace(tube, **changes)


def _repeat(tubes: list[TubePlan]) -> TubePlan:
    """Acquire the drifting tube again, an hour later."""
    old = next(tube for tube in tubes if tube.sample_id == "JEN-002-d4")
    return replace(
        old,
        sample_id="JEN-002-d4r",
        blood=replace(old.blood, drift=None),
        acquired_at=old.acquired_at + timedelta(hours=1),
        replaces=old.sample_id,
        expected_status="ok",
        expected_flag="",
    )


def _controls(seed: int) -> list[TubePlan]:
    """Draw a healthy control for each of two laboratories."""
    tubes = []
    for i, lab in enumerate(("athens", "jena")):
        rng = np.random.default_rng([seed, 5, i])
        acquired = FIRST_DAY + timedelta(days=1, hours=12)
        tubes.append(
            TubePlan(
                sample_id=f"CTRL-{lab}",
                patient_id=f"CTRL-{lab}",
                day=0,
                lab=lab,
                blood=Blood(n_events=int(rng.integers(22_000, 28_000)), abc=23_500.0 + 2_000 * i),
                acquired_at=acquired,
                bead_id=_bead_id(lab, acquired),
                role="control",
            )
        )
    return tubes


def _bead_id(lab: str, when: datetime) -> str:
    return f"B-{lab}-{when:%m%d}"


def _gain_of(seed: int, bead_id: str) -> float:
    """Draw the PE gain of a laboratory's day: 2 % from day to day, the same for its beads and tubes."""
    return float(np.exp(0.02 * np.random.default_rng([seed, 6, *bead_id.encode()]).standard_normal()))


def _bead_runs(tubes: list[TubePlan], seed: int) -> list[BeadPlan]:
    """One run per laboratory and day, an hour before the first tube of that day."""
    first: dict[tuple[str, str], datetime] = {}
    for tube in tubes:
        key = (tube.lab, tube.bead_id)
        if tube.bead_id:
            first[key] = min(first.get(key, tube.acquired_at), tube.acquired_at)
    runs = []
    for (lab, bead_id), when in sorted(first.items()):
        lot = NEW_LOT if (when - FIRST_DAY).days >= NEW_LOT_ON else "96597"
        contents = BeadRun(
            LOTS["quantibrite-pe", lot],
            n_events=10_000,
            true_over_assigned=TRUE_OVER_ASSIGNED[lot],
            pe_gain=_gain_of(seed, bead_id),
        )
        runs.append(BeadPlan(bead_id, lab, when - timedelta(hours=1), contents, lot=lot))
    # a run that nothing uses: somebody copied a patient's tube into the beads' place
    swapped = BeadPlan(
        "B-leuven-0304x",
        "leuven",
        FIRST_DAY + timedelta(hours=8),
        Blood(n_events=10_000, abc=12_000.0),
        expected_status="failed",
        expected_flag="not_beads",
    )
    return [*runs, swapped]


def _outcome(patient: tuple) -> dict[str, object]:
    patient_id, _, arm, _, draws, reversal, _ = patient
    dies = reversal == "not_attained" and len(draws) == 4
    first, middle, last = SOFA[reversal]
    row: dict[str, object] = {"patient_id": patient_id, "arm": arm}
    for day in range(1, 16):
        score = np.interp(day, (1, 7, 15), (first, middle, last))
        row[f"sofa_d{day}"] = "" if dies and day >= 12 else round(float(score))
    row["death_day"] = 12 if dies else ""
    row["discharge_day"] = ""
    row["last_seen_day"] = 12 if dies else 28
    row["infection_d15"] = {"attained": "resolved", "not_attained": "failure"}.get(reversal, "intermediate")
    return row
