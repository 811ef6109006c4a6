"""A small study of readable tables with finished results, without any FCS science: provenance looks at bytes only."""

import csv
import os
from pathlib import Path

from hladr import audit, provenance
from hladr.study import load_study

RULES = {"phenotype ferritin-first 1": "MALS where ferritin > 4420 ng/mL."}
SPECIMENS = {"S1": b"FCS3.0 one", "S2": b"FCS3.0 two", "B1": b"FCS3.0 beads"}

FILES = {
    "config.yaml": "contract: 1\nstudy: small\n",
    "labs.yaml": "athens:\n  markers: {HLA-DR: PE-A, CD14: PerCP-Cy5-5-A, CD45: APC-A}\n  compensation: m.csv\n",
    "m.csv": "PE-A,APC-A\n1,0\n0,1\n",
    "samples.csv": "sample_id,patient_id,day,lab,fcs,bead_id,abc_reported\n"
    "S1,P1,1,athens,fcs/Anna Smith.fcs,B1,\nS2,P1,4,athens,fcs/two.fcs,B1,\nS3,P1,7,athens,fcs/late.fcs,B1,\n"
    "S4,P1,15,athens,,,9000\n",
    "beads.csv": "bead_id,lab,fcs,kit,lot\nB1,athens,fcs/beads.fcs,quantibrite-pe,1\n",
    "bead_lots.csv": "kit,lot,level,value,source\nquantibrite-pe,1,1,500,leaflet\n",
    "ferritin.csv": "patient_id,day,ferritin,unit\nP1,1,600,ng/mL\n",
    "overrides/overrides.csv": "sample_id,reviewer,reason,date\nS2,KA,debris in the gate,2026-01-02\n",
    "overrides/S2.xml": "<gates/>",
}
QUANTIFICATION = {"S1": ("ok", "5500.5"), "S2": ("ok", "8000"), "S3": ("failed", ""), "S4": ("ok", "9000")}


def write_study(folder: Path) -> Path:
    """Write the tables, the specimen files and the results of a first run."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "fcs").mkdir()
    for name, file in (("S1", "Anna Smith"), ("S2", "two"), ("B1", "beads")):
        (folder / "fcs" / f"{file}.fcs").write_bytes(SPECIMENS[name])
    results = folder / "results"
    (results / "gates").mkdir(parents=True)
    (results / "gates" / "S1.xml").write_text("<gate/>")
    (results / "report").mkdir()
    (results / "report" / "S1.html").write_text("<p>S1</p>")
    (results / "report.html").write_text("<p>Report</p>")
    write_quantification(folder, QUANTIFICATION)
    write_batches(folder)
    return folder


def write_quantification(folder: Path, rows: dict[str, tuple[str, str]]) -> None:
    with open(folder / "results" / "quantification.csv", "w", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(
            [("sample_id", "status", "abc"), *((k, *v) for k, v in rows.items())]
        )


def write_batches(folder: Path) -> None:
    """Keep the digests as the batch jobs do."""
    inputs = provenance.inputs_of(load_study(folder))
    for group in ("tubes", "beads"):
        place = folder / "results" / "batches" / f"{group}_0000"
        place.mkdir(parents=True, exist_ok=True)
        digests = provenance.digest_files(inputs[group])
        provenance.write_digests(place / provenance.DIGESTS_NAME, inputs[group], digests)


def run(folder: Path) -> list[dict]:
    """Do what a run does at its end; return the events that it added."""
    known = len(audit.read(folder))
    audit.record_start(folder)
    study = load_study(folder)
    results = folder / "results"
    provenance.write(study, results, RULES, provenance.kept_digests(study, results))
    audit.record_run(study, results)
    audit.record_finish(folder)
    return [line.entry for line in audit.read(folder)[known:]]


def flip_byte_keeping_time(path: Path) -> None:
    """Change the last byte and put size and time back: only the content tells."""
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
