"""Models of cytometers that may be named: of a header's free text only what is recognised gets into the report."""

import re

CYTOMETERS = (
    ("FACSCalibur", r"facs\s*calibur|^e\d{3,}"),
    ("FACSCanto", r"canto"),
    ("FACSLyric", r"lyric"),
    ("FACSVerse", r"verse"),
    ("FACSCelesta", r"celesta"),
    ("FACSymphony", r"symphony"),
    ("FACSAria", r"aria"),
    ("LSRFortessa", r"fortessa"),
    ("LSR II", r"lsr\s*ii|lsrii"),
    ("Accuri C6", r"accuri|c6"),
    ("Cytomics FC 500", r"fc\s*500|cytomics"),
    ("Navios", r"navios"),
    ("Gallios", r"gallios"),
    ("CytoFLEX", r"cytoflex"),
    ("DxFLEX", r"dxflex"),
    ("Attune", r"attune"),
    ("MACSQuant", r"macsquant"),
    ("Aurora", r"aurora"),
    ("Northern Lights", r"northern"),
    ("Guava", r"guava"),
    ("CyFlow", r"cyflow"),
    ("Cytek", r"cytek|xp5|dxp"),
    ("ID7000", r"id7000"),
    ("NovoCyte", r"novocyte"),
)


def known_cytometer(text: str | None) -> str | None:
    """Recognise a cytometer's model in free text; None for anything else."""
    for name, pattern in CYTOMETERS:
        if text and re.search(pattern, text, re.IGNORECASE):
            return name
    return None
