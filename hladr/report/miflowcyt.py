"""The items of MIFlowCyt 1.0, as far as headers, labs.yaml and tables can fill them."""

from collections import defaultdict
from collections.abc import Mapping

from ..cytometers import known_cytometer
from ..labs import FROM_FILE, NONE, compensation_of
from .view import Inputs

TO_FILL = "to be completed by the laboratory"


def items(inputs: Inputs) -> list[tuple[str, str, str]]:
    """List number, name and content of each item."""
    study = inputs.study
    patients = {tube.patient_id for tube in study.tubes if tube.role == "patient"}
    days = ", ".join(map(str, sorted({tube.day for tube in study.tubes})))
    statistic = str(inputs.config["quantify"]["statistic"]).replace("_", " ")
    purpose = "HLA-DR on monocytes as antibodies per cell, for phenotypes of sepsis-induced immune dysfunction"
    return [
        ("1.1", "Purpose", purpose),
        ("1.2", "Keywords", "mHLA-DR, monocytes, sepsis, MALS, SIP"),
        ("1.3", "Experiment variables", f"patient, study day ({days}), laboratory"),
        ("1.4", "Organization and contact", TO_FILL),
        ("1.5", "Date", dates(inputs)),
        ("1.6", "Conclusions", TO_FILL),
        ("1.7", "Quality control", "bead runs with slope, recoveries and Levey-Jennings charts; see Beads"),
        ("2.1", "Fluorescence specimen", f"blood of {len(patients)} patients, {len(study.tubes)} tubes"),
        ("2.2", "Treatment of the specimen", per_lab(study.labs, lambda e: e.get("preparation") or "not stated")),
        ("2.3", "Fluorescence reagents", per_lab(study.labs, lambda e: stains(e.get("markers") or {}))),
        ("3.1", "Instrument manufacturer and model", found_per_lab(inputs, model_of) or TO_FILL),
        ("3.2", "Configuration and settings of PE", found_per_lab(inputs, pe_detector) or TO_FILL),
        ("3.3", "Optical filters and lasers", TO_FILL),
        ("4.1", "List-mode data", "FCS files as delivered; checksums in provenance.json"),
        ("4.2", "Compensation", per_lab(study.labs, compensation)),
        ("4.3", "Data transformation", "asinh as GatingML 2.0 defines it, for gates; statistics on linear PE"),
        ("4.4", "Gating", "results/gates, one GatingML 2.0 file per tube; pictures and shares with each tube"),
        ("4.5", "Statistics", f"{statistic} PE of the gated monocytes, and AB/C with a 95 % interval"),
    ]


def dates(inputs: Inputs) -> str:
    """Give the first and last day of acquisition."""
    days = sorted(reading.acquired_at[:10] for reading in inputs.readings.values() if reading.acquired_at)
    return f"{days[0]} to {days[-1]}" if days else "not stated in the files"


def per_lab(labs: Mapping[str, Mapping], words) -> str:
    """Say something of each laboratory's entry in labs.yaml."""
    return "; ".join(f"{lab}: {words(entry)}" for lab, entry in labs.items())


def found_per_lab(inputs: Inputs, words) -> str:
    """Gather what the files of each laboratory say; nothing where they say nothing."""
    labs, found = {tube.sample_id: tube.lab for tube in inputs.study.tubes}, defaultdict(set)
    for name, reading in inputs.readings.items():
        said = words(reading)
        if said and name in labs:
            found[labs[name]].add(said)
    return "; ".join(f"{lab}: {', '.join(sorted(said))}" for lab, said in sorted(found.items()))


def model_of(reading) -> str | None:
    """Name the cytometer, where its model is recognised."""
    return known_cytometer(reading.cytometer)


def stains(markers: Mapping[str, str]) -> str:
    """Write which detector carries which marker, as labs.yaml states it."""
    return (
        ", ".join(f"{marker} on {channel}" for marker, channel in markers.items()) or "found by the stains in the files"
    )


def compensation(entry: Mapping) -> str:
    """Write where a laboratory's compensation comes from, without a path."""
    words = {FROM_FILE: "the matrix in the files", NONE: "none"}
    return words.get(compensation_of(entry), "a matrix of its own")


def pe_detector(reading) -> str | None:
    """Write the settings of a tube's PE detector."""
    channel = reading.pe_channel or {}
    if not channel.get("detector"):
        return None
    words = [str(channel["detector"])]
    if channel.get("voltage") is not None:
        words.append(f"{channel['voltage']:g} V")
    if channel.get("gain") not in (None, 1.0):
        words.append(f"gain {channel['gain']:g}")
    words.append(f"{channel['decades']:g} decades logarithmic" if channel.get("decades") else "linear")
    return " ".join(words)
