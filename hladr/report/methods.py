"""Words for a paper: a paragraph with the settings that were in force, and the items of MIFlowCyt."""

from collections.abc import Mapping
from importlib import metadata

from .. import __version__
from .cytometers import known_cytometer
from .view import Inputs

CITATIONS = (
    "Giamarellos-Bourboulis EJ et al. JAMA 2025, doi 10.1001/jama.2025.24175 (phenotypes and reversal).",
    "Döcke WD et al. Clin Chem 2005;51:2341 (quantitative HLA-DR on monocytes).",
    "Spidlen J et al. Cytometry A 2015;87:683 (GatingML 2.0).",
    "Lee JA et al. Cytometry A 2008;73:926 (MIFlowCyt).",
    "White S et al. Front Immunol 2021;12:768541 (FlowKit).",
    "Mölder F et al. F1000Research 2021;10:33 (Snakemake).",
)
TO_FILL = "to be completed by the laboratory"


def cytometers(inputs: Inputs) -> dict[str, list[str]]:
    """List the recognised cytometers of each laboratory."""
    labs = {row["sample_id"]: row["lab"] for row in inputs.tables["quantification"]}
    found: dict[str, set[str]] = {}
    for name, reading in inputs.readings.items():
        model = known_cytometer(reading.cytometer)
        if model and name in labs:
            found.setdefault(labs[name], set()).add(model)
    return {lab: sorted(models) for lab, models in sorted(found.items())}


def versions() -> dict[str, str]:
    """Name the software that a reader needs to know."""
    names = ("flowkit", "flowio", "numpy", "scipy", "snakemake")
    return {"hladr": __version__} | {name: metadata.version(name) for name in names}


def paragraph(inputs: Inputs) -> list[str]:
    """Write the methods as paragraphs of plain text."""
    config = inputs.config
    quantify, phenotype, reversal = config["quantify"], config["phenotype"], config["reversal"]
    n_tubes = sum(tube.role == "patient" for tube in inputs.study.tubes)
    n_labs = len({tube.lab for tube in inputs.study.tubes})
    kits = sorted({(run.kit, run.lot) for run in inputs.study.bead_runs})
    lots = ", ".join(f"{kit} lot {lot}" for kit, lot in kits) or "none"
    statistic = str(quantify["statistic"]).replace("_", " ")
    software = versions()
    used = ", ".join(f"{name} {version}" for name, version in software.items() if name != "hladr")
    rules = {
        "table2-sustained": f"sustained at every later draw up to day {reversal['horizon_day']} (at least {reversal['min_follow_up_draws']} follow-up draws)",
        "methods-increment": f"at any draw up to day {reversal['horizon_day']}, HLA-DR counted as the increase from baseline",
        "sap-day15": "at study day 15",
    }
    fall = f"{100 * reversal['ferritin_decrease_at_least']:g}"
    first = (
        f"HLA-DR on monocytes was quantified in {n_tubes:,} tubes from {n_labs} central "
        f"{'laboratory' if n_labs == 1 else 'laboratories'} with hladr {software['hladr']} ({used}). "
        "Events at the upper limit of a scatter detector and doublets (forward scatter area against height) were left out. CD45+ leukocytes and, "
        "among them, CD14+ monocytes were gated for each tube by a mixture model on CD45, CD14 and side scatter; HLA-DR was never used for gating. "
        f"Gates were kept as GatingML 2.0{redrawn(len(inputs.study.overrides))}. "
        f"PE was compensated and summarised as the {statistic} of all gated monocytes; tubes with fewer than {quantify['min_monocytes']} monocytes were not quantified, "
        f"and those with fewer than {quantify['review_monocytes']:,} were reviewed."
    )
    second = (
        f"PE was converted to antibodies bound per cell (AB/C) by calibration beads ({lots}) acquired with the same cytometer and settings, with the line of "
        f"log10 assigned value on log10 {statistic} PE of each bead level, and a PE to antibody ratio of {quantify['pe_per_antibody']:g} unless a laboratory stated otherwise. "
        f"Bead runs more than {quantify['bead_window_hours']:g} h from the tube were reviewed. The 95 % intervals combine the bead line, the assigned bead values, the sampling of cells, "
        "the doubt of the gate and repeatability, on the logarithmic scale."
    )
    third = (
        f"Macrophage activation-like syndrome (MALS) was ferritin above {phenotype['ferritin_mals_above_ng_ml']:g} ng/mL; sepsis-induced immunoparalysis (SIP) was ferritin not above it and fewer than "
        f"{phenotype['hladr_sip_below_abc']:,g} AB/C; all others were unclassified. Reversal, by the rule {reversal['rule']}, was a fall of ferritin by at least {fall} % from baseline (day {config['baseline_day']}) in MALS, "
        f"and in SIP HLA-DR above {reversal['hladr_abc']:,g} AB/C, {rules.get(reversal['rule'], '')}. Ferritin reported as a bound was treated as an interval, and a rule held only where it held for the whole interval."
    )
    return [first, second, third]


def redrawn(n: int) -> str:
    """Say how many gates a reviewer drew; nothing where there is none."""
    return f"; {n} {'was' if n == 1 else 'were'} redrawn by a reviewer" if n else ""


def miflowcyt(inputs: Inputs) -> list[tuple[str, str, str]]:
    """List the items of MIFlowCyt 1.0: number, name, and what headers, labs.yaml and tables say."""
    study, config = inputs.study, inputs.config
    days = sorted({tube.day for tube in study.tubes})
    markers = {lab: entry.get("markers") or {} for lab, entry in study.labs.items()}
    known = cytometers(inputs)
    detectors: dict[str, set[str]] = {}
    for name, reading in inputs.readings.items():
        channel = reading.pe_channel or {}
        lab = next((t.lab for t in study.tubes if t.sample_id == name), None)
        if lab and channel.get("detector"):
            detectors.setdefault(lab, set()).add(pe_detector(channel))
    acquired = sorted(r.acquired_at[:10] for r in inputs.readings.values() if r.acquired_at)
    dates = f"{acquired[0]} to {acquired[-1]}" if acquired else "not stated in the files"
    preparation = "; ".join(f"{lab}: {entry.get('preparation') or 'not stated'}" for lab, entry in study.labs.items())
    stains = "; ".join(f"{lab}: {stain_words(entry)}" for lab, entry in markers.items())
    compensation = "; ".join(
        f"{lab}: {'a matrix of its own' if str(entry.get('compensation', 'from_file')).endswith('.csv') else entry.get('compensation', 'from_file')}"
        for lab, entry in study.labs.items()
    )
    return [
        (
            "1.1",
            "Purpose",
            "HLA-DR on monocytes as antibodies per cell, for phenotypes of sepsis-induced immune dysfunction",
        ),
        ("1.2", "Keywords", "mHLA-DR, monocytes, sepsis, MALS, SIP, Quantibrite"),
        ("1.3", "Experiment variables", f"patient, study day ({', '.join(map(str, days))}), laboratory"),
        ("1.4", "Organization and contact", TO_FILL),
        ("1.5", "Date", dates),
        ("1.6", "Conclusions", TO_FILL),
        ("1.7", "Quality control", "bead runs with slope, recoveries and Levey-Jennings charts; see Beads"),
        (
            "2.1",
            "Fluorescence specimen",
            f"EDTA blood of {len({t.patient_id for t in study.tubes if t.role == 'patient'})} patients, {len(study.tubes)} tubes",
        ),
        ("2.2", "Treatment of the specimen", preparation),
        ("2.3", "Fluorescence reagents", stains),
        (
            "3.1",
            "Instrument manufacturer and model",
            "; ".join(f"{lab}: {', '.join(models)}" for lab, models in known.items()) or TO_FILL,
        ),
        (
            "3.2",
            "Configuration and settings of PE",
            "; ".join(f"{lab}: {', '.join(sorted(found))}" for lab, found in sorted(detectors.items())) or TO_FILL,
        ),
        ("3.3", "Optical filters and lasers", TO_FILL),
        ("4.1", "List-mode data", "FCS files as delivered; checksums in provenance.json"),
        ("4.2", "Compensation", compensation),
        (
            "4.3",
            "Data transformation",
            "asinh as GatingML 2.0 defines it, for gates and pictures; statistics on linear PE",
        ),
        ("4.4", "Gating", "results/gates, one GatingML 2.0 file per tube; pictures and shares with each tube"),
        (
            "4.5",
            "Statistics",
            f"{str(config['quantify']['statistic']).replace('_', ' ')} PE of the gated monocytes, and AB/C with a 95 % interval",
        ),
    ]


def stain_words(markers: Mapping[str, str]) -> str:
    """Write which detector carries which marker, as labs.yaml states it."""
    return (
        ", ".join(f"{marker} on {channel}" for marker, channel in markers.items())
        or "found by the stain names in the files"
    )


def pe_detector(channel: Mapping) -> str:
    """Write the settings of a PE detector."""
    words = [str(channel["detector"])]
    if channel.get("voltage") is not None:
        words.append(f"{channel['voltage']:g} V")
    if channel.get("gain") not in (None, 1.0):
        words.append(f"gain {channel['gain']:g}")
    words.append(f"{channel['decades']:g} decades logarithmic" if channel.get("decades") else "linear")
    return " ".join(words)
