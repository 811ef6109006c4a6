"""The plan of the demo study: twelve patients of four laboratories, all phenotypes, both outcomes, and what goes wrong.

Calls and reversals are written down by hand from the trial's rules, not computed by the code that they check.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from .beads import LOTS, BeadRun
from .blood import Blood, random_blood
from .models import CYTOMETERS
from .plan import BeadPlan, Lab, StudyPlan, TubePlan, with_seeded_cytometer

FIRST_DAY = datetime(2024, 3, 4)
# From this study-wide day on the laboratories use a new lot of beads.
NEW_LOT_ON = 12
NEW_LOT = "SIM-B"
CALLS = {"M": "MALS", "S": "SIP", "U": "unclassified", "I": "indeterminate"}

_MARKERS = {
    "athens": {
        "markers": {"HLA-DR": "PE-A", "CD14": "PerCP-Cy5-5-A", "CD45": "APC-A"},
        "scatter": {"forward": "FSC-A", "forward_height": "FSC-H", "side": "SSC-A"},
        "compensation": "from_file",
        "decimal": ",",
        "timezone": "Europe/Athens",
        "preparation": "lyse-wash",
    },
    "jena": {
        "markers": {"HLA-DR": "FL2 INT", "CD14": "FL4 INT", "CD45": "FL6 INT"},
        "scatter": {"forward": "FS INT", "forward_height": "FS PEAK", "side": "SS INT"},
        "decimal": ".",
        "timezone": "Europe/Berlin",
        "preparation": "lyse-wash",
    },
    "utrecht": {
        "markers": {"HLA-DR": "FL2-H", "CD14": "FL3-H", "CD45": "FL4-H"},
        "scatter": {"forward": "FSC-H", "side": "SSC-H"},
        "decimal": ".",
        "timezone": "Europe/Amsterdam",
        "preparation": "lyse-wash",
    },
    "leuven": {
        "markers": {"HLA-DR": "PE-A", "CD14": "PC5.5-A", "CD45": "APC-A"},
        "scatter": {"forward": "FSC-A", "forward_height": "FSC-H", "side": "SSC-A"},
        "compensation": "from_file",
        "decimal": ",",
        "timezone": "Europe/Brussels",
        "preparation": "lyse-wash",
        "missing_words": ["haemolysed", "hemolytisch"],
    },
}
_MODELS = {"athens": "canto", "jena": "navios", "utrecht": "calibur", "leuven": "cytoflex"}

# patient, lab, arm, admitted on (days after FIRST_DAY), draws: (day, true AB/C, ferritin as delivered, unit, expected call),
# reversal, its day. AB/C stays more than 10 % away from 5000 and 8000.
_PATIENTS = (
    (
        *("ATH-001", "athens", "precision", 0),
        (
            (1, 3900, "12.340", "ng/mL", "M"),
            (2, 4200, "9.870,5", "ng/mL", "M"),
            (4, 6200, "6.410", "ng/mL", "M"),
            (7, 9800, "3.150", "ng/mL", "U"),
            (15, 14800, "1.420,5", "ng/mL", "U"),
        ),
        *("attained", 2),
    ),
    (
        *("ATH-002", "athens", "placebo", 3),
        (
            (1, 6600, "5.230", "µg/L", "M"),
            (2, 5900, "5.610", "µg/L", "M"),
            (4, 6100, ">7500", "µg/L", "M"),
            (7, 6500, "6.900", "µg/L", "M"),
        ),
        *("not_attained", None),
    ),
    (
        *("ATH-003", "athens", "precision", 9),
        (
            (1, 3200, "980,5", "ng/mL", "S"),
            (2, 4100, "1.105", "ng/mL", "S"),
            (4, 9300, "870", "ng/mL", "I"),
            (7, 12500, "644,2", "ng/mL", "U"),
            (15, 16800, "391", "ng/mL", "U"),
        ),
        *("attained", 7),
    ),
    (
        *("JEN-001", "jena", "placebo", 0),
        (
            (1, 2700, "2180", "pmol/L", "S"),
            (2, 2900, "2465.5", "pmol/L", "S"),
            (4, 4100, "1990", "pmol/L", "S"),
            (7, 6300, "1804", "pmol/L", "U"),
            (15, 5900, "1533", "pmol/L", "U"),
        ),
        *("not_attained", None),
    ),
    (
        *("JEN-002", "jena", "precision", 3),
        (
            (1, 3900, "3010", "pmol/L", "S"),
            (2, 9600, "2700", "pmol/L", "U"),
            (4, 6900, "2515", "pmol/L", "U"),
            (7, 10400, "1870", "pmol/L", "U"),
            (15, 13100, "1210", "pmol/L", "U"),
        ),
        *("attained", 7),
    ),
    (
        *("JEN-003", "jena", "placebo", 9),
        (
            (1, 11200, "1438", "pmol/L", "U"),
            (2, 12000, "1502", "pmol/L", "U"),
            (4, 10600, "1377", "pmol/L", "U"),
            (7, 15300, "920", "pmol/L", "U"),
        ),
        *("not_applicable", None),
    ),
    (
        *("UTR-001", "utrecht", "precision", 0),
        (
            (1, 2100, "> 16500", "ng/mL", "M"),
            (2, 2600, "15200", "ng/mL", "M"),
            (4, 3600, "9040", "ng/mL", "M"),
            (7, 6100, "4120", "ng/mL", "U"),
            (15, 9900, "2215.5", "ng/mL", "U"),
        ),
        *("attained", 4),
    ),
    (
        *("UTR-002", "utrecht", "placebo", 3),
        (
            (1, 4100, "702", "ng/mL", "S"),
            (2, 3600, "655", "ng/mL", "S"),
            (4, 3800, "690.5", "ng/mL", "I"),
            (7, 4000, "633.5", "ng/mL", "S"),
        ),
        *("not_attained", None),
    ),
    (
        *("UTR-003", "utrecht", "precision", 9),
        (
            (1, 4000, ">2000", "ng/mL", "I"),
            (2, 4200, "1811", "ng/mL", "S"),
            (4, 6800, "1240", "ng/mL", "U"),
            (7, 9400, "905", "ng/mL", "U"),
        ),
        *("not_applicable", None),
    ),
    (
        *("LEU-001", "leuven", "placebo", 0),
        (
            (1, 3300, "1240", "µg/L", "S"),
            (2, 3700, "1302,5", "µg/L", "I"),
            (4, 4000, "haemolysed", "µg/L", "I"),
            (7, 6800, "876", "µg/L", "U"),
            (15, 6900, "540,8", "µg/L", "U"),
        ),
        *("not_attained", None),
    ),
    (
        *("LEU-002", "leuven", "precision", 3),
        (
            (1, 4300, "4.105", "µg/L", "S"),
            (2, 6100, "3.620", "µg/L", "U"),
            (4, 9700, "2.840", "µg/L", "U"),
            (7, 13900, "1.995", "µg/L", "U"),
            (15, 21500, "702,4", "µg/L", "U"),
        ),
        *("attained", 4),
    ),
    (
        *("LEU-003", "leuven", "placebo", 9),
        (
            (1, 15800, "512", "µg/L", "U"),
            (2, 14300, "488,6", "µg/L", "U"),
            (4, 17600, "430", "µg/L", "I"),
            (7, 21000, "", "µg/L", "I"),
        ),
        *("not_applicable", None),
    ),
)

# What goes wrong: sample_id: changes of the TubePlan (`blood` changes its blood).
_PROBLEMS: dict[str, dict] = {
    "LEU-001-d2": {"damage": "truncated", "expected_status": "failed", "expected_flag": "truncated_fcs"},
    "LEU-003-d4": {"damage": "missing", "expected_status": "failed", "expected_flag": "missing_file"},
    "ATH-003-d4": {"pe_voltage_change": 30.0, "expected_status": "failed", "expected_flag": "settings_mismatch"},
    "UTR-002-d4": {
        "blood": {"monocyte_fraction": 0.0018},
        "expected_status": "failed",
        "expected_flag": "no_monocytes",
    },
    "UTR-001-d2": {
        "blood": {"monocyte_fraction": 0.022},
        "expected_status": "review",
        "expected_flag": "few_monocytes",
    },
    "ATH-002-d7": {"bead_id": "", "expected_status": "failed", "expected_flag": "calibration_missing"},
    "JEN-002-d4": {
        "blood": {"drift": {"PE": -0.55}},
        "expected_status": "failed",
        "expected_flag": "signal_drift",
    },
    "JEN-001-d4": {"hours": 13.0, "expected_status": "review", "expected_flag": "preanalytic_delay"},
    "UTR-003-d2": {"identity": True},
    "ATH-001-d2": {"identity": True},
}
# Values without a tube, and a second value of one draw.
_MORE_FERRITIN = (
    ("ATH-001", 3, "8.205", "ng/mL", ""),
    ("JEN-001", 2, "2480", "pmol/L", ""),
    ("LEU-002", 21, "610", "µg/L", ""),
)
_SOFA = {"attained": (11, 8, 5), "not_attained": (10, 10, 9), "not_applicable": (7, 6, 4)}


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
    labs = [Lab(n, with_seeded_cytometer(CYTOMETERS[_MODELS[n]], seed), entry) for n, entry in _MARKERS.items()]
    tubes: list[TubePlan] = []
    for number, patient in enumerate(_PATIENTS):
        tubes += _tubes_of(patient, np.random.default_rng([seed, 4, number]))
    tubes = [_with_problem(tube) for tube in tubes]
    tubes.append(_repeat(tubes))
    tubes += _controls(seed)
    ferritin = [(p[0], day, text, unit, "") for p in _PATIENTS for day, _, text, unit, _ in p[4]]
    reported = {"sample_id": "ATH-003-d21", "day": 21, "blood": None, "bead_id": "", "abc_reported": 17900.0}
    template = next(tube for tube in tubes if tube.sample_id == "ATH-003-d15")
    tubes.append(replace(template, collected_at="", **reported))
    return StudyPlan(
        name="demo",
        labs=labs,
        beads=_bead_runs(tubes),
        tubes=tubes,
        ferritin=[*ferritin, *_MORE_FERRITIN],
        config={"cohort": {"arms": ["precision", "placebo"]}},
        outcomes=[_outcome(patient) for patient in _PATIENTS],
        calls=[
            {"patient_id": p[0], "day": day, "true_abc": abc, "expected_phenotype": CALLS[call]}
            for p in _PATIENTS
            for day, abc, _, _, call in p[4]
        ],
        courses=[
            {"patient_id": p[0], "arm": p[2], "expected_reversal": p[5], "expected_reversal_day": p[6]}
            for p in _PATIENTS
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
    changes = dict(_PROBLEMS.get(tube.sample_id, {}))
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


def _bead_runs(tubes: list[TubePlan]) -> list[BeadPlan]:
    """One run per laboratory and day, an hour before the first tube of that day."""
    first: dict[tuple[str, str], datetime] = {}
    for tube in tubes:
        key = (tube.lab, tube.bead_id)
        if tube.bead_id:
            first[key] = min(first.get(key, tube.acquired_at), tube.acquired_at)
    runs = []
    for (lab, bead_id), when in sorted(first.items()):
        lot = NEW_LOT if (when - FIRST_DAY).days >= NEW_LOT_ON else "96597"
        contents = BeadRun(LOTS["quantibrite-pe", lot], n_events=10_000)
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
    first, middle, last = _SOFA[reversal]
    row: dict[str, object] = {"patient_id": patient_id, "arm": arm}
    for day in range(1, 16):
        score = np.interp(day, (1, 7, 15), (first, middle, last))
        row[f"sofa_d{day}"] = "" if dies and day >= 12 else round(float(score))
    row["death_day"] = 12 if dies else ""
    row["discharge_day"] = ""
    row["last_seen_day"] = 12 if dies else 28
    row["infection_d15"] = {"attained": "resolved", "not_attained": "failure"}.get(reversal, "intermediate")
    return row
