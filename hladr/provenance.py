"""What a result was made of: checksums of inputs and results, versions, settings, rules (results/provenance.json).

The file holds no time and no path of a specimen, so that equal runs write equal bytes; times are in audit.jsonl.
Specimen files are named by sample_id or bead_id, tables by their contract name, matrices by their laboratory.
"""

import contextlib
import hashlib
import json
import os
import platform
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from . import RESEARCH_USE, __version__
from .atomic import replacing
from .labs import matrix_path
from .paths import PACKAGE, pipeline_root
from .plan import batch_folders, file_stamp

FORMAT = "hladr provenance 1"
FILE_NAME = "provenance.json"
# No acquisition is this large. Beyond it only the size counts, or one sparse file would hold up a run for hours.
MAX_HASHED_BYTES = 8 * 1024**3
DIGESTS_NAME = "digests.json"
HEAD_NAME = "audit_head.json"
# What one input of each group is called in sentences.
SINGULAR = {
    "tables": "table",
    "matrices": "matrix of",
    "overrides": "override of",
    "tubes": "tube",
    "beads": "bead run",
}


def file_digest(path: str | Path | None) -> dict[str, object]:
    """Digest one file, streamed.

    Returns
    -------
    dict
        `{"bytes": int, "sha256": str}`; `{"missing": True}` where there is no file, `{"unreadable": True}` where what
        is there cannot be read as a file, `{"bytes": int, "too_large": True}` beyond `MAX_HASHED_BYTES`.
    """
    if path is None:
        return {"missing": True}
    try:
        status = os.stat(path)
        # A pipe or a device would block or never end.
        if not stat.S_ISREG(status.st_mode):
            return {"unreadable": True}
        if status.st_size > MAX_HASHED_BYTES:
            return {"bytes": status.st_size, "too_large": True}
        with open(path, "rb") as handle:
            return {"bytes": status.st_size, "sha256": hashlib.file_digest(handle, "sha256").hexdigest()}
    except (FileNotFoundError, NotADirectoryError):
        return {"missing": True}
    except OSError:
        return {"unreadable": True}


def file_digests(paths: Sequence[str | Path | None]) -> Iterator[dict[str, object]]:
    """Digest large files in their order, several at once: hashing leaves the interpreter free.

    Small ones, as results are, take half the time one after the other.
    """
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        yield from pool.map(file_digest, paths)


def digest_files(files: Mapping[str, Path | None]) -> dict[str, dict[str, object]]:
    """Digest the specimen files of a batch, before they are read.

    Parameters
    ----------
    files : mapping
        From sample_id or bead_id to the file; None where the table names none.
    """
    return {name: {"stamp": file_stamp(path) if path else None, **file_digest(path)} for name, path in files.items()}


def write_digests(target: str | Path, files: Mapping[str, Path | None], digests: Mapping[str, dict]) -> None:
    """Keep what `digest_files` found, after the batch has been read: it is what the results are made of.

    A file whose size or time differs by then changed under the reader: its digest is kept as `changed_while_read`.
    """
    kept = {}
    for name, digest in digests.items():
        path = files[name]
        same = digest["stamp"] == (file_stamp(path) if path else None)
        bare = {key: value for key, value in digest.items() if key != "stamp"}
        kept[name] = bare if same else {"changed_while_read": True}
    write_json(target, kept)


def kept_digests(study, results_dir: str | Path) -> dict[str, dict[str, dict]]:
    """Read what the batch jobs kept, group (`tubes`, `beads`) then id; empty where they kept nothing."""
    known: dict[str, dict[str, dict]] = {}
    for group, folders in batch_folders(study, results_dir).items():
        known[group] = {}
        for folder in folders:
            with contextlib.suppress(OSError, ValueError):
                known[group] |= json.loads((folder / DIGESTS_NAME).read_text(encoding="utf-8"))
    return known


def inputs_of(study) -> dict[str, dict[str, Path | None]]:
    """Name every file that the results depend on: group, then the name that may be shown, to its path.

    Specimen files carry their sample_id or bead_id, matrices their laboratory, tables their contract name.
    """
    folder = Path(study.folder)
    matrices = {lab: matrix_path(entry) for lab, entry in study.labs.items()}
    return {
        "tables": {name: folder / path for name, path in study.files.items()},
        "matrices": {lab: folder / path for lab, path in matrices.items() if path},
        "overrides": {sample_id: folder / override.path for sample_id, override in study.overrides.items()},
        "tubes": {tube.sample_id: folder / tube.fcs for tube in study.tubes if tube.fcs},
        "beads": {run.bead_id: folder / run.fcs if run.fcs else None for run in study.bead_runs},
    }


def digest_inputs(study, known: Mapping[str, Mapping[str, dict]] | None = None) -> dict[str, dict[str, dict]]:
    """Digest all inputs; specimen files in `known` (see `kept_digests`) count as what was read then, unread again."""
    known = known or {}
    return {
        group: {name: known.get(group, {}).get(name) or file_digest(path) for name, path in files.items()}
        for group, files in inputs_of(study).items()
    }


def digest_results(results_dir: str | Path) -> dict[str, dict]:
    """Digest every result that is promised identical between equal runs: the CSV tables and the gates."""
    results = Path(results_dir)
    files = sorted(results.glob("*.csv")) + sorted(results.glob("gates/**/*.xml"))
    files = [path for path in files if not path.name.startswith(".")]
    return {path.relative_to(results).as_posix(): file_digest(path) for path in files}


@cache
def sources_sha256() -> str:
    """Digest hladr's own code, data and workflow: the version number alone does not tell a changed checkout."""
    root = pipeline_root()
    files = [(f"hladr/{p.relative_to(PACKAGE).as_posix()}", p) for p in PACKAGE.rglob("*")]
    files += [(p.relative_to(root).as_posix(), p) for p in [root / "Snakefile", *(root / "workflow").rglob("*")]]
    total = hashlib.sha256()
    for name, path in sorted(dict(files).items()):
        if path.is_file() and path.suffix != ".pyc" and not name.startswith(("hladr/pipeline/", "hladr/.")):
            total.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def software() -> dict[str, str]:
    """Return the versions of Python, hladr and its direct dependencies."""
    from importlib import metadata  # here, for it costs each batch job more than the digests that it needs

    versions = {"python": platform.python_version(), "hladr": __version__, "hladr sources SHA-256": sources_sha256()}
    for requirement in metadata.requires("hladr") or []:
        if "extra ==" in requirement:
            continue
        name = re.match(r"[\w.\-]+", requirement).group()
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def by_name(inputs: Mapping[str, Mapping[str, dict]]) -> dict[str, dict]:
    """Flatten the groups of inputs to the names that sentences use: `tube S001`, `table samples`."""
    return {f"{SINGULAR[group]} {name}": digest for group, files in inputs.items() for name, digest in files.items()}


def flatten(settings: Mapping[str, object], above: str = "") -> dict[str, object]:
    """Flatten nested settings: `quantify.statistic`."""
    flat: dict[str, object] = {}
    for key, value in settings.items():
        nested = isinstance(value, Mapping) and value
        flat |= flatten(value, f"{above}{key}.") if nested else {f"{above}{key}": value}
    return flat


def build(study, results_dir: str | Path, rules: Mapping[str, str], known: Mapping[str, dict] | None = None) -> dict:
    """Put together what provenance.json says.

    Parameters
    ----------
    study : hladr.study.Study
        The study as the run read it.
    results_dir : path
        The finished results.
    rules : mapping
        Name of a rule to its text.
    known : mapping, optional
        Digests of specimen files as they were read, from `kept_digests`.
    """
    return {
        "format": FORMAT,
        "notice": f"{RESEARCH_USE}.",
        "study": study.config["study"],
        "software": software(),
        "seed": study.config["run"]["seed"],
        "configuration": study.config,
        "rules": dict(rules),
        "inputs": digest_inputs(study, known),
        "results": digest_results(results_dir),
    }


def write(study, results_dir: str | Path, rules: Mapping[str, str], known: Mapping[str, dict] | None = None) -> None:
    """Write results/provenance.json atomically; parameters as for `build`."""
    write_json(Path(results_dir) / FILE_NAME, build(study, results_dir, rules, known))


def write_json(target: str | Path, value: object) -> None:
    """Write JSON atomically: one entry per line, keys in the order given, the same bytes for the same value."""
    with replacing(target) as temporary, open(temporary, "w", encoding="utf-8") as handle:
        json.dump(value, handle, ensure_ascii=False, indent=1)
        handle.write("\n")
        handle.flush()
        os.fsync(handle.fileno())
