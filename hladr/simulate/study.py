"""Whole simulated studies: the demo, and studies of any size for tests and benchmarks."""

from pathlib import Path

from .demo import demo_plan
from .plan import write_plan

__all__ = ["write_demo"]


def write_demo(folder: str | Path, seed: int = 1) -> Path:
    """Write the demo study with its truth (`truth/`).

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    seed : int
        The same seed gives the same bytes.

    Returns
    -------
    Path
        The folder.
    """
    return write_plan(folder, demo_plan(seed), seed)
