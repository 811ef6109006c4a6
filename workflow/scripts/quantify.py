"""All tubes and bead runs: antibodies per cell with their intervals, the bead runs, drift."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import write_quantification
from hladr.study import load_study

write_quantification(load_study(Path("."), snakemake.config), Path("results"))
