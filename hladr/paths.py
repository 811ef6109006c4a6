"""Where the workflow, its defaults and the package's data files lie, in a checkout and in an installed wheel."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def pipeline_root() -> Path:
    """Return the folder that holds Snakefile, workflow/ and config/: the checkout's root, else the wheel's copy."""
    checkout = PACKAGE.parent
    return checkout if (checkout / "Snakefile").is_file() else PACKAGE / "pipeline"


def data_file(name: str) -> Path:
    """Return the path of a data file shipped with the package."""
    return PACKAGE / "data" / name
