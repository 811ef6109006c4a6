"""Bead runs over time: Levey-Jennings series with Westgard rules, and what one PE means in each laboratory.

A series is one quantity of one cytometer, kit, lot and PE voltage (what one PE means: of all lots). Its mean and sd
come from its first accepted runs without a jump, or from the configuration.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean, stdev

from . import moments
from .flags import FAILED, finding
from .westgard import westgard

QUANTITIES = (
    "slope",
    "intercept",
    "log10_pe_brightest",
    "cv_brightest_percent",
    "max_recovery_error_percent",
    "value_at_common_pe",
)

JUMP = "calibration_jump"
ACROSS_LOTS = ("value_at_common_pe",)  # what one PE means does not depend on the lot


@dataclass(frozen=True)
class Run:
    """One bead run with its place in a series."""

    bead_id: str
    lab: str
    cytometer: int
    kit: str
    lot: str
    pe_voltage: float | None
    pe_scale: tuple  # range, gain and amplification
    acquired_at: str | None
    status: str
    change: str
    values: Mapping[str, float]
    jumped: bool = False
    state: int = 0  # how often a jump has lasted before, so that the cytometer's usual state is another

    @property
    def machine(self) -> tuple:
        """What a jump is looked for in: one cytometer with one kit at one setting of PE, whatever the lot."""
        return self.lab, self.cytometer, self.kit, self.pe_voltage, self.pe_scale


def series(calibrations: Sequence, study) -> list[dict[str, object]]:
    """Return the rows of results/drift.csv.

    Parameters
    ----------
    calibrations : sequence of calibration.Calibration
        In the order of beads.csv, with their jumps (`with_jumps`); runs without a line (failed ones included) are left
        out where they have no value.
    study : study.Study
        For the configuration's section `drift`.

    Returns
    -------
    list of dict
        Ordered by lab, cytometer, kit, lot, voltage, quantity, time.
    """
    settings = study.config["drift"]
    grouped: dict[tuple, list[Run]] = defaultdict(list)
    for run in _with_states(_runs(calibrations, settings), settings["min_runs"]):
        for quantity in QUANTITIES:
            lot = "" if quantity in ACROSS_LOTS else run.lot
            grouped[run.lab, run.cytometer, run.kit, lot, run.pe_voltage, QUANTITIES.index(quantity)].append(run)
    rows: list[dict[str, object]] = []
    for key in sorted(grouped, key=lambda k: tuple((x is not None, x) for x in k)):
        rows += _rows(grouped[key], QUANTITIES[key[-1]], settings)
    return rows


def with_jumps(calibrations: Mapping, study) -> dict:
    """Flag bead runs whose value at the common PE jumps away from the cytometer's runs before, at the same PE settings.

    What one PE means does not depend on the lot; a wrong lot whose levels have the right pattern shows only here. The
    limit is the 99.8 % prediction interval of the runs before (at most `first_runs`, at least `min_runs`), and
    `jump_percent` at least.

    Parameters
    ----------
    calibrations : mapping of str to calibration.Calibration
        By bead_id.
    study : study.Study

    Returns
    -------
    dict
        The same calibrations, some with the finding `calibration_jump`.
    """
    settings, out = study.config["drift"], dict(calibrations)
    before: dict[tuple, list[float]] = defaultdict(list)
    jumped: dict[tuple, list[float]] = defaultdict(list)
    for run in _runs(list(calibrations.values()), settings):
        if run.status == FAILED or run.acquired_at is None:
            continue
        machine = run.machine
        now = math.log(run.values["value_at_common_pe"])
        usual, limit, source = _usual(run, before[machine], settings)
        if limit is None or abs(now - usual) <= limit:
            before[machine].append(now)
            jumped[machine].clear()
            continue
        jumped[machine].append(now)
        more = "more" if now > usual else "less"
        text = f"one PE means {100 * abs(math.expm1(now - usual)):.0f} % {more} than {source}"
        found = (*out[run.bead_id].findings, finding(JUMP, text))
        out[run.bead_id] = replace(out[run.bead_id], findings=found)
        if len(jumped[machine]) >= settings["min_runs"]:  # after a service this is how the cytometer is now
            before[machine] = jumped.pop(machine)
    return out


def _usual(run: Run, earlier: Sequence[float], settings: Mapping) -> tuple[float, float | None, str]:
    """Usual ln value at the common PE, how far a run may lie from it (None: nothing to compare), where from."""
    least = math.log1p(settings["jump_percent"] / 100)
    own = _stated(run, "value_at_common_pe", settings)
    if own is not None:
        return math.log(own[0]), max(3 * own[1] / own[0], least), "the configuration says"
    last = earlier[-settings["first_runs"] :]
    n = len(last)
    if n < settings["min_runs"]:
        return 0.0, None, ""
    from scipy.special import stdtrit

    predicted = float(stdtrit(n - 1, 0.999)) * stdev(last) * math.sqrt(1 + 1 / n)
    return fmean(last), max(predicted, least), f"in the {n} bead runs before"


def _stated(run: Run, quantity: str, settings: Mapping) -> tuple[float, float] | None:
    """Mean and sd that the configuration states for a series."""
    for own in settings["limits"]:
        if (own["lab"], str(own["lot"]), own["quantity"]) == (run.lab, run.lot, quantity):
            return float(own["mean"]), float(own["sd"])
    return None


def _runs(calibrations: Sequence, settings: Mapping) -> list[Run]:
    """Put the runs in the order of time, number the cytometers of each lab, and mark changes of lot and voltage."""
    numbers: dict[tuple, int] = {}
    in_lab: dict[str, int] = defaultdict(int)
    before: dict[tuple, tuple] = {}
    runs = []
    # by instants where offsets are stated: 08:50 in universal time is no earlier than 10:30 two hours ahead of it;
    # runs of one moment stay in the order of the table, and those without any come last
    when = [moments.in_order(c.acquired_at) if c.acquired_at else datetime.max for c in calibrations]
    for _, calibration in sorted(enumerate(calibrations), key=lambda ic: (when[ic[0]], ic[0])):
        if calibration.line is None or calibration.settings is None:
            continue
        about = calibration.settings
        machine = (calibration.lab, about.cytometer, about.serial)
        if machine not in numbers:
            in_lab[calibration.lab] += 1
            numbers[machine] = in_lab[calibration.lab]
        now = (calibration.lot, about.voltage)
        last = before.get(machine)
        change = (
            ""
            if last is None
            else ";".join(name for name, a, b in zip(("lot", "voltage"), last, now, strict=True) if a != b)
        )
        before[machine] = now
        runs.append(
            Run(
                calibration.bead_id,
                calibration.lab,
                numbers[machine],
                calibration.kit,
                calibration.lot,
                about.voltage,
                (about.range, about.gain, about.decades, about.log_minimum),
                calibration.acquired_at,
                calibration.status,
                change,
                _values(calibration, settings["common_pe"]),
                any(found.code == JUMP for found in calibration.findings),
            )
        )
    return runs


def _with_states(runs: Sequence[Run], lasting: int) -> Iterator[Run]:
    """Count the usual states of each cytometer as `with_jumps` does: so many jumps in a row begin another."""
    state: dict[tuple, int] = defaultdict(int)
    in_row: dict[tuple, int] = defaultdict(int)
    for run in runs:
        yield replace(run, state=state[run.machine])
        if run.status != FAILED and run.acquired_at is not None:
            in_row[run.machine] = in_row[run.machine] + 1 if run.jumped else 0
            if in_row[run.machine] == lasting:
                state[run.machine] += 1
                in_row[run.machine] = 0


def _values(calibration, common_pe: float) -> dict[str, float]:
    line, used = calibration.line, [level for level in calibration.levels if level.used]
    brightest = max(used, key=lambda level: level.value)
    pe = getattr(brightest, f"pe_{calibration.statistic}")
    values = {
        "slope": line.slope,
        "intercept": line.intercept,
        "log10_pe_brightest": math.log10(pe),
        "cv_brightest_percent": brightest.cv_percent,
        "max_recovery_error_percent": line.max_recovery_error_percent,
        "value_at_common_pe": line.read(common_pe),
    }
    return {name: value for name, value in values.items() if value is not None}


def _rows(runs: Sequence[Run], quantity: str, settings: Mapping) -> Iterator[dict[str, object]]:
    runs = [run for run in runs if quantity in run.values]
    if not runs:
        return
    mean, sd, source = _limits(runs, quantity, settings)
    scores: list[float] = []
    for run in runs:
        value = run.values[quantity]
        z = (value - mean) / sd if mean is not None and sd else None
        accepted = run.status != FAILED
        if z is not None and accepted:
            scores.append(z)
        yield {
            "lab": run.lab,
            "cytometer": run.cytometer,
            "kit": run.kit,
            "lot": run.lot,
            "pe_voltage": run.pe_voltage,
            "quantity": quantity,
            "bead_id": run.bead_id,
            "acquired_at": run.acquired_at,
            "value": value,
            "mean": mean,
            "sd": sd,
            "limits_from": source,
            "z": z,
            "accepted": accepted,
            "rules": ";".join(westgard(scores)) if z is not None and accepted else "",
            "change": run.change,
        }


def _limits(runs: Sequence[Run], quantity: str, settings: Mapping) -> tuple[float | None, float | None, str]:
    """Mean and sd of the configuration, else of the first accepted runs of one state; none with too few of them.

    Runs that jumped would widen the very limits that are to show them, and so would two states of a cytometer. A jump
    is judged by the runs before it alone, never by these limits.
    """
    stated = _stated(runs[-1], quantity, settings)
    if stated is not None:
        return *stated, "configuration"
    usual: dict[int, list[float]] = defaultdict(list)
    for run in runs:
        if run.status != FAILED and not run.jumped:
            usual[run.state].append(run.values[quantity])
    first = next((values for values in usual.values() if len(values) >= settings["min_runs"]), None)
    if first is None:
        return None, None, ""
    first = first[: settings["first_runs"]]
    sd = stdev(first)
    return fmean(first), sd if sd > 0 else None, f"first {len(first)} runs"
