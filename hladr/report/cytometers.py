"""Models of cytometers that may be named: of a header's free text only what is recognised gets into the report."""

import re

# Some models bear names that people bear too (Aurora): the text has to begin with the maker or the model.
CYTOMETERS = (
    ("FACSCalibur", r"facs\s*calibur|e\d{5,}$"),
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
    ("Aurora", r"aurora(\s*(cs|evo))?$"),
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


def known_cytometer(text: str | None) -> str | None:
    """Recognise a cytometer's model in free text; None for anything else."""
    for name, pattern in CYTOMETERS:
        if text and re.match(rf"\s*({MAKERS})?\s*({pattern})", text, re.IGNORECASE):
            return name
    return None
