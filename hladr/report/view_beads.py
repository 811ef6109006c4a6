"""The data blocks of bead runs: levels, lines, what hangs on them, and the charts over time."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ..drift import ACROSS_LOTS
from ..kits import kit as kit_of
from .view import Inputs, rounded
from .view_tubes import vars_of

QUANTITIES = {
    "slope": ("slope of the line", ""),
    "intercept": ("intercept of the line", "log10 at PE 1"),
    "log10_pe_brightest": ("PE of the brightest level", "log10"),
    "cv_brightest_percent": ("CV of the brightest level", "%"),
    "max_recovery_error_percent": ("largest recovery error", "%"),
}
AT_COMMON_PE = "value_at_common_pe"
NEVER_NEGATIVE = {"cv_brightest_percent", "max_recovery_error_percent"}
MODEL_NAMES = {"by_slope_one": "line of slope 1", "by_offset": "beads with autofluorescence of their own"}


def bead_records(inputs: Inputs) -> list[dict]:
    """Make one record per row of beads.csv."""
    tubes: dict[str, list[str]] = defaultdict(list)
    for row in inputs.tables["quantification"]:
        if row["bead_id"]:
            tubes[row["bead_id"]].append(row["sample_id"])
    records = []
    for place, row in enumerate(inputs.tables["calibrations"]):
        run = inputs.calibrations.get(row["bead_id"])
        statistic = run.statistic if run else "median"
        picture = row["bead_id"] in inputs.bead_pictures
        records.append(
            {
                "bead_id": row["bead_id"],
                "place": place,
                "lab": row["lab"],
                "kit": row["kit"],
                "lot": row["lot"],
                "status": row["status"],
                "reason": row["reason"] or "",
                "slope": rounded(row["slope"]),
                "intercept": rounded(row["intercept"]),
                "r_squared": rounded(row["r_squared"]),
                "max_recovery_error_percent": rounded(row["max_recovery_error_percent"], 4),
                "pe_voltage": row["pe_voltage"],
                "acquired": run.acquired_at if run else None,
                "findings": [vars_of(f) for f in run.findings] if run else [],
                "levels": [level_record(level, statistic) for level in run.levels] if run else [],
                "models": models(run, float(inputs.config["phenotype"]["hladr_sip_below_abc"])),
                "unit": f"{kit_of(row['kit'], inputs.config['kits']).unit} per bead",
                "tubes": tubes.get(row["bead_id"], []),
                "picture": f"pictures/beads/{place:05d}.png" if picture else None,
            }
        )
    return records


def level_record(level, statistic: str) -> dict:
    """Show one level of a lot as found."""
    return {
        "level": level.level,
        "value": level.value,
        "pe": rounded(getattr(level, f"pe_{statistic}")),
        "events": level.events,
        "cv_percent": rounded(level.cv_percent, 4),
        "recovery_percent": rounded(100 * level.recovery, 5) if level.recovery is not None else None,
        "used": level.used,
    }


def models(run, by_line: float) -> list[dict]:
    """Say what a value by the line, the limit of SIP, would read by the other models of the same levels."""
    if run is None or run.line is None or not run.line.slope:
        return []
    pe = 10 ** ((math.log10(by_line) - run.line.intercept) / run.line.slope)
    made = []
    for name, words in MODEL_NAMES.items():
        value = run.line.read(pe, name)
        if value is not None:
            made.append({"name": words, "reads": rounded(value, 5)})
    return made


def drift_series(rows: Sequence[Mapping], config: Mapping) -> list[dict]:
    """Group the rows of drift.csv into charts: one quantity of one cytometer with one lot.

    A series of one run has nothing to show over time.
    """
    groups: dict[tuple, list[Mapping]] = defaultdict(list)
    for row in rows:
        lot = "" if row["quantity"] in ACROSS_LOTS else row["lot"]
        groups[(row["lab"], row["cytometer"], row["kit"], lot, row["quantity"])].append(row)
    several = {(lab, number) for lab, number, *_ in groups if number is not None and number > 1}
    series = []
    for (lab, number, kit, lot, quantity), points in groups.items():
        if len(points) < 2 or quantity not in (*QUANTITIES, AT_COMMON_PE):
            continue
        which = f", cytometer {number}" if any(lab == other for other, _ in several) else ""
        title, unit = _named(quantity, kit, config)
        series.append(
            {
                "lab": lab,
                "group": f"{lab}{which}, {kit}, {f'lot {lot}' if lot else 'all lots'}",
                "title": title,
                "unit": unit,
                "points": [drift_point(p) for p in points],
            }
        )
    return sorted(series, key=lambda s: (s["lab"], s["group"]))


def _named(quantity: str, kit: str, config: Mapping) -> tuple[str, str]:
    """Name a quantity over time, and its unit: what is read at the common PE is in the kit's own."""
    if quantity != AT_COMMON_PE:
        return QUANTITIES[quantity]
    return f"{kit_of(kit, config.get('kits')).unit} read at PE {float(config['drift']['common_pe']):,.6g}", ""


def drift_point(row: Mapping) -> dict:
    """Make one point of a Levey-Jennings chart with its limits at three standard deviations."""
    mean, sd = row["mean"], row["sd"]
    low = mean - 3 * sd if mean is not None and sd is not None else None
    if low is not None and low <= 0 and row["quantity"] in NEVER_NEGATIVE:
        low = None  # no run can fall below it: a line there would promise an alarm that cannot come
    broken = [text for text in (row["rules"], row["change"] and f"changed: {row['change']}") if text]
    return {
        "name": row["bead_id"],
        "when": (row["acquired_at"] or "")[:10],
        "value": rounded(row["value"]),
        "centre": rounded(mean),
        "low": rounded(low),
        "high": rounded(mean + 3 * sd) if mean is not None and sd is not None else None,
        "alarm": row["rules"] or None,
        "note": "; ".join(broken),
    }
