"""Counting and measuring behind the gates of one tube, and the flags that follow."""

import math
from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np

from .. import quality
from ..flags import Finding, finding
from ..gating.doubt import STATISTICS, Doubt, central, is_possible, pe_doubt, spread_ln
from ..gating.learn import Learned, Signal
from ..quality.time import fifths, odd_fifth, stability
from .reading import TubeReading

MEASURED = "hladr_measured"  # PE as the detector gave it, beside the compensated signal
PE_REACH = 2000.0  # top of the axis of PE over the value at which it turns from linear to logarithmic


def measure(reading: TubeReading, signals, masks, learned: Learned, stable, config: Mapping) -> TubeReading:
    """Count and measure behind the automatic gates."""
    limits = int(masks["limits"].sum())
    shares = {
        "margin": quality.share(reading.n_events - limits, reading.n_events),
        "doublets": quality.share(limits - int(masks["singlets"].sum()), limits) if "singlets" in masks else None,
        "unstable_time": stable.unstable_share if stable else None,
    }
    n_leukocytes = int(masks["leukocytes"].sum())
    reading = replace(reading, n_leukocytes=n_leukocytes, shares=shares)
    return counted(reading, signals, masks, learned.doubt, stable, config)


def counted(reading: TubeReading, signals, masks, doubt: Doubt | None, stable, config: Mapping) -> TubeReading:
    """Measure the monocytes, and set the flags of the gate and the acquisition.

    There is no doubt that could be counted behind a reviewer's gate in a tube that cannot be gated without it.
    """
    monocytes = masks["monocytes"]
    n = int(monocytes.sum())
    pe = signals["hladr"].values
    inside = pe[monocytes]
    names = {"main": "monocytes", "tight": "monocytes_tight", "wide": "monocytes_wide"}
    values = {s: {label: central(pe[masks[name]], s) for label, name in names.items()} for s in STATISTICS}
    sd_ln = spread_ln(inside)
    doubts = pe_doubt(doubt, values, sd_ln)
    shares = {
        **reading.shares,
        "saturated": _saturated(signals[MEASURED], monocytes),
        "pe_not_positive": quality.share(int((inside <= 0).sum()), n),
    }
    change = fifths(_time(signals), pe, monocytes & is_possible(pe))
    reading = replace(
        reading,
        n_monocytes=n,
        monocyte_percent=100 * n / reading.n_leukocytes if reading.n_leukocytes else None,
        pe=values,
        n_tight=int(masks["monocytes_tight"].sum()),
        n_wide=int(masks["monocytes_wide"].sum()),
        pe_sd_ln=sd_ln,
        gate_doubt={s: asdict(d) for s, d in doubts.items()},
        contamination=doubt.contamination if doubt else None,
        loss=doubt.loss if doubt else None,
        separation=doubt.separation if doubt else None,
        shares=shares,
        pe_first_fifth=change.first if change else None,
        pe_last_fifth=change.last if change else None,
        pe_histogram=_histogram(inside, signals["hladr"]),
    )
    found = _count_flags(reading, config["quantify"])
    if n >= config["quantify"]["min_monocytes"]:  # with fewer there is nothing to be uncertain about
        found += _gate_flags(reading, doubt, config["gating"])
    found += _acquisition_flags(reading, change, stable, config["quality"])
    if not any(f.code == "signal_drift" for f in found):
        found += _passing_drift(signals, monocytes, config["quality"]["drift_review"])
    return replace(reading, findings=(*reading.findings, *found))


def _time(signals) -> np.ndarray | None:
    return signals["time"].values if "time" in signals else None


def stability_of(signals, masks, quality_settings, damaged: np.ndarray | None = None):
    """Look at the rate and at scatter and CD45 of the leukocytes over time."""
    names = {"forward": "forward scatter", "side": "side scatter", "cd45": "CD45"}
    values = {text: signals[name].values for name, text in names.items() if name in signals}
    time = _time(signals)
    sound = slice(None) if damaged is None else ~damaged  # a damaged event says nothing about the cytometer
    return stability(
        time[sound] if time is not None else None,
        masks["leukocytes"][sound],
        {text: v[sound] for text, v in values.items()},
        quality_settings["drift_review"],
        quality_settings["rate_factor"],
    )


def _saturated(measured: Signal, monocytes: np.ndarray) -> float | None:
    """Share of the monocytes at the PE detector's limit, before compensation."""
    limit = quality.upper_limit(measured.values, measured.top)
    inside = measured.values[monocytes]
    return quality.share(int((inside >= limit).sum()) if limit is not None else 0, len(inside))


def _histogram(inside: np.ndarray, signal: Signal) -> dict | None:
    if not len(inside):
        return None
    cofactor = signal.top / PE_REACH
    values = np.arcsinh(inside / cofactor)
    edges = np.linspace(-2.0, math.asinh(PE_REACH) + 0.2, 65)
    return {
        "edges": [round(float(e), 6) for e in edges],
        "counts": [int(c) for c in np.histogram(values, edges)[0]],
        "cofactor": cofactor,
    }


def _count_flags(reading: TubeReading, settings: Mapping) -> list[Finding]:
    n, minimum, enough = reading.n_monocytes, settings["min_monocytes"], settings["review_monocytes"]
    where = "lie in the reviewer's gate" if reading.gate_source == "override" else "were found"
    if n < minimum:
        return [finding("no_monocytes", f"{n} monocytes {where}, at least {minimum:,} are needed")]
    if n < enough:
        return [finding("few_monocytes", f"{n} monocytes {where}, fewer than {enough:,}")]
    return []


def _gate_flags(reading: TubeReading, doubt: Doubt, settings: Mapping) -> list[Finding]:
    if reading.gate_source != "automatic" or not doubt.uncertain(settings["uncertain_above"]):
        return []
    return [
        finding(
            "gate_uncertain",
            f"about {100 * reading.contamination:.0f} % of the gated events may not be monocytes, and about "
            f"{100 * reading.loss:.0f} % of the monocytes may lie outside",
        )
    ]


def _passing_drift(signals, monocytes: np.ndarray, limit: float) -> list[Finding]:
    """Flag PE and CD14 of the monocytes that change during the acquisition, also where they come back."""
    for name, text in (("hladr", "PE"), ("cd14", "CD14")):
        values = signals[name].values
        odd = odd_fifth(_time(signals), values, monocytes & is_possible(values), limit)
        if odd is not None:
            which = ("first", "second", "third", "fourth", "last")[odd[0]]
            by = f" by {100 * odd[1].relative:+.0f} %" if odd[1].first > 0 else ""
            text = f"the monocytes' {text} differs{by} in the {which} fifth of the acquisition from the others"
            return [finding("signal_drift", text, "review")]
    return []


def _acquisition_flags(reading: TubeReading, change, stable, settings: Mapping) -> list[Finding]:
    out = []
    saturated = reading.shares["saturated"] or 0
    if saturated > settings["saturated_share"]:
        text = f"{100 * saturated:.1f} % of the monocytes lie at the PE detector's limit"
        if saturated > 0.5:  # the median itself is the limit
            text += ", more than half of them: PE and AB/C are lower bounds"
        out.append(finding("saturated", text))
    drift = change.status(settings["drift_review"], settings["drift_failed"]) if change is not None else None
    if drift is not None:
        by = f"by {100 * change.relative:+.0f} %" if change.first > 0 else "from zero or below"
        text = f"the monocytes' PE changed {by} from the first to the last fifth"
        out.append(finding("signal_drift", text, drift))
    unstable = max(stable.unstable_share, stable.odd_rate_time) if stable is not None else 0.0
    if stable is not None and (stable.carry_over or unstable > settings["unstable_share"]):
        out.append(finding("signal_drift", "over the acquisition, " + ", ".join(stable.reasons), "review"))
    return out
