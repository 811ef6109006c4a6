"""Digests of the results that each run makes anew and that need not be identical: report, workbooks, database, figures.

The log keeps one digest for each file and each folder, so that it stays short for 10,000 tubes. What the folders held,
file by file, stands in results/folders.sha256, which `sha256sum -c` reads too; the folder's digest proves that list.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from .. import provenance
from ..atomic import write_text

LIST_NAME = "folders.sha256"
# Sealed elsewhere, or written on request.
_NOT_SEALED = {
    provenance.FILE_NAME,
    provenance.HEAD_NAME,
    LIST_NAME,
    "gates",
    "ro-crate-metadata.json",
    "workflow",
}

Digests = dict[str, "str | dict[str, str]"]


def digest_results(results_dir: str | Path) -> Digests:
    """Digest what is made anew by each run.

    Returns
    -------
    dict
        File name to SHA-256; folder name with a slash to its files, each by its path inside.
    """
    results = Path(results_dir)
    digests: Digests = {}
    for path in sorted(results.iterdir()):
        if path.name.startswith(".") or path.name in _NOT_SEALED or path.suffix == ".csv":
            continue
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            digests[path.name + "/"] = {file.relative_to(path).as_posix(): _sha256(file) for file in files}
        else:
            digests[path.name] = _sha256(path)
    return digests


def _sha256(path: Path) -> str:
    return str(provenance.file_digest(path).get("sha256"))


def brief(digest: str | Mapping[str, str]) -> str:
    """Return the one digest that the log keeps: of a folder, by the names and digests of its files."""
    if isinstance(digest, str):
        return digest
    lines = "".join(f"{name}\0{sha256}\n" for name, sha256 in digest.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def write_list(results_dir: str | Path, digests: Digests) -> None:
    """Write what the folders hold, in the order in which their digests are made."""
    folders = {name: files for name, files in digests.items() if not isinstance(files, str)}
    lines = (f"{sha256}  {folder}{name}\n" for folder, files in folders.items() for name, sha256 in files.items())
    write_text(Path(results_dir) / LIST_NAME, "".join(lines))


def read_list(results_dir: str | Path, folder: str) -> dict[str, str]:
    """Read what a folder held, as `digest_results` gives it; empty where nothing is kept (older results)."""
    try:
        lines = (Path(results_dir) / LIST_NAME).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return {}
    entries = (line.partition("  ")[::2] for line in lines)
    return {name.removeprefix(folder): sha256 for sha256, name in entries if name.startswith(folder)}


def difference(results_dir: str | Path, name: str, stated: str, found: str | Mapping[str, str] | None) -> str | None:
    """Say how a file or folder differs from the digest that the log keeps of it; None where it does not.

    Parameters
    ----------
    results_dir : path
    name : str
        As in `digest_results`.
    stated : str
        From the log.
    found : str, mapping or None
        From `digest_results`; None where it is not there.

    Notes
    -----
    A list of the folder's files that does not give the folder's digest is no witness: then the folder alone is named.
    """
    if found is None:
        return f"results/{name} is missing"
    if brief(found) == stated:
        return None
    listed = {} if isinstance(found, str) else read_list(results_dir, name)
    if listed and brief(listed) == stated:
        for file, sha256 in listed.items():
            if file not in found:
                return f"results/{name}{file} is missing"
            if found[file] != sha256:
                return f"results/{name}{file} was changed after the last run"
        added = [file for file in found if file not in listed]
        if added:
            return f"results/{name}{added[0]} is not a result of the last run"
    return f"results/{name} was changed after the last run"
