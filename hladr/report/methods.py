"""Words for a paper: a paragraph with the settings that were in force, and the versions and papers it cites."""

from importlib import metadata

from .. import __version__, rules
from .view import Inputs

CITATIONS = (
    "Giamarellos-Bourboulis EJ et al. JAMA 2025, doi 10.1001/jama.2025.24175 (phenotypes and reversal).",
    "Döcke WD et al. Clin Chem 2005;51:2341 (quantitative HLA-DR on monocytes).",
    "Spidlen J et al. Cytometry A 2015;87:683 (GatingML 2.0).",
    "Lee JA et al. Cytometry A 2008;73:926 (MIFlowCyt).",
    "White S et al. Front Immunol 2021;12:768541 (FlowKit).",
    "Mölder F et al. F1000Research 2021;10:33 (Snakemake).",
)


def versions() -> dict[str, str]:
    """Name the software that a reader needs to know."""
    names = ("flowkit", "flowio", "numpy", "scipy", "snakemake")
    return {"hladr": __version__} | {name: metadata.version(name) for name in names}


def paragraph(inputs: Inputs, environment) -> str:
    """Write the methods as plain text, from `templates/paragraph.txt.j2` and the study's settings."""
    config, study = inputs.config, inputs.study
    software = versions()
    ratios = {lab: entry.get("pe_per_antibody") for lab, entry in study.labs.items()}
    kits = sorted({(run.kit, run.lot) for run in study.bead_runs})
    return environment.get_template("paragraph.txt.j2").render(
        n_tubes=sum(tube.role == "patient" for tube in study.tubes),
        n_labs=len({tube.lab for tube in study.tubes}),
        n_overrides=len(study.overrides),
        any_cd45=any(reading.cd45 for reading in inputs.readings.values()),
        any_singlets=any((r.shares or {}).get("doublets") is not None for r in inputs.readings.values()),
        lots=", ".join(f"{kit} lot {lot}" for kit, lot in kits) or "no bead run",
        own_ratios=", ".join(f"{lab}: {ratio:g}" for lab, ratio in ratios.items() if ratio is not None),
        statistic=str(config["quantify"]["statistic"]).replace("_", " "),
        software=software,
        used=", ".join(f"{name} {version}" for name, version in software.items() if name != "hladr"),
        quantify=config["quantify"],
        phenotype=config["phenotype"],
        reversal=config["reversal"],
        reversal_text=next(rule["text"] for rule in rules.in_force(config) if rule["kind"] == "reversal"),
        baseline_day=config["baseline_day"],
    )
