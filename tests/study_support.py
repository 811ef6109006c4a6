"""A small study that is right, and ways to spoil it."""

from pathlib import Path

FILES = {
    "config.yaml": "contract: 1\nstudy: small\ncohort:\n  arms: [precision, placebo]\n",
    "labs.yaml": (
        "athens:\n"
        "  markers: {HLA-DR: PE-A, CD14: PerCP-Cy5-5-A, CD45: APC-A}\n"
        "  scatter: {forward: FSC-A, side: SSC-A}\n"
        "  decimal: ','\n"
        "  timezone: Europe/Athens\n"
        "  missing_words: [clotted]\n"
        "bonn:\n"
        "  timezone: Europe/Berlin\n"
    ),
    "samples.csv": (
        "sample_id,patient_id,day,lab,fcs,bead_id,abc_reported,arm,collected_at,replaces,isotype_id,role\n"
        "s1,P1,1,athens,fcs/s1.fcs,b1,,precision,2024-03-01T08:30,,,\n"
        "s2,P1,2,athens,fcs/s2.fcs,b1,,precision,,,,\n"
        "s2b,P1,2,athens,fcs/s2b.fcs,b1,,precision,,s2,,\n"
        "s3,P2,1,bonn,,,4120.5,placebo,,,,\n"
        "q1,P3,1,bonn,fcs/q1.fcs,b2,,,,,q1i,patient\n"
        "q1i,P3,1,bonn,fcs/q1i.fcs,b2,,,,,,isotype\n"
        "c1,donor,0,bonn,fcs/c1.fcs,b1,,,,,,control\n"
    ),
    "beads.csv": (
        "bead_id,lab,fcs,kit,lot\nb1,athens,fcs/b1.fcs,quantibrite-pe,96597\nb2,bonn,fcs/b2.fcs,qifikit,20050\n"
    ),
    "bead_lots.csv": (
        "kit,lot,level,value,source\n"
        "quantibrite-pe,96597,1,638,certificate\n"
        "quantibrite-pe,96597,2,6930,certificate\n"
        "qifikit,20050,1,,blank\n"
        "qifikit,20050,2,2900,certificate\n"
    ),
    "ferritin.csv": (
        "patient_id,day,ferritin,unit,lab\n"
        "P1,1,>7500,ng/mL,\n"
        'P1,2,"5230,5",ng/mL,athens\n'
        "P2,1,633.5,ug/L,\n"
        "P9,1,NA,pmol/L,\n"
    ),
}


def write_study(folder: Path, *changes: tuple[str, str, str], **files: str | bytes | None) -> Path:
    """Write the small study into `folder`.

    Parameters
    ----------
    folder : path
        Made here.
    *changes : (file, old, new)
        `old`, which must be there, is replaced once.
    **files : str, bytes or None
        Whole files by name with `__` for `/` and `_dot_` for `.`; None leaves a file out.
    """
    texts: dict = dict(FILES)
    for name, old, new in changes:
        assert old in texts[name], f"{old!r} is not in {name}"
        texts[name] = texts[name].replace(old, new, 1)
    texts.update({name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()})
    for name, text in texts.items():
        if text is None:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder
