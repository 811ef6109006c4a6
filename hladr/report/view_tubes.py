"""What the page of one tube shows besides its row: flags, histogram, alternatives, settings, decisions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from .. import wording
from ..cytometers import known_cytometer
from ..fcs import NOTES
from ..kits import kit as kit_of
from ..pairing import HOURS
from .histogram import alternatives, histogram
from .view import Inputs, decisions, rounded

LIMIT_NAMES = ("SIP below", "reversal above")


def tube_blocks(inputs: Inputs, index: Sequence[Mapping]) -> dict[str, dict]:
    """Make the details of all tubes, `TUBES_PER_BLOCK` to a file: neighbours are there when one is opened."""
    blocks: dict[str, dict] = defaultdict(dict)
    rows = {row["sample_id"]: row for row in inputs.tables["quantification"]}
    said = decisions(inputs)
    for record in index:
        blocks[record["block"]][record["id"]] = tube_detail(inputs, rows[record["id"]], record, said)
    return blocks


def tube_detail(inputs: Inputs, row: Mapping, record: Mapping, said: Mapping) -> dict:
    """Make what is shown of one tube besides its row."""
    name = row["sample_id"]
    reading, measured = inputs.readings.get(name), inputs.measurements.get(name)
    config, override = inputs.config, inputs.study.overrides.get(name)
    calibration = inputs.calibrations.get(row["bead_id"]) if row["bead_id"] else None
    # no call is made of a control: no limit says anything about it
    of_both = [float(config["phenotype"]["hladr_sip_below_abc"]), float(config["reversal"]["hladr_abc"])]
    limits = of_both if record["role"] == "patient" else []
    shown = [(limit, f"{name} {limit:,.0f}") for limit, name in zip(limits, LIMIT_NAMES, strict=False)]
    statistic = config["quantify"]["statistic"]
    detail: dict[str, object] = {
        "findings": [vars_of(f) for f in measured.findings] if measured else [],
        "hist": None,
        "gates": gate_rows(reading) if reading else [],
        "alternatives": [],
        "settings": [],
        "bead": row["bead_id"],
        "gatingml": f"gates/{quote(name)}.xml" if name in inputs.gates else None,
        # a reviewer's gate that cannot be used leaves no gates at all
        "gatingml_automatic": (
            f"gates/automatic/{quote(name)}.xml" if name in inputs.gates and reading and reading.automatic else None
        ),
        "decision": None,
        "override": None,
        "notes": notes(reading) if reading else [],
    }
    automatic = {}
    if reading is not None and measured is not None:
        line = calibration.line if calibration else None
        subtracts = calibration is not None and kit_of(calibration.kit).subtracts_isotype
        detail["hist"] = histogram(reading, measured, line, subtracts, shown, statistic)
        automatic = by_automatic_gate(reading, measured, line, subtracts, statistic)
        detail["alternatives"] = alternatives(measured, automatic, limits, alternative_names(statistic))
        models = {
            "cytometer": [
                known_cytometer(reading.cytometer),
                calibration and known_cytometer(beads_cytometer(calibration)),
            ]
        }
        detail["settings"] = [
            setting(compared, models.get(compared["what"]), float(config["quantify"]["bead_window_hours"]))
            for compared in measured.pairing
        ]
    if name in said:
        detail["decision"] = {"reviewer": said[name].reviewer, "date": str(said[name].date)}
    if override is not None:
        detail["override"] = {
            "reviewer": override.reviewer,
            "reason": override.reason,
            "date": str(override.date),
            "gates": both_gates(reading, measured, automatic.get("automatic"), statistic),
        }
    return detail


def by_automatic_gate(reading, measured, line, subtracts: bool, statistic: str) -> dict[str, float]:
    """Give AB/C of the automatic gate beside an override, by the tube's own bead line."""
    automatic = ((reading.automatic or {}).get("pe") or {}).get(statistic) or {}
    theirs, ours = automatic.get("main"), (reading.pe.get(statistic) or {}).get("main")
    # with an isotype subtracted, AB/C is not in proportion to what the line reads
    if line is None or measured.abc is None or subtracts or not theirs or not ours or min(theirs, ours) <= 0:
        return {}
    return {"automatic": measured.abc * line.read(theirs) / line.read(ours)}


def vars_of(found) -> dict:
    """Make a finding a plain mapping."""
    return {"code": found.code, "sentence": found.sentence, "status": found.status}


def alternative_names(statistic: str) -> dict[str, str]:
    """Name the alternatives of AB/C as a person would ask for them."""
    other = "geometric mean" if statistic == "median" else "median"
    return {
        "main": "as it is",
        "automatic": "the automatic gate counted",
        "tight": "the gate were slightly tighter",
        "wide": "the gate were slightly wider",
        "median" if statistic != "median" else "geometric_mean": f"the {other} were used",
        "slope_one": "the bead line had slope 1",
        "bead_autofluorescence": "the beads had autofluorescence of their own",
    }


def gate_rows(reading) -> list[dict]:
    """Count events from the file to the monocytes, as far as the reading says."""
    if reading.n_events is None:
        return []
    rows = [{"name": "all events", "parent": "", "events": reading.n_events, "percent": None}]
    shares = reading.shares or {}
    for key, name, parent in (
        ("margin", "at a detector's limit", "all events"),
        ("doublets", "doublets", "events in range"),
        ("unstable_time", "in unstable time", "all events"),
    ):
        if shares.get(key) is not None:
            stays = key == "unstable_time" and "unstable_time_removed" not in reading.notes
            rows.append(
                {
                    "name": name + (", kept" if stays else ", left out"),
                    "parent": parent,
                    "events": None,
                    "percent": 100 * shares[key],
                }
            )
    if reading.n_leukocytes is not None:
        share = 100 * reading.n_leukocytes / reading.n_events if reading.n_events else None
        rows.append({"name": "leukocytes", "parent": "all events", "events": reading.n_leukocytes, "percent": share})
    if reading.n_monocytes is not None:
        rows.append(
            {
                "name": "monocytes",
                "parent": "leukocytes",
                "events": reading.n_monocytes,
                "percent": reading.monocyte_percent,
            }
        )
    whose = "automatic monocytes" if reading.gate_source == "override" else "monocytes"
    for key, name in (
        ("contamination", "foreign events in the gate, expected"),
        ("loss", "monocytes outside, expected"),
    ):
        value = getattr(reading, key)
        if value is not None:
            rows.append({"name": name, "parent": whose, "events": None, "percent": 100 * value})
    if shares.get("saturated"):
        rows.append(
            {"name": "at the PE limit", "parent": "monocytes", "events": None, "percent": 100 * shares["saturated"]}
        )
    return rows


def beads_cytometer(calibration) -> str | None:
    """Take the cytometer's name from a bead run."""
    return calibration.settings.cytometer if calibration.settings else None


def setting(row: Mapping, models: Sequence[str | None] | None, window_hours: float) -> dict:
    """Show one compared setting.

    What a header says in words stays out, but for a cytometer's model that is recognised; whether it agrees is told.
    """
    if row["what"] == HOURS:
        return {"name": HOURS, "between": apart(row["tube"], window_hours)}
    hidden = row["tube"] is None and row["beads"] is None and row["agree"] is not None
    tube, beads = (models or (None, None)) if hidden else (shown(row["tube"]), shown(row["beads"]))
    stated = "stated, not shown" if hidden else None
    return {"name": row["what"], "tube": tube or stated, "beads": beads or stated, "same": row["agree"]}


def apart(hours: float | str | None, window_hours: float) -> str:
    """Say how long before or after the tube its beads were acquired: in hours, or bounds such as `-4 to 20`."""
    limit = f"limit {window_hours:g} h"
    if hours is None:
        return f"the times of acquisition are not both stated ({limit})"
    if isinstance(hours, str):
        return f"beads {hours} h before the tube, as far as the files state the times ({limit})"
    side = "before" if hours >= 0 else "after"
    return f"beads {wording.number(abs(hours), window_hours)} h {side} the tube ({limit})"


def shown(value: object) -> object:
    """Write a setting: numbers without trailing digits."""
    return f"{value:.10g}" if isinstance(value, float) else value


def notes(reading) -> list[str]:
    """Say what was odd about the file but resolved."""
    return [NOTES[note] for note in reading.notes if note in NOTES]


def both_gates(reading, measured, abc: float | None, statistic: str) -> list[dict]:
    """Set the automatic gate beside the reviewer's: what each holds, and what it would give.

    Parameters
    ----------
    reading : tube.TubeReading or None
    measured : quantify.Measurement or None
    abc : float or None
        Of the automatic gate.
    statistic : str

    Returns
    -------
    list of dict
        name, automatic, reviewer, kind (`count`, `percent`, `pe` or `abc`); empty where there is no automatic gate.
    """
    automatic = reading.automatic if reading is not None else None
    if not automatic:
        return []
    n, leukocytes = automatic.get("n_monocytes"), reading.n_leukocytes
    share = 100 * n / leukocytes if n is not None and leukocytes else None
    pe = [(per.get(statistic) or {}).get("main") for per in (automatic.get("pe") or {}, reading.pe)]
    rows = (
        ("monocytes", n, reading.n_monocytes, "count"),
        ("share of leukocytes", share, reading.monocyte_percent, "percent"),
        (f"{statistic.replace('_', ' ')} PE", *pe, "pe"),
        ("AB/C", abc, measured.abc if measured is not None else None, "abc"),
    )
    return [
        {"name": name, "automatic": rounded(ours), "reviewer": rounded(theirs), "kind": kind}
        for name, ours, theirs, kind in rows
    ]
