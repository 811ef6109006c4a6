"""Name and serial number of a cytometer: free text of a header, of which results hold only what cannot name a person.

A recognised model may be shown. For telling one cytometer from another, a digest of the text is kept, not the text.
"""

import hashlib
import re
from functools import lru_cache

# Some models bear names that people bear too (Aurora): the text has to begin with the maker or the model.
CYTOMETERS = (
    ("FACSCalibur", r"facs\s*calibur|e\d{4,}$"),
    ("FACSCanto", r"(facs)?\s*canto"),
    ("FACSLyric", r"facs\s*lyric"),
    ("FACSVerse", r"facs\s*verse"),
    ("FACSCelesta", r"facs\s*celesta"),
    ("FACSymphony", r"facs\s*symphony"),
    ("FACSAria", r"facs\s*aria"),
    ("LSRFortessa", r"(lsr)?\s*fortessa"),
    ("LSR II", r"lsr\s*ii"),
    ("Accuri C6", r"accuri|c6"),
    ("Cytomics FC 500", r"(cytomics)?\s*fc\s*500"),
    ("Navios", r"navios"),
    ("Gallios", r"gallios"),
    ("CytoFLEX", r"cytoflex"),
    ("DxFLEX", r"dxflex"),
    ("Attune", r"attune"),
    ("MACSQuant", r"macsquant"),
    ("Aurora", r"aurora(\s*(cs|evo))?(\s*$|\s[0-9a-f]{12}$)"),
    ("Northern Lights", r"northern\s*lights"),
    ("Guava", r"guava"),
    ("CyFlow", r"cyflow"),
    ("Cytek", r"cytek|(xp|dxp)\s*\d"),
    ("ID7000", r"id7000"),
    ("NovoCyte", r"novocyte"),
)
MAKERS = (
    "bd|becton dickinson|beckman( coulter)?|coulter|thermo( fisher)?|applied biosystems|miltenyi|cytek|sony|agilent"
)
_SCRUBBED = re.compile(r"(.+ )?#[0-9a-f]{12}")


@lru_cache  # a study has few cytometers, and two texts for each tube
def known_cytometer(text: str | None) -> str | None:
    """Recognise a cytometer's model in free text; None for anything else."""
    for name, pattern in CYTOMETERS:
        if text and re.match(rf"\s*({MAKERS})?\s*({pattern})", text, re.IGNORECASE):
            return name
    return None


@lru_cache(maxsize=1024)  # and as many pairs of tube and beads as tubes
def plain(text: str) -> str:
    """Return letters and digits in small letters: `LSR II` is `lsrII`, a serial number with leading blanks the same."""
    return "".join(c for c in text.casefold() if c.isalnum())


def veiled(text: str | None) -> str | None:
    """Turn a header's text into what may be stored: the recognised model, if any, and a digest to compare by.

    Letters and digits count, capitals do not (`plain`). What `scrubbed` wrote gives what the original gave.
    """
    if text and _SCRUBBED.fullmatch(text):
        return text.replace("#", "")
    bare = plain(text or "")
    if not bare:
        return None
    digest = hashlib.sha256(bare.encode()).hexdigest()[:12]
    model = known_cytometer(text)
    return f"{model} {digest}" if model else digest


def scrubbed(text: str | None) -> str | None:
    """Return what may stand for a header's text in a file to share: `FACSCanto #0123456789ab`."""
    kept = veiled(text)
    return None if kept is None else f"{kept[:-12]}#{kept[-12:]}"
