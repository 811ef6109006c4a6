"""`hladr init`: an empty study to fill in."""

import csv
import io
from pathlib import Path

from ..paths import data_file, pipeline_root
from . import OPTIONAL_TABLES, REQUIRED_TABLES
from .config import schema
from .types import SOFA_DAYS

_PATHS = {**{name: f"{name}.csv" for name in REQUIRED_TABLES}, **OPTIONAL_TABLES}
_LIKE_THE_FIRST = frozenset(f"sofa_d{day}" for day in SOFA_DAYS[1:])
_TITLES = {
    "samples": "samples.csv: one row per stained tube",
    "beads": "beads.csv: one row per bead acquisition",
    "bead_lots": "bead_lots.csv: one row per bead level of a lot, from the lot's certificate",
    "ferritin": "ferritin.csv: one row per blood value, as the laboratory delivered it",
    "overrides": "overrides/overrides.csv (optional): one row per gate drawn by a reviewer, overrides/SAMPLE_ID.xml",
    "releases": "releases.csv (optional): one row per decision of a reviewer",
    "outcomes": "outcomes.csv (optional): one row per patient",
}


# the example study has no gate drawn by hand, and a row without its file is a mistake
_OVERRIDE = "\nATH-001-d1,M. Weber,debris inside the automatic gate,2024-03-02"


def init_study(folder: str | Path) -> None:
    """Write every table with its header, labs.yaml and config.yaml with commented examples, and a README.

    Parameters
    ----------
    folder : path
        Made if it does not exist.

    Raises
    ------
    FileExistsError
        If there is something in it already: nothing is overwritten.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir())):
        raise FileExistsError(f"{folder.name} is not an empty folder; name a new one: nothing is overwritten")
    for place in (folder, folder / "fcs", folder / "overrides"):
        place.mkdir(parents=True, exist_ok=True)
    for name, path in _PATHS.items():
        (folder / path).write_text(_row(schema(name)["properties"]), encoding="utf-8")
    for name in ("config.yaml", "labs.yaml"):
        (folder / name).write_text(data_file(f"templates/{name}").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "README.md").write_text(_readme(), encoding="utf-8")


def _readme() -> str:
    """Join the introduction with each table's columns and its rows of config/example."""
    parts = [data_file("templates/README.md").read_text(encoding="utf-8").rstrip()]
    for name, path in _PATHS.items():
        rules = schema(name)
        rows = (pipeline_root() / "config" / "example" / path).read_text(encoding="utf-8").strip()
        rows += _OVERRIDE if name == "overrides" else ""
        columns = [
            f"- `{column}`{'' if column in rules['required'] else ' (optional)'}: {spec['description']}"
            for column, spec in rules["properties"].items()
            if column not in _LIKE_THE_FIRST
        ]
        parts += [f"## {_TITLES[name]}", "\n".join(columns), f"```csv\n{rows}\n```"]
    labs = (pipeline_root() / "config" / "example" / "labs.yaml").read_text(encoding="utf-8").strip()
    parts += ["## labs.yaml: one entry per central laboratory", f"```yaml\n{labs}\n```"]
    return "\n\n".join(parts) + "\n"


def _row(cells) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
