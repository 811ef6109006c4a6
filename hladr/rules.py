"""The rules as data: their names, versions, sources and texts (data/rules.yaml), and the settings they take."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from .paths import data_file

MALS = "MALS"
SIP = "SIP"
UNCLASSIFIED = "unclassified"
INDETERMINATE = "indeterminate"
PHENOTYPES = (MALS, SIP, UNCLASSIFIED, INDETERMINATE)

TABLE2_SUSTAINED = "table2-sustained"
METHODS_INCREMENT = "methods-increment"
SAP_DAY15 = "sap-day15"
REVERSAL_RULES = (TABLE2_SUSTAINED, METHODS_INCREMENT, SAP_DAY15)
SAP_DAY = 15  # study day of the rule sap-day15

PHENOTYPE_RULE = "ferritin-first"


@dataclass(frozen=True, slots=True)
class PhenotypeLimits:
    """The limits of the phenotype rule.

    Attributes
    ----------
    ferritin_mals_above : float
        ng/mL; ferritin above it is MALS.
    hladr_sip_below : float
        Antibodies per cell; HLA-DR below it is SIP.
    """

    ferritin_mals_above: float
    hladr_sip_below: float


@dataclass(frozen=True, slots=True)
class ReversalSettings:
    """The settings of the reversal rules.

    Attributes
    ----------
    rule : str
        One of `REVERSAL_RULES`.
    ferritin_decrease_at_least : float
        Share of the baseline by which ferritin falls, 0 to 1.
    hladr_abc : float
        Antibodies per cell: the level, or the increase, that HLA-DR exceeds.
    min_follow_up_draws : int
        Follow-up draws with the marker that make a patient evaluable (table2-sustained).
    baseline_day, horizon_day : int
        Study days; follow-up draws have baseline_day < day <= horizon_day.
    ferritin_mals_above : float
        ng/mL; sap-day15 asks for ferritin below it after SIP.
    """

    rule: str
    ferritin_decrease_at_least: float
    hladr_abc: float
    min_follow_up_draws: int
    baseline_day: int
    horizon_day: int
    ferritin_mals_above: float


def phenotype_limits(config: Mapping[str, Any]) -> PhenotypeLimits:
    """Take the limits of the phenotype rule from a study's configuration."""
    section = config["phenotype"]
    return PhenotypeLimits(float(section["ferritin_mals_above_ng_ml"]), float(section["hladr_sip_below_abc"]))


def reversal_settings(config: Mapping[str, Any], rule: str | None = None) -> ReversalSettings:
    """Take the settings of the reversal rules from a study's configuration.

    Parameters
    ----------
    config : mapping
        The whole configuration.
    rule : str, optional
        Another rule than the configured one.

    Raises
    ------
    ValueError
        For a rule that does not exist.
    """
    section = config["reversal"]
    name = rule or section["rule"]
    if name not in REVERSAL_RULES:
        raise ValueError(f"reversal.rule is {name!r}, expected one of {', '.join(REVERSAL_RULES)}")
    return ReversalSettings(
        rule=name,
        ferritin_decrease_at_least=float(section["ferritin_decrease_at_least"]),
        hladr_abc=float(section["hladr_abc"]),
        min_follow_up_draws=int(section["min_follow_up_draws"]),
        baseline_day=int(config["baseline_day"]),
        horizon_day=int(section["horizon_day"]),
        ferritin_mals_above=float(config["phenotype"]["ferritin_mals_above_ng_ml"]),
    )


@cache
def catalogue() -> dict[str, dict[str, dict[str, Any]]]:
    """Read data/rules.yaml: `phenotype` and `reversal`, each rule by its name."""
    with open(data_file("rules.yaml"), encoding="utf-8") as handle:
        return yaml.safe_load(handle)


@cache
def versioned(kind: str, name: str) -> str:
    """Return a rule's name with its version, as `ferritin-first (version 1)`."""
    return f"{name} (version {catalogue()[kind][name]['version']})"


def texts(config: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return every rule with the study's limits filled in, for provenance and report.

    Returns
    -------
    list of dict
        `kind`, `name`, `version`, `title`, `text`, `source`.
    """
    limits = phenotype_limits(config)
    settings = reversal_settings(config)
    numbers = {
        "ferritin_mals": f"{limits.ferritin_mals_above:,.10g}",
        "hladr_sip": f"{limits.hladr_sip_below:,.10g}",
        "ferritin_percent": f"{100 * (1 - settings.ferritin_decrease_at_least):.10g}",
        "hladr": f"{settings.hladr_abc:,.10g}",
        "horizon": str(settings.horizon_day),
        "minimum": str(settings.min_follow_up_draws),
    }
    rows = []
    for kind, named in catalogue().items():
        for name, rule in named.items():
            rows.append(
                {
                    "kind": kind,
                    "name": name,
                    "version": str(rule["version"]),
                    "title": rule["title"],
                    "text": rule["text"].format(**numbers),
                    "source": rule["source"],
                }
            )
    return rows


def in_force(config: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return of `texts` the two rules that a study is judged by."""
    names = (PHENOTYPE_RULE, reversal_settings(config).rule)
    return [rule for rule in texts(config) if rule["name"] in names]
