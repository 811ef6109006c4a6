"""Figures of the whole study for Snakemake's own report."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.plots.study import write_figures
from hladr.study import load_study

write_figures(load_study(Path("."), snakemake.config), Path("results"))
