"""A call as a sentence with the numbers behind it."""

from .. import flags, wording
from ..ferritin import Interval
from ..rules import MALS, SIP, UNCLASSIFIED, PhenotypeLimits
from .replicates import Hladr


def of_call(phenotype: str, ferritin: Interval | None, hladr: Hladr, rule: PhenotypeLimits) -> str:
    """Say a draw's call with its numbers, what was done to its tubes, and what to review."""
    limit = rule.ferritin_mals_above
    sip = wording.abc_number(rule.hladr_sip_below)
    mals = wording.ferritin_number(limit)
    side = {SIP: f"below {sip}", UNCLASSIFIED: f"not below {sip}"}.get(phenotype, "")
    abc = None
    if hladr.abc is not None:
        abc = wording.abc(hladr.abc, hladr.low, hladr.high, rule.hladr_sip_below, side)
    blood = wording.ferritin(ferritin, limit) if ferritin else None
    if phenotype == MALS:
        sentence = f"MALS: ferritin {blood} (above {mals}) decides; {abc or _absent(hladr)}"
    elif phenotype in (SIP, UNCLASSIFIED):
        word = SIP if phenotype == SIP else "Unclassified"
        sentence = f"{word}: ferritin {blood} (not above {mals}) and {abc}"
    else:
        sentence = f"Indeterminate: {_why_not(ferritin, blood, mals, rule)}"
        if ferritin is None or not ferritin.definitely_at_most(limit):
            sentence += f"; {abc}" if abc else f"; {_absent(hladr)}"
        else:
            sentence += f", and {_absent(hladr)}"
    parts = [sentence, *hladr.notes]
    if hladr.findings and hladr.abc is not None:
        parts.append("to review: " + ", ".join(dict.fromkeys(f.sentence for f in hladr.findings)))
    elif hladr.findings:
        parts.append(", ".join(dict.fromkeys(f.sentence for f in flags.ordered(hladr.findings))))
    return "; ".join(parts)


def _why_not(ferritin: Interval | None, blood: str | None, mals: str, rule: PhenotypeLimits) -> str:
    if ferritin is None:
        return "ferritin is missing"
    if ferritin.definitely_at_most(rule.ferritin_mals_above):
        return f"ferritin {blood} (not above {mals})"
    return f"ferritin {blood} may lie on either side of {mals}"


def _absent(hladr: Hladr) -> str:
    return "HLA-DR failed" if hladr.status == flags.FAILED else "HLA-DR is missing"
