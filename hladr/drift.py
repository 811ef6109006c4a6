"""Bead runs over time: Levey-Jennings series with Westgard rules, and what one PE means in each laboratory.

A series is one quantity of one cytometer, kit, lot and setting of PE (what one PE means: of all lots). Its mean and sd
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

ACROSS_LOTS = ("value_at_common_pe",)  # comparable from lot to lot; the other quantities are a lot's own


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
    jump: str = ""  # how what one PE means jumps, as a sentence; empty where it does not
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
        In the order of beads.csv; runs without a line are left out.
    study : study.Study
        For the configuration's section `drift`.

    Returns
    -------
    list of dict
        Ordered by lab, cytometer, kit, lot, setting of PE, quantity, time.
    """
    settings = study.config["drift"]
    grouped: dict[tuple, list[Run]] = defaultdict(list)
    for run in _judged(_runs(calibrations, settings), settings):
        for quantity in QUANTITIES:
            lot = "" if quantity in ACROSS_LOTS else run.lot
            place = (run.lab, run.cytometer, run.kit, lot, run.pe_voltage, *run.pe_scale, QUANTITIES.index(quantity))
            grouped[place].append(run)
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
    for run in _judged(_runs(list(calibrations.values()), settings), settings):
        if run.jump:
            known = out[run.bead_id]
            out[run.bead_id] = replace(known, findings=(*known.findings, finding("calibration_jump", run.jump)))
    return out


def _judged(runs: Sequence[Run], settings: Mapping) -> Iterator[Run]:
    """Compare each run with those before it: does what one PE means jump, and which state of the cytometer is usual.

    So many jumps in a row as there have to be runs to compare with (`min_runs`) are how the cytometer is now, after a
    service: they begin another state, and the runs after them are compared with them. Failed runs and those without a
    time are neither judged nor compared with.
    """
    before: dict[tuple, list[float]] = defaultdict(list)
    jumps: dict[tuple, list[float]] = defaultdict(list)
    states: dict[tuple, int] = defaultdict(int)
    for run in runs:
        machine = run.machine
        state = states[machine]
        jump = ""
        if run.status != FAILED and run.acquired_at is not None:
            now = math.log(run.values["value_at_common_pe"])
            usual, limit, source = _usual(run, before[machine], settings)
            if limit is None or abs(now - usual) <= limit:
                before[machine].append(now)
                jumps[machine].clear()
            else:
                jumps[machine].append(now)
                more = "more" if now > usual else "less"
                jump = f"one PE means {100 * abs(math.expm1(now - usual)):.0f} % {more} than {source}"
                if len(jumps[machine]) >= settings["min_runs"]:
                    before[machine] = jumps.pop(machine)
                    states[machine] += 1
        yield replace(run, jump=jump, state=state)


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
    """Put the runs in the order of time, number the cytometers of each lab, and mark changes of lot and settings."""
    numbers: dict[tuple, int] = {}
    in_lab: dict[str, int] = defaultdict(int)
    before: dict[tuple, dict] = {}
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
        scale = (about.range, about.gain, about.decades, about.log_minimum)
        now = {"lot": calibration.lot, "voltage": about.voltage, "scale": scale}
        last = before.get(machine)
        change = "" if last is None else ";".join(name for name in now if now[name] != last[name])
        before[machine] = now
        runs.append(
            Run(
                calibration.bead_id,
                calibration.lab,
                numbers[machine],
                calibration.kit,
                calibration.lot,
                about.voltage,
                scale,
                calibration.acquired_at,
                calibration.status,
                change,
                _values(calibration, settings["common_pe"]),
            )
        )
    return runs


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
    # runs of other lots may be in the series: what is stated for one of its lots holds for all of it
    stated = [own for run in runs if (own := _stated(run, quantity, settings)) is not None]
    if stated:
        return *stated[-1], "configuration"
    usual: dict[int, list[float]] = defaultdict(list)
    for run in runs:
        if run.status != FAILED and not run.jump:
            usual[run.state].append(run.values[quantity])
    first = next((values for values in usual.values() if len(values) >= settings["min_runs"]), None)
    if first is None:
        return None, None, ""
    first = first[: settings["first_runs"]]
    sd = stdev(first)
    return fmean(first), sd if sd > 0 else None, f"first {len(first)} runs"
