"""The results folder as an RO-Crate on request: Workflow Run Crate 0.5, plain JSON-LD.

The crate is described where the results lie. Specimen files stay outside it and are named by id and SHA-256 only, so
the folder can be passed on; the workflow's own files are copied in, as the profile asks for.

Source: https://w3id.org/ro/wfrun/workflow/0.5, https://w3id.org/ro/crate/1.1.
"""

import json
import mimetypes
import shutil
from collections.abc import Iterator
from pathlib import Path

from . import RESEARCH_USE, audit, provenance
from .paths import pipeline_root

CRATE_NAME = "ro-crate-metadata.json"
PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
WORKFLOW = "workflow/Snakefile"


def write(study_dir: str | Path) -> Path:
    """Describe a finished study: results/ro-crate-metadata.json, with the workflow's files in results/workflow.

    Parameters
    ----------
    study_dir : path
        The study folder.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    FileNotFoundError
        If the study was not run to its end.
    """
    folder = Path(study_dir)
    results = folder / "results"
    record = json.loads((results / provenance.FILE_NAME).read_text(encoding="utf-8"))
    _copy_workflow(results / "workflow")
    target = results / CRATE_NAME
    provenance.write_json(target, {"@context": CONTEXT, "@graph": list(_graph(results, record, _times(folder)))})
    return target


def _copy_workflow(target: Path) -> None:
    root = pipeline_root()
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    shutil.copyfile(root / "Snakefile", target / "Snakefile")
    for name in ("workflow/rules", "workflow/scripts", "workflow/envs", "workflow/report", "config"):
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(root / name, target / name, copy_function=shutil.copyfile, ignore=ignored)


def _times(folder: Path) -> tuple[str, str]:
    """Return start and end of the last finished run, UTC, from the audit log."""
    started = ended = ""
    last_start = ""
    for line in audit.read(folder):
        kind = line.entry["event"] if line.sound else ""
        if kind == "run_started":
            last_start = line.entry["time"]
        elif kind == "run_finished":
            started, ended = last_start, line.entry["time"]
    if not ended:
        raise FileNotFoundError("audit.jsonl tells of no finished run")
    return started.replace("Z", "+00:00"), ended.replace("Z", "+00:00")


def _graph(results: Path, record: dict, times: tuple[str, str]) -> Iterator[dict]:
    inputs = [_input(name, digest) for name, digest in provenance.by_name(record["inputs"]).items()]
    settings = [
        {"@id": f"#setting-{name}", "@type": "PropertyValue", "name": name, "value": json.dumps(value)}
        for name, value in provenance.flatten(record["configuration"]).items()
    ]
    parts = list(_parts(results, record["results"]))
    sources = [
        {
            "@id": path.relative_to(results).as_posix(),
            "@type": "File",
            "name": path.name,
            "encodingFormat": "text/plain",
        }
        for path in sorted((results / "workflow").rglob("*"))
        if path.is_file() and path != results / WORKFLOW
    ]
    yield {
        "@id": CRATE_NAME,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [_id("https://w3id.org/ro/crate/1.1"), _id(PROFILES[2])],
    }
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": f"hladr results: {record['study']}",
        "description": "Antibodies per monocyte, phenotype calls and patient courses from flow-cytometry files. "
        f"{RESEARCH_USE}.",
        "datePublished": times[1][:10],
        "license": "The owner of the study decides; hladr states none for its results.",
        "conformsTo": [_id(profile) for profile in PROFILES],
        "hasPart": [_id(WORKFLOW), *(_id(entity["@id"]) for entity in (*sources, *parts))],
        "mainEntity": _id(WORKFLOW),
        "mentions": _id("#run"),
    }
    for profile in PROFILES:
        yield {"@id": profile, "@type": "CreativeWork", "name": profile, "version": profile.rsplit("/", 1)[1]}
    yield {
        "@id": WORKFLOW,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "hladr",
        "version": record["software"]["hladr"],
        "encodingFormat": "text/plain",
        "license": "https://spdx.org/licenses/MIT",
        "programmingLanguage": _id("#snakemake"),
        "softwareRequirements": [_id(f"#software-{name}") for name in record["software"]],
    }
    yield {
        "@id": "#snakemake",
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "version": record["software"].get("snakemake", ""),
        "identifier": _id("https://doi.org/10.1093/bioinformatics/bts480"),
        "url": _id("https://snakemake.github.io"),
    }
    for name, version in record["software"].items():
        yield {"@id": f"#software-{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}
    yield {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "A run of hladr",
        "description": f"hladr {record['software']['hladr']} on the study {record['study']}",
        "instrument": _id(WORKFLOW),
        "startTime": times[0],
        "endTime": times[1],
        "actionStatus": _id("http://schema.org/CompletedActionStatus"),
        "object": [_id(entity["@id"]) for entity in (*inputs, *settings)],
        "result": [_id(entity["@id"]) for entity in parts],
    }
    yield from (*inputs, *settings, *sources, *parts)


def _input(name: str, digest: dict) -> dict:
    """Describe an input that stays outside the crate."""
    entity = {"@id": "#" + name.replace(" ", "-"), "@type": "CreativeWork", "name": name}
    if "sha256" in digest:
        return entity | {"sha256": digest["sha256"], "contentSize": str(digest["bytes"])}
    return entity | {"description": "no readable file"}


def _parts(results: Path, promised: dict[str, dict]) -> Iterator[dict]:
    """Describe the results: tables with their digests, other files, and each folder as one data set."""
    for path in sorted(results.iterdir()):
        if path.name.startswith(".") or path.name in (CRATE_NAME, "workflow", "batches"):
            continue
        if path.is_dir():
            yield {"@id": path.name + "/", "@type": "Dataset", "name": path.name}
            continue
        entity = {"@id": path.name, "@type": "File", "name": path.name, "contentSize": str(path.stat().st_size)}
        entity["encodingFormat"] = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if path.name in promised:
            entity["sha256"] = promised[path.name]["sha256"]
        yield entity


def _id(name: str) -> dict[str, str]:
    return {"@id": name}
