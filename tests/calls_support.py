"""Small makers of draws and patients for the tests of calls, courses and cohort."""

from dataclasses import dataclass, field
from types import SimpleNamespace

from hladr import flags
from hladr.ferritin import parse_ferritin
from hladr.phenotype import Draw, draws_of
from hladr.phenotype.replicates import TubeValue
from hladr.reversal import Course, judge_draws
from hladr.rules import phenotype_limits, reversal_settings
from hladr.study import config as study_config


@dataclass(frozen=True)
class Blood:
    """A row of ferritin.csv, read."""

    patient_id: str
    day: int
    interval: object


def config(**changes) -> dict:
    """Return the default configuration with changes such as `reversal={"rule": ...}`."""
    merged = study_config.defaults()
    for section, value in changes.items():
        if isinstance(value, dict):
            merged[section].update(value)
        else:
            merged[section] = value
    return merged


def tube(sample_id, patient_id="P1", day=1, abc=None, low=None, high=None, code=None, **more) -> TubeValue:
    """Make a tube; `code` sets a flag and with it the status."""
    if code:
        finding = flags.finding(code, f"found {code}", more.pop("status", None))
        more |= {"findings": (finding,), "status": finding.status}
    return TubeValue(sample_id, patient_id, day, abc=abc, abc_low=low, abc_high=high, **more)


def blood(text, day=1, patient_id="P1", unit="ng/mL") -> Blood:
    """Make a ferritin value from a laboratory's text."""
    return Blood(patient_id, day, parse_ferritin(text, unit))


def draws(tubes=(), ferritin=(), **changes) -> list[Draw]:
    """Call every draw."""
    return draws_of(tubes, ferritin, phenotype_limits(config(**changes)))


def draw(ferritin=None, abc=None, low=None, high=None, unit="ng/mL") -> Draw:
    """Call one draw from a laboratory's ferritin text (or several) and AB/C."""
    texts = [ferritin] if isinstance(ferritin, str) else ferritin or []
    tubes = [tube("S1", abc=abc, low=low, high=high)] if abc is not None else []
    made = draws(tubes, [blood(text, unit=unit) for text in texts])
    return made[0]


def course(ferritin=None, abc=None, rule="table2-sustained", baseline_day=1, **reversal) -> Course:
    """Judge one patient.

    `ferritin` maps days to a text or several; `abc` maps days to a number, or to None for a failed tube.
    """
    tubes = [
        tube(f"S{day}", day=day, abc=value) if value is not None else tube(f"S{day}", day=day, code="no_monocytes")
        for day, value in (abc or {}).items()
    ]
    values = [
        blood(text, day=day)
        for day, texts in (ferritin or {}).items()
        for text in ([texts] if isinstance(texts, str) else texts)
    ]
    changes = {"baseline_day": baseline_day, "reversal": {"rule": rule, **reversal}}
    made = draws(tubes, values, **changes)
    (judged,) = judge_draws(made, reversal_settings(config(**changes)), {})
    return judged


@dataclass
class FakeStudy:
    """The parts of a study that calls and cohort use."""

    config: dict
    tubes: list = field(default_factory=list)
    ferritin: list = field(default_factory=list)
    outcomes: list | None = None


def measurement(sample_id, abc=None, low=None, high=None, status="ok", findings=(), **more) -> SimpleNamespace:
    """Make what quantify hands over for one tube."""
    return SimpleNamespace(
        sample_id=sample_id, status=status, findings=findings, abc=abc, abc_low=low, abc_high=high, **more
    )
